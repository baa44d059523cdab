//! Packets whose outer headers the NIC has taken off.

use super::*;
use crate::action::Verdict;
use crate::event::Event;
use crate::offload::hints::PROVING;
use crate::offload::{Expected, Front, Hints, Lie, Mark, Width};
use crate::snapshot::{EndPoint, Place, Snapshot};
use crate::trace::note::Side;
use crate::trace::tap::{Limits, tap};
use crate::trace::wish::{PortSet, Wish};
use crate::wire::craft::tagged;
use crate::wire::{EtherType, Tag, VlanId, vxlan};

fn mark(slot: usize) -> Mark {
    Mark::first(Width::Bits16, slot).unwrap()
}

/// Slot 1 is for remote 1 of VNI 10, whose outer headers are taken off; slot 2 for the same of remote 9,
/// and slot 3 for whoever sends.
fn hints(vlan: Option<u16>) -> Hints {
    let mut hints = Hints::new(Width::Bits16);
    let end_point = EndPoint {
        local: vtep(2).1,
        udp_port: vxlan::PORT,
        vni: Vni::from_bytes([0, 0, 10]),
    };
    let new = |slot| Expected::new(mark(slot), end_point, vlan.and_then(VlanId::new));
    for expected in [
        new(1).stripped(vtep(1).1),
        new(2).stripped(vtep(9).1),
        new(3),
    ] {
        assert!(hints.insert(Arc::new(expected)));
    }
    hints
}

fn with(mut snapshot: Snapshot, hints: Hints) -> Snapshot {
    snapshot.hints = vec![None; UPLINK];
    snapshot.hints.push(Some(Arc::new(hints)));
    snapshot
}

fn site() -> Site {
    let mut site = Site::with_all(16, with(switch(), hints(None)));
    site.learn(learned(0, guest(2).0, to_port(A)));
    site
}

fn arrive(site: &Site, frame: &[u8], mark: Option<Mark>) {
    let packet = site.pool.alloc(frame).unwrap();
    let packet = packet.with_mark(mark.map(Mark::get));
    assert!(site.rx[UPLINK].push(packet).is_ok());
}

fn lies(site: &mut Site) -> Vec<Lie> {
    let events = site.events.drain(99);
    let lies = events.filter_map(|event| match event {
        Event::Lied { lie, .. } => Some(lie),
        _ => None,
    });
    lies.collect()
}

#[test]
fn once_a_rule_is_proved_its_mark_decides() {
    let mut site = site();
    let frame = inner(1, 2, 0);
    for count in 1..=u64::from(PROVING) + 20 {
        arrive(&site, &frame, Some(mark(1)));
        site.poll(0, 0);
        assert_eq!(site.sent(A), std::slice::from_ref(&frame));
        let decider = &mut site.workers[0].decider;
        let known = decider.memo.by_mark(port(UPLINK), mark(1)).is_some();
        assert_eq!(known, count > u64::from(PROVING), "{count}");
    }
    // A run of three, and one of another mark.
    let others = [1, 1, 1, 2].map(|slot| arrive(&site, &frame, Some(mark(slot))));
    site.poll(0, 0);
    assert_eq!(site.sent(A).len(), others.len());
    assert_eq!(lies(&mut site), []);
    let stats = site.stop();
    let count = u64::from(PROVING) + 24;
    let hints = stats[0].hints(port(UPLINK));
    assert_eq!(hints.stripped.get(), count);
    // The other rule has to be proved, too.
    assert_eq!(hints.inspected.get(), u64::from(PROVING) + 1);
    let all = moved(&stats[0]);
    assert!(all.contains(&format!("2.forwarded {count}")), "{all}");
    assert!(all.contains("r0.received 87, r1.received 1"), "{all}");
    assert!(all.contains("misses 2, inserted 2"), "{all}");
}

#[test]
fn what_is_inside_is_not_taken_for_outer_headers() {
    let mut site = site();
    let frame = inner(1, 2, 0);
    let forged = tunnelled(1, 10, &frame);
    // The memo knows the bytes of remote 1.
    for _ in 0..2 {
        arrive(&site, &forged, None);
        site.poll(0, 0);
        assert_eq!(site.sent(A), std::slice::from_ref(&frame));
    }
    // Remote 9 sends a frame of the same bytes, for a station that nobody knows.
    let together = [(&forged, None), (&forged, Some(mark(2))), (&forged, None)];
    for (bytes, mark) in together {
        arrive(&site, bytes, mark);
    }
    site.poll(0, 0);
    assert_eq!(site.sent(A), [frame.clone(), forged.clone(), frame.clone()]);
    let stats = site.stop();
    let all = moved(&stats[0]);
    assert!(all.contains("r0.received 4, r1.received 1"), "{all}");
}

#[test]
fn a_mark_of_no_rule_may_stand_for_anything_and_goes_nowhere() {
    let mut site = site();
    let whole = tunnelled(1, 10, &inner(1, 2, 0));
    let stale = mark(1).renewed(Width::Bits16);
    for (frame, mark) in [
        (&whole, Some(stale)),
        (&inner(1, 2, 0), Some(mark(9))),
        // Not taken off, and confirmed.
        (&whole, Some(mark(3))),
        (&whole, None),
    ] {
        arrive(&site, frame, mark);
    }
    site.poll(0, 0);
    assert_eq!(site.sent(A).len(), 2);
    let last = site.stats[0].last_drops.get(DropReason::HeadersInDoubt);
    assert_eq!(last.unwrap().headers.front(), Front::InDoubt);
    let stats = site.stop();
    assert_eq!(stats[0].hints(port(UPLINK)).unknown.get(), 2);
    let all = moved(&stats[0]);
    assert!(all.contains("2.dropped.headers_in_doubt 2"), "{all}");

    // With all its rules gone, as long as it is known that there were some.
    let mut gone = Hints::new(Width::Bits16);
    for (strips, sent) in [(true, 0), (false, 1)] {
        gone.strips = strips;
        let mut site = Site::with_all(16, with(switch(), gone.clone()));
        site.learn(learned(0, guest(2).0, to_port(A)));
        arrive(&site, &whole, Some(mark(1)));
        site.poll(0, 0);
        assert_eq!(site.sent(A).len(), sent);
        site.stop();
    }
}

#[test]
fn whoever_still_has_outer_headers_shows_that_the_nic_lied() {
    let mut site = site();
    let (frame, whole) = (inner(1, 2, 0), tunnelled(1, 10, &inner(1, 2, 0)));
    arrive(&site, &whole, Some(mark(1)));
    site.poll(0, 0);
    assert_eq!(
        (site.sent(A).len(), lies(&mut site)),
        (0, vec![Lie::Headers])
    );
    let caught = |site: &Site| site.stats[0].hints(port(UPLINK)).lies.get();
    assert_eq!(caught(&site), 1, "looked at once, for its rule");

    // Whatever comes then, each is looked at.
    for _ in 0..2 * PROVING {
        arrive(&site, &frame, Some(mark(1)));
        site.poll(0, 0);
    }
    assert_eq!(site.sent(A).len(), 2 * PROVING as usize);
    arrive(&site, &whole, Some(mark(1)));
    site.poll(0, 5000);
    assert_eq!(
        (site.sent(A).len(), lies(&mut site)),
        (0, vec![Lie::Headers])
    );
    let stats = site.stop();
    let all = moved(&stats[0]);
    assert!(all.contains("2.dropped.headers_in_doubt 2"), "{all}");
}

/// Proved, and then seen by a sample.
#[test]
fn a_rule_that_was_proved_and_lies_is_looked_at_from_then_on() {
    let mut site = site();
    let (frame, whole) = (inner(1, 2, 0), tunnelled(1, 10, &inner(1, 2, 0)));
    let send = |site: &mut Site, frame: &[u8]| {
        arrive(site, frame, Some(mark(1)));
        site.poll(0, 0);
        site.sent(A).len()
    };
    let all: usize = (0..PROVING).map(|_| send(&mut site, &frame)).sum();
    assert_eq!(all, PROVING as usize);
    let mut sent = 0;
    while lies(&mut site).is_empty() {
        sent += send(&mut site, &whole);
        assert!(sent < 5000, "one of them is sampled");
    }
    assert!(sent > 0, "it was proved");
    let again: usize = (0..2 * PROVING).map(|_| send(&mut site, &frame)).sum();
    assert_eq!(again, 2 * PROVING as usize);
    assert_eq!(send(&mut site, &whole), 0);
    site.stop();
}

/// What the NIC said was of headers that are gone: whoever sends the packet must not hear of it.
#[test]
fn nothing_is_said_any_more_of_a_packet_that_was_sent() {
    use crate::io::{Checksum, RxChecksums};
    let mut site = site();
    let verdicts = RxChecksums {
        ip: Checksum::Good,
        l4: Checksum::Bad,
    };
    // Known by its mark, and not.
    for _ in 0..=PROVING {
        let packet = site.pool.alloc(&inner(1, 2, 0)).unwrap();
        let packet = packet.with_mark(Some(mark(1).get()));
        let packet = packet.with_rx_checksums(verdicts);
        assert!(site.rx[UPLINK].push(packet).is_ok());
        site.poll(0, 0);
        let sent = site.tx[A].pop().unwrap();
        assert_eq!(
            (sent.mark(), sent.rx_checksums()),
            (None, RxChecksums::default())
        );
    }
    site.stop();
}

#[test]
fn what_has_lost_its_mark_on_the_way_goes_nowhere() {
    let mut site = site();
    let frame = inner(1, 2, 500);
    for mark in [Some(mark(1)), Some(mark(9)), Some(mark(3)), None] {
        let packet = site.pool.alloc_chain(&frame, 100).unwrap();
        let packet = packet.with_mark(mark.map(Mark::get));
        assert!(site.rx[UPLINK].push(packet).is_ok());
    }
    site.poll(0, 0);
    assert_eq!(site.sent(A).len(), 0);
    let stats = site.stop();
    let all = moved(&stats[0]);
    let drops = "2.dropped.headers_in_doubt 2, 2.dropped.other_host 2";
    assert!(all.contains(drops), "{all}");
}

/// The tag inside is a guest's.
#[test]
fn a_frame_is_counted_for_the_link_whose_tag_was_taken_off_with_its_headers() {
    let mut snapshot = with(switch(), hints(Some(7)));
    edit_port(&mut snapshot, UPLINK, |port| {
        port.addresses[0].vlan = VlanId::new(7)
    });
    snapshot.links.push(Place {
        port: port(UPLINK),
        vlan: VlanId::new(7),
    });
    let mut site = Site::with_all(16, snapshot);
    site.learn(learned(0, guest(2).0, Destination::Remote(remote(1))));
    let frame = tagged(&inner(1, 2, 0), EtherType::VLAN, Tag::from_bits(9));
    arrive(&site, &frame, Some(mark(1)));
    // Too short for a frame: nothing enters a bridge.
    arrive(&site, &frame[..8], Some(mark(1)));
    site.poll(0, 0);
    let stats = site.stop();
    let all = moved(&stats[0]);
    assert!(all.contains("2.dropped.split_horizon 1"), "{all}");
    let frames = &stats[0].link(crate::testing::link(1)).frames;
    assert_eq!((frames.received.get(), frames.dropped.get()), (2, 2));
}

#[test]
fn it_is_shown_as_what_it_is() {
    let mut site = site();
    let (tap, mut reader) = tap(Wish::everything(PortSet::ALL), Limits::default());
    assert!(site.commands[0].push(Command::Watch(Box::new(tap))).is_ok());
    let whole = tunnelled(1, 10, &inner(1, 2, 0));
    site.learn(learned(0, guest(3).0, Destination::Remote(remote(1))));
    arrive(&site, &inner(1, 2, 0), Some(mark(1)));
    arrive(&site, &inner(1, 3, 0), Some(mark(1)));
    arrive(&site, &whole, None);
    arrive(&site, &whole, Some(mark(9)));
    site.poll(0, 0);
    let mut bytes = Vec::new();
    let notes = std::iter::from_fn(|| reader.read(&mut bytes));
    let notes = notes.filter(|note| note.moment.side == Side::Received);
    let told: Vec<_> = notes
        .map(|note| (note.moment.front, note.moment.verdict))
        .collect();
    let dropped = |reason| Some(Verdict::Dropped(reason));
    let forwarded = Some(Verdict::Forwarded);
    let expected = [
        (Front::Bare(None), forwarded),
        (Front::Bare(None), dropped(DropReason::SplitHorizon)),
        (Front::Whole, forwarded),
        (Front::InDoubt, dropped(DropReason::HeadersInDoubt)),
    ];
    assert_eq!(told, expected);
    let last = site.stats[0]
        .last_drops
        .get(DropReason::SplitHorizon)
        .unwrap();
    assert_eq!(last.headers.bytes(), inner(1, 3, 0));
    assert_eq!(last.headers.front(), Front::Bare(None));
    site.stop();
}

#[test]
fn checksums_that_a_sender_left_open_are_finished_inside_too() {
    let mut snapshot = with(switch(), hints(None));
    edit_port(&mut snapshot, UPLINK, |port| {
        port.rx_checksum = RxChecksum::Recompute
    });
    let mut site = Site::with_all(16, snapshot);
    site.learn(learned(0, guest(2).0, to_port(A)));
    let frame = inner(1, 2, 9);
    let mut open = frame.clone();
    open[40] ^= 0x55;
    arrive(&site, &open, Some(mark(1)));
    site.poll(0, 0);
    assert_eq!(site.sent(A), [frame]);
    site.stop();
}
