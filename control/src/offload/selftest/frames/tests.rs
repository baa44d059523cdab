use super::*;
use fastpath::io::heap::HeapPool;
use fastpath::io::{Checksum, Pool};
use fastpath::offload::Truth;
use fastpath::snapshot::UdpPorts;
use std::collections::BTreeSet;

const RUN: u32 = 5;

fn site() -> Site {
    Site::new(Mac::new([2, 0, 0, 0, 0, 1]))
}

fn truth(frame: &Frame) -> Truth {
    let mut udp_ports = UdpPorts::default();
    udp_ports.insert(site().udp_port);
    let packet = HeapPool::new(1).alloc(&frame.bytes).unwrap();
    Truth::of(&packet, &udp_ports)
}

/// The checksum that the name of a frame speaks of, after `what`.
fn named(name: &str, what: &str) -> Option<Checksum> {
    let (_, rest) = name.split_once(what)?;
    let rest = rest.trim_start();
    let words = [
        ("zero", Checksum::Unknown),
        ("right", Checksum::Good),
        ("wrong", Checksum::Bad),
    ];
    let found = words.iter().find(|(word, _)| rest.starts_with(word));
    Some(found.unwrap_or_else(|| panic!("{name}")).1)
}

#[test]
fn each_frame_has_its_number_and_is_as_long_as_a_wire_wants() {
    let frames = frames(&site(), RUN);
    for (place, frame) in frames.iter().enumerate() {
        assert_eq!(Id::find(RUN, &frame.bytes), Some(place), "{}", frame.name);
        assert!((60..=200).contains(&frame.bytes.len()), "{}", frame.name);
        let dst: [u8; 6] = frame.bytes[..6].try_into().unwrap();
        let arp = frame.name == "no tunnel, ARP";
        let to = if arp { Mac::BROADCAST } else { site().mac };
        assert_eq!(Mac::new(dst), to, "{}", frame.name);
    }
    let names: BTreeSet<_> = frames.iter().map(|frame| &frame.name).collect();
    assert_eq!(
        names.len() * COPIES,
        frames.len(),
        "names tell frames apart"
    );
    assert!(frames.len() < 256, "all fit into a queue: {}", frames.len());
}

#[test]
fn frames_are_what_their_names_say() {
    let (mut outer, mut inner) = (0, 0);
    for frame in frames(&site(), RUN) {
        let (name, truth) = (&frame.name, truth(&frame));
        if let Some(sum) = named(name, "UDP checksum") {
            assert_eq!(truth.outer.l4, sum, "{name}");
            outer += 1;
        }
        if name.contains("IP checksum wrong") {
            assert_eq!(truth.outer.ip, Checksum::Bad, "{name}");
        }
        let in_tunnel = name.starts_with("tunnel, ") || name.starts_with("other tunnel, ");
        if let (true, Some(sum)) = (in_tunnel, named(name, "with checksum")) {
            assert_eq!(truth.inner.l4, sum, "{name}");
            inner += 1;
        }
        if let (true, Some(sum)) = (name.starts_with("no tunnel"), named(name, "with checksum")) {
            assert_eq!(truth.outer.l4, sum, "{name}");
        }
        if name.ends_with("wrong header checksum") {
            let of = if in_tunnel { truth.inner } else { truth.outer };
            assert_eq!(of.ip, Checksum::Bad, "{name}");
        }
    }
    assert!(outer > 60 && inner > 30, "{outer} {inner}");
}

/// Else nothing could be found out, however honest a NIC is.
#[test]
fn there_are_right_and_wrong_checksums_of_all_kinds_in_and_outside_of_tunnels() {
    let all = frames(&site(), RUN);
    let truths: Vec<_> = all.iter().map(truth).collect();
    let in_tunnel = |truth: &Truth| truth.parsed.layout.inner_at != 0;
    for verdict in [Checksum::Good, Checksum::Bad] {
        for tunnel in [false, true] {
            let of = || truths.iter().filter(|truth| in_tunnel(truth) == tunnel);
            assert!(of().any(|truth| truth.outer.ip == verdict), "{verdict:?}");
            assert!(of().any(|truth| truth.outer.l4 == verdict), "{verdict:?}");
        }
        assert!(truths.iter().any(|truth| truth.inner.ip == verdict));
        assert!(truths.iter().any(|truth| truth.inner.l4 == verdict));
    }
    // What a NIC that sees no tunnel would mix up.
    let mixed = |outer, inner| {
        let mut all = truths.iter();
        all.any(|truth| truth.outer.l4 == outer && truth.inner.l4 == inner)
    };
    assert!(mixed(Checksum::Bad, Checksum::Good) && mixed(Checksum::Good, Checksum::Bad));
}

#[test]
fn no_other_udp_port_is_one_that_the_nic_was_told() {
    let mut site = site();
    let has_53 = |site: &Site| {
        let all = frames(site, RUN);
        all.iter().any(|frame| frame.name.contains("UDP port 53"))
    };
    assert!(has_53(&site));
    site.told = vec![53];
    assert!(!has_53(&site));
}

#[test]
fn a_wrong_checksum_is_never_zero() {
    for right in [0, 1, 2, 3, 0xfffe, 0xffff_u16] {
        let frame = broken(right.to_be_bytes().to_vec(), 0);
        let wrong = u16::from_be_bytes(frame.try_into().unwrap());
        assert!(wrong != 0 && wrong != right, "{right}");
    }
    assert_eq!(broken(vec![7], 0), [7]);
    assert_eq!(Inner::ALL.len(), 14);
}
