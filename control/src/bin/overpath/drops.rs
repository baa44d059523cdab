//! `overpath drops`.

use crate::table::{Cell, Hue, Table, word};
use control::api::messages::{DropCount, DropPlace, LastDrop};
use std::collections::HashSet;

/// The counters, then what each of their reasons means and the last packet. Each line begins with
/// the reason, so that `grep` finds it.
pub(crate) fn text(drops: &[DropCount]) -> String {
    let mut counters = Table::default();
    let mut reasons = Table::default();
    let mut lasts = Table::default();
    let mut told = HashSet::new();
    for drop in drops {
        counters.push([
            Cell::from(&drop.reason).hued(Hue::Bad),
            word("port", &drop.port).hued(Hue::Name),
            place(drop.place).into(),
            word("packets", drop.packets),
            format!("rate {}/s", drop.rate).into(),
        ]);
        if told.insert(&drop.reason) {
            let (reason, meaning, advice) = (&drop.reason, &drop.meaning, &drop.advice);
            reasons.push([format!("{reason}: {meaning} {advice}").into()]);
        }
        if let Some(last) = &drop.last {
            lasts.push([last_text(drop, last).into()]);
        }
    }
    counters.to_string() + &reasons.to_string() + &lasts.to_string()
}

/// What is not so of a packet is not told, nor what has a name of its own if it is.
fn last_text(drop: &DropCount, last: &LastDrop) -> String {
    let (reason, port, age, len) = (&drop.reason, &drop.port, last.age, last.len);
    let fields = last.fields.iter().filter(|field| field.value != "yes");
    let fields = fields.map(|field| format!(" {} {}", field.name.replace('_', "-"), field.value));
    let fields: String = fields.collect();
    let bare = match last.bare {
        true => ", outer headers taken off by the NIC",
        false => "",
    };
    format!("{reason}: the last one {age}s ago at port {port}, {len} bytes{bare}:{fields}")
}

pub(crate) fn place(place: DropPlace) -> &'static str {
    match place {
        DropPlace::Dropped => "dropped",
        DropPlace::CopiesDropped => "copies-dropped",
        DropPlace::WaitDropped => "wait-dropped",
        DropPlace::TxDropped => "tx-dropped",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use control::api::messages::{Bytes, Header};

    fn full(port: &str, packets: u64) -> DropCount {
        DropCount {
            reason: "tx_full".into(),
            port: port.into(),
            place: DropPlace::TxDropped,
            packets,
            rate: 100,
            meaning: "The port did not accept it.".into(),
            advice: "Wait. Or not.".into(),
            last: None,
        }
    }

    #[test]
    fn the_last_packet_is_told_by_what_was_found_in_it() {
        let field = |name: &str, value: &str| Header {
            name: name.into(),
            value: value.into(),
        };
        let last = LastDrop {
            age: 3,
            len: 60,
            bare: true,
            head: Bytes(vec![0; 60]),
            fields: vec![field("ethernet", "yes"), field("udp_port", "53")],
        };
        let drop = DropCount {
            last: Some(last),
            ..full("lan", 1)
        };
        let text = text(&[drop]);
        let line = text.lines().last().unwrap();
        let expected = "tx_full: the last one 3s ago at port lan, 60 bytes, outer headers taken off by the NIC: udp-port 53";
        assert_eq!(line, expected);
    }

    #[test]
    fn a_line_for_each_counter_and_one_for_each_reason() {
        let runt = DropCount {
            reason: "frame_runt".into(),
            place: DropPlace::Dropped,
            rate: 0,
            meaning: "Shorter than an Ethernet header.".into(),
            advice: "A broken sender.".into(),
            ..full("uplink", 7)
        };
        let expected = "\
tx_full    port lan    tx-dropped packets 1000 rate 100/s
frame_runt port uplink dropped    packets 7    rate 0/s
tx_full    port uplink tx-dropped packets 2    rate 100/s
tx_full: The port did not accept it. Wait. Or not.
frame_runt: Shorter than an Ethernet header. A broken sender.
";
        let drops = [full("lan", 1000), runt, full("uplink", 2)];
        assert_eq!(text(&drops), expected);
        assert_eq!(text(&[]), "");
    }

    #[test]
    fn places_are_called_as_their_counters() {
        for at in DropPlace::ALL {
            let wire = serde_json::to_value(at).unwrap();
            assert_eq!(Some(&*place(at).replace('-', "_")), wire.as_str());
        }
    }
}
