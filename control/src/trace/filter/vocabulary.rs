//! The words that an expression may have (pcap-filter(7)), and what numbers and addresses look like.
//!
//! Left out is what cannot be answered from an Ethernet frame alone (`inbound`, `ifindex`), what
//! would need a loop (`protochain`), what looks names up (`gateway`), and other link layers.

use std::net::Ipv6Addr;

/// Every word.
#[rustfmt::skip]
pub(super) const WORDS: &[&str] = &[
    "and", "or", "not", "src", "dst", "host", "net", "mask", "port", "portrange", "proto",
    "less", "greater", "len", "length", "broadcast", "multicast",
    "ether", "link", "ip", "ip6", "arp", "rarp", "vlan", "mpls", "pppoed", "pppoes", "stp",
    "tcp", "udp", "sctp", "icmp", "icmp6", "igmp", "pim", "vrrp", "ah", "esp", "geneve",
    "tcpflags", "tcp-fin", "tcp-syn", "tcp-rst", "tcp-push", "tcp-ack", "tcp-urg", "tcp-ece",
    "tcp-cwr",
    "icmptype", "icmpcode", "icmp-echoreply", "icmp-unreach", "icmp-sourcequench",
    "icmp-redirect", "icmp-echo", "icmp-routeradvert", "icmp-routersolicit", "icmp-timxceed",
    "icmp-paramprob", "icmp-tstamp", "icmp-tstampreply", "icmp-ireq", "icmp-ireqreply",
    "icmp-maskreq", "icmp-maskreply",
    "icmp6type", "icmp6code", "icmp6-packettoobig", "icmp6-timeexceeded",
    "icmp6-parameterproblem", "icmp6-echo", "icmp6-echoreply", "icmp6-routersolicit",
    "icmp6-routeradvert", "icmp6-neighborsolicit", "icmp6-neighboradvert", "icmp6-redirect",
];

/// Whether a piece of an expression, behind the piece `before`, is something that libpcap takes for
/// what it is: a word, an operator, a number or an address, and not a name.
pub(super) fn knows(text: &str, before: &str) -> bool {
    match before {
        // A backslash makes a name of a word, here that of a protocol, for which
        // libpcap looks no further than /etc/protocols.
        "proto" if text.starts_with('\\') => return WORDS.contains(&&text[1..]),
        "portrange" if text.contains('-') => {
            return text.split('-').count() == 2 && text.split('-').all(is_number);
        }
        _ => {}
    }
    WORDS.contains(&text)
        || text.chars().all(|c| "()[]!<>=&|+-*/%^".contains(c))
        || is_address(text)
        || is_range(text)
}

/// A number, or what stands between brackets: offset and size, or as much of it as is not to be
/// calculated.
fn is_range(text: &str) -> bool {
    let parts = || text.split(':');
    parts().count() <= 2 && parts().all(|part| part.is_empty() || is_number(part))
}

/// As C writes it.
fn is_number(text: &str) -> bool {
    let hex = text.strip_prefix("0x").or(text.strip_prefix("0X"));
    match hex {
        Some(hex) => is_hex(hex, 1..=8),
        None => is_decimal(text),
    }
}

fn is_decimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_hex(text: &str, len: std::ops::RangeInclusive<usize>) -> bool {
    len.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// IPv4, of which the end may be missing in a network, IPv6, or a MAC in one of its styles.
fn is_address(text: &str) -> bool {
    let parts = |separator: char| text.split(separator);
    let mac = |separator| {
        parts(separator).count() == 6 && parts(separator).all(|part| is_hex(part, 1..=2))
    };
    let ipv4 = parts('.').count() <= 4 && parts('.').all(is_decimal);
    let words = parts('.').count() == 3 && parts('.').all(|part| is_hex(part, 4..=4));
    ipv4 || text.parse::<Ipv6Addr>().is_ok()
        || [':', '-', '.'].into_iter().any(mac)
        || words
        || is_hex(text, 12..=12)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_numbers_and_addresses_are_known_and_names_are_not() {
        let known = [
            "and",
            "tcp-syn",
            "(",
            "!=",
            "-",
            "0",
            "017",
            "0x88b5",
            "2:2",
            ":",
            ":2",
            "2:",
            "10.0.0.1",
            "10",
            "10.1",
            "fe80::1",
            "::",
            "02:00:00:00:00:0a",
            "2:0:0:0:0:a",
            "2-0-0-0-0-a",
            "0200.0000.000a",
            "02000000000a",
        ];
        for text in known {
            assert!(knows(text, "host"), "{text}");
        }
        let names = [
            "adn",
            "AND",
            "localhost",
            "3com",
            "1a",
            "1-2",
            "a.b",
            "1.2.3.4.5",
            "1.2.x",
            "a.b.c",
            "1:2:3",
            "0x",
            "0x123456789",
            "10.",
            "",
            "$1.2",
            "\\\\arp",
            "inbound",
            "protochain",
            "gateway",
            "@",
            "\u{e4}",
            "-1-",
            "a::b::c",
            "http",
        ];
        for text in names.into_iter().filter(|text| !text.is_empty()) {
            assert!(!knows(text, "host"), "{text}");
        }
        assert!(knows("\\arp", "proto") && !knows("\\arp", "host"));
        assert!(knows("1-2", "portrange") && !knows("a-b", "portrange"));
        assert!(!knows("1-2-3", "portrange"));
    }

    #[test]
    fn no_word_is_there_twice() {
        let all: std::collections::BTreeSet<_> = WORDS.iter().collect();
        assert_eq!(all.len(), WORDS.len());
    }
}
