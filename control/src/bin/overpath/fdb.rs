//! `overpath fdb`.

use crate::table::{Table, maybe, word};
use control::api::messages::{FdbEntry, FdbKind};

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
