//! `overpath vxlan`.

use crate::stats::per_second;
use crate::table::{Cell, Hue, Table, maybe, word};
use control::api::messages::{Remote, RemoteError, Stats, Tunnel, TunnelState, TunnelStats, Way};

/// The tunnels, then their remotes. Each line begins with the tunnel, so that `grep` finds it.
pub(crate) fn text(tunnels: &[Tunnel]) -> String {
    let mut table = Table::default();
    for tunnel in tunnels {
        let state = match tunnel.state {
            TunnelState::Up => "up",
            TunnelState::Down => "down",
        };
        table.push([
            Cell::from(&tunnel.name).hued(Hue::Name),
            word("state", state).hued(Hue::of(tunnel.state == TunnelState::Up)),
            word("bridge", &tunnel.bridge).hued(Hue::Name),
            word("vni", tunnel.vni),
            word("local", tunnel.local).hued(Hue::Address),
            word("dstport", tunnel.udp_port),
            maybe("reason", tunnel.reason.as_ref()),
        ]);
    }
    let mut remotes = Table::default();
    for tunnel in tunnels {
        for remote in &tunnel.remotes {
            push(&mut remotes, &tunnel.name, remote);
        }
    }
    table.to_string() + &remotes.to_string()
}

/// A line for each way there, the counters in the first.
fn push(table: &mut Table, tunnel: &str, remote: &Remote) {
    let ways = remote.way.iter().map(Some);
    let none = remote.way.is_empty().then_some(None);
    for (at, way) in ways.chain(none).enumerate() {
        let first = at == 0;
        let error = remote.last_error.as_ref().filter(|_| first);
        table.push([
            Cell::from(tunnel).hued(Hue::Name),
            word("remote", remote.address).hued(Hue::Address),
            way.map_or(unreachable(), |way: &Way| {
                word("port", &way.port).hued(Hue::Name)
            }),
            maybe("vlan", way.and_then(|way| way.vlan)),
            maybe("lladdr", way.and_then(|way| way.mac)).hued(Hue::Mac),
            maybe("rx", first.then_some(remote.rx.packets)),
            maybe("bytes", first.then_some(remote.rx.bytes)),
            maybe("tx", first.then_some(remote.tx.packets)),
            maybe("bytes", first.then_some(remote.tx.bytes)),
            if remote.learned { "learned" } else { "" }.into(),
            maybe("error", error.map(complaint)).hued(Hue::Bad),
        ]);
    }
}

fn unreachable() -> Cell {
    Cell::from("unreachable").hued(Hue::Bad)
}

fn complaint(error: &RemoteError) -> String {
    let mtu = error
        .mtu
        .map_or_else(String::new, |mtu| format!(" mtu {mtu}"));
    format!(
        "{}{mtu} from {} count {} age {}",
        error.kind, error.from, error.count, error.age
    )
}

/// The tunnels and their remotes, then what each tunnel carried, and what came from senders that are
/// no remotes.
pub(crate) fn counted(tunnels: &[Tunnel], stats: &Stats) -> String {
    let mut table = Table::default();
    for tunnel in tunnels {
        let same = |known: &&TunnelStats| known.tunnel == tunnel.name;
        let Some(known) = stats.tunnels.iter().find(same) else {
            continue;
        };
        table.push([
            Cell::from(&tunnel.name).hued(Hue::Name),
            word("rx", known.rx.packets),
            word("bytes", known.rx.bytes),
            per_second("rate", known.rx_rate),
            word("tx", known.tx.packets),
            word("bytes", known.tx.bytes),
            per_second("rate", known.tx_rate),
            word("strangers", known.strangers.packets),
            word("bytes", known.strangers.bytes),
        ]);
    }
    text(tunnels) + &table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use control::api::messages::Traffic;

    #[test]
    fn counters_stand_below() {
        let counts = |tunnel: &str| TunnelStats {
            tunnel: tunnel.into(),
            rx: Traffic {
                packets: 3,
                bytes: 180,
            },
            tx_rate: 7,
            ..TunnelStats::default()
        };
        let stats = Stats {
            tunnels: vec![counts("vx9"), counts("vx10")],
            ..Stats::default()
        };
        let expected = "vx10 rx 3 bytes 180 rate 0/s tx 0 bytes 0 rate 7/s strangers 0 bytes 0\n";
        assert_eq!(counted(&[up()], &stats), text(&[up()]) + expected);
    }

    fn up() -> Tunnel {
        Tunnel {
            name: "vx10".into(),
            bridge: "br10".into(),
            vni: 10,
            local: [192, 0, 2, 2].into(),
            udp_port: 4789,
            state: TunnelState::Up,
            reason: None,
            remotes: Vec::new(),
        }
    }

    #[test]
    fn one_line_for_each_tunnel() {
        let down = Tunnel {
            name: "vx2000".into(),
            vni: 2000,
            state: TunnelState::Down,
            reason: Some("port uplink is down".into()),
            ..up()
        };
        let expected = "\
vx10   state up   bridge br10 vni 10   local 192.0.2.2 dstport 4789
vx2000 state down bridge br10 vni 2000 local 192.0.2.2 dstport 4789 reason port uplink is down
";
        assert_eq!(text(&[up(), down]), expected);
    }

    #[test]
    fn one_line_for_each_way_to_a_remote() {
        let traffic = |packets, bytes| Traffic { packets, bytes };
        let known = Way {
            port: "uplink".into(),
            vlan: None,
            mac: Some("02:00:00:00:00:01".parse().unwrap()),
        };
        let asked = Way {
            port: "up2".into(),
            vlan: Some(10),
            mac: None,
        };
        let remote = Remote {
            address: [192, 0, 2, 1].into(),
            learned: false,
            way: vec![known, asked],
            rx: traffic(1, 60),
            tx: traffic(2, 120),
            last_error: Some(RemoteError {
                from: [198, 51, 100, 1].into(),
                kind: "packet too big".into(),
                mtu: Some(1400),
                count: 5,
                age: 6,
            }),
        };
        let lost = Remote {
            address: [203, 0, 113, 1].into(),
            learned: true,
            way: Vec::new(),
            rx: traffic(0, 0),
            tx: traffic(0, 0),
            last_error: None,
        };
        let tunnel = Tunnel {
            remotes: vec![remote, lost],
            ..up()
        };
        let expected = "\
vx10 state up bridge br10 vni 10 local 192.0.2.2 dstport 4789
vx10 remote 192.0.2.1   port uplink         lladdr 02:00:00:00:00:01 rx 1 bytes 60 tx 2 bytes 120         error packet too big mtu 1400 from 198.51.100.1 count 5 age 6
vx10 remote 192.0.2.1   port up2    vlan 10
vx10 remote 203.0.113.1 unreachable                                  rx 0 bytes 0  tx 0 bytes 0   learned
";
        assert_eq!(text(&[tunnel]), expected);
    }
}
