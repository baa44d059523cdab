//! The one writer of the forwarding table: static entries, learning, moves, and what a link that is
//! lost takes with it. Expiry is in [`crate::ageing`].

use crate::ageing;
use fastpath::fdb::{DEFAULT_LOG, Fdb as Table, LogReader};
use fastpath::fdb::{
    Destination, FdbEntry, FdbKey, FdbReader, FdbValue, FdbWriter, Kind, LogWriter,
};
use fastpath::ids::{BridgeId, RemoteId};
use fastpath::publish::{Change, Publisher};
use fastpath::snapshot::Snapshot;
use fastpath::wire::Mac;
use std::collections::HashSet;

/// What happened to the table, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FdbCounters {
    /// Addresses learned.
    pub learned: u64,
    /// Addresses that turned up elsewhere.
    pub moved: u64,
    /// Addresses that were not seen for too long.
    pub aged: u64,
    /// Learned addresses removed with the link of their port.
    pub flushed: u64,
    /// Addresses that found no room.
    pub full: u64,
}

/// The forwarding table as control keeps it.
///
/// Order rule: the table is stored to first, then the change log, then the number that workers
/// poll. So a worker that has read the log cannot have read the table before it.
pub struct Fdb {
    table: FdbWriter,
    log: LogWriter,
    changed: bool,
    now: u32,
    counters: FdbCounters,
}

/// What the workers get of a new table.
pub struct WorkerParts {
    /// One reader for all; cloned.
    pub reader: FdbReader,
    /// One for each worker.
    pub logs: Vec<LogReader>,
}

impl Fdb {
    /// An empty table for `entries` addresses and `workers` workers.
    pub fn new(entries: usize, workers: usize) -> (Self, WorkerParts) {
        let (table, reader) = Table::new(entries);
        let (log, logs) = LogWriter::new(DEFAULT_LOG, workers);
        let fdb = Fdb {
            table,
            log,
            changed: false,
            now: 0,
            counters: FdbCounters::default(),
        };
        (fdb, WorkerParts { reader, logs })
    }

    /// Adds a static entry. `false` if the table is full.
    pub fn add_static(&mut self, bridge: BridgeId, mac: Mac, to: Destination) -> bool {
        self.insert(
            FdbKey::new(bridge, mac),
            FdbValue {
                to,
                kind: Kind::Static,
            },
        )
    }

    /// A station was seen at `to`. A static entry stays as it is.
    pub fn learn(&mut self, bridge: BridgeId, mac: Mac, to: Destination) {
        let key = FdbKey::new(bridge, mac);
        let value = FdbValue {
            to,
            kind: Kind::Learned,
        };
        match self.table.get(key).map(|entry| entry.value) {
            Some(known) if known.kind == Kind::Static || known.to == to => {}
            Some(_) => {
                self.insert(key, value);
                self.counters.moved += 1;
            }
            None if self.insert(key, value) => self.counters.learned += 1,
            None => self.counters.full += 1,
        }
    }

    fn insert(&mut self, key: FdbKey, value: FdbValue) -> bool {
        let inserted = self.table.insert(key, value).is_ok();
        if inserted {
            self.log.append(key);
            self.changed = true;
        }
        inserted
    }

    fn remove(&mut self, key: FdbKey) {
        if self.table.remove(key).is_some() {
            self.log.append(key);
            self.changed = true;
        }
    }

    /// Removes the learned entries that lead to `to`: its link is lost, as a Linux bridge does.
    pub fn flush(&mut self, to: Destination) {
        let gone = |entry: &FdbEntry| entry.value.kind == Kind::Learned && entry.value.to == to;
        self.counters.flushed += self.remove_all(gone);
    }

    /// Sets the time in seconds, on the workers' clock: what is learned from now on was seen now.
    pub fn set_now(&mut self, now: u32) {
        self.now = now;
        self.table.set_tick(now);
    }

    /// Removes learned entries that no worker has seen for the time that `ageing` gives for their
    /// bridge.
    pub fn expire(&mut self, ageing: impl Fn(BridgeId) -> Option<u32>) {
        let now = self.now;
        let over = |entry: &FdbEntry| {
            entry.value.kind == Kind::Learned
                && ageing(entry.key.bridge())
                    .is_some_and(|limit| ageing::is_over(entry.seen, now, limit))
        };
        self.counters.aged += self.remove_all(over);
    }

    fn remove_all(&mut self, gone: impl Fn(&FdbEntry) -> bool) -> u64 {
        let keys: Vec<_> = self
            .table
            .iter()
            .filter(gone)
            .map(|entry| entry.key)
            .collect();
        for key in &keys {
            self.remove(*key);
        }
        keys.len() as u64
    }

    /// Makes what was done since the last call known to the workers. Returns the number by which
    /// it is known, if anything was done.
    pub fn announce(&mut self, world: &mut Publisher<Snapshot>) -> Option<Change> {
        let changed = std::mem::take(&mut self.changed).then(|| world.change());
        if let Some(change) = changed {
            self.table.seal(change);
        }
        self.table.release(|change| world.passed(change));
        changed
    }

    /// All entries.
    pub fn entries(&self) -> impl Iterator<Item = FdbEntry> {
        self.table.iter()
    }

    /// The remotes that entries lead to.
    pub fn remotes(&self) -> HashSet<RemoteId> {
        let remote = |entry: FdbEntry| match entry.value.to {
            Destination::Remote(id) => Some(id),
            Destination::Port(_) => None,
        };
        self.table.iter().filter_map(remote).collect()
    }

    /// What happened to the table.
    pub fn counters(&self) -> FdbCounters {
        self.counters
    }

    /// Entries in the table.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// No entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fastpath::fdb::Drained;
    use fastpath::ids::PortId;

    const A: Mac = Mac::new([2, 0, 0, 0, 0, 1]);
    const B: Mac = Mac::new([2, 0, 0, 0, 0, 2]);

    fn bridge(number: usize) -> BridgeId {
        BridgeId::new(number).unwrap()
    }

    fn port(number: usize) -> Destination {
        Destination::Port(PortId::new(number).unwrap())
    }

    fn remote(number: usize) -> Destination {
        Destination::Remote(RemoteId::new(number).unwrap())
    }

    fn places(fdb: &Fdb) -> Vec<(Mac, Destination)> {
        let mut all: Vec<_> = fdb.entries().collect();
        all.sort_by_key(|entry| (entry.key.bridge(), entry.key.mac()));
        let place = |entry: &FdbEntry| (entry.key.mac(), entry.value.to);
        all.iter().map(place).collect()
    }

    #[test]
    fn what_is_learned_moves_and_what_is_static_does_not() {
        let (mut fdb, _) = Fdb::new(8, 1);
        assert!(fdb.add_static(bridge(0), B, port(1)));
        for to in [port(1), port(1), remote(2), remote(3)] {
            fdb.learn(bridge(0), A, to);
            fdb.learn(bridge(0), B, to);
        }
        assert_eq!(places(&fdb), [(A, remote(3)), (B, port(1))]);
        assert_eq!(fdb.remotes(), HashSet::from([RemoteId::new(3).unwrap()]));
        let counters = fdb.counters();
        assert_eq!((counters.learned, counters.moved, counters.full), (1, 2, 0));
    }

    #[test]
    fn a_full_table_is_counted_and_still_moves() {
        let (mut fdb, _) = Fdb::new(1, 1);
        for mac in [A, B, B] {
            fdb.learn(bridge(0), mac, port(1));
        }
        fdb.learn(bridge(0), A, port(2));
        assert!(!fdb.add_static(bridge(0), B, port(1)));
        assert_eq!(places(&fdb), [(A, port(2))]);
        let expected = FdbCounters {
            learned: 1,
            moved: 1,
            full: 2,
            ..FdbCounters::default()
        };
        assert_eq!(fdb.counters(), expected);
    }

    #[test]
    fn a_lost_link_takes_learned_entries_of_all_bridges() {
        let (mut fdb, _) = Fdb::new(8, 1);
        fdb.add_static(bridge(0), B, port(1));
        fdb.learn(bridge(0), A, port(1));
        fdb.learn(bridge(1), A, port(1));
        fdb.learn(bridge(1), B, remote(1));
        fdb.flush(port(1));
        assert_eq!((fdb.len(), fdb.counters().flushed), (2, 2));
        assert_eq!(places(&fdb), [(B, port(1)), (B, remote(1))]);
    }

    #[test]
    fn each_bridge_has_its_own_age_and_the_youngest_sight_counts() {
        let (mut fdb, parts) = Fdb::new(8, 2);
        fdb.set_now(100);
        for number in 0..3 {
            fdb.learn(bridge(number), A, port(1));
        }
        fdb.add_static(bridge(0), B, port(1));
        let (key, reader) = (FdbKey::new(bridge(1), A), parts.reader);
        let found = reader.read(key, reader.place(key)).unwrap();
        reader.touch(&found, 105);
        let ageing = |bridge: BridgeId| (bridge.index() < 2).then_some(10);
        fdb.set_now(110);
        fdb.expire(ageing);
        assert_eq!(fdb.len(), 4);
        fdb.set_now(111);
        fdb.expire(ageing);
        let left: Vec<_> = fdb
            .entries()
            .map(|entry| entry.key.bridge().index())
            .collect();
        assert_eq!((left.len(), fdb.counters().aged), (3, 1));
        fdb.set_now(116);
        fdb.expire(ageing);
        assert_eq!(
            (fdb.len(), fdb.counters().aged),
            (2, 2),
            "no limit, and static"
        );
    }

    #[test]
    fn workers_are_told_of_what_changed_and_of_nothing_else() {
        let (mut world, _readers) = Publisher::new(Snapshot::default(), 1);
        let (mut fdb, mut parts) = Fdb::new(8, 1);
        let mut told = |fdb: &mut Fdb| {
            let (mut keys, change) = (Vec::new(), fdb.announce(&mut world));
            let drained = parts.logs[0].drain(|key| keys.push(key.mac()));
            assert_eq!(
                (drained, change.is_some()),
                (Drained::Keys(keys.len()), !keys.is_empty())
            );
            keys
        };
        assert_eq!(told(&mut fdb), []);
        fdb.learn(bridge(0), A, port(1));
        fdb.learn(bridge(0), A, port(1));
        assert_eq!(told(&mut fdb), [A]);
        fdb.learn(bridge(0), A, port(1));
        assert_eq!(told(&mut fdb), [], "no news");
        fdb.learn(bridge(0), A, port(2));
        fdb.add_static(bridge(0), B, port(1));
        assert_eq!(told(&mut fdb), [A, B]);
        fdb.flush(port(2));
        fdb.flush(port(2));
        assert_eq!(told(&mut fdb), [A]);
    }
}
