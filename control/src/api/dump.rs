//! A long answer on its way to a client: one list, of which state gives a page at a time.
//!
//! No more of it than a page is ever kept. Between two pages others have their turn, with state and
//! here, and a client that is slow waits alone.

use super::access::Right;
use super::ask::{Asked, ask};
use super::messages::{FdbPage, Method, Reply, Stations};
use super::request::Ways;
use super::rpc::RpcError;
use super::server::Settings;
use serde::Serialize;
use serde_json::value::RawValue;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Between two times that state is asked when its queue is full.
const PAUSE: Duration = Duration::from_millis(10);

/// The list of forwarding entries, in pieces.
pub(super) struct Dump {
    wanted: Stations,
    right: Right,
    /// The piece that is written next.
    piece: Vec<u8>,
    /// Nothing was listed yet.
    first: bool,
    next: Option<usize>,
}

impl Dump {
    /// The answer to request `id` of who has this right, which begins with `page`.
    pub(super) fn begin(
        id: &RawValue,
        right: Right,
        wanted: Stations,
        page: &FdbPage,
    ) -> Result<Self, serde_json::Error> {
        let head = format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":[", id.get());
        let mut dump = Dump {
            wanted,
            right,
            piece: head.into_bytes(),
            first: true,
            next: None,
        };
        dump.list(page)?;
        Ok(dump)
    }

    /// What is to be written now.
    pub(super) fn piece(&self) -> &[u8] {
        &self.piece
    }

    /// Has state give the next page, when the piece is written. `false`: that was all. If what was
    /// named is gone in the meantime so are its entries, and the list ends here.
    ///
    /// # Errors
    /// If state is gone or does not answer. The list has no end then, and the client sees that.
    pub(super) async fn go_on(
        &mut self,
        requests: &Ways,
        settings: Settings,
    ) -> Result<bool, RpcError> {
        let Some(from) = self.next else {
            return Ok(false);
        };
        let wanted = Stations {
            from,
            ..self.wanted
        };
        let deadline = Instant::now() + settings.answer_timeout;
        let page = loop {
            let asked = Asked::by(self.right, Method::FdbShow(wanted));
            match ask(requests, settings.answer_timeout, asked).await {
                Ok(Reply::Fdb(page)) => break page,
                Ok(_) => return Err(RpcError::new(RpcError::STOPPING, "another answer")),
                Err(error) if error.code == RpcError::BUSY && Instant::now() < deadline => {
                    sleep(PAUSE).await;
                }
                Err(error) if error.code == RpcError::REFUSED => break FdbPage::default(),
                Err(error) => return Err(error),
            }
        };
        self.piece.clear();
        let listed = self.list(&page);
        listed.map_err(|error| RpcError::new(RpcError::STOPPING, error.to_string()))?;
        Ok(true)
    }

    fn list(&mut self, page: &FdbPage) -> Result<(), serde_json::Error> {
        for entry in &page.entries {
            self.put(entry)?;
        }
        self.next = page.next;
        if self.next.is_none() {
            self.piece.extend_from_slice(b"]}\n");
        }
        Ok(())
    }

    fn put(&mut self, entry: &impl Serialize) -> Result<(), serde_json::Error> {
        if !std::mem::take(&mut self.first) {
            self.piece.push(b',');
        }
        serde_json::to_writer(&mut self.piece, entry)
    }
}
