//! Rows, and which of them a change costs.

use crate::config::{FdbEntry, FdbTarget};
use crate::store::change::{Changes, changes};
use crate::store::rows::{Key, entry, key, position, value};
use fastpath::wire::Mac;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A table of rows, in the order of their positions.
#[derive(Default)]
struct Table(BTreeMap<Key, (FdbEntry, u64)>);

impl Table {
    fn changes<'a>(&self, before: &'a [FdbEntry], after: &'a [FdbEntry]) -> Changes<'a> {
        changes(before, after, |entry| Ok(self.0[&key(entry)].1)).unwrap()
    }

    /// Carries a change out, and says how many rows it cost.
    fn change(&mut self, before: &[FdbEntry], after: &[FdbEntry]) -> usize {
        let changes = self.changes(before, after);
        for entry in &changes.removed {
            assert!(self.0.remove(&key(entry)).is_some());
        }
        for (entry, position) in &changes.written {
            self.0.insert(key(entry), (**entry, *position));
        }
        assert_eq!(self.list(), after);
        changes.removed.len() + changes.written.len()
    }

    fn list(&self) -> Vec<FdbEntry> {
        let mut all: Vec<(FdbEntry, u64)> = self.0.values().copied().collect();
        all.sort_by_key(|(_, position)| *position);
        all.into_iter().map(|(entry, _)| entry).collect()
    }
}

fn to(mac: u64, remote: u8) -> FdbEntry {
    let target = match remote {
        0 => FdbTarget::Port("p".parse().unwrap()),
        _ => FdbTarget::Remote {
            tunnel: "vx".parse().unwrap(),
            remote: [192, 0, 2, remote].into(),
        },
    };
    FdbEntry {
        bridge: "br0".parse().unwrap(),
        mac: Mac::from_u64(mac),
        target,
    }
}

fn list() -> impl Strategy<Value = Vec<FdbEntry>> {
    let macs = proptest::sample::subsequence((1..=12).collect::<Vec<u64>>(), 0..=12).prop_shuffle();
    (macs, vec(0..3_u8, 12)).prop_map(|(macs, to_what)| {
        macs.into_iter()
            .zip(to_what)
            .map(|(mac, remote)| to(mac, remote))
            .collect()
    })
}

proptest! {
    #[test]
    fn any_list_becomes_any_other_in_its_order(lists in vec(list(), 1..8)) {
        let (mut table, mut before) = (Table::default(), Vec::new());
        for after in lists {
            let cost = table.change(&before, &after);
            prop_assert!(cost <= before.len() + after.len());
            before = after;
        }
    }
}

#[test]
fn a_change_at_one_place_costs_one_row() {
    let all: Vec<FdbEntry> = (1..=1_000).map(|mac| to(mac, 0)).collect();
    let with = |change: &dyn Fn(&mut Vec<FdbEntry>)| {
        let mut after = all.clone();
        change(&mut after);
        after
    };
    let after = [
        with(&|list| list.push(to(5_000, 1))),
        with(&|list| list.insert(0, to(5_000, 1))),
        with(&|list| list.insert(500, to(5_000, 1))),
        with(&|list| _ = list.remove(0)),
        with(&|list| _ = list.remove(500)),
        with(&|list| list[500] = to(501, 1)),
    ];
    for (number, after) in after.iter().enumerate() {
        let mut table = Table::default();
        assert_eq!(table.change(&[], &all), 1_000);
        assert_eq!(table.change(&all, after), 1, "change {number}");
    }
    let both = with(&|list| {
        list[3] = to(4, 1);
        list.insert(900, to(5_000, 0));
    });
    let mut table = Table::default();
    table.change(&[], &all);
    assert_eq!(table.change(&all, &both), 2, "far from each other");
}

#[test]
fn where_there_is_no_room_any_more_all_move() {
    let (mut table, mut before) = (Table::default(), vec![to(1, 0), to(2, 0)]);
    table.change(&[], &before);
    let mut costs = Vec::new();
    for mac in 3..60 {
        let mut after = before.clone();
        after.insert(1, to(mac, 0));
        costs.push(table.change(&before, &after));
        before = after;
    }
    assert_eq!(costs[..30], [1; 30]);
    assert!(costs.iter().any(|cost| *cost > 30), "{costs:?}");
    assert!(
        costs.iter().filter(|cost| **cost > 1).count() <= 2,
        "{costs:?}"
    );
}

#[test]
fn rows_come_back_as_they_were_and_nonsense_is_refused() {
    for (given, at) in [(to(7, 0), 0), (to(0xffff_ffff_ffff, 9), u64::MAX)] {
        let (key, value) = (key(&given), value(&given, at));
        assert_eq!(
            (entry(&key, &value).unwrap(), position(&value)),
            (given, at)
        );
        let mut holed = key;
        holed[1] = 0;
        assert!(entry(&holed, &value).is_err(), "a name behind its end");
        let mut other = value;
        other[12] = 0xff;
        assert!(entry(&key, &other).is_err(), "no name");
    }
}
