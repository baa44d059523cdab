//! The end of a server, for what goes on until somebody ends it: captures, and packets to come that are
//! explained. Each is told, and has a while to write its last bytes.

use crate::trace::recording::Who;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::watch;
use tokio::time::timeout;

/// The end of a server, which is still to come. Lives on the api thread.
#[derive(Debug)]
pub(super) struct Ending(watch::Sender<bool>);

/// Somebody for whom the server waits at its end, as long as this is there.
#[derive(Debug)]
pub(super) struct Awaited(watch::Receiver<bool>);

impl Ending {
    pub(super) fn new() -> Self {
        Ending(watch::Sender::new(false))
    }

    /// Something that goes on begins.
    pub(super) fn awaited(&self) -> Awaited {
        Awaited(self.0.subscribe())
    }

    /// Tells all that go on, and waits until none does, as long as `patience` lasts.
    pub(super) async fn come(&self, patience: Duration) {
        self.0.send_replace(true);
        if timeout(patience, self.0.closed()).await.is_err() {
            tracing::debug!("a client did not take the end of what it asked for in time");
        }
    }
}

impl Awaited {
    /// Returns when the client sends no more, or the server ends, and says which. What the client
    /// sends is nobody's.
    pub(super) async fn end_of(&mut self, mut reader: impl AsyncRead + Unpin) -> Who {
        let client = async {
            let mut bytes = [0; 64];
            while matches!(reader.read(&mut bytes).await, Ok(1..)) {}
        };
        tokio::select! {
            () = client => Who::Client,
            _ = self.0.wait_for(|ends| *ends) => Who::Daemon,
        }
    }
}
