//! A service whose parts count, and a socket in the place of the manager.

use super::*;
use std::cell::Cell;
use std::os::unix::net::UnixDatagram;
use std::rc::Rc;
use tempfile::TempDir;

const WATCHDOG: Duration = Duration::from_secs(2);
const OPEN: Ports = Ports {
    open: 1,
    opening: 0,
    all: 2,
};

struct Bench {
    service: Service,
    counts: Vec<Rc<Cell<u64>>>,
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
        let mut service = Service::new(Manager { notifier, watchdog }, 1);
        let mut counts = Vec::new();
        for (name, patience) in [("api", 0), ("device", DEVICE_PATIENCE), ("worker 0", 0)] {
            let count = Rc::<Cell<u64>>::default();
            let source = Rc::clone(&count);
            service.watch(name, patience, move || source.get());
            counts.push(count);
        }
        Bench {
            service,
            counts,
            socket,
            now: 0,
            _dir: dir,
        }
    }

    /// So many milliseconds in which all parts count but `stuck`. What the manager heard.
    fn run(&mut self, milliseconds: u64, ports: Ports, stuck: Option<usize>) -> Vec<String> {
        let mut heard = Vec::new();
        for _ in 0..milliseconds {
            self.now += 1;
            for (at, count) in self.counts.iter().enumerate() {
                count.set(count.get() + u64::from(stuck != Some(at)));
            }
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
    let status = "STATUS=forwarding: 1 of 2 ports started, 1 worker";
    assert_eq!(count(&heard, status), 1, "{heard:?}");

    for part in 0..3 {
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
    for part in [0, 2] {
        let heard = bench.run(2_000, OPEN, Some(part));
        let name = ["api", "device", "worker 0"][part];
        assert_eq!(count(&heard, &format!("STATUS=standing still: {name}")), 1);
        let heard = bench.run(10_000, OPEN, Some(part));
        assert_eq!(heard, [""; 0], "{part} stands still");
        let heard = bench.run(2_000, OPEN, None);
        assert!(count(&heard, "WATCHDOG=1") >= 1);
    }
}

#[test]
fn the_device_thread_has_longer() {
    let mut bench = Bench::new(Some(WATCHDOG));
    bench.run(1000, OPEN, None);
    let heard = bench.run(DEVICE_PATIENCE - 1000, OPEN, Some(1));
    assert!(count(&heard, "WATCHDOG=1") >= 27, "{heard:?}");
    bench.run(2000, OPEN, Some(1));
    assert_eq!(bench.run(10_000, OPEN, Some(1)), [""; 0]);
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
        for count in &bench.counts {
            count.set(count.get() + 1);
        }
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
    service.watch("api", 0, || 1);
    service.turn(0, || OPEN);
    service.stopping();
    assert!(service.ready);
    assert_eq!(
        service.forwarding(OPEN),
        "forwarding: 1 of 2 ports started, 2 workers"
    );
}
