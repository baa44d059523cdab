//! A table by prefix, with longest match.

use crate::config::Prefix;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// Lengths that a prefix can have.
const LENGTHS: usize = 33;

/// Values by prefix. Host bits of keys do not count.
#[derive(Clone, Debug)]
pub(super) struct Prefixes<T> {
    /// By length, then by network.
    by_length: [BTreeMap<Ipv4Addr, T>; LENGTHS],
}

impl<T> Default for Prefixes<T> {
    fn default() -> Self {
        Prefixes::new()
    }
}

impl<T> Prefixes<T> {
    pub(super) const fn new() -> Self {
        Prefixes {
            by_length: [const { BTreeMap::new() }; LENGTHS],
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_length.iter().map(BTreeMap::len).sum()
    }

    pub(super) fn insert(&mut self, key: Prefix, value: T) -> Option<T> {
        self.by_length[usize::from(key.length())].insert(key.network(), value)
    }

    pub(super) fn remove(&mut self, key: Prefix) -> Option<T> {
        self.by_length[usize::from(key.length())].remove(&key.network())
    }

    pub(super) fn get(&self, key: Prefix) -> Option<&T> {
        self.by_length[usize::from(key.length())].get(&key.network())
    }

    pub(super) fn get_mut(&mut self, key: Prefix) -> Option<&mut T> {
        self.by_length[usize::from(key.length())].get_mut(&key.network())
    }

    /// Longest prefixes first, then by network.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Prefix, &T)> {
        let lengths = (0..=32).zip(&self.by_length).rev();
        lengths.flat_map(|(length, networks)| {
            let rows = networks.iter();
            rows.filter_map(move |(network, value)| Some((Prefix::new(*network, length)?, value)))
        })
    }

    /// All that contain `address`, the longest first.
    pub(super) fn matches(&self, address: Ipv4Addr) -> impl Iterator<Item = (Prefix, &T)> {
        let lengths = (0..=32).zip(&self.by_length).rev();
        let used = lengths.filter(|(_, networks)| !networks.is_empty());
        used.filter_map(move |(length, networks)| {
            let key = Prefix::new(address, length)?.network();
            Some((Prefix::new(key, length)?, networks.get(&key)?))
        })
    }
}
