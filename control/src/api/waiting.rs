//! Who is connected, and who has waited longest without a request.

use super::access::Right;
use super::room::Room;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use tokio::sync::oneshot;

/// Places that who may only look does not get.
const KEPT: usize = 4;

/// The connections of a server, of which there is a limited number. Lives on one thread.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    inner: Rc<RefCell<Inner>>,
    room: Rc<Room>,
}

#[derive(Debug)]
struct Inner {
    limit: usize,
    open: usize,
    /// Grows with each turn, so that the first of `waiting` has waited longest.
    turn: u64,
    /// Those of who may do everything, and of others.
    waiting: [BTreeMap<u64, oneshot::Sender<()>>; 2],
}

impl Inner {
    fn waiting(&mut self, right: Right) -> &mut BTreeMap<u64, oneshot::Sender<()>> {
        &mut self.waiting[usize::from(right != Right::Everything)]
    }

    /// Who has waited longest of those that make room for `right`: nobody who may do everything does for
    /// who may not.
    fn longest(&mut self, right: Right) -> Option<oneshot::Sender<()>> {
        let mut found = self.waiting(Right::Look).pop_first();
        if right == Right::Everything {
            found = found.or_else(|| self.waiting(right).pop_first());
        }
        found.map(|(_, call)| call)
    }
}

/// A place among the connections, given back when dropped. It begins as waiting.
#[derive(Debug)]
pub(super) struct Ticket {
    connections: Connections,
    right: Right,
    turn: u64,
    /// None while busy.
    called: Option<oneshot::Receiver<()>>,
}

impl Connections {
    pub(super) fn new(limit: usize) -> Self {
        let (open, turn, waiting) = (0, 0, Default::default());
        let inner = Inner {
            limit,
            open,
            turn,
            waiting,
        };
        Connections {
            inner: Rc::new(RefCell::new(inner)),
            room: Rc::new(Room::new()),
        }
    }

    /// A place for one more. If there is none, the connection that has waited longest is called to
    /// give up its own, those of who may not do everything first; `None` if all are busy. A few places
    /// are only for who may do everything.
    pub(super) fn admit(&self, right: Right) -> Option<Ticket> {
        {
            let mut inner = self.inner.borrow_mut();
            let limit = match right {
                Right::Everything => inner.limit,
                Right::Look | Right::Nothing => inner.limit.saturating_sub(KEPT).max(1),
            };
            if inner.open >= limit {
                let longest = inner.longest(right)?;
                // Its ticket holds the other end, so that the call always arrives.
                let _ = longest.send(());
                inner.open -= 1;
            }
            inner.open += 1;
        }
        let mut ticket = Ticket {
            connections: self.clone(),
            right,
            turn: 0,
            called: None,
        };
        ticket.waiting();
        Some(ticket)
    }
}

impl Ticket {
    /// The client is to send something. It can be called from now on.
    pub(super) fn waiting(&mut self) {
        let (call, called) = oneshot::channel();
        let mut inner = self.connections.inner.borrow_mut();
        inner.turn += 1;
        self.turn = inner.turn;
        self.called = Some(called);
        inner.waiting(self.right).insert(self.turn, call);
    }

    /// What it shares with the other connections.
    pub(super) fn room(&self) -> Rc<Room> {
        Rc::clone(&self.connections.room)
    }

    /// Completes when the place is needed by another.
    pub(super) async fn called(&mut self) {
        match &mut self.called {
            Some(called) => drop(called.await),
            None => std::future::pending().await,
        }
    }

    /// The client has sent something. `false` if it has lost its place in the meantime.
    pub(super) fn busy(&mut self) -> bool {
        let mut inner = self.connections.inner.borrow_mut();
        let kept = inner.waiting(self.right).remove(&self.turn).is_some();
        drop(inner);
        if kept {
            self.called = None;
        }
        kept
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut inner = self.connections.inner.borrow_mut();
        let waiting = inner.waiting(self.right);
        let lost = self.called.is_some() && waiting.remove(&self.turn).is_none();
        if !lost {
            inner.open -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_called(ticket: &mut Ticket) -> bool {
        ticket
            .called
            .as_mut()
            .is_some_and(|called| called.try_recv().is_ok())
    }

    #[test]
    fn the_one_that_waited_longest_makes_room() {
        let connections = Connections::new(2);
        let mut first = connections.admit(Right::Everything).unwrap();
        let mut second = connections.admit(Right::Everything).unwrap();
        assert!(first.busy());
        first.waiting();
        let third = connections.admit(Right::Everything).unwrap();
        assert!(is_called(&mut second) && !is_called(&mut first));
        assert!(
            !second.busy(),
            "its place is gone, though it has something to say"
        );
        drop(second);
        assert_eq!(connections.inner.borrow().open, 2);
        drop((first, third));
        assert_eq!(connections.inner.borrow().open, 0);
        let inner = connections.inner.borrow();
        assert!(inner.waiting.iter().all(BTreeMap::is_empty));
    }

    #[test]
    fn those_who_may_only_look_leave_a_few_places() {
        let connections = Connections::new(2 + KEPT);
        let admit = |right| {
            let mut ticket = connections.admit(right)?;
            ticket.busy().then_some(ticket)
        };
        let mut all: Vec<_> = std::iter::from_fn(|| admit(Right::Look)).collect();
        assert_eq!(all.len(), 2);
        all.extend(std::iter::from_fn(|| admit(Right::Everything)));
        assert_eq!(all.len(), 2 + KEPT);
    }

    /// However many look, who may do everything and waits keeps its place.
    #[test]
    fn those_who_may_only_look_make_room_for_each_other() {
        let connections = Connections::new(2 + KEPT);
        let mut idle = connections.admit(Right::Everything).unwrap();
        let mut looker = connections.admit(Right::Look).unwrap();
        for _ in 0..9 {
            let next = connections.admit(Right::Look).unwrap();
            assert!(is_called(&mut looker) && !is_called(&mut idle));
            looker = next;
        }
        // Alone with others of its kind it makes room.
        drop(looker);
        let all: Vec<_> = (0..1 + KEPT)
            .map(|_| connections.admit(Right::Everything).unwrap())
            .collect();
        assert!(!is_called(&mut idle));
        let _one_more = connections.admit(Right::Everything).unwrap();
        assert!(is_called(&mut idle));
        assert!(connections.admit(Right::Look).is_none());
        drop(all);
    }

    #[test]
    fn who_is_busy_keeps_its_place() {
        let connections = Connections::new(1);
        let mut first = connections.admit(Right::Everything).unwrap();
        assert!(first.busy());
        assert!(connections.admit(Right::Everything).is_none());
        drop(first);
        assert!(connections.admit(Right::Everything).is_some());
    }
}
