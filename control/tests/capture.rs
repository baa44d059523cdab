//! `overpath capture` as a process, before a server whose worker and state thread are only played.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of a test that cannot go on fails the test"
)]

#[path = "common/readers.rs"]
mod readers;

use control::api::messages::{Capture, Method, Reply};
use control::api::{Refused, RequestReceiver, Server, Settings, requests};
use control::trace::clock::Look;
use control::trace::pcapng::{Packet as Written, Writer};
use control::trace::recording::{Feed, Watched};
use fastpath::action::Verdict;
use fastpath::ids::{PortId, WorkerId};
use fastpath::io::Pool;
use fastpath::io::heap::HeapPool;
use fastpath::trace::note::{Decided, Moment, Side};
use fastpath::trace::tap::{Limits, Tap, tap};
use fastpath::trace::watch::Watch;
use fastpath::trace::wish::{PortSet, Wish};
use fastpath::wire::{Mac, craft};
use readers::printed;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// The last line of what is whole, behind the number of packets.
const END: &str = " packets, 0 lost; the filter looked at 9 packets, 21 cycles each\n";

fn watched(capture: &Capture) -> (Tap, Feed) {
    let limits = Limits {
        snap: capture.snap.get().into(),
        ..Limits::default()
    };
    let (tap, reader) = tap(Wish::everything(PortSet::ALL), limits);
    reader.stats().asked.add(9);
    reader.stats().ticks.add(190);
    let feed = Feed {
        of: "port lan".into(),
        ports: vec![Watched {
            id: PortId::new(0).unwrap(),
            name: "lan".into(),
            device: "heap0".into(),
        }],
        readers: vec![(WorkerId::new(0), reader)],
        snap: capture.snap,
        count: capture.count,
        since: Look::now(),
    };
    (tap, feed)
}

/// What comes in.
fn frame() -> Vec<u8> {
    let hosts = [1, 2].map(|last| (Mac::new([2, 0, 0, 0, 0, last]), [10, 0, 0, last].into()));
    craft::Pair::new(hosts[0], hosts[1]).udp(5000, 5001, &[0; 50])
}

/// Four packets come in one after the other.
fn copy(tap: &mut Tap) {
    let packet = HeapPool::new(1).alloc(&frame()).unwrap();
    for _ in 0..4 {
        let (now, port) = (fastpath::cpu::ticks(), PortId::new(0).unwrap());
        let moment = Moment {
            verdict: Some(Verdict::Forwarded),
            decided: Some(Decided::Entry(7)),
            ..Moment::new(now, port, Side::Received)
        };
        tap.offer(&moment, &packet);
    }
}

/// Four packets come in for each capture of `lan`; there is no other port. Each tap is kept until its
/// reader is gone.
fn play(receiver: RequestReceiver) {
    for request in receiver {
        let Method::CaptureStart(capture) = &request.method else {
            panic!("another request: {request:?}");
        };
        if !capture.of.to_string().ends_with("lan") {
            let why = Refused(format!("there is no {}", capture.of));
            request.refuse(why);
            continue;
        }
        let (mut tap, feed) = watched(capture);
        // Before anybody can end it.
        copy(&mut tap);
        request.answer(Reply::Capturing(Box::new(feed)));
        std::thread::spawn(|| {
            let mut watch = Watch::default();
            assert!(watch.add(Box::new(tap)).is_ok());
            while watch.abandoned().is_none() {
                std::thread::yield_now();
            }
        });
    }
}

fn serve(folder: &Path) -> Server {
    let (sender, receiver) = requests(16);
    std::thread::spawn(|| play(receiver));
    Server::start(&folder.join("sock"), sender, Settings::default()).unwrap()
}

fn overpath(folder: &Path, words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_overpath"));
    command
        .current_dir(folder)
        .args(["--socket", "sock", "capture"])
        .args(words.split(' '))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(folder: &Path, words: &str) -> Output {
    overpath(folder, words).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// One that goes on, once it has begun.
fn going_on(folder: &Path, words: &str) -> Child {
    let mut child = overpath(folder, words).spawn().unwrap();
    // Byte by byte, so that the rest is left.
    let (mut line, errors) = (Vec::new(), child.stderr.as_mut().unwrap());
    while line.last() != Some(&b'\n') {
        let mut byte = [0];
        errors.read_exact(&mut byte).unwrap();
        line.extend(byte);
    }
    assert_eq!(text(&line), "capturing port lan; Ctrl-C ends it\n");
    child
}

fn signal(child: &Child, name: &str) {
    let kill = format!("kill -{name} {}", child.id());
    let killed = Command::new("sh").args(["-c", &kill]).status().unwrap();
    assert!(killed.success());
}

/// How many packets there are in a file, as far as a program says that reads it.
fn packets(file: &[u8]) -> Option<usize> {
    let read =
        |program, arguments: &[&str]| Some(printed(program, arguments, file)?.lines().count());
    let tcpdump = read("tcpdump", &["-n", "-r", "-", "udp port 5001"])?;
    let tshark = read(
        "tshark",
        &[
            "-n",
            "-r",
            "-",
            "-Y",
            "frame.comment contains \"entry 0:7\"",
        ],
    )?;
    assert_eq!(tcpdump, tshark);
    Some(tcpdump)
}

fn assert_packets(file: &[u8], expected: usize) {
    if let Some(found) = packets(file) {
        assert_eq!(found, expected);
    }
}

#[test]
fn a_capture_goes_to_a_file_until_there_are_enough_packets() {
    let folder = tempfile::tempdir().unwrap();
    let _server = serve(folder.path());
    let file = folder.path().join("x.pcapng");
    std::fs::write(&file, "what was there before ".repeat(1000)).unwrap();
    let output = run(folder.path(), "lan -w x.pcapng -c 3");
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    assert!(errors.ends_with(&format!("\n3{END}")), "{errors}");
    assert_eq!(output.stdout, b"");
    assert_packets(&std::fs::read(&file).unwrap(), 3);
}

#[test]
fn a_capture_goes_through_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let _server = serve(folder.path());
    for words in ["lan -c 4", "port lan -c 4 -w -"] {
        let output = run(folder.path(), words);
        assert_eq!(output.status.code(), Some(0));
        assert_packets(&output.stdout, 4);
    }
    let kept = run(folder.path(), "lan -c 4 --snap 14").stdout;
    let whole = run(folder.path(), "lan -c 4").stdout;
    assert!(kept.len() < whole.len() && !kept.is_empty());
}

#[test]
fn an_interrupt_ends_it_and_the_file_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let _server = serve(folder.path());
    for name in ["INT", "TERM"] {
        let child = going_on(folder.path(), "lan -w x.pcapng");
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        let errors = text(&output.stderr);
        let end = format!("4{END}");
        assert_eq!((output.status.code(), errors), (Some(0), end));
        assert_packets(&std::fs::read(folder.path().join("x.pcapng")).unwrap(), 4);
    }
}

#[test]
fn if_the_daemon_stops_the_file_is_whole_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path());
    let child = going_on(folder.path(), "lan -w x.pcapng");
    drop(server);
    let output = child.wait_with_output().unwrap();
    let end = format!("4{}; the daemon stopped\n", END.trim_end());
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), end));
    assert_packets(&std::fs::read(folder.path().join("x.pcapng")).unwrap(), 4);
}

/// A daemon that is killed behind the fourth packet, within a block.
fn be_killed(listener: &UnixListener) {
    let (mut stream, _) = listener.accept().unwrap();
    BufReader::new(&stream)
        .read_line(&mut String::new())
        .unwrap();
    let told = r#"{"of":"port lan","interfaces":["lan"],"link_type":"ethernet"}"#;
    writeln!(stream, r#"{{"jsonrpc":"2.0","id":1,"result":{told}}}"#).unwrap();
    let mut writer = Writer::new(Vec::new(), "a test", 65_535).unwrap();
    let interface = writer.interface("lan", "heap0").unwrap();
    let frame = frame();
    for _ in 0..5 {
        let packet = Written {
            interface,
            time: 0,
            direction: None,
            queue: None,
            len: frame.len() as u32,
            bytes: &frame,
            lost: 0,
            comment: "decided by entry 0:7",
        };
        writer.packet(&packet).unwrap();
    }
    let file = writer.into_inner();
    stream.write_all(&file[..file.len() - 1]).unwrap();
}

#[test]
fn if_the_daemon_goes_away_what_came_before_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(folder.path().join("sock")).unwrap();
    let daemon = std::thread::spawn(move || be_killed(&listener));
    let output = run(folder.path(), "lan -w x.pcapng");
    daemon.join().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let end =
        "\n4 packets, 0 lost\noverpath: the daemon went away; the file has what came before\n";
    let errors = text(&output.stderr);
    assert!(errors.ends_with(end), "{errors}");
    assert_packets(&std::fs::read(folder.path().join("x.pcapng")).unwrap(), 4);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let _server = serve(folder.path());
    let mut command = overpath(folder.path(), "lan");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command.stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn what_is_refused_leaves_the_file_alone() {
    let folder = tempfile::tempdir().unwrap();
    let _server = serve(folder.path());
    let file = folder.path().join("x.pcapng");
    std::fs::write(&file, "before").unwrap();
    let output = run(folder.path(), "bridge br0 -w x.pcapng");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), "overpath: there is no bridge br0\n");
    assert_eq!(std::fs::read(&file).unwrap(), b"before");
    let output = run(folder.path(), "lan -c 1 -w nowhere/x.pcapng");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("overpath: nowhere/x.pcapng: cannot write the capture: ")
    );
}

/// util-linux's `script` gives it one.
#[test]
fn a_terminal_gets_a_hint_and_no_capture() {
    let folder = tempfile::tempdir().unwrap();
    let _server = serve(folder.path());
    let binary = env!("CARGO_BIN_EXE_overpath");
    let words = format!("{binary} --socket sock capture lan");
    let script = Command::new("script")
        .current_dir(folder.path())
        .args(["-qec", &words, "/dev/null"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut script) = script else {
        return eprintln!("SKIPPED: script is not installed");
    };
    let mut line = String::new();
    let mut shown = BufReader::new(script.stdout.take().unwrap());
    shown.read_line(&mut line).unwrap();
    let hint = "say -w FILE, or send it through a pipe: | tcpdump -n -r -";
    assert!(line.trim_end().ends_with(hint), "{line}");
    assert_eq!(script.wait().unwrap().code(), Some(2));
}
