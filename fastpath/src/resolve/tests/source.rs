//! What is done about the source of a frame, and what a decision rests on.

use super::*;
use crate::event::Origin;

/// The slot of a station of bridge 0.
fn slot(bench: &Bench, mac: Mac) -> SlotId {
    let entry: FdbEntry = bench.fdb.get(FdbKey::new(bridge(0), mac)).unwrap();
    entry.slot
}

#[test]
fn what_is_done_about_the_source() {
    let mac = guest(1).0;
    let (frame, tunnelled_frame) = (inner(1, 2, 0), tunnelled(1, 10, &inner(1, 2, 0)));
    let ask = |from| {
        Source::Ask(Event::Seen {
            bridge: bridge(0),
            mac,
            from,
        })
    };
    let (here, there) = (Origin::Port(port(A)), Origin::Remote(remote(0)));
    let bench = Bench::new();
    assert_eq!(bench.decide(A, &frame).source, ask(here));
    assert_eq!(bench.decide(UPLINK, &tunnelled_frame).source, ask(there));
    let bench = bench.with(learned(0, mac, to_port(A)));
    assert_eq!(
        bench.decide(A, &frame).source,
        Source::Known(slot(&bench, mac))
    );
    assert_eq!(bench.decide(UPLINK, &tunnelled_frame).source, ask(there));
    let bench = bench.with(learned(0, mac, to_remote(0)));
    let known = Source::Known(slot(&bench, mac));
    assert_eq!(bench.decide(UPLINK, &tunnelled_frame).source, known);
    assert_eq!(bench.decide(A, &frame).source, ask(here));
}

#[test]
fn a_static_source_does_not_move() {
    let mac = guest(1).0;
    let bench = Bench::new().with(pinned(0, mac, to_port(B)));
    let refused = Action::Drop(DropReason::StaticElsewhere);
    assert_eq!(bench.actions(A, &inner(1, 2, 0)), [refused]);
    let frame = tunnelled(1, 10, &inner(1, 2, 0));
    let expected = [Action::Decap(Some(remote(0))), refused];
    assert_eq!(bench.actions(UPLINK, &frame), expected);
    let known = Source::Known(slot(&bench, mac));
    assert_eq!(bench.decide(B, &inner(1, 2, 0)).source, known);
    // A stranger is never where an entry says.
    let bench = Bench::new().with(pinned(1, mac, to_remote(2)));
    let frame = tunnelled(7, 20, &inner(1, 2, 0));
    assert_eq!(
        bench.actions(UPLINK, &frame),
        [Action::Decap(None), refused]
    );
}

#[test]
fn a_stranger_is_made_known() {
    let frame = tunnelled(7, 20, &inner(1, 2, 0));
    let bench = Bench::new();
    let from = Origin::Unknown {
        tunnel: tunnel(1),
        address: vtep(7).1,
    };
    let ask = Source::Ask(Event::Seen {
        bridge: bridge(1),
        mac: guest(1).0,
        from,
    });
    assert_eq!(bench.decide(UPLINK, &frame).source, ask);
    let bench = bench.with(learned(1, guest(1).0, to_remote(2)));
    assert_eq!(bench.decide(UPLINK, &frame).source, ask);
}

#[test]
fn nobody_learns_unless_told() {
    for (bridge_learns, tunnel_learns) in [(false, true), (true, false), (false, false)] {
        let mut bench = Bench::new().with(pinned(0, guest(1).0, to_port(B)));
        Arc::make_mut(&mut bench.snapshot.bridges[0]).learning = bridge_learns;
        Arc::make_mut(&mut bench.snapshot.tunnels[0]).learning = tunnel_learns;
        let frame = tunnelled(1, 10, &inner(1, 2, 0));
        let decision = bench.decide(UPLINK, &frame);
        assert_eq!(decision.source, Source::Ignored);
        let expected = [
            Action::Decap(Some(remote(0))),
            flood(bridge(0), from_tunnel(0)),
        ];
        assert!(decision.program.actions().eq(expected));
        let local = bench.actions(A, &inner(1, 2, 0));
        let refused = local == [Action::Drop(DropReason::StaticElsewhere)];
        assert_eq!(refused, bridge_learns);
    }
}

#[test]
fn a_decision_rests_on_source_and_destination() {
    let bench = Bench::new();
    let keys = |frame: &[u8]| {
        let parsed = parse(port(A), frame, frame.len(), &bench.snapshot.udp_ports);
        resolve(&parsed.key, &bench.snapshot, &bench.reader).dependencies
    };
    let key = |n| FdbKey::new(bridge(0), guest(n).0);
    assert_eq!(keys(&inner(1, 2, 0))[..], [key(1), key(2)]);
    assert_eq!(keys(&inner(1, 1, 0))[..], [key(1)], "to itself: once");
    assert_eq!(keys(&patched(&inner(1, 2, 0), 6, &[3]))[..], []);
}
