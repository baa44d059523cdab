//! `overpath port`.

use crate::table::{Table, maybe, word};
use control::api::messages::{Port, PortState};

/// Losses are shown where there are any.
pub(crate) fn text(ports: &[Port]) -> String {
    let lost = |name, count: u64| maybe(name, (count > 0).then_some(count));
    let mut table = Table::default();
    for port in ports {
        let state = match port.state {
            PortState::Up => "up",
            PortState::Down => "down",
            PortState::Failed => "failed",
        };
        table.push([
            port.name.clone(),
            word("state", state),
            maybe("mac", port.mac),
            word("mtu", port.mtu),
            word("rxq", port.rx_queues),
            word("txq", port.tx_queues),
            word("rx", port.rx.packets),
            lost("missed", port.rx.missed),
            lost("no-mbuf", port.rx.no_mbuf),
            lost("errors", port.rx.errors),
            word("tx", port.tx.packets),
            lost("dropped", port.tx.dropped),
            lost("errors", port.tx.errors),
            maybe("driver", port.driver.as_ref()),
            word("device", &port.device),
            maybe("reason", port.reason.as_ref()),
        ]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use control::api::messages::{RxCounters, TxCounters};

    fn up() -> Port {
        Port {
            name: "uplink".into(),
            device: "net_tap0,iface=up0".into(),
            driver: Some("net_tap".into()),
            state: PortState::Up,
            reason: None,
            mac: Some("02:00:00:00:00:01".parse().unwrap()),
            mtu: 1600,
            rx_queues: 1,
            tx_queues: 2,
            rx: RxCounters {
                packets: 10,
                ..RxCounters::default()
            },
            tx: TxCounters {
                packets: 5,
                ..TxCounters::default()
            },
        }
    }

    #[test]
    fn one_line_for_each_port() {
        let failed = Port {
            name: "lan".into(),
            driver: None,
            state: PortState::Failed,
            reason: Some("no such device".into()),
            mac: None,
            ..up()
        };
        let expected = "\
uplink state up     mac 02:00:00:00:00:01 mtu 1600 rxq 1 txq 2 rx 10 tx 5 driver net_tap device net_tap0,iface=up0
lan    state failed                       mtu 1600 rxq 1 txq 2 rx 10 tx 5                device net_tap0,iface=up0 reason no such device
";
        assert_eq!(text(&[up(), failed]), expected);
    }

    #[test]
    fn losses_stand_beside_what_was_not_lost() {
        let rx = RxCounters {
            packets: 1,
            bytes: 0,
            missed: 2,
            no_mbuf: 3,
            errors: 4,
        };
        let tx = TxCounters {
            packets: 5,
            bytes: 0,
            dropped: 6,
            errors: 7,
        };
        let line = text(&[Port {
            rx,
            tx,
            state: PortState::Down,
            ..up()
        }]);
        let expected = "rx 1 missed 2 no-mbuf 3 errors 4 tx 5 dropped 6 errors 7";
        assert!(
            line.contains(expected) && line.contains("state down"),
            "{line}"
        );
    }
}
