//! From an FDB key to the entries that rest on it: hashed chains, linked through the entries.

use crate::fdb::FdbKey;
use crate::resolve::Dependencies;

/// FDB keys that one entry can rest on: source and destination.
const PER_ENTRY: usize = 2;
const NONE: u32 = u32::MAX;

/// One entry's place in the chain of one key.
#[derive(Clone, Copy, Debug)]
struct Link {
    key: Option<FdbKey>,
    previous: u32,
    next: u32,
}

const FREE: Link = Link {
    key: None,
    previous: NONE,
    next: NONE,
};

/// The chains.
#[derive(Debug)]
pub(super) struct Dependents {
    /// First link of each chain.
    heads: Box<[u32]>,
    /// Entry `e` has links `2e` and `2e + 1`.
    links: Box<[Link]>,
}

impl Dependents {
    /// More entries than this would not fit the links' numbers.
    pub(super) const MAX_ENTRIES: usize = 1 << 30;

    pub(super) fn new(entries: usize) -> Self {
        let heads = (entries * PER_ENTRY).max(1).next_power_of_two();
        Dependents {
            heads: vec![NONE; heads].into(),
            links: vec![FREE; entries * PER_ENTRY].into(),
        }
    }

    fn chain(&self, key: FdbKey) -> usize {
        let hash = key.to_u64().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        hash as usize & (self.heads.len() - 1)
    }

    /// Puts entry `at`, which is in no chain, into those of `keys`.
    pub(super) fn link(&mut self, at: u32, keys: &Dependencies) {
        for (number, key) in keys.iter().take(PER_ENTRY).enumerate() {
            let this = at as usize * PER_ENTRY + number;
            let chain = self.chain(*key);
            let next = std::mem::replace(&mut self.heads[chain], this as u32);
            self.links[this] = Link {
                key: Some(*key),
                previous: NONE,
                next,
            };
            if next != NONE {
                self.links[next as usize].previous = this as u32;
            }
        }
    }

    /// Takes entry `at` out of all chains.
    pub(super) fn unlink(&mut self, at: u32) {
        for number in 0..PER_ENTRY {
            let this = at as usize * PER_ENTRY + number;
            let Link {
                key,
                previous,
                next,
            } = std::mem::replace(&mut self.links[this], FREE);
            let Some(key) = key else { continue };
            if next != NONE {
                self.links[next as usize].previous = previous;
            }
            if previous == NONE {
                let chain = self.chain(key);
                self.heads[chain] = next;
            } else {
                self.links[previous as usize].next = next;
            }
        }
    }

    /// Some entry that rests on `key`.
    pub(super) fn first(&self, key: FdbKey) -> Option<u32> {
        let mut at = self.heads[self.chain(key)];
        while at != NONE {
            let link = &self.links[at as usize];
            if link.key == Some(key) {
                return Some(at / PER_ENTRY as u32);
            }
            at = link.next;
        }
        None
    }
}

#[cfg(not(loom))]
#[cfg(test)]
impl Dependents {
    /// Every link in use is in the chain of its key, once, and belongs to one of `entries`.
    pub(super) fn assert_sound(&self, entries: &[u32]) {
        let used = self.links.iter().filter(|link| link.key.is_some()).count();
        let mut walked = 0;
        for (chain, head) in self.heads.iter().enumerate() {
            let (mut previous, mut at) = (NONE, *head);
            while at != NONE {
                let link = &self.links[at as usize];
                assert_eq!(link.key.map(|key| self.chain(key)), Some(chain));
                assert_eq!(link.previous, previous);
                assert!(entries.contains(&(at / PER_ENTRY as u32)));
                walked += 1;
                assert!(walked <= used, "a chain runs in a circle");
                (previous, at) = (at, link.next);
            }
        }
        assert_eq!(walked, used);
    }
}
