//! NICs that are tested before their port has traffic, and while it has.

use super::*;
use crate::api::messages::{EventKind, Method, PortOffload, Reply, SelfTest, What};
use crate::api::{Answer, Refused};
use crate::offload::selftest::Heard;
use crate::rig::nics::Way;
use std::collections::BTreeSet;

const HONEST: Way = Way {
    looped: true,
    back: |heard| vec![heard],
};
/// Calls whatever mark there is another.
const MARKS_WRONG: Way = Way {
    looped: true,
    back: |mut heard| {
        heard.word.mark = heard.word.mark.map(|mark| mark ^ 1);
        vec![heard]
    },
};
/// Calls every checksum right.
const SUMS_WRONG: Way = Way {
    looped: true,
    back: |mut heard| {
        if !heard.word.tunnel {
            heard.word.checksums = RxChecksums {
                ip: Checksum::Good,
                l4: Checksum::Good,
            };
        }
        vec![heard]
    },
};
const NO_WAY: Way = Way {
    looped: false,
    back: |_| vec![],
};

/// A port of no bridge.
const THIRD: &str = "[[port]]\nname = \"c\"\ndevice = \"heap3\"\n";

fn wire(back: fn(Heard) -> Vec<Heard>) -> Way {
    Way {
        looped: false,
        back,
    }
}

impl Site {
    fn with_way(way: Way) -> Self {
        Site::on(Profile::MLX5, &format!("{SWITCH}{SECOND}"), way)
    }

    fn on(profile: Profile, text: &str, way: Way) -> Self {
        let nic = Model::new(profile, 1);
        let mut rig = Rig::with_ways(wanted(text), 1, &[("nic0", &nic, way)]);
        rig.run(300);
        Site { rig, nic }
    }

    fn shown(&mut self) -> PortOffload {
        match self
            .rig
            .ask(Method::OffloadShow(Some("uplink".parse().unwrap())))
        {
            Some(Reply::Offload(mut ports)) => ports.remove(0),
            other => panic!("{other:?}"),
        }
    }

    fn begin_test(&mut self, port: &str) -> Answer {
        let method = Method::OffloadSelftest(port.parse().unwrap());
        self.rig.ask_later(method).unwrap()
    }

    fn test(&mut self) -> SelfTest {
        let mut answer = self.begin_test("uplink");
        self.rig.run(20);
        match answer.try_recv() {
            Ok(Ok(Reply::SelfTest(test))) => *test,
            other => panic!("{other:?}"),
        }
    }

    fn refusal(&mut self, port: &str) -> String {
        let mut answer = self.begin_test(port);
        self.rig.run(20);
        let Ok(Err(Refused(why))) = answer.try_recv() else {
            panic!("it is not refused");
        };
        why
    }

    /// VNIs of rules that were ever installed, those of the test not among them.
    fn vnis_installed(&self) -> BTreeSet<u32> {
        use crate::offload::model::Call;
        let log = self.nic.chip().log();
        let vnis = log.iter().filter_map(|call| match call {
            Call::Create(rule) => Some(rule.end_point.vni.get()),
            _ => None,
        });
        vnis.filter(|vni| *vni < 0xff_fff0).collect()
    }
}

#[test]
fn an_honest_nic_that_loops_does_all_it_can_after_its_test() {
    let mut site = Site::with_way(HONEST);
    assert_eq!((site.tier(), site.rules()), (Tier::Rule, 2));
    let shown = site.shown();
    let found = shown.selftest.unwrap();
    assert!(found.looped && found.conclusive && !found.asked);
    assert_eq!(found.heard, found.frames);
    assert!(found.marks.allowed && found.checksums.allowed);
    assert_eq!(
        (found.demoted, found.distrusted, shown.demoted),
        (None, None, None)
    );
    site.arrive(&Site::outer(10, 1));
    assert_eq!(site.rig.received("a"), [Site::inner(1)]);
    assert_eq!(site.hints().confirmed, 1);
    // What the test has sent was nobody's packet.
    let account = site.rig.close();
    assert_eq!((account.received, account.dropped), (1, 0), "{account:?}");
}

#[test]
fn a_nic_whose_marks_are_wrong_gets_no_rule_of_a_tunnel_at_all() {
    let mut site = Site::with_way(MARKS_WRONG);
    assert_eq!((site.tier(), site.rules()), (Tier::Parser, 0));
    assert_eq!(site.vnis_installed(), BTreeSet::new());
    let shown = site.shown();
    let demoted = shown.demoted.unwrap();
    assert_eq!(demoted.tier, Tier::Parser);
    assert!(
        demoted
            .reason
            .starts_with("self-test: mark is wrong: tunnel, "),
        "{demoted:?}"
    );
    assert_eq!(shown.reason.as_ref(), Some(&demoted.reason));
    let found = shown.selftest.unwrap();
    assert_eq!(found.demoted, Some(demoted));
    assert!(found.checksums.allowed && found.distrusted.is_none());
    site.arrive(&Site::outer(10, 1));
    assert_eq!(site.rig.received("a"), [Site::inner(1)]);
    site.finish();
}

/// Where nobody had found it out, the first packet would have been believed.
#[test]
fn verdicts_that_are_wrong_are_not_heeded_from_the_first_packet_on() {
    let mut broken = Site::outer(10, 1);
    // The header checksum.
    broken[24] ^= 0xff;
    for (way, got, lies) in [(SUMS_WRONG, 0, 0), (HONEST, 1, 1)] {
        let mut site = Site::with_way(way);
        let sound = RxChecksums {
            ip: Checksum::Good,
            l4: Checksum::Unknown,
        };
        site.rig.send_checked("uplink", &broken, sound);
        site.rig.run(3);
        assert_eq!(site.rig.received("a").len(), got);
        assert_eq!(site.hints().lies, lies);
        // Marks are another thing.
        assert_eq!((site.tier(), site.rules()), (Tier::Rule, 2));
        let distrusted = site.shown().selftest.unwrap().distrusted;
        assert_eq!(distrusted.is_some(), lies == 0, "{distrusted:?}");
        site.finish();
    }
}

#[test]
fn a_nic_that_does_not_loop_is_tested_if_somebody_asks() {
    let mut site = Site::with_way(NO_WAY);
    assert_eq!(site.shown().selftest, None);
    let test = site.test();
    assert!(!test.found.conclusive && test.found.asked && test.tier.is_none());
    let advice = test.advice.unwrap();
    assert!(
        advice.contains("the peer has to send back what it gets"),
        "{advice}"
    );
    assert!(test.report.cases.iter().all(|case| case.said.is_none()));
    // Nothing is concluded, and it goes on as before.
    site.rig.run(300);
    assert_eq!((site.tier(), site.rules()), (Tier::Rule, 2));
    assert_eq!(site.shown().demoted, None);

    site.rig.set_way("nic0", wire(HONEST.back));
    let test = site.test();
    assert!(test.found.conclusive && test.advice.is_none());
    assert_eq!(test.tier, Some(Tier::Rule));
    site.rig.run(300);
    site.arrive(&Site::outer(20, 3));
    assert_eq!(site.rig.received("b"), [Site::inner(3)]);
    assert_eq!(site.hints().confirmed, 1);
    site.finish();
}

/// Who is at the other end may lose or change frames, and is no reason to think ill of the NIC.
#[test]
fn what_a_wire_does_is_told_and_only_what_a_nic_says_counts() {
    let mut site = Site::with_way(wire(|mut heard| {
        heard.bytes.push(0);
        vec![heard]
    }));
    let test = site.test();
    assert!(!test.found.marks.allowed && test.tier == Some(Tier::Software));
    assert_eq!((test.found.demoted, test.found.distrusted), (None, None));
    site.rig.run(300);
    assert_eq!((site.tier(), site.rules()), (Tier::Rule, 2));
    site.rig.set_way("nic0", wire(MARKS_WRONG.back));
    let test = site.test();
    assert_eq!(test.found.demoted.unwrap().tier, Tier::Parser);
    site.rig.run(300);
    assert_eq!((site.tier(), site.rules()), (Tier::Parser, 0));
    // An honest word later does not undo it.
    site.rig.set_way("nic0", wire(HONEST.back));
    let test = site.test();
    assert_eq!(test.found.demoted, None);
    assert!(
        test.notes[0]
            .starts_with("it stays demoted to T1, which was found before: self-test: mark"),
        "{:?}",
        test.notes
    );
    site.rig.run(300);
    assert_eq!(site.tier(), Tier::Parser);
    site.finish();
}

#[test]
fn a_port_is_tested_at_its_first_start_and_another_device_again() {
    let mut site = Site::with_way(HONEST);
    site.rig.set_way("nic0", MARKS_WRONG);
    site.nic.chip().unplug();
    site.rig.remove_device("uplink");
    site.rig.leap(1_500);
    site.rig.run(300);
    // What was found holds.
    assert_eq!(site.tier(), Tier::Rule);
    assert!(site.shown().selftest.is_some());
    let other = format!("{SWITCH}{SECOND}").replace("nic0", "heap0");
    site.rig.apply(wanted(&other)).unwrap();
    assert_eq!(site.shown().selftest, None);
    site.rig
        .apply(wanted(&other.replace("heap0", "nic0")))
        .unwrap();
    site.rig.run(300);
    assert_eq!(site.tier(), Tier::Parser);
    site.finish();
}

#[test]
fn one_that_was_off_is_tested_when_it_is_turned_on() {
    let off = SWITCH.replace("\"nic0\"", "\"nic0\"\noffload = \"off\"");
    let mut site = Site::on(Profile::MLX5, &off, MARKS_WRONG);
    assert_eq!(site.shown().selftest, None);
    assert_eq!(
        site.refusal("uplink"),
        "port uplink: its offload is off, so that nothing is asked of its NIC: overpath port set \
         uplink offload auto"
    );
    site.rig.apply(wanted(SWITCH)).unwrap();
    site.rig.run(300);
    assert!(site.shown().selftest.is_some());
    assert_eq!(site.tier(), Tier::Parser);
    site.finish();
}

#[test]
fn why_there_is_no_test_is_told() {
    let mut site = Site::on(Profile::MLX5, &format!("{SWITCH}{SECOND}{THIRD}"), HONEST);
    assert_eq!(site.refusal("zz"), "port: there is no port zz");
    let mut first = site.begin_test("uplink");
    // Its port is on the way.
    site.rig.set_busy(true);
    site.rig.run(5);
    assert_eq!(
        site.refusal("a"),
        "port a: a self-test of port uplink is under way: ask again when it is over"
    );
    site.rig.set_busy(false);
    site.rig.run(20);
    assert!(first.try_recv().unwrap().is_ok());
    site.rig.set_broken("a", true);
    site.rig.lose_device("a", "it burns");
    assert_eq!(site.refusal("a"), "port a: it is not started: it burns");
    assert_eq!(
        site.refusal("b"),
        "port b: its device does not loop by itself, and frames of a test would leave for who is \
         behind a port of a bridge"
    );
    // Of this one there is no NIC.
    assert_eq!(
        site.refusal("c"),
        "port c: it was not tested: its device was opened without"
    );
    site.rig.set_broken("c", true);
    assert_eq!(
        site.refusal("c"),
        "port c: it was not tested: no such device"
    );
    // And the next one is taken.
    site.test();
    site.finish();
}

#[test]
fn a_port_that_is_removed_under_test_is_gone_and_who_asked_is_told() {
    let text = format!("{SWITCH}{SECOND}");
    let mut site = Site::on(Profile::MLX5, &format!("{text}{THIRD}"), HONEST);
    let mut answer = site.begin_test("c");
    site.rig.set_busy(true);
    site.rig.run(5);
    let less = text;
    let done = site.rig.apply_later(wanted(&less));
    site.rig.run(5);
    site.rig.set_busy(false);
    site.rig.run(100);
    assert!(done.try_recv().unwrap().is_ok());
    let Ok(Err(Refused(why))) = answer.try_recv() else {
        panic!("it is not refused");
    };
    assert_eq!(why, "port c: it was not tested: it is removed");
    site.finish();
}

/// The test of one port is nothing to another, but that a worker gives back its queues.
#[test]
fn other_ports_forward_while_one_is_tested() {
    let text = format!("{SWITCH}{SECOND}").replace("ports = [\"b\"]", "ports = [\"b\", \"c\"]");
    let text = format!("{text}[[port]]\nname = \"c\"\ndevice = \"heap3\"\n");
    let mut site = Site::on(Profile::MLX5, &text, HONEST);
    let mut answer = site.begin_test("uplink");
    site.rig.set_busy(true);
    for number in 0..50 {
        site.rig.send("b", &Site::inner(number));
        site.rig.run(1);
        assert_eq!(site.rig.received("c"), [Site::inner(number)]);
    }
    assert!(answer.try_recv().is_err(), "it is under way");
    site.rig.set_busy(false);
    site.rig.run(20);
    assert!(answer.try_recv().unwrap().is_ok());
    site.finish();
}

#[test]
fn who_listens_is_told_what_was_found() {
    let mut site = Site::with_way(HONEST);
    let kinds = [EventKind::Offload].into_iter().collect();
    let Some(Reply::Subscribed(mut told)) = site.rig.ask(Method::EventsSubscribe(kinds)) else {
        panic!("nobody may listen");
    };
    let found = site.test().found;
    site.rig.run(300);
    let events: Vec<_> = std::iter::from_fn(|| told.take()).collect();
    let tests = events.iter().filter_map(|event| match &event.what {
        What::Offload(event) => event.selftest.as_deref().cloned(),
        _ => None,
    });
    assert_eq!(tests.collect::<Vec<_>>(), [found]);
    site.finish();
}

mod known;
