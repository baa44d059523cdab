//! What a worker keeps of the last packet that it dropped.

use super::*;
use crate::io::heap::HeapPool;
use crate::snapshot::{self, Hop};
use crate::testing::link;
use crate::trace::last::HEADERS;
use crate::wire::{Ecn, VlanId};

/// No pool that there is has packets without room in front.
#[test]
fn what_has_no_room_for_outer_headers_is_told_as_it_came_in() {
    let mut snapshot = switch();
    snapshot.links.push(snapshot::Place {
        port: port(UPLINK),
        vlan: VlanId::new(5),
    });
    let (link, mac) = (link(1), vtep(1).0);
    let tagged = &snapshot.remote(remote(2)).unwrap().next_hops;
    tagged.store(0, Some(Hop { link, mac }));
    let pool = HeapPool::new(512).with_headroom(0);
    let mut site = Site::of_pool(pool, 1, 16, snapshot).serving_all();
    site.learn(learned(0, guest(2).0, Destination::Remote(remote(0))));
    site.learn(learned(0, guest(3).0, Destination::Remote(remote(2))));
    // Nothing is to be said of who sends, so that it goes the straight way.
    site.learn(learned(0, guest(1).0, to_port(A)));
    site.learn(learned(0, guest(4).0, Destination::Remote(remote(0))));
    let mut reader = watch(&mut site, 0, drops(Only::Dropped));
    // To one, to all, and out of a tunnel, whose headers leave too little room for a tag.
    let frames = [
        (A, inner(1, 2, 0), Place::Received),
        (A, inner(1, 9, 0), Place::Copy),
        (UPLINK, tunnelled(1, 10, &inner(4, 3, 0)), Place::Received),
    ];
    for (number, frame, place) in &frames {
        site.arrive(*number, frame);
        site.poll(0, 0);
        let last = site.stats[0].last_drops.get(DropReason::NoHeadroom);
        let last = last.unwrap();
        assert_eq!((last.port, last.place), (port(*number), *place));
        assert_eq!(last.headers.bytes(), frame);
    }
    let copies = notes(&mut reader);
    let bytes = copies.iter().map(|(_, bytes)| bytes);
    assert!(bytes.eq(frames.iter().map(|(_, frame, _)| frame)));
    let reasons = copies.iter().map(|(note, _)| {
        let moment = note.moment;
        (
            moment.port,
            moment.verdict,
            moment.copies_dropped.iter().next(),
        )
    });
    let dropped = Some(Verdict::Dropped(DropReason::NoHeadroom));
    let expected = [
        (port(A), dropped, None),
        (
            port(A),
            Some(Verdict::Forwarded),
            Some(DropReason::NoHeadroom),
        ),
        (port(UPLINK), dropped, None),
    ];
    assert_eq!(reasons.collect::<Vec<_>>(), expected);
    let stats = site.stop();
    let expected = "0.received 2, 0.forwarded 1, 0.dropped.no_headroom 1, 0.copied 2, \
        0.copies_dropped.no_headroom 2, 1.enqueued 1, 1.sent 1, 2.received 1, \
        2.dropped.no_headroom 1, r0.received 1";
    assert!(
        moved(&stats[0]).starts_with(expected),
        "{}",
        moved(&stats[0])
    );
}

/// Of a tunnel with its outer headers, wherever on the way it is dropped.
#[test]
fn the_last_packet_is_shown_as_it_came_in() {
    let mut site = Site::alone(16);
    site.learn(learned(0, guest(2).0, to_port(A)));
    site.learn(learned(0, guest(3).0, Destination::Remote(remote(1))));
    site.learn(learned(0, guest(4).0, Destination::Remote(remote(0))));
    let mut invalid = outer(1);
    invalid.ip.ecn = Ecn::Ce;
    let vni = Vni::new(10).unwrap();
    let mut damaged = tunnelled(1, 10, &inner(1, 2, 0));
    damaged[24] ^= 1;
    for (reason, frame) in [
        (DropReason::IpChecksum, damaged),
        (
            DropReason::EcnInvalid,
            invalid.vxlan(1, vni, &inner(1, 2, 0)),
        ),
        (DropReason::SplitHorizon, tunnelled(1, 10, &inner(1, 3, 0))),
        (
            DropReason::MtuExceeded,
            tunnelled(1, 10, &inner(4, 2, 1500)),
        ),
    ] {
        site.arrive(UPLINK, &frame);
        site.poll(0, 0);
        let last = site.stats[0].last_drops.get(reason).unwrap();
        let kept = frame.get(..HEADERS).unwrap_or(&frame);
        assert_eq!(last.headers.bytes(), kept, "{reason:?}");
        assert_eq!(last.headers.len(), frame.len(), "{reason:?}");
    }
    site.stop();
}
