//! Which packets a rule marks.

use crate::port::{
    LOCAL, Nic, OTHER, REMOTE, UDP, inner, inner_arp, mark, ours, outer, rule, vni, vxlan,
};
use crate::rig::{under, with};
use fastpath::io::Packet;
use fastpath::offload::{Delivery, Pattern, Rule};
use fastpath::snapshot::EndPoint;
use fastpath::wire::craft::tagged;
use fastpath::wire::{EtherType, Tag, VlanId};

#[test]
fn a_rule_marks_the_packets_of_its_tunnel_until_it_is_taken_back() {
    for dialect in ["any", "mlx5", "sfc"] {
        under(dialect, |bench| {
            let mut nic = Nic::new(bench, "rule");
            drop(nic.port.device().add_vxlan_port(UDP));
            assert_eq!(nic.mark(&ours()), None);
            nic.port.device().validate_flow(&rule()).unwrap();
            assert_eq!(nic.mark(&ours()), None, "nothing is installed yet");
            let flow = nic.port.device().create_flow(&rule()).unwrap();
            let marked = Some(rule().mark.get());
            assert_eq!(nic.mark(&ours()), marked);
            assert_eq!(nic.mark(&vxlan(LOCAL, UDP, 10, &inner_arp())), marked);
            for other in [
                vxlan(LOCAL, UDP, 11, &inner()),
                // The same VNI but for one byte each.
                vxlan(LOCAL, UDP, 10 << 8, &inner()),
                vxlan(LOCAL, UDP, 10 << 16, &inner()),
                vxlan(OTHER, UDP, 10, &inner()),
                vxlan(LOCAL, UDP.swap_bytes(), 10, &inner()),
                vxlan(LOCAL, 4789, 10, &inner()),
                outer(LOCAL).tcp(50_000, UDP, b"no tunnel"),
                inner(),
            ] {
                assert_eq!(nic.mark(&other), None, "{other:x?}");
            }
            assert_eq!(nic.port.device().flow_hits(&flow).unwrap(), 2);
            nic.port.device().destroy_flow(flow).unwrap();
            assert_eq!(nic.mark(&ours()), None);
            assert_eq!(bench.asked("destroy").len(), 1);
        });
    }
}

#[test]
fn each_rule_has_its_mark_and_its_count() {
    under("any", |bench| {
        let mut nic = Nic::new(bench, "each");
        let of = |n: u32| Rule {
            mark: mark(n as usize),
            end_point: EndPoint {
                vni: vni(n),
                ..rule().end_point
            },
            ..rule()
        };
        let flows = [1, 2, 3].map(|n| nic.port.device().create_flow(&of(n)).unwrap());
        for n in [1, 2, 2] {
            let marked = nic.mark(&vxlan(LOCAL, UDP, n, &inner()));
            assert_eq!(marked, Some(mark(n as usize).get()));
        }
        let hits = flows.map(|flow| nic.port.device().flow_hits(&flow).unwrap());
        assert_eq!(hits, [1, 2, 0]);
    });
}

#[test]
fn a_tag_is_matched_and_so_is_its_absence() {
    under("any", |bench| {
        let mut nic = Nic::new(bench, "tag");
        let tagged = |vid| {
            let vid = VlanId::new(vid).unwrap();
            // Priority is none of the rule's.
            let tag = Tag {
                pcp: 5,
                dei: true,
                vid,
            };
            tagged(&ours(), EtherType::VLAN, tag)
        };
        let plain = nic.port.device().create_flow(&rule()).unwrap();
        assert_eq!(nic.mark(&tagged(0x123)), None);
        nic.port.device().destroy_flow(plain).unwrap();
        let rule = Rule {
            vlan: VlanId::new(0x123),
            ..rule()
        };
        let _flow = nic.port.device().create_flow(&rule).unwrap();
        assert_eq!(nic.mark(&tagged(0x123)), Some(rule.mark.get()));
        assert_eq!(nic.mark(&tagged(0x321)), None);
        assert_eq!(nic.mark(&ours()), None);
    });
}

#[test]
fn a_pattern_says_as_much_as_it_is_named_for() {
    under("any", |bench| {
        let mut nic = Nic::new(bench, "shape");
        nic.port.device().add_vxlan_port(UDP).unwrap();
        nic.port.device().add_vxlan_port(4789).unwrap();
        let arp = vxlan(LOCAL, UDP, 10, &inner_arp());
        let elsewhere = vxlan(OTHER, 4789, 10, &inner());
        for (pattern, marks) in [
            (Pattern::Tunnel, [true, true, false]),
            (Pattern::InnerEthernet, [true, true, false]),
            (Pattern::InnerIpv4, [true, false, false]),
            (Pattern::VniOnly, [true, true, true]),
        ] {
            let flow = nic
                .port
                .device()
                .create_flow(&Rule { pattern, ..rule() })
                .unwrap();
            let got = [&ours(), &arp, &elsewhere].map(|frame| nic.mark(frame).is_some());
            assert_eq!(got, marks, "{pattern:?}");
            nic.port.device().destroy_flow(flow).unwrap();
        }
    });
}

#[test]
fn outer_headers_go_if_the_rule_says_so_and_who_sent_them_is_matched() {
    under("any", |bench| {
        let mut nic = Nic::new(bench, "strip");
        let strips = |remote| Rule {
            strip: Some(remote),
            ..rule()
        };
        let _other = nic.port.device().create_flow(&strips(OTHER)).unwrap();
        assert_eq!(nic.receive(&ours()).head(), ours());
        let _flow = nic.port.device().create_flow(&strips(REMOTE)).unwrap();
        let packet = nic.receive(&ours());
        assert_eq!(
            (packet.head(), packet.mark()),
            (&inner()[..], Some(rule().mark.get()))
        );
    });
}

#[test]
fn each_driver_refuses_in_its_own_words() {
    let delivered = |delivery| Rule { delivery, ..rule() };
    let (plain, inner) = (delivered(Delivery::Plain), delivered(Delivery::InnerRss));
    for (dialect, rule, errno, words) in [
        ("none", rule(), 38, "Function not implemented"),
        (
            "ice",
            rule(),
            22,
            "Invalid input set: inner IPv4 is required",
        ),
        ("mlx5", plain, 22, "no fate action is found"),
        ("markless", rule(), 95, "marks were not agreed on"),
        ("sfc", inner, 95, "RSS level is not supported"),
        ("keeping", rule(), 22, "mark is out of range"),
    ] {
        under(dialect, |bench| {
            let nic = Nic::new(bench, "refuse");
            for error in [
                nic.port.device().validate_flow(&rule).unwrap_err(),
                nic.port.device().create_flow(&rule).unwrap_err(),
            ] {
                assert_eq!(error.errno().number(), errno, "{error}");
                assert_eq!(error.message(), Some(words));
                let device = bench.device("refuse");
                assert!(error.to_string().contains(&device), "{error}");
            }
        });
    }
}

#[test]
fn a_table_that_is_full_says_so() {
    with(&[("NICMODEL", "any"), ("NICMODEL_RULES", "1")], |bench| {
        let nic = Nic::new(bench, "full");
        let flow = nic.port.device().create_flow(&rule()).unwrap();
        let error = nic.port.device().create_flow(&rule()).unwrap_err();
        assert_eq!(error.message(), Some("no room for another rule"));
        nic.port.device().destroy_flow(flow).unwrap();
        assert!(nic.port.device().create_flow(&rule()).is_ok());
    });
}
