//! `overpath fdb`.

use crate::stats::fdb_words;
use crate::table::{Cell, Hue, Table, maybe, word};
use crate::words::pick;
use control::api::messages::{FdbEntry, FdbKind, Stations, Stats};
use std::str::FromStr;

/// What entries are chosen by.
const ALLOWED: [&str; 4] = ["bridge", "port", "tunnel", "mac"];

/// The words for it. `dev` is a port, as `bridge` and `ip` call it.
const KINDS: [(&str, &str); 6] = [
    ("bridge", "bridge"),
    ("br", "bridge"),
    ("port", "port"),
    ("dev", "port"),
    ("tunnel", "tunnel"),
    ("mac", "mac"),
];

/// Which entries are meant by pairs of words.
///
/// # Errors
/// The first word that is wrong.
pub(crate) fn stations(words: &[String]) -> Result<Stations, String> {
    let mut stations = Stations::default();
    for pair in words.chunks(2) {
        let [kind, value] = pair else {
            return Err(format!("nothing stands behind {}", pair.concat()));
        };
        let which = match &**kind {
            "brport" => "port",
            kind => pick(kind, KINDS).map_err(|wrong| wrong.tell(kind, &ALLOWED))?,
        };
        match which {
            "bridge" => put(&mut stations.bridge, which, value)?,
            "port" => put(&mut stations.port, which, value)?,
            "tunnel" => put(&mut stations.tunnel, which, value)?,
            _ => put(&mut stations.mac, which, value)?,
        }
    }
    Ok(stations)
}

fn put<T: FromStr>(to: &mut Option<T>, kind: &str, value: &str) -> Result<(), String> {
    if to.is_some() {
        return Err(format!("{kind} is said twice"));
    }
    let parsed = value.parse();
    *to = Some(parsed.map_err(|_| format!("{value} is no {kind}"))?);
    Ok(())
}

pub(crate) fn text(entries: &[FdbEntry]) -> String {
    let mut table = Table::default();
    for entry in entries {
        let kind = match entry.kind {
            FdbKind::Learned => "learned",
            FdbKind::Static => "static",
        };
        let behind = match &entry.port {
            Some(port) => word("port", port),
            None => maybe("tunnel", entry.tunnel.as_ref()),
        };
        table.push([
            Cell::from(entry.mac.to_string()).hued(Hue::Mac),
            word("bridge", &entry.bridge).hued(Hue::Name),
            behind.hued(Hue::Name),
            maybe("dst", entry.remote).hued(Hue::Address),
            kind.into(),
            maybe("age", entry.age),
        ]);
    }
    table.to_string()
}

/// The entries, then the tables of their bridges: what is in them, and what came and went.
pub(crate) fn counted(entries: &[FdbEntry], which: &Stations, stats: &Stats) -> String {
    let named = which.bridge.as_ref().map(|bridge| bridge.as_str());
    let all = *which == Stations::default();
    let mut tables = Table::default();
    for known in &stats.bridges {
        let shown = all
            || named == Some(known.bridge.as_str())
            || entries.iter().any(|entry| entry.bridge == known.bridge);
        if shown {
            let name = word("bridge", &known.bridge).hued(Hue::Name);
            tables.push_all([name].into_iter().chain(fdb_words(&known.fdb)));
        }
    }
    text(entries) + &tables.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use control::api::messages::{BridgeStats, FdbStats};

    fn said(words: &[&str]) -> Result<Stations, String> {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        stations(&words)
    }

    #[test]
    fn entries_are_chosen_by_words() {
        assert_eq!(stations(&[]), Ok(Stations::default()));
        assert_eq!(said(&[]), Ok(Stations::default()));
        let one = said(&["br", "br10", "dev", "lan", "mac", "02:00:00:00:00:01"]).unwrap();
        assert_eq!(one.bridge.as_ref().unwrap().as_str(), "br10");
        assert_eq!(one.port.as_ref().unwrap().as_str(), "lan");
        assert_eq!(one.mac.as_ref().unwrap().to_string(), "02:00:00:00:00:01");
        assert_eq!(
            said(&["tunnel", "vx"]).unwrap().tunnel.unwrap().as_str(),
            "vx"
        );
        let short = said(&["b", "br10", "d", "lan", "m", "02:00:00:00:00:01"]);
        assert_eq!(short, Ok(one));
        let told = said(&["prt", "lan"]).unwrap_err();
        let near = "\"prt\" is not understood here, did you mean `port`?";
        assert!(told.starts_with(near), "{told}");
        for wrong in [
            &["lan"][..],
            &["port"],
            &["port", "a/b"],
            &["mac", "lan"],
            &["vlan", "7"],
            &["port", "a", "dev", "b"],
        ] {
            assert!(said(wrong).is_err(), "{wrong:?}");
        }
    }

    fn learned() -> FdbEntry {
        FdbEntry {
            bridge: "br10".into(),
            mac: "02:00:00:00:00:01".parse().unwrap(),
            port: None,
            tunnel: Some("vx10".into()),
            remote: Some([192, 0, 2, 1].into()),
            kind: FdbKind::Learned,
            age: Some(3),
        }
    }

    #[test]
    fn tables_are_counted_below() {
        let known = |bridge: &str| BridgeStats {
            bridge: bridge.into(),
            fdb: FdbStats {
                entries: 1,
                learned: 2,
                aged: 1,
                ..FdbStats::default()
            },
            ..BridgeStats::default()
        };
        let stats = Stats {
            bridges: vec![known("br10"), known("br20")],
            ..Stats::default()
        };
        let counts = "entries 1 static 0 limit 0 learned 2 moved 0 aged 1 flushed 0 full 0 \
            learn-rate 0/s move-rate 0/s age-rate 0/s\n";
        let row = |bridge: &str| format!("bridge {bridge} {counts}");
        let entries = [learned()];
        let shown = |which: &[&str]| counted(&entries, &said(which).unwrap(), &stats);
        let all = text(&entries) + &row("br10") + &row("br20");
        assert_eq!(shown(&[]), all);
        assert_eq!(shown(&["tunnel", "vx10"]), text(&entries) + &row("br10"));
        let none = counted(&[], &said(&["bridge", "br20"]).unwrap(), &stats);
        assert_eq!(none, row("br20"));
    }

    #[test]
    fn one_line_for_each_address() {
        let learned = learned();
        let alone = "02:00:00:00:00:01 bridge br10 tunnel vx10 dst 192.0.2.1 learned age 3\n";
        assert_eq!(text(std::slice::from_ref(&learned)), alone);
        let fixed = FdbEntry {
            mac: "02:00:00:00:00:02".parse().unwrap(),
            port: Some("lan".into()),
            tunnel: None,
            remote: None,
            kind: FdbKind::Static,
            age: None,
            ..learned.clone()
        };
        let both =
            alone.to_string() + "02:00:00:00:00:02 bridge br10 port lan                  static\n";
        assert_eq!(text(&[learned, fixed]), both);
    }
}
