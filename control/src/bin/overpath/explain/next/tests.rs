//! Packets to come: what is asked for, and how it is printed.

use super::*;
use crate::args::Arguments;
use clap::Parser;
use control::api::messages::{Bytes, EntryNumber, Explanation, Reason};

fn asked(line: &str) -> Result<Capture, String> {
    let arguments = Arguments::try_parse_from(line.split(' ')).map_err(|e| e.to_string())?;
    match arguments.method().map_err(|failure| failure.message)? {
        Method::ExplainNext(capture) => Ok(capture),
        other => Err(format!("{other:?}")),
    }
}

#[test]
fn packets_are_asked_for_by_where_and_what_they_are() {
    let name = |text: &str| text.parse().unwrap();
    let full = DropReason::TxFull;
    for (line, of, count, filter) in [
        ("--next", Subject::All, 1, ""),
        (
            "lan --next 3 --filter icmp",
            Subject::Port(name("lan")),
            3,
            "icmp",
        ),
        ("--tunnel vx10 --next", Subject::Tunnel(name("vx10")), 1, ""),
        (
            "--bridge br10 --next 2",
            Subject::Bridge(name("br10")),
            2,
            "",
        ),
        ("--next 9 --dropped", Subject::Drops(None), 9, ""),
        (
            "--next --dropped tx_full",
            Subject::Drops(Some(full)),
            1,
            "",
        ),
    ] {
        let expected = Capture {
            filter: filter.to_owned(),
            count: NonZeroU64::new(count),
            ..Capture::of(of)
        };
        assert_eq!(
            asked(&format!("overpath explain {line}")),
            Ok(expected),
            "{line}"
        );
    }
    for line in [
        "overpath explain --next 0",
        "overpath explain --filter icmp",
        "overpath explain lan --dropped",
        "overpath explain lan 0200 --next",
        "overpath explain lan --next --tunnel vx10",
        "overpath explain --next --dropped tx_ful",
        "overpath explain --next --entry 0:1",
        "overpath explain lan --next -w",
    ] {
        assert!(asked(line).is_err(), "{line}");
    }
}

fn why(reason: &str) -> Reason {
    Reason {
        reason: reason.into(),
        meaning: "It is so.".into(),
        advice: "Leave it.".into(),
    }
}

fn seen() -> Seen {
    Seen {
        port: "lan".into(),
        side: SeenSide::Received,
        queue: Some(2),
        worker: Some(1),
        len: 60,
        frame: Bytes(vec![0xab; 60]),
        verdict: Some(Verdict::Forwarded),
        copies_dropped: Vec::new(),
        decided: Some(DecidedBy {
            resolved: false,
            entry: Some(EntryNumber {
                worker: 1,
                place: 17,
            }),
        }),
        cycles: Some(BurstCycles {
            packets: 3,
            decide: 400,
            act: 500,
        }),
        lost: 0,
        life: Some(Explanation {
            port: "lan".into(),
            len: 60,
            fields: Vec::new(),
            fault: None,
            tunnel: None,
            remote: None,
            steps: Vec::new(),
            verdict: Verdict::Forwarded,
            told: Vec::new(),
            pollers: Vec::new(),
            cycles: None,
        }),
        unexplained: None,
    }
}

#[test]
fn what_became_of_a_packet_stands_before_what_would_become_of_it() {
    let expected = "\
packet of 60 bytes came in by port lan, queue 2, worker 1
decided by entry 1:17
cycles of its burst of 3: decide 400, act 500
verdict forwarded

";
    let shown = text(&SeenLine::Seen(Box::new(seen())));
    assert!(shown.starts_with(expected), "{shown}");
    assert!(shown.contains("(*: decided what is done)"), "{shown}");
    assert!(!shown.contains("another end"), "{shown}");
}

#[test]
fn an_end_that_is_not_that_of_the_frame_alone_is_told() {
    let full = Seen {
        verdict: Some(Verdict::Dropped(why("punt_full"))),
        copies_dropped: vec![why("port_down")],
        decided: Some(DecidedBy {
            resolved: true,
            entry: None,
        }),
        lost: 7,
        ..seen()
    };
    let expected = "\
packet of 60 bytes came in by port lan, queue 2, worker 1
7 before it were not seen
decided by resolving, and not kept
cycles of its burst of 3: decide 400, act 500
verdict dropped, reason punt_full
   It is so.
   Leave it.
a copy dropped, reason port_down
   It is so.
   Leave it.
another end than it would meet by itself, or by the state of now:
";
    let shown = text(&SeenLine::Seen(Box::new(full)));
    assert!(shown.starts_with(expected), "{shown}");
}

#[test]
fn what_was_to_leave_is_shown_as_bytes() {
    let left = Seen {
        side: SeenSide::Sent,
        queue: None,
        worker: None,
        unexplained: Some("it was to leave".into()),
        verdict: Some(Verdict::Dropped(why("tx_full"))),
        decided: None,
        cycles: None,
        life: None,
        ..seen()
    };
    let shown = text(&SeenLine::Seen(Box::new(left)));
    let expected = "\
packet of 60 bytes was to leave by port lan, with control
verdict dropped, reason tx_full
   It is so.
   Leave it.
its life is not told: it was to leave
   0000  ab ab";
    assert!(shown.starts_with(expected), "{shown}");
}

#[test]
fn the_last_line_tells_what_it_cost() {
    let looked = Looked {
        seen: 2,
        lost: 1,
        asked: 1000,
        ticks: 30_500,
    };
    let expected = "2 seen, 1 lost; the filter looked at 1000 packets, 30 cycles each\n";
    assert_eq!(text(&SeenLine::Looked(looked)), expected);
}
