//! The cache against a list that is searched from end to end, and what must always hold inside.

use super::*;
use crate::action::{Action, Actions};
use crate::drop::DropReason;
use crate::key::WORDS;
use crate::testing::decap_of;
use proptest::prelude::*;
use std::collections::HashSet;

mod survey;

/// Masks of one, two and all words, and none at all.
const MASKS: [[u64; WORDS]; 4] = [
    [0; WORDS],
    [0xff, 0, 0, 0, 0, 0, 0],
    [0xff, 0xf0, 0, 0, 0, 0, 0],
    [u64::MAX; WORDS],
];

fn key(a: u64, b: u64) -> FlowKey {
    FlowKey([a, b, 0, 0, 0, 0, a ^ b])
}

/// One of many programs that differ.
fn program(number: usize) -> Program {
    let drop = Action::Drop(DropReason::ALL[number % DropReason::COUNT]);
    let actions: Actions = match number / DropReason::COUNT % 3 {
        0 => [drop].into_iter().collect(),
        1 => [decap_of(None), drop].into_iter().collect(),
        _ => [Action::Punt].into_iter().collect(),
    };
    Program::compile(&actions)
}

fn resolution(mask: [u64; WORDS], number: usize) -> Resolution {
    Resolution {
        program: program(number),
        mask: Mask(mask),
    }
}

/// What is found of a decision.
type Found = (Program, Mask);

fn found(resolution: &Resolution) -> Option<Found> {
    let Resolution { program, mask } = *resolution;
    Some((program, mask))
}

impl Cache {
    fn look_up(&mut self, key: &FlowKey, generation: u32) -> Option<Found> {
        let Hit { program, mask, .. } = self.lookup(key, generation)?;
        Some((program, mask))
    }

    /// Entries that the insertion took the place of, and that had to make room.
    fn keep(&mut self, key: &FlowKey, resolution: &Resolution, generation: u32) -> [usize; 2] {
        match self.insert(key, resolution, generation) {
            Insertion::Kept {
                replaced, evicted, ..
            } => [replaced, evicted],
            other => panic!("{other:?}"),
        }
    }

    /// Removes everything. Returns how many entries that were.
    pub(super) fn flush(&mut self) -> usize {
        let mut survey = Survey::new(Task::Flush, 0);
        while !self.survey(&mut survey) {}
        survey.found()
    }
}

/// What must hold between the parts of a cache.
fn assert_sound(cache: &Cache) {
    let full: Vec<u32> = (0..cache.slab.len() as u32)
        .filter(|at| cache.slab[*at as usize].is_some())
        .collect();
    let free: HashSet<u32> = cache.free.iter().copied().collect();
    assert_eq!(free.len(), cache.free.len(), "a place is free twice");
    assert!(full.iter().all(|at| !free.contains(at)));
    assert_eq!(cache.len(), full.len());
    assert_eq!(cache.is_empty(), full.is_empty());
    for at in &full {
        let entry = cache.slab[*at as usize].as_ref().unwrap();
        let found = cache
            .index
            .candidates(entry.hash)
            .filter(|c| c == &(*at as usize));
        assert_eq!(found.count(), 1, "entry {at} is not once in the index");
        assert_eq!(entry.hash, hash(&entry.key, entry.mask));
        assert!(cache.masks.get(entry.mask).is_some());
    }
    assert_eq!(cache.index.len(), full.len());
    let entries = cache.masks.in_use().map(|(_, mask)| mask.entries as usize);
    assert_eq!(entries.sum::<usize>(), full.len());
}

/// An entry as the oracle keeps it.
#[derive(Clone, Debug)]
struct Known {
    mask: Mask,
    key: FlowKey,
    program: Program,
    generation: u32,
}

#[derive(Clone, Debug)]
enum Step {
    /// A packet arrives: look up, and insert on a miss.
    Packet(u64, u64),
    /// Insert without asking, as if the generation had just changed.
    Insert(u64, u64),
    Generation,
    Flush,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (0..12u64, 0..40u64).prop_map(|(a, b)| Step::Packet(a, b)),
        4 => (0..12u64, 0..40u64).prop_map(|(a, b)| Step::Insert(a, b)),
        1 => Just(Step::Generation),
        1 => prop::bool::weighted(0.3).prop_map(|flush| if flush { Step::Flush } else { Step::Generation }),
    ]
}

struct Pair {
    cache: Cache,
    known: Vec<Known>,
    generation: u32,
    decisions: usize,
}

impl Pair {
    fn run(&mut self, step: &Step) {
        match *step {
            Step::Packet(a, b) => self.packet(key(a, b)),
            Step::Insert(a, b) => self.insert(key(a, b)),
            Step::Generation => self.generation += 1,
            Step::Flush => {
                let before = self.cache.len();
                assert_eq!(self.cache.flush(), before);
                assert!(self.cache.is_empty() && self.cache.masks() == 0);
                self.known.clear();
            }
        }
        assert_sound(&self.cache);
        assert!(self.cache.len() <= self.known.len());
    }

    /// What the cache answers, the list would: an entry of this generation that agrees.
    fn packet(&mut self, key: FlowKey) {
        match self.cache.look_up(&key, self.generation) {
            Some(hit) => {
                let allowed = self.known.iter().any(|known| {
                    known.generation == self.generation
                        && key.masked(&known.mask) == known.key
                        && (known.program, known.mask) == hit
                });
                assert!(allowed, "{key:?}: {hit:?} of {:?}", self.known);
            }
            None => self.insert(key),
        }
    }

    /// The mask depends on the key, as when stages read on by what they found.
    fn insert(&mut self, key: FlowKey) {
        let mask = MASKS[1 + (key.0[0] % 3) as usize];
        self.decisions += 1;
        let resolution = resolution(mask, self.decisions);
        let known = Known {
            mask: resolution.mask,
            key: key.masked(&resolution.mask),
            program: resolution.program,
            generation: self.generation,
        };
        let before = self.cache.len();
        if self.cache.slab.is_empty() {
            let insertion = self.cache.insert(&key, &resolution, self.generation);
            assert_eq!(insertion, Insertion::Off);
            return;
        }
        let [replaced, evicted] = self.cache.keep(&key, &resolution, self.generation);
        assert_eq!(self.cache.len(), before - replaced - evicted + 1);
        assert!(replaced <= 1 && evicted <= 1);
        let full = before - replaced == self.cache.slab.len();
        assert!(evicted == 1 || !full, "no place without an eviction");
        let same = |old: &Known| (old.mask, old.key) == (known.mask, known.key);
        assert!(replaced == 0 || self.known.iter().any(same));
        // The list forgets what was replaced, and never what was evicted.
        self.known.retain(|old| !same(old));
        self.known.push(known);
        let there = self.cache.look_up(&key, self.generation);
        assert_eq!(there, found(&resolution));
    }
}

proptest! {
    #[test]
    fn agrees_with_a_list(
        capacity in prop::sample::select(vec![0usize, 1, 2, 3, 7, 8, 9, 16, 33, 200]),
        steps in prop::collection::vec(step(), 1..300),
    ) {
        let mut pair = Pair {
            cache: Cache::new(capacity),
            known: Vec::new(),
            generation: 0,
            decisions: 0,
        };
        for step in steps {
            pair.run(&step);
        }
    }
}

#[test]
fn a_cache_without_places_keeps_nothing() {
    let mut cache = Cache::new(0);
    let resolution = resolution(MASKS[3], 0);
    assert_eq!(cache.insert(&key(1, 1), &resolution, 0), Insertion::Off);
    assert_eq!(cache.lookup(&key(1, 1), 0), None);
    assert_eq!((cache.len(), cache.masks(), cache.flush()), (0, 0, 0));
}

#[test]
fn an_older_generation_answers_no_more_and_makes_way() {
    let mut cache = Cache::new(8);
    assert_eq!(cache.keep(&key(1, 2), &resolution(MASKS[3], 0), 7), [0, 0]);
    for generation in [6, 8] {
        assert_eq!(cache.lookup(&key(1, 2), generation), None);
    }
    assert_eq!(cache.keep(&key(1, 2), &resolution(MASKS[3], 1), 8), [1, 0]);
    let there = cache.look_up(&key(1, 2), 8);
    assert_eq!(there, found(&resolution(MASKS[3], 1)));
    assert_eq!((cache.lookup(&key(1, 2), 7), cache.len()), (None, 1));
}

#[test]
fn who_was_not_used_gives_way() {
    for idle in 0..4 {
        let mut cache = Cache::new(4);
        for n in 0..4 {
            cache.insert(&key(n, 0), &resolution(MASKS[3], n as usize), 0);
        }
        // As if the hand had passed all of them.
        for entry in cache.slab.iter_mut().flatten() {
            entry.used = false;
        }
        for n in (0..4).filter(|n| *n != idle) {
            assert!(cache.lookup(&key(n, 0), 0).is_some());
        }
        assert_eq!(cache.keep(&key(5, 0), &resolution(MASKS[3], 5), 0), [0, 1]);
        for n in [0, 1, 2, 3, 5] {
            assert_eq!(cache.lookup(&key(n, 0), 0).is_some(), n != idle, "{n}");
        }
    }
}

#[test]
fn one_mask_too_many_is_not_kept() {
    let mut cache = Cache::new(100);
    let mask = |n: usize| {
        let mut mask = [0; WORDS];
        mask[0] = n as u64 + 1;
        mask
    };
    for n in 0..MAX_MASKS {
        assert_eq!(cache.keep(&key(!0, 0), &resolution(mask(n), n), 0), [0, 0]);
    }
    let more = resolution(mask(MAX_MASKS), 0);
    assert_eq!(cache.insert(&key(0, 0), &more, 0), Insertion::MaskLimit);
    assert_eq!((cache.masks(), cache.len()), (MAX_MASKS, MAX_MASKS));
    assert_eq!(cache.lookup(&key(0, 0), 0), None);
    // Known masks go on, and a flush starts anew.
    let known = resolution(mask(0), 0);
    assert_eq!(cache.keep(&key(0, 0), &known, 0), [0, 0]);
    cache.flush();
    assert_eq!(cache.keep(&key(0, 0), &more, 0), [0, 0]);
}

#[test]
fn a_full_bucket_gives_one_place() {
    let mut cache = Cache::new(64);
    let mut evictions = 0;
    for n in 0..64u64 {
        let [replaced, evicted] = cache.keep(&key(n, n), &resolution(MASKS[3], n as usize), 0);
        assert_eq!(replaced, 0);
        evictions += evicted;
        assert_sound(&cache);
    }
    assert_eq!(cache.len() + evictions, 64);
    let colliding: Vec<u64> = (0..100_000)
        .filter(|n| hash(&key(*n, 0), 0) & 15 == 3)
        .take(20)
        .collect();
    let mut cache = Cache::new(64);
    for (at, n) in colliding.iter().enumerate() {
        let resolution = resolution(MASKS[3], at);
        let evicted = usize::from(at >= 8);
        assert_eq!(cache.keep(&key(*n, 0), &resolution, 0), [0, evicted]);
        assert_eq!(cache.look_up(&key(*n, 0), 0), found(&resolution));
    }
    assert_eq!(cache.len(), 8);
}

#[test]
fn a_decision_that_comes_out_the_same_keeps_its_entry_and_what_it_counted() {
    let mut cache = Cache::new(8);
    let same = resolution(MASKS[3], 1);
    cache.keep(&key(1, 2), &same, 6);
    cache.lookup(&key(1, 2), 6);
    let before = cache.peek(&key(1, 2), Some(6)).unwrap();
    assert_eq!(cache.lookup(&key(1, 2), 7), None);
    assert_eq!(cache.keep(&key(1, 2), &same, 7), [1, 0]);
    let after = cache.peek(&key(1, 2), Some(7)).unwrap();
    assert_eq!((before, cache.len(), cache.gone), (after, 1, 0));
    assert_eq!(
        cache.slab[after.place as usize].as_ref().unwrap().packets,
        3
    );
    let other = resolution(MASKS[3], 2);
    assert_eq!(cache.keep(&key(1, 2), &other, 8), [1, 0]);
    assert_ne!(cache.peek(&key(1, 2), Some(8)), Some(before));
    assert_eq!(cache.look_up(&key(1, 2), 8), found(&other));
    assert_eq!((cache.len(), cache.gone), (1, 3));
    assert_sound(&cache);
}
