//! What passes between the keeper, who has what is wanted, and state, which carries it out.
//!
//! A change is whole: state carries out all of it, or nothing. It is answered when every worker has
//! passed it, or was given up on, and when what goes with it is gone.

use crate::api::Refused;
use crate::config::Wanted;
use crate::reconcile::Step;
use crossbeam_channel::{Receiver, Sender, bounded};
use fastpath::ids::WorkerId;
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};

/// A change, and the way for its answer. Dropped without an answer it tells that state is gone.
#[derive(Debug)]
pub struct Change {
    /// What is wanted from now on.
    pub next: Arc<Wanted>,
    /// The steps from what was wanted before.
    pub steps: Vec<Step>,
    /// It goes back to what was: as far as that can be had. Refused only while all numbers of a kind are
    /// in use or rest, which passes.
    pub back: bool,
    /// It is gone back on unless it is confirmed: refused if that could not be.
    pub trial: bool,
    /// Where the answer goes.
    pub reply: Sender<Result<Done, Refused>>,
}

/// A change that was carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Workers that had not passed it when patience was over: they may still decide by what was.
    pub lagging: Vec<WorkerId>,
    /// What is kept and takes effect later or with the next start only, as a user should read it.
    pub later: Vec<String>,
}

/// Where the answer to a change comes.
pub type Answer = Receiver<Result<Done, Refused>>;
/// Where the keeper puts changes.
pub type ChangeSender = SyncSender<Change>;
/// Where state finds them.
pub type ChangeReceiver = mpsc::Receiver<Change>;

/// A queue for one change at a time: the keeper waits for each.
///
/// It is one of the standard library, since those of crossbeam keep what is in them when the receiver has
/// gone, as long as there is a sender: and that is the keeper, which would wait for an answer to it.
pub fn changes() -> (ChangeSender, ChangeReceiver) {
    mpsc::sync_channel(1)
}

impl Change {
    /// A change, and its answer to come.
    pub fn new(next: Arc<Wanted>, steps: Vec<Step>) -> (Self, Answer) {
        let (reply, answer) = bounded(1);
        let change = Change {
            next,
            steps,
            back: false,
            trial: false,
            reply,
        };
        (change, answer)
    }

    /// The same, to be gone back on unless it is confirmed.
    pub fn trial(next: Arc<Wanted>, steps: Vec<Step>) -> (Self, Answer) {
        let (change, answer) = Change::new(next, steps);
        let trial = true;
        (Change { trial, ..change }, answer)
    }

    /// The same, to go back to what was wanted before. A port that does not open then is tried again
    /// as if its device had been lost, and stations that were learned meanwhile make way.
    pub fn back(next: Arc<Wanted>, steps: Vec<Step>) -> (Self, Answer) {
        let (change, answer) = Change::new(next, steps);
        let back = true;
        (Change { back, ..change }, answer)
    }

    /// Answers. A keeper that has gone is no error. Never blocks.
    pub fn answer(self, answer: Result<Done, Refused>) {
        drop(self.reply.try_send(answer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_that_nobody_takes_any_more_is_answered_by_its_end() {
        let (sender, receiver) = changes();
        let (change, answer) = Change::new(Arc::default(), Vec::new());
        sender.send(change).unwrap();
        drop(receiver);
        let end = answer.recv_timeout(std::time::Duration::from_secs(60));
        assert_eq!(end, Err(crossbeam_channel::RecvTimeoutError::Disconnected));
        let (change, _answer) = Change::new(Arc::default(), Vec::new());
        assert!(sender.send(change).is_err());
    }
}
