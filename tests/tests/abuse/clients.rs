//! The clients that do not behave: each kind of abuse, done to the socket of a daemon.

use super::other::Served;
use overpath_tests::command::Background;
use overpath_tests::rpc::Connection;
use overpath_tests::{Result, wait};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

const VERSION: &str = "{\"jsonrpc\":\"2.0\",\"method\":\"version\",\"id\":1}\n";
const DUMP: &str = "{\"jsonrpc\":\"2.0\",\"method\":\"fdb.show\",\"id\":1}\n";
/// Answers that the other client has to get while something goes on.
pub(crate) const MEANWHILE: usize = 20;
/// Clients that ask and do not read, with room for others.
const LOOKING: usize = 50;
/// More connections than there is room for.
const MANY: usize = 1_000;

const PARSE: i64 = -32700;
const INVALID_REQUEST: i64 = -32600;
const INVALID_PARAMS: i64 = -32602;
const BUSY: i64 = -32000;
const TIMEOUT: i64 = -32002;

/// Where it is done, and the one who is served meanwhile.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) socket: &'a Path,
    pub(crate) served: &'a Served,
    /// Static entries in the forwarding table.
    pub(crate) entries: usize,
}

pub(crate) type Abuse = fn(Place<'_>) -> Result;

/// By name, in the order in which they are done.
pub(crate) const ALL: [(&str, Abuse); 10] = [
    ("lines of 100 MB", long_lines),
    ("requests of 30 MB", long_requests),
    ("answers that nobody takes", long_answers),
    ("nonsense", nonsense),
    ("1,000 idle", idle),
    ("1,000 busy", busy),
    ("half-closed", half_closed),
    ("a byte a second", drip),
    ("killed within a dump", killed_within_a_dump),
    ("killed while it listens", killed_while_it_listens),
];

impl Place<'_> {
    fn connect(&self) -> Result<Connection> {
        Connection::open(self.socket)
    }
}

/// The code of the error that comes next.
fn error(client: &mut Connection) -> Result<Option<i64>> {
    let line = client.line()?.ok_or("closed without a word")?;
    Ok(line["error"]["code"].as_i64())
}

/// Sends what the daemon still takes, and says how much that was.
fn offer(client: &Connection, piece: &[u8], most: usize) -> usize {
    let mut sent = 0;
    while sent < most && client.stream().write_all(piece).is_ok() {
        sent += piece.len();
    }
    sent
}

/// One that may be short only, and one that may be long.
fn long_lines(place: Place<'_>) -> Result {
    let piece = vec![b'x'; 1 << 16];
    let long = "{\"jsonrpc\":\"2.0\",\"method\":\"config.check\",\"id\":1,\"params\":{\"text\":\"";
    for (begin, most) in [("", 2 << 20), (long, 34 << 20)] {
        let mut client = place.connect()?;
        client.stream().write_all(begin.as_bytes())?;
        let sent = offer(&client, &piece, 100_000_000);
        assert!(sent <= most, "{sent} bytes were taken");
        assert_eq!(error(&mut client)?, Some(INVALID_REQUEST));
        place.served.wait(1)?;
    }
    Ok(())
}

/// Lines that end, and are gone through to their ends: a file that is only a comment, and what is no JSON
/// after all.
fn long_requests(place: Place<'_>) -> Result {
    let head = "{\"jsonrpc\":\"2.0\",\"method\":\"config.check\",\"id\":1,\"params\":";
    let comment = format!("{{\"text\":\"#{}\"}}}}", "x".repeat(30_000_000));
    let numbers = "1,".repeat(15_000_000);
    for _ in 0..3 {
        for (params, code) in [
            (&comment, None),
            (&format!("[{numbers}]}}"), Some(PARSE)),
            (&format!("[{numbers}1]"), Some(PARSE)),
        ] {
            let mut client = place.connect()?;
            for part in [head, params, "\n"] {
                client.stream().write_all(part.as_bytes())?;
            }
            assert_eq!(error(&mut client)?, code);
            place.served.wait(1)?;
        }
    }
    Ok(())
}

/// Four have theirs in memory, and the others are told to ask again. So are those who come later, until
/// the first ones are cut off.
fn long_answers(place: Place<'_>) -> Result {
    let export = VERSION.replace("version", "config.export");
    let clients = (0..LOOKING).map(|_| place.connect());
    let mut clients = clients.collect::<Result<Vec<_>>>()?;
    for client in &clients {
        client.stream().write_all(export.as_bytes())?;
    }
    place.served.wait(MEANWHILE)?;
    // Longer than somebody waits for its turn.
    thread::sleep(Duration::from_secs(2));
    let mut busy = 0;
    for client in &mut clients {
        // Who is at its beginning is one that has an answer, all of which does not fit into a socket.
        let mut begin = [0; 60];
        client.stream().read_exact(&mut begin)?;
        busy += usize::from(String::from_utf8_lossy(&begin).contains(&BUSY.to_string()));
    }
    assert_eq!(busy, LOOKING - 4);
    place.served.wait(1)
}

/// Each is refused, and the next request on the same connection is answered.
fn nonsense(place: Place<'_>) -> Result {
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    let deep_params = VERSION
        .trim_end()
        .replace("\"id\"", &format!("\"params\":{deep},\"id\""));
    let twice = VERSION.trim_end().replace("\"id\":1", "\"id\":1,\"id\":2");
    let twice_within = DUMP
        .trim_end()
        .replace('}', ",\"params\":{\"mac\":\"a\",\"mac\":\"b\"}}");
    let within = VERSION.trim_end().replace("version", "ver\0sion");
    for (line, codes) in [
        (b"\0".to_vec(), [PARSE, PARSE]),
        (within.into_bytes(), [PARSE, PARSE]),
        (b"\xff\xfe{}".to_vec(), [PARSE, PARSE]),
        (deep.into_bytes(), [PARSE, INVALID_REQUEST]),
        (deep_params.into_bytes(), [PARSE, INVALID_PARAMS]),
        (twice.into_bytes(), [INVALID_REQUEST; 2]),
        (twice_within.into_bytes(), [INVALID_PARAMS; 2]),
    ] {
        let mut client = place.connect()?;
        for _ in 0..20 {
            client.stream().write_all(&[&line[..], b"\n"].concat())?;
            let told = error(&mut client)?;
            let shown = String::from_utf8_lossy(&line[..line.len().min(80)]);
            assert!(
                told.is_some_and(|told| codes.contains(&told)),
                "{told:?}: {shown}"
            );
        }
        let answer = client.ask("version", &Value::Null)?;
        assert_eq!(answer["result"]["name"], "overpath");
        place.served.wait(1)?;
    }
    Ok(())
}

fn idle(place: Place<'_>) -> Result {
    let all = (0..MANY)
        .map(|_| place.connect())
        .collect::<Result<Vec<_>>>()?;
    place.served.wait(MEANWHILE)?;
    drop(all);
    Ok(())
}

/// They ask, and take no answer.
fn busy(place: Place<'_>) -> Result {
    let many = VERSION.repeat(500);
    let mut all = Vec::new();
    for number in 0..MANY {
        let client = place.connect()?;
        // Who finds no room is told, and cannot send.
        let text = if number % 2 == 0 { DUMP } else { &many };
        let _ = client.stream().write_all(text.as_bytes());
        all.push(client);
    }
    place.served.wait(MEANWHILE)
}

/// Who sends no more gets what it asked for, and then the end.
fn half_closed(place: Place<'_>) -> Result {
    for _ in 0..50 {
        let mut client = place.connect()?;
        client.stream().write_all(VERSION.repeat(2).as_bytes())?;
        client.stream().shutdown(Shutdown::Write)?;
        for _ in 0..2 {
            assert_eq!(client.line()?.ok_or("no answer")?["id"], 1);
        }
        assert_eq!(client.line()?, None);
    }
    let mut all = Vec::new();
    for _ in 0..200 {
        let client = place.connect()?;
        let _ = client.stream().write_all(DUMP.as_bytes());
        let _ = client.stream().shutdown(Shutdown::Write);
        all.push(client);
    }
    place.served.wait(MEANWHILE)
}

/// Too slow to end its request in time, and told so.
fn drip(place: Place<'_>) -> Result {
    let clients = (0..50).map(|_| place.connect());
    let mut clients = clients.collect::<Result<Vec<_>>>()?;
    for byte in VERSION.as_bytes().chunks(1).take(12) {
        for client in &clients {
            // It may have been told already.
            let _ = client.stream().write_all(byte);
        }
        thread::sleep(Duration::from_secs(1));
        place.served.wait(1)?;
    }
    for client in &mut clients {
        assert_eq!(error(client)?, Some(TIMEOUT));
    }
    Ok(())
}

/// A process that asks, reads a little, and then nothing.
const READS_A_LITTLE: &str = "\
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(sys.argv[2].encode())
s.recv(20)
print('reads', flush=True)
time.sleep(600)
";

/// Kills processes, some at a time, that have asked this and read a little of the answer.
fn killed(place: Place<'_>, times: usize, request: &str) -> Result {
    let dir = tempfile::tempdir()?;
    let socket = place.socket.display().to_string();
    for time in 0..times {
        let begin = |number: u32| {
            let mut command = Command::new("python3");
            command.args(["-c", READS_A_LITTLE, &socket, request]);
            Background::start(&mut command, dir.path(), &format!("dies{time}-{number}"))
        };
        let all = (0..4).map(begin).collect::<Result<Vec<_>>>()?;
        for process in &all {
            wait::until_true("an answer to begin", || {
                Ok(process.stdout().contains("reads"))
            })?;
        }
        // SIGKILL.
        drop(all);
        place.served.wait(1)?;
    }
    Ok(())
}

/// The next dump is whole.
fn killed_within_a_dump(place: Place<'_>) -> Result {
    killed(place, 5, DUMP)?;
    let answer = place.connect()?.ask("fdb.show", &Value::Null)?;
    let all = answer["result"].as_array().ok_or("no list")?;
    // Beside those that were learned.
    let all = all.iter().filter(|entry| entry["kind"] == "static");
    let mut macs: Vec<_> = all.filter_map(|entry| entry["mac"].as_str()).collect();
    let listed = macs.len();
    macs.sort_unstable();
    macs.dedup();
    assert_eq!((listed, macs.len()), (place.entries, place.entries));
    Ok(())
}

/// There is room for eight that listen, and those that are dead take none of it.
fn killed_while_it_listens(place: Place<'_>) -> Result {
    let listen = DUMP.replace("fdb.show", "events.subscribe");
    killed(place, 5, &listen)?;
    for _ in 0..20 {
        let mut client = place.connect()?;
        client.stream().write_all(listen.as_bytes())?;
        let answer = client.line()?.ok_or("no answer")?;
        assert!(answer["result"]["kinds"].is_array(), "{answer}");
    }
    // And one that is still there, and only says no more, is let go as well.
    let mut client = place.connect()?;
    client.stream().write_all(listen.as_bytes())?;
    client.line()?.ok_or("no answer")?;
    client.stream().shutdown(Shutdown::Write)?;
    let mut rest = Vec::new();
    client.stream().read_to_end(&mut rest)?;
    Ok(())
}
