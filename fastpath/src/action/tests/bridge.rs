//! What a bridge does with a frame, by what the forwarding table says of its two stations.

use super::*;
use crate::event::{Event, Origin};
use crate::fdb::FdbKey;
use crate::testing::{bridge, guest, learned, pinned, port_inlet, tunnel, tunnel_inlet};
use crate::wire::Mac;

const FLOODED: &str = "0.received 1, 0.forwarded 1, 0.copied 2, 1.enqueued 1, 1.sent 1, \
    2.enqueued 2, 2.sent 2, r0.sent 1, r1.sent 1";
const FLOODED_FROM_TUNNEL: &str = "0.enqueued 1, 0.sent 1, 1.enqueued 1, 1.sent 1, \
    2.received 1, 2.forwarded 1, 2.copied 1";

fn to_port(number: usize) -> Destination {
    Destination::Port(port(number))
}

fn to_remote(number: usize) -> Destination {
    Destination::Remote(remote(number))
}

/// Where guest 1 is in most tests: at port A, or behind remote 0 of tunnel 0.
fn here() -> [(usize, Inlet); 2] {
    let tunnelled = tunnel_inlet(0, Origin::Remote(remote(0)));
    [(A, port_inlet(A, 0)), (UPLINK, tunnelled)]
}

/// What is counted for a frame that enters bridge 0 there.
fn counted(rig: &mut Rig, (at, inlet): (usize, Inlet), frame: &[u8]) -> String {
    rig.act(at, &[Action::Bridge(inlet)], frame);
    rig.moved()
}

fn told(rig: &mut Rig) -> Vec<Event> {
    rig.events.drain(99).collect()
}

/// A sighting of guest 1.
fn seen(inlet: &Inlet) -> Event {
    Event::Seen {
        bridge: inlet.bridge,
        mac: guest(1).0,
        from: inlet.origin,
    }
}

/// The second in which guest 1 was last seen, as its entry in bridge 0 says.
fn freshness(rig: &Rig) -> u32 {
    rig.fdb
        .get(FdbKey::new(bridge(0), guest(1).0))
        .unwrap()
        .seen
}

/// Where a station is that sends by this inlet.
fn to_here(inlet: &Inlet) -> Destination {
    match inlet.origin {
        Origin::Port(port) => Destination::Port(port),
        Origin::Remote(remote) => Destination::Remote(remote),
        Origin::Unknown { .. } => unreachable!("a stranger is nowhere"),
    }
}

fn with_dst(dst: Mac) -> Vec<u8> {
    let mut frame = inner(1, 2, 10);
    frame[..6].copy_from_slice(&dst.bytes());
    frame
}

#[test]
fn a_source_that_is_no_station_is_dropped_by_the_side_that_it_came_from() {
    let mut rig = Rig::new();
    let (group, zero) = ([3, 0, 0, 0, 0, 1], [0; 6]);
    for src in [group, zero] {
        let mut frame = inner(1, 2, 10);
        frame[6..12].copy_from_slice(&src);
        let counts = here().map(|at| counted(&mut rig, at, &frame));
        let expected = [
            "0.received 1, 0.dropped.source_invalid 1",
            "2.received 1, 2.dropped.inner_source 1",
        ];
        assert_eq!(counts, expected);
    }
    assert_eq!(told(&mut rig), []);
}

#[test]
fn link_local_groups_are_dropped_unheard_but_bpdus_are_flooded() {
    let mut rig = Rig::new();
    for last in 1..=15 {
        let frame = with_dst(Mac::new([1, 0x80, 0xc2, 0, 0, last]));
        let counts = here().map(|at| counted(&mut rig, at, &frame));
        let expected = [
            "0.received 1, 0.dropped.link_local 1",
            "2.received 1, 2.dropped.link_local 1",
        ];
        assert_eq!(counts, expected, "{last}");
    }
    assert_eq!(told(&mut rig), []);
    let bpdu = with_dst(Mac::new([1, 0x80, 0xc2, 0, 0, 0]));
    let counts = here().map(|at| counted(&mut rig, at, &bpdu));
    assert_eq!(counts, [FLOODED, FLOODED_FROM_TUNNEL]);
    assert_eq!(told(&mut rig), here().map(|(_, inlet)| seen(&inlet)));
}

#[test]
fn an_unknown_source_is_told_of_where_it_is() {
    let stranger = Origin::Unknown {
        tunnel: tunnel(0),
        address: vtep(7).1,
    };
    let stranger = (UPLINK, tunnel_inlet(0, stranger));
    for at in here().into_iter().chain([stranger]) {
        let mut rig = Rig::new();
        let flooded = [FLOODED_FROM_TUNNEL, FLOODED][usize::from(at.0 == A)];
        assert_eq!(counted(&mut rig, at, &inner(1, 2, 10)), flooded);
        assert_eq!(told(&mut rig), [seen(&at.1)]);
    }
}

#[test]
fn a_source_that_is_where_the_table_says_is_kept_fresh() {
    for (at, to) in here().into_iter().zip([to_port(A), to_remote(0)]) {
        for entry in [learned, pinned] {
            let mut rig = Rig::new();
            rig.know(entry(0, guest(1).0, to));
            rig.learner.set_now(7000);
            rig.act(at.0, &[Action::Bridge(at.1)], &inner(1, 2, 10));
            assert_eq!((freshness(&rig), told(&mut rig)), (7, vec![]));
        }
    }
}

#[test]
fn a_source_that_moved_is_told_of_and_its_frame_goes_on() {
    for (at, to) in here().into_iter().zip([to_remote(0), to_port(A)]) {
        for to in [to, to_port(B), to_remote(1)] {
            let mut rig = Rig::new();
            rig.know(learned(0, guest(1).0, to));
            rig.learner.set_now(7000);
            let flooded = [FLOODED_FROM_TUNNEL, FLOODED][usize::from(at.0 == A)];
            assert_eq!(counted(&mut rig, at, &inner(1, 2, 10)), flooded);
            assert_eq!(told(&mut rig), [seen(&at.1)]);
            assert_eq!(freshness(&rig), 0, "{to:?}");
        }
    }
}

#[test]
fn a_static_source_does_not_move() {
    let mut rig = Rig::new();
    rig.know(pinned(0, guest(1).0, to_port(B)));
    let counts = here().map(|at| counted(&mut rig, at, &inner(1, 2, 10)));
    let expected = [
        "0.received 1, 0.dropped.static_elsewhere 1",
        "2.received 1, 2.dropped.static_elsewhere 1",
    ];
    assert_eq!(
        (counts, told(&mut rig)),
        (expected.map(String::from), vec![])
    );
}

/// A remote without a record is nowhere that an entry could say.
#[test]
fn a_stranger_is_told_of_even_if_the_station_is_known() {
    let stranger = Origin::Unknown {
        tunnel: tunnel(0),
        address: vtep(1).1,
    };
    let at = (UPLINK, tunnel_inlet(0, stranger));
    let mut rig = Rig::new();
    rig.know(learned(0, guest(1).0, to_remote(0)));
    let flooded = counted(&mut rig, at, &inner(1, 2, 10));
    assert_eq!(flooded, FLOODED_FROM_TUNNEL);
    assert_eq!(told(&mut rig), [seen(&at.1)]);
    rig.know(pinned(0, guest(1).0, to_remote(0)));
    let refused = counted(&mut rig, at, &inner(1, 2, 10));
    assert_eq!(refused, "2.received 1, 2.dropped.static_elsewhere 1");
    assert_eq!(told(&mut rig), []);
}

#[test]
fn a_lost_event_is_counted_and_the_frame_goes_on() {
    let mut rig = Rig::new();
    let at = here()[1];
    // There is room for four.
    for src in 10..14 {
        assert_eq!(
            counted(&mut rig, at, &inner(src, 2, 10)),
            FLOODED_FROM_TUNNEL
        );
    }
    let lost = FLOODED_FROM_TUNNEL.to_owned() + ", events_lost 1";
    for _ in 0..2 {
        assert_eq!(counted(&mut rig, at, &inner(1, 2, 10)), lost);
    }
    // One that was told is not asked for again, so it cannot be lost.
    assert_eq!(
        counted(&mut rig, at, &inner(13, 2, 10)),
        FLOODED_FROM_TUNNEL
    );
    assert_eq!(told(&mut rig).len(), 4);
}

#[test]
fn a_bridge_that_does_not_learn_does_not_look_at_sources() {
    for (at, inlet) in here() {
        let silent = Inlet {
            learning: false,
            ..inlet
        };
        let flooded = [FLOODED_FROM_TUNNEL, FLOODED][usize::from(at == A)];
        let mut rig = Rig::new();
        rig.learner.set_now(7000);
        assert_eq!(counted(&mut rig, (at, silent), &inner(1, 2, 10)), flooded);
        rig.know(pinned(0, guest(1).0, to_port(B)));
        assert_eq!(counted(&mut rig, (at, silent), &inner(1, 2, 10)), flooded);
        rig.know(learned(0, guest(1).0, to_here(&inlet)));
        assert_eq!(counted(&mut rig, (at, silent), &inner(1, 2, 10)), flooded);
        assert_eq!((freshness(&rig), told(&mut rig)), (0, vec![]));
    }
}

#[test]
fn where_a_frame_goes_by_what_is_known_of_its_destination() {
    let by_remote = |number: usize| format!("2.enqueued 1, 2.sent 1, r{number}.sent 1");
    let by_b = || "1.enqueued 1, 1.sent 1".to_owned();
    for (to, from_port, from_tunnel) in [
        (to_port(B), Ok(by_b()), Ok(by_b())),
        (
            to_port(A),
            Err("same_port"),
            Ok("0.enqueued 1, 0.sent 1".into()),
        ),
        (to_remote(1), Ok(by_remote(1)), Err("split_horizon")),
        // Of another tunnel.
        (to_remote(2), Ok(by_remote(2)), Ok(by_remote(2))),
        // Of the snapshot to come.
        (to_remote(9), Err("port_down"), Err("port_down")),
    ] {
        for (at, expected) in here().into_iter().zip([from_port, from_tunnel]) {
            let mut rig = Rig::new();
            rig.know(learned(0, guest(2).0, to));
            // Another bridge knows better, which is none of this one's business.
            rig.know(learned(1, guest(2).0, to_port(B)));
            let counts = counted(&mut rig, at, &inner(1, 2, 10));
            let number = at.0;
            let received = format!("{number}.received 1");
            assert!(counts.contains(&received), "{counts}");
            match expected {
                Ok(sent) => {
                    assert!(counts.contains(&sent), "{to:?}: {counts}");
                    assert!(
                        counts.contains(&format!("{number}.forwarded 1")),
                        "{counts}"
                    );
                    assert!(!counts.contains("copied"), "{counts}");
                }
                Err(reason) => {
                    let dropped = received + &format!(", {number}.dropped.{reason} 1");
                    assert_eq!(counts, dropped, "{to:?}");
                }
            }
        }
    }
}

#[test]
fn who_is_known_in_another_bridge_alone_is_unknown() {
    let mut rig = Rig::new();
    rig.know(learned(1, guest(2).0, to_port(B)));
    rig.know(pinned(1, guest(1).0, to_port(B)));
    let counts = here().map(|at| counted(&mut rig, at, &inner(1, 2, 10)));
    assert_eq!(counts, [FLOODED, FLOODED_FROM_TUNNEL]);
}

#[test]
fn groups_are_flooded_unless_configured() {
    let mut rig = Rig::new();
    let group = Mac::new([0x33, 0x33, 0, 0, 0, 1]);
    for dst in [Mac::BROADCAST, group] {
        assert_eq!(counted(&mut rig, here()[0], &with_dst(dst)), FLOODED);
    }
    rig.know(pinned(0, group, to_port(B)));
    let expected = "0.received 1, 0.forwarded 1, 1.enqueued 1, 1.sent 1";
    assert_eq!(counted(&mut rig, here()[0], &with_dst(group)), expected);
}

#[test]
fn behind_a_tunnel_it_is_the_inner_frame_that_is_bridged() {
    let mut rig = Rig::new();
    rig.know(learned(0, guest(2).0, to_port(B)));
    let frame = inner(1, 2, 10);
    let list = [decap_of(Some(remote(0))), Action::Bridge(here()[1].1)];
    rig.act(UPLINK, &list, &tunnelled(1, 10, &frame));
    assert_eq!(rig.sent(B), [frame]);
    assert_eq!(told(&mut rig), [seen(&here()[1].1)]);
}

#[test]
fn each_bridge_that_a_frame_enters_looks_for_the_stations_there() {
    let mut rig = Rig::new();
    rig.know(learned(0, guest(2).0, to_port(B)));
    rig.know(learned(1, vtep(2).0, to_port(LONE)));
    let (frame, [_, (_, tunnelled_inlet)]) = (inner(1, 2, 10), here());
    let outer = tunnelled(1, 10, &frame);
    let list = [
        Action::Bridge(port_inlet(UPLINK, 1)),
        decap_of(Some(remote(0))),
        Action::Bridge(tunnelled_inlet),
    ];
    assert_eq!(rig.act(UPLINK, &list, &outer), Verdict::Forwarded);
    assert_eq!((rig.sent(LONE), rig.sent(B)), (vec![outer], vec![frame]));
    let expected = "1.enqueued 1, 1.sent 1, 2.received 1, 2.forwarded 1, 2.copied 1, \
        4.enqueued 1, 4.sent 1, r0.received 1";
    assert_eq!(rig.moved(), expected);
}

#[test]
fn a_frame_too_short_for_two_stations_is_dropped() {
    let mut rig = Rig::new();
    let frame = &inner(1, 2, 10)[..11];
    let expected = "0.received 1, 0.dropped.frame_runt 1";
    assert_eq!(counted(&mut rig, here()[0], frame), expected);
}

/// The table knows what was written to it before the packet, and nothing that it knew before that.
#[test]
fn a_change_counts_from_the_next_packet_on() {
    let mut rig = Rig::new();
    let frame = inner(1, 2, 10);
    let [at, _] = here();
    assert_eq!(counted(&mut rig, at, &frame), FLOODED);
    for number in [B, LONE] {
        rig.know(learned(0, guest(2).0, to_port(number)));
        let expected = format!("0.received 1, 0.forwarded 1, {number}.enqueued 1, {number}.sent 1");
        assert_eq!(counted(&mut rig, at, &frame), expected);
    }
    rig.fdb.remove(FdbKey::new(bridge(0), guest(2).0)).unwrap();
    assert_eq!(counted(&mut rig, at, &frame), FLOODED);
}
