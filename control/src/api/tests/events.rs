//! Events on their way over the socket, before a state thread that is only played.

use super::*;
use crate::api::messages::{ConfigEvent, Event, EventKind, EventKinds, What};
use crate::api::{Subscriber, subscription};
use std::net::Shutdown;
use std::sync::Arc;

fn change(revision: u64) -> What {
    let steps = Vec::new();
    What::Config(ConfigEvent {
        revision,
        steps,
        more: 0,
    })
}

fn tell(subscriber: &mut Subscriber, revision: u64) {
    subscriber.tell(&Arc::new(Event::now(change(revision))));
}

/// Plays the state thread: gives a queue of so many events.
fn subscribe(bench: &Bench, capacity: usize) -> Subscriber {
    let request = bench.requests.recv_timeout(LONG).unwrap();
    let Method::EventsSubscribe(kinds) = &request.method else {
        panic!("another request: {request:?}");
    };
    let (subscriber, subscription) = subscription(*kinds, capacity);
    request.answer(Reply::Subscribed(Box::new(subscription)));
    subscriber
}

#[test]
fn each_event_is_a_line_in_order() {
    let bench = Bench::start(Settings::default(), 16);
    let client = bench.client();
    let asks = std::thread::spawn(move || {
        let kinds = [EventKind::Config, EventKind::Fdb].into_iter().collect();
        let (told, events) = client.events(kinds).unwrap();
        assert_eq!(told.kinds, [EventKind::Fdb, EventKind::Config]);
        events
            .take(3)
            .map(|event| event.unwrap().what)
            .collect::<Vec<_>>()
    });
    let mut subscriber = subscribe(&bench, 16);
    for revision in 1..=3 {
        tell(&mut subscriber, revision);
    }
    assert_eq!(asks.join().unwrap(), [1, 2, 3].map(change));
    while !subscriber.is_gone() {
        // Its client has gone, and nobody had to say so.
        std::thread::yield_now();
    }
}

#[test]
fn a_slow_client_is_told_what_it_missed_and_holds_up_nobody() {
    let bench = Bench::start(Settings::default(), 16);
    let mut slow = bench.raw();
    slow.send("{\"jsonrpc\":\"2.0\",\"method\":\"events.subscribe\",\"id\":1}\n");
    let mut subscriber = subscribe(&bench, 64);
    assert_eq!(subscriber.kinds(), EventKinds::all());
    let kinds = slow.line()["result"]["kinds"].as_array().unwrap().len();
    assert_eq!(kinds, EventKind::ALL.len());
    let all = 50_000;
    for revision in 1..=all {
        tell(&mut subscriber, revision);
    }
    let mut heard = 0;
    while heard < all {
        subscriber.settle();
        let line = slow.line();
        let missed = line["missed"].as_u64();
        let next = line["config"]["revision"].as_u64();
        assert!(missed.is_some() != next.is_some(), "{line}");
        heard += missed.unwrap_or(1);
        assert!(
            next.is_none_or(|next| next == heard),
            "{line} after {heard}"
        );
    }
    assert_eq!(heard, all);
}

#[test]
fn it_ends_with_its_client_with_state_and_with_the_server() {
    let bench = Bench::start(Settings::default(), 16);
    let ask = "{\"jsonrpc\":\"2.0\",\"method\":\"events.subscribe\",\"id\":1}\n";
    let begin = || {
        let mut raw = bench.raw();
        raw.send(ask);
        let subscriber = subscribe(&bench, 16);
        raw.line();
        (raw, subscriber)
    };
    let (mut says_no_more, subscriber) = begin();
    says_no_more.0.get_mut().shutdown(Shutdown::Write).unwrap();
    assert!(says_no_more.is_closed());
    assert!(subscriber.is_gone());
    let (mut left_alone, subscriber) = begin();
    drop(subscriber);
    assert!(left_alone.is_closed());
    let (mut last, subscriber) = begin();
    bench.server.shutdown();
    assert!(last.is_closed());
    drop(subscriber);
}
