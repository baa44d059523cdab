//! What passes between the api thread, which talks to clients, and the state thread, which knows.

use super::messages::{Capture, Method, Reply};
use super::room::Held;
use crate::trace::filter::{self, Program};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::time::Instant;
use tokio::sync::oneshot;

/// Where the api thread puts requests. It never waits there: a full queue is an answer of its own.
pub type RequestSender = Sender<Request>;

/// Where the state thread finds them.
pub type RequestReceiver = Receiver<Request>;

/// A queue of at most `capacity` requests that are not taken yet.
pub fn requests(capacity: usize) -> (RequestSender, RequestReceiver) {
    bounded(capacity)
}

/// The ways of requests to those who answer them.
#[derive(Clone, Debug)]
pub struct Ways {
    /// To the state thread, which knows what is.
    pub state: RequestSender,
    /// To the keeper, who has what is wanted. A change takes its time, and holds up no other question.
    pub keeper: RequestSender,
}

impl Ways {
    /// To the one who answers `method`.
    pub(super) fn of(&self, method: &Method) -> &RequestSender {
        if method.is_for_keeper() {
            &self.keeper
        } else {
            &self.state
        }
    }
}

/// One for both.
impl From<RequestSender> for Ways {
    fn from(all: RequestSender) -> Self {
        Ways {
            state: all.clone(),
            keeper: all,
        }
    }
}

/// Why what is asked cannot be done, for a human: what is in the way, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// What a client waits for.
pub type Answer = oneshot::Receiver<Result<Reply, Refused>>;

/// A client's question, and the way for its answer. Dropped without an answer, it tells the client
/// that the daemon is stopping.
#[derive(Debug)]
pub struct Request {
    /// What is asked.
    pub method: Method,
    /// What the words of its filter mean; every frame, if it has none.
    pub filter: Program,
    /// When it was asked, on its way to the queue.
    pub asked: Instant,
    /// Where the answer goes; the variant must be that of the method.
    pub reply: oneshot::Sender<Result<Reply, Refused>>,
    /// If it is long, the room that it takes, wherever its client is by now.
    pub(super) room: Option<Held>,
}

impl Request {
    /// A question, and its answer to come. Filters are compiled here, which takes up to a tenth of a
    /// second, so that the state thread need not wait for it.
    ///
    /// # Errors
    /// If the filter is wrong.
    pub fn new(method: Method) -> Result<(Self, Answer), Refused> {
        let words = match &method {
            Method::CaptureStart(Capture { filter, .. })
            | Method::ExplainNext(Capture { filter, .. }) => filter,
            _ => "",
        };
        let filter = filter::program(words).map_err(|e| Refused(format!("filter: {e}")))?;
        let (reply, answer) = oneshot::channel();
        let request = Request {
            method,
            filter,
            asked: Instant::now(),
            reply,
            room: None,
        };
        Ok((request, answer))
    }

    /// Answers. A client that has gone is no error. Never blocks.
    pub fn answer(self, reply: Reply) {
        self.end(Ok(reply));
    }

    /// Answers that it cannot be done. Never blocks.
    pub fn refuse(self, why: Refused) {
        self.end(Err(why));
    }

    /// Who has its answer may ask again, and finds the room that this one took.
    fn end(self, outcome: Result<Reply, Refused>) {
        let Request {
            method,
            reply,
            room,
            ..
        } = self;
        drop(method);
        drop(room);
        drop(reply.send(outcome));
    }
}
