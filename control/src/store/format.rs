//! What is in the file: tables, their version, and one transaction for each commit.
//!
//! ```text
//! meta    "format", "revision", "first": the first revision that this file knows of
//! things  revision -> all but static entries, as TOML, if that revision changed them
//! fdb     a row for each static entry
//! undo    revision and row -> what the row was before that revision
//! ```
//!
//! What undoes the last two revisions is kept: one for who asks for the previous state, and one more
//! for when a commit fails after it reached the disk, and must be taken back.

use super::Saved;
use super::change::changes;
use super::error::Problem;
use super::medium::Medium;
use super::migrate;
use super::rows::{self, Key, UndoKey, Value};
use crate::config::{FdbEntry, Wanted, join};
use redb::backends::InMemoryBackend;
use redb::{
    Database, Durability, ReadTransaction, ReadableDatabase, ReadableTable, StorageBackend, Table,
    TableDefinition, WriteTransaction,
};
use std::collections::BTreeMap;

/// The version of all this that we write.
pub(super) const FORMAT: u64 = 1;

const META: TableDefinition<'_, &[u8], u64> = TableDefinition::new("meta");
const THINGS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("things");
const FDB: TableDefinition<'_, &Key, &Value> = TableDefinition::new("fdb");
const UNDO: TableDefinition<'_, &UndoKey, &[u8]> = TableDefinition::new("undo");

const KEY_FORMAT: &[u8] = b"format";
const KEY_REVISION: &[u8] = b"revision";
const KEY_FIRST: &[u8] = b"first";

/// Memory for pages, in bytes.
const CACHE: usize = 64 << 20;
/// More than a store with all entries that a switch may have.
const LONGEST: u64 = 16 << 30;

/// The database in a file. Every page is checked: redb tells a damaged file as an error then, where
/// it may panic otherwise.
pub(super) fn open(backend: impl StorageBackend) -> Result<Database, Problem> {
    let mut builder = Database::builder();
    builder
        .set_cache_size(CACHE)
        .set_check_integrity_on_open(true);
    Ok(builder.create_with_backend(backend)?)
}

/// Makes an empty store in an empty file, and closes it.
pub(super) fn create(medium: Medium) -> Result<(), Problem> {
    let database = open(medium)?;
    let txn = begin(&database)?;
    {
        let mut meta = txn.open_table(META)?;
        meta.insert(KEY_FORMAT, FORMAT)?;
        meta.insert(KEY_REVISION, 0)?;
        meta.insert(KEY_FIRST, 1)?;
        (
            txn.open_table(THINGS)?,
            txn.open_table(FDB)?,
            txn.open_table(UNDO)?,
        );
    }
    txn.commit()?;
    Ok(database.close()?)
}

/// What a medium holds, and its revision. All of it is tried on a copy in memory, since opening a
/// database writes to it.
pub(super) fn judge(medium: &Medium) -> Result<(Option<Saved>, u64), Problem> {
    let database = open(copy(medium)?)?;
    migrate(&database)?;
    let revision = revision(&database)?;
    Ok((read(&database, 0)?, revision))
}

fn copy(medium: &Medium) -> Result<InMemoryBackend, Problem> {
    let length = medium.len()?;
    if length == 0 || length > LONGEST {
        return Err(Problem::Damaged(format!("it is {length} bytes long")));
    }
    let (copy, mut buffer) = (InMemoryBackend::new(), vec![0; 1 << 20]);
    copy.set_len(length)?;
    for offset in (0..length).step_by(buffer.len()) {
        let part = buffer.len().min((length - offset) as usize);
        medium.read(offset, &mut buffer[..part])?;
        copy.write(offset, &buffer[..part])?;
    }
    Ok(copy)
}

/// A transaction that is on the disk when its commit returns. The second phase makes damage to the last
/// commit an error; with one, redb would take it for a crash and go back to the commit before.
pub(super) fn begin(database: &Database) -> Result<WriteTransaction, Problem> {
    let mut txn = database.begin_write()?;
    txn.set_durability(Durability::Immediate)?;
    txn.set_two_phase_commit(true);
    Ok(txn)
}

fn number(meta: &impl ReadableTable<&'static [u8], u64>, key: &[u8]) -> Result<u64, Problem> {
    let number = meta.get(key)?.map(|number| number.value());
    number.ok_or_else(|| Problem::damaged(format_args!("it has no {}", key.escape_ascii())))
}

fn revision(database: &Database) -> Result<u64, Problem> {
    number(&database.begin_read()?.open_table(META)?, KEY_REVISION)
}

/// Brings a store of an older format to the present one, in one transaction.
pub(super) fn migrate(database: &Database) -> Result<(), Problem> {
    let format = number(&database.begin_read()?.open_table(META)?, KEY_FORMAT)?;
    if format > FORMAT {
        return Err(Problem::Newer(format));
    }
    if format < FORMAT {
        let txn = begin(database)?;
        migrate::STEPS
            .iter()
            .skip(format as usize)
            .try_for_each(|step| step(&txn))?;
        txn.open_table(META)?.insert(KEY_FORMAT, FORMAT)?;
        txn.commit()?;
    }
    Ok(())
}

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

/// The first and the last undo row that a revision may have.
fn rows_of(revision: u64) -> (UndoKey, UndoKey) {
    let [first, last] = [0, 0xff].map(|byte| [byte; size_of::<Key>()]);
    (
        rows::undo_key(revision, &first),
        rows::undo_key(revision, &last),
    )
}

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
