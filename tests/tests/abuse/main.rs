//! A daemon that forwards, and everything that clients can do to its socket: others are answered in
//! the meantime, no frame is lost, memory stays as it was, and nothing is left open.

mod clients;
mod other;

use clients::{ALL, Abuse, MEANWHILE, Place};
use other::Served;
use overpath_tests::account::{self, Account};
use overpath_tests::lab::{HOST_END, Lab, Link};
use overpath_tests::netns::Netns;
use overpath_tests::numbered::{self, End};
use overpath_tests::{Result, command, frame, need, skip, traffic};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Static entries: a list of 7 MB.
const ENTRIES: usize = 50_000;
/// How much the daemon's memory may grow the first time that all of it is done, in kB: what its
/// allocator keeps of the longest requests, in an arena of each of the three threads that have one.
const FIRST: u64 = 192 << 10;
/// And the second time.
const AGAIN: u64 = 16 << 10;
/// 99 of 100 answers come within this.
const GOAL: Duration = Duration::from_millis(50);
/// Answers by which that is judged, if they come in so many rounds.
const ENOUGH: usize = 1_000;
const ROUNDS: usize = 20;

/// Two hosts on a switch that knows many stations.
struct Scene {
    lab: Lab,
    left: Netns,
    right: Netns,
}

const LEFT: &str = "02:00:00:00:00:01";
const RIGHT: &str = "02:00:00:00:00:02";
/// One of the entries.
const ONE: &str = "02:00:01:00:00:07";

impl Scene {
    fn new() -> Result<Self> {
        let mut lab = Lab::new(Link::AfPacket)?;
        let (a, b) = (lab.port("a", 1500)?, lab.port("b", 1500)?);
        let mut config = lab.ports_toml(|_| "");
        config += "[[bridge]]\nname = \"br\"\nports = [\"a\", \"b\"]\n";
        for number in 0..ENTRIES {
            let [.., x, y, z] = number.to_be_bytes();
            write!(
                config,
                "[[fdb]]\nbridge = \"br\"\nmac = \"02:00:01:{x:02x}:{y:02x}:{z:02x}\"\nport = \"b\"\n"
            )?;
        }
        lab.start_with(&config)?;
        let (left, right) = (Netns::new("left")?, Netns::new("right")?);
        lab.plug(&a, &left, LEFT, Some("10.0.0.1/24"))?;
        lab.plug(&b, &right, RIGHT, Some("10.0.0.2/24"))?;
        traffic::reach(&left, "10.0.0.2")?;
        Ok(Self { lab, left, right })
    }

    fn socket(&self) -> Result<&Path> {
        Ok(self.lab.daemon()?.socket())
    }

    /// How long the other client's answers took while this was done.
    fn during(&self, abuse: Abuse) -> Result<Vec<Duration>> {
        let socket = self.socket()?;
        let entries = ENTRIES;
        other::during(socket, ONE, |served: &Served| {
            served.wait(1)?;
            abuse(Place {
                socket,
                served,
                entries,
            })?;
            served.wait(MEANWHILE)
        })
    }

    /// Everything, one after the other, while frames pass.
    fn all(&self) -> Result<usize> {
        let end = |host, mac: u8| End {
            host,
            device: HOST_END,
            mac: frame::mac(mac),
        };
        let (done, frames) = numbered::during(end(&self.left, 1), end(&self.right, 2), || {
            ALL.iter().try_for_each(|(name, abuse)| {
                let took = self
                    .during(*abuse)
                    .map_err(|error| format!("{name}: {error}"))?;
                println!("{name}: {}", shown(&took));
                assert!(took.len() > MEANWHILE, "{name}: {}", took.len());
                Ok(())
            })
        })?;
        let () = done;
        Ok(frames)
    }

    /// Kilobytes of memory in use, and open files.
    fn taken(&self) -> Result<(u64, usize)> {
        let process = format!("/proc/{}", self.lab.daemon()?.id());
        let status = std::fs::read_to_string(format!("{process}/status"))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().nth(1));
        let number = number.ok_or("no VmRSS")?.parse()?;
        Ok((number, std::fs::read_dir(format!("{process}/fd"))?.count()))
    }

    fn finish(mut self) -> Result<Account> {
        account::ports_closed(&self.lab.daemon()?.wait_quiet()?)?;
        self.lab.stop()?.check()
    }
}

fn shown(took: &[Duration]) -> String {
    let part = |percent: usize| took.get((took.len() * percent / 100).min(took.len() - 1));
    let [half, most, all] = [50, 99, 100].map(|percent| part(percent).copied().unwrap_or_default());
    format!(
        "{} answers, p50 {half:?}, p99 {most:?}, max {all:?}",
        took.len()
    )
}

/// This process opens more files than one usually does.
fn open_many_files() -> Result {
    let process = std::process::id().to_string();
    let limit = ["--pid", &process, "--nofile=4096:"];
    command::run(Command::new("prlimit").args(limit)).map(drop)
}

#[test]
fn others_are_served_and_nothing_is_lost_whatever_clients_do() -> Result {
    need!(
        skip::LAB,
        "ethtool",
        "ping",
        "tcpdump",
        "python3",
        "prlimit"
    );
    open_many_files()?;
    let scene = Scene::new()?;
    let before = scene.taken()?;
    let frames = scene.all()?;
    let first = scene.taken()?;
    let frames = frames + scene.all()?;
    let second = scene.taken()?;
    println!("{frames} frames; memory in kB and open files: {before:?}, {first:?}, {second:?}");
    assert!(first.0 < before.0 + FIRST, "{before:?} became {first:?}");
    assert!(second.0 < first.0 + AGAIN, "{first:?} became {second:?}");
    assert!(second.1 <= before.1 + 1, "{before:?} became {second:?}");
    let account = scene.finish()?;
    assert!(account.sent >= frames as u64, "{account:?}");
    Ok(())
}

/// On a machine that does nothing else: how long the other client waits for the daemon.
#[test]
#[ignore = "measures time"]
fn others_wait_a_moment_at_most() -> Result {
    need!(
        skip::LAB,
        "ethtool",
        "ping",
        "tcpdump",
        "python3",
        "prlimit"
    );
    open_many_files()?;
    let scene = Scene::new()?;
    let mut late = Vec::new();
    for (name, abuse) in ALL {
        // Of a few answers the slowest one would be that of 99 in 100.
        let mut took = Vec::new();
        for _ in 0..ROUNDS {
            took.extend(scene.during(abuse)?);
            if took.len() >= ENOUGH {
                break;
            }
        }
        took.sort_unstable();
        println!("{name}: {} (goal for p99: {GOAL:?})", shown(&took));
        if took[took.len() * 99 / 100] > GOAL {
            late.push(name);
        }
    }
    scene.finish()?;
    assert!(late.is_empty(), "late: {late:?}");
    Ok(())
}
