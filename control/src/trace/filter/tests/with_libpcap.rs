use super::super::vocabulary::WORDS;
use super::*;
use fastpath::wire::{EtherType, Mac, craft, vlan};
use proptest::prelude::*;

/// What libpcap itself says of a frame.
fn libpcap(expression: &str, frame: &[u8]) -> bool {
    let dead = pcap::Capture::dead(pcap::Linktype::ETHERNET).unwrap();
    dead.compile(expression, true).unwrap().filter(frame)
}

/// UDP between two hosts, with a tag or none.
fn udp(hosts: [u8; 2], ports: [u16; 2], tag: Option<u16>) -> Vec<u8> {
    let [from, to] = hosts.map(|last| (Mac::new([2, 0, 0, 0, 0, last]), [10, 0, 0, last].into()));
    let frame = craft::Pair::new(from, to).udp(ports[0], ports[1], b"what is said");
    match tag {
        Some(bits) => craft::tagged(&frame, EtherType::VLAN, vlan::Tag::from_bits(bits)),
        None => frame,
    }
}

/// Expressions, each of which wants some of the frames that are tried.
const EXPRESSIONS: [&str; 22] = [
    "udp",
    "arp or ip6",
    "host 10.0.0.1",
    "src host 10.0.0.1 and dst port 4789",
    "not port 53",
    "net 10.0.0.0/31",
    "ip net 10.0.0.0 mask 255.255.255.254",
    "portrange 53-4789",
    "ether src 02:00:00:00:00:01",
    "ether proto \\ip",
    "ether proto 0x8100",
    "vlan",
    "vlan 1 and udp",
    "vlan and (host 10.0.0.2 or port 53)",
    "ether[5] & 1 != 0",
    "ip[0] & 0xf = 5 && udp[4:2] > 8",
    "len - 14 > 40 or greater 60",
    "less 58",
    "ether[11] % 2 = 1 and ether[11] * 3 / 2 = 1",
    "ether[0:4] >> 25 == 1 and ether[ether[14] - 58] >= 1",
    "ip[(ip[0] & 0xf) << 2 : 2] ^ 1 = 52",
    "udp and not (src 10.0.0.1 or dst 10.0.0.2)",
];

proptest! {
    #[test]
    fn a_filter_wants_what_libpcap_wants(
        which in 0..EXPRESSIONS.len(),
        hosts in [0u8..4, 0u8..4],
        from in prop_oneof![Just(53u16), Just(4789), Just(9)],
        to in prop_oneof![Just(53u16), Just(4789)],
        tag in proptest::option::of(0u16..3),
        cut in 0usize..70,
    ) {
        let expression = EXPRESSIONS[which];
        let frame = udp(hosts, [from, to], tag);
        let filter = compile(expression).unwrap();
        prop_assert_eq!(filter.matches(&frame, frame.len()), libpcap(expression, &frame));
        let cut = &frame[..cut.min(frame.len())];
        prop_assert_eq!(filter.matches(cut, cut.len()), libpcap(expression, cut));
    }
}

#[test]
fn every_expression_that_is_tried_wants_some_frames_and_not_others() {
    let all = [1, 2, 3].into_iter().flat_map(|from| {
        let tags = [None, Some(1), Some(2)];
        let tagged = move |tag| [53, 9].map(|port| udp([from, 3 - from], [port, 4789], tag));
        tags.into_iter().flat_map(tagged)
    });
    let mut frames: Vec<_> = all.collect();
    frames.push([&[0xff; 12][..], &[8, 6], &[0; 46]].concat());
    for expression in EXPRESSIONS {
        let filter = compile(expression).unwrap();
        let wanted = frames.iter().filter(|f| filter.matches(f, f.len())).count();
        assert!(
            wanted > 0 && wanted < frames.len(),
            "{expression}: {wanted}"
        );
    }
}

/// The message, and what is underlined.
fn refused(expression: &str) -> (String, Option<String>) {
    let error = compile(expression).unwrap_err();
    let part = error.place.map(|place| {
        let chars = place.text.chars().skip(place.column - 1);
        format!(
            "{}:{}",
            place.column,
            chars.take(place.width).collect::<String>()
        )
    });
    (error.problem, part)
}

#[test]
fn an_error_is_shown_where_it_is() {
    let cases = [
        (
            "tcp port 80 host 1.2.3.4",
            "`host` does not fit here",
            "13:host",
        ),
        ("arp and and ip", "`and` does not fit here", "9:and"),
        ("tcp and port and udp", "`and` does not fit here", "14:and"),
        ("udp port 4789 )", "`)` does not fit here", "15:)"),
        ("(arp or (ip and) or udp", "`)` does not fit here", "16:)"),
        ("ether[0:3] = 1", "data size must be 1, 2, or 4", "10:]"),
        ("tcp[2 = 1", "`=` does not fit here", "7:="),
        ("1.2.3.4", "`1.2.3.4` does not fit here", "1:1.2.3.4"),
        (
            "ip or port 99999 or arp",
            "illegal port number 99999 > 65535",
            "12:99999",
        ),
        (
            "(net 10.0.0.0/40) or arp",
            "mask length must be <= 32",
            "15:40",
        ),
        (
            "arp or host 300.1.1.1",
            "invalid IPv4 address '300.1.1.1'",
            "13:300.1.1.1",
        ),
        (
            "vlan 5000",
            "VLAN tag 5000 greater than maximum 4095",
            "6:5000",
        ),
        ("(tcp or udp", "the filter ends too early", "12:"),
        ("host 10.0.0.1 and", "the filter ends too early", "18:"),
        ("ip6 src ", "the filter ends too early", "8: "),
        (
            "tcp and portrange and udp",
            "`and` does not fit here",
            "19:and",
        ),
    ];
    for (expression, problem, part) in cases {
        let expected = (problem.to_owned(), Some(part.to_owned()));
        assert_eq!(refused(expression), expected, "{expression}");
    }
}

/// The place is searched for by halves, so each of them has to be told right.
#[test]
fn brackets_before_an_error_do_not_move_it() {
    for count in 0..9 {
        let open = format!("({}", "port 80 or ".repeat(count));
        let place = format!("{}:)", open.len() + 5);
        assert_eq!(refused(&format!("{open}port) or ip")).1, Some(place));
        let closed = "(port 80) or ".repeat(count);
        let place = format!("{}:or", closed.len() + 5);
        assert_eq!(refused(&format!("{closed}not or ip")).1, Some(place));
    }
}

#[test]
fn an_expression_that_wants_nothing_is_refused_as_a_whole() {
    assert_eq!(
        refused("ip and arp"),
        ("expression rejects all packets".to_owned(), None)
    );
}

/// Each of them is one of libpcap's, or it would be taken for a name and looked up.
#[test]
fn libpcap_knows_every_word() {
    let dead = pcap::Capture::dead(pcap::Linktype::ETHERNET).unwrap();
    let places = [
        "W",
        "W 1",
        "W arp",
        "arp W ip",
        "W host 1.2.3.4",
        "host W 1.2.3.4",
        "W 1.2.3.4",
        "ip W 1",
        "net 1.2.3.0 W 255.255.255.0",
        "W 1-2",
        "ether W",
        "W > 1",
        "W proto 1",
        "tcp[W] = 1",
        "tcp[13] = W",
        "icmp6[W] = 1",
        "icmp6[0] = W",
        "W src 02:00:00:00:00:01",
    ];
    for word in WORDS {
        let fits = |place: &str| dead.compile(&place.replace('W', word), true).is_ok();
        assert!(places.iter().any(|place| fits(place)), "{word}");
    }
}

proptest! {
    #[test]
    fn whatever_is_said_is_compiled_or_refused(
        words in proptest::collection::vec(proptest::sample::select({
            let others = [
                "1", "10.0.0.1", "02:00:00:00:00:01", "(", ")", "[", "]", "=", "-", "/", "!",
                "\\tcp", "1-2",
            ];
            WORDS.iter().copied().chain(others).chain(others).collect::<Vec<_>>()
        }), 1..8),
    ) {
        let expression = words.join(" ");
        match compile(&expression) {
            Ok(filter) => drop(filter.matches(&[0; 60], 60)),
            Err(error) => prop_assert!(!error.problem.is_empty(), "{}", expression),
        }
    }
}
