//! Clients that do not behave, many at a time. Meanwhile another client is served, and memory stays
//! as it was.

use super::*;
use crate::api::messages::Stations;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::net::Shutdown;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

/// Answers that the other client has to get while somebody misbehaves.
const MEANWHILE: usize = 20;
/// How much memory may grow, in kB: buffers of sockets.
const GROWTH: u64 = 128 << 10;
/// 99 of 100 answers come within this.
const GOAL: Duration = Duration::from_millis(50);
/// Answers by which that is judged, if they come in so many rounds.
const ENOUGH: usize = 1_000;
const ROUNDS: usize = 20;

/// One at a time, since memory is that of the process.
static TURN: Mutex<()> = Mutex::new(());

/// What goes on, and how often the other client was answered.
struct Crowd<'a> {
    bench: &'a Bench,
    served: &'a AtomicUsize,
}

impl Crowd<'_> {
    /// Waits until the other client was answered so often again.
    fn wait(&self, answers: usize) {
        let until = self.served.load(Ordering::Relaxed) + answers;
        let deadline = Instant::now() + LONG;
        while self.served.load(Ordering::Relaxed) < until {
            assert!(Instant::now() < deadline, "the other client is not served");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// A client, if the server has room for one more.
    fn raw(&self) -> Raw {
        self.bench.raw()
    }
}

/// Kilobytes of memory in use.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.unwrap().split_whitespace().nth(1);
    number.unwrap().parse().unwrap()
}

/// Lets `abuse` go on while another client asks again and again. Returns how long each of its answers
/// took.
fn during(abuse: fn(&Crowd<'_>)) -> Vec<Duration> {
    let _turn = TURN.lock();
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard.min(8192), hard).unwrap();
    let bench = Bench::answering(Settings::default());
    let (served, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let before = memory();
    let took = std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut took = Vec::new();
            let mut client = bench.client();
            while !over.load(Ordering::Relaxed) {
                let begin = Instant::now();
                // It is told when there is no room, and asks again.
                while !matches!(client.version(), Ok(told) if told == version()) {
                    client = bench.client();
                }
                took.push(begin.elapsed());
                served.fetch_add(1, Ordering::Relaxed);
            }
            took
        });
        let crowd = Crowd {
            bench: &bench,
            served: &served,
        };
        let abused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            crowd.wait(1);
            abuse(&crowd);
            crowd.wait(MEANWHILE);
        }));
        over.store(true, Ordering::Relaxed);
        let took = other.join().unwrap();
        abused.unwrap();
        took
    });
    let after = memory();
    assert!(after < before + GROWTH, "{before} kB have become {after}");
    took
}

/// Sends what the server still takes.
fn offer(raw: &Raw, bytes: &[u8]) {
    let mut stream = raw.0.get_ref();
    let _ = stream.write_all(bytes);
}

fn long_lines(crowd: &Crowd<'_>) {
    let piece = vec![b'x'; 1 << 16];
    for _ in 0..4 {
        let (mut raw, mut sent) = (crowd.raw(), 0);
        while sent < 100 << 20 && raw.0.get_mut().write_all(&piece).is_ok() {
            sent += piece.len();
        }
        assert!(sent < 100 << 20, "the server read all of it");
        assert_eq!(raw.error(), i64::from(RpcError::INVALID_REQUEST));
    }
}

fn nonsense(crowd: &Crowd<'_>) {
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    let twice = r#"{"jsonrpc":"2.0","method":"version","method":"version","id":1}"#;
    let twice_within = r#"{"jsonrpc":"2.0","method":"fdb.show","id":1,
        "params":{"port":"a","port":"b"}}"#;
    let twice_within = twice_within.replace('\n', "");
    for (line, code) in [
        (b"\0".to_vec(), RpcError::PARSE),
        (b"\xff\xfe{}".to_vec(), RpcError::PARSE),
        (deep.into_bytes(), RpcError::PARSE),
        (twice.into(), RpcError::INVALID_REQUEST),
        (twice_within.into(), RpcError::INVALID_PARAMS),
    ] {
        let mut raw = crowd.raw();
        for _ in 0..20 {
            raw.send([&line[..], b"\n"].concat());
            let told = raw.error();
            assert!(
                told == i64::from(code) || told == i64::from(RpcError::INVALID_REQUEST),
                "{told}: {}",
                String::from_utf8_lossy(&line)
            );
        }
        crowd.wait(1);
    }
}

fn idle(crowd: &Crowd<'_>) {
    let all: Vec<_> = (0..1_000).map(|_| crowd.raw()).collect();
    crowd.wait(MEANWHILE);
    drop(all);
}

/// They ask and take no answer.
fn busy(crowd: &Crowd<'_>) {
    let mut all = Vec::new();
    for _ in 0..1_000 {
        let raw = crowd.raw();
        let many = VERSION.repeat(500);
        // Who finds no room is told, and cannot send.
        offer(&raw, many.as_bytes());
        all.push(raw);
    }
    crowd.wait(MEANWHILE);
}

fn half_closed(crowd: &Crowd<'_>) {
    let mut all = Vec::new();
    for _ in 0..200 {
        let raw = crowd.raw();
        offer(&raw, VERSION.repeat(2).as_bytes());
        let _ = raw.0.get_ref().shutdown(Shutdown::Write);
        all.push(raw);
    }
    crowd.wait(MEANWHILE);
    assert!(all.iter_mut().any(|raw| raw.line()["id"] == 1));
}

/// A byte at a time, and between two of them the other has its answers.
fn drip(crowd: &Crowd<'_>) {
    let all: Vec<_> = (0..100).map(|_| crowd.raw()).collect();
    for byte in VERSION.as_bytes().iter().take(10) {
        for raw in &all {
            offer(raw, &[*byte]);
        }
        crowd.wait(2);
    }
}

fn killed(crowd: &Crowd<'_>) {
    for method in ["port.show", "fdb.show"].iter().cycle().take(100) {
        let mut raw = crowd.raw();
        raw.send(VERSION.replace("version", method));
        let mut some = [0; 10];
        raw.0.read_exact(&mut some).unwrap();
    }
    let all = crowd.bench.client().fdb_show(Stations::default());
    assert_eq!(all.unwrap(), []);
}

/// Each is gone through to its end, whether there is sense in it or not.
fn long_requests(crowd: &Crowd<'_>) {
    let head = VERSION
        .trim_end()
        .replace("version", "config.check")
        .replace('}', ",\"params\":");
    let filling = "1,".repeat(15 << 20);
    let parse = i64::from(RpcError::PARSE);
    for _ in 0..2 {
        for (params, code) in [
            (format!("{{\"text\":\"{filling}\"}}}}\n"), 0),
            (format!("[{filling}]}}\n"), parse),
            (format!("[{filling}1]\n"), parse),
        ] {
            let mut raw = crowd.raw();
            offer(
                &raw,
                [head.as_bytes(), params.as_bytes()].concat().as_slice(),
            );
            let told = raw.line();
            let told = told["error"]["code"].as_i64().unwrap_or_default();
            assert_eq!(told, code);
            crowd.wait(1);
        }
    }
}

/// They ask for what is long and take no answer. Some are told to ask again, and nobody else is.
fn long_answers(crowd: &Crowd<'_>) {
    let ask = |_| {
        let raw = crowd.raw();
        offer(&raw, VERSION.replace("version", "port.show").as_bytes());
        raw
    };
    let mut all: Vec<_> = (0..50).map(ask).collect();
    crowd.wait(MEANWHILE);
    let first = all.swap_remove(0).line();
    assert_eq!(first["id"], 1);
}

type Abuse = fn(&Crowd<'_>);

const ALL: [(&str, Abuse); 9] = [
    ("lines of 100 MB", long_lines),
    ("nonsense", nonsense),
    ("1,000 idle", idle),
    ("1,000 busy", busy),
    ("half-closed", half_closed),
    ("a byte at a time", drip),
    ("killed within an answer", killed),
    ("long requests", long_requests),
    ("long answers", long_answers),
];

/// Set where no other test runs beside one, whose memory would be counted.
const ALONE: &str = "OVERPATH_TEST_ALONE";

/// Runs a test of this file in a process of its own. `false` if this is that process.
fn handed_over(test: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return false;
    }
    let (_, module) = module_path!().split_once("::").unwrap();
    let ran = std::process::Command::new(std::env::current_exe().unwrap())
        .args([&format!("{module}::{test}"), "--exact", "--nocapture"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let said = [ran.stdout, ran.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
    true
}

#[test]
fn others_are_served_whatever_a_client_does() {
    if handed_over("others_are_served_whatever_a_client_does") {
        return;
    }
    for (name, abuse) in ALL {
        let answers = during(abuse).len();
        assert!(answers > MEANWHILE, "{name}: {answers}");
    }
}

/// On a machine that does nothing else: how long the other client waits.
#[test]
#[ignore = "measures time"]
fn others_wait_a_moment_at_most() {
    let mut late = Vec::new();
    for (name, abuse) in ALL {
        // Of a few answers the slowest one would be that of 99 in 100.
        let mut took = Vec::new();
        for _ in 0..ROUNDS {
            took.extend(during(abuse));
            if took.len() >= ENOUGH {
                break;
            }
        }
        took.sort_unstable();
        let [half, most] = [50, 99].map(|part| took[took.len() * part / 100]);
        println!(
            "{name}: {} answers, p50 {half:?}, p99 {most:?}, max {:?} (goal for p99: {GOAL:?})",
            took.len(),
            took.last().unwrap()
        );
        if most > GOAL {
            late.push(name);
        }
    }
    assert!(late.is_empty(), "late: {late:?}");
}
