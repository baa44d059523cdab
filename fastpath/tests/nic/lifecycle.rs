//! What becomes of rules when ports stop, and of handles.

use crate::port::{Nic, UDP, config, mark, ours, rule};
use crate::rig::{under, with};
use fastpath::dpdk::PortConfig;
use fastpath::offload::{Mark, Rule, Width};

fn another() -> Rule {
    Rule {
        mark: mark(6),
        ..rule()
    }
}

#[test]
fn a_port_that_stops_takes_back_its_rules_before_and_its_udp_ports_after() {
    for dialect in ["any", "keeping"] {
        under(dialect, |bench| {
            let config = PortConfig {
                vxlan_ports: vec![UDP],
                ..config()
            };
            let mut nic = Nic::configured(bench, "stop", &config);
            let small = Rule {
                mark: Mark::first(Width::Bits8, 5).unwrap(),
                ..rule()
            };
            let flow = nic.port.device().create_flow(&small).unwrap();
            nic = nic.restarted();
            assert_eq!(nic.mark(&ours()), None, "a rule outlived the stop");
            // The model ends the process at a handle that is none.
            nic.port.device().destroy_flow(flow).unwrap();
            let calls: Vec<_> = bench.journal().into_iter().skip(1).collect();
            assert_eq!(
                calls,
                [
                    "0 configure: 0",
                    "0 udp_add 8472: 0",
                    "0 start",
                    "0 create 0x25: 0",
                    "0 flush of 1",
                    "0 stop with 0 rules",
                    "0 udp_del 8472: 0",
                    "0 udp_add 8472: 0",
                    "0 start",
                ]
            );
        });
    }
}

#[test]
fn a_port_that_is_dropped_takes_them_back_too() {
    under("mlx5", |bench| {
        let nic = Nic::new(bench, "drop");
        let flow = nic.port.device().create_flow(&rule()).unwrap();
        drop(nic);
        assert_eq!(bench.asked("flush"), ["0 flush of 1"]);
        // The same number, another port.
        let nic = Nic::new(bench, "drop");
        let _new = nic.port.device().create_flow(&another()).unwrap();
        assert_eq!(
            nic.port
                .device()
                .flow_hits(&flow)
                .unwrap_err()
                .errno()
                .number(),
            2
        );
        nic.port.device().destroy_flow(flow).unwrap();
        assert!(bench.asked("destroy").is_empty());
    });
}

#[test]
fn a_port_without_rules_is_not_flushed() {
    under("mlx5", |bench| {
        let nic = Nic::new(bench, "bare");
        let flow = nic.port.device().create_flow(&rule()).unwrap();
        nic.port.device().destroy_flow(flow).unwrap();
        drop(nic.restarted());
        assert!(bench.asked("flush").is_empty());
    });
}

#[test]
fn no_handle_is_good_after_a_flush() {
    under("any", |bench| {
        let mut nic = Nic::new(bench, "flush");
        let flow = nic.port.device().create_flow(&rule()).unwrap();
        nic.port.device().flush_flows().unwrap();
        assert_eq!(nic.mark(&ours()), None);
        let new = nic.port.device().create_flow(&another()).unwrap();
        assert_eq!(
            nic.port
                .device()
                .flow_hits(&flow)
                .unwrap_err()
                .errno()
                .number(),
            2
        );
        nic.port.device().destroy_flow(flow).unwrap();
        assert_eq!(nic.mark(&ours()), Some(another().mark.get()));
        assert_eq!(nic.port.device().flow_hits(&new).unwrap(), 1);
    });
}

#[test]
fn a_rule_of_another_port_is_given_back() {
    under("any", |bench| {
        let nic = Nic::new(bench, "one");
        let other = Nic::new(bench, "two");
        let flow = nic.port.device().create_flow(&rule()).unwrap();
        let (flow, error) = other.port.device().destroy_flow(flow).unwrap_err();
        let device = bench.device("two");
        assert_eq!(
            error.to_string(),
            format!(
                "cannot remove a rule of port {device}: the rule is one of another port (Invalid \
                 argument (os error 22))"
            )
        );
        assert!(other.port.device().flow_hits(&flow).is_err());
        assert_eq!(nic.port.device().flow_hits(&flow).unwrap(), 0);
        nic.port.device().destroy_flow(flow).unwrap();
        assert_eq!(bench.asked("destroy"), ["0 destroy 0x1005: 0"]);
    });
}

#[test]
fn a_rule_that_cannot_be_taken_back_is_given_back() {
    with(&[("NICMODEL", "any"), ("NICMODEL_STUCK", "1")], |bench| {
        let mut nic = Nic::new(bench, "stuck");
        let flow = nic.port.device().create_flow(&rule()).unwrap();
        let (flow, error) = nic.port.device().destroy_flow(flow).unwrap_err();
        assert_eq!(error.message(), Some("rule in use"));
        assert!(nic.mark(&ours()).is_some());
        assert_eq!(nic.port.device().flow_hits(&flow).unwrap(), 1);
        // And is still among those that a stop takes back.
        drop(nic);
        assert_eq!(bench.asked("flush"), ["0 flush of 1"]);
    });
}

#[test]
fn a_rule_that_does_not_count_says_so() {
    under("any", |bench| {
        let nic = Nic::new(bench, "count");
        let silent = Rule {
            count: false,
            ..rule()
        };
        let flow = nic.port.device().create_flow(&silent).unwrap();
        let error = nic.port.device().flow_hits(&flow).unwrap_err();
        assert!(error.errno().is_unsupported());
        assert_eq!(error.message(), Some("the rule has no counter"));
    });
}
