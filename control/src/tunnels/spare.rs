//! Numbers of remotes that nobody has.
//!
//! As with [`crate::numbers`] one that was given back is not the next one's at once. Here it is
//! usable again when every worker has passed the change, and what workers told before has been
//! heard, which whoever calls [`Spare::release`] knows.

use fastpath::ids::{RemoteId, TunnelId};
use fastpath::publish::Change;
use std::collections::HashMap;
use std::net::Ipv4Addr;

/// Whose a number is.
pub(super) type Owner = (TunnelId, Ipv4Addr);

struct Retired {
    /// `None` if the owner has it again.
    id: Option<RemoteId>,
    owner: Owner,
    /// The first change without it, once that is published.
    since: Option<Change>,
}

/// The numbers of remotes that nobody has.
#[derive(Default)]
pub(super) struct Spare {
    /// How many were ever given.
    given: usize,
    /// In the order of their end.
    retired: Vec<Retired>,
    /// Where those stand in it that are in every snapshot still, and may have their number back.
    lately: HashMap<Owner, usize>,
    free: Vec<RemoteId>,
}

impl Spare {
    /// A number for a remote; its own, if that has not gone yet. `None` if none is left.
    pub(super) fn take(&mut self, owner: Owner) -> Option<RemoteId> {
        let own = self.lately.remove(&owner);
        let own = own.and_then(|at| self.retired.get_mut(at)?.id.take());
        own.or_else(|| self.free.pop()).or_else(|| {
            let id = RemoteId::new(self.given)?;
            self.given += 1;
            Some(id)
        })
    }

    /// A remote is in no snapshot that follows.
    pub(super) fn retire(&mut self, id: RemoteId, owner: Owner) {
        self.lately.insert(owner, self.retired.len());
        let (id, since) = (Some(id), None);
        self.retired.push(Retired { id, owner, since });
    }

    /// A snapshot without what was retired was published as `change`.
    pub(super) fn seal(&mut self, change: Change) {
        self.lately.clear();
        for retired in &mut self.retired {
            retired.since.get_or_insert(change);
        }
    }

    /// All that nobody else has yet may be had back by their owners, until they are sealed once more.
    pub(super) fn recall(&mut self) {
        for (at, retired) in self.retired.iter_mut().enumerate() {
            retired.since = None;
            if retired.id.is_some() {
                self.lately.insert(retired.owner, at);
            }
        }
    }

    /// How many of those that were retired first no worker uses any more, as told by `passed`.
    pub(super) fn passed(&self, passed: impl Fn(Change) -> bool) -> usize {
        let mut retired = self.retired.iter();
        let first = retired.position(|retired| !retired.since.is_some_and(&passed));
        first.unwrap_or(self.retired.len())
    }

    /// Makes the `count` numbers usable again that were retired first.
    pub(super) fn release(&mut self, count: usize) {
        self.lately.clear();
        let over = self.retired.drain(..count.min(self.retired.len()));
        self.free.extend(over.filter_map(|retired| retired.id));
    }

    /// How many numbers could be given.
    pub(super) fn room(&self) -> usize {
        self.free.len() + (RemoteId::LIMIT - self.given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(number: u8) -> Owner {
        (TunnelId::modulo(0), [192, 0, 2, number].into())
    }

    fn id(number: usize) -> Option<RemoteId> {
        RemoteId::new(number)
    }

    #[test]
    fn a_number_is_the_owners_until_it_is_sealed_and_nobodys_until_it_is_released() {
        let mut spare = Spare::default();
        assert_eq!(
            [1, 2].map(|number| spare.take(owner(number))),
            [id(0), id(1)]
        );
        for number in [1, 2] {
            spare.retire(RemoteId::modulo(number - 1), owner(number as u8));
        }
        assert_eq!(spare.room(), RemoteId::LIMIT - 2);
        assert_eq!((spare.take(owner(2)), spare.take(owner(2))), (id(1), id(2)));
        spare.seal(Change::INITIAL);
        assert_eq!(spare.take(owner(1)), id(3), "its own is sealed");
        assert_eq!(spare.passed(|_| false), 0);
        let passed = spare.passed(|_| true);
        spare.release(passed);
        assert_eq!(
            [spare.take(owner(9)), spare.take(owner(8))],
            [id(0), id(4)],
            "the first, and not the one that its owner has again"
        );
    }

    #[test]
    fn what_is_recalled_is_the_owners_again() {
        let mut spare = Spare::default();
        let all = [1, 2].map(|number| (spare.take(owner(number)).unwrap(), owner(number)));
        for (id, owner) in all {
            spare.retire(id, owner);
        }
        spare.seal(Change::INITIAL);
        spare.recall();
        assert_eq!(spare.take(owner(2)), id(1));
        assert_eq!(spare.passed(|_| true), 0, "it is to be sealed again");
        // It goes once more: under the later entry alone.
        spare.retire(RemoteId::modulo(1), owner(2));
        spare.seal(Change::INITIAL);
        let passed = spare.passed(|_| true);
        spare.release(passed);
        assert_eq!(spare.room(), RemoteId::LIMIT);
    }
}
