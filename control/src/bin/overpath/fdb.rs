//! `overpath fdb`.

use crate::table::{Table, maybe, word};
use control::api::messages::{FdbEntry, FdbKind, Stations};
use std::str::FromStr;

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
        match &**kind {
            "bridge" | "br" => put(&mut stations.bridge, kind, value)?,
            // As `bridge` and `ip` call a port.
            "port" | "dev" | "brport" => put(&mut stations.port, kind, value)?,
            "tunnel" => put(&mut stations.tunnel, kind, value)?,
            "mac" => put(&mut stations.mac, kind, value)?,
            _ => {
                return Err(format!(
                    "{kind}: say bridge NAME, port NAME, tunnel NAME or mac ADDRESS"
                ));
            }
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
            entry.mac.to_string(),
            word("bridge", &entry.bridge),
            behind,
            maybe("dst", entry.remote),
            kind.into(),
            maybe("age", entry.age),
        ]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(words: &[&str]) -> Result<Stations, String> {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        stations(&words)
    }

    #[test]
    fn entries_are_chosen_by_words() {
        assert_eq!(stations(&[]), Ok(Stations::default()));
        assert_eq!(said(&[]), Ok(Stations::default()));
        let one = said(&["br", "br10", "dev", "lan", "mac", "02:00:00:00:00:01"]).unwrap();
        assert_eq!(one.bridge.unwrap().as_str(), "br10");
        assert_eq!(one.port.unwrap().as_str(), "lan");
        assert_eq!(one.mac.unwrap().to_string(), "02:00:00:00:00:01");
        assert_eq!(
            said(&["tunnel", "vx"]).unwrap().tunnel.unwrap().as_str(),
            "vx"
        );
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

    #[test]
    fn one_line_for_each_address() {
        let learned = FdbEntry {
            bridge: "br10".into(),
            mac: "02:00:00:00:00:01".parse().unwrap(),
            port: None,
            tunnel: Some("vx10".into()),
            remote: Some([192, 0, 2, 1].into()),
            kind: FdbKind::Learned,
            age: Some(3),
        };
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
