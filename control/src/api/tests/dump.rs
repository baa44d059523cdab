//! A list that comes page by page, before a state thread that is only played.

use super::*;
use crate::api::messages::{FdbEntry, FdbKind, Stations};

/// Pages of the played table, and entries of each.
const PAGES: usize = 200;
const ENTRIES: usize = 100;

fn entry(number: usize) -> FdbEntry {
    FdbEntry {
        bridge: "br10".into(),
        mac: fastpath::wire::Mac::from_u64(number as u64),
        port: Some("lan".into()),
        tunnel: None,
        remote: None,
        kind: FdbKind::Learned,
        age: Some(1),
    }
}

fn page(stations: &Stations) -> FdbPage {
    let first = stations.from;
    FdbPage {
        entries: (first..first + ENTRIES).map(entry).collect(),
        next: (first + ENTRIES < PAGES * ENTRIES).then_some(first + ENTRIES),
    }
}

/// Answers as many requests as there are.
fn play(bench: &Bench) {
    let requests = bench.requests.clone();
    std::thread::spawn(move || {
        for request in requests {
            match &request.method {
                Method::FdbShow(stations) => {
                    let page = page(stations);
                    request.answer(Reply::Fdb(page));
                }
                _ => request.answer(Reply::Version(version())),
            }
        }
    });
}

#[test]
fn all_pages_are_one_list() {
    let bench = Bench::start(Settings::default(), 16);
    play(&bench);
    let mut client = bench.client();
    let shown = client.fdb_show(Stations::default()).unwrap();
    let all: Vec<_> = (0..PAGES * ENTRIES).map(entry).collect();
    assert!(shown == all, "{} of {} entries", shown.len(), all.len());
    // And the next answer is the next one's.
    assert_eq!(client.version().unwrap(), version());
}

#[test]
fn every_page_is_of_what_was_asked_for() {
    let bench = Bench::start(Settings::default(), 16);
    let wanted = Stations {
        bridge: Some("br10".parse().unwrap()),
        mac: Some("02:00:00:00:00:07".parse().unwrap()),
        ..Stations::default()
    };
    let mut client = bench.client();
    let asks = std::thread::spawn(move || client.fdb_show(wanted));
    for from in [0, 7] {
        let request = bench.requests.recv_timeout(LONG).unwrap();
        assert_eq!(request.method, Method::FdbShow(Stations { from, ..wanted }));
        let (entries, next) = (Vec::new(), (from == 0).then_some(7));
        request.answer(Reply::Fdb(FdbPage { entries, next }));
    }
    assert_eq!(asks.join().unwrap().unwrap(), []);
}

/// It was there when the list began.
#[test]
fn a_list_ends_where_the_port_that_it_is_about_is_removed() {
    let bench = Bench::start(Settings::default(), 16);
    let wanted = Stations {
        port: Some("lan".parse().unwrap()),
        ..Stations::default()
    };
    let mut client = bench.client();
    let asks = std::thread::spawn(move || {
        let shown = client.fdb_show(wanted);
        (shown, client)
    });
    let first = bench.requests.recv_timeout(LONG).unwrap();
    let (entries, next) = ((0..ENTRIES).map(entry).collect(), Some(ENTRIES));
    first.answer(Reply::Fdb(FdbPage { entries, next }));
    let second = bench.requests.recv_timeout(LONG).unwrap();
    second.refuse(Refused("port: there is no port lan".to_owned()));
    let (shown, mut client) = asks.join().unwrap();
    assert_eq!(shown.unwrap(), (0..ENTRIES).map(entry).collect::<Vec<_>>());
    // The connection goes on.
    play(&bench);
    assert_eq!(client.version().unwrap(), version());
}

#[test]
fn others_are_served_between_pages_that_nobody_takes() {
    let bench = Bench::start(Settings::default(), 16);
    play(&bench);
    let mut slow = bench.raw();
    slow.send(VERSION.replace("version", "fdb.show"));
    let mut some = [0; 1000];
    slow.0.read_exact(&mut some).unwrap();
    for _ in 0..100 {
        assert_eq!(bench.client().version().unwrap(), version());
    }
    let all = slow.line_of(&some);
    assert_eq!(all["result"].as_array().unwrap().len(), PAGES * ENTRIES);
}

#[test]
fn a_client_that_dies_within_a_list_is_asked_about_no_more() {
    let bench = Bench::start(
        Settings {
            connections: 2,
            ..Settings::default()
        },
        16,
    );
    for _ in 0..5 {
        let mut dies = bench.raw();
        dies.send(VERSION.replace("version", "fdb.show"));
        let request = bench.requests.recv_timeout(LONG).unwrap();
        let Method::FdbShow(stations) = &request.method else {
            panic!("{request:?}");
        };
        let page = page(stations);
        request.answer(Reply::Fdb(page));
        let mut some = [0; 100];
        dies.0.read_exact(&mut some).unwrap();
        drop(dies);
        // It may have asked for one more page before it knew.
        if let Ok(request) = bench.requests.recv_timeout(Duration::from_millis(200)) {
            request.answer(Reply::Fdb(FdbPage {
                entries: (0..ENTRIES).map(entry).collect(),
                next: Some(1),
            }));
        }
        assert!(
            bench
                .requests
                .recv_timeout(Duration::from_millis(50))
                .is_err()
        );
    }
    play(&bench);
    assert_eq!(bench.client().version().unwrap(), version());
}

#[test]
fn a_list_that_state_does_not_end_is_no_list() {
    let bench = Bench::start(Settings::default(), 16);
    let mut client = bench.client();
    let asks = std::thread::spawn(move || client.fdb_show(Stations::default()));
    let request = bench.requests.recv_timeout(LONG).unwrap();
    let Method::FdbShow(stations) = &request.method else {
        panic!("{request:?}");
    };
    let page = page(stations);
    request.answer(Reply::Fdb(page));
    drop(bench.requests.recv_timeout(LONG).unwrap());
    let error = asks.join().unwrap().unwrap_err();
    assert!(matches!(error, ClientError::Io(_)), "{error:?}");
}

#[test]
fn who_does_not_take_its_answer_makes_room_for_others() {
    let bench = Bench::start(
        Settings {
            connections: 2,
            // Nobody is cut off for being slow.
            write_timeout: 10 * LONG,
            ..Settings::default()
        },
        16,
    );
    play(&bench);
    let mut slow: Vec<_> = (0..2)
        .map(|_| {
            let mut slow = bench.raw();
            slow.send(VERSION.replace("version", "fdb.show"));
            let mut some = [0; 100];
            slow.0.read_exact(&mut some).unwrap();
            slow
        })
        .collect();
    let deadline = std::time::Instant::now() + LONG;
    while !matches!(bench.client().version(), Ok(told) if told == version()) {
        // Both may be on their way to state.
        assert!(std::time::Instant::now() < deadline, "there is no room");
        std::thread::yield_now();
    }
    let mut rest = Vec::new();
    let _ = slow[0].0.read_to_end(&mut rest);
    assert!(!rest.ends_with(b"]}\n"), "the first one had to go");
}
