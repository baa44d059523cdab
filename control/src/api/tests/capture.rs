//! Captures over the socket: an answer, and a file behind it.

use super::*;
use crate::api::messages::{Capture, Capturing, Subject};
use crate::trace::clock::Look;
use crate::trace::recording::{Feed, Watched};
use fastpath::ids::{PortId, WorkerId};
use fastpath::io::Pool;
use fastpath::io::heap::HeapPool;
use fastpath::trace::note::{Moment, Side};
use fastpath::trace::tap::{Limits, Tap, tap};
use fastpath::trace::watch::Watch;
use fastpath::trace::wish::{PortSet, Wish};

/// What a worker and a connection get of a capture of port `lan`.
pub(super) fn watched(capture: &Capture) -> (Tap, Feed) {
    let (tap, reader) = tap(Wish::everything(PortSet::ALL), Limits::default());
    let feed = Feed {
        of: "port lan".into(),
        ports: vec![Watched {
            id: PortId::new(0).unwrap(),
            name: "lan".into(),
            device: "heap0".into(),
        }],
        readers: vec![(WorkerId::new(0), reader)],
        snap: capture.snap,
        count: capture.count,
        since: Look::now(),
    };
    (tap, feed)
}

/// Copies frames of 1500 bytes.
fn copy(tap: &mut Tap, count: usize) {
    let frame = HeapPool::new(1).alloc(&[7; 1500]).unwrap();
    for _ in 0..count {
        let (now, port) = (fastpath::cpu::ticks(), PortId::new(0).unwrap());
        tap.offer(&Moment::new(now, port, Side::Received), &frame);
    }
}

fn counted(count: u64) -> Capture {
    Capture {
        count: std::num::NonZeroU64::new(count),
        ..Capture::of(Subject::Named("lan".parse().unwrap()))
    }
}

/// Plays the state thread for one capture.
fn grant(bench: &Bench) -> Tap {
    let request = bench.requests.recv_timeout(LONG).unwrap();
    let Method::CaptureStart(capture) = &request.method else {
        panic!("another request: {request:?}");
    };
    let (tap, feed) = watched(capture);
    request.answer(Reply::Capturing(Box::new(feed)));
    tap
}

fn start(bench: &Bench, capture: Capture) -> (Tap, client::CaptureStream) {
    let client = bench.client();
    std::thread::scope(|scope| {
        let asks = scope.spawn(|| client.capture(capture).unwrap());
        let tap = grant(bench);
        let (told, stream) = asks.join().unwrap();
        let expected = Capturing {
            of: "port lan".into(),
            interfaces: vec!["lan".into()],
            link_type: "ethernet".into(),
        };
        assert_eq!(told, expected);
        (tap, stream)
    })
}

fn rest(mut stream: client::CaptureStream) -> Vec<u8> {
    let mut file = Vec::new();
    stream.read_to_end(&mut file).unwrap();
    file
}

/// Types of the blocks of a file, all of which are whole.
fn kinds(file: &[u8]) -> Vec<u32> {
    let number = |bytes: &[u8]| u32::from_le_bytes(*bytes.first_chunk().unwrap());
    let (mut rest, mut kinds) = (file, Vec::new());
    while !rest.is_empty() {
        kinds.push(number(rest));
        rest = &rest[number(&rest[4..]) as usize..];
    }
    kinds
}

const SECTION: u32 = 0x0a0d_0d0a;

/// As a worker does that gives a tap back.
fn wait_until_abandoned(tap: Tap) {
    let mut watch = Watch::default();
    assert!(watch.add(Box::new(tap)).is_ok());
    while watch.abandoned().is_none() {
        std::thread::yield_now();
    }
}

#[test]
fn a_file_follows_the_answer_until_there_are_enough_packets() {
    let bench = Bench::start(Settings::default(), 16);
    let (mut tap, stream) = start(&bench, counted(3));
    copy(&mut tap, 5);
    assert_eq!(kinds(&rest(stream)), [SECTION, 1, 6, 6, 6, 5]);
}

#[test]
fn a_client_that_has_enough_gets_the_rest_and_the_end() {
    let bench = Bench::start(Settings::default(), 16);
    let (mut tap, stream) = start(&bench, counted(0));
    copy(&mut tap, 2);
    stream.ender().unwrap().end().unwrap();
    assert_eq!(kinds(&rest(stream)), [SECTION, 1, 6, 6, 5]);
    wait_until_abandoned(tap);
}

#[test]
fn a_client_that_goes_ends_its_capture() {
    let bench = Bench::start(Settings::default(), 16);
    let (tap, stream) = start(&bench, counted(0));
    drop(stream);
    wait_until_abandoned(tap);
}

#[test]
fn a_client_that_takes_nothing_loses_copies_and_holds_nobody_up() {
    let settings = Settings {
        write_timeout: Duration::from_millis(50),
        ..Settings::default()
    };
    let bench = Bench::start(settings, 16);
    let (mut tap, stream) = start(&bench, counted(0));
    // More than the rings and the socket hold.
    copy(&mut tap, 20_000);
    std::thread::scope(|scope| {
        let asks = scope.spawn(|| bench.client().version());
        let request = bench.requests.recv_timeout(LONG).unwrap();
        request.answer(Reply::Version(version()));
        assert_eq!(asks.join().unwrap().unwrap(), version());
    });
    wait_until_abandoned(tap);
    drop(stream);
}

#[test]
fn a_slow_client_is_told_what_it_lost() {
    let bench = Bench::start(Settings::default(), 16);
    let (mut tap, stream) = start(&bench, counted(0));
    copy(&mut tap, 20_000);
    stream.ender().unwrap().end().unwrap();
    let kinds = kinds(&rest(stream));
    let written = kinds.iter().filter(|kind| **kind == 6).count();
    assert!(written < 20_000);
    assert_eq!(kinds.last(), Some(&5));
}

#[test]
fn a_capture_that_is_refused_leaves_the_connection_as_it_was() {
    let bench = Bench::answering(Settings::default());
    let mut raw = bench.raw();
    let refused = r#"{"jsonrpc":"2.0","method":"capture.start","params":{"port":"a"},"id":1}"#;
    raw.send(format!("{refused}\n"));
    assert_eq!(raw.line()["error"]["message"], "no port a");
    raw.send(VERSION);
    assert_eq!(raw.line()["result"]["name"], "overpath");
}

#[test]
fn a_filter_that_is_wrong_is_refused_and_state_not_asked() {
    let bench = Bench::start(Settings::default(), 16);
    let capture = Capture {
        filter: "udp prot 53".to_owned(),
        ..counted(0)
    };
    let refused = bench.client().capture(capture).unwrap_err();
    let ClientError::Rpc(error) = refused else {
        panic!("another error: {refused}");
    };
    assert_eq!(error.code, RpcError::REFUSED);
    let shown =
        "filter: `prot` is no word of a filter; names are not looked up\n  1 | udp prot 53\n";
    assert!(error.message.starts_with(shown), "{error}");
    assert!(bench.requests.is_empty());
}

#[cfg(feature = "libpcap")]
#[test]
fn state_gets_a_filter_that_is_compiled() {
    let arp = [&[0xff; 12][..], &[8, 6], &[0; 46]].concat();
    for (words, wanted) in [("arp", true), ("not arp", false), ("", true)] {
        let capture = Capture {
            filter: words.to_owned(),
            ..counted(0)
        };
        for method in [Method::CaptureStart, Method::ExplainNext] {
            let (request, _) = Request::new(method(capture.clone())).unwrap();
            let filter = request.filter.filter().unwrap();
            assert_eq!(filter.matches(&arp, arp.len()), wanted, "{words}");
        }
    }
}

#[test]
fn without_an_id_nothing_follows() {
    let bench = Bench::start(Settings::default(), 16);
    let mut raw = bench.raw();
    raw.send("{\"jsonrpc\":\"2.0\",\"method\":\"capture.start\",\"params\":{\"port\":\"a\"}}\n");
    wait_until_abandoned(grant(&bench));
    raw.send(VERSION);
    let request = bench.requests.recv_timeout(LONG).unwrap();
    request.answer(Reply::Version(version()));
    assert_eq!(raw.line()["result"]["name"], "overpath");
}

#[test]
fn when_the_server_ends_a_capture_has_all_that_was_copied_and_its_end() {
    let bench = Bench::start(Settings::default(), 16);
    let (mut tap, stream) = start(&bench, counted(0));
    copy(&mut tap, 2);
    bench.server.shutdown();
    let file = rest(stream);
    assert_eq!(kinds(&file), [SECTION, 1, 6, 6, 5]);
    assert!(String::from_utf8_lossy(&file).contains("; the daemon stopped"));
    wait_until_abandoned(tap);
}

#[test]
fn the_end_of_a_server_waits_for_nobody_for_long() {
    let settings = Settings {
        parting: Duration::from_millis(50),
        ..Settings::default()
    };
    let bench = Bench::start(settings, 16);
    let (mut tap, stream) = start(&bench, counted(0));
    // More than the socket holds, and a client that takes nothing.
    copy(&mut tap, 2_000);
    bench.server.shutdown();
    wait_until_abandoned(tap);
    drop(stream);
}
