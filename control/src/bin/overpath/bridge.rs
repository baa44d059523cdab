//! `overpath bridge`.

use crate::stats::bridge_rows;
use crate::table::{Cell, Hue, Table, word};
use control::api::messages::{Bridge, BridgeStats, Stats};

pub(crate) fn text(bridges: &[Bridge]) -> String {
    let mut table = Table::default();
    for bridge in bridges {
        let list = |name: &str, list: &[String]| match list.is_empty() {
            true => Cell::default(),
            false => word(name, list.join(",")).hued(Hue::Name),
        };
        table.push([
            Cell::from(&bridge.name).hued(Hue::Name),
            word("ageing", bridge.ageing),
            word("learning", if bridge.learning { "on" } else { "off" }),
            word("static", bridge.static_entries),
            list("ports", &bridge.ports),
            list("tunnels", &bridge.tunnels),
        ]);
    }
    table.to_string()
}

/// The bridges, then what each did, what it flooded, and its table.
pub(crate) fn counted(bridges: &[Bridge], stats: &Stats) -> String {
    let is_shown = |known: &&BridgeStats| bridges.iter().any(|b| b.name == known.bridge);
    let known: Vec<_> = stats.bridges.iter().filter(is_shown).cloned().collect();
    let name = |known: &BridgeStats| Cell::from(&known.bridge).hued(Hue::Name);
    text(bridges) + &bridge_rows(&known, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn br10() -> Bridge {
        Bridge {
            name: "br10".into(),
            ports: vec!["lan".into(), "dmz".into()],
            tunnels: vec!["vx10".into()],
            ageing: 300,
            learning: true,
            static_entries: 2,
        }
    }

    #[test]
    fn counters_stand_below() {
        let counts = |bridge: &str| BridgeStats {
            bridge: bridge.into(),
            received: 10,
            sent: 9,
            unknown: 5,
            ..BridgeStats::default()
        };
        let stats = Stats {
            bridges: vec![counts("gone"), counts("br10")],
            ..Stats::default()
        };
        let shown = counted(&[br10()], &stats);
        let expected = "\
br10 received 10 copied 0 sent 9 dropped 0 waited 0 rate 0/s
br10 flooded broadcast 0 0% multicast 0 0% unknown 5 50%
br10 fdb entries 0 static 0 limit 0 learned 0 moved 0 aged 0 flushed 0 full 0 learn-rate 0/s move-rate 0/s age-rate 0/s
";
        assert_eq!(shown, text(&[br10()]) + expected);
    }

    #[test]
    fn one_line_for_each_bridge() {
        let bridge = br10();
        let bare = Bridge {
            name: "b".into(),
            ports: Vec::new(),
            tunnels: Vec::new(),
            ageing: 0,
            learning: false,
            static_entries: 0,
        };
        let expected = "\
br10 ageing 300 learning on  static 2 ports lan,dmz tunnels vx10
b    ageing 0   learning off static 0
";
        assert_eq!(text(&[bridge, bare]), expected);
    }
}
