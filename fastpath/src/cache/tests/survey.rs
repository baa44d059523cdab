//! What is counted for each entry and mask, and what a survey of them finds.

use super::*;
use crate::ids::PortId;
use crate::key::Field;

const ROOM: usize = 64;

/// The survey of a task, and how many rounds it took.
fn surveyed(cache: &mut Cache, task: Task, room: usize) -> (Survey, usize) {
    let mut survey = Survey::new(task, room);
    let mut rounds = 1;
    while !cache.survey(&mut survey) {
        rounds += 1;
    }
    (survey, rounds)
}

/// Packets of entries by their number, and of those that are gone.
fn packets(cache: &mut Cache) -> (Vec<(u32, u64)>, u64) {
    let (survey, _) = surveyed(cache, Task::Show(Which::All), ROOM);
    let records = survey.records().iter();
    let packets = records.map(|record| (record.place, record.packets));
    (packets.collect(), survey.totals().gone)
}

/// Hits of masks that have their number, and of others.
fn hits(cache: &mut Cache) -> (Vec<u64>, u64) {
    let (survey, _) = surveyed(cache, Task::Show(Which::All), ROOM);
    let Totals {
        masks, other_hits, ..
    } = survey.totals();
    (masks.iter().map(|one| one.hits).collect(), *other_hits)
}

fn kept(cache: &mut Cache, key: FlowKey, resolution: &Resolution) -> EntryId {
    match cache.insert(&key, resolution, 0) {
        Insertion::Kept { entry, .. } => entry,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_entry_counts_who_made_it_who_hits_it_and_what_it_is_credited_with() {
    let mut cache = Cache::new(4);
    let first = kept(&mut cache, key(1, 0), &resolution(MASKS[3], 0));
    let second = kept(&mut cache, key(2, 0), &resolution(MASKS[1], 1));
    for _ in 0..2 {
        let hit = cache.lookup(&key(1, 0), 0).unwrap();
        assert_eq!(hit.entry, first);
    }
    assert_eq!(cache.lookup(&key(9, 0), 0), None, "a miss is nobody's");
    cache.credit(second, 5);
    cache.credit(second, 0);
    let expected = vec![(first.place, 3), (second.place, 6)];
    assert_eq!(packets(&mut cache), (expected, 0));
    let (survey, _) = surveyed(&mut cache, Task::Show(Which::All), ROOM);
    let masks = survey.totals().masks.iter();
    let masks: Vec<_> = masks
        .map(|one| (one.mask.0, one.entries, one.hits))
        .collect();
    assert_eq!(masks, [(MASKS[3], 1, 2), (MASKS[1], 1, 5)]);
}

#[test]
fn packets_of_entries_that_are_gone_stay_counted_and_are_not_those_of_the_next_one() {
    let mut cache = Cache::new(1);
    let first = kept(&mut cache, key(1, 0), &resolution(MASKS[3], 0));
    cache.credit(first, 2);
    let second = kept(&mut cache, key(2, 0), &resolution(MASKS[3], 1));
    assert_eq!(first.place, second.place);
    assert_eq!(packets(&mut cache), (vec![(0, 1)], 3));
    // A memo may still know the one that is gone.
    cache.credit(first, 10);
    assert_eq!(packets(&mut cache), (vec![(0, 1)], 13));
    cache.credit(EntryId::NONE, 100);
    assert_eq!(cache.flush(), 1);
    assert_eq!(packets(&mut cache), (vec![], 114));
}

#[test]
fn who_is_credited_or_remembered_does_not_give_way() {
    let kept_by: [fn(&mut Cache, EntryId); 2] = [
        |cache, entry| cache.credit(entry, 1),
        |cache, entry| cache.set_remembered(entry, true),
    ];
    for (idle, keep) in (0..4).flat_map(|idle| kept_by.map(|keep| (idle, keep))) {
        let mut cache = Cache::new(4);
        let entries: Vec<_> = (0..4)
            .map(|n| kept(&mut cache, key(n, 0), &resolution(MASKS[3], n as usize)))
            .collect();
        for entry in cache.slab.iter_mut().flatten() {
            entry.used = false;
        }
        for n in (0..4).filter(|n| *n != idle) {
            keep(&mut cache, entries[n]);
        }
        cache.keep(&key(5, 0), &resolution(MASKS[3], 5), 0);
        for (n, entry) in entries.iter().enumerate() {
            let there = cache.lookup(&key(n as u64, 0), 0).map(|hit| hit.entry);
            assert_eq!(there, (n != idle).then_some(*entry));
        }
    }
}

#[test]
fn in_a_full_bucket_too_what_is_remembered_gives_way_last() {
    let colliding = (0..100_000).filter(|n| hash(&key(*n, 0), 0) & 15 == 3);
    let mut cache = Cache::new(64);
    let mut remembered = Vec::new();
    for (at, n) in colliding.take(20).enumerate() {
        let entry = kept(&mut cache, key(n, 0), &resolution(MASKS[3], 0));
        if at % 2 == 0 && remembered.len() < 5 {
            cache.set_remembered(entry, true);
            remembered.push((n, entry));
        }
    }
    for (n, entry) in remembered {
        let there = cache.lookup(&key(n, 0), 0).map(|hit| hit.entry);
        assert_eq!(there, Some(entry));
    }
}

#[test]
fn where_all_are_remembered_one_gives_way_all_the_same() {
    for capacity in [1, 4, 16] {
        let mut cache = Cache::new(capacity);
        for n in 0..20 {
            let entry = kept(&mut cache, key(n, 0), &resolution(MASKS[3], 0));
            cache.set_remembered(entry, true);
            assert_sound(&cache);
        }
        let last = cache.lookup(&key(19, 0), 0).unwrap().entry;
        assert_eq!(cache.len(), capacity.min(20));
        // Who is forgotten goes first.
        cache.set_remembered(last, false);
        cache.keep(&key(20, 0), &resolution(MASKS[3], 0), 0);
        assert_eq!(cache.lookup(&key(19, 0), 0), None);
    }
}

#[test]
fn a_mask_without_entries_gives_its_number_to_the_next_one() {
    let mut cache = Cache::new(100);
    let mask = |n: usize| [n as u64 + 1, 0, 0, 0, 0, 0, 0];
    let fill = |cache: &mut Cache, n: usize| {
        let insertion = cache.insert(&key(!0, 0), &resolution(mask(n), n), 0);
        matches!(insertion, Insertion::Kept { .. })
    };
    let all = (0..MAX_MASKS).all(|n| fill(&mut cache, n));
    assert!(all && !fill(&mut cache, MAX_MASKS));
    let at = |mask| {
        let there = move |entry: &Option<Entry>| entry.as_ref().is_some_and(|e| e.mask == mask);
        move |cache: &Cache| cache.slab.iter().position(there).unwrap()
    };
    for hit in [3, 3, 4] {
        let place = at(hit)(&cache) as u32;
        let made = cache.slab[place as usize].as_ref().unwrap().made;
        cache.credit(EntryId { place, made }, 10);
    }
    let third = at(3)(&cache);
    cache.remove(third);
    assert_eq!(
        hits(&mut cache).0[3..5],
        [20, 10],
        "it has its number still"
    );
    assert_eq!(cache.masks(), MAX_MASKS - 1);
    assert!(fill(&mut cache, MAX_MASKS), "there is one");
    assert_eq!(cache.masks(), MAX_MASKS);
    let (of_masks, others) = hits(&mut cache);
    assert_eq!((&of_masks[3..5], others), (&[0, 10][..], 20));
    let fourth = at(4)(&cache);
    cache.remove(fourth);
    assert!(fill(&mut cache, 4), "the same again");
    assert_eq!(hits(&mut cache), (of_masks, others), "it goes on");
    assert_sound(&cache);
}

/// Twenty entries of two ports, of which some drop.
fn mixed() -> Cache {
    let mut cache = Cache::new(40);
    for n in 0..20 {
        let mut key = FlowKey::default();
        key.set(Field::INGRESS, n % 2);
        key.set(Field::SRC_MAC, n);
        let resolution = Resolution {
            program: program(n as usize % 5),
            mask: Mask(MASKS[3]),
        };
        cache.insert(&key, &resolution, n as u32);
    }
    cache
}

#[test]
fn a_survey_finds_the_entries_that_it_is_for_a_few_places_in_each_round() {
    let mut cache = mixed();
    let mut places = |which| {
        let (survey, rounds) = surveyed(&mut cache, Task::Show(which), ROOM);
        let records = survey.records();
        assert_eq!(survey.found(), records.len());
        let places = records.iter().map(|record| record.place);
        (places.collect::<Vec<_>>(), rounds)
    };
    // Of 40 places half never had an entry.
    assert_eq!(places(Which::All), ((0..20).collect(), 2));
    let odd = (0..20).filter(|n| n % 2 == 1);
    let port = PortId::new(1).unwrap();
    assert_eq!(places(Which::Port(port)), (odd.collect(), 2));
    let reason = DropReason::ALL[2];
    assert_eq!(places(Which::Drops(reason)), (vec![2, 7, 12, 17], 2));
    assert_eq!(places(Which::Place(19)), (vec![19], 1));
    for none in [20, 40, u32::MAX] {
        assert_eq!(places(Which::Place(none)), (vec![], 1));
    }
    let (survey, _) = surveyed(&mut cache, Task::Show(Which::Place(7)), ROOM);
    let record = survey.records()[0];
    assert_eq!((record.generation, record.program), (7, program(2)));
    assert_eq!(record.key.get(Field::SRC_MAC), 7);
    assert_eq!((survey.totals().entries, survey.totals().limit), (20, 40));
}

#[test]
fn what_drops_by_a_fault_or_by_a_name_is_found_by_the_name() {
    let mut cache = Cache::new(4);
    let reason = DropReason::InnerRunt;
    for (n, drop) in (0..).zip([Action::DropFault(reason), Action::Drop(reason)]) {
        let actions: Actions = [decap_of(None), drop].into_iter().collect();
        let resolution = Resolution {
            program: Program::compile(&actions),
            mask: Mask(MASKS[3]),
        };
        cache.insert(&key(n, 0), &resolution, 0);
    }
    let mut found = |which| {
        let (survey, _) = surveyed(&mut cache, Task::Show(which), ROOM);
        survey.found()
    };
    assert_eq!(found(Which::Drops(reason)), 2);
    assert_eq!(found(Which::Drops(DropReason::TxFull)), 0);
}

#[test]
fn a_survey_without_room_counts_the_others() {
    let mut cache = mixed();
    let (survey, _) = surveyed(&mut cache, Task::Show(Which::All), 3);
    assert_eq!((survey.records().len(), survey.found()), (3, 20));
}

#[test]
fn a_flush_leaves_what_is_kept_behind_it() {
    let mut cache = mixed();
    let mut flush = Survey::new(Task::Flush, 0);
    assert!(!cache.survey(&mut flush));
    assert_eq!((cache.len(), flush.found()), (4, 16));
    let new = kept(&mut cache, key(77, 0), &resolution(MASKS[3], 1));
    assert!(new.place < 16, "where one was removed");
    while !cache.survey(&mut flush) {}
    assert_eq!((cache.len(), flush.found()), (1, 20));
    // Places that had one are looked at again.
    assert_eq!(surveyed(&mut cache, Task::Show(Which::All), ROOM).1, 2);
    assert_eq!(cache.lookup(&key(77, 0), 0).unwrap().entry, new);
    assert_sound(&cache);
}

proptest! {
    /// Every packet is one of an entry's, be it there or gone, and every hit one of a mask's. There
    /// are more masks than may be.
    #[test]
    fn no_packet_is_lost(
        capacity in 1..6_usize,
        steps in prop::collection::vec((0..40_u64, 0..3_u32, 0..4_u64), 1..200),
    ) {
        let mask = |n| [u64::MAX, n, 0, 0, 0, 0, 0];
        let mut cache = Cache::new(capacity);
        let (mut expected, mut made, mut memo) = (0, 0, Vec::new());
        for (n, generation, recalled) in steps {
            // Of three decisions two are the same.
            let resolution = resolution(mask(n), generation as usize / 2);
            let entry = match cache.lookup(&key(n, 0), generation) {
                Some(hit) => hit.entry,
                None => match cache.insert(&key(n, 0), &resolution, generation) {
                    Insertion::Kept { entry, .. } => {
                        made += 1;
                        entry
                    }
                    other => panic!("{other:?}"),
                },
            };
            memo.push((entry, recalled));
            expected += 1 + recalled;
            if recalled == 0 {
                memo.drain(..).for_each(|(entry, packets)| cache.credit(entry, packets));
            }
        }
        memo.drain(..).for_each(|(entry, packets)| cache.credit(entry, packets));
        let (packets, gone) = packets(&mut cache);
        let there: u64 = packets.iter().map(|(_, packets)| packets).sum();
        prop_assert_eq!(there + gone, expected);
        let (of_masks, others) = hits(&mut cache);
        prop_assert_eq!(of_masks.iter().sum::<u64>() + others, expected - made);
    }
}
