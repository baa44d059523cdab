//! `overpath port`.

use crate::drops;
use crate::stats::per_second;
use crate::table::{Cell, Hue, Table, maybe, word};
use control::api::messages::{DropCount, Port, PortState, PortStats, Stats};

/// Losses are shown where there are any.
pub(crate) fn text(ports: &[Port]) -> String {
    let lost = |name, count: u64| maybe(name, (count > 0).then_some(count)).hued(Hue::Bad);
    let mut table = Table::default();
    for port in ports {
        let state = match port.state {
            PortState::Up => "up",
            PortState::Down => "down",
            PortState::Failed => "failed",
        };
        table.push([
            Cell::from(&port.name).hued(Hue::Name),
            word("state", state).hued(Hue::of(port.state == PortState::Up)),
            maybe("mac", port.mac).hued(Hue::Mac),
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

/// The ports, then for each of them what came in, what went out, and why packets were dropped.
pub(crate) fn counted(ports: &[Port], stats: &Stats, drops: &[DropCount]) -> String {
    let (mut rx, mut tx, mut why) = (Table::default(), Table::default(), Table::default());
    let none = PortStats::default();
    for port in ports {
        let name = Cell::from(&port.name).hued(Hue::Name);
        let known = stats.ports.iter().find(|known| known.port == port.name);
        let counts = known.unwrap_or(&none);
        rx.push([
            name.clone(),
            word("rx", port.rx.packets),
            word("bytes", port.rx.bytes),
            per_second("rate", counts.rx_rate),
            format!("{}B/s", counts.rx_byte_rate).into(),
            lost("missed", port.rx.missed),
            lost("no-mbuf", port.rx.no_mbuf),
            lost("errors", port.rx.errors),
            word("forwarded", counts.forwarded),
            word("consumed", counts.consumed),
            lost("dropped", counts.dropped),
        ]);
        tx.push([
            name.clone(),
            word("tx", port.tx.packets),
            word("bytes", port.tx.bytes),
            per_second("rate", counts.tx_rate),
            format!("{}B/s", counts.tx_byte_rate).into(),
            lost("dropped", port.tx.dropped),
            lost("errors", port.tx.errors),
            word("originated", counts.originated),
            word("copied", counts.copied),
        ]);
        for drop in drops.iter().filter(|drop| drop.port == port.name) {
            why.push([
                name.clone(),
                word("drop", &drop.reason).hued(Hue::Bad),
                drops::place(drop.place).into(),
                word("packets", drop.packets),
                per_second("rate", drop.rate),
            ]);
        }
    }
    text(ports) + &rx.to_string() + &tx.to_string() + &why.to_string()
}

/// Shown even where nothing was lost.
fn lost(name: &str, count: u64) -> Cell {
    word(name, count).hued_if(count > 0, Hue::Bad)
}

#[cfg(test)]
mod tests {
    use super::*;
    use control::api::messages::{DropPlace, RxCounters, TxCounters};

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
    fn counters_stand_below_by_direction_and_by_reason() {
        let lan = Port {
            name: "lan".into(),
            ..up()
        };
        let stats = Stats {
            ports: vec![PortStats {
                port: "lan".into(),
                forwarded: 8,
                consumed: 1,
                dropped: 1,
                rx_rate: 3,
                rx_byte_rate: 180,
                copied: 4,
                ..PortStats::default()
            }],
            ..Stats::default()
        };
        let drop = |port: &str| DropCount {
            reason: "frame_runt".into(),
            port: port.into(),
            place: DropPlace::Dropped,
            packets: 1,
            rate: 0,
            meaning: String::new(),
            advice: String::new(),
            last: None,
        };
        let shown = counted(&[up(), lan.clone()], &stats, &[drop("lan"), drop("gone")]);
        let expected = "\
uplink rx 10 bytes 0 rate 0/s 0B/s   missed 0 no-mbuf 0 errors 0 forwarded 0 consumed 0 dropped 0
lan    rx 10 bytes 0 rate 3/s 180B/s missed 0 no-mbuf 0 errors 0 forwarded 8 consumed 1 dropped 1
uplink tx 5 bytes 0 rate 0/s 0B/s dropped 0 errors 0 originated 0 copied 0
lan    tx 5 bytes 0 rate 0/s 0B/s dropped 0 errors 0 originated 0 copied 4
lan drop frame_runt dropped packets 1 rate 0/s
";
        assert_eq!(shown, text(&[up(), lan]) + expected);
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
