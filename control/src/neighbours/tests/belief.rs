//! What is believed of what others say.

use super::*;
use fastpath::wire::arp::{Arp, Operation};

fn from_peer() -> Pair {
    Pair::new((PEER, PEER_IP), (OUR_MAC, OUR_IP))
}

/// A host that knows 192.0.2.1 since a second.
fn knowing() -> Host {
    let mut host = Host::new();
    host.want(PEER_IP);
    host.input(&answer(PEER));
    host.now += 1_000;
    host
}

fn counts(host: &Host, counter: Counter) -> u64 {
    host.neighbours.counter(counter)
}

#[test]
fn only_the_answer_to_the_question_counts() {
    let (mut for_other, mut of_other) = (from_peer(), from_peer());
    for_other.ip.dst = [192, 0, 2, 3].into();
    of_other.ip.src = [192, 0, 2, 9].into();
    let mut by_other = answer(PEER);
    by_other[6..12].copy_from_slice(&OTHER.bytes());
    let mut cut = answer(PEER);
    cut.truncate(41);
    for (frame, why) in [
        (for_other.arp_reply(), "arp_unasked"),
        (of_other.arp_reply(), "arp_unasked"),
        (by_other, "arp_reply_source"),
        (cut, "arp_short"),
    ] {
        let mut host = Host::new();
        host.want(PEER_IP);
        assert_eq!(host.input(&frame), []);
        assert_eq!(host.state(PEER_IP), Some(NeighbourState::Incomplete));
        assert_eq!(host.counted(), [("arp_request_sent", 1), (why, 1)]);
        assert_eq!(host.input(&answer(PEER)), [changed(Some(PEER))]);
    }
}

#[test]
fn an_answer_before_the_question_does_not_count() {
    let mut host = Host::new();
    for n in 0..60 {
        host.want([192, 0, 9, n].into());
    }
    assert_eq!(host.want(PEER_IP), [changed(None)], "its turn comes later");
    assert_eq!(host.input(&answer(PEER)), []);
    assert_eq!(counts(&host, Counter::ArpUnasked), 1);
    host.now += 100;
    host.neighbours.tick(host.now, &mut host.out);
    assert!(host.taken().contains(&question()));
    assert_eq!(host.input(&answer(PEER)), [changed(Some(PEER))]);
}

#[test]
fn an_old_question_is_not_open_any_more_when_the_next_one_waits() {
    let mut host = knowing();
    host.now += 29_000;
    for n in 0..60 {
        host.want([192, 0, 9, n].into());
    }
    host.neighbours.tick(host.now, &mut host.out);
    assert_eq!(host.taken(), []);
    assert_eq!(host.input(&answer(OTHER)), []);
    assert_eq!(counts(&host, Counter::ArpUnasked), 1);
    assert_eq!(host.hop(PEER_IP), Some((link(0), PEER)));
}

#[test]
fn an_announcement_is_used_at_once_and_verified() {
    let mut host = knowing();
    assert_eq!(
        host.input(&announcement(OTHER)),
        [changed(Some(OTHER)), question_to(OTHER)]
    );
    assert_eq!(host.input(&announcement(OTHER)), [], "nothing new");
    // Others who say so within a second are not listened to, even if they were asked.
    assert_eq!(host.input(&announcement(PEER)), []);
    assert_eq!(host.input(&answer(PEER)), []);
    assert_eq!(host.input(&answer(OTHER)), []);
    assert_eq!(host.state(PEER_IP), Some(NeighbourState::Reachable));
    let counted = [
        ("arp_request_sent", 2),
        ("neighbour_moved", 1),
        ("arp_locked", 2),
    ];
    assert_eq!(host.counted(), counted);
}

#[test]
fn what_a_lie_said_is_found_out() {
    let mut host = knowing();
    host.input(&announcement(OTHER));
    for _ in 0..2 {
        assert_eq!(host.after(1_000), [question_to(OTHER)], "nobody is there");
    }
    assert_eq!(host.after(1_000), [question()]);
    assert_eq!(host.input(&answer(PEER)), [changed(Some(PEER))]);
    assert_eq!(host.state(PEER_IP), Some(NeighbourState::Reachable));
}

#[test]
fn a_reply_to_no_question_is_not_believed_but_makes_us_ask_who_is_known() {
    let mut host = knowing();
    assert_eq!(host.input(&answer(OTHER)), [question_to(PEER)]);
    assert_eq!(host.hop(PEER_IP), Some((link(0), PEER)));
    assert_eq!(host.input(&answer(OTHER)), [], "who was not asked");
    assert_eq!(host.input(&answer(PEER)), [], "it is as it was");
    assert_eq!(host.state(PEER_IP), Some(NeighbourState::Reachable));
    let counted = [("arp_request_sent", 2), ("arp_unasked", 2)];
    assert_eq!(host.counted(), counted);
}

#[test]
fn who_is_silent_when_in_doubt_has_moved() {
    let mut host = knowing();
    assert_eq!(host.input(&answer(OTHER)), [question_to(PEER)]);
    for _ in 0..2 {
        // Doubts do not begin it anew.
        host.now += 500;
        assert_eq!(host.input(&answer(OTHER)), []);
        assert_eq!(host.after(500), [question_to(PEER)]);
    }
    assert_eq!(host.input(&answer(OTHER)), []);
    assert_eq!(host.after(1_000), [question()], "now everybody is asked");
    assert_eq!(host.input(&answer(OTHER)), [changed(Some(OTHER))], "moved");
}

#[test]
fn two_who_answer_and_the_first_is_believed() {
    let mut host = Host::new();
    host.want(PEER_IP);
    assert_eq!(host.input(&answer(PEER)), [changed(Some(PEER))]);
    host.now += 999;
    assert_eq!(host.input(&answer(OTHER)), []);
    assert_eq!(counts(&host, Counter::ArpLocked), 1);
    host.now += 1;
    assert_eq!(host.input(&answer(OTHER)), [question_to(PEER)]);
}

#[test]
fn a_reply_to_no_question_keeps_nobody_alive() {
    let mut host = knowing();
    for _ in 0..28 {
        host.now += 1_000;
        assert_eq!(host.input(&answer(PEER)), []);
    }
    assert_eq!(host.after(1_000), [question_to(PEER)]);
    assert_eq!(counts(&host, Counter::ArpUnasked), 28);
}

#[test]
fn who_is_not_needed_is_not_asked_whatever_is_said() {
    let mut host = Host::new();
    host.input(&from_peer().arp_request());
    host.now += 5_000;
    assert_eq!(host.input(&answer(OTHER)), []);
    assert_eq!(host.want(PEER_IP)[1..], [changed(Some(PEER))]);
}

/// Answers, announcements and requests of ever other stations, one each millisecond.
#[test]
fn a_flood_moves_nobody_more_than_once_a_second() {
    let mut host = knowing();
    let (mut moves, mut questions) = (0, 0);
    for n in 0..20_000u32 {
        let [.., high, low] = n.to_be_bytes();
        let mac = Mac::new([2, 0, 0, 9, high, low]);
        let frame = match n % 3 {
            0 => answer(mac),
            1 => announcement(mac),
            _ => Pair::new((mac, PEER_IP), (OUR_MAC, OUR_IP)).arp_request(),
        };
        host.now += 1;
        host.neighbours.tick(host.now, &mut host.out);
        for output in host.input(&frame) {
            match output {
                Output::Way { .. } => moves += 1,
                Output::Send { frame, .. } => {
                    let packet = Arp::new(&frame[14..]).unwrap();
                    questions += u32::from(packet.operation() == Operation::REQUEST);
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(host.neighbours.table.len() <= 1 && host.neighbours.queue.len() <= 1);
    }
    assert!((10..=20).contains(&moves), "{moves}");
    assert!((10..=21).contains(&questions), "{questions}");
}
