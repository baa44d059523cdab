use super::*;
use crate::offload::selftest::Site;
use crate::offload::selftest::frames::{Frame, LOCAL, VNIS, frames, vni};
use fastpath::offload::{Mark, Width};
use fastpath::snapshot::EndPoint;
use fastpath::wire::Mac;
use proptest::prelude::*;

fn site() -> Site {
    Site::new(Mac::new([2, 0, 0, 0, 0, 1]))
}

fn expected() -> [Expected; 2] {
    [0, 1].map(|which| {
        let end_point = EndPoint {
            local: LOCAL,
            udp_port: site().udp_port,
            vni: vni(VNIS[which]),
        };
        Expected::new(Mark::trial(Width::Bits16, which), end_point, None)
    })
}

fn judge(expected: &[Expected]) -> Judge<'_> {
    let mut udp_ports = UdpPorts::default();
    udp_ports.insert(site().udp_port);
    Judge {
        expected,
        pattern: Some(Pattern::Tunnel),
        udp_ports,
    }
}

/// A frame as the best of all NICs delivers it.
fn honest(judge: &Judge<'_>, frame: &Frame) -> Heard {
    let packet = HeapPool::new(1).alloc(&frame.bytes).unwrap();
    let truth = Truth::of(&packet, &judge.udp_ports);
    let fit = |it: &&Expected| truth.fit(&packet, it, &judge.udp_ports) == Fit::Confirmed;
    let key = &truth.parsed.key;
    Heard {
        bytes: frame.bytes.clone(),
        word: NicWord {
            tunnel: key.get(Field::VXLAN_VNI_VALID) != 0,
            checksums: truth.outer,
            inner: truth.inner,
            mark: judge.expected.iter().find(fit).map(|it| it.mark().get()),
        },
    }
}

fn wrong(judged: &[(Topic, Judged)]) -> Vec<Topic> {
    let wrong = judged.iter().filter(|it| matches!(it.1, Judged::Wrong(..)));
    wrong.map(|(topic, _)| *topic).collect()
}

fn turn(checksum: &mut Checksum) -> bool {
    *checksum = match *checksum {
        Checksum::Unknown => return false,
        Checksum::Good => Checksum::Bad,
        Checksum::Bad => Checksum::Good,
    };
    true
}

#[test]
fn all_that_is_so_is_right_and_each_thing_that_is_not_is_found_by_itself() {
    let expected = expected();
    let judge = judge(&expected);
    type Place = fn(&mut NicWord) -> &mut Checksum;
    let places: [(Topic, Place); 4] = [
        (Topic::OuterIp, |word| &mut word.checksums.ip),
        (Topic::OuterL4, |word| &mut word.checksums.l4),
        (Topic::InnerIp, |word| &mut word.inner.ip),
        (Topic::InnerL4, |word| &mut word.inner.l4),
    ];
    let mut turned = [0; 4];
    for frame in frames(&site(), 1) {
        let heard = honest(&judge, &frame);
        let judged = judge.judge(&frame.bytes, &heard);
        assert_eq!(wrong(&judged), [], "{}: {judged:?}", frame.name);
        for ((topic, place), count) in places.iter().zip(&mut turned) {
            let mut heard = heard.clone();
            if turn(place(&mut heard.word)) {
                let judged = judge.judge(&frame.bytes, &heard);
                assert_eq!(wrong(&judged), [*topic], "{}", frame.name);
                *count += 1;
            }
        }
    }
    assert!(turned.iter().all(|count| *count > 50), "{turned:?}");
}

#[test]
fn a_mark_is_wrong_on_all_but_its_own_packets_and_those_that_may_be() {
    let expected = expected();
    let judge = judge(&expected);
    let [first, second] = [0, 1].map(|which: usize| expected[which].mark().get());
    let mut open = Vec::new();
    for frame in frames(&site(), 1) {
        let mut heard = honest(&judge, &frame);
        let (own, name) = (heard.word.mark, &frame.name);
        for mark in [first, second] {
            heard.word.mark = Some(mark);
            let judged = judge.judge(&frame.bytes, &heard);
            let found = &judged.iter().find(|it| it.0 == Topic::Mark).unwrap().1;
            match found {
                Judged::Equal(_) => assert_eq!(own, Some(mark), "{name}"),
                Judged::Wrong(..) => assert_ne!(own, Some(mark), "{name}"),
                _ => open.push((mark, frame.name.clone())),
            }
        }
        heard.word.mark = Some(5);
        let judged = judge.judge(&frame.bytes, &heard);
        assert_eq!(wrong(&judged), [Topic::Mark], "{name}");
    }
    open.sort_unstable();
    open.dedup();
    let of = |mark| {
        let mut names = open
            .iter()
            .filter(|it| it.0 == mark)
            .map(|it| it.1.as_str());
        let names: Vec<_> = names.by_ref().collect();
        names
    };
    let fragments = [
        "no tunnel, IPv4 fragment",
        "tunnel, first fragment",
        "tunnel, last fragment",
    ];
    assert_eq!(of(second), fragments, "a fragment may be for any");
    assert_eq!(
        of(first),
        [
            fragments[0],
            "tunnel, I flag clear",
            "tunnel, VLAN tag, UDP checksum right",
            "tunnel, VLAN tag, UDP checksum wrong",
            "tunnel, VLAN tag, UDP checksum zero",
            fragments[1],
            fragments[2],
            "tunnel, reserved bit set",
        ]
    );
}

/// A rule that names a VNI alone covers that VNI at other addresses, too.
#[test]
fn a_rule_without_an_address_is_not_blamed_for_other_addresses() {
    let expected = expected();
    let mut judge = judge(&expected);
    let elsewhere = |frame: &Frame| frame.name == "tunnel's VNI, other address";
    let frame = frames(&site(), 1).into_iter().find(elsewhere).unwrap();
    let mut heard = honest(&judge, &frame);
    heard.word.mark = Some(expected[0].mark().get());
    assert_eq!(wrong(&judge.judge(&frame.bytes, &heard)), [Topic::Mark]);
    judge.pattern = Some(Pattern::VniOnly);
    assert_eq!(wrong(&judge.judge(&frame.bytes, &heard)), []);
    heard.word.mark = Some(expected[1].mark().get());
    assert_eq!(wrong(&judge.judge(&frame.bytes, &heard)), [Topic::Mark]);
}

proptest! {
    #[test]
    fn whatever_comes_back_is_judged(
        at: usize,
        cut in 0usize..200,
        changes in prop::collection::vec((0usize..200, any::<u8>()), 0..4),
        tunnel: bool,
        mark: Option<u32>,
    ) {
        let expected = expected();
        let judge = judge(&expected);
        let mut all = frames(&site(), 1);
        let frame = all.swap_remove(at % all.len());
        let mut heard = honest(&judge, &frame);
        heard.bytes.truncate(cut);
        for (at, byte) in changes {
            if let Some(there) = heard.bytes.get_mut(at) {
                *there = byte;
            }
        }
        (heard.word.tunnel, heard.word.mark) = (tunnel, mark);
        let judged = judge.judge(&frame.bytes, &heard);
        prop_assert_eq!(judged.len(), Topic::ALL.len());
        let changed = heard.bytes != frame.bytes;
        prop_assert_eq!(wrong(&judged).contains(&Topic::Bytes), changed);
    }
}
