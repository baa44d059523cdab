//! A static entry as a row. All widths are fixed, so that no row can be cut wrongly.
//!
//! ```text
//! key     bridge, 15 bytes and zeros | mac, 6
//! value   position, 8 | remote, 4: zero if it is a port | port or tunnel, 15 bytes and zeros
//! undo    revision, 8 | key         -> the value before, nothing if there was none
//! ```

use super::error::Problem;
use crate::config::{FdbEntry, FdbTarget, Name};
use fastpath::wire::Mac;
use std::net::Ipv4Addr;

const NAME: usize = Name::MAX;

/// Which entry.
pub(super) type Key = [u8; NAME + 6];
/// Where it stands in the list, and where it leads.
pub(super) type Value = [u8; 12 + NAME];
/// Which entry a revision changed.
pub(super) type UndoKey = [u8; 8 + NAME + 6];

/// What tells entries apart.
pub(super) fn key(entry: &FdbEntry) -> Key {
    let mut key = [0; NAME + 6];
    put_name(&mut key[..NAME], entry.bridge);
    key[NAME..].copy_from_slice(&entry.mac.bytes());
    key
}

pub(super) fn value(entry: &FdbEntry, position: u64) -> Value {
    let (name, remote) = match entry.target {
        FdbTarget::Port(port) => (port, Ipv4Addr::UNSPECIFIED),
        FdbTarget::Remote { tunnel, remote } => (tunnel, remote),
    };
    let mut value = [0; 12 + NAME];
    value[..8].copy_from_slice(&position.to_be_bytes());
    value[8..12].copy_from_slice(&remote.octets());
    put_name(&mut value[12..], name);
    value
}

/// The row of `key` in what undoes `revision`.
pub(super) fn undo_key(revision: u64, key: &Key) -> UndoKey {
    let mut undo = [0; 8 + NAME + 6];
    undo[..8].copy_from_slice(&revision.to_be_bytes());
    undo[8..].copy_from_slice(key);
    undo
}

pub(super) fn key_of_undo(undo: &UndoKey) -> Key {
    let mut key = [0; NAME + 6];
    key.copy_from_slice(&undo[8..]);
    key
}

/// A value from the bytes of an undo row.
pub(super) fn value_of_undo(bytes: &[u8]) -> Result<Value, Problem> {
    bytes
        .try_into()
        .map_err(|_| Problem::damaged("a row has another length"))
}

/// Where the entry stands in the list: less than those behind it.
pub(super) fn position(value: &Value) -> u64 {
    let mut position = [0; 8];
    position.copy_from_slice(&value[..8]);
    u64::from_be_bytes(position)
}

pub(super) fn entry(key: &Key, value: &Value) -> Result<FdbEntry, Problem> {
    let mut mac = [0; 6];
    mac.copy_from_slice(&key[NAME..]);
    let name = name(&value[12..])?;
    let remote = Ipv4Addr::new(value[8], value[9], value[10], value[11]);
    Ok(FdbEntry {
        bridge: self::name(&key[..NAME])?,
        mac: Mac::new(mac),
        target: if remote.is_unspecified() {
            FdbTarget::Port(name)
        } else {
            FdbTarget::Remote {
                tunnel: name,
                remote,
            }
        },
    })
}

fn put_name(bytes: &mut [u8], name: Name) {
    let name = name.as_str().as_bytes();
    bytes[..name.len()].copy_from_slice(name);
}

fn name(bytes: &[u8]) -> Result<Name, Problem> {
    let end = bytes.iter().position(|byte| *byte == 0);
    let (text, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
    let name = str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    name.filter(|_| rest.iter().all(|byte| *byte == 0))
        .ok_or_else(|| Problem::damaged("a row has no name where one belongs"))
}
