//! Records of remotes: who has one, for how long, and under which number.

use super::learned::GRACE;
use super::*;
use crate::config::Wanted;
use fastpath::publish::Publisher;

impl Tunnels {
    /// The tunnels of a checked configuration, with the remotes it names.
    pub(crate) fn of(wanted: &Wanted) -> Self {
        let mut tunnels = Tunnels::default();
        for tunnel in &wanted.tunnels {
            let mut bridges = wanted.bridges.iter();
            let bridge = bridges.position(|bridge| bridge.name == tunnel.bridge);
            let given = tunnels.free(tunnel.name, 0, |_| true).unwrap();
            tunnels.put(given, tunnel, bridge.and_then(BridgeId::new).unwrap());
            tunnels.settle(tunnel.name, |_| false).unwrap();
        }
        for entry in &wanted.fdb {
            if let config::FdbTarget::Remote { tunnel, remote } = entry.target {
                let id = tunnels
                    .ensure(tunnels.by_name(tunnel).unwrap(), remote)
                    .unwrap();
                tunnels.pin(id, true);
            }
        }
        tunnels
    }
}

const CONFIG: &str = r#"
    [[port]]
    name = "up"
    device = "d"
    addresses = ["192.0.2.2/24"]
    [[bridge]]
    name = "br0"
    [[bridge]]
    name = "br1"
    [[tunnel]]
    name = "vx0"
    bridge = "br1"
    vni = 10
    local = "192.0.2.2"
    remotes = ["192.0.2.9", { address = "192.0.2.1", reserved_bits = "lenient" }]
    [[tunnel]]
    name = "vx1"
    bridge = "br1"
    vni = 11
    local = "192.0.2.2"
    accept = "any"
    udp_port = 8472
    reserved_bits = "lenient"
    remotes = [{ address = "192.0.2.1", reserved_bits = "strict" }]
    [[fdb]]
    bridge = "br1"
    mac = "02:00:00:00:00:01"
    tunnel = "vx1"
    remote = "192.0.2.7"
"#;

fn tunnels() -> Tunnels {
    Tunnels::of(&Wanted::parse(CONFIG, "test").unwrap())
}

fn id(number: usize) -> TunnelId {
    TunnelId::new(number).unwrap()
}

fn address(number: usize) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0a00_0000 + number as u32)
}

fn learns(tunnels: &mut Tunnels, tunnel: TunnelId, address: Ipv4Addr, now: u32) -> bool {
    tunnels.learn(tunnel, address, now).is_some()
}

#[test]
fn every_remote_of_the_configuration_has_a_record() {
    let tunnels = tunnels();
    let records = tunnels
        .remotes()
        .map(|r| (r.tunnel.index(), r.address.octets()[3], r.lenient));
    let expected = [(0, 9, false), (0, 1, true), (1, 1, false), (1, 7, true)];
    assert!(
        records.eq(expected),
        "that of the static entry is judged as strangers are"
    );
    let list = |bridge| {
        let list = tunnels.flood_list(BridgeId::new(bridge).unwrap());
        let numbers = list.into_iter().map(|(t, r)| (t.index(), r.index()));
        numbers.collect::<Vec<_>>()
    };
    assert_eq!(list(0), []);
    assert_eq!(
        list(1),
        [(0, 0), (0, 1), (1, 2)],
        "the default ones, in their order"
    );
}

#[test]
fn a_snapshot_has_what_packets_are_asked_for() {
    let mut snapshot = Snapshot::default();
    tunnels().fill(&mut snapshot);
    let udp = |port| snapshot.udp_ports.contains(port);
    assert!(udp(4789) && udp(8472) && !udp(4790));
    let end = |udp_port, vni| {
        let (local, vni) = (
            [192, 0, 2, 2].into(),
            fastpath::wire::Vni::new(vni).unwrap(),
        );
        let end_point = EndPoint {
            local,
            udp_port,
            vni,
        };
        snapshot.end_points.get(&end_point).copied()
    };
    assert_eq!(
        (end(4789, 10), end(8472, 11), end(4789, 11)),
        (Some(id(0)), Some(id(1)), None)
    );
    let tunnel = snapshot.tunnel(id(1)).unwrap();
    assert!(tunnel.accept_any && tunnel.lenient && tunnel.learning);
    assert_eq!((tunnel.bridge.index(), tunnel.known.len()), (1, 2));
    assert_eq!(snapshot.remotes.len(), 4);
}

#[test]
fn a_remote_has_one_record_however_often_it_is_named() {
    let mut tunnels = tunnels();
    let (first, known) = (tunnels.ensure(id(0), address(1)), tunnels.remotes().count());
    assert_eq!(
        (first, tunnels.ensure(id(0), address(1))),
        (RemoteId::new(4), first)
    );
    assert_eq!(tunnels.remotes().count(), known);
    assert_ne!(
        tunnels.ensure(id(1), address(1)),
        first,
        "of another tunnel"
    );
    assert_eq!(tunnels.ensure(id(2), address(1)), None);
    assert!(
        !learns(&mut tunnels, id(0), address(1), 0) && !learns(&mut tunnels, id(2), address(1), 0)
    );
    assert_eq!(tunnels.refused, 0);
}

#[test]
fn no_more_are_learned_than_a_tunnel_may_have() {
    let mut tunnels = tunnels();
    assert!((0..MAX_LEARNED).all(|number| learns(&mut tunnels, id(1), address(number), 0)));
    assert!(!learns(&mut tunnels, id(1), address(MAX_LEARNED), 0));
    assert!(
        !learns(&mut tunnels, id(0), address(MAX_LEARNED), 0),
        "it takes those that it knows"
    );
    assert_eq!(tunnels.refused, 1);
    assert_eq!(tunnels.forget_idle(GRACE, HashSet::new).len(), MAX_LEARNED);
    assert!(learns(&mut tunnels, id(1), address(MAX_LEARNED), 0));
}

#[test]
fn without_numbers_nobody_is_learned() {
    let mut tunnels = tunnels();
    while tunnels.spare.take((id(0), address(9))).is_some() {}
    assert_eq!(tunnels.room(), 0);
    assert!(!learns(&mut tunnels, id(1), address(1), 0));
    assert_eq!(
        (
            tunnels.refused,
            tunnels.tunnels.get(1).unwrap().learned.len()
        ),
        (1, 0)
    );
}

fn id_at(tunnels: &Tunnels, number: usize) -> RemoteId {
    tunnels.at(address(number))[0]
}

#[test]
fn who_is_used_or_fresh_or_configured_stays() {
    let mut tunnels = tunnels();
    let used = tunnels.remotes.len();
    assert!(
        learns(&mut tunnels, id(1), address(1), 100)
            && learns(&mut tunnels, id(1), address(2), 100)
    );
    let keep = || HashSet::from([RemoteId::new(used).unwrap()]);
    assert!(tunnels.forget_idle(99 + GRACE, HashSet::new).is_empty());
    let (first, second) = (id_at(&tunnels, 1), id_at(&tunnels, 2));
    let gone = tunnels.forget_idle(100 + GRACE, keep);
    assert_eq!(gone, [(second, address(2))]);
    let gone = tunnels.forget_idle(100 + GRACE, HashSet::new);
    assert_eq!(gone, [(first, address(1))]);
    assert!(tunnels.at(address(1)).is_empty() && !tunnels.at.contains_key(&address(2)));
    assert_eq!(tunnels.remotes().count(), 4);
    let unasked = || panic!("nothing was learned");
    assert!(tunnels.forget_idle(u32::MAX, unasked).is_empty());
}

#[test]
fn who_was_learned_and_is_led_to_by_a_static_entry_is_configured() {
    let mut tunnels = tunnels();
    assert!(learns(&mut tunnels, id(1), address(1), 0));
    let remote = id_at(&tunnels, 1);
    assert!(tunnels.is_learned(remote));
    for (pinned, learned) in [(true, false), (true, false), (false, false), (false, true)] {
        tunnels.pin(remote, pinned);
        assert_eq!(tunnels.is_learned(remote), learned);
    }
}

#[test]
fn a_number_is_used_again_when_every_worker_has_passed_its_end() {
    let (mut world, mut readers) = Publisher::new((), 2);
    let mut tunnels = tunnels();
    let next = |tunnels: &mut Tunnels, number| {
        learns(tunnels, id(1), address(number), 0);
        tunnels
            .tunnels
            .get(1)
            .unwrap()
            .learned
            .last()
            .unwrap()
            .0
            .index()
    };
    let first = next(&mut tunnels, 1);
    tunnels.forget_idle(GRACE, HashSet::new);
    assert!(tunnels.remote(RemoteId::new(first).unwrap()).is_none());
    let over = |tunnels: &Tunnels, world: &Publisher<()>| tunnels.passed(|c| world.passed(c));
    assert_eq!(over(&tunnels, &world), 0, "not published");
    tunnels.seal(world.publish(()));
    readers[0].observe();
    readers[0].pass();
    assert_eq!(over(&tunnels, &world), 0, "one worker has not passed");
    assert_eq!(next(&mut tunnels, 2), first + 1);
    // Another one goes later: it does not go with the first.
    tunnels.forget_idle(GRACE, HashSet::new);
    readers[1].observe();
    readers[1].pass();
    assert_eq!(over(&tunnels, &world), 1);
    tunnels.release(1);
    assert_eq!(
        [next(&mut tunnels, 3), next(&mut tunnels, 4)],
        [first, first + 2]
    );
}
