//! Who is connected, and who has waited longest without a request.

use super::access::Right;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use tokio::sync::oneshot;

/// Places that who may only look does not get.
const KEPT: usize = 4;

/// The connections of a server, of which there is a limited number. Lives on one thread.
#[derive(Clone, Debug)]
pub(super) struct Connections(Rc<RefCell<Inner>>);

#[derive(Debug)]
struct Inner {
    limit: usize,
    open: usize,
    /// One of them has a long request.
    long: bool,
    /// Grows with each turn, so that the first of `waiting` has waited longest.
    turn: u64,
    waiting: BTreeMap<u64, oneshot::Sender<()>>,
}

/// A place among the connections, given back when dropped. It begins as waiting.
#[derive(Debug)]
pub(super) struct Ticket {
    connections: Connections,
    turn: u64,
    /// None while busy.
    called: Option<oneshot::Receiver<()>>,
    /// Its request is the long one.
    long: bool,
}

impl Connections {
    pub(super) fn new(limit: usize) -> Self {
        let (open, turn, waiting) = (0, 0, BTreeMap::new());
        Connections(Rc::new(RefCell::new(Inner {
            limit,
            open,
            long: false,
            turn,
            waiting,
        })))
    }

    /// A place for one more. If there is none, the connection that has waited longest is called to
    /// give up its own; `None` if all are busy. A few places are only for who may do everything.
    pub(super) fn admit(&self, right: Right) -> Option<Ticket> {
        {
            let mut inner = self.0.borrow_mut();
            let limit = match right {
                Right::Everything => inner.limit,
                Right::Look | Right::Nothing => inner.limit.saturating_sub(KEPT).max(1),
            };
            if inner.open >= limit {
                let (_, longest) = inner.waiting.pop_first()?;
                // Its ticket holds the other end, so that the call always arrives.
                let _ = longest.send(());
                inner.open -= 1;
            }
            inner.open += 1;
        }
        let mut ticket = Ticket {
            connections: self.clone(),
            turn: 0,
            called: None,
            long: false,
        };
        ticket.waiting();
        Some(ticket)
    }
}

impl Ticket {
    /// The client is to send something. It can be called from now on.
    pub(super) fn waiting(&mut self) {
        self.end_long();
        let (call, called) = oneshot::channel();
        let mut inner = self.connections.0.borrow_mut();
        inner.turn += 1;
        self.turn = inner.turn;
        self.called = Some(called);
        inner.waiting.insert(self.turn, call);
    }

    /// Its request is a long one. `false` if another's is: there is memory for one at a time.
    pub(super) fn long(&mut self) -> bool {
        let mut inner = self.connections.0.borrow_mut();
        self.long = !std::mem::replace(&mut inner.long, true);
        self.long
    }

    fn end_long(&mut self) {
        if std::mem::take(&mut self.long) {
            self.connections.0.borrow_mut().long = false;
        }
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
        let kept = self
            .connections
            .0
            .borrow_mut()
            .waiting
            .remove(&self.turn)
            .is_some();
        if kept {
            self.called = None;
        }
        kept
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.end_long();
        let mut inner = self.connections.0.borrow_mut();
        let lost = self.called.is_some() && inner.waiting.remove(&self.turn).is_none();
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
        assert_eq!(connections.0.borrow().open, 2);
        drop((first, third));
        assert_eq!(connections.0.borrow().open, 0);
        assert!(connections.0.borrow().waiting.is_empty());
    }

    #[test]
    fn one_request_at_a_time_is_long() {
        let connections = Connections::new(2);
        let mut first = connections.admit(Right::Everything).unwrap();
        let mut second = connections.admit(Right::Everything).unwrap();
        assert!(first.long() && !second.long());
        second.waiting();
        assert!(!second.long(), "it is not the one that ends it");
        first.waiting();
        assert!(second.long() && !first.long());
        drop(second);
        assert!(first.long());
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
