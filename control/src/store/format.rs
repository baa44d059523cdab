//! What is in the file: tables, their version, and what a file must be to be opened.
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
use super::error::Problem;
use super::medium::Medium;
use super::migrate;
use super::overlay::Overlay;
use super::read::read;
use super::rows::{self, Key, UndoKey, Value};
use redb::{
    Database, Durability, ReadTransaction, ReadableDatabase, ReadableTable, StorageBackend,
    TableDefinition, WriteTransaction,
};

/// The version of all this that we write.
pub(super) const FORMAT: u64 = 1;

pub(super) const META: TableDefinition<'_, &[u8], u64> = TableDefinition::new("meta");
pub(super) const THINGS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("things");
pub(super) const FDB: TableDefinition<'_, &Key, &Value> = TableDefinition::new("fdb");
pub(super) const UNDO: TableDefinition<'_, &UndoKey, &[u8]> = TableDefinition::new("undo");

const KEY_FORMAT: &[u8] = b"format";
pub(super) const KEY_REVISION: &[u8] = b"revision";
pub(super) const KEY_FIRST: &[u8] = b"first";

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
        txn.open_table(THINGS)?;
        txn.open_table(FDB)?;
        txn.open_table(UNDO)?;
    }
    txn.commit()?;
    Ok(database.close()?)
}

/// What a medium holds, and its revision.
pub(super) fn judge(medium: &Medium) -> Result<(Option<Saved>, u64), Problem> {
    let database = look(medium)?;
    let revision = revision(&database)?;
    Ok((read(&database, 0)?, revision))
}

/// The database in a file, in the present format, without a write to the file: opening writes, and so
/// does whatever is done with it then, in memory.
pub(super) fn look(medium: &Medium) -> Result<Database, Problem> {
    let length = medium.len()?;
    if length == 0 || length > LONGEST {
        return Err(Problem::Damaged(format!("it is {length} bytes long")));
    }
    let database = open(Overlay::new(medium.clone())?)?;
    migrate(&database)?;
    Ok(database)
}

/// Makes a store with the rows of another in an empty file.
pub(super) fn copy(from: &Database, medium: Medium) -> Result<Database, Problem> {
    let database = open(medium)?;
    let (from, to) = (from.begin_read()?, begin(&database)?);
    copy_table(&from, &to, META)?;
    copy_table(&from, &to, THINGS)?;
    copy_table(&from, &to, FDB)?;
    copy_table(&from, &to, UNDO)?;
    to.commit()?;
    Ok(database)
}

fn copy_table<K: redb::Key + 'static, V: redb::Value + 'static>(
    from: &ReadTransaction,
    to: &WriteTransaction,
    table: TableDefinition<'_, K, V>,
) -> Result<(), Problem> {
    let mut to = to.open_table(table)?;
    for row in from.open_table(table)?.iter()? {
        let (key, value) = row?;
        to.insert(key.value(), value.value())?;
    }
    Ok(())
}

/// A transaction that is on the disk when its commit returns. The second phase makes damage to the last
/// commit an error; with one, redb would take it for a crash and go back to the commit before.
pub(super) fn begin(database: &Database) -> Result<WriteTransaction, Problem> {
    let mut txn = database.begin_write()?;
    txn.set_durability(Durability::Immediate)?;
    txn.set_two_phase_commit(true);
    Ok(txn)
}

pub(super) fn number(
    meta: &impl ReadableTable<&'static [u8], u64>,
    key: &[u8],
) -> Result<u64, Problem> {
    let number = meta.get(key)?.map(|number| number.value());
    number.ok_or_else(|| Problem::damaged(format_args!("it has no {}", key.escape_ascii())))
}

pub(super) fn revision(database: &Database) -> Result<u64, Problem> {
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

/// The first and the last undo row that a revision may have.
pub(super) fn rows_of(revision: u64) -> (UndoKey, UndoKey) {
    let [first, last] = [0, 0xff].map(|byte| [byte; size_of::<Key>()]);
    (
        rows::undo_key(revision, &first),
        rows::undo_key(revision, &last),
    )
}
