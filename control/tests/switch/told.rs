//! What is told of a drop, whoever is asked: counters, a capture, the last packet, the explanation of a
//! frame and that of a reason say the same for every reason.

use crate::behind;
use crate::capture::Running;
use crate::common::{Switch, broadcast, from_to};
use crate::dropped::shown;
use crate::explain::explain;
use crate::reasons::{
    Stage, single, staged, usual, with_a_silent_remote, with_two_workers, without_b,
};
use control::api::messages::{DropCount, DropPlace, Explanation, Fate, Reason, Verdict};
use fastpath::drop::DropReason;
use fastpath::trace::last::HEADERS;
use std::collections::BTreeMap;

/// Packets by port, side and reason.
type Drops = BTreeMap<(String, &'static str, String), u64>;

/// Of all reasons but three, as [`crate::drops`] makes sure: of `shutdown` there is
/// [`what_is_dropped_at_the_end_is_in_the_capture`], and nothing leads here to `no_headroom`, since a
/// fresh packet of any pool has room for the outer headers, nor to `headers_in_doubt`, without a NIC that
/// takes these off.
fn stages() -> Vec<Stage> {
    let of_single = single().into_iter().map(|(reason, port, frame)| {
        let mut stage = Stage::one(reason, usual, port, frame.clone(), "");
        stage.lost.push(frame.clone());
        // Resolved, and out of the cache.
        stage.act = Box::new(move |switch| {
            switch.pass(port, &frame);
            switch.pass(port, &frame);
        });
        stage
    });
    of_single.chain(staged()).collect()
}

#[test]
fn every_reason_is_told_alike_by_whoever_is_asked() {
    for stage in stages() {
        println!("{:?} at {}", stage.reason, stage.port);
        let mut switch = (stage.build)();
        let capture = Running::of(&mut switch, "drops");
        let one = Running::of(&mut switch, &format!("drops {}", stage.reason.name()));
        let (before, total) = (counted(&mut switch), by_name(&mut switch));
        if stage.explained {
            let life = explain(&mut switch.rig, stage.port, &stage.lost[0]);
            assert_eq!(reasons(&life), [stage.reason.name()]);
        }
        (stage.act)(&mut switch);
        let moved = since(&before, &counted(&mut switch));
        expect(&stage, &moved);
        let total = since(&total, &by_name(&mut switch));
        let name = stage.reason.name().to_owned();
        assert_eq!(total, [(name, stage.lost.len() as u64)].into());
        let copies = capture.copies();
        assert_eq!(in_capture(&copies), moved, "{copies:?}");
        assert_eq!(bytes(&copies), stage.lost);
        assert_eq!(one.copies(), copies);
        last_is_told(&mut switch, &stage);
        switch.close();
    }
}

/// The counter of the stage, and no other.
fn expect(stage: &Stage, moved: &Drops) {
    let keys: Vec<_> = moved.keys().collect();
    let [(port, _, reason)] = &keys[..] else {
        panic!("{moved:?}");
    };
    assert_eq!((&**port, &**reason), (stage.port, stage.reason.name()));
    assert!(moved.values().eq([&(stage.lost.len() as u64)]));
}

/// Who asks for the reason finds the counter, with the last packet.
fn last_is_told(switch: &mut Switch, stage: &Stage) {
    let behind = behind::drops(switch, stage.reason);
    assert_eq!(behind.reason.reason, stage.reason.name());
    let mut shown = shown(switch, None);
    shown.retain(|drop| drop.reason == stage.reason.name());
    let rows = |drops: &[DropCount]| {
        let row = |drop: &DropCount| (drop.port.clone(), drop.place, drop.packets);
        drops.iter().map(row).collect::<Vec<_>>()
    };
    assert_eq!(rows(&behind.counters), rows(&shown));
    let last = shown.iter().find(|drop| drop.port == stage.port);
    let last = last.and_then(|drop| drop.last.as_ref()).unwrap();
    let packet = stage.lost.last().unwrap();
    assert_eq!((&last.head.0[..], last.len), (head(packet), packet.len()));
}

fn head(packet: &[u8]) -> &[u8] {
    packet.get(..HEADERS).unwrap_or(packet)
}

fn counted(switch: &mut Switch) -> Drops {
    let side = |drop: &DropCount| match drop.place {
        DropPlace::TxDropped => "sent",
        DropPlace::Dropped | DropPlace::CopiesDropped | DropPlace::WaitDropped => "received",
    };
    let all = shown(switch, None).into_iter();
    all.map(|drop| ((drop.port.clone(), side(&drop), drop.reason), drop.packets))
        .collect()
}

fn by_name(switch: &mut Switch) -> BTreeMap<String, u64> {
    switch.rig.stats().drops.into_iter().collect()
}

/// What was added to each, without those to which nothing was.
fn since<K: Ord + Clone>(before: &BTreeMap<K, u64>, after: &BTreeMap<K, u64>) -> BTreeMap<K, u64> {
    let more = |(key, now): (&K, &u64)| (key.clone(), now - before.get(key).unwrap_or(&0));
    let moved = after.iter().map(more);
    moved.filter(|(_, packets)| *packets > 0).collect()
}

/// Each reason that a comment names.
fn in_capture(copies: &[(String, Vec<u8>)]) -> Drops {
    let mut drops = Drops::new();
    for (text, _) in copies {
        let (port, comment) = text.split_once(": ").unwrap();
        let mut sides = ["received", "sent"].into_iter();
        let side = sides.find(|side| comment.starts_with(side)).unwrap();
        let parts = comment.split(", ");
        for reason in parts.filter_map(|part| part.strip_prefix("reason ")) {
            let key = (port.to_owned(), side, reason.to_owned());
            *drops.entry(key).or_default() += 1;
        }
    }
    drops
}

fn bytes(copies: &[(String, Vec<u8>)]) -> Vec<Vec<u8>> {
    copies.iter().map(|(_, bytes)| bytes.clone()).collect()
}

/// Of the frame and of its copies.
fn reasons(life: &Explanation) -> Vec<&str> {
    let verdict = match &life.verdict {
        Verdict::Dropped(why) => Some(why),
        Verdict::Forwarded | Verdict::Consumed | Verdict::Waiting => None,
    };
    let ends = life.steps.iter().flat_map(|step| &step.ends);
    let dropped = ends.filter_map(|end| match &end.fate {
        Fate::Dropped(why) => Some(why),
        Fate::Sent { .. } | Fate::Waiting | Fate::Consumed => None,
    });
    let all = verdict.into_iter().chain(dropped);
    let mut names: Vec<_> = all.map(|Reason { reason, .. }| reason.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Of each reason one copy: of several the packet is there once.
#[test]
fn a_frame_of_which_copies_are_dropped_for_several_reasons_names_them_all() {
    let mut switch = without_b();
    let capture = Running::of(&mut switch, "drops");
    let reasons = [DropReason::PortDown, DropReason::NoRoute];
    let of_one =
        reasons.map(|reason| Running::of(&mut switch, &format!("drops {}", reason.name())));
    let frame = broadcast(1);
    let before = counted(&mut switch);
    switch.pass("a", &frame);
    let moved = since(&before, &counted(&mut switch));
    let expected = reasons.map(|reason| {
        let key = ("a".to_owned(), "received", reason.name().to_owned());
        (key, 1)
    });
    assert_eq!(moved, expected.into());
    let copies = capture.copies();
    assert_eq!(in_capture(&copies), moved);
    assert_eq!(bytes(&copies), std::slice::from_ref(&frame));
    for one in of_one {
        assert_eq!(one.copies(), copies);
    }
    let shown = shown(&mut switch, Some("a"));
    let mut last = shown.iter().map(|drop| drop.last.as_ref());
    assert!(last.all(|last| last.is_some_and(|last| last.head.0 == frame)));
    switch.close();
}

#[test]
fn what_is_dropped_at_the_end_is_in_the_capture() {
    let name = DropReason::Shutdown.name();
    // In a ring between workers, and with control.
    let mut switch = with_two_workers();
    let capture = Running::of(&mut switch, "drops");
    let frame = broadcast(2);
    switch.rig.send("b", &frame);
    switch.rig.poll(1);
    let copies = at_the_end(switch, capture, 2);
    let sent = |port: &str| ((port.to_owned(), "sent", name.to_owned()), 1);
    assert_eq!(in_capture(&copies), [sent("a"), sent("c")].into());
    assert_eq!(bytes(&copies), [frame.clone(), frame]);

    let mut switch = with_a_silent_remote();
    let capture = Running::of(&mut switch, "drops");
    let frame = from_to(1, 6);
    switch.pass("a", &frame);
    let copies = at_the_end(switch, capture, 1);
    let key = ("a".to_owned(), "received", name.to_owned());
    assert_eq!(in_capture(&copies), [(key, 1)].into());
    assert_eq!(bytes(&copies), [frame]);
}

/// What was captured of so many packets that are dropped when the switch stops.
fn at_the_end(switch: Switch, capture: Running, dropped: u64) -> Vec<(String, Vec<u8>)> {
    let stats = switch.rig.worker_stats();
    let account = switch.rig.close();
    assert_eq!(account.dropped, dropped);
    let copies = capture.copies();
    let last = stats
        .iter()
        .find_map(|stats| stats.last_drops.get(DropReason::Shutdown));
    let (_, packet) = copies.last().unwrap();
    assert_eq!(last.unwrap().headers.bytes(), head(packet));
    copies
}
