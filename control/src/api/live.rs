//! Packets to come, explained as they come: the rest of a connection carries a line for each.
//!
//! What a worker said of a packet is told as it is; what would become of it is asked of the state
//! thread, which answers later.

use super::access::Right;
use super::ask::{Asked, ask};
use super::capture::drain;
use super::ending::Awaited;
use super::messages::{
    BurstCycles, Bytes, DecidedBy, EntryNumber, Explanation, Frame, Looked, Method, Question,
    Reason, Reply, Seen, SeenLine, SeenSide, Verdict,
};
use super::request::Ways;
use super::server::Settings;
use crate::trace::recording::{Feed, Watched, Who};
use crate::trace::sources::{Copied, Cost, Sources};
use fastpath::action::Verdict as Became;
use fastpath::drop::DropReason;
use fastpath::ids::{QueueId, WorkerId};
use fastpath::offload::Front;
use fastpath::trace::note::{Decided, Side};
use std::num::NonZeroU64;
use std::time::Duration;
use std::{io, pin::pin};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;

/// Between two looks at rings that were empty.
const PAUSE: Duration = Duration::from_millis(10);
/// Packets that are explained if nobody says how many.
const FEW: u64 = 1;

/// Explains until as many packets came by as were asked for, the client sends no more, is gone, or
/// takes nothing for as long as it may, the server ends, or there are no workers any more.
pub(super) async fn serve(
    feed: Feed,
    mut awaited: Awaited,
    requests: &Ways,
    settings: Settings,
    reader: impl AsyncRead + Unpin,
    writer: impl AsyncWrite + Unpin,
) {
    let of = feed.of.clone();
    if let Err(error) = explain(feed, &mut awaited, requests, settings, reader, writer).await {
        tracing::debug!("the explanation of {of} broke off: {error}");
    }
}

async fn explain(
    feed: Feed,
    awaited: &mut Awaited,
    requests: &Ways,
    settings: Settings,
    reader: impl AsyncRead + Unpin,
    mut writer: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let ports = feed.ports;
    let mut sources = Sources::new(feed.readers);
    let mut left = feed.count.map_or(FEW, NonZeroU64::get);
    let mut looked = Looked::default();
    let mut end = pin!(awaited.end_of(reader));
    let mut text = Vec::new();
    let mut over = false;
    while left > 0 && !over {
        let abandoned = sources.is_abandoned();
        let oldest = sources.oldest().map(|(_, oldest)| oldest);
        let copied = oldest.and_then(|oldest| sources.take(oldest));
        let found = copied.map(|copied| tell(&ports, &copied));
        let idle = found.is_none();
        if let Some((mut seen, question)) = found {
            let told = tokio::select! {
                biased;
                told = work_out(requests, settings, question) => told,
                who = &mut end => {
                    over = true;
                    Err(match who {
                        Who::Client => "the client did not wait for it",
                        Who::Daemon => "the daemon is stopping",
                    }
                    .to_owned())
                }
            };
            match told {
                Ok(life) => seen.life = Some(life),
                Err(why) => seen.unexplained = Some(why),
            }
            (left, looked.seen) = (left - 1, looked.seen + 1);
            put(&mut text, &SeenLine::Seen(Box::new(seen)))?;
            drain(&mut text, &mut writer, settings.write_timeout).await?;
        } else if abandoned {
            break;
        }
        let pause = async {
            if idle {
                sleep(PAUSE).await;
            } else {
                // Others have a turn.
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            _ = &mut end, if !over => over = true,
            () = pause => {}
        }
    }
    looked.lost = ports.iter().map(|port| sources.lost(port.id)).sum();
    let Cost { asked, ticks } = sources.cost();
    (looked.asked, looked.ticks) = (asked, ticks);
    put(&mut text, &SeenLine::Looked(looked))?;
    drain(&mut text, &mut writer, settings.write_timeout).await
}

fn put(text: &mut Vec<u8>, line: &SeenLine) -> io::Result<()> {
    serde_json::to_writer(&mut *text, line)?;
    text.push(b'\n');
    Ok(())
}

/// The life of a packet by the state of now, or why it cannot be told.
async fn work_out(
    requests: &Ways,
    settings: Settings,
    question: Result<Question, &str>,
) -> Result<Explanation, String> {
    // Nobody else has packets to come explained.
    let asked = Asked::by(Right::Everything, Method::Explain(question?));
    match ask(requests, settings.answer_timeout, asked).await {
        Ok(Reply::Explanation(life)) => Ok(*life),
        Ok(_) => Err("the answer is another one".to_owned()),
        Err(error) => Err(error.message),
    }
}

/// What is known of a copy, and what to ask about it.
fn tell(ports: &[Watched], copied: &Copied<'_>) -> (Seen, Result<Question, &'static str>) {
    let (note, moment) = (&copied.note, &copied.note.moment);
    let port = ports.iter().find(|port| port.id == moment.port);
    let port = port.map(|port| port.name.clone()).unwrap_or_default();
    let received = moment.side == Side::Received;
    let question = if !received {
        Err("it was to leave, and did not come in like that")
    } else if moment.front != Front::Whole
        || moment.verdict == Some(Became::Dropped(DropReason::HeadersInDoubt))
    {
        // Its bytes alone would be taken for a packet of the underlay.
        Err("the NIC had taken its outer headers off, or nobody can tell")
    } else if note.kept < note.len {
        Err("not all of it was copied")
    } else {
        let frame = Frame::new(copied.bytes.to_vec()).map_err(|_| "it is too long");
        let named = port.parse().map_err(|_| "its port is gone");
        // Its worker has said what decided it.
        let ask_workers = false;
        named.and_then(|port| {
            frame.map(|frame| Question {
                port,
                frame,
                ask_workers,
            })
        })
    };
    let seen = Seen {
        port,
        side: if received {
            SeenSide::Received
        } else {
            SeenSide::Sent
        },
        queue: moment.queue.map(QueueId::get),
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
        unexplained: None,
    };
    (seen, question)
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
