//! `overpath addr`.

use crate::table::{Cell, Hue, Table, maybe, word};
use control::api::messages::{Address, AddressState};

pub(crate) fn text(addresses: &[Address]) -> String {
    let mut table = Table::default();
    for address in addresses {
        let state = match address.state {
            AddressState::Tentative => "tentative",
            AddressState::Preferred => "preferred",
            AddressState::Duplicate => "duplicate",
        };
        table.push([
            Cell::from(format!("{}/{}", address.address, address.prefix_length)).hued(Hue::Address),
            word("port", &address.port).hued(Hue::Name),
            maybe("vlan", address.vlan),
            Cell::from(state).hued(Hue::of(address.state != AddressState::Duplicate)),
            maybe("taken-by", address.taken_by).hued(Hue::Mac),
        ]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_for_each_address() {
        let ours = Address {
            address: [192, 0, 2, 2].into(),
            prefix_length: 24,
            port: "uplink".into(),
            vlan: None,
            state: AddressState::Preferred,
            taken_by: None,
        };
        let taken = Address {
            address: [198, 51, 100, 2].into(),
            vlan: Some(10),
            state: AddressState::Duplicate,
            taken_by: Some("02:00:00:00:00:01".parse().unwrap()),
            ..ours.clone()
        };
        let asking = Address {
            state: AddressState::Tentative,
            ..ours.clone()
        };
        let expected = "\
192.0.2.2/24    port uplink         preferred
192.0.2.2/24    port uplink         tentative
198.51.100.2/24 port uplink vlan 10 duplicate taken-by 02:00:00:00:00:01
";
        assert_eq!(text(&[ours, asking, taken]), expected);
    }
}
