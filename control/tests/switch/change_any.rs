//! Any configuration follows any other under traffic, and sometimes a device cannot be had: a switch is
//! then as one that began so, or as it was.

use crate::common::arbitrary::{Flow, World, answers, world};
use control::api::messages::{FdbKind, Learned, Method, Reply};
use control::config::Wanted;
use control::rig::Rig;
use proptest::collection::vec;
use proptest::prelude::*;

/// Where ARP says what it wants, and that it is a request.
const ARP_REQUEST: [u8; 10] = [8, 6, 0, 1, 8, 0, 6, 4, 0, 1];

fn wanted(world: &World) -> Wanted {
    let mut wanted = Wanted::parse(&world.setup.text(), "test").unwrap();
    // What is only had by a start is the same in all.
    wanted.switch = control::config::SwitchSettings {
        fdb_entries: 1024,
        ..Default::default()
    };
    wanted
}

/// What clients are shown of what is wanted.
fn shown(rig: &mut Rig) -> Vec<String> {
    let mut all = Vec::new();
    let Some(Reply::Ports(ports)) = rig.ask(Method::PortShow) else {
        panic!("no ports");
    };
    all.extend(ports.iter().map(|p| {
        let queues = (p.rx_queues, p.tx_queues);
        let cap = rig.offload_caps(&p.name).last();
        format!(
            "{} {} {:?} {:?} {} {queues:?} {cap:?}",
            p.name, p.device, p.state, p.mac, p.mtu
        )
    }));
    let Some(Reply::Tunnels(tunnels)) = rig.ask(Method::VxlanShow) else {
        panic!("no tunnels");
    };
    all.extend(tunnels.iter().map(|t| {
        let remotes = t.remotes.iter().filter(|remote| !remote.learned);
        let mut remotes: Vec<_> = remotes.map(|remote| remote.address).collect();
        remotes.sort();
        let end = (t.local, t.udp_port, t.vni);
        format!("{} {} {end:?} {:?} {remotes:?}", t.name, t.bridge, t.reason)
    }));
    let (Some(Reply::Routes(routes)), Some(Reply::Addresses(own))) =
        (rig.ask(Method::RouteShow), rig.ask(Method::AddrShow))
    else {
        panic!("no routes");
    };
    all.extend(routes.iter().map(|route| {
        let via = route.via.iter();
        let via: Vec<_> = via.map(|via| (via.gateway, &via.port, via.alive)).collect();
        format!("{} {via:?}", route.to)
    }));
    all.extend(
        own.iter()
            .map(|own| format!("{} {} {:?}", own.address, own.port, own.vlan)),
    );
    let bridges = rig.stats().bridges;
    all.extend(bridges.into_iter().map(|bridge| bridge.bridge));
    let fixed = rig.fdb().into_iter();
    let fixed = fixed.filter(|entry| entry.kind == FdbKind::Static);
    all.extend(fixed.map(|entry| format!("{entry:?}")));
    all.sort();
    all
}

fn answer(rig: &mut Rig) {
    for answer in answers() {
        rig.send("p0", &answer.frame(0, 0));
    }
    rig.run(2);
}

/// Seconds until a neighbour that answered is forgotten, if nobody needs it: an answer is good for 30,
/// asked for once more, and old for 60.
const FORGOTTEN: usize = 95;

/// Nothing is known any more that was heard, but who answered just now.
fn rest(rig: &mut Rig) {
    assert!(rig.change(Method::FdbFlush(Learned::default())).is_some());
    for _ in 0..FORGOTTEN {
        rig.leap(1_000);
    }
    answer(rig);
}

/// Without the number that the switch gives to its own packets, and their checksums that it is in.
fn unnumbered(mut frame: Vec<u8>) -> Vec<u8> {
    if frame.get(6..8) == Some(&Rig::mac(0).bytes()[..2]) && frame.get(12..14) == Some(&[8, 0][..])
    {
        for at in [18, 19, 24, 25] {
            frame[at] = 0;
        }
    }
    frame
}

/// What leaves by each port of each of these frames, but for what the switch asks.
fn pass(rig: &mut Rig, ports: usize, flows: &[Flow]) -> Vec<(usize, String, Vec<Vec<u8>>)> {
    let names: Vec<_> = (0..ports).map(|port| format!("p{port}")).collect();
    for name in &names {
        rig.received(name);
    }
    let mut all = Vec::new();
    for (number, flow) in flows.iter().enumerate() {
        let port = flow.port % ports;
        assert!(rig.send(&names[port], &flow.frame(port, number as u32)));
        rig.run(2);
        for name in &names {
            let mut frames = rig.received(name);
            frames.retain(|frame| frame.get(12..22) != Some(&ARP_REQUEST[..]));
            let frames = frames.into_iter().map(unnumbered).collect();
            all.push((number, name.clone(), frames));
        }
    }
    all
}

/// The switch is as one that began with `world`.
fn assert_like(rig: &mut Rig, world: &World, flows: &[Flow]) {
    let mut fresh = Rig::new(wanted(world), 1);
    rest(rig);
    rest(&mut fresh);
    assert_eq!(shown(rig), shown(&mut fresh));
    let ports = world.setup.ports();
    let expected = pass(&mut fresh, ports, flows);
    for (seen, expected) in pass(rig, ports, flows).iter().zip(&expected) {
        assert_eq!(seen, expected, "{:?}", flows[seen.0]);
    }
    fresh.close();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_follows_from_a_change_is_what_a_start_would_give(
        worlds in vec((world(), any::<Option<usize>>()), 2..5),
    ) {
        let flows: Vec<_> = worlds.iter().flat_map(|(world, _)| world.flows.clone()).collect();
        let mut before = &worlds[0].0;
        let mut rig = Rig::new(wanted(before), 1);
        answer(&mut rig);
        for (world, broken) in &worlds[1..] {
            let ports = before.setup.ports();
            pass(&mut rig, ports, &flows);
            let broken = broken.map(|port| format!("p{}", port % ports));
            if let Some(port) = &broken {
                rig.set_broken(port, true);
            }
            match rig.apply(wanted(world)) {
                Ok(done) => {
                    prop_assert!(done.lagging.is_empty() && done.later.is_empty(), "{done:?}");
                    before = world;
                }
                Err(refused) => prop_assert!(broken.is_some(), "{refused}"),
            }
            if let Some(port) = &broken {
                rig.set_broken(port, false);
            }
            assert_like(&mut rig, before, &flows);
        }
        rig.close();
    }
}
