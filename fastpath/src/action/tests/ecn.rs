//! RFC 6040, 4.2, at the end of a tunnel: every pair of code points, wherever the inner header is.

use super::*;
use crate::testing::guest;
use crate::wire::craft::{Pair, tagged};
use crate::wire::ipv4::Ipv4;
use crate::wire::vlan::Tag;
use crate::wire::{Ecn, EtherType, Protocol};

/// Sets the TOS of an untagged IPv4 frame, checksum included.
pub(super) fn set_tos(frame: &mut [u8], tos: u8) {
    frame[15] = tos;
    Ipv4::new(&mut frame[14..]).unwrap().fill_checksum();
}

/// RFC 6040, figure 4: by inner and outer field, what is inside afterwards, or a drop.
fn expected(inner: Ecn, outer: Ecn) -> Option<Ecn> {
    use Ecn::{Ce, Ect0, Ect1, NotEct};
    match (inner, outer) {
        (NotEct, Ce) => None,
        (NotEct, _) => Some(NotEct),
        (Ect0, NotEct | Ect0) => Some(Ect0),
        (Ect0, Ect1) => Some(Ect1),
        (Ect1, NotEct | Ect0 | Ect1) => Some(Ect1),
        (Ce, _) | (_, Ce) => Some(Ce),
    }
}

fn pair(ecn: Ecn) -> Pair {
    let mut pair = Pair::new(guest(1), guest(2));
    pair.ip.ecn = ecn;
    pair.ip.dscp = crate::wire::Dscp::new(46).unwrap();
    pair
}

/// Decapsulates what `make` makes with each inner field, in an outer header with each other.
fn every_pair(make: impl Fn(Ecn) -> Vec<u8>) {
    for inner in Ecn::ALL {
        for outer in Ecn::ALL {
            let mut rig = Rig::new();
            let mut frame = tunnelled(1, 10, &make(inner));
            set_tos(&mut frame, 10 << 2 | outer.bits());
            let verdict = rig.act(UPLINK, &[decap_of(Some(remote(0))), out(A)], &frame);
            let Some(ecn) = expected(inner, outer) else {
                assert_eq!(verdict, Verdict::Dropped(DropReason::EcnInvalid));
                assert_eq!(rig.moved(), "2.received 1, 2.dropped.ecn_invalid 1");
                continue;
            };
            // What is made with the right field in the first place has the right checksum.
            assert_eq!(rig.sent(A), [make(ecn)], "{inner:?} in {outer:?}");
        }
    }
}

#[test]
fn ipv4() {
    every_pair(|ecn| pair(ecn).udp(1000, 2000, &[7; 9]));
}

#[test]
fn ipv6() {
    every_pair(|ecn| pair(ecn).ipv6(Protocol::UDP, &[7; 9]));
}

#[test]
fn behind_one_tag_and_two() {
    let tag = Tag::from_bits(0x6005);
    every_pair(|ecn| tagged(&pair(ecn).udp(1, 2, &[]), EtherType::VLAN, tag));
    every_pair(|ecn| {
        let frame = tagged(&pair(ecn).ipv6(Protocol::UDP, &[]), EtherType::VLAN, tag);
        tagged(&frame, EtherType::QINQ, tag)
    });
}

#[test]
fn what_is_not_ip_has_no_field() {
    for outer in Ecn::ALL {
        let mut rig = Rig::new();
        let inner = pair(Ecn::NotEct).arp_request();
        let mut frame = tunnelled(1, 10, &inner);
        set_tos(&mut frame, outer.bits());
        rig.act(UPLINK, &[decap_of(None), out(A)], &frame);
        assert_eq!(rig.sent(A), [inner]);
    }
}
