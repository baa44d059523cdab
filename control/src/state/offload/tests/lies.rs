//! NICs that say what is not so.

use super::*;

fn of_ip(ip: Checksum) -> RxChecksums {
    let l4 = Checksum::Unknown;
    RxChecksums { ip, l4 }
}

#[test]
fn a_nic_that_writes_a_wrong_mark_writes_none_any_more() {
    let mut site = Site::two_tunnels();
    let (ten, twenty) = (site.mark(10), site.mark(20));
    // The first packet of all is looked at twice.
    site.arrive(&Site::outer(10, 0));
    assert_eq!(site.rig.received("a"), [Site::inner(0)]);
    site.arrive_marked(&Site::outer(20, 1), Some(ten));
    assert_eq!(site.rig.received("b"), [Site::inner(1)]);
    assert_eq!(site.rig.received("a"), [] as [Vec<u8>; 0]);
    assert_eq!((site.hints().differed, site.hints().lies), (1, 1));

    // Marks on packets that were on their way mean nothing.
    site.arrive_marked(&Site::outer(10, 2), Some(ten));
    site.arrive_marked(&Site::outer(10, 3), Some(twenty));
    assert_eq!(site.rig.received("a"), [Site::inner(2), Site::inner(3)]);
    let hints = site.hints();
    assert_eq!((hints.confirmed, hints.lies), (1, 1));

    site.rig.run(300);
    assert_eq!((site.tier(), site.rules()), (Tier::Parser, 0));
    let report = site.rig.offload().values().next().unwrap();
    let why = "it marked a packet as one of another tunnel".to_owned();
    assert_eq!(report.reason, Some(why.clone()));
    assert_eq!(report.demoted, Some((Tier::Parser, why)));
    site.finish();
}

#[test]
fn a_demotion_outlives_the_loss_of_the_port() {
    let mut site = Site::two_tunnels();
    let ten = site.mark(10);
    site.arrive_marked(&Site::outer(20, 1), Some(ten));
    site.rig.run(300);
    site.nic.chip().unplug();
    site.rig.remove_device("uplink");
    site.rig.leap(1_500);
    site.rig.run(300);
    assert_eq!((site.tier(), site.rules()), (Tier::Parser, 0));
    site.arrive_marked(&Site::outer(10, 4), Some(ten));
    assert_eq!(site.rig.received("a").last(), Some(&Site::inner(4)));
    assert_eq!(site.hints().confirmed, 0);
    site.finish();
}

/// Of nothing, of rules that are gone, or out of bounds.
#[test]
fn a_mark_that_means_nothing_is_no_lie() {
    let mut site = Site::two_tunnels();
    let renewed = site.mark(10) ^ (3 << 12);
    for (number, mark) in (0..).zip([0, 1, u32::MAX, renewed]) {
        site.arrive_marked(&Site::outer(10, number), Some(mark));
        assert_eq!(site.rig.received("a"), [Site::inner(number)]);
    }
    let hints = site.hints();
    assert_eq!((hints.confirmed, hints.lies), (0, 0));
    assert!(hints.unknown > 0, "{hints:?}");
    assert_eq!(site.tier(), Tier::Rule);
    site.finish();
}

#[test]
fn verdicts_on_checksums_are_not_heeded_after_a_wrong_one() {
    let mut site = Site::two_tunnels();
    let bad = of_ip(Checksum::Bad);
    // The first packet of a port is looked at in full. What is said of it is believed still.
    site.rig.send_checked("uplink", &Site::outer(10, 1), bad);
    site.rig.run(3);
    assert_eq!(site.hints().lies, 1);
    site.rig.received("a");
    site.rig.send_checked("uplink", &Site::outer(10, 2), bad);
    site.rig.run(3);
    assert_eq!(site.rig.received("a"), [Site::inner(2)]);
    // Its marks are as good as before.
    assert_eq!((site.tier(), site.rules()), (Tier::Rule, 2));
    site.arrive(&Site::outer(20, 3));
    assert_eq!(site.rig.received("b"), [Site::inner(3)]);
    assert_eq!(site.hints().confirmed, 1);
    site.finish();
}

/// Nor is damage let through that a NIC says is none.
#[test]
fn damage_that_a_nic_passes_off_as_sound_is_found_once_it_is_distrusted() {
    let mut site = Site::two_tunnels();
    let mut broken = Site::outer(10, 1);
    // The header checksum.
    broken[24] ^= 0xff;
    for _ in 0..3 {
        let sound = of_ip(Checksum::Good);
        site.rig.send_checked("uplink", &broken, sound);
        site.rig.run(3);
        site.rig.received("a");
    }
    let stats = site.rig.stats();
    assert_eq!(stats.hints[0].lies, 1);
    let drops = stats.drops.iter();
    let drops: u64 = drops
        .filter(|(name, _)| name.contains("checksum"))
        .map(|(_, count)| count)
        .sum();
    assert_eq!(drops, 2, "{:?}", stats.drops);
    site.finish();
}
