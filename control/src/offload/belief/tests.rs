use super::*;
use crate::offload::model::target;
use fastpath::ids::TunnelId;
use fastpath::snapshot::{Own, RxChecksum, TxChecksums};
use fastpath::wire::{Mac, VlanId};

const WIDTH: Width = Width::Bits16;

fn id() -> PortId {
    PortId::new(1).unwrap()
}

fn mark(slot: usize) -> Mark {
    Mark::first(WIDTH, slot).unwrap()
}

fn marked(slot: usize, target: Target) -> Change {
    Change::Marked {
        port: id(),
        width: WIDTH,
        mark: mark(slot),
        target,
        by_vni: false,
    }
}

fn unmarked(slot: usize) -> Change {
    Change::Unmarked {
        port: id(),
        width: WIDTH,
        mark: mark(slot),
    }
}

fn tier(tier: Tier) -> Change {
    let (port, reason) = (id(), None);
    Change::Tier { port, tier, reason }
}

/// A switch whose port 1 has the address of targets, untagged and in VLAN 7, and these tunnels.
fn switch(targets: &[Target]) -> Snapshot {
    let address = target(4789, 1).end_point.local;
    let own = |vlan| Own { address, vlan };
    let port = Port {
        id: id(),
        mac: Mac::new([2, 0, 0, 0, 0, 1]),
        mtu: 1500,
        generation: 1,
        up: true,
        bridge: None,
        addresses: vec![own(None), own(VlanId::new(7))],
        local: None,
        uplink: None,
        tx_queues: 1,
        may_chain: true,
        tx: TxChecksums::default(),
        rx_open: false,
        rx_checksum: RxChecksum::Verify,
        rx_limit: None,
    };
    let tunnel = TunnelId::new(0).unwrap();
    let end_points = targets.iter().map(|target| (target.end_point, tunnel));
    Snapshot {
        ports: vec![None, Some(Arc::new(port))],
        end_points: end_points.collect(),
        ..Snapshot::default()
    }
}

/// What workers believe: the slots that mean something, and whether checksums are not heeded.
fn believed(beliefs: &Beliefs, mut snapshot: Snapshot) -> Option<(Vec<usize>, bool)> {
    beliefs.fill(&mut snapshot);
    assert!(
        snapshot.hints.len() <= 2,
        "no longer than the last port with hints"
    );
    let hints = snapshot.hints(id())?;
    let slots = hints.expected().map(|expected| expected.mark().slot(WIDTH));
    Some((slots.collect(), hints.distrusted))
}

fn of(changes: &[Change]) -> Beliefs {
    let mut beliefs = Beliefs::default();
    beliefs.opened(id(), "d1");
    changes.iter().for_each(|change| beliefs.hear(change));
    beliefs
}

#[test]
fn a_mark_means_its_tunnel_from_when_it_is_told_until_it_is_taken_back() {
    let (one, two) = (target(4789, 1), target(4789, 2));
    let all = || switch(&[one, two]);
    let mut beliefs = of(&[]);
    assert_eq!(believed(&beliefs, all()), None);
    beliefs.hear(&marked(1, one));
    beliefs.hear(&marked(2, two));
    assert_eq!(believed(&beliefs, all()), Some((vec![1, 2], false)));
    beliefs.hear(&unmarked(1));
    assert_eq!(believed(&beliefs, all()), Some((vec![2], false)));
    beliefs.hear(&unmarked(2));
    assert_eq!(believed(&beliefs, all()), None);
}

#[test]
fn what_was_proved_of_a_rule_is_not_proved_again_for_another() {
    let (one, two) = (target(4789, 1), target(4789, 2));
    let mut beliefs = of(&[marked(1, one)]);
    let first = |beliefs: &Beliefs| {
        let mut snapshot = switch(&[one, two]);
        beliefs.fill(&mut snapshot);
        let mut all = snapshot.hints(id()).unwrap().expected();
        Arc::clone(all.next().unwrap())
    };
    let before = first(&beliefs);
    beliefs.hear(&marked(2, two));
    assert!(Arc::ptr_eq(&before, &first(&beliefs)));
}

#[test]
fn a_mark_means_nothing_without_its_tunnel_its_link_or_its_port() {
    let untagged = target(4789, 1);
    let tagged = |vlan| Target {
        vlan: VlanId::new(vlan),
        ..target(4789, 2)
    };
    let beliefs = of(&[
        marked(1, untagged),
        marked(2, tagged(7)),
        marked(3, tagged(8)),
    ]);
    let all = || switch(&[untagged, tagged(7)]);
    assert_eq!(believed(&beliefs, all()), Some((vec![1, 2], false)));
    let less = switch(&[tagged(7)]);
    assert_eq!(believed(&beliefs, less), Some((vec![2], false)));
    let mut closed = all();
    closed.ports[1] = None;
    assert_eq!(believed(&beliefs, closed), None);
    let mut moved = all();
    let port = moved.ports[1].as_mut().map(Arc::make_mut).unwrap();
    port.addresses.truncate(1);
    assert_eq!(believed(&beliefs, moved), Some((vec![1], false)));
}

#[test]
fn a_nic_that_looks_into_tunnels_is_looked_at_with_or_without_marks() {
    let mut beliefs = of(&[tier(Tier::Parser)]);
    assert_eq!(believed(&beliefs, switch(&[])), Some((vec![], false)));
    beliefs.hear(&tier(Tier::Software));
    assert_eq!(believed(&beliefs, switch(&[])), None);
}

#[test]
fn marks_of_another_width_come_instead_of_those_before() {
    let one = target(4789, 1);
    let mut beliefs = of(&[marked(1, one)]);
    let (width, wide) = (Width::Bits24, Mark::first(Width::Bits24, 1).unwrap());
    let port = id();
    beliefs.hear(&Change::Marked {
        port,
        width,
        mark: wide,
        target: one,
        by_vni: true,
    });
    // Of the width before, and late.
    beliefs.hear(&unmarked(1));
    let mut snapshot = switch(&[one]);
    beliefs.fill(&mut snapshot);
    let hints = snapshot.hints(id()).unwrap();
    let all = hints.expected();
    assert!(all.map(|it| (it.mark(), it.is_by_vni())).eq([(wide, true)]));
}

#[test]
fn who_lied_about_marks_has_none_and_is_believed_about_checksums() {
    let one = target(4789, 1);
    let mut beliefs = of(&[marked(1, one), tier(Tier::Rule)]);
    assert!(beliefs.lied(id(), Lie::Mark));
    assert!(!beliefs.lied(id(), Lie::Mark), "known");
    assert_eq!(believed(&beliefs, switch(&[one])), Some((vec![], false)));
    // One that was on its way.
    beliefs.hear(&marked(2, one));
    assert_eq!(believed(&beliefs, switch(&[one])), Some((vec![], false)));
}

#[test]
fn who_lied_about_checksums_is_not_heeded_even_if_nothing_is_asked_of_it() {
    let one = target(4789, 1);
    for lie in [Lie::IpChecksum, Lie::UdpChecksum] {
        let mut beliefs = of(&[marked(1, one), tier(Tier::Rule)]);
        assert!(beliefs.lied(id(), lie));
        assert_eq!(believed(&beliefs, switch(&[one])), Some((vec![1], true)));
        beliefs.hear(&unmarked(1));
        beliefs.hear(&tier(Tier::Software));
        assert_eq!(believed(&beliefs, switch(&[one])), Some((vec![], true)));
    }
}

#[test]
fn a_lie_is_that_of_a_device() {
    let one = target(4789, 1);
    let mut beliefs = of(&[marked(1, one)]);
    beliefs.lied(id(), Lie::UdpChecksum);
    beliefs.opened(id(), "d1");
    assert_eq!(believed(&beliefs, switch(&[one])), Some((vec![1], true)));
    beliefs.opened(id(), "d2");
    assert_eq!(believed(&beliefs, switch(&[one])), None);
    beliefs.lied(id(), Lie::UdpChecksum);
    // The port is removed, and comes back with the same device, and with another.
    beliefs.retain(|port| port != id());
    beliefs.opened(id(), "d2");
    assert_eq!(believed(&beliefs, switch(&[one])), Some((vec![], true)));
    assert_eq!(
        beliefs.distrust_of(id(), "d2").as_deref(),
        Some("it misjudged an outer UDP checksum")
    );
    assert_eq!(beliefs.distrust_of(id(), "d3"), None);
    beliefs.retain(|port| port != id());
    beliefs.opened(id(), "d3");
    assert_eq!(believed(&beliefs, switch(&[one])), None);
}
