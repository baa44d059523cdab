//! One client: reads a request, has it answered, writes the answer, and so on.

use super::capture;
use super::messages::{Method, Reply};
use super::request::{Request, RequestSender};
use super::rpc::{self, MAX_REQUEST, RpcError};
use super::server::Settings;
use super::waiting::Ticket;
use crate::trace::recording::Feed;
use crossbeam_channel::TrySendError;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{ReadHalf, WriteHalf};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Serves `stream` until the client goes, is too slow, or has to make room for another.
pub(super) async fn serve(
    mut stream: UnixStream,
    mut ticket: Ticket,
    settings: Settings,
    requests: RequestSender,
) {
    let (reader, mut writer) = stream.split();
    let mut connection = Connection {
        reader: BufReader::new(reader),
        settings,
        requests,
    };
    loop {
        let line = tokio::select! {
            line = connection.line() => line,
            () = ticket.called() => Line::Evicted,
        };
        let line = if ticket.busy() { line } else { Line::Evicted };
        if let Some(error) = farewell(&line) {
            return part(&writer, error);
        }
        let Line::Whole(line) = line else { return };
        if let Some(answer) = connection.answer(&line).await {
            match timeout(settings.write_timeout, writer.write_all(&answer.line)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return tracing::debug!("a client did not wait: {error}"),
                Err(_) => return tracing::debug!("a client was too slow to take its answer"),
            }
            if let Some(feed) = answer.feed {
                let reader = connection.reader;
                return capture::serve(*feed, reader, writer, settings.write_timeout).await;
            }
        }
        ticket.waiting();
    }
}

/// What to say before the connection is closed because of `line`.
fn farewell(line: &Line) -> Option<RpcError> {
    let (code, message) = match line {
        Line::Whole(_) | Line::End => return None,
        Line::Torn => (RpcError::PARSE, "the connection ended within a line"),
        Line::TooLong => (
            RpcError::INVALID_REQUEST,
            "a request has at most 1048576 bytes on one line",
        ),
        Line::TooSlow => (
            RpcError::TIMEOUT,
            "the end of the request did not come in time",
        ),
        Line::Evicted => (
            RpcError::BUSY,
            "too many connections; this one idled longest",
        ),
    };
    Some(RpcError::new(code, message))
}

/// Says why the connection is closed, if that can be done without waiting.
fn part(writer: &WriteHalf<'_>, error: RpcError) {
    if let Ok(line) = rpc::answer::<()>(None, Err(error)) {
        let _ = writer.try_write(&line);
    }
}

/// What came from a client.
enum Line {
    /// A line, without its end.
    Whole(Vec<u8>),
    /// The end.
    End,
    /// The end, within a line.
    Torn,
    /// More than [`MAX_REQUEST`] bytes without an end.
    TooLong,
    /// A line that did not end in time.
    TooSlow,
    /// Nothing, and another client needs the place.
    Evicted,
}

/// What a client gets.
struct Answer {
    line: Vec<u8>,
    /// A capture, which follows the line and ends the connection.
    feed: Option<Box<Feed>>,
}

struct Connection<'a> {
    reader: BufReader<ReadHalf<'a>>,
    settings: Settings,
    requests: RequestSender,
}

impl Connection<'_> {
    /// Waits for a line as long as it likes, and for its end as long as a request may take.
    async fn line(&mut self) -> Line {
        match self.reader.fill_buf().await {
            Ok([]) | Err(_) => return Line::End,
            Ok(_) => {}
        }
        let mut line = Vec::new();
        let mut limited = (&mut self.reader).take(MAX_REQUEST as u64 + 1);
        let read = limited.read_until(b'\n', &mut line);
        match timeout(self.settings.read_timeout, read).await {
            Err(_) => Line::TooSlow,
            Ok(Err(_)) => Line::End,
            Ok(Ok(_)) if line.last() == Some(&b'\n') => {
                line.pop();
                Line::Whole(line)
            }
            Ok(Ok(_)) if line.len() > MAX_REQUEST => Line::TooLong,
            Ok(Ok(_)) => Line::Torn,
        }
    }

    /// The answer, if there is to be one.
    async fn answer(&self, line: &[u8]) -> Option<Answer> {
        let call = match rpc::parse(line) {
            Ok(call) => call,
            Err(refusal) => {
                let line = rpc::answer::<()>(refusal.id, Err(refusal.error)).ok()?;
                return Some(Answer { line, feed: None });
            }
        };
        let outcome = self.ask(call.method).await;
        // A notification is carried out as well, but nobody is told.
        let line = rpc::answer(Some(call.id?), outcome.as_ref().map_err(Clone::clone)).ok()?;
        let feed = match outcome {
            Ok(Reply::Capturing(feed)) => Some(feed),
            _ => None,
        };
        Some(Answer { line, feed })
    }

    /// Has the state thread answer.
    async fn ask(&self, method: Method) -> Result<Reply, RpcError> {
        let stopping = || RpcError::new(RpcError::STOPPING, "the daemon is stopping");
        let (reply, answer) = oneshot::channel();
        self.requests
            .try_send(Request { method, reply })
            .map_err(|e| match e {
                TrySendError::Full(_) => RpcError::new(
                    RpcError::BUSY,
                    "busy: the queue of requests is full; ask again",
                ),
                TrySendError::Disconnected(_) => stopping(),
            })?;
        match timeout(self.settings.answer_timeout, answer).await {
            Ok(Ok(Ok(reply))) => Ok(reply),
            Ok(Ok(Err(why))) => Err(RpcError::new(RpcError::REFUSED, why.to_string())),
            Ok(Err(_)) => Err(stopping()),
            Err(_) => Err(RpcError::new(
                RpcError::TIMEOUT,
                "the state thread did not answer in time",
            )),
        }
    }
}

/// Turns a client away for which there is no place.
pub(super) fn refuse(mut stream: UnixStream) {
    let message = "too many connections, all of them busy; ask again";
    part(&stream.split().1, RpcError::new(RpcError::BUSY, message));
}
