use super::*;
use crate::offload::driver::Driver;
use crate::offload::nic::Meaning;
use fastpath::io::Checksum;
use fastpath::offload::{Delivery, Mark, Pattern, Width};
use fastpath::wire::craft::{Pair, tagged};
use fastpath::wire::{EtherType, Mac, Tag, VlanId};

fn rule(pattern: Pattern, delivery: Delivery, target: Target) -> Rule {
    Rule {
        vlan: target.vlan,
        end_point: target.end_point,
        pattern,
        delivery,
        queues: 4,
        mark: Mark::first(Width::Bits16, 5).unwrap(),
        count: false,
        strip: target.remote,
    }
}

fn mac(last: u8) -> Mac {
    Mac::new([2, 0, 0, 0, 0, last])
}

const REMOTE: [u8; 4] = [198, 51, 100, 7];

/// An inner frame, and it in a VXLAN packet to the end point of [`target`].
fn packet(vni: u32) -> (Vec<u8>, Vec<u8>) {
    let inside = Pair::new(
        (mac(1), [10, 0, 0, 1].into()),
        (mac(2), [10, 0, 0, 2].into()),
    );
    let inner = inside.udp(1000, 2000, b"payload");
    let outside = Pair::new((mac(3), REMOTE.into()), (mac(4), [192, 0, 2, 1].into()));
    let outer = outside.vxlan(50_000, Vni::new(vni).unwrap(), &inner);
    (inner, outer)
}

/// Answers of each kind of NIC to its UDP ports, as in the table of docs/hardware.md.
#[test]
fn udp_ports_are_taken_and_refused_as_by_the_drivers() {
    let told = |profile: Profile, others: Option<u16>, port: u16| {
        let model = Model::new(profile, 1);
        let mut nic = model.start();
        if let Some(port) = others {
            model.chip().told_by_others(port);
        }
        nic.add_udp_port(port).err().map(|error| error.errno)
    };
    for (profile, others, port, error) in [
        (Profile::MLX5, None, 4789, None),
        (Profile::MLX5, None, 8472, Some(Errno::ENOTSUP)),
        (Profile::I40E, None, 8472, None),
        (Profile::I40E, Some(8472), 8472, Some(Errno::EINVAL)),
        (Profile::ICE, Some(8472), 8472, None),
        (Profile::SFC, Some(8472), 8472, Some(Errno::EEXIST)),
        (Profile::BNXT, Some(8472), 8472, None),
        (Profile::BNXT, Some(8472), 4789, Some(Errno::ENOSPC)),
        (Profile::IXGBE, Some(8472), 4789, None),
        (Profile::ENIC, None, 4789, Some(Errno::EINVAL)),
        (Profile::ENIC, None, 8472, None),
        (Profile::CNXK, None, 4789, Some(Errno::ENOTSUP)),
        (Profile::VIRTIO, None, 4789, Some(Errno::ENOTSUP)),
    ] {
        assert_eq!(
            told(profile, others, port),
            error,
            "{} {port}",
            profile.driver
        );
    }
    // A full table.
    for (profile, error) in [
        (Profile::I40E, Errno::ENOSPC),
        (Profile::ICE, Errno::EACCES),
        (Profile::SFC, Errno::ENOSPC),
    ] {
        let model = Model::new(profile, 1);
        let mut nic = model.start();
        let answers: Vec<_> = (1..=17).map(|port| nic.add_udp_port(port)).collect();
        assert!(answers[..16].iter().all(Result::is_ok));
        let refused = answers[16].clone().unwrap_err();
        assert_eq!(refused.errno, error);
        let meaning = Driver::of(profile.driver).refused(17, &refused);
        assert_eq!(meaning, super::super::driver::Refusal::Not(Meaning::Full));
    }
    // What is taken back twice.
    for (profile, error) in [
        (Profile::ICE, Errno::EINVAL),
        (Profile::MLX5, Errno::ENOTSUP),
    ] {
        let model = Model::new(profile, 1);
        let error = bare(error);
        assert_eq!(model.start().del_udp_port(4789), Err(error));
    }
}

#[test]
fn a_packet_that_a_rule_names_is_marked_and_counted() {
    let (inner, outer) = packet(10);
    let model = Model::new(Profile::MLX5, 4);
    let mut nic = model.start();
    assert_eq!(model.receive(&outer).mark, None);
    let mut wanted = rule(Pattern::Tunnel, Delivery::InnerRss, target(4789, 10));
    wanted.count = true;
    let handle = nic.create(&wanted).unwrap();
    let seen = model.receive(&outer);
    assert_eq!(seen.mark, Some(wanted.mark.get()));
    assert_eq!(
        (seen.tunnel, seen.stripped, &seen.bytes),
        (true, false, &outer)
    );
    assert_eq!(model.receive(&packet(11).1).mark, None);
    assert_eq!(model.receive(&inner).mark, None);
    assert_eq!(nic.hits(&handle), Ok(1));
    nic.destroy(handle).unwrap();
    assert_eq!(model.receive(&outer).mark, None);
}

#[test]
fn a_tag_is_part_of_what_a_rule_names() {
    let (_, outer) = packet(10);
    let tag = |vid| Tag {
        vid: VlanId::new(vid).unwrap(),
        ..Tag::default()
    };
    let model = Model::new(Profile::MLX5, 4);
    let mut nic = model.start();
    let vlan = VlanId::new(7);
    let wanted = Target {
        vlan,
        ..target(4789, 10)
    };
    nic.create(&rule(Pattern::Tunnel, Delivery::Rss, wanted))
        .unwrap();
    assert_eq!(model.receive(&outer).mark, None);
    assert!(
        model
            .receive(&tagged(&outer, EtherType::VLAN, tag(7)))
            .mark
            .is_some()
    );
    assert_eq!(
        model.receive(&tagged(&outer, EtherType::VLAN, tag(8))).mark,
        None
    );
}

#[test]
fn outer_headers_come_off_for_one_remote() {
    let (inner, outer) = packet(10);
    let of = |remote: [u8; 4]| Target {
        remote: Some(remote.into()),
        ..target(4789, 10)
    };
    for (remote, stripped) in [(REMOTE, true), ([198, 51, 100, 8], false)] {
        let model = Model::new(Profile::MLX5, 4);
        let mut nic = model.start();
        nic.create(&rule(Pattern::Tunnel, Delivery::Rss, of(remote)))
            .unwrap();
        let seen = model.receive(&outer);
        assert_eq!((seen.stripped, seen.mark.is_some()), (stripped, stripped));
        assert_eq!(&seen.bytes, if stripped { &inner } else { &outer });
    }
}

#[test]
fn what_the_parser_knows_decides_whose_checksums_are_told() {
    let (_, mut outer) = packet(10);
    let last = outer.len() - 1;
    outer[last] ^= 1;
    let model = Model::new(Profile::ICE, 4);
    let mut nic = model.start();
    let seen = model.receive(&outer);
    // The outer datagram has no checksum.
    assert_eq!((seen.tunnel, seen.checksums.ip), (false, Checksum::Good));
    assert_eq!(seen.checksums.l4, Checksum::Unknown);
    nic.add_udp_port(4789).unwrap();
    let seen = model.receive(&outer);
    assert_eq!((seen.tunnel, seen.checksums.ip), (true, Checksum::Good));
    assert_eq!(seen.checksums.l4, Checksum::Bad);
}

#[test]
fn a_pattern_with_inner_headers_leaves_others_alone() {
    let inside = Pair::new(
        (mac(1), [10, 0, 0, 1].into()),
        (mac(2), [10, 0, 0, 2].into()),
    );
    let outside = Pair::new((mac(3), REMOTE.into()), (mac(4), [192, 0, 2, 1].into()));
    let arp = outside.vxlan(50_000, Vni::new(10).unwrap(), &inside.arp_request());
    let model = Model::new(Profile::ICE, 4);
    let mut nic = model.start();
    let wanted = rule(Pattern::InnerIpv4, Delivery::PassOn, target(4789, 10));
    nic.create(&wanted).unwrap();
    // The parser does not know the UDP port yet.
    assert_eq!(model.receive(&packet(10).1).mark, None);
    nic.add_udp_port(4789).unwrap();
    assert!(model.receive(&packet(10).1).mark.is_some());
    assert_eq!(model.receive(&arp).mark, None);
}

#[test]
fn queues_are_chosen_by_inner_headers_where_a_rule_says_so() {
    let outside = Pair::new((mac(3), REMOTE.into()), (mac(4), [192, 0, 2, 1].into()));
    let inside = Pair::new(
        (mac(1), [10, 0, 0, 1].into()),
        (mac(2), [10, 0, 0, 2].into()),
    );
    let model = Model::new(Profile::MLX5, 4);
    let mut nic = model.start();
    // One outer flow of many inner ones.
    let queues = || -> std::collections::BTreeSet<u16> {
        let frames = (0..64).map(|port| inside.udp(port, 9, b""));
        let frames = frames.map(|inner| outside.vxlan(5, Vni::new(10).unwrap(), &inner));
        frames.map(|frame| model.receive(&frame).queue).collect()
    };
    assert_eq!(queues().len(), 1);
    nic.create(&rule(Pattern::Tunnel, Delivery::InnerRss, target(4789, 10)))
        .unwrap();
    assert_eq!(queues().len(), 4);
}

#[test]
#[should_panic(expected = "after the port was closed")]
fn a_port_that_is_closed_is_not_called() {
    let model = Model::new(Profile::ICE, 1);
    let mut nic = model.start();
    model.chip().stop();
    let _ = nic.add_udp_port(4789);
}

#[test]
#[should_panic(expected = "after it was gone")]
fn a_nic_that_said_that_it_is_gone_is_not_called() {
    let model = Model::new(Profile::ICE, 1);
    let mut nic = model.start();
    model.chip().unplug();
    assert_eq!(nic.add_udp_port(4789), Err(bare(Errno::ENODEV)));
    let _ = nic.add_udp_port(4789);
}

#[test]
#[should_panic(expected = "while it recovers")]
fn a_nic_that_recovers_is_not_called() {
    let model = Model::new(Profile::ICE, 1);
    let mut nic = model.start();
    model.chip().suspend();
    let _ = nic.flush();
}

#[test]
#[should_panic(expected = "told twice")]
fn a_udp_port_is_told_once() {
    let model = Model::new(Profile::ICE, 1);
    let mut nic = model.start();
    nic.add_udp_port(4789).unwrap();
    let _ = nic.add_udp_port(4789);
}

#[test]
#[should_panic(expected = "takes the place of")]
fn a_register_is_not_overwritten() {
    let model = Model::new(Profile::IXGBE, 1);
    let mut nic = model.start();
    nic.add_udp_port(4789).unwrap();
    let _ = nic.add_udp_port(8472);
}

#[test]
#[should_panic(expected = "from before the rules were lost")]
fn a_handle_does_not_outlive_a_reset() {
    let model = Model::new(Profile::MLX5, 4);
    let mut nic = model.start();
    let handle = nic.create(&rule(Pattern::Tunnel, Delivery::Rss, target(4789, 1)));
    model.chip().reset();
    let _ = nic.destroy(handle.unwrap());
}

#[test]
#[should_panic(expected = "from before the rules were lost")]
fn a_handle_does_not_outlive_a_flush_that_failed() {
    let model = Model::new(Profile::MLX5, 4);
    let mut nic = model.start();
    let handle = nic.create(&rule(Pattern::Tunnel, Delivery::Rss, target(4789, 1)));
    model.chip().fail(0, Errno::EBUSY);
    assert!(nic.flush().is_err());
    let _ = nic.destroy(handle.unwrap());
}
