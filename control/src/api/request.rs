//! What passes between the api thread, which talks to clients, and the state thread, which knows.

use super::messages::{Method, Reply};
use crossbeam_channel::{Receiver, Sender, bounded};
use tokio::sync::oneshot;

/// Where the api thread puts requests. It never waits there: a full queue is an answer of its own.
pub type RequestSender = Sender<Request>;

/// Where the state thread finds them.
pub type RequestReceiver = Receiver<Request>;

/// A queue of at most `capacity` requests that are not taken yet.
pub fn requests(capacity: usize) -> (RequestSender, RequestReceiver) {
    bounded(capacity)
}

/// A client's question, and the way for its answer. Dropped without an answer, it tells the client
/// that the daemon is stopping.
#[derive(Debug)]
pub struct Request {
    /// What is asked.
    pub method: Method,
    /// Where the answer goes; the variant must be that of the method.
    pub reply: oneshot::Sender<Reply>,
}

impl Request {
    /// Answers. A client that has gone is no error. Never blocks.
    pub fn answer(self, reply: Reply) {
        drop(self.reply.send(reply));
    }
}
