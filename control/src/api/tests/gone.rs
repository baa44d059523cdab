//! Clients that go while their answer is made, and some that only seem to.

use super::*;
use crate::api::Request;
use std::net::Shutdown;
use std::time::Instant;

/// Longer than it takes to see that somebody has gone.
const A_WHILE: Duration = Duration::from_millis(300);

fn one_place() -> Bench {
    let settings = Settings {
        connections: 1,
        answer_timeout: 10 * LONG,
        change_timeout: 10 * LONG,
        ..Settings::default()
    };
    Bench::start(settings, 16)
}

/// Nobody waits for the answer any more.
fn is_given_up(request: &Request) {
    let deadline = Instant::now() + LONG;
    while !request.reply.is_closed() {
        assert!(Instant::now() < deadline, "somebody is waited for");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn asked(bench: &Bench) -> Request {
    bench.requests.recv_timeout(LONG).unwrap()
}

#[test]
fn who_goes_while_state_or_the_keeper_is_at_it_leaves_its_place() {
    let bench = one_place();
    for method in ["version", "config.rollback", "fdb.show"] {
        let mut goes = bench.raw();
        goes.send(VERSION.replace("version", method));
        let request = asked(&bench);
        drop(goes);
        is_given_up(&request);
    }
    let mut next = bench.raw();
    next.send(VERSION);
    asked(&bench).answer(Reply::Version(version()));
    assert_eq!(next.line()["id"], 1);
}

#[test]
fn who_goes_while_the_next_page_is_made_leaves_its_place() {
    let bench = one_place();
    let mut goes = bench.raw();
    goes.send(VERSION.replace("version", "fdb.show"));
    let (entries, next) = (Vec::new(), Some(7));
    asked(&bench).answer(Reply::Fdb(FdbPage { entries, next }));
    let second = asked(&bench);
    drop(goes);
    is_given_up(&second);
}

/// What it sent behind the request is nobody's.
#[test]
fn of_who_goes_no_further_request_is_carried_out() {
    let bench = one_place();
    let mut goes = bench.raw();
    goes.send(VERSION.repeat(3));
    let request = asked(&bench);
    drop(goes);
    is_given_up(&request);
    assert!(bench.requests.recv_timeout(A_WHILE).is_err());
}

#[test]
fn who_only_sends_no_more_or_more_than_one_request_is_answered() {
    let bench = one_place();
    let mut waits = bench.raw();
    waits.send([VERSION, VERSION].concat());
    waits.0.get_mut().shutdown(Shutdown::Write).unwrap();
    for _ in 0..2 {
        let request = asked(&bench);
        std::thread::sleep(A_WHILE);
        request.answer(Reply::Version(version()));
        assert_eq!(waits.line()["id"], 1);
    }
    assert!(waits.is_closed());
}

#[test]
fn what_asks_for_no_answer_is_carried_out_though_its_client_is_gone() {
    let bench = one_place();
    let mut goes = bench.raw();
    goes.send(
        VERSION
            .replace("version", "config.rollback")
            .replace(",\"id\":1", ""),
    );
    let request = asked(&bench);
    drop(goes);
    std::thread::sleep(A_WHILE);
    assert!(!request.reply.is_closed());
}
