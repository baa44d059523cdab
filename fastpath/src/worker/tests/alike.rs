//! Memo and cache may not be noticed, nor that a burst goes the straight way: same frames out, same
//! events, same counters but their own.

use super::*;
use crate::action::Action;
use crate::event::Event;
use crate::fdb::FdbKey;
use crate::parse::parse;
use crate::resolve::resolve;
use crate::snapshot::Snapshot;
use crate::testing::{Rig, bridge, udp_ports};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    /// They arrive together.
    Frames(Vec<Frame>),
    Learn(usize, u8, usize),
    Forget(usize, u8),
    Publish([bool; 4]),
}

/// Guests, and two groups of which a bridge drops one.
fn mac(number: u8) -> Mac {
    match number {
        5 => Mac::new([1, 0x80, 0xc2, 0, 0, 0xe]),
        6 => Mac::new([1, 0x80, 0xc2, 0, 0, 0]),
        _ => guest(number).0,
    }
}

fn station() -> impl Strategy<Value = u8> {
    prop_oneof![4 => 0..5u8, 1 => 5..7u8]
}

/// From station to station, perhaps in a tunnel; perhaps with a byte changed, perhaps cut.
#[derive(Clone, Debug)]
struct Frame {
    at: usize,
    src: u8,
    dst: u8,
    len: usize,
    via: Option<(u8, u8)>,
    broken: Option<(usize, u8)>,
    cut: Option<usize>,
}

impl Frame {
    fn bytes(&self) -> Vec<u8> {
        let mut frame = inner(self.src, self.dst, self.len);
        frame[..6].copy_from_slice(&mac(self.dst).bytes());
        frame[6..12].copy_from_slice(&mac(self.src).bytes());
        let mut frame = match self.via {
            Some((host, vni)) => tunnelled(host, vni, &frame),
            None => frame,
        };
        if let Some((at, change)) = self.broken
            && let Some(byte) = frame.get_mut(at)
        {
            *byte ^= change;
        }
        frame.truncate(self.cut.unwrap_or(usize::MAX));
        frame
    }
}

fn frame() -> impl Strategy<Value = Frame> {
    let via = (
        prop::sample::select(vec![1u8, 7, 9]),
        prop::sample::select(vec![10u8, 20, 30]),
    );
    (
        prop_oneof![2 => Just(UPLINK), 3 => 0..5usize],
        (station(), station()),
        // One is too long for the ports of guests.
        prop_oneof![4 => Just(20usize), 1 => Just(1480)],
        prop::option::weighted(0.7, via),
        prop::option::weighted(0.2, (0..64usize, 1u8..)),
        prop::option::weighted(0.1, 0..100usize),
    )
        .prop_map(|(at, (src, dst), len, via, broken, cut)| Frame {
            at,
            src,
            dst,
            len,
            via,
            broken,
            cut,
        })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => prop::collection::vec(frame(), 1..8).prop_map(Step::Frames),
        4 => (0..2usize, station(), 0..6usize).prop_map(|(bridge, mac, to)| Step::Learn(bridge, mac, to)),
        2 => (0..2usize, station()).prop_map(|(bridge, mac)| Step::Forget(bridge, mac)),
        1 => any::<[bool; 4]>().prop_map(Step::Publish),
    ]
}

/// A switch of another generation, that differs in what memos rest on.
fn changed([bridged, open, learning, checked]: [bool; 4], generation: u32) -> Snapshot {
    let mut snapshot = switch();
    for number in 0..snapshot.ports.len() {
        edit_port(&mut snapshot, number, |port| port.generation = generation);
    }
    edit_port(&mut snapshot, A, |port| {
        port.bridge.take_if(|_| !bridged);
    });
    let tunnel = Arc::make_mut(&mut snapshot.tunnels[0]);
    tunnel.accept_any = open;
    tunnel.learning = learning;
    tunnel.need_checksum = checked;
    snapshot
}

fn destination(number: usize) -> Destination {
    match number {
        0..3 => Destination::Remote(remote(number)),
        _ => to_port(number - 3),
    }
}

fn carry_out(site: &mut Site, step: &Step, generation: u32) {
    match step {
        Step::Frames(frames) => {
            for frame in frames {
                site.arrive(frame.at, &frame.bytes());
            }
        }
        Step::Learn(bridge, station, to) => {
            site.learn(learned(*bridge, mac(*station), destination(*to)));
        }
        Step::Forget(number, station) => {
            site.fdb.remove(FdbKey::new(bridge(*number), mac(*station)));
        }
        Step::Publish(wanted) => {
            site.publisher.publish(changed(*wanted, generation));
        }
    }
}

/// What left by each port, and what control was told.
type Seen = (Vec<Vec<Vec<u8>>>, Vec<Event>);

fn seen(site: &mut Site) -> Seen {
    seen_at(site, 0)
}

fn seen_at(site: &mut Site, now: u64) -> Seen {
    site.poll(0, now);
    let ports = 0..site.tx.len();
    let sent = ports.map(|number| site.sent(number)).collect();
    while site.punts[0].pop().is_ok() {}
    let events = site.events.drain(99).collect();
    assert_eq!((site.held(), site.pool.out()), (0, 0));
    (sent, events)
}

/// All counters but those of the cache.
fn counters(site: Site) -> Option<String> {
    let all = moved(&site.stop()[0]);
    let all = all.split(", hits").next()?;
    all.split(", misses").next().map(String::from)
}

proptest! {
    #[test]
    fn cold_and_warm_forward_alike(steps in prop::collection::vec(step(), 1..120)) {
        let mut sites = [0, 3, 64].map(Site::alone);
        for (step, generation) in steps.iter().zip(2..) {
            let seen = sites.each_mut().map(|site| {
                carry_out(site, step, generation);
                seen(site)
            });
            prop_assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{step:?}: {seen:?}");
        }
        let counters = sites.map(counters);
        prop_assert!(counters.windows(2).all(|pair| pair[0] == pair[1]), "{counters:?}");
    }
}

/// One packet after the other, parsed and resolved each, as the long way has it.
fn long_way(rig: &mut Rig, at: usize, frame: &[u8]) -> Vec<Event> {
    let parsed = parse(port(at), frame, frame.len(), &udp_ports());
    let resolution = resolve(&parsed.key, &rig.snapshot);
    let actions: Vec<Action> = resolution.program.actions().collect();
    rig.act(at, &actions, frame);
    while rig.punts.pop().is_ok() {}
    rig.events.drain(9).collect()
}

/// What becomes of a station in the table.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    Learn,
    Pin,
    Forget,
}

/// Of a bridge, a station, and a place.
fn learning() -> impl Strategy<Value = (usize, u8, usize, Change)> {
    let change =
        prop_oneof![6 => Just(Change::Learn), 2 => Just(Change::Pin), 1 => Just(Change::Forget)];
    (0..2usize, station(), 0..6usize, change)
}

proptest! {
    /// Frames that enter by one port, at a time that goes on, beside stations that are learned, come
    /// and go, and are configured.
    #[test]
    fn straight_and_long_forward_alike(
        steps in prop::collection::vec(
            (prop::collection::vec(frame(), 1..5), learning(), prop_oneof![0..30u64, 0..700u64]),
            1..80,
        ),
    ) {
        let (mut site, mut rig) = (Site::alone(64), Rig::new());
        let mut now = 0;
        for (frames, (number, station, to, change), time) in steps {
            now += time;
            rig.learner.set_now(now);
            for fdb in [&mut site.fdb, &mut rig.fdb] {
                fdb.set_tick((now / 1000) as u32);
            }
            let to = destination(to);
            let key = FdbKey::new(bridge(number), mac(station));
            let entry = [learned, pinned][usize::from(change == Change::Pin)](number, mac(station), to);
            if change == Change::Forget {
                site.fdb.remove(key);
                rig.fdb.remove(key);
            } else {
                site.learn(entry);
                rig.know(entry);
            }
            let at = frames[0].at;
            let mut events = Vec::new();
            for frame in &frames {
                site.arrive(at, &frame.bytes());
                events.extend(long_way(&mut rig, at, &frame.bytes()));
            }
            let sent: Vec<_> = (0..site.tx.len()).map(|number| rig.sent(number)).collect();
            prop_assert_eq!(seen_at(&mut site, now), (sent, events), "{:?}", frames);
            for station in 0..7 {
                let key = FdbKey::new(bridge(number), mac(station));
                let known = [&site.fdb, &rig.fdb].map(|fdb| fdb.get(key));
                let known = known.map(|entry| entry.map(|entry| (entry.value, entry.seen)));
                prop_assert_eq!(known[0], known[1]);
            }
        }
        prop_assert_eq!(counters(site), Some(rig.moved()));
    }
}
