//! What would decide a frame is what the caches have of it, at each worker that polls its port.

use crate::cache::{caches, decap, small, tunnelled};
use crate::common::{LAN, Switch, broadcast, from_peer, from_to, vxlan};
use crate::explain::{explain, question};
use control::api::Answer;
use control::api::messages::{DecidedBy, Entries, EntryNumber, Method, Poller, Reply};
use control::config::Wanted;

/// What the one worker says that polls the port.
fn told(switch: &mut Switch, port: &str, frame: &[u8]) -> Poller {
    let [poller] = &explain(&mut switch.rig, port, frame).pollers[..] else {
        panic!("not one worker");
    };
    poller.clone()
}

const RESOLVED: Option<DecidedBy> = Some(DecidedBy {
    resolved: true,
    entry: None,
});

fn by(entry: EntryNumber) -> Option<DecidedBy> {
    Some(DecidedBy {
        resolved: false,
        entry: Some(entry),
    })
}

#[test]
fn a_hit_names_the_entry_that_is_shown_and_a_miss_none() {
    let mut switch = tunnelled();
    let shown = caches(&mut switch.rig, Entries::All);
    for _ in 0..2 {
        let of_tunnel = told(&mut switch, "uplink", &from_peer(1, &from_to(9, 1)));
        let entry = decap(&shown).clone();
        assert_eq!(of_tunnel.decided, by(entry.entry));
        assert_eq!(of_tunnel.entry, Some(entry));
        let of_a = told(&mut switch, "a", &from_to(5, 6));
        let entry = shown.entries.iter().find(|entry| entry.port == "a");
        assert_eq!(of_a.entry.as_ref(), entry);
        assert!(of_tunnel.remembered && of_a.remembered);
        assert_eq!((of_a.worker, &of_a.queues[..]), (0, &[0][..]));
        let of_b = told(&mut switch, "b", &from_to(2, 1));
        assert_eq!((of_b.decided, of_b.entry), (RESOLVED, None));
    }
    // Nobody was counted by asking.
    assert_eq!(caches(&mut switch.rig, Entries::All), shown);
    switch.pass("a", &from_to(5, 6));
    let packets = |poller: Poller| poller.entry.unwrap().packets;
    assert_eq!(packets(told(&mut switch, "a", &from_to(5, 6))), 4);
    switch.close();
}

#[test]
fn after_a_flush_it_is_a_miss_until_a_packet_has_come() {
    let mut switch = tunnelled();
    let frame = from_to(1, 2);
    assert!(!told(&mut switch, "a", &frame).decided.unwrap().resolved);
    assert!(switch.rig.change(Method::CacheFlush).is_some());
    let poller = told(&mut switch, "a", &frame);
    let expected = (RESOLVED, None, false);
    assert_eq!((poller.decided, poller.entry, poller.remembered), expected);
    switch.pass("a", &frame);
    let entry = told(&mut switch, "a", &frame).entry.unwrap();
    assert_eq!((entry.packets, entry.current), (1, true));
    switch.close();
}

/// A sender who becomes a remote changes what is decided about packets of the underlay.
#[test]
fn a_stale_entry_is_told_and_that_it_does_not_decide() {
    let mut switch = Switch::new(&small(&vxlan("accept = \"any\"")));
    let frame = from_peer(9, &from_to(3, 1));
    switch.pass("uplink", &frame);
    let before = told(&mut switch, "uplink", &frame);
    let stale = before.entry.unwrap();
    assert_eq!((before.decided, stale.current), (RESOLVED, false));
    switch.pass("uplink", &frame);
    let after = told(&mut switch, "uplink", &frame);
    let entry = after.entry.unwrap();
    assert_eq!((after.decided, entry.current), (by(entry.entry), true));
    switch.close();
}

/// Port b, of three queues, is polled by worker 1 first.
#[test]
fn each_worker_that_polls_a_queue_of_the_port_is_asked_and_no_other() {
    let two = LAN.replace("\"b\"\ndevice", "\"b\"\nrx_queues = 3\ndevice");
    let mut switch = Switch::cold(Wanted::parse(&small(&two), "test").unwrap(), 2);
    let frame = broadcast(1);
    let asked = |switch: &mut Switch, port| {
        let pollers = explain(&mut switch.rig, port, &frame).pollers.into_iter();
        let one = |poller: Poller| {
            (
                poller.worker,
                poller.queues,
                poller.decided.unwrap().resolved,
            )
        };
        pollers.map(one).collect::<Vec<_>>()
    };
    assert_eq!(asked(&mut switch, "a"), [(0, vec![0], true)]);
    let miss = [(0, vec![1], true), (1, vec![0, 2], true)];
    assert_eq!(asked(&mut switch, "b"), miss);
    assert!(switch.rig.send_by("b", 1, &frame));
    switch.rig.run(1);
    let hit = [(0, vec![1], false), (1, vec![0, 2], true)];
    assert_eq!(asked(&mut switch, "b"), hit);
    assert!(switch.rig.send_by("b", 2, &frame));
    switch.rig.run(1);
    let both = [(0, vec![1], false), (1, vec![0, 2], false)];
    assert_eq!(asked(&mut switch, "b"), both);
    switch.rig.remove_device("b");
    assert_eq!(asked(&mut switch, "b"), [], "nobody polls it");
    switch.rig.run(3);
    switch.close();
}

#[test]
fn what_its_stages_took_is_told_unless_it_is_dropped_before() {
    let mut switch = Switch::new(LAN);
    let life = explain(&mut switch.rig, "a", &broadcast(1));
    let cycles = life.cycles.unwrap();
    assert_eq!(cycles.decide, cycles.parse + cycles.resolve);
    let long = [&broadcast(1)[..], &[7; 3000]].concat();
    let life = explain(&mut switch.rig, "a", &long);
    assert_eq!((life.cycles, &life.pollers[..]), (None, &[][..]));
    switch.close();
}

/// Who is asked for in vain holds up nobody for long, and is named.
#[test]
fn a_worker_that_does_not_come_round_is_named_and_the_others_answer() {
    let two = LAN.replace("\"b\"\ndevice", "\"b\"\nrx_queues = 2\ndevice");
    let mut switch = Switch::cold(Wanted::parse(&small(&two), "test").unwrap(), 2);
    // Worker 1 hangs.
    let waits = |switch: &mut Switch, milliseconds: u64| {
        for _ in 0..milliseconds {
            switch.rig.wait(1);
            switch.rig.step();
            switch.rig.poll(0);
        }
    };
    let asks = |switch: &mut Switch, port| {
        let question = question(port, &broadcast(1), true);
        switch.rig.ask_later(question).unwrap()
    };
    let told = |answer: &mut Answer| match answer.try_recv() {
        Ok(Ok(Reply::Explanation(life))) => {
            let pollers = life.pollers.iter();
            Some(
                pollers
                    .map(|one| (one.worker, one.decided.is_some()))
                    .collect::<Vec<_>>(),
            )
        }
        _ => None,
    };
    let (mut both, mut one) = (asks(&mut switch, "b"), asks(&mut switch, "a"));
    waits(&mut switch, 4900);
    assert_eq!((told(&mut both), told(&mut one)), (None, None));
    waits(&mut switch, 200);
    let expected = Some(vec![(0, true), (1, false)]);
    assert_eq!(told(&mut both), expected);
    assert_eq!(told(&mut one), Some(vec![(0, true)]));
    // It is known now.
    let mut again = asks(&mut switch, "b");
    waits(&mut switch, 20);
    assert_eq!(told(&mut again), expected);
    let mut cache = switch
        .rig
        .ask_later(Method::CacheShow(Entries::All))
        .unwrap();
    waits(&mut switch, 20);
    let refused = cache.try_recv().unwrap().unwrap_err().to_string();
    assert!(refused.contains("worker 1 does not answer"), "{refused}");
    // It comes round, and what it says late is not taken for an answer to another question.
    switch.rig.run(3);
    let mut after = asks(&mut switch, "b");
    switch.rig.run(20);
    assert_eq!(told(&mut after), Some(vec![(0, true), (1, true)]));
    // Nobody is said to be silent because a client went before it was answered.
    let (gone, mut next) = (asks(&mut switch, "b"), asks(&mut switch, "b"));
    (0..5).for_each(|_| switch.rig.step());
    drop(gone);
    (0..5).for_each(|_| switch.rig.step());
    switch.rig.run(20);
    assert_eq!(told(&mut next), Some(vec![(0, true), (1, true)]));
    switch.close();
}
