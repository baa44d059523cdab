//! `overpath bridge`.

use crate::table::{Table, word};
use control::api::messages::Bridge;

pub(crate) fn text(bridges: &[Bridge]) -> String {
    let mut table = Table::default();
    for bridge in bridges {
        let list = |name: &str, list: &[String]| match list.is_empty() {
            true => String::new(),
            false => word(name, list.join(",")),
        };
        table.push([
            bridge.name.clone(),
            word("ageing", bridge.ageing),
            word("learning", if bridge.learning { "on" } else { "off" }),
            word("static", bridge.static_entries),
            list("ports", &bridge.ports),
            list("tunnels", &bridge.tunnels),
        ]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_for_each_bridge() {
        let bridge = Bridge {
            name: "br10".into(),
            ports: vec!["lan".into(), "dmz".into()],
            tunnels: vec!["vx10".into()],
            ageing: 300,
            learning: true,
            static_entries: 2,
        };
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
