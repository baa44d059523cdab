//! Memo and cache may not be noticed: same frames out, same events, same counters but their own.

mod left;
mod marked;
mod probed;
mod straight;
mod stripped;
mod uncut;
mod watched;

use super::*;
use crate::event::Event;
use crate::fdb::FdbKey;
use crate::io::heap::{HeapPacket, HeapPool};
use crate::snapshot::Snapshot;
use crate::testing::{TX, bridge, carried};
use crate::wire::craft::tagged;
use crate::wire::{EtherType, Tag};
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

/// From station to station, perhaps in a tunnel, perhaps with a tag; perhaps with a byte changed, perhaps
/// cut, perhaps in two segments.
#[derive(Clone, Debug)]
struct Frame {
    at: usize,
    src: u8,
    dst: u8,
    flow: u8,
    len: usize,
    via: Option<(u8, u8)>,
    tag: Option<u16>,
    broken: Option<(usize, u8)>,
    cut: Option<usize>,
    chained: bool,
}

impl Frame {
    fn bytes(&self) -> Vec<u8> {
        let mut frame = inner(self.src, self.dst, self.len);
        frame[..6].copy_from_slice(&mac(self.dst).bytes());
        frame[6..12].copy_from_slice(&mac(self.src).bytes());
        // Of the UDP source port.
        frame[35] ^= self.flow;
        let mut frame = match self.via {
            Some((host, vni)) => tunnelled(host, vni, &frame),
            None => frame,
        };
        if let Some(tag) = self.tag {
            frame = tagged(&frame, EtherType::VLAN, Tag::from_bits(tag));
        }
        if let Some((at, change)) = self.broken
            && let Some(byte) = frame.get_mut(at)
        {
            *byte ^= change;
        }
        frame.truncate(self.cut.unwrap_or(usize::MAX));
        frame
    }

    /// The same as another flow, and with another byte changed.
    fn turned(&self, turn: u8) -> Frame {
        Frame {
            flow: turn,
            broken: self
                .broken
                .map(|(at, change)| (at + usize::from(turn), change)),
            ..self.clone()
        }
    }

    fn packet(&self, pool: &HeapPool) -> HeapPacket {
        // No less, or it is straightened on receipt.
        let first = if self.chained { HEADERS } else { usize::MAX };
        pool.alloc_chain(&self.bytes(), first).unwrap()
    }

    fn arrive(&self, site: &Site) {
        assert!(site.rx[self.at].push(self.packet(&site.pool)).is_ok());
    }
}

/// Of those from `at`, how many of a hundred are tunnelled.
fn frame_at(at: impl Strategy<Value = usize>, tunnelled: u32) -> impl Strategy<Value = Frame> {
    let via = (
        prop::sample::select(vec![1u8, 7, 9]),
        prop::sample::select(vec![10u8, 20, 30]),
    );
    (
        at,
        (station(), station()),
        // One is too long for the ports of guests.
        prop_oneof![4 => Just(20usize), 1 => Just(600), 1 => Just(1480)],
        prop::option::weighted(f64::from(tunnelled) / 100.0, via),
        // A priority, a link in one of the tests, and none.
        prop::option::weighted(0.1, prop::sample::select(vec![0x2000u16, 7, 0x2005])),
        prop::option::weighted(0.2, (0..64usize, 1u8..)),
        prop::option::weighted(0.1, 0..100usize),
        prop::bool::weighted(0.3),
    )
        .prop_map(
            |(at, (src, dst), len, via, tag, broken, cut, chained)| Frame {
                at,
                src,
                dst,
                flow: 0,
                len,
                via,
                tag,
                broken,
                cut,
                chained,
            },
        )
}

fn frame() -> impl Strategy<Value = Frame> {
    prop_oneof![2 => frame_at(Just(UPLINK), 90), 3 => frame_at(0..5usize, 50)]
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
                frame.arrive(site);
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

/// What left by each port, each with the bytes of its first segment, and what control was told.
type Seen = (Vec<Vec<(usize, Vec<u8>)>>, Vec<Event>);

fn shapes(sent: Vec<HeapPacket>) -> Vec<(usize, Vec<u8>)> {
    let shape = |packet: HeapPacket| (packet.head().len(), packet.bytes());
    sent.into_iter().map(shape).collect()
}

fn seen(site: &mut Site, now: u64) -> Seen {
    while site.poll(0, now) > 0 {}
    let ports = 0..site.tx.len();
    let sent = ports.map(|number| shapes(site.sent_packets(number)));
    let sent = sent.collect();
    while site.punts[0].pop().is_ok() {}
    let events = site.events.drain(TX).collect();
    assert_eq!((site.held(), site.pool.out()), (0, 0));
    (sent, events)
}

/// All counters but those of the cache, and bytes.
fn counters(site: Site) -> (String, String) {
    let stats = site.stop();
    let mut all = moved(&stats[0]);
    let cache = all.find(", hits").or(all.find(", misses"));
    all.truncate(cache.unwrap_or(all.len()));
    (all, carried(&stats[0]))
}

proptest! {
    #[test]
    fn cold_and_warm_forward_alike(steps in prop::collection::vec(step(), 1..120)) {
        let mut sites = [0, 3, 64].map(Site::alone);
        for (step, generation) in steps.iter().zip(2..) {
            let seen = sites.each_mut().map(|site| {
                carry_out(site, step, generation);
                seen(site, 0)
            });
            prop_assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{step:?}: {seen:?}");
        }
        let counters = sites.map(counters);
        prop_assert!(counters.windows(2).all(|pair| pair[0] == pair[1]), "{counters:?}");
    }
}
