//! Packets to come, explained over the socket.

use super::capture::watched;
use super::*;
use crate::api::messages::{
    BurstCycles, Capture, DecidedBy, EntryNumber, Explanation, Looked, Question, SeenLine,
    SeenSide, Subject, Verdict,
};
use fastpath::action::Verdict as Became;
use fastpath::drop::DropReason;
use fastpath::ids::PortId;
use fastpath::io::Pool;
use fastpath::io::heap::HeapPool;
use fastpath::trace::note::{Cycles, Decided, Moment, Side};
use fastpath::trace::tap::Tap;
use std::io::BufRead;

fn port() -> PortId {
    PortId::new(0).unwrap()
}

/// Copies a frame of 60 bytes.
fn offer(tap: &mut Tap, moment: Moment) {
    tap.offer(&moment, &HeapPool::new(1).alloc(&[7; 60]).unwrap());
}

fn life(question: &Question) -> Explanation {
    Explanation {
        port: question.port.to_string(),
        len: question.frame.as_slice().len(),
        fields: Vec::new(),
        fault: None,
        tunnel: None,
        remote: None,
        steps: Vec::new(),
        verdict: Verdict::Consumed,
        told: Vec::new(),
        pollers: Vec::new(),
        cycles: None,
    }
}

/// Plays the state thread: gives the tap, and explains so many packets that it is asked about.
/// Returns the worker's end.
fn play(bench: &Bench, moments: &[Moment], questions: usize) -> Tap {
    let request = bench.requests.recv_timeout(LONG).unwrap();
    let Method::ExplainNext(capture) = &request.method else {
        panic!("another request: {request:?}");
    };
    let (mut tap, feed) = watched(capture);
    request.answer(Reply::Explaining(Box::new(feed)));
    for moment in moments {
        offer(&mut tap, *moment);
    }
    for _ in 0..questions {
        let request = bench.requests.recv_timeout(LONG).unwrap();
        let Method::Explain(question) = &request.method else {
            panic!("another request: {request:?}");
        };
        assert!(!question.ask_workers, "one has told already");
        let life = life(question);
        request.answer(Reply::Explanation(Box::new(life)));
    }
    tap
}

fn lines(bench: &Bench, count: u64, moments: &[Moment], questions: usize) -> Vec<SeenLine> {
    let client = bench.client();
    let wanted = Capture {
        count: std::num::NonZeroU64::new(count),
        ..Capture::of(Subject::All)
    };
    std::thread::scope(|scope| {
        let asks = scope.spawn(|| {
            let (told, lines) = client.explain_next(wanted).unwrap();
            assert_eq!(told.interfaces, ["lan"]);
            let lines = lines.lines().map(|line| line.unwrap());
            lines
                .map(|line| serde_json::from_str(&line).unwrap())
                .collect()
        });
        drop(play(bench, moments, questions));
        asks.join().unwrap()
    })
}

#[test]
fn each_packet_is_told_with_what_its_worker_and_what_state_say_of_it() {
    let bench = Bench::start(Settings::default(), 16);
    let came = Moment {
        verdict: Some(Became::Forwarded),
        copies_dropped: [DropReason::PortDown].into_iter().collect(),
        decided: Some(Decided::Made(17)),
        cycles: Some(Cycles {
            packets: 3,
            decide: 4,
            act: 5,
        }),
        ..Moment::new(1, port(), Side::Received)
    };
    let lost = Moment {
        verdict: Some(Became::Dropped(DropReason::TxFull)),
        ..Moment::new(2, port(), Side::Sent)
    };
    let lines = lines(&bench, 2, &[came, lost], 1);
    let [
        SeenLine::Seen(first),
        SeenLine::Seen(second),
        SeenLine::Looked(looked),
    ] = &lines[..]
    else {
        panic!("other lines: {lines:?}");
    };
    assert_eq!(
        (&*first.port, first.side, first.len),
        ("lan", SeenSide::Received, 60)
    );
    assert_eq!(
        (first.worker, &first.verdict),
        (Some(0), &Some(Verdict::Forwarded))
    );
    assert_eq!(first.copies_dropped[0].reason, "port_down");
    let entry = EntryNumber {
        worker: 0,
        place: 17,
    };
    let by = DecidedBy {
        resolved: true,
        entry: Some(entry),
    };
    assert_eq!(first.decided, Some(by));
    let cycles = BurstCycles {
        packets: 3,
        decide: 4,
        act: 5,
    };
    assert_eq!(first.cycles, Some(cycles));
    assert_eq!(first.life.as_ref().unwrap().len, 60);
    // What was to leave is no frame that comes in.
    assert_eq!((second.side, &second.life), (SeenSide::Sent, &None));
    assert!(first.unexplained.is_none() && second.unexplained.is_some());
    assert!(matches!(&second.verdict, Some(Verdict::Dropped(why)) if why.reason == "tx_full"));
    assert_eq!((looked.seen, looked.lost), (2, 0));
}

#[test]
fn it_ends_with_the_server_though_state_does_not_answer_any_more() {
    let bench = Bench::start(Settings::default(), 16);
    let client = bench.client();
    let reader = std::thread::spawn(|| {
        let wanted = Capture {
            count: std::num::NonZeroU64::new(2),
            ..Capture::of(Subject::All)
        };
        let lines = client.explain_next(wanted).unwrap().1.lines();
        let read = |line: std::io::Result<String>| serde_json::from_str(&line.unwrap()).unwrap();
        lines.map(read).collect::<Vec<SeenLine>>()
    });
    let came = Moment::new(1, port(), Side::Received);
    let tap = play(&bench, &[came], 0);
    let unanswered = bench.requests.recv_timeout(LONG).unwrap();
    bench.server.shutdown();
    let lines = reader.join().unwrap();
    let [SeenLine::Seen(seen), SeenLine::Looked(looked)] = &lines[..] else {
        panic!("other lines: {lines:?}");
    };
    let why = "the daemon is stopping";
    assert_eq!((seen.unexplained.as_deref(), looked.seen), (Some(why), 1));
    drop((unanswered, tap));
}

#[test]
fn it_ends_with_the_workers_and_says_so() {
    let bench = Bench::start(Settings::default(), 16);
    let lines = lines(&bench, 9, &[], 0);
    assert_eq!(lines, [SeenLine::Looked(Looked::default())]);
}
