//! Older formats. Each step makes the next format of its own; a step is never changed again.

use super::error::Problem;
use super::format::FORMAT;
use super::write;
use crate::config::Wanted;
use redb::{ReadableTable, TableDefinition, WriteTransaction};

/// Makes a format of the one before it.
type Step = fn(&WriteTransaction) -> Result<(), Problem>;

/// From format `n`, at place `n`, to the one after it.
pub(super) const STEPS: [Step; FORMAT as usize] = [from_0];

/// All of format 0, but for `meta`: one text for everything.
pub(super) const WANTED: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("wanted");
pub(super) const TOML: &[u8] = b"toml";

fn from_0(txn: &WriteTransaction) -> Result<(), Problem> {
    let text = txn
        .open_table(WANTED)?
        .get(TOML)?
        .map(|text| text.value().to_vec());
    let text = String::from_utf8(text.unwrap_or_default()).map_err(Problem::damaged)?;
    let wanted = Wanted::parse(&text, "the store").map_err(Problem::Refused)?;
    write::fill(txn, &wanted)?;
    txn.delete_table(WANTED)?;
    Ok(())
}
