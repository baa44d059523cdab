//! Events once for each fact and interval, and again when they were lost.

use super::*;
use crate::event::{EventReceiver, Origin, channel};
use crate::testing::{bridge, port, remote};
use crate::wire::Mac;
use proptest::prelude::*;
use std::collections::HashMap;

/// A learner whose events find room for `room`.
fn learner(room: usize) -> (Learner, EventReceiver) {
    let (sender, receiver) = channel(room);
    let learner = Learner::new(sender);
    (learner, receiver)
}

fn seen(mac: u64, number: usize) -> Event {
    Event::Seen {
        bridge: bridge(0),
        mac: Mac::from_u64(mac),
        from: Origin::Port(port(number)),
    }
}

#[test]
fn once_for_each_fact_and_interval() {
    let (mut learner, mut events) = learner(64);
    let mut told = |learner: &mut Learner, event| {
        assert!(learner.tell(event));
        events.drain(9).collect::<Vec<_>>()
    };
    learner.set_now(1000);
    assert_eq!(told(&mut learner, seen(1, 0)), [seen(1, 0)]);
    assert_eq!(told(&mut learner, seen(1, 0)), []);
    assert_eq!(told(&mut learner, seen(2, 0)), [seen(2, 0)]);
    // A station that moves is another fact.
    assert_eq!(told(&mut learner, seen(1, 3)), [seen(1, 3)]);
    learner.set_now(1099);
    assert_eq!(told(&mut learner, seen(2, 0)), []);
    learner.set_now(1100);
    assert_eq!(told(&mut learner, seen(2, 0)), [seen(2, 0)]);
}

#[test]
fn a_remote_is_asked_for_once_an_interval() {
    let (mut learner, mut events) = learner(64);
    for _ in 0..3 {
        assert!(learner.unresolved(remote(7)) && learner.unresolved(remote(8)));
    }
    let unresolved = |n| Event::Unresolved { remote: remote(n) };
    assert_eq!(events.drain(9).collect::<Vec<_>>(), [7, 8].map(unresolved));
}

#[test]
fn a_lost_event_is_asked_again() {
    let (mut learner, mut events) = learner(1);
    assert!(learner.tell(seen(1, 0)));
    assert!(!learner.tell(seen(2, 0)));
    assert!(!learner.unresolved(remote(1)));
    assert_eq!(events.drain(9).collect::<Vec<_>>(), [seen(1, 0)]);
    assert!(learner.tell(seen(2, 0)), "in the same interval");
    assert_eq!(events.drain(9).collect::<Vec<_>>(), [seen(2, 0)]);
}

#[test]
fn a_tick_is_a_second() {
    let (mut learner, _events) = learner(1);
    for (now, second) in [(999, 0), (5999, 5), (6000, 6)] {
        learner.set_now(now);
        assert_eq!(learner.tick(), second);
    }
}

proptest! {
    /// Against a map of what was told when: nothing is kept back that was not told in this
    /// interval. Some may be told twice, if two facts share a place; with so few that is rare.
    #[test]
    fn agrees_with_a_map(steps in prop::collection::vec((0..40u64, 0..12u64, 0..3usize), 1..400)) {
        let (mut learner, mut events) = learner(8);
        let mut map = HashMap::new();
        let (mut now, mut told) = (0, 0);
        for (pause, mac, number) in steps {
            now += pause;
            learner.set_now(now);
            if pause % 4 == 0 {
                told += events.drain(99).count();
            }
            let event = seen(mac, number);
            let before = events.len();
            let sent = learner.tell(event);
            let arrived = events.len() > before;
            let known = map.get(&event) == Some(&(now / INTERVAL));
            prop_assert!(arrived || known || !sent, "kept back: {event:?}");
            prop_assert!(sent || before == 8, "lost with room to spare");
            if arrived {
                map.insert(event, now / INTERVAL);
            }
        }
        prop_assert!(told <= 400);
    }
}
