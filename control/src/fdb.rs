//! The one writer of the forwarding table: static entries, learning, moves, and what a link that is
//! lost takes with it. Expiry is in [`crate::ageing`].

use crate::ageing;
use crate::api::messages::StationHappened;
use crate::news::News;
use fastpath::fdb::{
    Destination, Fdb as Table, FdbEntry, FdbKey, FdbReader, FdbValue, FdbWriter, Kind,
};
use fastpath::ids::{BridgeId, RemoteId};
use fastpath::publish::Publisher;
use fastpath::snapshot::Snapshot;
use fastpath::wire::Mac;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// What happened to the entries of a bridge, or of all, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FdbCounters {
    /// Static entries added.
    pub added: u64,
    /// Static entries removed.
    pub deleted: u64,
    /// Addresses learned.
    pub learned: u64,
    /// Addresses that turned up elsewhere.
    pub moved: u64,
    /// Addresses that were not seen for too long.
    pub aged: u64,
    /// Learned addresses removed with what they led to, or because somebody wanted it.
    pub flushed: u64,
    /// Addresses that found no room.
    pub full: u64,
}

impl FdbCounters {
    /// Entries that there are.
    pub fn entries(&self) -> u64 {
        let came = self.added + self.learned;
        came.saturating_sub(self.aged + self.flushed + self.deleted)
    }

    /// Static entries that there are.
    pub fn statics(&self) -> u64 {
        self.added.saturating_sub(self.deleted)
    }
}

impl std::iter::Sum for FdbCounters {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(FdbCounters::default(), |sum, one| FdbCounters {
            added: sum.added + one.added,
            deleted: sum.deleted + one.deleted,
            learned: sum.learned + one.learned,
            moved: sum.moved + one.moved,
            aged: sum.aged + one.aged,
            flushed: sum.flushed + one.flushed,
            full: sum.full + one.full,
        })
    }
}

/// Something that happened to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FdbChange {
    /// What.
    pub what: StationHappened,
    /// The bridge.
    pub bridge: BridgeId,
    /// The station.
    pub mac: Mac,
    /// Where it is, or was when it was removed.
    pub at: Destination,
    /// Where it was before it moved.
    pub from: Option<Destination>,
}

/// The forwarding table as control keeps it.
///
/// Workers read it for each packet, and are told nothing. Only what was removed is published as a
/// change, after the table is stored to: once all workers have passed that, nobody can be reading
/// where the entries were.
pub struct Fdb {
    table: FdbWriter,
    reader: FdbReader,
    removed: bool,
    now: u32,
    /// Of bridges that ever had an entry, or wanted one.
    counters: HashMap<BridgeId, FdbCounters>,
    /// What happened to those of bridges whose numbers are others' now.
    gone: FdbCounters,
    /// What happened to entries.
    pub news: News<FdbChange>,
}

impl Fdb {
    /// An empty table for `entries` addresses, and what workers read it by.
    pub fn new(entries: usize) -> (Self, FdbReader) {
        let (table, reader) = Table::new(entries);
        let fdb = Fdb {
            table,
            reader: reader.clone(),
            removed: false,
            now: 0,
            counters: HashMap::new(),
            gone: FdbCounters::default(),
            news: News::new(),
        };
        (fdb, reader)
    }

    /// Adds a static entry, or has one lead elsewhere. What was learned makes way. `false` if the
    /// table is full.
    pub fn add_static(&mut self, bridge: BridgeId, mac: Mac, to: Destination) -> bool {
        let value = FdbValue {
            to,
            kind: Kind::Static,
        };
        let key = FdbKey::new(bridge, mac);
        let Ok(inserted) = self.table.insert(key, value) else {
            return false;
        };
        let before = inserted.replaced;
        let counters = self.count(bridge);
        counters.added += u64::from(before.is_none_or(|value| value.kind != Kind::Static));
        if let Some(learned) = before.filter(|value| value.kind == Kind::Learned) {
            counters.flushed += 1;
            self.note(StationHappened::Flushed, key, learned.to, None);
        }
        true
    }

    /// Where the static entry leads, if there is one.
    pub fn static_entry(&self, bridge: BridgeId, mac: Mac) -> Option<Destination> {
        let value = self.get(bridge, mac)?.value;
        (value.kind == Kind::Static).then_some(value.to)
    }

    /// Removes a static entry. Returns where it led.
    pub fn del_static(&mut self, bridge: BridgeId, mac: Mac) -> Option<Destination> {
        let to = self.static_entry(bridge, mac)?;
        self.remove(FdbKey::new(bridge, mac));
        self.count(bridge).deleted += 1;
        Some(to)
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
            Some(known) => {
                self.insert(key, value);
                self.count(bridge).moved += 1;
                self.note(StationHappened::Moved, key, to, Some(known.to));
            }
            None if self.insert(key, value) => {
                self.count(bridge).learned += 1;
                self.note(StationHappened::Learned, key, to, None);
            }
            None => self.count(bridge).full += 1,
        }
    }

    fn count(&mut self, bridge: BridgeId) -> &mut FdbCounters {
        self.counters.entry(bridge).or_default()
    }

    fn note(
        &mut self,
        what: StationHappened,
        key: FdbKey,
        at: Destination,
        from: Option<Destination>,
    ) {
        self.news.note(|| FdbChange {
            what,
            bridge: key.bridge(),
            mac: key.mac(),
            at,
            from,
        });
    }

    fn insert(&mut self, key: FdbKey, value: FdbValue) -> bool {
        self.table.insert(key, value).is_ok()
    }

    fn remove(&mut self, key: FdbKey) {
        self.removed |= self.table.remove(key).is_some();
    }

    /// Removes the learned entries that lead to `to`: its link is lost, as a Linux bridge does.
    pub fn flush(&mut self, to: Destination) {
        self.forget(|_, known| known == to);
    }

    /// Removes the learned entries that are told by their bridge and by where they lead. Returns how
    /// many there were.
    pub fn forget(&mut self, which: impl Fn(BridgeId, Destination) -> bool) -> u64 {
        let gone = self.remove_all(StationHappened::Flushed, |entry| {
            entry.value.kind == Kind::Learned && which(entry.key.bridge(), entry.value.to)
        });
        for bridge in &gone {
            self.count(*bridge).flushed += 1;
        }
        gone.len() as u64
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
        for bridge in self.remove_all(StationHappened::Aged, over) {
            self.count(bridge).aged += 1;
        }
    }

    /// Returns the bridge of each that is gone.
    fn remove_all(
        &mut self,
        what: StationHappened,
        gone: impl Fn(&FdbEntry) -> bool,
    ) -> Vec<BridgeId> {
        let all: Vec<_> = self.table.iter().filter(gone).collect();
        for entry in &all {
            self.remove(entry.key);
            self.note(what, entry.key, entry.value.to, None);
        }
        all.iter().map(|entry| entry.key.bridge()).collect()
    }

    /// Asks the workers to pass what was removed since the last call, and frees the places of what
    /// all of them have passed.
    pub fn reclaim(&mut self, world: &mut Publisher<Snapshot>) {
        if std::mem::take(&mut self.removed) {
            self.table.seal(world.change());
        }
        self.table.release(|change| world.passed(change));
    }

    /// What workers read the table by. To be read where it is written, no changes need be passed.
    pub fn reader(&self) -> &FdbReader {
        &self.reader
    }

    /// What is known of a station.
    pub fn get(&self, bridge: BridgeId, mac: Mac) -> Option<FdbEntry> {
        self.table.get(FdbKey::new(bridge, mac))
    }

    /// All entries.
    pub fn entries(&self) -> impl Iterator<Item = FdbEntry> {
        self.table.iter()
    }

    /// Those whose places in the table are in `places`. An entry keeps its place as long as it
    /// lives, wherever it leads to.
    pub fn entries_at(&self, places: Range<usize>) -> impl Iterator<Item = FdbEntry> {
        self.table.iter_at(places)
    }

    /// How many places there are.
    pub fn places(&self) -> usize {
        self.table.slots()
    }

    /// The remotes that entries lead to.
    pub fn remotes(&self) -> HashSet<RemoteId> {
        let remote = |entry: FdbEntry| match entry.value.to {
            Destination::Remote(id) => Some(id),
            Destination::Port(_) => None,
        };
        self.table.iter().filter_map(remote).collect()
    }

    /// What happened to the entries of a bridge.
    pub fn counters_of(&self, bridge: BridgeId) -> FdbCounters {
        self.counters.get(&bridge).copied().unwrap_or_default()
    }

    /// The number of a bridge that is gone is another's now, who begins at zero.
    pub fn count_anew(&mut self, bridge: BridgeId) {
        let before = self.counters.remove(&bridge);
        self.gone = [self.gone, before.unwrap_or_default()].into_iter().sum();
    }

    /// What happened to entries of bridges whose numbers are others' now.
    pub fn counters_of_gone(&self) -> FdbCounters {
        self.gone
    }

    /// What happened to the table: the sum over all bridges that there are or were.
    pub fn counters(&self) -> FdbCounters {
        self.counters.values().copied().chain([self.gone]).sum()
    }

    /// Entries there may be.
    pub fn capacity(&self) -> usize {
        self.table.capacity()
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
        let (mut fdb, _) = Fdb::new(8);
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
        let (mut fdb, _) = Fdb::new(1);
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
        let (mut fdb, _) = Fdb::new(8);
        fdb.add_static(bridge(0), B, port(1));
        fdb.learn(bridge(0), A, port(1));
        fdb.learn(bridge(1), A, port(1));
        fdb.learn(bridge(1), B, remote(1));
        fdb.flush(port(1));
        assert_eq!((fdb.len(), fdb.counters().flushed), (2, 2));
        let of = |number| fdb.counters_of(bridge(number));
        let (one, two) = (of(0), of(1));
        assert_eq!((one.learned, one.flushed, one.entries()), (1, 1, 1));
        assert_eq!((two.learned, two.flushed, two.entries()), (2, 1, 1));
        assert_eq!(of(2), FdbCounters::default());
        assert_eq!(places(&fdb), [(B, port(1)), (B, remote(1))]);
    }

    #[test]
    fn what_was_learned_and_makes_way_is_told_as_flushed() {
        let (mut fdb, _) = Fdb::new(8);
        fdb.news.listen(true);
        fdb.learn(bridge(0), A, port(1));
        for to in [2, 3] {
            assert!(fdb.add_static(bridge(0), A, port(to)));
        }
        let (told, _) = fdb.news.take();
        let told: Vec<_> = told.iter().map(|change| (change.what, change.at)).collect();
        let learned = (StationHappened::Learned, port(1));
        assert_eq!(told, [learned, (StationHappened::Flushed, port(1))]);
        assert_eq!(fdb.counters().flushed, 1);
    }

    #[test]
    fn each_bridge_has_its_own_age_and_the_youngest_sight_counts() {
        let (mut fdb, reader) = Fdb::new(8);
        fdb.set_now(100);
        for number in 0..3 {
            fdb.learn(bridge(number), A, port(1));
        }
        fdb.add_static(bridge(0), B, port(1));
        let (key, reader) = (FdbKey::new(bridge(1), A), reader);
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
        let aged = |number| fdb.counters_of(bridge(number)).aged;
        assert_eq!([aged(0), aged(1), aged(2)], [1, 0, 0]);
        fdb.set_now(116);
        fdb.expire(ageing);
        assert_eq!(
            (fdb.len(), fdb.counters().aged),
            (2, 2),
            "no limit, and static"
        );
    }

    #[test]
    fn places_of_what_was_removed_are_free_once_all_workers_have_passed_it() {
        let (mut world, mut readers) = Publisher::new(Snapshot::default(), 2);
        let (mut fdb, _) = Fdb::new(8);
        fdb.learn(bridge(0), A, port(1));
        fdb.learn(bridge(0), A, port(2));
        fdb.reclaim(&mut world);
        assert!(!readers[0].observe(), "nothing was removed");
        fdb.flush(port(2));
        fdb.reclaim(&mut world);
        assert_eq!(fdb.table.quarantined(), 1);
        for reader in &mut readers {
            assert_eq!(fdb.table.quarantined(), 1);
            assert!(reader.observe());
            reader.pass();
            fdb.reclaim(&mut world);
        }
        assert_eq!(fdb.table.quarantined(), 0);
        assert!(!readers[0].observe(), "and nothing after it");
    }
}
