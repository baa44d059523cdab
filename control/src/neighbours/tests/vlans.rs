//! Links that are VLANs of a port.

use super::*;
use fastpath::wire::craft::tagged;
use fastpath::wire::icmp::{Echo, Repr};
use fastpath::wire::{EtherType, Tag};

const VLAN_IP: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);
const VLAN_PEER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);

fn with_tag(frame: &[u8], number: u16) -> Vec<u8> {
    let vid = VlanId::new(number).unwrap();
    tagged(
        frame,
        EtherType::VLAN,
        Tag {
            vid,
            ..Tag::default()
        },
    )
}

/// Port 0 without a tag, and VLAN 20 of it.
fn host() -> Host {
    let mut host = Host::empty();
    host.link(0, place(0), OUR_MAC, &["192.0.2.2/16"]);
    host.link(20, vlan(0, 20), OUR_MAC, &["198.51.100.2/24"]);
    host.settled()
}

fn ours(peer: Ipv4Addr) -> Pair {
    Pair::new((OUR_MAC, VLAN_IP), (PEER, peer))
}

#[test]
fn what_we_send_has_the_tag_of_its_link() {
    let mut host = host();
    let question = send(with_tag(&ours(VLAN_PEER).arp_request(), 20));
    assert_eq!(host.want(VLAN_PEER), [question, way(VLAN_PEER, &[None])]);
    let reply = ours(VLAN_PEER).reversed().arp_reply();
    assert_eq!(
        host.input(&with_tag(&reply, 20)),
        [way(VLAN_PEER, &[Some((link(20), PEER))])]
    );
    assert_eq!(
        host.neighbours.show(|port| port.to_string())[0].vlan,
        Some(20)
    );

    let ask = ours(VLAN_PEER).reversed().arp_request();
    let told = send(with_tag(&ours(VLAN_PEER).arp_reply(), 20));
    assert_eq!(host.input(&with_tag(&ask, 20)), [told]);
    let ping = Repr {
        echo: Echo::Request,
        ident: 1,
        sequence: 2,
    };
    let frame = ours(VLAN_PEER).reversed().echo(ping, b"x");
    let [Output::Send { frame, .. }] = &host.input(&with_tag(&frame, 20))[..] else {
        panic!("no answer");
    };
    assert_eq!(frame[12..18], [0x81, 0, 0, 20, 0x08, 0]);
    assert_eq!(
        frame[30..38],
        [VLAN_IP.octets(), VLAN_PEER.octets()].concat()
    );
}

#[test]
fn a_tag_decides_which_link_it_is() {
    let mut host = host();
    host.want(VLAN_PEER);
    let reply = ours(VLAN_PEER).reversed().arp_reply();
    for (frame, why) in [
        (reply.clone(), Counter::ArpOffLink),
        (with_tag(&reply, 0), Counter::ArpOffLink),
        (with_tag(&reply, 21), Counter::LinkUnknown),
        (with_tag(&with_tag(&reply, 20), 20), Counter::FrameType),
        (
            tagged(&reply, EtherType::QINQ, Tag::default()),
            Counter::FrameType,
        ),
        (with_tag(&reply, 20)[..17].to_vec(), Counter::FrameShort),
    ] {
        let before = host.neighbours.counter(why);
        assert_eq!(host.input(&frame), []);
        assert_eq!(host.neighbours.counter(why), before + 1, "{why:?}");
    }
    // A priority is no VLAN.
    host.want(PEER_IP);
    assert_eq!(
        host.input(&with_tag(&answer(PEER), 0)),
        [changed(Some(PEER))]
    );
}

#[test]
fn vlan_zero_is_no_vlan() {
    let mut host = Host::empty();
    host.link(0, vlan(0, 0), OUR_MAC, &["192.0.2.2/16"]);
    let mut host = host.settled();
    assert_eq!(host.want(PEER_IP)[0], question());
    assert_eq!(host.input(&answer(PEER)), [changed(Some(PEER))]);
}

#[test]
fn a_vlan_goes_alone() {
    let mut host = host();
    host.want(PEER_IP);
    host.want(VLAN_PEER);
    assert_eq!(host.set_up(20, false), [way(VLAN_PEER, &[])]);
    assert_eq!(host.input(&answer(PEER)), [changed(Some(PEER))]);
}

#[test]
fn an_address_is_told_on_its_own_link_only() {
    let mut host = host();
    let ping = Repr {
        echo: Echo::Request,
        ident: 1,
        sequence: 2,
    };
    let pair = Pair::new((PEER, PEER_IP), (OUR_MAC, VLAN_IP));
    assert_eq!(host.input(&pair.arp_request()), []);
    assert_eq!(host.input(&pair.echo(ping, b"x")), []);
    assert_eq!(host.counted(), [("arp_other", 1), ("ipv4_destination", 1)]);
}
