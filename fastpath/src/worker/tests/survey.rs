//! What a worker tells of its cache, while it goes on.

use super::*;
use crate::cache::{Survey, Task, Which};
use crate::io::heap::HeapIo;
use crate::key::Field;

fn order(site: &mut Site, task: Task) {
    let survey = Box::new(Survey::new(task, 64));
    assert!(site.commands[0].push(Command::Survey(survey)).is_ok());
}

fn given_back(site: &mut Site) -> Option<Box<Survey>> {
    match site.returned[0].pop().ok()? {
        Returned::Surveyed(survey) => Some(survey),
        _ => panic!("something else"),
    }
}

/// The survey, and how many rounds it took.
pub(super) fn survey(site: &mut Site, task: Task) -> (Box<Survey>, usize) {
    order(site, task);
    let mut rounds = 0;
    loop {
        site.poll(0, 0);
        rounds += 1;
        if let Some(survey) = given_back(site) {
            return (survey, rounds);
        }
    }
}

/// A worker with as many frames from A and from two remotes as are asked for, each in bursts of four.
pub(super) fn forwarding(cache_entries: usize, bursts: usize) -> Site {
    let mut site = Site::alone(cache_entries);
    site.learn(learned(0, guest(2).0, to_port(B)));
    for _ in 0..bursts {
        for n in 0..4 {
            site.arrive(A, &inner(1, 2, n));
            site.arrive(
                UPLINK,
                &tunnelled(1 + 8 * (n as u8 % 2), 10, &inner(1, 2, n)),
            );
        }
        site.poll(0, 0);
        site.sent(B);
    }
    site
}

/// Packets by entry: the ingress port, the outer source's last byte, how many.
fn packets(survey: &Survey) -> Vec<(u64, u64, u64)> {
    let records = survey.records().iter();
    let packets = records.map(|record| {
        let key = record.key;
        let from = key.get(Field::SRC_IP) & 0xff;
        (key.get(Field::INGRESS), from, record.packets)
    });
    packets.collect()
}

#[test]
fn what_a_memo_recalls_is_counted_for_its_entry_and_mask() {
    let mut site = forwarding(16, 5);
    let (survey, rounds) = survey(&mut site, Task::Show(Which::All));
    assert_eq!(rounds, 1);
    let (a, uplink) = (A as u64, UPLINK as u64);
    let mut packets = packets(&survey);
    packets.sort_unstable();
    assert_eq!(packets, [(a, 0, 20), (uplink, 1, 10), (uplink, 9, 10)]);
    let hits = survey.totals().masks.iter().map(|one| one.hits);
    let hits: u64 = hits.sum();
    let counters = moved(&site.stop()[0]);
    assert!(
        counters.ends_with("hits 37, misses 3, inserted 3"),
        "{counters}"
    );
    assert_eq!(hits, 37);
}

#[test]
fn what_a_memo_recalled_is_counted_when_it_is_forgotten() {
    let mut site = forwarding(16, 5);
    site.publisher.publish(switch());
    site.poll(0, 0);
    let (survey, _) = survey(&mut site, Task::Show(Which::All));
    let packets = packets(&survey).into_iter().map(|(_, _, packets)| packets);
    assert_eq!(packets.sum::<u64>(), 40);
    site.stop();
}

/// Packets with a checksum and without one, of one remote, share a place of the memo.
#[test]
fn what_a_memo_recalled_is_counted_when_it_gives_way() {
    let mut site = Site::alone(16);
    let mut with = tunnelled(1, 10, &inner(1, 2, 0));
    with[40..42].copy_from_slice(&[0x12, 0x34]);
    for frame in [&with, &tunnelled(1, 10, &inner(1, 2, 0))].repeat(3) {
        for _ in 0..5 {
            site.arrive(UPLINK, frame);
        }
        site.poll(0, 0);
    }
    let (survey, _) = survey(&mut site, Task::Show(Which::All));
    assert_eq!(packets(&survey), [(UPLINK as u64, 1, 30)]);
    site.stop();
}

/// The cache has room for two, and three take turns.
#[test]
fn hits_and_insertions_are_the_packets_of_entries_there_and_gone() {
    let mut site = forwarding(2, 9);
    let (survey, _) = survey(&mut site, Task::Show(Which::All));
    let there = packets(&survey).into_iter().map(|(_, _, packets)| packets);
    let counted = there.sum::<u64>() + survey.totals().gone;
    assert!(survey.totals().gone > 0);
    let totals = survey.totals();
    let hits: u64 = totals.masks.iter().map(|one| one.hits).sum();
    let stats = site.stop();
    let cache = &stats[0].cache;
    assert!(cache.evicted.get() > 0);
    assert_eq!(counted, cache.hits.get() + cache.inserted.get());
    assert_eq!(hits + totals.other_hits, cache.hits.get());
}

/// A worker that takes frames from anyone on port BOTH.
pub(super) fn open(cache_entries: usize) -> Site {
    let mut snapshot = switch();
    edit_port(&mut snapshot, BOTH, |port| {
        port.addresses = vec![untagged(vtep(2).1)];
    });
    let mut site = Site::with_all(cache_entries, snapshot);
    site.learn(learned(0, guest(2).0, to_port(B)));
    site
}

/// A frame of each of so many strangers of tunnel 1, each of whom makes an entry, and before each of
/// them one from A.
pub(super) fn strangers(site: &mut Site, count: u16) {
    let us = (Mac::new([2, 0, 0, 0, 2, BOTH as u8]), vtep(2).1);
    for n in 0..count {
        site.arrive(A, &inner(1, 2, 0));
        let stranger = (vtep(1).0, [203, 0, (n >> 8) as u8, n as u8].into());
        let vni = Vni::from_bytes([0, 0, 20]);
        site.arrive(
            BOTH,
            &Pair::new(stranger, us).vxlan(5, vni, &inner(1, 2, 0)),
        );
        site.poll(0, 0);
        for number in [A, B, UPLINK, BOTH] {
            site.sent(number);
        }
    }
}

/// Of strangers memos remember 256; the entry of A is never hit.
#[test]
fn a_full_cache_keeps_what_is_recalled() {
    let mut site = open(400);
    strangers(&mut site, 1500);
    assert!(site.stats[0].cache.evicted.get() > 1000);
    let (survey, _) = survey(&mut site, Task::Show(Which::Port(port(A))));
    assert_eq!(packets(&survey), [(A as u64, 0, 1500)]);
    site.stop();
}

#[test]
fn after_a_flush_everything_is_decided_anew() {
    let mut site = forwarding(16, 2);
    let (flush, _) = survey(&mut site, Task::Flush);
    assert_eq!(flush.found(), 3);
    assert_eq!(site.stats[0].cache.entries.get(), 0);
    site.arrive(A, &inner(1, 2, 0));
    site.arrive(UPLINK, &tunnelled(1, 10, &inner(1, 2, 0)));
    site.poll(0, 0);
    let counters = moved(&site.stop()[0]);
    let expected = "hits 13, misses 5, inserted 5, flushed 3";
    assert!(counters.ends_with(expected), "{counters}");
}

#[test]
fn many_entries_are_looked_over_in_many_rounds_while_packets_pass() {
    let mut site = open(1000);
    strangers(&mut site, 99);
    order(&mut site, Task::Show(Which::All));
    let mut rounds = 0;
    let survey = loop {
        site.arrive(A, &inner(1, 2, 0));
        assert_eq!(site.poll(0, 0), 1);
        assert_eq!(site.sent(B).len(), 1);
        rounds += 1;
        if let Some(survey) = given_back(&mut site) {
            break survey;
        }
    };
    assert_eq!(rounds, 100_usize.div_ceil(16));
    assert_eq!((survey.found(), survey.records().len()), (100, 64));
    site.stop();
}

#[test]
fn a_survey_under_way_is_given_back_for_another_one_and_at_the_end() {
    let mut site = open(1000);
    strangers(&mut site, 99);
    order(&mut site, Task::Show(Which::All));
    site.poll(0, 0);
    order(&mut site, Task::Flush);
    site.poll(0, 0);
    let back = given_back(&mut site).unwrap();
    assert_eq!(back.task(), Task::Show(Which::All));
    order(&mut site, Task::Show(Which::All));
    let stopped = site.workers.pop().unwrap().stop();
    let tasks = stopped
        .iter()
        .filter_map(|back: &Returned<HeapIo>| match back {
            Returned::Surveyed(survey) => Some(survey.task()),
            _ => None,
        });
    let both = [Task::Flush, Task::Show(Which::All)];
    assert_eq!(tasks.collect::<Vec<_>>(), both);
    drop(stopped);
    site.stop();
}
