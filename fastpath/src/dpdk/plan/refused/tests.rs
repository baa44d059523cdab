//! Devices that refuse some of what they offer.

use super::*;
use crate::dpdk::plan::tests::info;
use crate::dpdk::plan::{PortConfig, plan};

/// A plan with all that can be left out.
fn hoped(driver: &str) -> Plan {
    let config = PortConfig {
        rx_queues: 2,
        offload: true,
        loopback: driver == "net_ixgbe",
        ..PortConfig::default()
    };
    plan(&info(driver), &config)
}

/// What is asked for, by name.
fn asked(plan: &Plan) -> Vec<&'static str> {
    [
        (plan.loopback_mode != 0, "loopback"),
        (plan.rx_offloads & OUTER_CHECKSUMS != 0, "outer"),
        (plan.rx_offloads & OPEN == OPEN, "open"),
        (plan.tx_offloads & ALL_CUTS != 0, "cuts"),
        (plan.tx_offloads & TX_CHECKSUMS != 0, "tx"),
        (plan.rss_types != 0, "rss"),
    ]
    .into_iter()
    .filter_map(|(asked, name)| asked.then_some(name))
    .collect()
}

/// What is agreed on with a device that refuses all plans that ask for any of these.
fn agreed(driver: &str, refuses: &[&str]) -> Plan {
    let mut plan = hoped(driver);
    let mut last = Vec::new();
    let result = plan.try_out(|plan| {
        last = asked(plan);
        match last.iter().any(|name| refuses.contains(name)) {
            true => Err(()),
            false => Ok(()),
        }
    });
    assert_eq!(result, Ok(()), "{refuses:?}");
    // The device is as the plan says.
    assert_eq!(asked(&plan), last, "{refuses:?}");
    plan
}

#[test]
fn only_what_is_refused_is_left_out() {
    let nic = ["loopback", "outer", "cuts", "tx", "rss"];
    let guest = ["open", "tx", "rss"];
    for (driver, has) in [("net_ixgbe", &nic[..]), ("net_vhost", &guest)] {
        assert_eq!(asked(&hoped(driver)), has);
        for refused in 0..1 << has.len() {
            let (refuses, rest): (Vec<_>, Vec<_>) = (0..)
                .zip(has)
                .map(|(bit, name)| (refused >> bit & 1 != 0, *name))
                .partition(|(refused, _)| *refused);
            let names = |some: Vec<(bool, &'static str)>| -> Vec<&str> {
                some.into_iter().map(|(_, name)| name).collect()
            };
            let (refuses, mut rest) = (names(refuses), names(rest));
            // Nothing is cut without checksums: whether it was refused too, nobody knows.
            rest.retain(|name| *name != "cuts" || !refuses.contains(&"tx"));
            let lost = |name: &&&str| **name != "cuts" || !refuses.contains(&"tx");
            let plan = agreed(driver, &refuses);
            assert_eq!(asked(&plan), rest, "{driver} refuses {refuses:?}");
            let settings = &plan.settings;
            let is = |name| rest.contains(&name);
            assert_eq!(
                (settings.tx.udp, settings.open, settings.rss),
                (is("tx"), is("open"), is("rss")),
                "{refuses:?}"
            );
            assert_eq!(settings.loopback, is("loopback"));
            assert_eq!(settings.outer_checksums, is("outer"));
            assert_eq!(settings.tx_refused, refuses.contains(&"tx"));
            assert_eq!(settings.tx.segments, is("cuts"), "{refuses:?}");
            let said = refuses.iter().filter(lost);
            let said = said.filter(|name| **name != "outer").count();
            assert_eq!(settings.notes.len(), said, "{:?}", settings.notes);
        }
    }
}

#[test]
fn what_cannot_be_left_out_is_an_error() {
    let mut plan = hoped("net_ixgbe");
    let whole = plan.clone();
    let mut tries = 0;
    let result = plan.try_out(|_| {
        tries += 1;
        Err::<(), _>(tries)
    });
    assert_eq!((result, &plan), (Err(tries), &whole));
    assert!(tries <= 1 + 2 * LESS.len());
}
