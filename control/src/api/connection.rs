//! One client: reads a request, has it answered, writes the answer, and so on.

use super::access::Pass;
use super::ask::ask;
use super::dump::Dump;
use super::ending::Ending;
use super::messages::{Method, Reply};
use super::request::Ways;
use super::rpc::{self, MAX_LONG_REQUEST, MAX_REQUEST, RpcError, TOO_LONG};
use super::server::Settings;
use super::subscription::Subscription;
use super::waiting::Ticket;
use super::{capture, events, live};
use crate::trace::recording::Feed;
use std::rc::Rc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{ReadHalf, WriteHalf};
use tokio::time::timeout;

/// Serves `stream` until the client goes, is too slow, or has to make room for another.
pub(super) async fn serve(
    mut stream: UnixStream,
    (pass, mut ticket): (Pass, Ticket),
    settings: Settings,
    requests: Ways,
    ending: Rc<Ending>,
) {
    let (reader, mut writer) = stream.split();
    let mut connection = Connection {
        reader: BufReader::new(reader),
        pass,
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
            Line::Long(begun) => match connection.pass.gate.check_long(connection.pass.right) {
                Err(denied) => Line::Denied(denied),
                Ok(()) if ticket.long() => connection.rest(begun).await,
                Ok(()) => Line::Second,
            },
            line => line,
        };
        if let Some(error) = farewell(&line) {
            return part(&writer, error);
        }
        let Line::Whole(line) = line else { return };
        if let Some(answer) = connection.answer(&line).await {
            if let Err(why) = give(&mut writer, &mut ticket, &answer.line, settings).await {
                return tracing::debug!("an answer broke off: {why}");
            }
            let Connection {
                reader, requests, ..
            } = &mut connection;
            match answer.rest {
                Rest::Nothing => {}
                Rest::Pages(dump) => {
                    let all = pages(dump, requests, settings, &mut writer, &mut ticket);
                    if let Err(why) = all.await {
                        return tracing::debug!("a list broke off: {why}");
                    }
                }
                Rest::File(feed) => {
                    let (awaited, patience) = (ending.awaited(), settings.write_timeout);
                    return capture::serve(*feed, awaited, reader, writer, patience).await;
                }
                Rest::Lives(feed) => {
                    let awaited = ending.awaited();
                    return live::serve(*feed, awaited, requests, settings, reader, writer).await;
                }
                Rest::Events(subscription) => {
                    let (awaited, patience) = (ending.awaited(), settings.write_timeout);
                    return events::serve(*subscription, awaited, reader, writer, patience).await;
                }
            }
        }
        ticket.waiting();
    }
}

/// Writes all of it. Until the client has taken it, it keeps its place only as long as no other needs
/// it, as one that idles.
async fn give(
    writer: &mut WriteHalf<'_>,
    ticket: &mut Ticket,
    bytes: &[u8],
    settings: Settings,
) -> Result<(), String> {
    ticket.waiting();
    let taken = tokio::select! {
        taken = timeout(settings.write_timeout, writer.write_all(bytes)) => taken,
        () = ticket.called() => return Err("another client needed the place".to_owned()),
    };
    if !ticket.busy() {
        return Err("another client needed the place".to_owned());
    }
    match taken {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(format!("the client did not wait: {error}")),
        Err(_) => Err("the client was too slow to take it".to_owned()),
    }
}

/// Writes a list whose first page is there.
async fn pages(
    mut dump: Box<Dump>,
    requests: &Ways,
    settings: Settings,
    writer: &mut WriteHalf<'_>,
    ticket: &mut Ticket,
) -> Result<(), String> {
    loop {
        give(writer, ticket, dump.piece(), settings).await?;
        let more = dump.go_on(requests, settings).await;
        if !more.map_err(|error| error.message)? {
            return Ok(());
        }
    }
}

/// What to say before the connection is closed because of `line`.
fn farewell(line: &Line) -> Option<RpcError> {
    let (code, message) = match line {
        Line::Whole(_) | Line::Long(_) | Line::End => return None,
        Line::Denied(error) => return Some(error.clone()),
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
    /// More than [`MAX_REQUEST`] bytes of who may not.
    Denied(RpcError),
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
    /// The list that is the answer, page by page.
    Pages(Box<Dump>),
    /// The file of a capture.
    File(Box<Feed>),
    /// Packets to come, explained.
    Lives(Box<Feed>),
    /// Events.
    Events(Box<Subscription>),
}

struct Connection<'a> {
    pass: Pass,
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
        let stations = match &call.method {
            Method::FdbShow(stations) => Some(*stations),
            _ => None,
        };
        let patience = if call.method.is_for_keeper() {
            self.settings.change_timeout
        } else {
            self.settings.answer_timeout
        };
        let Pass { gate, right } = &self.pass;
        let mut outcome = match gate.check(*right, &call.method) {
            Ok(()) => ask(&self.requests, patience, call.method).await,
            Err(denied) => Err(denied),
        };
        if let Ok(Reply::Stats(stats)) = &mut outcome
            && gate.denied() > 0
        {
            stats.events.insert("api_denied".to_owned(), gate.denied());
        }
        if let (Some(id), Some(stations), Ok(Reply::Fdb(page))) = (call.id, stations, &outcome) {
            let dump = Dump::begin(id, stations, page).ok()?;
            let (line, rest) = (Vec::new(), Rest::Pages(Box::new(dump)));
            return Some(Answer { line, rest });
        }
        // A notification is carried out as well, but nobody is told.
        let line = rpc::answer(Some(call.id?), outcome.as_ref().map_err(Clone::clone)).ok()?;
        let rest = match outcome {
            Ok(Reply::Capturing(feed)) => Rest::File(feed),
            Ok(Reply::Explaining(feed)) => Rest::Lives(feed),
            Ok(Reply::Subscribed(subscription)) => Rest::Events(subscription),
            _ => Rest::Nothing,
        };
        Some(Answer { line, rest })
    }
}

/// Turns a client away that has no place here, and says why.
pub(super) fn refuse(mut stream: UnixStream, error: RpcError) {
    part(&stream.split().1, error);
}
