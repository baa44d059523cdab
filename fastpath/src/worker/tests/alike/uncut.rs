//! Who gets segments may not notice who has cut them: the guest, the switch or a NIC.

use super::*;
use crate::action::IpIds;
use crate::cut::{MOST, cut, suits_nics};
use crate::snapshot::{Inside, TxChecksums};
use crate::stats::{Counter, WorkerStats};
use crate::testing::{DOWN, Stream, edit_remote, link};
use std::num::NonZeroU16;

/// A packet that is to be cut, if it is longer than a segment, or another frame.
#[derive(Clone, Debug)]
enum Arrival {
    Stream(Stream, usize, usize),
    Frame(Frame),
}

#[derive(Clone, Debug)]
enum Change {
    /// They arrive together at this port.
    Arrive(usize, Vec<Arrival>),
    Learn(usize, u8, usize),
    Forget(usize, u8),
}

fn stream() -> impl Strategy<Value = Stream> {
    let place = (any::<u32>(), any::<u16>(), any::<u8>());
    let form = (any::<bool>(), 0..3usize, 0..11u8);
    (0..5u8, station(), form, place).prop_map(
        |(src, dst, (ipv6, tags, options), (sequence, ident, flags))| Stream {
            src,
            dst,
            ipv6,
            // Priorities, which are no links.
            tags: vec![0x2000; tags],
            options,
            flags,
            sequence,
            ident,
        },
    )
}

fn arrival() -> impl Strategy<Value = Arrival> {
    let one = (stream(), 1..3000usize, 400..900usize);
    // Which may be too long for some ports: all of them are, as one that fits would not go alone.
    let long = (stream(), 1400..1600usize);
    prop_oneof![
        3 => one.prop_map(|(stream, len, size)| Arrival::Stream(stream, len, size)),
        1 => long.prop_map(|(stream, size)| Arrival::Stream(stream, 2 * size, size)),
        1 => frame_at(Just(A), 5).prop_map(Arrival::Frame),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let at = prop::sample::select(vec![A, B, BOTH]);
    let arrivals = prop::collection::vec(arrival(), 1..6);
    prop_oneof![
        6 => (at, arrivals).prop_map(|(at, arrivals)| Change::Arrive(at, arrivals)),
        3 => (0..2usize, station(), 0..6usize).prop_map(|(bridge, mac, to)| Change::Learn(bridge, mac, to)),
        1 => (0..2usize, station()).prop_map(|(bridge, mac)| Change::Forget(bridge, mac)),
    ]
}

fn nic() -> impl Strategy<Value = TxChecksums> {
    let inside = prop::sample::select(vec![Inside::Never, Inside::Always, Inside::Behind(4789)]);
    let sums = any::<[bool; 4]>();
    (sums, inside).prop_map(
        |([udp, tcp, segments, inside_segments], inside)| TxChecksums {
            udp,
            tcp,
            segments,
            inside,
            inside_segments,
        },
    )
}

/// The small switch whose guests leave all open, with some outer checksums, and ports that take one
/// segment, where the NIC can cut nothing.
fn opened(nics: &[TxChecksums], whole: bool) -> Snapshot {
    let mut snapshot = switch();
    edit_remote(&mut snapshot, 1, |settings| settings.udp_checksum = true);
    for (number, nic) in (0..snapshot.ports.len()).zip(nics) {
        edit_port(&mut snapshot, number, |port| {
            port.rx_open = true;
            port.tx = *nic;
            if whole {
                port.may_chain = false;
                (port.tx.segments, port.tx.inside_segments) = (false, false);
            }
        });
    }
    snapshot
}

fn payload(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 11 + at / 253) as u8).collect()
}

/// As the guest leaves it.
fn left_to_cut(site: &Site, at: usize, arrivals: &[Arrival]) {
    for arrival in arrivals {
        let packet = match arrival {
            Arrival::Stream(stream, len, size) => {
                let frame = stream.whole(&payload(*len));
                let packet = site.pool.alloc_chain(&frame, 1000).unwrap();
                packet.with_segments(NonZeroU16::new(*size as u16))
            }
            Arrival::Frame(frame) => frame.packet(&site.pool),
        };
        assert!(site.rx[at].push(packet).is_ok());
    }
}

/// As it would have cut it.
fn cut_before(site: &Site, at: usize, arrivals: &[Arrival]) {
    for arrival in arrivals {
        let frames = match arrival {
            Arrival::Stream(stream, len, size) => stream.segments(&payload(*len), *size),
            Arrival::Frame(frame) => vec![frame.bytes()],
        };
        for frame in frames {
            let packet = site.pool.alloc_chain(&frame, 1000).unwrap();
            assert!(site.rx[at].push(packet).is_ok());
        }
    }
}

/// What is on the wire of each port; what a NIC was to cut is cut.
fn on_wires(site: &mut Site) -> Vec<Vec<Vec<u8>>> {
    while site.poll(0, 0) > 0 {}
    while site.punts[0].pop().is_ok() {}
    site.events.drain(TX).for_each(drop);
    let on_wire = |packet: HeapPacket| match packet.left() {
        Some(left) if left.segment.is_some() => {
            assert!(suits_nics(&packet, left), "a NIC would stop its queue");
            let pool = HeapPool::new(MOST);
            let none = TxChecksums::default();
            let segments = cut(&pool, &packet, left, none, &mut IpIds::new(0)).unwrap();
            segments.iter().map(HeapPacket::bytes).collect()
        }
        _ => vec![packet.bytes()],
    };
    let ports = 0..site.tx.len();
    let sent = ports.map(|number| {
        let packets = site.sent_packets(number).into_iter();
        packets.flat_map(on_wire).collect()
    });
    let sent = sent.collect();
    assert_eq!(site.held(), 0);
    sent
}

/// What is the same, however many segments came in by guests' ports.
fn outward(stats: &WorkerStats) -> Vec<u64> {
    let mut all = Vec::new();
    let mut add = |counters: &[&Counter]| all.extend(counters.iter().map(|counter| counter.get()));
    for number in 0..=DOWN {
        let port = stats.port(port(number));
        add(&[&port.enqueued, &port.sent, &port.sent_bytes, &port.consumed]);
    }
    for number in 0..3 {
        let remote = stats.remote(remote(number));
        add(&[&remote.sent, &remote.sent_bytes]);
    }
    let uplink = stats.link(link(0));
    add(&[
        &uplink.frames.enqueued,
        &uplink.tunnels.sent,
        &uplink.tunnels.sent_bytes,
    ]);
    let bridges = [0, 1].map(|number| stats.bridge(bridge(number)));
    let sent = bridges.map(|it| it.received.get() + it.copied.get() - it.dropped.get());
    all.extend(sent);
    all
}

proptest! {
    #[test]
    fn segments_leave_alike_whoever_cut_them(
        entries in prop::sample::select(vec![0, 3, 64]),
        changes in prop::collection::vec(change(), 1..40),
        nics in prop::collection::vec(nic(), DOWN + 1),
        (whole, by_nics) in any::<(bool, bool)>(),
    ) {
        let mut nics = nics;
        if !by_nics {
            nics.iter_mut().for_each(|nic| (nic.segments, nic.inside_segments) = (false, false));
        }
        let snapshot = || opened(&nics, whole);
        let pool = || HeapPool::with_data_room(2000, 4096);
        let mut sites = [0; 2].map(|_| Site::of_pool(pool(), 1, entries, snapshot()).serving_all());
        for change in &changes {
            match change {
                Change::Arrive(at, arrivals) => {
                    left_to_cut(&sites[0], *at, arrivals);
                    cut_before(&sites[1], *at, arrivals);
                }
                Change::Learn(bridge, mac_of, to) => sites.iter_mut().for_each(|site| {
                    site.learn(learned(*bridge, mac(*mac_of), destination(*to)));
                }),
                Change::Forget(number, mac_of) => sites.iter_mut().for_each(|site| {
                    site.fdb.remove(FdbKey::new(bridge(*number), mac(*mac_of)));
                }),
            }
            let seen = sites.each_mut().map(on_wires);
            prop_assert!(seen[0] == seen[1], "{:?}", change);
        }
        let stats = sites.map(Site::stop);
        if !by_nics || whole {
            prop_assert_eq!(outward(&stats[0][0]), outward(&stats[1][0]));
        }
    }
}
