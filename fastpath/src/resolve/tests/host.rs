//! The switch beside others on its port: on VLANs, and with the kernel of its host.

use super::*;
use crate::action::Arrival;
use crate::ids::PortId;
use crate::snapshot::{Own, Place};
use crate::testing::{link, untagged};
use crate::wire::VlanId;

const VLAN: u16 = 100;
/// Where the kernel is in these tests.
const KERNEL: usize = LONE;

fn on_vlan(vlan: u16, frame: &[u8]) -> Vec<u8> {
    craft::tagged(frame, EtherType::VLAN, Tag::from_bits(vlan))
}

/// The uplink's address is on a VLAN, and there is another one in untagged frames.
fn with_vlan() -> Bench {
    let mut bench = Bench::new();
    edit_port(&mut bench.snapshot, UPLINK, |port| {
        let vlan = VlanId::new(VLAN);
        port.addresses = vec![
            Own {
                address: vtep(2).1,
                vlan,
            },
            untagged(vtep(3).1),
        ];
    });
    bench.snapshot.links.push(Place {
        port: port(UPLINK),
        vlan: VlanId::new(VLAN),
    });
    bench
}

/// The kernel gets what on the uplink is nobody's.
fn with_kernel() -> Bench {
    let mut bench = Bench::new();
    edit_port(&mut bench.snapshot, UPLINK, |p| {
        p.local = Some(port(KERNEL))
    });
    edit_port(&mut bench.snapshot, KERNEL, |p| {
        p.uplink = Some(port(UPLINK))
    });
    bench
}

const fn to_kernel() -> Action {
    Action::Output(Target::Port(PortId::new(KERNEL).unwrap()))
}

#[test]
fn arp_speaks_of_an_address_in_frames_of_its_vlan() {
    let bench = with_vlan();
    let request = Pair::new(vtep(1), (Mac::BROADCAST, vtep(2).1)).arp_request();
    let other = Pair::new(vtep(1), (Mac::BROADCAST, vtep(3).1)).arp_request();
    let nobody = [Action::Drop(DropReason::NotForUs)];
    for (frame, expected) in [
        (on_vlan(VLAN, &request), [Action::Punt]),
        (request.clone(), nobody),
        (on_vlan(VLAN + 1, &request), nobody),
        (other.clone(), [Action::Punt]),
        // Of priority alone: that is untagged.
        (on_vlan(0x2000, &other), [Action::Punt]),
        (on_vlan(VLAN, &other), nobody),
    ] {
        assert_eq!(bench.actions(UPLINK, &frame), expected);
    }
}

#[test]
fn packets_for_an_address_may_come_by_any_link_of_ours_and_no_other() {
    let bench = with_vlan();
    let packet = tunnelled(1, 10, &inner(1, 2, 0));
    for (frame, by) in [(on_vlan(VLAN, &packet), 1), (packet.clone(), 0)] {
        let arrival = Arrival {
            tunnel: tunnel(0),
            remote: Some(remote(0)),
            link: Some(link(by)),
        };
        let first = bench.actions(UPLINK, &frame)[0];
        assert_eq!(first, Action::Decap(arrival));
    }
    let nobody = [Action::Drop(DropReason::NotForUs)];
    assert_eq!(bench.actions(UPLINK, &on_vlan(VLAN + 1, &packet)), nobody);
}

#[test]
fn who_has_an_address_of_ours_is_heard() {
    let mut bench = Bench::new();
    let thief = Pair::new((vtep(9).0, vtep(2).1), (Mac::BROADCAST, vtep(7).1)).arp_request();
    assert_eq!(bench.actions(UPLINK, &thief), [Action::Punt]);
    // The answer to a probe: nobody is its target.
    let answer = Pair::new((vtep(9).0, vtep(2).1), (vtep(2).0, [0, 0, 0, 0].into())).arp_reply();
    assert_eq!(bench.actions(UPLINK, &answer), [Action::Punt]);
    edit_port(&mut bench.snapshot, UPLINK, |p| p.bridge = Some(bridge(1)));
    let bridged = [bridged(UPLINK, 1), Action::Punt];
    assert_eq!(bench.actions(UPLINK, &thief), bridged, "and by the bridge");
    let announcement = Pair::new(vtep(1), (Mac::BROADCAST, vtep(1).1)).arp_request();
    assert_eq!(bench.actions(UPLINK, &announcement), bridged, "so too");
}

#[test]
fn without_addresses_on_vlans_the_vlan_is_not_looked_at() {
    let bench = Bench::new();
    let frame = on_vlan(VLAN, &tunnelled(1, 10, &inner(1, 2, 0)));
    let mask = |bench: &Bench| FlowKey(bench.decide(UPLINK, &frame).mask.0);
    assert_eq!(mask(&bench).get(Field::VLAN_ID), 0);
    assert_eq!(mask(&with_vlan()).get(Field::VLAN_ID), 0xfff);
}

#[test]
fn the_kernel_gets_what_is_nobodys() {
    let bench = with_kernel();
    let pair = outer(1);
    let echo = |kind| icmp::Repr {
        echo: kind,
        ident: 1,
        sequence: 1,
    };
    let udp = pair.udp(1, 53, &[]);
    for (what, frame) in [
        ("TCP", pair.tcp(1, 22, &[])),
        ("UDP", udp.clone()),
        ("a fragment", patched(&udp, 20, &[0x20, 0])),
        ("an echo reply", pair.echo(echo(icmp::Echo::Reply), &[])),
        ("IPv6", pair.ipv6(Protocol::TCP, &[0; 20])),
        ("another address", patched(&udp, 30, &[192, 0, 2, 77])),
        ("half a header", udp[..30].to_vec()),
        ("a VLAN", on_vlan(5, &udp)),
        (
            "ARP for others",
            patched(&pair.arp_request(), 38, &[192, 0, 2, 77]),
        ),
        ("a broadcast", patched(&udp, 0, &[0xff; 6])),
    ] {
        assert_eq!(bench.actions(UPLINK, &frame), [to_kernel()], "{what}");
    }
}

#[test]
fn the_switch_keeps_what_is_its_own() {
    let bench = with_kernel();
    let pair = outer(1);
    let request = icmp::Repr {
        echo: icmp::Echo::Request,
        ident: 1,
        sequence: 1,
    };
    let request = pair.echo(request, &[]);
    assert_eq!(bench.actions(UPLINK, &request), [Action::Punt]);
    let tunnelled = bench.actions(UPLINK, &tunnelled(1, 10, &inner(1, 2, 0)));
    assert_eq!(tunnelled[0], decap_of(Some(remote(0))));
    let other = patched(&request, 0, &vtep(9).0.bytes());
    let drop = [Action::Drop(DropReason::OtherHost)];
    assert_eq!(bench.actions(UPLINK, &other), drop);
    let both = [to_kernel(), Action::Punt];
    for (what, frame) in [
        ("an answer", pair.arp_reply()),
        ("a request", pair.arp_request()),
        (
            "an announcement",
            Pair::new(vtep(1), (Mac::ZERO, vtep(1).1)).arp_request(),
        ),
        ("an ICMP error", patched(&request, 34, &[3])),
    ] {
        assert_eq!(bench.actions(UPLINK, &frame), both, "{what}");
    }
}

#[test]
fn what_the_kernel_sends_leaves_as_it_is() {
    let bench = with_kernel();
    let out = [Action::Output(Target::Port(port(UPLINK)))];
    for frame in [
        outer(1).arp_request(),
        tunnelled(1, 10, &inner(1, 2, 0)),
        on_vlan(7, &inner(1, 2, 3)),
    ] {
        assert_eq!(bench.actions(KERNEL, &frame), out);
    }
    let runt = [Action::Drop(DropReason::FrameRunt)];
    assert_eq!(bench.actions(KERNEL, &[0; 13]), runt);
}

#[test]
fn a_tunnel_may_want_a_checksum() {
    let mut bench = Bench::new();
    let none = tunnelled(1, 10, &inner(1, 2, 0));
    let some = patched(&none, 40, &[0x12, 0x34]);
    let taken = |bench: &Bench, frame: &[u8]| bench.actions(UPLINK, frame).len() > 1;
    assert!(taken(&bench, &none) && taken(&bench, &some));
    Arc::make_mut(&mut bench.snapshot.tunnels[0]).need_checksum = true;
    let refused = [Action::Drop(DropReason::UdpNoChecksum)];
    assert_eq!(bench.actions(UPLINK, &none), refused);
    assert!(taken(&bench, &some));
}
