//! Who may connect, and what for.
//!
//! The mode of the socket's file says who reaches it: its owner and its group. The kernel says of each
//! client who it is (SO_PEERCRED), and here it is looked up what that one may do.

use super::messages::Method;
use super::rpc::RpcError;
use std::cell::Cell;
use std::rc::Rc;

/// Who may do what, beside root and the daemon's own user, who may do everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Users who may do everything, if they reach the socket.
    pub uids: Vec<u32>,
    /// Groups whose members may. Of a client its first group counts, and the socket's.
    pub gids: Vec<u32>,
    /// The group that the socket is given to. Its members may look.
    pub group: Option<u32>,
}

/// What a client may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Right {
    /// Nothing.
    Nothing,
    /// Ask for what is shown.
    Look,
    /// Everything.
    Everything,
}

/// A client as the kernel knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// What the client of a connection may do.
#[derive(Clone, Debug)]
pub(super) struct Pass {
    pub(super) gate: Rc<Gate>,
    pub(super) right: Right,
}

/// The rule of a server, and how often it said no. Lives on the api thread.
#[derive(Debug)]
pub(super) struct Gate {
    access: Access,
    /// The daemon's user.
    own: u32,
    denied: Cell<u64>,
}

impl Gate {
    /// `own` is the daemon's user.
    pub(super) fn new(access: Access, own: u32) -> Self {
        let denied = Cell::new(0);
        Gate {
            access,
            own,
            denied,
        }
    }

    /// Connections and requests that were denied.
    pub(super) fn denied(&self) -> u64 {
        self.denied.get()
    }

    /// What a client may do that has connected, or what it is told.
    pub(super) fn admit(&self, peer: Peer) -> Result<Right, RpcError> {
        match self.right(peer) {
            Right::Nothing => Err(self.deny(format!(
                "user {0} of group {1} may not ask this daemon: ask as root, or start it with \
                 --allow-uid {0}, or with --socket-group for a group that may look",
                peer.uid, peer.gid
            ))),
            right => Ok(right),
        }
    }

    /// Whether who has this right may ask for it.
    pub(super) fn check(&self, right: Right, method: &Method) -> Result<(), RpcError> {
        if right >= Right::Everything || !method.is_for_few() {
            return Ok(());
        }
        Err(self.deny(format!(
            "you may look, but {} is for root, and for users and groups that the daemon was started \
             for with --allow-uid and --allow-gid",
            method.name()
        )))
    }

    /// Whether who has this right may send a long request: there is memory for one at a time, and all
    /// that may be long are for few.
    pub(super) fn check_long(&self, right: Right) -> Result<(), RpcError> {
        if right >= Right::Everything {
            return Ok(());
        }
        Err(self.deny("you may look, but a long request is for those who may do everything".into()))
    }

    fn right(&self, peer: Peer) -> Right {
        let Access { uids, gids, group } = &self.access;
        // Who reaches the socket and is not its owner is in its group, if only among others: the
        // kernel has looked, and says no more than the first one here.
        let by_group = gids.contains(&peer.gid) || group.is_some_and(|group| gids.contains(&group));
        let by_user = peer.uid == 0 || peer.uid == self.own || uids.contains(&peer.uid);
        match (by_user || by_group, group) {
            (true, _) => Right::Everything,
            (false, Some(_)) => Right::Look,
            (false, None) => Right::Nothing,
        }
    }

    fn deny(&self, message: String) -> RpcError {
        self.denied.set(self.denied.get() + 1);
        RpcError::new(RpcError::DENIED, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::messages::ConfigText;

    const OWN: u32 = 500;

    fn gate(uids: &[u32], gids: &[u32], group: Option<u32>) -> Gate {
        let (uids, gids) = (uids.to_vec(), gids.to_vec());
        Gate::new(Access { uids, gids, group }, OWN)
    }

    #[test]
    fn everybody_has_the_right_that_was_given() {
        use Right::{Everything, Look, Nothing};
        for (gate, uid, gid, right) in [
            (gate(&[], &[], None), 0, 0, Everything),
            (gate(&[], &[], None), OWN, 7, Everything),
            (gate(&[], &[], None), 1000, 0, Nothing),
            (gate(&[], &[], Some(7)), 1000, 7, Look),
            (gate(&[], &[], Some(7)), 1000, 1000, Look),
            (gate(&[1000], &[], None), 1000, 7, Everything),
            (gate(&[1000], &[], Some(7)), 1001, 7, Look),
            (gate(&[], &[8], Some(7)), 1000, 8, Everything),
            (gate(&[], &[8], Some(7)), 1000, 7, Look),
            (gate(&[], &[7], Some(7)), 1000, 1000, Everything),
        ] {
            assert_eq!(gate.right(Peer { uid, gid }), right, "{gate:?} {uid} {gid}");
        }
    }

    #[test]
    fn what_is_denied_is_counted_and_says_what_to_do() {
        let gate = gate(&[], &[], None);
        assert_eq!(gate.admit(Peer { uid: 0, gid: 0 }), Ok(Right::Everything));
        let error = gate.admit(Peer { uid: 7, gid: 8 }).unwrap_err();
        assert_eq!(error.code, RpcError::DENIED);
        assert!(error.message.contains("--allow-uid 7"), "{error}");
        assert_eq!(gate.check(Right::Look, &Method::StatsShow), Ok(()));
        assert_eq!(gate.check(Right::Everything, &Method::CacheFlush), Ok(()));
        let error = gate.check(Right::Look, &Method::CacheFlush).unwrap_err();
        assert!(error.message.contains("cache.flush is for root"), "{error}");
        assert_eq!(gate.denied(), 2);
        for brings_much in [Method::ConfigCheck, Method::ConfigDiff] {
            let (text, name) = (String::new(), String::new());
            let method = brings_much(ConfigText { text, name });
            assert!(gate.check(Right::Look, &method).is_err(), "{method:?}");
        }
    }
}
