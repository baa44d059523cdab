//! Files of ours as others read them: tshark and tcpdump.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test that cannot go on fails the test"
)]

#[path = "common/readers.rs"]
mod readers;

use control::trace::pcapng::{Direction, Packet, Statistics, Writer};
use fastpath::wire::{Mac, craft};
use readers::printed;

/// A second that is no round number, in nanoseconds.
const TIME: u64 = 1_700_000_001_234_567_890;

/// Two interfaces, a packet on each, of the second only the beginning.
fn file() -> Vec<u8> {
    let hosts = [1, 2].map(|last| (Mac::new([2, 0, 0, 0, 0, last]), [10, 0, 0, last].into()));
    let frame = craft::Pair::new(hosts[0], hosts[1]).udp(5000, 53, &[0; 50]);
    let len = frame.len() as u32;
    let mut writer = Writer::new(Vec::new(), "overpath of a test", 65_535).unwrap();
    let uplink = writer.interface("uplink", "0000:01:00.0").unwrap();
    let received = Packet {
        interface: uplink,
        time: TIME,
        direction: Some(Direction::Inbound),
        queue: Some(2),
        len,
        bytes: &frame,
        lost: 0,
        comment: "verdict dropped, reason vni_unknown, decided by entry 7",
    };
    writer.packet(&received).unwrap();
    let lan = writer.interface("lan", "net_tap0").unwrap();
    let sent = Packet {
        interface: lan,
        time: TIME + 1,
        direction: Some(Direction::Outbound),
        queue: None,
        bytes: &frame[..60],
        lost: 3,
        comment: "verdict forwarded",
        ..received
    };
    writer.packet(&sent).unwrap();
    for (interface, dropped) in [(uplink, 0), (lan, 3)] {
        let statistics = Statistics {
            start: TIME,
            end: TIME + 2,
            received: 1 + dropped,
            dropped,
            comment: if dropped > 0 { "what it cost" } else { "" },
        };
        writer.statistics(interface, &statistics).unwrap();
    }
    writer.into_inner()
}

/// The fields of each packet that tshark prints, and `more` arguments.
fn tshark(more: &[&str], fields: &[&str]) -> Option<Vec<Vec<String>>> {
    let mut arguments = [more, &["-r", "-", "-T", "fields"]].concat();
    arguments.extend(fields.iter().flat_map(|field| ["-e", field]));
    let shown = printed("tshark", &arguments, &file())?;
    let cells = |line: &str| line.split('\t').map(str::to_owned).collect();
    Some(shown.lines().map(cells).collect())
}

#[test]
fn tshark_shows_names_queues_comments_and_what_was_lost() {
    let fields = [
        "frame.interface_name",
        "frame.interface_description",
        "frame.time_epoch",
        "frame.packet_flags_direction",
        "frame.len",
        "frame.cap_len",
        "frame.drop_count",
        "frame.interface_queue",
        "frame.comment",
    ];
    let Some(packets) = tshark(&[], &fields) else {
        return;
    };
    let expected = [
        [
            "uplink",
            "0000:01:00.0",
            "1700000001.234567890",
            "0x00000001",
            "92",
            "92",
            "",
            "2",
            "verdict dropped, reason vni_unknown, decided by entry 7",
        ],
        [
            "lan",
            "net_tap0",
            "1700000001.234567891",
            "0x00000002",
            "92",
            "60",
            "3",
            "",
            "verdict forwarded",
        ],
    ];
    assert_eq!(packets, expected);
}

/// The file itself is dissected, instead of the packets in it.
#[test]
fn tshark_finds_the_statistics_and_no_fault() {
    let fields = [
        "pcapng.options.option.data.user_application",
        "pcapng.options.option.data.interface.received",
        "pcapng.options.option.data.interface.dropped",
        "pcapng.options.option.data.comment",
        "_ws.malformed",
        "_ws.expert.message",
    ];
    let Some(shown) = tshark(&["-X", "read_format:MIME Files Format"], &fields) else {
        return;
    };
    let [shown] = &shown[..] else {
        panic!("one section: {shown:?}");
    };
    let [application, received, dropped, comments, malformed, faults] = &shown[..] else {
        panic!("other fields: {shown:?}");
    };
    let texts = [application, received, dropped, malformed, faults];
    assert_eq!(texts, ["overpath of a test", "1,4", "0,3", "", ""]);
    assert!(comments.ends_with(",what it cost"), "{comments}");
}

#[test]
fn tcpdump_reads_the_frames() {
    let Some(shown) = printed("tcpdump", &["-nn", "-tt", "-r", "-", "udp"], &file()) else {
        return;
    };
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(lines.len(), 2, "{shown}");
    for line in lines {
        assert!(
            line.starts_with("1700000001.234567 IP 10.0.0.1.5000 > 10.0.0.2.53: "),
            "{line}"
        );
    }
}
