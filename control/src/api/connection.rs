//! One client: reads a request, has it answered, writes the answer, and so on.

use super::access::Pass;
use super::ask::{Asked, ask};
use super::beside;
use super::dump::Dump;
use super::ending::Ending;
use super::gone::gone;
use super::messages::{Method, Reply};
use super::request::Ways;
use super::room::{Held, Room};
use super::rpc::{self, Call, MAX_LONG_REQUEST, MAX_REQUEST, RpcError, TOO_LONG};
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
        room: ticket.room(),
    };
    loop {
        let line = tokio::select! {
            line = connection.line() => line,
            () = ticket.called() => Line::Evicted,
        };
        let (line, long) = match line {
            _ if !ticket.busy() => (Line::Evicted, None),
            Line::Long(begun) => connection.rest(begun).await,
            line => (line, None),
        };
        if let Some(error) = farewell(&line) {
            return part(&writer, error);
        }
        let Line::Whole(line) = line else { return };
        if let Some(answer) = connection.answer(line, long).await {
            // What it takes of the room it has until the client has taken it.
            let Answer {
                line,
                rest,
                room: _room,
            } = answer;
            if let Err(why) = give(&mut writer, &mut ticket, &line, settings).await {
                return tracing::debug!("an answer broke off: {why}");
            }
            let Connection {
                reader, requests, ..
            } = &mut connection;
            match rest {
                Rest::Nothing => {}
                Rest::Gone => return tracing::debug!("a client did not wait for its answer"),
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
        let more = tokio::select! {
            more = dump.go_on(requests, settings) => more,
            () = gone(writer.as_ref()) => return Err("the client has gone".to_owned()),
        };
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
    /// What it takes until the client has taken it, or the connection ends.
    room: Option<Held>,
}

impl Answer {
    fn new(line: Vec<u8>, rest: Rest) -> Self {
        let room = None;
        Answer { line, rest, room }
    }
}

/// What follows the line, and ends the connection.
enum Rest {
    /// Nothing: more lines.
    Nothing,
    /// Nothing, and nobody is there to whom it could be told.
    Gone,
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
    room: Rc<Room>,
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

    /// The rest of a line that may be long, if there is room for it, and that.
    async fn rest(&mut self, begun: Vec<u8>) -> (Line, Option<Held>) {
        if let Err(denied) = self.pass.gate.check_long(self.pass.right) {
            return (Line::Denied(denied), None);
        }
        let Some(room) = self.room.request() else {
            return (Line::Second, None);
        };
        match self.up_to(MAX_LONG_REQUEST, begun).await {
            Line::Long(_) => (Line::TooLong, None),
            line => (line, Some(room)),
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

    /// The answer, if there is to be one. `long` is the room of a long request.
    async fn answer(&self, line: Vec<u8>, long: Option<Held>) -> Option<Answer> {
        let Call { method, id } = match beside::parse(line).await? {
            Ok(call) => call,
            Err(refusal) => {
                let line = rpc::answer::<()>(refusal.id.as_deref(), Err(refusal.error)).ok()?;
                return Some(Answer::new(line, Rest::Nothing));
            }
        };
        let stations = match &method {
            Method::FdbShow(stations) => Some(*stations),
            _ => None,
        };
        // What nobody waits for from the start is carried out whoever is there.
        let waits = id.is_some();
        let mut outcome = tokio::select! {
            outcome = self.asked(method, long) => outcome,
            () = gone(self.reader.get_ref().as_ref()), if waits => {
                return Some(Answer::new(Vec::new(), Rest::Gone));
            }
        };
        let Pass { gate, right } = &self.pass;
        if let Ok((Reply::Stats(stats), _)) = &mut outcome
            && gate.denied() > 0
        {
            stats.events.insert("api_denied".to_owned(), gate.denied());
        }
        // A notification is carried out as well, but nobody is told.
        let id = id?;
        if let (Some(stations), Ok((Reply::Fdb(page), _))) = (stations, &outcome) {
            let dump = Dump::begin(&id, *right, stations, page).ok()?;
            return Some(Answer::new(Vec::new(), Rest::Pages(Box::new(dump))));
        }
        let (reply, room) = match outcome {
            Ok((reply, room)) if beside::is_long(&reply) => {
                let (line, rest) = (beside::line(&id, reply).await?, Rest::Nothing);
                return Some(Answer { line, rest, room });
            }
            Ok((reply, room)) => (Ok(reply), room),
            Err(error) => (Err(error), None),
        };
        let line = rpc::answer(Some(&id), reply.as_ref().map_err(Clone::clone)).ok()?;
        Some(match reply {
            Ok(Reply::Capturing(feed)) => Answer::new(line, Rest::File(feed)),
            Ok(Reply::Explaining(feed)) => Answer::new(line, Rest::Lives(feed)),
            Ok(Reply::Subscribed(subscription)) => {
                let rest = Rest::Events(subscription);
                Answer { line, rest, room }
            }
            // A short one takes none.
            _ => Answer::new(line, Rest::Nothing),
        })
    }

    /// What the one says who knows, with the room that this takes.
    async fn asked(
        &self,
        method: Method,
        long: Option<Held>,
    ) -> Result<(Reply, Option<Held>), RpcError> {
        let Pass { gate, right } = &self.pass;
        gate.check(*right, &method)?;
        let patience = if method.takes_long() {
            self.settings.change_timeout
        } else {
            self.settings.answer_timeout
        };
        let room = self.room.answer(*right, &method).await?;
        let asked = Asked {
            method,
            right: *right,
            room: long,
        };
        Ok((ask(&self.requests, patience, asked).await?, room))
    }
}

/// Turns a client away that has no place here, and says why.
pub(super) fn refuse(mut stream: UnixStream, error: RpcError) {
    part(&stream.split().1, error);
}
