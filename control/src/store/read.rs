//! A whole state out of the tables.

use super::Saved;
use super::error::Problem;
use super::format::{FDB, KEY_FIRST, KEY_REVISION, META, THINGS, UNDO, number, rows_of};
use super::rows::{self, Key, UndoKey, Value};
use crate::config::{FdbEntry, Wanted, join};
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable};
use std::collections::BTreeMap;

/// What is stored, or what was `back` revisions before, which is 0 or 1. `None` if that is not known.
pub(super) fn read(database: &Database, back: u64) -> Result<Option<Saved>, Problem> {
    let txn = database.begin_read()?;
    let meta = txn.open_table(META)?;
    let (revision, first) = (number(&meta, KEY_REVISION)?, number(&meta, KEY_FIRST)?);
    let wanted = revision.checked_sub(back);
    let Some(wanted) = wanted.filter(|wanted| *wanted >= first) else {
        return Ok(None);
    };
    let things = txn.open_table(THINGS)?;
    let things = things.range(..=wanted)?.next_back().transpose()?;
    let Some((_, things)) = things else {
        return Err(Problem::damaged("it has nothing but static entries"));
    };
    let things = str::from_utf8(things.value()).map_err(Problem::damaged)?;
    let undone = (back > 0).then_some(revision);
    let text = join(&entries(&txn, undone)?, things);
    let wanted = Wanted::parse(&text, "the store").map_err(Problem::Refused)?;
    Ok(Some(Saved {
        wanted,
        revision: revision - back,
    }))
}

/// The static entries in their order, before `undone` if there is one.
fn entries(txn: &ReadTransaction, undone: Option<u64>) -> Result<Vec<FdbEntry>, Problem> {
    let mut all = BTreeMap::new();
    for row in txn.open_table(FDB)?.iter()? {
        let (key, value) = row?;
        all.insert(*key.value(), *value.value());
    }
    if let Some(revision) = undone {
        let (first, last) = rows_of(revision);
        for row in txn.open_table(UNDO)?.range::<&UndoKey>(&first..=&last)? {
            let (undo, before) = row?;
            let key = rows::key_of_undo(undo.value());
            match before.value() {
                [] => all.remove(&key),
                before => all.insert(key, rows::value_of_undo(before)?),
            };
        }
    }
    let mut all: Vec<(Key, Value)> = all.into_iter().collect();
    all.sort_by_key(|(_, value)| rows::position(value));
    all.iter()
        .map(|(key, value)| rows::entry(key, value))
        .collect()
}

/// How many texts and undo rows are kept.
#[cfg(test)]
pub(super) fn kept(database: &Database) -> Result<(u64, u64), Problem> {
    use redb::ReadableTableMetadata as _;
    let txn = database.begin_read()?;
    Ok((txn.open_table(THINGS)?.len()?, txn.open_table(UNDO)?.len()?))
}
