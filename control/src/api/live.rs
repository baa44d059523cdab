//! Packets to come, explained as they come: the rest of a connection carries a line for each.
//!
//! What a worker said of a packet is told as it is; what would become of it is asked of the state thread,
//! which is so a moment later.

use super::ask::ask;
use super::messages::{
    BurstCycles, Bytes, DecidedBy, EntryNumber, Frame, Looked, Method, Question, Reason, Reply,
    Seen, SeenLine, SeenSide, Verdict,
};
use super::request::RequestSender;
use super::server::Settings;
use crate::trace::recording::{Feed, Watched};
use crate::trace::sources::{Copied, Sources};
use fastpath::action::Verdict as Became;
use fastpath::ids::WorkerId;
use fastpath::trace::note::{Decided, Side};
use std::num::NonZeroU64;
use std::time::Duration;
use std::{io, pin::pin};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::{sleep, timeout};

/// Between two looks at rings that were empty.
const PAUSE: Duration = Duration::from_millis(10);
/// Packets that are explained if nobody says how many.
const FEW: u64 = 1;

/// Explains until as many packets came by as were asked for, the client sends no more, is gone, or takes
/// nothing for as long as it may, or there are no workers any more.
pub(super) async fn serve(
    feed: Feed,
    requests: &RequestSender,
    settings: Settings,
    reader: impl AsyncRead + Unpin,
    writer: impl AsyncWrite + Unpin,
) {
    let of = feed.of.clone();
    if let Err(error) = explain(feed, requests, settings, reader, writer).await {
        tracing::debug!("the explanation of {of} broke off: {error}");
    }
}

async fn explain(
    feed: Feed,
    requests: &RequestSender,
    settings: Settings,
    reader: impl AsyncRead + Unpin,
    mut writer: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let ports = feed.ports;
    let mut sources = Sources::new(feed.readers);
    let mut left = feed.count.map_or(FEW, NonZeroU64::get);
    let mut looked = Looked::default();
    let mut end = pin!(super::capture::end_of(reader));
    while left > 0 {
        let abandoned = sources.is_abandoned();
        let copied = sources
            .oldest()
            .and_then(|(_, oldest)| sources.take(oldest));
        let Some((mut seen, question)) = copied.map(|copied| tell(&ports, &copied)) else {
            if abandoned {
                break;
            }
            tokio::select! {
                biased;
                () = &mut end => break,
                () = sleep(PAUSE) => continue,
            }
        };
        if let Some(question) = question {
            let asked = Method::Explain(question);
            // Without an answer it is what its worker said of it, and no more.
            if let Ok(Reply::Explanation(life)) =
                ask(requests, settings.answer_timeout, asked).await
            {
                seen.life = Some(*life);
            }
        }
        (left, looked.seen) = (left - 1, looked.seen + 1);
        write(
            &mut writer,
            &SeenLine::Seen(Box::new(seen)),
            settings.write_timeout,
        )
        .await?;
    }
    looked.lost = ports.iter().map(|port| sources.lost(port.id)).sum();
    (looked.asked, looked.ticks) = sources.cost();
    write(
        &mut writer,
        &SeenLine::Looked(looked),
        settings.write_timeout,
    )
    .await
}

async fn write(
    writer: &mut (impl AsyncWrite + Unpin),
    line: &SeenLine,
    patience: Duration,
) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    timeout(patience, writer.write_all(&text)).await?
}

/// What is known of a copy, and what to ask about it.
fn tell(ports: &[Watched], copied: &Copied<'_>) -> (Seen, Option<Question>) {
    let (note, moment) = (&copied.note, &copied.note.moment);
    let port = ports.iter().find(|port| port.id == moment.port);
    let port = port.map(|port| port.name.clone()).unwrap_or_default();
    let received = moment.side == Side::Received;
    let whole = received && note.kept == note.len;
    let question = whole.then(|| {
        let frame = Frame::new(copied.bytes.to_vec()).ok()?;
        let port = port.parse().ok()?;
        Some(Question { port, frame })
    });
    let seen = Seen {
        port,
        side: if received {
            SeenSide::Received
        } else {
            SeenSide::Sent
        },
        worker: copied.worker.map(WorkerId::get),
        len: note.len,
        frame: Bytes(copied.bytes.to_vec()),
        verdict: moment.verdict.map(|verdict| match verdict {
            Became::Forwarded => Verdict::Forwarded,
            Became::Consumed => Verdict::Consumed,
            Became::Waiting => Verdict::Waiting,
            Became::Dropped(why) => Verdict::Dropped(why.into()),
        }),
        copies_dropped: moment.copies_dropped.iter().map(Reason::from).collect(),
        decided: moment.decided.map(|decided| by(decided, copied.worker)),
        cycles: moment.cycles.map(|cycles| BurstCycles {
            packets: cycles.packets,
            decide: cycles.decide,
            act: cycles.act,
        }),
        lost: note.lost,
        life: None,
    };
    (seen, question.flatten())
}

fn by(decided: Decided, worker: Option<WorkerId>) -> DecidedBy {
    let entry = |place| {
        let worker = worker?.get();
        Some(EntryNumber { worker, place })
    };
    match decided {
        Decided::Entry(place) => DecidedBy {
            resolved: false,
            entry: entry(place),
        },
        Decided::Made(place) => DecidedBy {
            resolved: true,
            entry: entry(place),
        },
        Decided::Resolved => DecidedBy {
            resolved: true,
            entry: None,
        },
    }
}
