//! Table, log and publisher in loom's model: one writer, one worker, every order.

use super::{Destination, Drained, Fdb, FdbKey, FdbReader, FdbValue, FdbWriter, Kind};
use super::{LogReader, LogWriter};
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

/// A worker that keeps what it resolved until the log names the key.
struct Cached {
    reader: Reader<()>,
    log: LogReader,
    table: FdbReader,
    entry: Option<FdbValue>,
}

impl Cached {
    fn round(&mut self) {
        if self.reader.observe() {
            let entry = &mut self.entry;
            assert_ne!(self.log.drain(|_| *entry = None), Drained::Overrun);
            self.reader.pass();
        }
        self.entry = self.entry.or_else(|| found(&self.table, key(1)));
    }
}

/// Two moves, because at the first a worker may find the second in the log already.
#[test]
fn loom_a_worker_that_passed_a_move_holds_nothing_of_before() {
    loom::model(|| {
        let (mut publisher, mut readers) = Publisher::new((), 1);
        let (mut fdb, table) = small(1);
        let (mut log, mut logs) = LogWriter::new(4, 1);
        fdb.insert(key(1), value(1)).unwrap();
        let (reader, reads) = (readers.pop().unwrap(), logs.pop().unwrap());
        let mut cached = Cached {
            reader,
            log: reads,
            table,
            entry: None,
        };
        let worker = thread::spawn(move || {
            cached.round();
            cached.round();
            cached
        });
        let mut passed = false;
        for to in [2, 3] {
            fdb.insert(key(1), value(to)).unwrap();
            log.append(key(1));
            let change = publisher.change();
            passed = publisher.passed(change);
        }
        let mut cached = worker.join().unwrap();
        assert!(!passed || cached.entry == Some(value(3)));
        cached.round();
        assert_eq!(cached.entry, Some(value(3)));
        assert!(publisher.passed(publisher.latest()));
    });
}

/// The writer laps the reader, or not: the keys are right, or it is an overrun.
#[test]
fn loom_a_log_gives_every_key_or_an_overrun() {
    loom::model(|| {
        let (mut log, mut readers) = LogWriter::new(2, 1);
        let mut reader = readers.pop().unwrap();
        log.append(key(0));
        let worker = thread::spawn(move || {
            let mut keys = Vec::new();
            let mut whole = true;
            for _ in 0..2 {
                whole &= reader.drain(|key| keys.push(key)) != Drained::Overrun;
            }
            if whole {
                let expected: Vec<_> = (0..keys.len() as u64).map(key).collect();
                assert_eq!(keys, expected);
            }
        });
        log.append(key(1));
        log.append(key(2));
        worker.join().unwrap();
    });
}
