//! Traffic between hosts, and what arrived of it.

use crate::command::Background;
use crate::netns::Netns;
use crate::{Result, pcap, wait};
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

/// What ping counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ping {
    /// Requests sent.
    pub sent: u32,
    /// Answers received, without duplicates.
    pub received: u32,
    /// Answers beyond the first to a request.
    pub duplicates: u32,
}

impl Ping {
    /// That every request had its one answer.
    ///
    /// # Errors
    /// If not, with the counts.
    pub fn all(self) -> Result<Self> {
        if self.received == self.sent && self.duplicates == 0 {
            return Ok(self);
        }
        Err(format!("not every ping had one answer: {self:?}").into())
    }

    /// That nothing came back.
    ///
    /// # Errors
    /// If something did, with the counts.
    pub fn none(self) -> Result<Self> {
        if self.received == 0 {
            return Ok(self);
        }
        Err(format!("there should have been no answer: {self:?}").into())
    }

    fn parse(output: &str) -> Result<Self> {
        let line = output
            .lines()
            .find(|line| line.contains(" packets transmitted"))
            .ok_or_else(|| format!("ping did not finish: {output}"))?;
        let number_before = |word: &str| {
            let at = line.find(word)?;
            line[..at]
                .split([' ', '+'])
                .rfind(|word| !word.is_empty())?
                .parse()
                .ok()
        };
        Ok(Self {
            sent: number_before(" packets transmitted").unwrap_or(0),
            received: number_before(" received").unwrap_or(0),
            duplicates: number_before(" duplicates").unwrap_or(0),
        })
    }
}

/// Sends `count` echo requests with `payload` bytes each and waits up to 10 s for the last answer.
///
/// # Errors
/// If ping could not run; lost packets are no error here.
pub fn ping(from: &Netns, to: &str, count: u32, payload: u32) -> Result<Ping> {
    ping_with(from, to, count, &["-s", &payload.to_string(), "-W", "10"])
}

/// As [`ping`], with arguments of ping's own.
///
/// Once there is an answer, ping waits for the others no longer than twice the slowest took, or one
/// interval. Where everything shares few CPUs that has to be long; so all requests go out at once.
///
/// # Errors
/// As [`ping`].
pub fn ping_with(from: &Netns, to: &str, count: u32, args: &[&str]) -> Result<Ping> {
    let mut command = from.command("ping");
    let count = count.to_string();
    command
        .args(["-n", "-q", "-c", &count, "-l", &count, "-i", "10"])
        .args(args)
        .arg(to);
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    Ping::parse(&text)
}

/// Pings until there is an answer.
///
/// # Errors
/// If there never is one.
pub fn reach(from: &Netns, to: &str) -> Result {
    wait::until_ok(|| ping_with(from, to, 1, &["-W", "1"])?.all()).map(drop)
}

/// What iperf3 counted at the receiving end.
#[derive(Clone, Copy, Debug)]
pub struct Iperf {
    /// Payload bytes that arrived.
    pub bytes: u64,
    /// UDP only: datagrams sent and datagrams lost.
    pub datagrams: Option<(u64, u64)>,
}

/// Runs iperf3 for two seconds from one host to another.
///
/// # Errors
/// If either end fails, or nothing arrived.
pub fn iperf3(from: &Netns, to: &Netns, address: &str, args: &[&str]) -> Result<Iperf> {
    let dir = tempfile::tempdir()?;
    let mut server = to.command("iperf3");
    server.args(["-s", "-1", "--forceflush"]);
    let server = Background::start(&mut server, dir.path(), "iperf3")?;
    wait::until_true("iperf3 to listen", || {
        Ok(server.stdout().contains("listening"))
    })?;
    let mut client = from.command("iperf3");
    client
        .args(["-c", address, "-J", "-t", "2", "--connect-timeout", "30000"])
        .args(args);
    let output = client.output()?;
    let report: Value = serde_json::from_slice(&output.stdout)?;
    if let Some(error) = report["error"].as_str() {
        return Err(format!("iperf3 {args:?}: {error}").into());
    }
    parse_iperf3(&report)
}

fn parse_iperf3(report: &Value) -> Result<Iperf> {
    let end = &report["end"];
    let udp = end["sum"]["lost_packets"]
        .as_u64()
        .zip(end["sum"]["packets"].as_u64());
    let bytes = match udp {
        Some(_) => end["streams"][0]["udp"]["bytes"].as_u64(),
        None => end["sum_received"]["bytes"].as_u64(),
    };
    let bytes = bytes.ok_or_else(|| format!("iperf3 reports no bytes: {report}"))?;
    let datagrams = udp.map(|(lost, sent)| (sent, lost));
    if bytes == 0 || datagrams.is_some_and(|(sent, lost)| sent <= lost) {
        return Err(format!("nothing arrived: {report}").into());
    }
    Ok(Iperf { bytes, datagrams })
}

/// tcpdump on a device of a host, writing a file.
#[derive(Debug)]
pub struct Capture {
    process: Background,
    file: PathBuf,
    // Held for its files.
    _dir: TempDir,
}

impl Capture {
    /// Starts to capture frames that match a filter, and returns when the capture runs.
    ///
    /// # Errors
    /// If tcpdump does not start.
    pub fn start(host: &Netns, device: &str, filter: &str) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("capture.pcap");
        let mut command = host.command("tcpdump");
        // As root: a user of lower rights could not write into our directory.
        command.args([
            "-n",
            "-U",
            "-Z",
            "root",
            "--immediate-mode",
            // Immediate mode takes a slot of the longest frame for each, whatever its direction:
            // libpcap's 2 MiB are 32 of 64 KiB, fewer than come while tcpdump gets no turn.
            "-B",
            "65536",
            "-s",
            "9216",
            "-i",
            device,
            "-w",
        ]);
        command.arg(&file).args(filter.split_whitespace());
        let process = Background::start(&mut command, dir.path(), "tcpdump")?;
        wait::until_true("tcpdump to listen", || {
            Ok(process.stderr().contains("listening on"))
        })?;
        Ok(Self {
            process,
            file,
            _dir: dir,
        })
    }

    /// The frames so far.
    ///
    /// # Errors
    /// If the file is broken.
    pub fn frames(&self) -> Result<Vec<Vec<u8>>> {
        pcap::read(&self.file)
    }

    /// Waits for at least so many frames and gives them.
    ///
    /// # Errors
    /// If they do not come.
    pub fn wait(&self, count: usize) -> Result<Vec<Vec<u8>>> {
        wait::until(&format!("{count} captured frames"), wait::LONG, || {
            let frames = self.frames()?;
            Ok((frames.len() >= count).then_some(frames))
        })
        .map_err(|error| format!("{error}; tcpdump said: {}", self.process.stderr()).into())
    }

    /// Waits a moment for frames that should not be there, then gives all.
    ///
    /// # Errors
    /// If the file is broken.
    pub fn settle(&self) -> Result<Vec<Vec<u8>>> {
        std::thread::sleep(Duration::from_millis(500));
        self.frames()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ping_is_counted() {
        let text = "--- 10.0.0.2 ping statistics ---\n\
                    3 packets transmitted, 2 received, +1 duplicates, 33% packet loss, time 2ms\n";
        let ping = Ping::parse(text).unwrap();
        assert_eq!(
            ping,
            Ping {
                sent: 3,
                received: 2,
                duplicates: 1
            }
        );
        assert!(ping.all().is_err());
        assert!(ping.none().is_err());
        assert!(
            Ping {
                received: 3,
                duplicates: 0,
                ..ping
            }
            .all()
            .is_ok()
        );
        assert!(Ping::parse("ping: unknown host").is_err());
    }

    #[test]
    fn iperf3_with_nothing_received_is_an_error() {
        let tcp = |bytes: u64| json!({"end": {"sum_received": {"bytes": bytes}}});
        assert_eq!(parse_iperf3(&tcp(7)).unwrap().bytes, 7);
        assert!(parse_iperf3(&tcp(0)).is_err());
        let udp = |lost: u64| {
            json!({"end": {"streams": [{"udp": {"bytes": 9}}],
                "sum": {"packets": 10, "lost_packets": lost}}})
        };
        assert_eq!(parse_iperf3(&udp(4)).unwrap().datagrams, Some((10, 4)));
        assert!(parse_iperf3(&udp(10)).is_err());
    }
}
