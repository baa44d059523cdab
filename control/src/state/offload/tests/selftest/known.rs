//! What is known of a device from earlier tests, and what becomes of it.

use super::*;

/// A frame of which the NIC says that its header checksum is right, and it is not. Returns whether the switch
/// passes it on.
fn believes_what_is_wrong(site: &mut Site) -> bool {
    let mut broken = Site::outer(10, 1);
    broken[24] ^= 0xff;
    let sound = RxChecksums {
        ip: Checksum::Good,
        l4: Checksum::Unknown,
    };
    site.rig.send_checked("uplink", &broken, sound);
    site.rig.run(3);
    !site.rig.received("a").is_empty()
}

/// Its rules, its marks and its verdicts are as if it had been opened at once.
#[test]
fn what_a_test_found_is_not_lost_where_the_start_fails_after_it() {
    for way in [MARKS_WRONG, SUMS_WRONG] {
        let mut site = Site::with_way(HONEST);
        let text = format!("{SWITCH}{SECOND}");
        let other = text.replace("nic0", "heap0");
        site.rig.apply(wanted(&other)).unwrap();
        site.rig.set_way("nic0", way);
        site.rig.set_stalled("nic0", true);
        let done = site.rig.apply_later(wanted(&text));
        site.rig.run(20);
        assert!(done.try_recv().unwrap().is_err());
        site.rig.set_stalled("nic0", false);
        // The same again, by an honest way: a second test would find nothing.
        site.rig.set_way("nic0", HONEST);
        site.rig.apply(wanted(&text)).unwrap();
        site.rig.run(300);
        let marks = way.back as usize == MARKS_WRONG.back as usize;
        let tier = if marks { Tier::Parser } else { Tier::Rule };
        assert_eq!(site.tier(), tier);
        assert_eq!(site.shown().distrusted.is_some(), !marks);
        assert_eq!(believes_what_is_wrong(&mut site), marks);
        site.finish();
    }
}

#[test]
fn a_port_that_is_removed_and_added_again_is_what_it_was_found_to_be() {
    let text = format!("{SWITCH}{SECOND}");
    // Its number rests for a while.
    for (way, tier, later) in [
        (SUMS_WRONG, Tier::Rule, 0),
        (MARKS_WRONG, Tier::Parser, 0),
        (SUMS_WRONG, Tier::Rule, 10_000),
        (MARKS_WRONG, Tier::Parser, 10_000),
    ] {
        let mut site = Site::with_way(way);
        let before = site.shown();
        site.rig.apply(wanted("")).unwrap();
        site.rig.run(100);
        site.rig.leap(later);
        site.rig.run(10);
        site.rig.set_way("nic0", HONEST);
        site.rig.apply(wanted(&text)).unwrap();
        site.rig.run(300);
        let shown = site.shown();
        assert_eq!(site.tier(), tier);
        assert_eq!(shown.distrusted, before.distrusted);
        assert_eq!(shown.demoted, before.demoted);
        assert_eq!(shown.selftest, before.selftest);
        let distrusts = shown.distrusted.is_some();
        assert_eq!(distrusts, tier == Tier::Rule);
        assert_eq!(believes_what_is_wrong(&mut site), !distrusts);
        site.finish();
    }
}

/// Another device that cannot be opened is not behind the port.
#[test]
fn what_was_found_of_a_device_outlives_another_that_fails() {
    let text = format!("{SWITCH}{SECOND}");
    let mut site = Site::with_way(MARKS_WRONG);
    site.rig.set_way("nic0", HONEST);
    let done = site
        .rig
        .apply_later(wanted(&text.replace("nic0", "heap0broken")));
    site.rig.run(300);
    assert!(done.try_recv().unwrap().is_err());
    site.rig.run(300);
    assert_eq!(site.tier(), Tier::Parser);
    assert_eq!(site.shown().demoted.unwrap().tier, Tier::Parser);
    site.finish();
}

/// Whoever found it.
#[test]
fn distrust_is_shown_after_a_test_that_finds_nothing() {
    let mut site = Site::with_way(SUMS_WRONG);
    assert!(
        site.shown()
            .distrusted
            .unwrap()
            .starts_with("self-test: outer")
    );
    for way in [HONEST, wire(NO_WAY.back), wire(HONEST.back)] {
        site.rig.set_way("nic0", way);
        let test = site.test();
        assert_eq!(test.found.distrusted, None);
        let stays = |note: &String| note.starts_with("it stays distrusted, which was found before");
        assert!(test.notes.iter().any(stays), "{:?}", test.notes);
        let shown = site.shown();
        assert!(shown.distrusted.is_some());
        assert!(shown.selftest.unwrap().conclusive);
    }
    site.finish();
    let mut site = Site::with_way(NO_WAY);
    assert!(believes_what_is_wrong(&mut site), "it is the first");
    assert_eq!(
        site.shown().distrusted.as_deref(),
        Some("it misjudged an outer IPv4 checksum")
    );
    site.finish();
}

#[test]
fn a_test_that_was_asked_for_is_of_the_device_that_there_was() {
    let text = format!("{SWITCH}{SECOND}");
    for (next, why) in [
        (
            text.replace("nic0", "heap0"),
            "port uplink: it was not tested: it has another device now",
        ),
        (
            text.replace("\"nic0\"", "\"nic0\"\noffload = \"off\""),
            "port uplink: it was not tested: its offload was turned off",
        ),
    ] {
        let mut site = Site::with_way(NO_WAY);
        let mut answer = site.begin_test("uplink");
        let done = site.rig.apply_later(wanted(&next));
        site.rig.run(300);
        assert!(done.try_recv().unwrap().is_ok());
        let Ok(Err(Refused(said))) = answer.try_recv() else {
            panic!("it is not refused: {why}");
        };
        assert_eq!(said, why);
        site.finish();
    }
}

#[test]
fn a_test_is_of_a_udp_port_that_tunnels_use() {
    let text = format!("{SWITCH}{SECOND}");
    assert!(text.contains("vni = 10\n"));
    let text = text.replace("vni = ", "udp_port = 8472\nvni = ");
    let mut site = Site::on(Profile::ICE, &text, HONEST);
    assert_eq!(site.test().report.udp_port, 8472);
    site.finish();
}

#[test]
fn what_a_test_does_not_look_at_is_told() {
    let text = SWITCH.replace("\"nic0\"", "\"nic0\"\noffload = \"t3\"");
    let mut site = Site::on(Profile::MLX5, &text, HONEST);
    let test = site.test();
    assert!(
        test.notes[0].contains("(T3) were not looked at"),
        "{test:?}"
    );
    site.finish();
}
