//! One client: reads a request, has it answered, writes the answer, and so on.

use super::ask::ask;
use super::ending::Ending;
use super::messages::Reply;
use super::request::Ways;
use super::rpc::{self, MAX_LONG_REQUEST, MAX_REQUEST, RpcError, TOO_LONG};
use super::server::Settings;
use super::waiting::Ticket;
use super::{capture, live};
use crate::trace::recording::Feed;
use std::rc::Rc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{ReadHalf, WriteHalf};
use tokio::time::timeout;

/// Serves `stream` until the client goes, is too slow, or has to make room for another.
pub(super) async fn serve(
    mut stream: UnixStream,
    mut ticket: Ticket,
    settings: Settings,
    requests: Ways,
    ending: Rc<Ending>,
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
        let line = match line {
            _ if !ticket.busy() => Line::Evicted,
            Line::Long(begun) if ticket.long() => connection.rest(begun).await,
            Line::Long(_) => Line::Second,
            line => line,
        };
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
            let Connection {
                reader, requests, ..
            } = &mut connection;
            match answer.rest {
                Rest::Nothing => {}
                Rest::File(feed) => {
                    let (awaited, patience) = (ending.awaited(), settings.write_timeout);
                    return capture::serve(*feed, awaited, reader, writer, patience).await;
                }
                Rest::Lives(feed) => {
                    let awaited = ending.awaited();
                    return live::serve(*feed, awaited, requests, settings, reader, writer).await;
                }
            }
        }
        ticket.waiting();
    }
}

/// What to say before the connection is closed because of `line`.
fn farewell(line: &Line) -> Option<RpcError> {
    let (code, message) = match line {
        Line::Whole(_) | Line::Long(_) | Line::End => return None,
        Line::Torn => (RpcError::PARSE, "the connection ended within a line"),
        Line::TooLong => (RpcError::INVALID_REQUEST, TOO_LONG),
        Line::Second => (
            RpcError::BUSY,
            "another client sends a long request; ask again",
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
    /// The beginning of a line that may be longer than [`MAX_REQUEST`].
    Long(Vec<u8>),
    /// The end.
    End,
    /// The end, within a line.
    Torn,
    /// More than [`MAX_LONG_REQUEST`] bytes without an end.
    TooLong,
    /// More than [`MAX_REQUEST`] bytes, while another client has a request that is so long.
    Second,
    /// A line that did not end in time.
    TooSlow,
    /// Nothing, and another client needs the place.
    Evicted,
}

/// What a client gets.
struct Answer {
    line: Vec<u8>,
    rest: Rest,
}

/// What follows the line, and ends the connection.
enum Rest {
    /// Nothing: more lines.
    Nothing,
    /// The file of a capture.
    File(Box<Feed>),
    /// Packets to come, explained.
    Lives(Box<Feed>),
}

struct Connection<'a> {
    reader: BufReader<ReadHalf<'a>>,
    settings: Settings,
    requests: Ways,
}

impl Connection<'_> {
    /// Waits for a line as long as it likes, and for its end as long as a request may take.
    async fn line(&mut self) -> Line {
        match self.reader.fill_buf().await {
            Ok([]) | Err(_) => return Line::End,
            Ok(_) => {}
        }
        match self.up_to(MAX_REQUEST, Vec::new()).await {
            Line::Long(begun) if rpc::may_be_long(&begun) => Line::Long(begun),
            Line::Long(_) => Line::TooLong,
            line => line,
        }
    }

    /// The rest of a line that may be long.
    async fn rest(&mut self, begun: Vec<u8>) -> Line {
        match self.up_to(MAX_LONG_REQUEST, begun).await {
            Line::Long(_) => Line::TooLong,
            line => line,
        }
    }

    /// Reads on to the end of the line. [`Line::Long`] is what has more than `most` bytes.
    async fn up_to(&mut self, most: usize, mut line: Vec<u8>) -> Line {
        let room = (most + 1).saturating_sub(line.len());
        let mut limited = (&mut self.reader).take(room as u64);
        let read = limited.read_until(b'\n', &mut line);
        match timeout(self.settings.read_timeout, read).await {
            Err(_) => Line::TooSlow,
            Ok(Err(_)) => Line::End,
            Ok(Ok(_)) if line.last() == Some(&b'\n') => {
                line.pop();
                Line::Whole(line)
            }
            Ok(Ok(_)) if line.len() > most => Line::Long(line),
            Ok(Ok(_)) => Line::Torn,
        }
    }

    /// The answer, if there is to be one.
    async fn answer(&self, line: &[u8]) -> Option<Answer> {
        let call = match rpc::parse(line) {
            Ok(call) => call,
            Err(refusal) => {
                let line = rpc::answer::<()>(refusal.id, Err(refusal.error)).ok()?;
                let rest = Rest::Nothing;
                return Some(Answer { line, rest });
            }
        };
        let patience = if call.method.is_for_keeper() {
            self.settings.change_timeout
        } else {
            self.settings.answer_timeout
        };
        let outcome = ask(&self.requests, patience, call.method).await;
        // A notification is carried out as well, but nobody is told.
        let line = rpc::answer(Some(call.id?), outcome.as_ref().map_err(Clone::clone)).ok()?;
        let rest = match outcome {
            Ok(Reply::Capturing(feed)) => Rest::File(feed),
            Ok(Reply::Explaining(feed)) => Rest::Lives(feed),
            _ => Rest::Nothing,
        };
        Some(Answer { line, rest })
    }
}

/// Turns a client away for which there is no place.
pub(super) fn refuse(mut stream: UnixStream) {
    let message = "too many connections, all of them busy; ask again";
    part(&stream.split().1, RpcError::new(RpcError::BUSY, message));
}
