//! Who is believed, and who is caught.

use super::*;
use crate::io::heap::{HeapPacket, HeapPool};
use crate::io::{Checksum, Pool, RxChecksums};
use crate::offload::hints::PROVING;
use crate::offload::{Mark, Width};
use crate::snapshot::EndPoint;
use crate::testing::{UPLINK, inner, outer, port, tunnelled, udp_ports, vtep};
use crate::wire::{Vni, vxlan};
use std::sync::Arc;

fn mark(slot: usize) -> u32 {
    Mark::first(Width::Bits16, slot).unwrap().get()
}

/// Marks 1 and 2 are for VNI 10 and 20.
fn hints() -> Hints {
    let mut hints = Hints::new(Width::Bits16);
    for (slot, vni) in [(1, 10), (2, 20)] {
        let end_point = EndPoint {
            local: vtep(2).1,
            udp_port: vxlan::PORT,
            vni: Vni::new(vni).unwrap(),
        };
        let mark = Mark::first(Width::Bits16, slot).unwrap();
        assert!(hints.insert(Arc::new(Expected::new(mark, end_point, None))));
    }
    hints
}

struct Rig {
    hints: Hints,
    stats: HintStats,
    udp_ports: UdpPorts,
    pool: HeapPool,
}

impl Rig {
    fn new() -> Self {
        Rig {
            hints: hints(),
            stats: HintStats::default(),
            udp_ports: udp_ports(),
            pool: HeapPool::new(64),
        }
    }

    fn belief(&self) -> Belief<'_> {
        Belief {
            ingress: port(UPLINK),
            hints: &self.hints,
            stats: &self.stats,
            udp_ports: &self.udp_ports,
        }
    }

    fn packet(&self, frame: &[u8], mark: Option<u32>) -> HeapPacket {
        self.pool.alloc(frame).unwrap().with_mark(mark)
    }

    /// Reads a packet, which comes out as it is parsed whatever is said of it.
    fn read(&self, packet: &HeapPacket) -> (bool, Option<Lie>) {
        let bytes = packet.bytes();
        let read = self.belief().read(packet);
        let parsed = parse(port(UPLINK), &bytes, bytes.len(), &self.udp_ports);
        assert_eq!(read.parsed, parsed);
        (read.proving, read.lie)
    }

    /// Confirmed, differed, unknown, inspected, lies.
    fn counted(&self) -> [u64; 5] {
        let stats = &self.stats;
        let all = [
            &stats.confirmed,
            &stats.differed,
            &stats.unknown,
            &stats.inspected,
            &stats.lies,
        ];
        all.map(crate::stats::Counter::get)
    }
}

fn frame(vni: u8) -> Vec<u8> {
    tunnelled(1, vni, &inner(1, 2, 10))
}

#[test]
fn the_first_packets_of_a_rule_are_looked_at_in_full() {
    let rig = Rig::new();
    let packet = rig.packet(&frame(10), Some(mark(1)));
    for _ in 0..PROVING {
        assert_eq!(rig.read(&packet), (true, None));
    }
    let proving = u64::from(PROVING);
    assert_eq!(rig.counted(), [proving, 0, 0, proving, 0]);
    assert_eq!(rig.read(&packet), (false, None));
    assert_eq!(rig.counted(), [proving + 1, 0, 0, proving, 0]);
    // Each rule has to be proved.
    let other = rig.packet(&frame(20), Some(mark(2)));
    assert_eq!(rig.read(&other), (true, None));
}

#[test]
fn a_packet_without_a_mark_or_with_an_unknown_one_is_parsed() {
    let rig = Rig::new();
    for mark in [None, Some(mark(3)), Some(u32::MAX), Some(0)] {
        let packet = rig.packet(&frame(10), mark);
        assert_eq!(rig.read(&packet), (false, None));
    }
    assert_eq!(rig.counted(), [0, 0, 3, 0, 0]);
}

#[test]
fn a_mark_of_another_tunnel_is_a_lie_and_proves_nothing() {
    let rig = Rig::new();
    let to_other = outer(1).reversed();
    let others = [
        frame(20),
        to_other.vxlan(50000, Vni::from_bytes([0, 0, 10]), &inner(1, 2, 10)),
        outer(1).udp(50000, 53, &[0; 40]),
    ];
    for (count, frame) in (1..).zip(others) {
        let packet = rig.packet(&frame, Some(mark(1)));
        assert_eq!(rig.read(&packet), (true, Some(Lie::Mark)), "{frame:02x?}");
        assert_eq!(rig.counted(), [0, count, 0, count, count]);
    }
    assert!(rig.hints.expected().all(|expected| !expected.is_proved()));
}

/// The NIC saw the tunnel, and something that the comparison does not allow for.
/// Whoever sends to this port may choose the address.
#[test]
fn a_rule_that_names_the_vni_alone_marks_packets_for_others_and_is_right() {
    let mut rig = Rig::new();
    let first = rig.hints.expected().next().unwrap();
    let (mark, end_point) = (first.mark(), first.end_point());
    let by_vni = Expected::new(mark, end_point, None).by_vni();
    let mut for_others = frame(10);
    for_others[33] ^= 1;
    let for_others = rig.packet(&for_others, Some(mark.get()));
    assert_eq!(rig.read(&for_others), (true, Some(Lie::Mark)));

    assert!(rig.hints.insert(Arc::new(by_vni)));
    assert_eq!(rig.read(&for_others), (true, None));
    let other = rig.packet(&frame(20), Some(mark.get()));
    assert_eq!(rig.read(&other).1, Some(Lie::Mark));
}

#[test]
fn what_is_uncommon_is_parsed_and_no_lie() {
    let rig = Rig::new();
    let mut reserved = frame(10);
    reserved[43] = 1;
    let mut fragment = frame(10);
    fragment[20] = 0x20;
    let short = frame(10)[..45].to_vec();
    for frame in [reserved, fragment, short] {
        let packet = rig.packet(&frame, Some(mark(1)));
        assert_eq!(rig.read(&packet), (true, None), "{frame:02x?}");
    }
    assert_eq!(rig.counted(), [0, 3, 0, 3, 0]);
}

#[test]
fn a_checksum_that_was_misjudged_is_a_lie() {
    let good = |ip, l4| RxChecksums { ip, l4 };
    let plain = frame(10);
    let mut broken_ip = plain.clone();
    broken_ip[25] ^= 1;
    let mut wrong_udp = plain.clone();
    wrong_udp[40] = 0x12;
    for (frame, verdicts, lie) in [
        (&plain, good(Checksum::Good, Checksum::Good), None),
        (&plain, good(Checksum::Unknown, Checksum::Unknown), None),
        (
            &plain,
            good(Checksum::Bad, Checksum::Unknown),
            Some(Lie::IpChecksum),
        ),
        (
            &broken_ip,
            good(Checksum::Good, Checksum::Unknown),
            Some(Lie::IpChecksum),
        ),
        (&broken_ip, good(Checksum::Bad, Checksum::Unknown), None),
        (
            &wrong_udp,
            good(Checksum::Good, Checksum::Good),
            Some(Lie::UdpChecksum),
        ),
        (&wrong_udp, good(Checksum::Good, Checksum::Bad), None),
        // There is none to be judged.
        (&plain, good(Checksum::Good, Checksum::Bad), None),
    ] {
        let rig = Rig::new();
        let packet = rig.packet(frame, Some(mark(1))).with_rx_checksums(verdicts);
        assert_eq!(rig.read(&packet).1, lie, "{verdicts:?}");
        assert_eq!(rig.belief().sample(&packet), lie, "{verdicts:?}");
    }
}

#[test]
fn one_packet_of_many_is_sampled_wherever_bursts_end() {
    let rig = Rig::new();
    let broken = RxChecksums {
        ip: Checksum::Bad,
        ..RxChecksums::default()
    };
    for size in [1, 3, 64] {
        let (mut sampler, mut lies, mut sent) = (Sampler::default(), 0, 0);
        let mut burst: Vec<_> = (0..size)
            .map(|_| rig.packet(&frame(10), None).with_rx_checksums(broken))
            .collect();
        while sent < 3 * SAMPLE {
            lies += usize::from(sampler.burst(&rig.belief(), &mut burst).is_some());
            sent += size;
        }
        assert_eq!(lies, sent.div_ceil(SAMPLE), "bursts of {size}");
    }
}

#[test]
fn who_is_distrusted_says_nothing_of_checksums() {
    let mut rig = Rig::new();
    rig.hints.distrusted = true;
    let bad = RxChecksums {
        ip: Checksum::Bad,
        l4: Checksum::Bad,
    };
    let packet = rig.packet(&frame(10), None).with_rx_checksums(bad);
    let mut burst = [packet.with_mark(Some(mark(1)))];
    assert_eq!(Sampler::default().burst(&rig.belief(), &mut burst), None);
    assert_eq!(burst[0].rx_checksums(), RxChecksums::default());
    // Which is confirmed by itself.
    assert_eq!(burst[0].mark(), Some(mark(1)));
}
