//! What a worker shows of its packets to who looks.

mod last;

use super::*;
use crate::action::Verdict;
use crate::io::heap::HeapPacket;
use crate::testing::DOWN;
use crate::trace::last::Place;
use crate::trace::note::{Decided, Note, Side};
use crate::trace::tap::{Limits, TapReader, tap};
use crate::trace::watch::MAX_TAPS;
use crate::trace::wish::{Only, PortSet, Wish};

fn watch(site: &mut Site, worker: usize, wish: Wish) -> TapReader {
    let (tap, reader) = tap(wish, Limits::default());
    let command = Command::Watch(Box::new(tap));
    assert!(site.commands[worker].push(command).is_ok());
    reader
}

fn everything() -> Wish {
    Wish::everything(PortSet::ALL)
}

fn drops(only: Only) -> Wish {
    Wish {
        only,
        ..everything()
    }
}

fn notes(reader: &mut TapReader) -> Vec<(Note, Vec<u8>)> {
    let mut bytes = Vec::new();
    std::iter::from_fn(|| Some((reader.read(&mut bytes)?, bytes.clone()))).collect()
}

/// Port, side, and for a drop of the packet or of a copy the name of it.
fn told(reader: &mut TapReader) -> Vec<String> {
    let notes = notes(reader).into_iter().map(|(note, _)| {
        let moment = note.moment;
        let side = match moment.side {
            Side::Received => "in",
            Side::Sent => "out",
        };
        let verdict = match moment.verdict {
            Some(Verdict::Dropped(reason)) => format!(" {}", reason.name()),
            Some(verdict) => format!(" {verdict:?}").to_lowercase(),
            None => String::new(),
        };
        let copies = moment.copies_dropped.iter();
        let copies: String = copies
            .map(|reason| format!(" copy {}", reason.name()))
            .collect();
        format!("{} {side}{verdict}{copies}", moment.port)
    });
    notes.collect()
}

#[test]
fn each_packet_of_a_burst_has_its_own_verdict() {
    let mut snapshot = switch();
    edit_port(&mut snapshot, UPLINK, |port| port.rx_limit = Some(1000));
    let mut site = Site::with_all(16, snapshot);
    site.learn(learned(0, guest(2).0, to_port(A)));
    site.learn(learned(0, guest(3).0, Destination::Remote(remote(0))));
    let good = tunnelled(1, 10, &inner(1, 2, 0));
    let mut bad = good.clone();
    bad[24] ^= 1;
    let frames = [
        good.clone(),
        vec![0; 1000],
        bad.clone(),
        good.clone(),
        tunnelled(1, 10, &inner(1, 3, 0)),
        outer(1).arp_request(),
        vec![0; 1001],
        tunnelled(7, 10, &inner(1, 2, 0)),
        good,
        bad,
    ];
    let mut reader = watch(&mut site, 0, everything());
    let mut of_drops = watch(&mut site, 0, drops(Only::Dropped));
    for frame in &frames {
        site.arrive(UPLINK, frame);
    }
    site.poll(0, 0);
    let copies = notes(&mut reader);
    let lost = copies
        .iter()
        .filter(|(note, _)| matches!(note.moment.verdict, Some(Verdict::Dropped(_))));
    assert!(
        lost.eq(&notes(&mut of_drops)),
        "the same, if only they are wanted"
    );
    let received = copies
        .iter()
        .filter(|(note, _)| note.moment.side == Side::Received);
    let bytes: Vec<_> = received.map(|(_, bytes)| bytes.clone()).collect();
    assert_eq!(bytes, frames);
    let verdicts: Vec<_> = copies
        .iter()
        .filter_map(|(note, _)| note.moment.verdict)
        .collect();
    let dropped = Verdict::Dropped;
    let (cut, damaged) = (DropReason::FrameTruncated, DropReason::IpChecksum);
    let expected = [
        Verdict::Forwarded,
        dropped(cut),
        dropped(damaged),
        Verdict::Forwarded,
        dropped(DropReason::SplitHorizon),
        Verdict::Consumed,
        dropped(cut),
        dropped(DropReason::RemoteUnknown),
        Verdict::Forwarded,
        dropped(damaged),
    ];
    assert_eq!(verdicts, expected);
    let queues = copies
        .iter()
        .map(|(note, _)| note.moment.queue.map(QueueId::index));
    assert!(queues.eq([Some(0); 13]), "received, and sent");
    let cycles = copies[0].0.moment.cycles;
    assert!(cycles.is_some_and(|cycles| cycles.packets == 10 && cycles.decide > 0));
    site.punts[0].pop().unwrap();
    let stats = site.stop();
    let expected = "0.enqueued 3, 0.sent 3, 2.received 10, 2.forwarded 3, 2.consumed 1, \
        2.dropped.frame_truncated 2, 2.dropped.ip_checksum 2, 2.dropped.remote_unknown 1, \
        2.dropped.split_horizon 1";
    assert!(
        moved(&stats[0]).starts_with(expected),
        "{}",
        moved(&stats[0])
    );
}

#[test]
fn who_decided_is_told_for_each_packet() {
    let frames = [
        tunnelled(1, 10, &inner(1, 2, 0)),
        tunnelled(9, 10, &inner(1, 2, 0)),
        outer(1).arp_request(),
    ];
    let decided = |cache_entries: usize| {
        let mut site = Site::alone(cache_entries);
        let mut reader = watch(&mut site, 0, everything());
        for frame in [0, 1, 0, 2, 2, 1] {
            site.arrive(UPLINK, &frames[frame]);
        }
        site.poll(0, 0);
        while site.punts[0].pop().is_ok() {}
        site.stop();
        let notes = notes(&mut reader).into_iter();
        notes
            .filter(|(note, _)| note.moment.side == Side::Received)
            .map(|(note, _)| note.moment.decided.unwrap())
            .collect::<Vec<_>>()
    };
    use Decided::{Entry, Made, Resolved};
    assert_eq!(
        decided(16),
        [Made(0), Made(1), Entry(0), Made(2), Entry(2), Entry(1)]
    );
    assert_eq!(decided(0), [Resolved; 6]);
}

#[test]
fn only_drops_are_copied_if_only_they_are_wanted() {
    let mut site = Site::alone(16);
    site.learn(learned(0, guest(2).0, to_port(B)));
    site.learn(learned(0, guest(3).0, to_port(A)));
    let mut all = watch(&mut site, 0, drops(Only::Dropped));
    let same = DropReason::SamePort;
    let mut one = watch(&mut site, 0, drops(Only::DroppedFor(same)));
    for to in [2, 3, 2] {
        site.arrive(A, &inner(1, to, 0));
    }
    site.arrive(LONE, &inner(1, 2, 0));
    // One of two copies: the port is down.
    site.arrive(BOTH, &inner(1, 9, 0));
    site.poll(0, 0);
    assert_eq!(told(&mut one), ["0 in same_port"]);
    let mut told = told(&mut all);
    told.sort_unstable();
    let flooded = "3 in forwarded copy port_down";
    assert_eq!(told, ["0 in same_port", flooded, "4 in no_bridge"]);
    let last = |reason| {
        let last = site.stats[0].last_drops.get(reason).unwrap();
        (last.port, last.place, last.headers.bytes().to_vec())
    };
    let kept = (port(A), Place::Received, inner(1, 3, 0));
    assert_eq!(last(same), kept);
    let down = last(DropReason::PortDown);
    assert_eq!(down, (port(BOTH), Place::Copy, inner(1, 9, 0)));
    site.stop();
}

#[test]
fn what_a_full_port_does_not_take_is_told_as_such() {
    let mut site = Site::alone(16);
    site.learn(learned(0, guest(2).0, to_port(B)));
    let mut reader = watch(&mut site, 0, everything());
    let mut lost = watch(&mut site, 0, drops(Only::Dropped));
    for number in 0..3 * BURST {
        site.arrive(A, &inner(1, 2, number));
    }
    while site.poll(0, 0) > 0 {}
    let told = told(&mut reader);
    let count = |what: &str| told.iter().filter(|told| *told == what).count();
    let full = 3 * BURST - crate::testing::TX;
    assert_eq!(count("0 in forwarded"), 3 * BURST);
    assert_eq!(
        (count("1 out"), count("1 out tx_full")),
        (crate::testing::TX, full)
    );
    // The last ones, as they were to leave.
    let lost = notes(&mut lost);
    let lens: Vec<_> = lost.iter().map(|(note, _)| note.len as usize).collect();
    assert!(
        lens.into_iter()
            .eq((0..3 * BURST).map(|n| 42 + n).skip(3 * BURST - full))
    );
    let last = site.stats[0].last_drops.get(DropReason::TxFull).unwrap();
    assert_eq!(
        (last.number, last.port, last.place),
        (full as u64, port(B), Place::Sent)
    );
    let stats = site.stop();
    let expected = format!("1.tx_dropped.tx_full {full}");
    assert!(moved(&stats[0]).contains(&expected), "{}", moved(&stats[0]));
}

#[test]
fn what_was_handed_over_in_vain_is_told_by_who_drops_it() {
    let mut site = Site::new(2, 16);
    site.add_rx(1, A);
    site.learn(learned(0, guest(2).0, to_port(B)));
    let mut giver = watch(&mut site, 1, drops(Only::Dropped));
    let mut taker = watch(&mut site, 0, drops(Only::Dropped));
    for _ in 0..crate::testing::RING + 2 {
        site.arrive(A, &inner(1, 2, 0));
    }
    site.poll(1, 0);
    assert_eq!(told(&mut giver), ["1 out handoff_full"; 2]);
    site.originate(0, DOWN, &inner(1, 2, 0));
    site.poll(0, 0);
    let expected = ["1 out port_down"; crate::testing::RING].into_iter();
    assert!(
        told(&mut taker)
            .into_iter()
            .eq(expected.chain(["5 out port_down"]))
    );
    // And what waits in the ring when everything ends.
    site.arrive(A, &inner(1, 2, 0));
    site.poll(1, 0);
    site.stop();
    assert_eq!(told(&mut taker), ["1 out shutdown"]);
}

#[test]
fn what_control_kept_in_vain_is_told_with_the_port_that_it_came_from() {
    let mut site = Site::alone(16);
    let mut reader = watch(&mut site, 0, drops(Only::Dropped));
    let long = site.pool.alloc(&vec![0; 1600]).unwrap();
    let packet: HeapPacket = long;
    let (ingress, remote) = (port(A), remote(0));
    let to = HandoffTo::Remote { ingress, remote };
    assert!(site.rings[0].push(Handoff { packet, to }).is_ok());
    site.poll(0, 0);
    assert_eq!(told(&mut reader), ["0 in mtu_exceeded"]);
    let last = site.stats[0]
        .last_drops
        .get(DropReason::MtuExceeded)
        .unwrap();
    assert_eq!((last.place, last.headers.len()), (Place::Waited, 1600));
    site.workers.clear();
}

#[test]
fn a_tap_is_given_back_when_nobody_reads_it_or_there_are_too_many() {
    let mut site = Site::alone(16);
    site.poll(0, 0);
    let mut readers: Vec<_> = (0..=MAX_TAPS)
        .map(|_| watch(&mut site, 0, everything()))
        .collect();
    site.poll(0, 0);
    assert_eq!(names(&mut site.returned[0]), ["tap"]);
    assert!(readers.pop().is_some_and(|last| last.is_abandoned()));
    drop(readers.remove(1));
    site.arrive(LONE, &inner(1, 2, 0));
    site.poll(0, 0);
    assert_eq!(names(&mut site.returned[0]), ["tap"]);
    for reader in &mut readers {
        assert_eq!(told(reader), ["4 in no_bridge"]);
    }
    let rest = site.workers.remove(0).stop();
    let taps = rest.iter().filter(|back| matches!(back, Returned::Tap(_)));
    assert_eq!(taps.count(), MAX_TAPS - 1);
}
