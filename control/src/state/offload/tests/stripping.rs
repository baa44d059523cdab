//! NICs that take outer headers off.

use super::*;
use crate::api::messages::{Method, Reply};
use crate::offload::marks::QUARANTINE;

fn asked() -> String {
    let port = "device = \"nic0\"\n";
    SWITCH.replace(port, &format!("{port}offload = \"t3\"\n"))
}

impl Site {
    fn stripping() -> Self {
        Site::new(Profile::MLX5, &asked())
    }

    /// The NIC receives a packet, says of it what it says, and leaves of it what it leaves.
    fn arrive_at_nic(&mut self, frame: &[u8]) {
        let seen = self.nic.receive(frame);
        self.arrive_marked(&seen.bytes, seen.mark);
    }

    fn drops(&mut self, reason: &str) -> u64 {
        self.rig.stats().drops.get(reason).copied().unwrap_or(0)
    }
}

#[test]
fn packets_without_outer_headers_are_those_of_their_remote() {
    let mut site = Site::stripping();
    assert_eq!((site.tier(), site.rules()), (Tier::Decap, 1));
    for number in 0..100 {
        site.arrive_at_nic(&Site::outer(10, number));
        assert_eq!(site.rig.received("a"), [Site::inner(number)]);
    }
    let hints = site.hints();
    assert_eq!((hints.stripped, hints.lies, hints.unknown), (100, 0, 0));
    let vtep = site.rig.fdb();
    assert_eq!(vtep.len(), 100, "each guest is learned behind its remote");
    assert!(
        vtep.iter().all(|entry| entry.remote == Some(REMOTE)),
        "{vtep:?}"
    );
    let shown = site.rig.ask(Method::OffloadShow(None));
    let Some(Reply::Offload(shown)) = shown else {
        panic!("{shown:?}");
    };
    let lines = &shown[0].nics[0].tunnels;
    assert_eq!(
        (lines.len(), lines[1].remote, lines[1].tier),
        (2, Some(REMOTE), Tier::Decap)
    );
    let rule = lines[1].rule.clone().unwrap();
    assert!(
        rule.contains(" src is 192.0.2.9 dst is 192.0.2.2"),
        "{rule}"
    );
    assert!(rule.contains("/ vxlan_decap /"), "{rule}");
    site.finish();
}

#[test]
fn nobody_strips_what_workers_may_not_know_yet() {
    let nic = Model::new(Profile::MLX5, 1);
    let mut rig = Rig::with_nics(wanted(SWITCH), 1, &[("nic0", &nic)]);
    rig.run(300);
    let strips = |nic: &Model| nic.chip().rules().iter().any(|rule| rule.strip.is_some());
    let change = rig.apply_later(wanted(&asked()));
    for _ in 0..50 {
        rig.wait(1);
        rig.step();
    }
    assert!(!strips(&nic), "the worker had no turn");
    rig.run(300);
    assert!(strips(&nic));
    drop(change);
    rig.close();
}

#[test]
fn a_nic_that_left_what_it_said_is_off_takes_nothing_off_any_more() {
    let mut site = Site::stripping();
    let seen = site.nic.receive(&Site::outer(10, 0));
    site.arrive_marked(&Site::outer(10, 0), seen.mark);
    assert_eq!(site.rig.received("a"), [] as [Vec<u8>; 0]);
    assert_eq!(site.drops("headers_in_doubt"), 1);
    // On their way with its mark, which may stand for anything now.
    site.arrive_marked(&seen.bytes, seen.mark);
    assert_eq!(site.drops("headers_in_doubt"), 2);

    site.rig.run(300);
    assert_eq!((site.tier(), site.rules()), (Tier::Parser, 0));
    let report = site.rig.offload().values().next().unwrap();
    assert!(
        report
            .reason
            .as_ref()
            .unwrap()
            .contains("its outer headers")
    );
    site.arrive_at_nic(&Site::outer(10, 1));
    assert_eq!(site.rig.received("a"), [Site::inner(1)]);
    site.finish();
}

#[test]
fn a_mark_of_packets_without_outer_headers_is_not_forgotten_before_the_last_is_there() {
    let mut site = Site::stripping();
    let seen = site.nic.receive(&Site::outer(10, 0));
    let more = asked().replace("vni = 10", "vni = 11");
    site.rig.apply(wanted(&more)).unwrap();
    site.rig.run(1_000);
    assert_eq!(site.tier(), Tier::Decap);
    site.arrive_marked(&seen.bytes, seen.mark);
    // With the outer headers of nobody, as one may be inside.
    site.arrive_marked(&Site::outer(11, 0), seen.mark);
    assert_eq!(site.rig.received("a"), [] as [Vec<u8>; 0]);
    assert_eq!(
        (site.drops("vni_unknown"), site.drops("headers_in_doubt")),
        (0, 2)
    );
    site.finish();

    // Nothing is taken off any more, and that was long ago.
    let mut site = Site::stripping();
    site.rig.apply(wanted(SWITCH)).unwrap();
    for (wait, doubts) in [(1_000, 1), (QUARANTINE, 1)] {
        site.rig.run(wait);
        site.arrive_marked(&Site::outer(10, 0), Some(4_095));
        assert_eq!(site.drops("headers_in_doubt"), doubts, "{wait}");
    }
    assert_eq!(site.rig.received("a"), [Site::inner(0)]);
    site.finish();
}

#[test]
fn a_port_that_is_lost_strips_again_when_it_is_back() {
    let mut site = Site::stripping();
    let before = site.nic.receive(&Site::outer(10, 0)).mark;
    site.nic.chip().unplug();
    site.rig.remove_device("uplink");
    site.rig.run(10);
    assert_eq!(site.tier(), Tier::Software);
    site.rig.leap(1_500);
    site.rig.run(300);
    assert_eq!((site.tier(), site.rules()), (Tier::Decap, 1));
    assert_ne!(site.nic.receive(&Site::outer(10, 0)).mark, before);
    site.arrive_at_nic(&Site::outer(10, 1));
    assert_eq!(site.rig.received("a"), [Site::inner(1)]);
    assert_eq!(
        (site.hints().stripped, site.drops("headers_in_doubt")),
        (1, 0)
    );
    site.finish();
}

#[test]
fn a_tunnel_that_wants_outer_checksums_keeps_its_headers() {
    let text = asked() + "zero_checksum = \"refuse\"\n";
    let mut site = Site::new(Profile::MLX5, &text);
    assert_eq!((site.tier(), site.rules()), (Tier::Rule, 1));
    site.arrive_at_nic(&Site::outer(10, 0));
    assert_eq!(site.drops("udp_no_checksum"), 1);
    site.finish();
}

#[test]
fn where_a_nic_takes_nothing_off_all_is_as_it_is_without() {
    for profile in [Profile::ICE, Profile::I40E] {
        let mut site = Site::new(profile, &asked());
        assert!(site.tier() < Tier::Decap);
        site.arrive_at_nic(&Site::outer(10, 0));
        assert_eq!(site.hints().stripped, 0);
        site.finish();
    }
}

#[test]
fn the_last_one_that_was_dropped_is_shown_as_the_inner_frame_that_it_is() {
    let mut site = Site::stripping();
    let mut frame = Site::outer(10, 0);
    // The source is a group.
    frame[50 + 6] |= 1;
    site.arrive_at_nic(&frame);
    let shown = site.rig.ask(Method::DropsShow(None));
    let Some(Reply::Drops(drops)) = shown else {
        panic!("{shown:?}");
    };
    let drop = drops.iter().find(|drop| drop.reason == "inner_source");
    let last = drop.and_then(|drop| drop.last.clone()).unwrap();
    assert!(last.bare, "{last:?}");
    assert_eq!(last.head.0, frame[50..]);
    assert!(
        last.fields.iter().all(|field| field.name != "vni"),
        "{last:?}"
    );
    site.finish();
}

/// Whose it is nobody can tell; but that it is so for ever nobody wants either.
#[test]
fn a_nic_that_writes_marks_of_no_rule_takes_nothing_off_any_more() {
    let mut site = Site::stripping();
    site.rig.run(4_000);
    let seen = site.nic.receive(&Site::outer(10, 0));
    let stale = seen.mark.map(|mark| mark ^ (3 << 18));
    site.arrive_marked(&seen.bytes, stale);
    assert_eq!(site.drops("headers_in_doubt"), 1);
    site.rig.run(6_000);
    assert_eq!((site.tier(), site.rules()), (Tier::Parser, 0));
    let report = site.rig.offload().values().next().unwrap();
    let why = report.reason.clone().unwrap();
    assert!(why.contains("marks that it was not given"), "{why}");
    site.arrive_at_nic(&Site::outer(10, 1));
    assert_eq!(site.rig.received("a"), [Site::inner(1)]);
    site.finish();
}

#[test]
fn a_nic_whose_marks_are_lost_takes_nothing_off_any_more() {
    let mut site = Site::stripping();
    let mut tiers = Vec::new();
    for number in 0..10 {
        let seen = site.nic.receive(&Site::outer(10, number));
        site.arrive_marked(&seen.bytes, if seen.stripped { None } else { seen.mark });
        site.rig.run(1_000);
        tiers.push(site.tier());
    }
    assert_eq!(tiers[3], Tier::Decap, "{tiers:?}");
    assert_eq!(tiers[9], Tier::Parser, "{tiers:?}");
    let report = site.rig.offload().values().next().unwrap();
    let why = report.reason.clone().unwrap();
    assert!(why.contains("come without a mark"), "{why}");
    assert_eq!(site.rig.received("a").last(), Some(&Site::inner(9)));
    site.finish();
}

/// One after the other, for long, with other traffic, and after a change.
#[test]
fn a_nic_that_is_right_is_left_to_it() {
    let mut site = Site::stripping();
    let more = asked() + &SECOND.replace("192.0.2.9", "192.0.2.8");
    for number in 0..30 {
        if number == 10 {
            site.rig.apply(wanted(&more)).unwrap();
        }
        if number == 20 {
            site.rig.apply(wanted(&asked())).unwrap();
        }
        site.arrive_at_nic(&Site::outer(10, number));
        site.arrive_at_nic(&Site::outer(20, number));
        site.rig.run(700);
    }
    assert_eq!(site.rig.received("a").len(), 30);
    assert_eq!(site.tier(), Tier::Decap);
    site.finish();
}

/// The agent is told by the NIC that it is gone, whose rule is there all the same.
#[test]
fn what_may_be_bare_is_not_taken_by_its_bytes_though_its_nic_says_it_is_gone() {
    let mut site = Site::stripping();
    let seen = site.nic.receive(&Site::outer(10, 0));
    site.nic.chip().fail(0, nix::errno::Errno::EIO);
    // The rule is to go.
    site.rig
        .apply(wanted(&asked().replace("192.0.2.9\"]", "192.0.2.8\"]")))
        .unwrap();
    site.rig.run(3 * QUARANTINE);
    assert_eq!(site.rules(), 1);
    let report = site.rig.offload().values().next().unwrap();
    assert!(report.members[0].gone.is_some());
    // As a guest of the remote may make it up that is not wanted any more.
    let other = (Mac::new([2, 0, 0, 0, 1, 8]), Ipv4Addr::new(192, 0, 2, 8));
    let pair = Pair::new(other, (Rig::mac(0), US));
    let forged = pair.vxlan(50_000, Vni::new(10).unwrap(), &Site::inner(0));
    site.arrive_marked(&forged, seen.mark);
    assert_eq!(site.rig.received("a"), [] as [Vec<u8>; 0]);
    site.finish();
}
