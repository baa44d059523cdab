//! `overpath vxlan`.

use crate::table::{Table, maybe, word};
use control::api::messages::{Remote, RemoteError, Tunnel, TunnelState, Way};

/// The tunnels, then their remotes. Each line begins with the tunnel, so that `grep` finds it.
pub(crate) fn text(tunnels: &[Tunnel]) -> String {
    let mut table = Table::default();
    for tunnel in tunnels {
        let state = match tunnel.state {
            TunnelState::Up => "up",
            TunnelState::Down => "down",
        };
        table.push([
            tunnel.name.clone(),
            word("state", state),
            word("bridge", &tunnel.bridge),
            word("vni", tunnel.vni),
            word("local", tunnel.local),
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
            tunnel.to_owned(),
            word("remote", remote.address),
            way.map_or("unreachable".into(), |way: &Way| word("port", &way.port)),
            maybe("vlan", way.and_then(|way| way.vlan)),
            maybe("lladdr", way.and_then(|way| way.mac)),
            maybe("rx", first.then_some(remote.rx.packets)),
            maybe("bytes", first.then_some(remote.rx.bytes)),
            maybe("tx", first.then_some(remote.tx.packets)),
            maybe("bytes", first.then_some(remote.tx.bytes)),
            if remote.learned { "learned" } else { "" }.into(),
            maybe("error", error.map(complaint)),
        ]);
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use control::api::messages::Traffic;

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
