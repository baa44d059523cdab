//! Members of a bond: what each is told, and rules of each.

use crate::port::{Nic, UDP, config, mark, ours, rule};
use crate::rig::{ATTACHED, Bench, device, with};
use fastpath::dpdk::{Device, OpenError, Port, PortEvent, PortEventKind};
use fastpath::offload::Rule;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Runs a test with two NICs of a dialect that a bond can have.
fn under<F: FnOnce(&Bench)>(dialect: &str, test: F) {
    let (one, two) = (device("one"), device("two"));
    let both = format!("{one},{two}");
    with(
        &[
            ("NICMODEL", dialect),
            ("NICMODEL_DEVICES", &both),
            (ATTACHED, &both),
        ],
        test,
    );
}

fn bond(bench: &Bench) -> Nic {
    // From DPDK 23.11 on, and before.
    let port = ["member", "slave"].into_iter().find_map(|word| {
        let [one, two] = ["one", "two"].map(|name| format!("{word}={}", device(name)));
        let bond = format!("net_bonding0,mode=0,mac=02:00:00:00:00:bb,{one},{two}");
        Port::open(&bench.eal, &bond).ok()
    });
    Nic::of(bench, port.unwrap(), &config())
}

/// The bond looks at its members at times, and has none to send by before.
fn wait_for_link(bond: &Nic) {
    let end = Instant::now() + Duration::from_secs(10);
    while !bond.port.device().link().unwrap().up {
        assert!(Instant::now() < end, "no member comes up");
        sleep(Duration::from_millis(1));
    }
}

fn names(bond: &Nic) -> Vec<&str> {
    bond.port.members().iter().map(Device::name).collect()
}

#[test]
fn each_member_is_told_udp_ports_until_the_bond_stops() {
    under("sfc", |bench| {
        let mut bond = bond(bench);
        assert_eq!(names(&bond), [device("one"), device("two")]);
        for _ in 0..2 {
            for member in bond.port.members() {
                member.add_vxlan_port(UDP).unwrap();
            }
            bond = bond.restarted();
        }
        let told = ["udp_add 8472: 0", "udp_del 8472: 0"];
        let told = told.map(|call| ["0", "1"].map(|port| format!("{port} {call}")));
        assert_eq!(bench.asked("udp"), [told.concat(), told.concat()].concat());
    });
}

#[test]
fn a_rule_of_each_member_marks_what_comes_by_it() {
    under("any", |bench| {
        let mut bond = bond(bench);
        let members = bond.port.members();
        let flows: Vec<_> = (members.iter().zip(5..))
            .map(|(member, slot)| {
                let rule = Rule {
                    mark: mark(slot),
                    ..rule()
                };
                member.create_flow(&rule).unwrap()
            })
            .collect();
        wait_for_link(&bond);
        // They take turns, the second from when the bond has seen that it is up.
        let marks = (0..500).map(|_| {
            sleep(Duration::from_millis(1));
            bond.mark(&ours())
        });
        let [mut one, mut two] = [0, 0];
        for seen in marks {
            one += u64::from(seen == Some(mark(5).get()));
            two += u64::from(seen == Some(mark(6).get()));
        }
        assert!(one > 0 && two > 0 && one + two == 500, "{one} and {two}");
        for ((member, flow), seen) in bond.port.members().iter().zip(&flows).zip([one, two]) {
            assert_eq!(member.flow_hits(flow).unwrap(), seen);
        }
        drop(bond);
        let calls = bench.journal();
        let at = |call: &str| calls.iter().rposition(|line| line == call);
        for port in ["0", "1"] {
            let flush = at(&format!("{port} flush of 1"));
            assert!(flush.is_some() && flush < at(&format!("{port} stop with 0 rules")));
        }
    });
}

#[test]
fn a_member_is_nobody_elses_while_the_bond_is_there() {
    under("any", |bench| {
        let bond = bond(bench);
        let taken = Port::open(&bench.eal, &device("two")).unwrap_err();
        assert!(matches!(taken, OpenError::InUse { .. }), "{taken}");
        drop(bond);
        let port = Port::open(&bench.eal, &device("two")).unwrap();
        // One that does not run has no rules.
        let error = port.device().create_flow(&rule()).unwrap_err();
        assert_eq!(error.errno().number(), 16);
        assert!(bench.asked("create").is_empty());
    });
}

#[test]
fn nothing_is_taken_back_from_a_member_that_is_left_alone() {
    under("any", |bench| {
        let bond = bond(bench);
        for member in bond.port.members() {
            member.add_vxlan_port(UDP).unwrap();
            let _flow = member.create_flow(&rule()).unwrap();
        }
        bond.port.members()[0].leave_alone();
        let calls = bench.journal().len();
        let left = &bond.port.members()[0];
        let error = left.create_flow(&rule()).unwrap_err();
        assert_eq!(error.errno().number(), 19);
        let error = left.add_vxlan_port(UDP).unwrap_err();
        assert_eq!(error.errno().number(), 19);
        assert_eq!(bench.journal().len(), calls);
        drop(bond);
        assert_eq!(bench.asked("flush"), ["1 flush of 1"]);
        assert_eq!(bench.asked("udp_del"), ["1 udp_del 8472: 0"]);
    });
}

#[test]
fn what_is_no_bond_has_no_members() {
    under("any", |bench| {
        let nic = Nic::new(bench, "alone");
        assert!(nic.port.members().is_empty());
    });
}

#[test]
#[ignore = "needs the model as a driver: scripts/test nic"]
fn what_a_member_reports_is_told_by_its_number() {
    under("sfc", |bench| {
        let bond = bond(bench);
        let members = bond.port.members();
        for member in members {
            member.add_vxlan_port(UDP).unwrap();
        }
        // The bond hands its MTU on to each.
        for (mtu, kind) in [
            (1401, PortEventKind::Recovering),
            (1402, PortEventKind::Recovered),
        ] {
            bond.port.device().change_mtu(mtu).unwrap();
            for member in members {
                let port = member.index();
                assert_eq!(bench.eal.next_port_event(), Some(PortEvent { port, kind }));
            }
        }
        members[1].doubt_vxlan_ports();
        for member in members {
            member.del_vxlan_port(UDP).unwrap();
            member.add_vxlan_port(UDP).unwrap();
        }
        assert_eq!(bench.asked("udp_add").len(), 4);
    });
}
