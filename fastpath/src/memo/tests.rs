//! What is recalled is what parse and look-up would have found.

use super::*;
use crate::action::{Action, Actions};
use crate::drop::DropReason;
use crate::parse::parse;
use crate::testing::{A, B, UPLINK, inner, outer, port, tunnelled, udp_ports, vtep};
use crate::wire::craft::{Pair, tagged};
use crate::wire::vlan::Tag;
use crate::wire::{EtherType, Vni};
use proptest::prelude::*;
use std::net::Ipv4Addr;

/// Some program, to be told from others.
fn program(number: usize) -> Program {
    let drop = Action::Drop(DropReason::ALL[number]);
    Program::compile(&Actions::from_iter([drop]))
}

/// Which memo a packet was recognised by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recalled {
    /// That of its port.
    Port,
    /// That of these outer headers.
    Outer(u8),
}

/// As [`Decider`](crate::decide::Decider) has it for a whole burst.
impl Memo {
    /// The decision for a packet from `ingress` of `len` bytes whose first segment is `head`, and
    /// where its headers are, if it is one that is remembered.
    pub(crate) fn recall(
        &self,
        ingress: PortId,
        head: &[u8],
        len: usize,
    ) -> Option<(Recalled, Layout)> {
        if self.ports[ingress.index()].is_some() {
            let whole = head.len() >= ETHERNET_LEN;
            return whole.then_some((Recalled::Port, Layout::default()));
        }
        let head = head.first_chunk()?;
        let (place, outer) = self.outer(ingress, head)?;
        Some((Recalled::Outer(place), super::plain(outer.end(head, len)?)))
    }

    /// The decision that was recalled.
    pub(crate) fn program(&self, ingress: PortId, recalled: Recalled) -> &Program {
        match recalled {
            Recalled::Port => &self.ports[ingress.index()].as_ref().unwrap().program,
            Recalled::Outer(place) => &self.outers[usize::from(place)].known.program,
        }
    }
}

/// A packet as a port gives it: its first segment, and its length over all.
#[derive(Clone, Debug)]
struct Given {
    ingress: usize,
    head: Vec<u8>,
    len: usize,
}

impl Given {
    fn whole(ingress: usize, frame: &[u8]) -> Self {
        Given {
            ingress,
            head: frame.to_vec(),
            len: frame.len(),
        }
    }

    fn parse(&self) -> Parsed {
        parse(port(self.ingress), &self.head, self.len, &udp_ports())
    }

    fn remember(&self, memo: &mut Memo, mask: &Mask, program: &Program) {
        let hit = Hit {
            program: *program,
            mask: *mask,
            entry: EntryId::NONE,
        };
        let _ = memo.remember(port(self.ingress), &self.head, &self.parse(), &hit);
    }

    fn recall(&self, memo: &Memo) -> Option<(Recalled, Layout)> {
        memo.recall(port(self.ingress), &self.head, self.len)
    }

    /// The number of the program that is recalled for it.
    fn program(&self, memo: &Memo) -> Option<usize> {
        let (recalled, _) = self.recall(memo)?;
        let found = memo.program(port(self.ingress), recalled);
        (0..DropReason::COUNT).find(|number| program(*number) == *found)
    }
}

/// Whether `given` is recalled by what `first` left under `mask`. If so it must be such as `first`.
fn recalled(memo: &Memo, first: &Parsed, mask: &Mask, given: &Given) -> bool {
    let Some((recalled, layout)) = given.recall(memo) else {
        return false;
    };
    let parsed = given.parse();
    assert_eq!(parsed.key.masked(mask), first.key.masked(mask), "{given:?}");
    match recalled {
        Recalled::Port => assert_eq!(layout, Layout::default()),
        Recalled::Outer(_) => assert_eq!(layout, parsed.layout, "{given:?}"),
    }
    true
}

/// Sound packets for a tunnel, without a checksum and with some, one of padding, and one of which
/// the first segment is the headers alone.
fn plain() -> Vec<Given> {
    let frame = tunnelled(1, 10, &inner(1, 2, 10));
    let with_checksum = |bytes: [u8; 2]| {
        let mut frame = frame.clone();
        frame[40..42].copy_from_slice(&bytes);
        Given::whole(UPLINK, &frame)
    };
    let mut short = Given::whole(UPLINK, &frame);
    short.head.truncate(HEAD);
    let padded = Given::whole(UPLINK, &[&frame[..], &[0xee; 9]].concat());
    let checksums = [[0, 0], [0, 0x12], [0x12, 0]].map(with_checksum);
    checksums.into_iter().chain([padded, short]).collect()
}

#[test]
fn whoever_is_recalled_parses_alike_whatever_one_byte_is() {
    for first in plain() {
        let mut memo = Memo::default();
        first.remember(&mut memo, &OUTER, &program(0));
        let (parsed, mut count) = (first.parse(), 0);
        for at in 0..first.head.len() {
            for value in 0..=255 {
                let mut other = first.clone();
                other.head[at] = value;
                count += usize::from(recalled(&memo, &parsed, &OUTER, &other));
            }
        }
        // Source MAC, TOS, identification, two of the flags, TTL, checksum, source port and all that
        // is inside may be any; the UDP length a few others, and a checksum any other than none.
        let free = 6 + 1 + 2 + 1 + 2 + 2 + (first.head.len() - INNER_AT);
        assert!(count > free * 256, "{count} of {free} bytes");
    }
}

#[test]
fn a_packet_cut_short_or_from_another_port_is_not_recalled() {
    for first in plain() {
        let mut memo = Memo::default();
        first.remember(&mut memo, &OUTER, &program(0));
        let parsed = first.parse();
        for len in 0..first.len + 5 {
            let mut other = first.clone();
            other.head.truncate(len);
            other.len = len;
            let whole = len >= parsed.layout.end as usize && other.head.len() >= HEAD;
            assert_eq!(recalled(&memo, &parsed, &OUTER, &other), whole, "{len}");
        }
        let other = Given {
            ingress: A,
            ..first.clone()
        };
        assert_eq!(other.recall(&memo), None);
    }
}

/// What is not plain: it is parsed each time.
fn uncommon() -> Vec<Vec<u8>> {
    let frame = tunnelled(1, 10, &inner(1, 2, 10));
    let patched = |at: usize, bytes: &[u8]| {
        let mut frame = frame.clone();
        frame[at..at + bytes.len()].copy_from_slice(bytes);
        frame
    };
    let options = |frame: &[u8]| {
        let mut frame = [&frame[..34], &[1; 4], &frame[34..]].concat();
        frame[14] = 0x46;
        frame[17] += 4;
        frame
    };
    // The source port and the ports behind it stand where length and checksum of a plain one do.
    let misleading = |source_port: u16, payload: usize| {
        let mut frame = outer(1).vxlan(
            source_port,
            Vni::from_bytes([0, 0, 10]),
            &inner(1, 2, payload),
        );
        frame[40] = 1;
        frame
    };
    vec![
        options(&frame),
        options(&misleading(40, 60)),
        tagged(&misleading(40, 2200), EtherType::VLAN, Tag::from_bits(0)),
        tagged(&frame, EtherType::VLAN, Tag::from_bits(5)),
        tagged(&frame, EtherType::VLAN, Tag::from_bits(0x6000)),
        patched(20, &[0x20, 0]),
        // Lengths that are too large, and one that leaves no room for an inner header.
        patched(16, &[9, 9]),
        patched(38, &[9, 9]),
        patched(38, &[0, 29]),
        patched(36, &53u16.to_be_bytes()),
        outer(1).tcp(1, 4789, &[0; 40]),
        outer(1).arp_request(),
        frame[..HEAD - 1].to_vec(),
    ]
}

#[test]
fn what_is_not_plain_is_not_remembered() {
    for frame in uncommon() {
        let mut memo = Memo::default();
        let given = Given::whole(UPLINK, &frame);
        given.remember(&mut memo, &OUTER, &program(0));
        assert_eq!(given.recall(&memo), None, "{frame:02x?}");
    }
}

#[test]
fn a_decision_that_rests_on_more_is_not_remembered() {
    for field in [Field::SRC_MAC, Field::INNER_SRC_MAC, Field::INNER_DST_MAC] {
        for covered in [PORT, OUTER] {
            let mut memo = Memo::default();
            let more = Mask::of(&[field]);
            let mask = Mask(std::array::from_fn(|at| covered.0[at] | more.0[at]));
            let [given, ..] = &plain()[..] else { panic!() };
            given.remember(&mut memo, &mask, &program(0));
            assert_eq!(given.recall(&memo), None, "{field:?}");
        }
    }
}

#[test]
fn a_port_alone_decides_for_all_its_frames_but_runts() {
    let mut memo = Memo::default();
    let guests = Given::whole(A, &inner(1, 2, 0));
    let runt = Given::whole(A, &[2; ETHERNET_LEN - 1]);
    runt.remember(&mut memo, &PORT, &program(1));
    assert_eq!(guests.recall(&memo), None, "a runt is no example");
    guests.remember(&mut memo, &PORT, &program(2));
    let shortest = Given::whole(A, &[2; ETHERNET_LEN]);
    let tunnelled = Given::whole(A, &tunnelled(1, 10, &inner(1, 2, 0)));
    for given in [&guests, &shortest, &tunnelled] {
        assert!(recalled(&memo, &guests.parse(), &PORT, given));
        assert_eq!(given.program(&memo), Some(2));
    }
    assert_eq!(runt.recall(&memo), None);
    let other = Given::whole(B, &inner(1, 2, 0));
    assert_eq!(other.recall(&memo), None);
    other.remember(&mut memo, &PORT, &program(3));
    let both = [&guests, &other].map(|given| given.program(&memo));
    assert_eq!(both, [Some(2), Some(3)]);
}

/// From a host of whatever address, in whatever VNI.
fn from(address: Ipv4Addr, vni: u32) -> Given {
    let vni = Vni::new(vni).unwrap();
    let frame = Pair::new((vtep(1).0, address), vtep(2)).vxlan(5, vni, &inner(1, 2, 0));
    Given::whole(UPLINK, &frame)
}

#[test]
fn two_remotes_that_share_a_place_take_turns() {
    let home: Ipv4Addr = [10, 0, 0, 1].into();
    let by_address = (2..9999).map(|n| from(Ipv4Addr::from_bits(home.to_bits() + n), 10));
    let by_vni = (11..9999).map(|vni| from(home, vni));
    for mut others in [by_address.collect::<Vec<_>>(), by_vni.collect()] {
        let one = from(home, 10);
        let place_of = |given: &Given| place(given.head.first_chunk().unwrap());
        let shares = |other: &Given| place_of(other) == place_of(&one);
        let same = others.remove(others.iter().position(shares).unwrap());
        let other = others.into_iter().find(|other| !shares(other)).unwrap();
        let mut memo = Memo::default();
        one.remember(&mut memo, &OUTER, &program(1));
        other.remember(&mut memo, &OUTER, &program(2));
        let found = |memo: &Memo| [&one, &same, &other].map(|given| given.program(memo));
        assert_eq!(found(&memo), [Some(1), None, Some(2)]);
        same.remember(&mut memo, &OUTER, &program(3));
        assert_eq!(found(&memo), [None, Some(3), Some(2)]);
        one.remember(&mut memo, &OUTER, &program(4));
        assert_eq!(found(&memo), [Some(4), None, Some(2)]);
    }
}

#[test]
fn all_is_forgotten() {
    let mut memo = Memo::default();
    let given = [Given::whole(A, &inner(1, 2, 0)), plain().remove(0)];
    given[0].remember(&mut memo, &PORT, &program(1));
    given[1].remember(&mut memo, &OUTER, &program(2));
    let found = |memo: &Memo| [0, 1].map(|at| given[at].program(memo));
    assert_eq!(found(&memo), [Some(1), Some(2)]);
    memo.forget();
    assert_eq!(found(&memo), [None, None]);
}

/// How a packet differs from a sound one.
#[derive(Clone, Debug)]
struct Change {
    bytes: Vec<(usize, u8)>,
    tag: Option<u16>,
    options: bool,
    padding: usize,
    cut: Option<usize>,
    /// Bytes of the first segment.
    head: Option<usize>,
}

fn change() -> impl Strategy<Value = Change> {
    (
        prop::collection::vec((0..HEAD + 8, prop_oneof![Just(0), any::<u8>()]), 0..3),
        prop::option::weighted(0.1, prop_oneof![Just(0u16), any::<u16>()]),
        prop::bool::weighted(0.1),
        0..20usize,
        prop::option::weighted(0.1, 0..120usize),
        prop::option::weighted(0.2, HEAD - 2..120),
    )
        .prop_map(|(bytes, tag, options, padding, cut, head)| Change {
            bytes,
            tag,
            options,
            padding,
            cut,
            head,
        })
}

impl Change {
    fn of(&self, host: u8, vni: u8) -> Given {
        let mut frame = tunnelled(host, vni, &inner(1, 2, 10));
        if self.options {
            frame.splice(34..34, [1; 4]);
            frame[14] += 1;
            frame[17] += 4;
        }
        if let Some(tag) = self.tag {
            frame = tagged(&frame, EtherType::VLAN, Tag::from_bits(tag));
        }
        for (at, value) in &self.bytes {
            frame[*at] = *value;
        }
        frame.resize(frame.len() + self.padding, 0);
        frame.truncate(self.cut.unwrap_or(frame.len()));
        let mut given = Given::whole(UPLINK, &frame);
        given.head.truncate(self.head.unwrap_or(frame.len()));
        given
    }
}

/// Any part of what the memos cover.
fn mask() -> impl Strategy<Value = Mask> {
    let part = any::<[u64; 7]>();
    let part = part.prop_map(|bits| Mask(std::array::from_fn(|at| OUTER.0[at] & bits[at])));
    prop_oneof![4 => Just(OUTER), 1 => Just(PORT), 2 => part]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// One memo learns from many packets and is asked about many: what it recalls for a packet was
    /// decided by one that agrees with it in all that the decision rested on.
    #[test]
    fn what_is_recalled_is_what_would_have_been_decided(
        packets in prop::collection::vec((change(), 1..4u8, 1..3u8, mask(), any::<bool>()), 1..40),
    ) {
        let mut memo = Memo::default();
        let mut known: Vec<(Parsed, Mask)> = Vec::new();
        for (change, host, vni, mask, remember) in packets {
            let given = change.of(host, vni * 10);
            if let Some(number) = given.program(&memo) {
                let (first, mask) = &known[number];
                prop_assert!(recalled(&memo, first, mask, &given));
            } else if remember && known.len() < DropReason::COUNT {
                given.remember(&mut memo, &mask, &program(known.len()));
                known.push((given.parse(), mask));
            }
        }
    }
}
