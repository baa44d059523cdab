//! The forwarding table against a plain map.

use super::{Destination, Kind, Word};
use super::{Fdb, FdbKey, FdbReader, FdbValue, FdbWriter, Inserted, SlotId};
use crate::ids::{BridgeId, RemoteId};
use crate::publish::{Change, Publisher};
use crate::wire::Mac;
use proptest::prelude::*;
use std::collections::HashMap;

const KEYS: usize = 24;

fn key(number: usize) -> FdbKey {
    FdbKey::new(
        BridgeId::new(number % 2).unwrap(),
        Mac::from_u64(number as u64 / 2),
    )
}

fn value(number: usize) -> FdbValue {
    let to = Destination::Remote(RemoteId::new(number).unwrap());
    FdbValue {
        to,
        kind: Kind::Learned,
    }
}

#[derive(Clone, Debug)]
enum Step {
    Insert(usize, usize),
    Remove(usize),
    Seal,
    /// Release what was sealed this many changes before the latest.
    Release(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..KEYS, 0..99usize).prop_map(|(key, value)| Step::Insert(key, value)),
        6 => (0..KEYS).prop_map(Step::Remove),
        2 => Just(Step::Seal),
        2 => (0..3u64).prop_map(Step::Release),
    ]
}

/// A plain map beside the table, and what is known of each slot.
struct Oracle {
    fdb: FdbWriter,
    reader: FdbReader,
    publisher: Publisher<()>,
    changes: Vec<Change>,
    map: HashMap<FdbKey, (SlotId, FdbValue)>,
    /// Keys of removed entries with the change that sealed the removal.
    dead: HashMap<SlotId, (FdbKey, Option<Change>)>,
}

impl Oracle {
    fn run(&mut self, step: &Step) {
        match *step {
            Step::Insert(k, v) => self.insert(key(k), value(v)),
            Step::Remove(k) => {
                let expected = self.map.remove(&key(k));
                assert_eq!(self.fdb.remove(key(k)), expected.map(|(_, value)| value));
                self.dead
                    .extend(expected.map(|(slot, _)| (slot, (key(k), None))));
            }
            Step::Seal => {
                let change = self.publisher.change();
                self.changes.push(change);
                self.fdb.seal(change);
                self.dead
                    .values_mut()
                    .for_each(|(_, sealed)| *sealed = sealed.or(Some(change)));
            }
            Step::Release(lag) => {
                let known = self.changes.len().saturating_sub(lag as usize);
                let passed = |change: Change| self.changes[..known].contains(&change);
                let before = self.dead.len();
                self.dead
                    .retain(|_, (_, sealed)| !sealed.is_some_and(passed));
                assert_eq!(self.fdb.release(passed), before - self.dead.len());
            }
        }
    }

    fn insert(&mut self, key: FdbKey, value: FdbValue) {
        let old = self.map.get(&key).copied();
        let waiting = self
            .dead
            .iter()
            .find(|(_, (dead, _))| *dead == key)
            .map(|(slot, _)| *slot);
        let fixed = old.map(|(slot, _)| slot).or(waiting);
        // Four buckets: every slot will do for every key.
        let room = fixed.is_some() || self.map.len() + self.dead.len() < self.fdb.slots();
        let refused = old.is_none() && self.map.len() >= self.fdb.capacity() || !room;
        let full = self.fdb.fdb_full();
        let inserted = self.fdb.insert(key, value);
        assert_eq!(self.fdb.fdb_full(), full + u64::from(refused));
        assert_eq!(inserted.is_err(), refused);
        let Ok(Inserted { slot, replaced }) = inserted else {
            return;
        };
        assert_eq!(replaced, old.map(|(_, value)| value));
        assert_eq!(slot, fixed.unwrap_or(slot), "slots are stable");
        let waited = self.dead.remove(&slot).is_some();
        assert_eq!(
            waited,
            waiting.is_some(),
            "no other key gets a waiting slot"
        );
        self.map.insert(key, (slot, value));
    }

    fn check(&self) {
        assert_eq!(self.fdb.len(), self.map.len());
        assert_eq!(self.fdb.quarantined(), self.dead.len());
        for key in (0..KEYS).map(key) {
            let found = self.reader.read(key, self.reader.place(key));
            let view = self.reader.view();
            let mut words = [[Word::default(); 2]];
            view.words(&[view.ask(key, key)], &mut words);
            let bits = found.map_or(0, |found| found.to_bits());
            // A few are not where a burst looks.
            assert!(
                words[0].map(|word| word.to_bits() & Destination::BITS) == [bits; 2]
                    || words[0] == [Word::default(); 2]
            );
            let found = found.map(|found| (found.slot(), found.value()));
            assert_eq!(found, self.map.get(&key).copied());
            assert_eq!(self.reader.lookup(key), found);
            assert_eq!(
                self.fdb.get(key).map(|e| (e.slot, e.value)),
                self.map.get(&key).copied()
            );
        }
        let all = self
            .fdb
            .iter()
            .map(|entry| (entry.key, (entry.slot, entry.value)));
        assert_eq!(all.collect::<HashMap<_, _>>(), self.map);
        assert_eq!(self.fdb.iter().count(), self.map.len());
    }
}

proptest! {
    #[test]
    fn agrees_with_a_map(seed: u64, steps in prop::collection::vec(step(), 1..120)) {
        let (fdb, reader) = Fdb::with(10, 4, seed);
        let (publisher, _) = Publisher::new((), 0);
        let (changes, map, dead) = (Vec::new(), HashMap::new(), HashMap::new());
        let mut oracle = Oracle { fdb, reader, publisher, changes, map, dead };
        for step in &steps {
            oracle.run(step);
            oracle.check();
        }
    }
}
