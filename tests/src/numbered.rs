//! Numbered frames from one host to another, while something goes on that is to do them no harm.

use crate::command::Background;
use crate::frame::{self, Mac};
use crate::netns::Netns;
use crate::site::MARKED;
use crate::{Result, wait};
use std::io::Write;
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;

/// A frame each millisecond, with its number behind the headers, as long as few are on their way: a
/// machine that gives the switch no turn for a while is not to fill the rings before it, of which it
/// knows nothing. For each line the last number is said; an empty one is the end.
const SEND: &str = "\
import os, select, socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
seen = [os.open(path, os.O_RDONLY) for path in sys.argv[4:]]
head, window, count, line = bytes.fromhex(sys.argv[2]), int(sys.argv[3]), 0, '?'
while line.strip():
    if count - sum(os.fstat(file).st_size // 11 - 1 for file in seen) < window:
        count += 1
        s.send(head + struct.pack('>I', count) + bytes(42))
    if select.select([sys.stdin], [], [], 0.001)[0]:
        # All that was asked is read before the answer: what is read beyond a line cannot be selected.
        line = sys.stdin.readline()
        print(count, flush=True)
";

/// Frames that are on their way at most: fewer than any ring has room for.
const WINDOW: u32 = 128;

/// A line of eleven bytes for each frame that comes, which is its number, after one of zeros.
const RECEIVE: &str = "\
import socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], int(sys.argv[2])))
number = 0
while True:
    print(f'{number:010}', flush=True)
    number, = struct.unpack('>I', s.recv(2048)[14:18])
";

/// How long frames are waited for that should not be there.
const SETTLE: Duration = Duration::from_millis(500);

/// One end of the way: a host, its device there, and the device's MAC.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// The host.
    pub host: &'a Netns,
    /// The device by which frames leave it or come in.
    pub device: &'a str,
    /// The station.
    pub mac: Mac,
}

/// While `work` goes on, frames pass between the two as they do without: none is lost, doubled or
/// overtaken. Gives what `work` does, and how many frames there were.
///
/// # Errors
/// Those of `work`; or what became of the frames.
pub fn during<T>(from: End, to: End, work: impl FnOnce() -> Result<T>) -> Result<(T, usize)> {
    let receiver = Receiver::start(to.host, to.device)?;
    let sender = Sender::start(from, to.mac, &[&receiver])?;
    let done = work();
    let sent = sender.stop()?;
    let done = done?;
    let numbers = receiver.all(sent as usize)?;
    if numbers.iter().copied().eq(1..=sent) {
        return Ok((done, numbers.len()));
    }
    let came = numbers.len();
    Err(format!("of {sent} frames {came} came: some were lost, doubled or overtaken").into())
}

/// Who takes down the numbers of frames that come.
#[derive(Debug)]
pub struct Receiver {
    process: Background,
    /// What it says is in a file here.
    _dir: TempDir,
}

impl Receiver {
    /// Begins to listen on a device of a host.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(host: &Netns, device: &str) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let mut command = host.command("python3");
        command.args(["-c", RECEIVE, device, &MARKED.to_string()]);
        let process = Background::start(&mut command, dir.path(), "receiver")?;
        let receiver = Receiver { process, _dir: dir };
        let listens = || Ok(!receiver.process.stdout().is_empty());
        wait::until_true("the receiver to listen", listens)
            .map_err(|error| format!("{error}: {}", receiver.process.stderr()))?;
        Ok(receiver)
    }

    /// The numbers of the frames that came so far, in the order in which they came.
    ///
    /// # Errors
    /// What it wrote is no list of numbers.
    pub fn numbers(&self) -> Result<Vec<u32>> {
        let out = self.process.stdout();
        let whole = out.len() - out.len() % 11;
        let lines = out.get(11..whole).unwrap_or_default().lines();
        lines.map(|line| Ok(line.parse()?)).collect()
    }

    /// Waits for so many frames, and a moment for those that should not be there.
    ///
    /// # Errors
    /// They do not come.
    pub fn all(&self, count: usize) -> Result<Vec<u32>> {
        wait::until(&format!("{count} numbered frames"), wait::LONG, || {
            Ok((self.numbers()?.len() >= count).then_some(()))
        })
        .map_err(|error| {
            let came = self.numbers().unwrap_or_default();
            let gaps = (1..).zip(&came).find(|(sent, came)| sent != *came);
            format!(
                "{error}: {} came, the first that differs: {gaps:?}",
                came.len()
            )
        })?;
        std::thread::sleep(SETTLE);
        self.numbers()
    }
}

/// Who sends numbered frames.
#[derive(Debug)]
pub struct Sender {
    process: Background,
    /// How often it was asked.
    asked: usize,
    /// What it says is in a file here.
    _dir: TempDir,
}

impl Sender {
    /// Begins to send to a station, whose frames these receive; if nobody does, without a look at how
    /// many are on their way.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(from: End, to: Mac, receivers: &[&Receiver]) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let head = frame::ethernet(to, from.mac, MARKED, &[]);
        let head: String = head.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut command = from.host.command("python3");
        let window = if receivers.is_empty() {
            u32::MAX
        } else {
            WINDOW
        };
        command.args(["-c", SEND, from.device, &head, &window.to_string()]);
        command.args(receivers.iter().map(|to| to.process.stdout_file()));
        command.stdin(Stdio::piped());
        let process = Background::start(&mut command, dir.path(), "sender")?;
        Ok(Sender {
            process,
            asked: 0,
            _dir: dir,
        })
    }

    /// The number of the last frame that it has sent: those beyond are sent after this was asked.
    ///
    /// # Errors
    /// It has ended.
    pub fn count(&mut self) -> Result<u32> {
        self.say("?")?;
        let asked = self.asked;
        let said = wait::until("the sender to say how far it is", wait::LONG, || {
            let out = self.process.stdout();
            let whole = out.ends_with('\n');
            let line = out.lines().nth(asked - 1).filter(|_| whole);
            match self.process.ended()? {
                Some(_) if line.is_none() => Err(self.ended().into()),
                _ => Ok(line.map(str::to_owned)),
            }
        })?;
        Ok(said.parse()?)
    }

    /// Ends, and gives how many frames there were.
    ///
    /// # Errors
    /// It has ended before.
    pub fn stop(mut self) -> Result<u32> {
        self.say("")?;
        self.process.wait(wait::LONG)?;
        let out = self.process.stdout();
        let last = out.lines().last().ok_or("the sender said nothing")?;
        Ok(last.parse()?)
    }

    fn say(&mut self, line: &str) -> Result {
        let stdin = self.process.stdin().ok_or("the sender has no input")?;
        let said = writeln!(stdin, "{line}");
        said.map_err(|_| self.ended())?;
        self.asked += 1;
        Ok(())
    }

    fn ended(&self) -> String {
        format!("the sender has ended: {}", self.process.stderr())
    }
}
