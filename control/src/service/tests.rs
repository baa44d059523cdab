//! A service whose parts count, and a socket in the place of the manager.

use super::*;
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tempfile::TempDir;

const WATCHDOG: Duration = Duration::from_secs(2);
const WORKERS: usize = 3;
const NAMES: [&str; 3 + WORKERS] = [
    "the api thread",
    "the device thread",
    "the keeper",
    "worker 0",
    "worker 1",
    "worker 2",
];
const PATIENCES: [u64; 3 + WORKERS] = [0, DEVICE_PATIENCE, KEEPER_PATIENCE, 0, 0, 0];
const DEVICE: usize = 1;
const KEEPER: usize = 2;
const OPEN: Ports = Ports {
    open: 1,
    opening: 0,
    all: 2,
};

struct Bench {
    service: Service,
    threads: Threads,
    socket: UnixDatagram,
    now: u64,
    _dir: TempDir,
}

impl Bench {
    fn new(watchdog: Option<Duration>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        let notifier = Some(Notifier::new(path.as_os_str()).unwrap());
        let threads = Threads {
            workers: (0..WORKERS).map(|_| Arc::default()).collect(),
            ..Threads::default()
        };
        let service = Service::watching(Manager { notifier, watchdog }, threads.clone());
        Bench {
            service,
            threads,
            socket,
            now: 0,
            _dir: dir,
        }
    }

    /// All parts come round but `stuck`.
    fn count(&self, stuck: Option<usize>) {
        let Threads {
            api,
            device,
            keeper,
            workers,
            ..
        } = &self.threads;
        let workers = workers.iter().map(|worker| &worker.rounds);
        let counters = [&**api, &**device, &**keeper].into_iter().chain(workers);
        for (at, counter) in counters.enumerate() {
            counter.add(u64::from(stuck != Some(at)));
        }
    }

    /// So many milliseconds in which all parts count but `stuck`. What the manager heard.
    fn run(&mut self, milliseconds: u64, ports: Ports, stuck: Option<usize>) -> Vec<String> {
        let mut heard = Vec::new();
        for _ in 0..milliseconds {
            self.now += 1;
            self.count(stuck);
            self.service.turn(self.now, || ports);
            heard.extend(self.hear());
        }
        heard
    }

    fn hear(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut bytes = [0; 1024];
        while let Ok(len) = self.socket.recv(&mut bytes) {
            let text = std::str::from_utf8(&bytes[..len]).unwrap();
            lines.extend(text.lines().map(str::to_owned));
        }
        lines
    }
}

fn count(heard: &[String], line: &str) -> usize {
    heard.iter().filter(|heard| *heard == line).count()
}

#[test]
fn ready_is_said_once_when_every_port_was_tried_and_every_part_came_round() {
    let mut bench = Bench::new(Some(WATCHDOG));
    let opening = Ports { opening: 1, ..OPEN };
    let heard = bench.run(500, opening, None);
    assert_eq!(count(&heard, "READY=1"), 0);
    let status = "STATUS=starting: 1 of 2 ports started, 1 not tried yet";
    assert_eq!(count(&heard, status), 1, "{heard:?}");
    let heard = bench.run(5000, OPEN, None);
    assert_eq!(count(&heard, "READY=1"), 1);
    let status = "STATUS=forwarding: 1 of 2 ports started, 3 workers";
    assert_eq!(count(&heard, status), 1, "{heard:?}");

    for part in 0..NAMES.len() {
        let mut bench = Bench::new(Some(WATCHDOG));
        let heard = bench.run(5000, OPEN, Some(part));
        assert_eq!(count(&heard, "READY=1"), 0, "{part} never came round");
    }
}

#[test]
fn the_watchdog_hears_twice_in_its_time_and_nothing_while_a_part_stands_still() {
    let mut bench = Bench::new(Some(WATCHDOG));
    bench.run(1000, OPEN, None);
    let heard = bench.run(10_000, OPEN, None);
    assert!(count(&heard, "WATCHDOG=1") >= 9, "{heard:?}");
    for (part, (name, patience)) in NAMES.iter().zip(PATIENCES).enumerate() {
        // It is late after half of the watchdog's time, or after its patience; then nothing is heard.
        let heard = bench.run(patience.max(1_000) - 100, OPEN, Some(part));
        assert_eq!(count(&heard, &format!("STATUS=standing still: {name}")), 0);
        assert!(
            count(&heard, "WATCHDOG=1") as u64 >= (patience / 1_000).saturating_sub(1),
            "{name}"
        );
        let heard = bench.run(200, OPEN, Some(part));
        assert_eq!(count(&heard, &format!("STATUS=standing still: {name}")), 1);
        let heard = bench.run(10_000, OPEN, Some(part));
        assert_eq!(heard, [""; 0], "{name} stands still");
        let heard = bench.run(2_000, OPEN, None);
        assert!(count(&heard, "WATCHDOG=1") >= 1);
    }
}

/// One call of a driver may take as long as the end leaves all ports to close: `CLOSING` of the daemon.
#[test]
fn the_device_thread_has_longer_than_the_kernel_takes() {
    let mut bench = Bench::new(Some(WATCHDOG));
    bench.run(1000, OPEN, None);
    let heard = bench.run(60_000, OPEN, Some(DEVICE));
    assert!(count(&heard, "WATCHDOG=1") >= 59, "{heard:?}");
}

#[test]
fn a_disk_that_hangs_ends_nothing_and_is_told() {
    let mut bench = Bench::new(Some(WATCHDOG));
    bench.run(1000, OPEN, None);
    let storing = Arc::clone(&bench.threads.storing);
    storing.store(true, Ordering::Relaxed);
    let heard = bench.run(4 * KEEPER_PATIENCE, OPEN, Some(KEEPER));
    assert_eq!(count(&heard, "STATUS=standing still: the keeper"), 1);
    let words = count(&heard, "WATCHDOG=1") as u64;
    assert!(words >= 4 * KEEPER_PATIENCE / 1_000 - 1, "{words}");
    // Nobody else has that excuse, and the keeper has none elsewhere.
    bench.count(Some(KEEPER));
    let heard = bench.run(3_000, OPEN, Some(0));
    assert!(count(&heard, "WATCHDOG=1") <= 1, "{heard:?}");
    bench.run(2_000, OPEN, None);
    storing.store(false, Ordering::Relaxed);
    bench.run(KEEPER_PATIENCE + 200, OPEN, Some(KEEPER));
    assert_eq!(bench.run(10_000, OPEN, Some(KEEPER)), [""; 0]);
}

/// Ports that are slow one after the other: more than any time that a manager was told beforehand.
#[test]
fn a_start_that_goes_on_has_the_time_that_it_takes() {
    const EXTEND: &str = "EXTEND_TIMEOUT_USEC=2000000";
    let opening = Ports { opening: 1, ..OPEN };
    let mut bench = Bench::new(Some(WATCHDOG));
    let mut last = 0;
    for _ in 0..100 {
        let heard = bench.run(100, opening, None);
        if count(&heard, EXTEND) > 0 {
            last = bench.now;
        }
        assert!(bench.now - last < 1_200, "{heard:?}");
    }
    // One that has come to a stop has the time that it had at first.
    bench.run(1_100, opening, Some(3));
    assert_eq!(bench.run(10_000, opening, Some(3)), [""; 0]);
    bench.run(1_100, OPEN, None);
    let heard = bench.run(10_000, OPEN, None);
    assert_eq!(count(&heard, EXTEND), 0, "{heard:?}");

    let mut bench = Bench::new(None);
    let heard = bench.run(30_000, opening, None);
    assert_eq!(
        count(&heard, "EXTEND_TIMEOUT_USEC=20000000"),
        3,
        "{heard:?}"
    );
}

#[test]
fn without_a_watchdog_there_are_no_words_to_it() {
    let mut bench = Bench::new(None);
    let heard = bench.run(30_000, OPEN, None);
    assert_eq!(count(&heard, "READY=1"), 1);
    assert_eq!(count(&heard, "WATCHDOG=1"), 0);
    bench.service.stopping();
    assert_eq!(bench.hear(), ["STOPPING=1", "STATUS=stopping"]);
}

#[test]
fn what_a_manager_did_not_take_it_gets_later() {
    let mut bench = Bench::new(Some(WATCHDOG));
    let notifier = bench.service.manager.notifier.as_ref().unwrap();
    while notifier.tell("full").is_ok() {}
    for _ in 0..1000 {
        bench.now += 1;
        bench.count(None);
        bench.service.turn(bench.now, || OPEN);
    }
    assert_eq!(count(&bench.hear(), "READY=1"), 0);
    let heard = bench.run(LOOK, OPEN, None);
    assert_eq!(count(&heard, "READY=1"), 1, "{heard:?}");
    assert_eq!(count(&heard, "WATCHDOG=1"), 1, "{heard:?}");
}

#[test]
fn nobody_is_told_where_there_is_no_manager() {
    let mut service = Service::new(Manager::default(), 2);
    service.watch("api", 0, || 1_u64);
    service.turn(0, || OPEN);
    service.stopping();
    assert!(service.ready);
    assert_eq!(
        service.forwarding(OPEN),
        "forwarding: 1 of 2 ports started, 2 workers"
    );
}
