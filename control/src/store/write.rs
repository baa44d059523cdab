//! One state after another into the tables, each step in one transaction.

use super::change::changes;
use super::error::Problem;
use super::format::{
    FDB, KEY_FIRST, KEY_REVISION, META, THINGS, UNDO, begin, number, revision, rows_of,
};
use super::rows::{self, Key, UndoKey, Value};
use crate::config::{FdbEntry, Wanted};
use redb::{Database, ReadableTable, Table, WriteTransaction};

/// Stores the step from `before` to `after` as `revision`.
pub(super) fn commit(
    database: &Database,
    before: &Wanted,
    after: &Wanted,
    revision: u64,
) -> Result<(), Problem> {
    let txn = begin(database)?;
    {
        let mut meta = txn.open_table(META)?;
        let last = number(&meta, KEY_REVISION)?;
        if last + 1 != revision {
            return Err(Problem::Damaged(format!(
                "it has revision {last} before {revision}"
            )));
        }
        meta.insert(KEY_REVISION, revision)?;
        if revision == 1 || !same_things(before, after) {
            put_things(&txn, after, revision)?;
        }
        put_entries(&txn, before, after, revision)?;
        forget(&txn, revision.saturating_sub(2))?;
    }
    Ok(txn.commit()?)
}

fn same_things(before: &Wanted, after: &Wanted) -> bool {
    before.switch == after.switch
        && before.ports == after.ports
        && before.routes == after.routes
        && before.neighbours == after.neighbours
        && before.bridges == after.bridges
        && before.tunnels == after.tunnels
}

fn put_things(txn: &WriteTransaction, wanted: &Wanted, revision: u64) -> Result<(), Problem> {
    let text = wanted.things_to_toml();
    txn.open_table(THINGS)?.insert(revision, text.as_bytes())?;
    Ok(())
}

fn put_entries(
    txn: &WriteTransaction,
    before: &Wanted,
    after: &Wanted,
    revision: u64,
) -> Result<(), Problem> {
    let (mut fdb, mut undo) = (txn.open_table(FDB)?, txn.open_table(UNDO)?);
    let position = |entry: &FdbEntry| match fdb.get(&rows::key(entry))? {
        Some(value) => Ok(rows::position(value.value())),
        None => Err(missing()),
    };
    let changes = changes(&before.fdb, &after.fdb, position)?;
    for entry in changes.removed {
        let key = rows::key(entry);
        let was = fdb.remove(&key)?.map(|was| *was.value());
        keep(&mut undo, revision, &key, Some(was.ok_or_else(missing)?))?;
    }
    for (entry, position) in changes.written {
        let (key, value) = (rows::key(entry), rows::value(entry, position));
        let was = fdb.insert(&key, &value)?.map(|was| *was.value());
        keep(&mut undo, revision, &key, was)?;
    }
    Ok(())
}

fn missing() -> Problem {
    Problem::damaged("an entry is missing that was committed")
}

fn keep(
    undo: &mut Table<'_, &'static UndoKey, &'static [u8]>,
    revision: u64,
    key: &Key,
    was: Option<Value>,
) -> Result<(), Problem> {
    let was = was.as_ref().map_or(&[][..], |was| &was[..]);
    undo.insert(&rows::undo_key(revision, key), was)?;
    Ok(())
}

/// Drops what only leads to what was before `oldest`.
fn forget(txn: &WriteTransaction, oldest: u64) -> Result<(), Problem> {
    let (end, _) = rows_of(oldest + 1);
    txn.open_table(UNDO)?
        .retain_in::<&UndoKey, _>(..&end, |_, _| false)?;
    let mut things = txn.open_table(THINGS)?;
    let still = things.range(..=oldest)?.next_back().transpose()?;
    if let Some(still) = still.map(|(revision, _)| revision.value()) {
        things.retain_in(..still, |_, _| false)?;
    }
    Ok(())
}

/// Takes back what reached the disk and was not acknowledged: the one revision behind `acknowledged`.
pub(super) fn undo_beyond(database: &Database, acknowledged: u64) -> Result<(), Problem> {
    let found = revision(database)?;
    if found == acknowledged {
        return Ok(());
    }
    if found != acknowledged + 1 {
        let what = format!("it has revision {found} where {acknowledged} was committed");
        return Err(Problem::Damaged(what));
    }
    let txn = begin(database)?;
    {
        let (mut fdb, mut undo) = (txn.open_table(FDB)?, txn.open_table(UNDO)?);
        let (first, last) = rows_of(found);
        for row in undo.extract_from_if::<&UndoKey, _>(&first..=&last, |_, _| true)? {
            let (undo, before) = row?;
            let key = rows::key_of_undo(undo.value());
            match before.value() {
                [] => fdb.remove(&key)?,
                before => fdb.insert(&key, &rows::value_of_undo(before)?)?,
            };
        }
        txn.open_table(THINGS)?.remove(found)?;
        txn.open_table(META)?.insert(KEY_REVISION, acknowledged)?;
    }
    Ok(txn.commit()?)
}

/// Makes the tables of a store that holds `wanted`, and nothing of what was before.
pub(super) fn fill(txn: &WriteTransaction, wanted: &Wanted) -> Result<(), Problem> {
    let mut meta = txn.open_table(META)?;
    let revision = number(&meta, KEY_REVISION)?;
    meta.insert(KEY_FIRST, revision.max(1))?;
    if revision > 0 {
        put_things(txn, wanted, revision)?;
        put_entries(txn, &Wanted::default(), wanted, revision)?;
    }
    forget(txn, revision)
}
