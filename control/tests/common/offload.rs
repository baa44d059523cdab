//! What a device thread may tell of what a NIC does for tunnels.

use control::offload::probe::Ask;
use control::offload::report::{MemberReport, PortReport, TunnelReport};
use control::offload::{Offload, Target, Tier};
use fastpath::ids::PortId;
use fastpath::offload::{Delivery, Mark, Pattern, Rule, Width};
use fastpath::snapshot::EndPoint;
use fastpath::wire::Vni;

/// A NIC with a rule for the VNI 10 of 192.0.2.2, and none for the VNI 11, of which it says why.
pub(crate) fn report(port: PortId) -> PortReport {
    let target = |vni: u32| Target {
        vlan: None,
        end_point: EndPoint {
            local: [192, 0, 2, 2].into(),
            udp_port: 4789,
            vni: Vni::new(vni).unwrap(),
        },
        remote: None,
    };
    let rule = Rule {
        vlan: None,
        end_point: target(10).end_point,
        pattern: Pattern::Tunnel,
        delivery: Delivery::PassOn,
        queues: 1,
        mark: Mark::first(Width::Bits16, 5).unwrap(),
        count: true,
        strip: None,
    };
    let done = TunnelReport {
        target: target(10),
        wanted: Tier::Rule,
        actual: Tier::Rule,
        rule: Some(rule),
        mark: Some(rule.mark),
        hits: Some(12),
        reason: None,
    };
    let refused = TunnelReport {
        target: target(11),
        actual: Tier::Parser,
        rule: None,
        mark: None,
        hits: None,
        reason: Some("it has no room".to_owned()),
        ..done.clone()
    };
    let ask = |tagged| Ask {
        udp_port: 4789,
        tagged,
        strip: false,
    };
    PortReport {
        port,
        cap: Offload::Auto,
        tier: Tier::Rule,
        reason: None,
        demoted: Some((Tier::Rule, "it was told to".to_owned())),
        suspended: false,
        generation: 2,
        marks: Some((Width::Bits16, 1)),
        members: vec![MemberReport {
            device: None,
            driver: "net_ice".to_owned(),
            gone: None,
            udp_ports: vec![(4789, None), (8472, Some("it knows one".to_owned()))],
            shapes: vec![
                (ask(false), Ok("eth -> mark".to_owned())),
                (ask(true), Err("no".to_owned())),
            ],
            full: Some("it has no room".to_owned()),
            tunnels: vec![done, refused],
        }],
    }
}
