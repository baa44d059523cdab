//! What the parser found, in words.

use fastpath::key::{Field, FlowKey, Mask};
use fastpath::wire::Mac;
use std::net::Ipv4Addr;

/// A field of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its name.
    pub name: &'static str,
    /// Its value, as text.
    pub value: String,
    /// It was read by who decided.
    pub decided: bool,
}

/// What a field is, and when it has a value.
#[derive(Clone, Copy)]
enum Kind {
    /// A fact, which is so or not. What is not so is worth a word only if it decided.
    Fact,
    /// A value of frames of which all these facts are so.
    Value(Form, &'static [Field]),
    /// An ICMP type.
    IcmpType,
}

/// How a value is written.
#[derive(Clone, Copy)]
enum Form {
    Number,
    Mac,
    Address,
    EtherType,
    Protocol,
}

const ICMP: u64 = 1;
const ETHERNET: &[Field] = &[Field::HAS_ETHERNET];
const VLAN: &[Field] = &[Field::HAS_VLAN];
const ARP: &[Field] = &[Field::HAS_ARP];
const IPV4: &[Field] = &[Field::HAS_IPV4];
const UDP: &[Field] = &[Field::HAS_UDP];
const VXLAN: &[Field] = &[Field::HAS_VXLAN];
const INNER: &[Field] = &[Field::HAS_INNER];

/// In the order in which they lie in a frame.
const ROWS: [(&str, Field, Kind); 26] = {
    use Form::{Address, EtherType, Mac, Number, Protocol};
    use Kind::{Fact, IcmpType, Value};
    [
        ("ethernet", Field::HAS_ETHERNET, Fact),
        ("destination_mac", Field::DST_MAC, Value(Mac, ETHERNET)),
        ("source_mac", Field::SRC_MAC, Value(Mac, ETHERNET)),
        ("tagged", Field::HAS_VLAN, Fact),
        ("vlan", Field::VLAN_ID, Value(Number, VLAN)),
        ("ether_type", Field::ETHER_TYPE, Value(EtherType, ETHERNET)),
        ("arp", Field::HAS_ARP, Fact),
        ("arp_operation", Field::PROTOCOL, Value(Number, ARP)),
        ("arp_sender", Field::SRC_IP, Value(Address, ARP)),
        ("arp_target", Field::DST_IP, Value(Address, ARP)),
        ("ipv4", Field::HAS_IPV4, Fact),
        ("fragment", Field::FRAGMENT, Fact),
        ("protocol", Field::PROTOCOL, Value(Protocol, IPV4)),
        ("source_address", Field::SRC_IP, Value(Address, IPV4)),
        ("destination_address", Field::DST_IP, Value(Address, IPV4)),
        ("icmp_type", Field::DST_PORT, IcmpType),
        ("udp", Field::HAS_UDP, Fact),
        ("udp_port", Field::DST_PORT, Value(Number, UDP)),
        ("udp_checksum", Field::HAS_CHECKSUM, Fact),
        ("vxlan", Field::HAS_VXLAN, Fact),
        ("vni_valid", Field::VXLAN_VNI_VALID, Fact),
        ("reserved_bits", Field::VXLAN_RESERVED, Fact),
        ("vni", Field::VNI, Value(Number, VXLAN)),
        ("inner_ethernet", Field::HAS_INNER, Fact),
        (
            "inner_destination_mac",
            Field::INNER_DST_MAC,
            Value(Mac, INNER),
        ),
        ("inner_source_mac", Field::INNER_SRC_MAC, Value(Mac, INNER)),
    ]
};

/// The fields that `key` has, and those that it has not and whose absence decided.
pub fn fields(key: &FlowKey, mask: &Mask) -> Vec<Found> {
    let found = ROWS.iter().filter_map(|(name, field, kind)| {
        let decided = decides(mask, *field);
        let value = value(key, *field, *kind).or_else(|| {
            let missed = decided && matches!(kind, Kind::Fact);
            missed.then(|| "no".to_owned())
        })?;
        Some(Found {
            name,
            value,
            decided,
        })
    });
    found.collect()
}

/// The names of the fields that decided. One that is a field of several kinds of frames has the last
/// of its names, which is that of the most common.
pub fn names(mask: &Mask) -> impl Iterator<Item = &'static str> {
    let numbered = ROWS.iter().enumerate();
    let named = numbered.filter(|(at, (_, field, _))| {
        let later = ROWS.iter().skip(at + 1);
        later.filter(|(_, other, _)| other == field).count() == 0
    });
    named.filter_map(|(_, (name, field, _))| decides(mask, *field).then_some(*name))
}

/// Whether `field` is one that decided.
pub fn decides(mask: &Mask, field: Field) -> bool {
    Mask::of(&[field]).is_within(mask)
}

fn value(key: &FlowKey, field: Field, kind: Kind) -> Option<String> {
    let is = |fact: &Field| key.get(*fact) != 0;
    let bits = key.get(field);
    match kind {
        Kind::Fact => is(&field).then(|| "yes".to_owned()),
        Kind::Value(form, facts) => facts.iter().all(is).then(|| form.text(bits)),
        Kind::IcmpType => {
            let icmp = is(&Field::HAS_IPV4) && key.get(Field::PROTOCOL) == ICMP;
            (icmp && !is(&Field::FRAGMENT)).then(|| Form::Number.text(bits))
        }
    }
}

impl Form {
    fn text(self, bits: u64) -> String {
        match self {
            Form::Number => bits.to_string(),
            Form::Mac => Mac::from_u64(bits).to_string(),
            Form::Address => Ipv4Addr::from_bits(bits as u32).to_string(),
            Form::EtherType => match bits {
                0x0800 => "0x0800 (IPv4)".to_owned(),
                0x0806 => "0x0806 (ARP)".to_owned(),
                0x86dd => "0x86dd (IPv6)".to_owned(),
                other => format!("{other:#06x}"),
            },
            Form::Protocol => match bits {
                ICMP => "1 (ICMP)".to_owned(),
                6 => "6 (TCP)".to_owned(),
                17 => "17 (UDP)".to_owned(),
                other => other.to_string(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fastpath::ids::PortId;
    use fastpath::parse::parse;
    use fastpath::snapshot::UdpPorts;
    use fastpath::wire::Vni;
    use fastpath::wire::craft::Pair;

    fn shown(frame: &[u8], decided: &[Field]) -> Vec<String> {
        let mut udp_ports = UdpPorts::default();
        assert!(udp_ports.insert(4789));
        let parsed = parse(PortId::new(3).unwrap(), frame, frame.len(), &udp_ports);
        let found = fields(&parsed.key, &Mask::of(decided));
        let line = |found: &Found| {
            let mark = if found.decided { "*" } else { "" };
            format!("{mark}{} {}", found.name, found.value)
        };
        found.iter().map(line).collect()
    }

    fn pair() -> Pair {
        let host = |last| (Mac::new([2, 0, 0, 0, 0, last]), [192, 0, 2, last].into());
        Pair::new(host(1), host(2))
    }

    #[test]
    fn headers_that_are_there_are_told_outer_and_inner() {
        let inner = pair().udp(1, 2, &[]);
        let frame = pair().vxlan(50_000, Vni::new(10).unwrap(), &inner);
        let decided = [Field::DST_MAC, Field::HAS_VLAN, Field::VNI];
        let expected = [
            "ethernet yes",
            "*destination_mac 02:00:00:00:00:02",
            "source_mac 02:00:00:00:00:01",
            "*tagged no",
            "ether_type 0x0800 (IPv4)",
            "ipv4 yes",
            "protocol 17 (UDP)",
            "source_address 192.0.2.1",
            "destination_address 192.0.2.2",
            "udp yes",
            "udp_port 4789",
            "vxlan yes",
            "vni_valid yes",
            "*vni 10",
            "inner_ethernet yes",
            "inner_destination_mac 02:00:00:00:00:02",
            "inner_source_mac 02:00:00:00:00:01",
        ];
        assert_eq!(shown(&frame, &decided), expected);
    }

    #[test]
    fn one_place_of_the_key_has_the_name_that_it_has_in_this_frame() {
        let arp = shown(&pair().arp_request(), &[]);
        assert!(arp.contains(&"arp_operation 1".to_owned()), "{arp:?}");
        assert!(arp.contains(&"arp_target 192.0.2.2".to_owned()), "{arp:?}");
        assert!(!arp.iter().any(|line| line.starts_with("protocol")));
        let udp = shown(&pair().udp(1, 8, &[]), &[]);
        assert!(!udp.iter().any(|line| line.starts_with("icmp_type")));
        let icmp = shown(
            &pair().ipv4(fastpath::wire::Protocol::ICMP, &[8, 0, 0, 0]),
            &[],
        );
        assert!(icmp.contains(&"icmp_type 8".to_owned()), "{icmp:?}");
    }

    #[test]
    fn a_mask_has_a_name_for_each_of_its_fields() {
        let mask = Mask::of(&[
            Field::INGRESS,
            Field::HAS_ETHERNET,
            Field::SRC_IP,
            Field::DST_PORT,
            Field::INNER_SRC_MAC,
        ]);
        let expected = ["ethernet", "source_address", "udp_port", "inner_source_mac"];
        assert_eq!(names(&mask).collect::<Vec<_>>(), expected);
        assert_eq!(names(&Mask::default()).count(), 0);
    }

    #[test]
    fn a_frame_without_a_header_has_no_fields() {
        assert_eq!(shown(&[0; 13], &[]), [""; 0]);
        assert_eq!(shown(&[0; 13], &[Field::HAS_ETHERNET]), ["*ethernet no"]);
    }
}
