//! The cache changes nothing but its own counters; nor does the number of workers change what comes
//! out.

use crate::common::arbitrary::{Step, World, answers, world};
use crate::common::moved;
use crate::common::sums::assert_closed;
use control::api::messages::{BridgeStats, LinkStats, Method, Stats, StrayStats, TunnelStats};
use control::config::Wanted;
use control::rig::Rig;
use fastpath::ids::RemoteId;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What can be seen of a switch after a step.
#[derive(Debug, PartialEq)]
struct Seen {
    frames: Vec<Vec<Vec<u8>>>,
    fdb: Vec<String>,
    neighbours: String,
    counters: BTreeMap<String, i64>,
    groups: (Vec<BridgeStats>, Vec<TunnelStats>, Vec<LinkStats>),
    strays: Vec<StrayStats>,
    remotes: [u64; 4],
}

/// Milliseconds after which a worker tells anew what it has told before.
const INTERVAL: u64 = 100;

/// A rig, and what it was told last.
struct Runner<'a> {
    world: &'a World,
    rig: Rig,
    /// Frames that go in together enter by one port, and those of two ports not within one interval:
    /// what one worker told meanwhile does not make another repeat itself.
    split: bool,
    serial: u32,
    /// By port.
    frames: Vec<Vec<Vec<u8>>>,
}

impl<'a> Runner<'a> {
    fn new(world: &'a World, cache: u32, workers: usize, split: bool) -> Self {
        let mut wanted = Wanted::parse(&world.setup.text(), "test").unwrap();
        wanted.switch.cache_entries = cache;
        if split {
            // What does not fit is told again by each worker for itself.
            wanted.switch.fdb_entries = 1024;
        }
        let mut runner = Runner {
            world,
            rig: Rig::new(wanted, workers),
            split,
            serial: 0,
            frames: vec![Vec::new(); world.setup.ports()],
        };
        runner.answer();
        runner
    }

    fn step(&mut self, step: &Step) {
        let name = |port: usize| format!("p{}", port % self.world.setup.ports());
        match step {
            Step::Frames(numbers) => self.send(numbers),
            Step::Answer => self.answer(),
            Step::Run(time) => self.rig.run(*time),
            Step::Leap(time) => self.rig.leap(*time),
            Step::Link(port, up) => self.rig.set_link(&name(*port), *up),
            Step::Remove(port) => {
                self.rig.remove_device(&name(*port));
                // Or what piles up at several ports would enter together, and be more than the
                // budget for new flows.
                self.rig.run(2_500);
            }
        }
    }

    fn answer(&mut self) {
        for answer in answers() {
            assert!(self.rig.send("p0", &answer.frame(0, 0)));
        }
        self.pass();
    }

    /// Time for what was sent.
    fn pass(&mut self) {
        if self.split {
            self.rig.leap(INTERVAL);
        } else {
            self.rig.run(1);
        }
    }

    fn send(&mut self, numbers: &[usize]) {
        let mut last = None;
        for number in numbers {
            let flow = &self.world.flows[number % self.world.flows.len()];
            let port = flow.port % self.world.setup.ports();
            if self.split && last.replace(port).is_some_and(|last| last != port) {
                self.pass();
                self.collect();
            }
            self.serial += 1;
            let frame = flow.frame(port, self.serial);
            assert!(self.rig.send(&format!("p{port}"), &frame));
        }
        self.pass();
    }

    fn collect(&mut self) {
        for (port, frames) in self.frames.iter_mut().enumerate() {
            frames.extend(self.rig.received(&format!("p{port}")));
        }
    }

    fn see(&mut self) -> Seen {
        self.collect();
        let frames = self.frames.iter_mut().map(std::mem::take).collect();
        let mut fdb: Vec<_> = self
            .rig
            .fdb()
            .iter()
            .map(|entry| format!("{entry:?}"))
            .collect();
        fdb.sort();
        let neighbours = format!("{:?}", self.rig.ask(Method::NeighShow));
        let mut remotes = [0; 4];
        for stats in self.rig.worker_stats() {
            for id in (0..64).filter_map(RemoteId::new) {
                let remote = stats.remote(id);
                let all = [
                    &remote.sent,
                    &remote.sent_bytes,
                    &remote.received,
                    &remote.received_bytes,
                ];
                for (sum, counter) in remotes.iter_mut().zip(all) {
                    *sum += counter.get();
                }
            }
        }
        let stats = self.rig.stats();
        Seen {
            frames,
            fdb,
            neighbours,
            counters: moved(&Stats::default(), &stats),
            groups: (stats.bridges, stats.tunnels, stats.links),
            strays: stats.strays,
            remotes,
        }
    }

    fn close(mut self) {
        self.rig.run(3);
        assert_closed(&self.rig.stats(), false);
        self.rig.close();
    }
}

/// A cache in which everything has room, none at all, and one in which nothing stays long.
#[test]
fn the_cache_decides_nothing() {
    proptest!(config(), |(world in world())| {
        let caches = [1024, 0, 16];
        let mut rigs = caches.map(|cache| Runner::new(&world, cache, 1, false));
        for (number, step) in world.steps.iter().enumerate() {
            let seen = rigs.each_mut().map(|rig| {
                rig.step(step);
                rig.see()
            });
            prop_assert_eq!(&seen[0], &seen[1], "warm, cold: step {}", number);
            prop_assert_eq!(&seen[2], &seen[1], "tiny, cold: step {}", number);
        }
        for rig in rigs {
            rig.close();
        }
    });
}

#[test]
fn more_workers_do_the_same() {
    proptest!(config(), |(world in world())| {
        let workers = [1, 2, 3];
        let mut rigs = workers.map(|workers| Runner::new(&world, 1024, workers, true));
        for (number, step) in world.steps.iter().enumerate() {
            let seen = rigs.each_mut().map(|rig| {
                rig.step(step);
                let mut seen = rig.see();
                for frames in &mut seen.frames {
                    frames.iter_mut().for_each(|frame| forget_ident(frame));
                    // Neither what control makes nor what waits for a neighbour has an order with
                    // what other workers forward.
                    frames.sort();
                }
                // Workers do not tell each other what they have asked for.
                seen.counters.retain(|name, _| {
                    name != "handed_off" && name != "neigh_arp_request_suppressed"
                });
                seen
            });
            prop_assert_eq!(&seen[1], &seen[0], "two workers, one: step {}", number);
            prop_assert_eq!(&seen[2], &seen[0], "three workers, one: step {}", number);
        }
        for rig in rigs {
            rig.close();
        }
    });
}

/// Each worker counts its IPv4 identifications for itself.
fn forget_ident(frame: &mut [u8]) {
    if frame.len() >= 50 && frame[12..14] == [8, 0] {
        frame[18..20].fill(0);
        frame[24..26].fill(0);
    }
}

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}
