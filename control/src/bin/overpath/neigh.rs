//! `overpath neigh`.

use crate::table::{Cell, Hue, Table, maybe, word};
use control::api::messages::{Neighbour, NeighbourState};

pub(crate) fn text(neighbours: &[Neighbour]) -> String {
    let mut table = Table::default();
    for neighbour in neighbours {
        let state = match neighbour.state {
            NeighbourState::Reachable => "reachable",
            NeighbourState::Incomplete => "incomplete",
            NeighbourState::Failed => "failed",
            NeighbourState::Stale => "stale",
            NeighbourState::Permanent => "permanent",
        };
        table.push([
            Cell::from(neighbour.address.to_string()).hued(Hue::Address),
            word("port", &neighbour.port).hued(Hue::Name),
            maybe("vlan", neighbour.vlan),
            maybe("lladdr", neighbour.mac).hued(Hue::Mac),
            Cell::from(state).hued(Hue::of(neighbour.state != NeighbourState::Failed)),
        ]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vlan_has_a_column_where_there_is_one() {
        let row = |vlan| Neighbour {
            port: "uplink".into(),
            vlan,
            address: [192, 0, 2, 1].into(),
            mac: None,
            state: NeighbourState::Failed,
        };
        let expected = "\
192.0.2.1 port uplink         failed
192.0.2.1 port uplink vlan 20 failed
";
        assert_eq!(text(&[row(None), row(Some(20))]), expected);
    }

    #[test]
    fn one_line_for_each_neighbour() {
        let known = Neighbour {
            port: "uplink".into(),
            vlan: None,
            address: [192, 0, 2, 1].into(),
            mac: Some("02:00:00:00:00:01".parse().unwrap()),
            state: NeighbourState::Reachable,
        };
        let asked = Neighbour {
            address: [192, 0, 2, 100].into(),
            mac: None,
            state: NeighbourState::Incomplete,
            ..known.clone()
        };
        let expected = "\
192.0.2.1   port uplink lladdr 02:00:00:00:00:01 reachable
192.0.2.100 port uplink                          incomplete
";
        assert_eq!(text(&[known, asked]), expected);
    }
}
