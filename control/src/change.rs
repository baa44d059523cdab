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

/// A change, and the way for its answer. Dropped without an answer it tells that state is gone.
#[derive(Debug)]
pub struct Change {
    /// What is wanted from now on.
    pub next: Arc<Wanted>,
    /// The steps from what was wanted before.
    pub steps: Vec<Step>,
    /// Where the answer goes.
    pub reply: Sender<Result<Done, Refused>>,
}

/// A change that was carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Workers that had not passed it when patience was over: they may still decide by what was.
    pub lagging: Vec<WorkerId>,
    /// What is kept and takes effect with the next start only, as a user should read it.
    pub later: Vec<String>,
}

/// Where the keeper puts changes.
pub type ChangeSender = Sender<Change>;
/// Where state finds them.
pub type ChangeReceiver = Receiver<Change>;

/// A queue for one change at a time: the keeper waits for each.
pub fn changes() -> (ChangeSender, ChangeReceiver) {
    bounded(1)
}

impl Change {
    /// A change, and its answer to come.
    pub fn new(next: Arc<Wanted>, steps: Vec<Step>) -> (Self, Receiver<Result<Done, Refused>>) {
        let (reply, answer) = bounded(1);
        (Change { next, steps, reply }, answer)
    }

    /// Answers. A keeper that has gone is no error. Never blocks.
    pub fn answer(self, answer: Result<Done, Refused>) {
        drop(self.reply.try_send(answer));
    }
}
