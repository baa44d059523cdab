//! Table and publisher in loom's model: one writer, one worker, every order.

use super::{Destination, Fdb, FdbKey, FdbReader, FdbValue, FdbWriter, Kind, Word};
use crate::ids::{BridgeId, RemoteId};
use crate::publish::{Publisher, Reader};
use crate::wire::Mac;
use loom::thread;

const SEED: u64 = 1;

fn key(number: u64) -> FdbKey {
    FdbKey::new(BridgeId::new(0).unwrap(), Mac::from_u64(number))
}

fn value(number: usize) -> FdbValue {
    let to = Destination::Remote(RemoteId::new(number).unwrap());
    FdbValue {
        to,
        kind: Kind::Learned,
    }
}

/// The smallest table: buckets of two, and every key may be in every one.
fn small(capacity: usize) -> (FdbWriter, FdbReader) {
    Fdb::with(capacity, 4, SEED)
}

/// The keys that get the same slot of an empty table as `first`.
fn rivals(first: FdbKey) -> impl Iterator<Item = FdbKey> {
    let slot_of = |key| small(1).0.insert(key, value(0)).unwrap().slot;
    (2..99)
        .map(key)
        .filter(move |other| slot_of(*other) == slot_of(first))
}

fn found(reader: &FdbReader, key: FdbKey) -> Option<FdbValue> {
    reader.lookup(key).map(|(_, value)| value)
}

/// A look-up beside a move, a removal and the slot's use by another key.
#[test]
fn loom_a_lookup_never_finds_the_value_of_another_key() {
    loom::model(|| {
        let (old, new) = (key(1), rivals(key(1)).next().unwrap());
        let (mut publisher, mut readers) = Publisher::new((), 1);
        let (mut fdb, table) = small(1);
        let slot = fdb.insert(old, value(1)).unwrap().slot;
        let mut reader: Reader<()> = readers.pop().unwrap();
        let worker = thread::spawn(move || {
            if reader.observe() {
                reader.pass();
            }
            let values = [None, Some(value(1)), Some(value(2))];
            assert!(values.contains(&found(&table, old)));
            assert!([None, Some(value(3))].contains(&found(&table, new)));
        });
        fdb.insert(old, value(2)).unwrap();
        fdb.remove(old).unwrap();
        fdb.seal(publisher.change());
        let released = fdb.release(|change| publisher.passed(change)) == 1;
        let inserted = fdb.insert(new, value(3)).unwrap();
        assert_eq!(inserted.slot == slot, released);
        worker.join().unwrap();
    });
}

/// The same for both keys at once, as bursts are looked up: asked for here, read there.
#[test]
fn loom_a_burst_never_finds_the_value_of_another_key() {
    loom::model(|| {
        let (old, new) = (key(1), rivals(key(1)).next().unwrap());
        let (mut publisher, mut readers) = Publisher::new((), 1);
        let (mut fdb, table) = small(1);
        fdb.insert(old, value(1)).unwrap();
        let mut reader: Reader<()> = readers.pop().unwrap();
        let worker = thread::spawn(move || {
            if reader.observe() {
                reader.pass();
            }
            let (view, mut words) = (table.view(), [Default::default()]);
            view.words(&[view.ask(new, old)], &mut words);
            let bits = |number| value(number).to.to_bits();
            let [new, old] = words[0].map(Word::to_bits);
            assert!([0, bits(1)].contains(&old) && [0, bits(2)].contains(&new));
        });
        fdb.remove(old).unwrap();
        fdb.seal(publisher.change());
        fdb.release(|change| publisher.passed(change));
        fdb.insert(new, value(2)).unwrap();
        worker.join().unwrap();
    });
}

/// A stamp beside a move of its station, and beside the first key that does not fit into its bucket.
#[test]
fn loom_a_stamp_undoes_nothing() {
    loom::model(|| {
        let mut others = rivals(key(1));
        let (mut fdb, table) = small(8);
        fdb.insert(key(1), value(1)).unwrap();
        fdb.insert(others.next().unwrap(), value(4)).unwrap();
        let displaced = others.next().unwrap();
        let reader = table.clone();
        let worker = thread::spawn(move || {
            let found = reader.read(key(1), reader.place(key(1))).unwrap();
            reader.touch(&found, 7);
        });
        fdb.insert(key(1), value(2)).unwrap();
        fdb.insert(displaced, value(3)).unwrap();
        worker.join().unwrap();
        assert_eq!(found(&table, key(1)), Some(value(2)));
        assert_eq!(found(&table, displaced), Some(value(3)));
        assert!([0, 7].contains(&fdb.get(key(1)).unwrap().seen));
    });
}

/// One of two keys in another bucket than their first goes, and what was in the first one.
#[test]
fn loom_a_displaced_key_is_found_while_others_go() {
    loom::model(|| {
        let mut others = rivals(key(1));
        let (mut fdb, table) = small(8);
        fdb.insert(key(1), value(1)).unwrap();
        fdb.insert(others.next().unwrap(), value(4)).unwrap();
        let (goes, stays) = (others.next().unwrap(), others.next().unwrap());
        fdb.insert(goes, value(2)).unwrap();
        fdb.insert(stays, value(3)).unwrap();
        let worker = thread::spawn(move || {
            assert_eq!(found(&table, stays), Some(value(3)));
            assert!([None, Some(value(2))].contains(&found(&table, goes)));
        });
        fdb.remove(goes).unwrap();
        fdb.remove(key(1)).unwrap();
        worker.join().unwrap();
    });
}

/// Nobody tells a worker which keys changed. Who observes a change finds what was written before it.
#[test]
fn loom_a_worker_that_passed_a_move_finds_nothing_of_before() {
    loom::model(|| {
        let (mut publisher, mut readers) = Publisher::new((), 1);
        let (mut fdb, table) = small(1);
        fdb.insert(key(1), value(1)).unwrap();
        let mut reader: Reader<()> = readers.pop().unwrap();
        let worker = thread::spawn(move || {
            let passed = reader.observe();
            if passed {
                reader.pass();
            }
            let found = found(&table, key(1));
            assert!(found == Some(value(2)) || !passed && found == Some(value(1)));
        });
        fdb.insert(key(1), value(2)).unwrap();
        publisher.change();
        worker.join().unwrap();
    });
}
