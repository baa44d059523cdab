//! `overpath explain --next`: packets to come, each with what became of it and why.

use super::behind::reasons;
use super::page::Page;
use super::{found, reason, steps};
use crate::failure::Failure;
use crate::print;
use control::api::client::{Client, ClientError};
use control::api::messages::{
    BurstCycles, Capture, DecidedBy, Looked, Method, Seen, SeenLine, SeenSide, Subject, Verdict,
};
use control::config::Name;
use control::trace::sources::Cost;
use fastpath::drop::DropReason;
use std::io::BufRead;
use std::num::NonZeroU64;
use std::path::Path;

/// Packets to come.
#[derive(Debug, clap::Args)]
pub(crate) struct NextWords {
    /// The next packets that come in, so many; of the port, if one is said
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "1")]
    next: Option<NonZeroU64>,
    /// Those that are dropped, for this reason, one of --drop, if one is said
    #[arg(long, value_name = "REASON", num_args = 0..=1, value_parser = reasons())]
    #[arg(hide_possible_values = true)]
    #[arg(requires = "next", conflicts_with_all = ["port", "tunnel", "bridge"])]
    dropped: Option<Option<DropReason>>,
    /// Those of a tunnel, as they come in with their outer headers
    #[arg(long, value_name = "NAME", requires = "next", conflicts_with_all = ["port", "bridge"])]
    tunnel: Option<Name>,
    /// Those that come in by a port of a bridge or by its tunnels
    #[arg(long, value_name = "NAME", requires = "next", conflicts_with = "port")]
    bridge: Option<Name>,
    /// Those that match, in the words of tcpdump
    #[arg(long, value_name = "WORDS", requires = "next")]
    filter: Option<String>,
}

impl NextWords {
    /// What to ask the daemon, if it is about packets to come; `port` is the one that was said.
    pub(crate) fn method(&self, port: Option<Name>) -> Option<Method> {
        let count = self.next?;
        let named = [
            port.map(Subject::Port),
            self.tunnel.map(Subject::Tunnel),
            self.bridge.map(Subject::Bridge),
            self.dropped.map(Subject::Drops),
        ];
        let of = named.into_iter().flatten().next().unwrap_or(Subject::All);
        Some(Method::ExplainNext(Capture {
            filter: self.filter.clone().unwrap_or_default(),
            count: Some(count),
            ..Capture::of(of)
        }))
    }
}

/// Explains packets until there were as many as wanted, the daemon is gone, or nobody reads any
/// more.
///
/// # Errors
/// What went wrong, for a human.
pub(crate) fn run(socket: &Path, wanted: &Capture, json: bool) -> Result<(), Failure> {
    let client = Client::connect(socket).and_then(|client| client.explain_next(wanted.clone()));
    let (_, lines) = client.map_err(|error| Failure::of_call(&error, socket))?;
    let mut complete = false;
    for line in lines.lines() {
        let line = line.map_err(|error| Failure::of_call(&error.into(), socket))?;
        let text = if json {
            line.clone() + "\n"
        } else {
            let read = serde_json::from_str(&line);
            text(&read.map_err(|error| Failure::of_call(&ClientError::Answer(error), socket))?)
        };
        complete = line.starts_with("{\"looked\"");
        if print(&text)?.is_break() {
            return Ok(());
        }
    }
    if complete {
        Ok(())
    } else {
        Err(Failure::gone())
    }
}

fn text(line: &SeenLine) -> String {
    match line {
        SeenLine::Seen(seen) => seen_text(seen),
        SeenLine::Looked(looked) => looked_text(looked),
    }
}

fn seen_text(seen: &Seen) -> String {
    let mut page = Page::default();
    let (len, port) = (seen.len, &seen.port);
    let worker = seen.worker.map(|worker| format!(", worker {worker}"));
    let queue = seen.queue.map(|queue| format!(", queue {queue}"));
    let worker = queue.unwrap_or_default() + &worker.unwrap_or_else(|| ", with control".to_owned());
    match seen.side {
        SeenSide::Received => page.line(
            0,
            format_args!("packet of {len} bytes came in by port {port}{worker}"),
        ),
        SeenSide::Sent => page.line(
            0,
            format_args!("packet of {len} bytes was to leave by port {port}{worker}"),
        ),
    }
    if seen.lost > 0 {
        page.line(0, format_args!("{} before it were not seen", seen.lost));
    }
    if let Some(decided) = &seen.decided {
        page.line(0, decided_text(decided));
    }
    if let Some(cycles) = &seen.cycles {
        page.line(0, cycles_text(cycles));
    }
    became(&mut page, seen);
    match &seen.life {
        Some(life) => {
            if seen.verdict.as_ref() != Some(&life.verdict) {
                page.line(
                    0,
                    "another end than it would meet by itself, or by the state of now:",
                );
            }
            page.line(0, "");
            found(&mut page, life);
            steps(&mut page, life);
        }
        None => {
            if let Some(why) = &seen.unexplained {
                page.line(0, format_args!("its life is not told: {why}"));
            }
            page.dump(3, seen.frame.0.get(..SHOWN).unwrap_or(&seen.frame.0));
        }
    }
    page.line(0, "");
    page.text()
}

/// Bytes shown of a packet that cannot be explained.
const SHOWN: usize = 128;

fn became(page: &mut Page, seen: &Seen) {
    match &seen.verdict {
        None => {}
        Some(Verdict::Forwarded) => page.line(0, "verdict forwarded"),
        Some(Verdict::Consumed) => page.line(0, "verdict consumed"),
        Some(Verdict::Waiting) => page.line(0, "verdict waiting"),
        Some(Verdict::Dropped(why)) => {
            page.line(0, format_args!("verdict dropped, reason {}", why.reason));
            reason(page, 3, why);
        }
    }
    for why in &seen.copies_dropped {
        page.line(0, format_args!("a copy dropped, reason {}", why.reason));
        reason(page, 3, why);
    }
}

fn decided_text(decided: &DecidedBy) -> String {
    match (decided.resolved, decided.entry) {
        (false, Some(entry)) => format!("decided by entry {entry}"),
        (true, Some(entry)) => format!("decided by resolving, kept as entry {entry}"),
        (true, None) => "decided by resolving, and not kept".to_owned(),
        (false, None) => "decided by an entry".to_owned(),
    }
}

fn cycles_text(cycles: &BurstCycles) -> String {
    let BurstCycles {
        packets,
        decide,
        act,
    } = cycles;
    format!("cycles of its burst of {packets}: decide {decide}, act {act}")
}

fn looked_text(looked: &Looked) -> String {
    let Looked {
        seen,
        lost,
        asked,
        ticks,
    } = looked;
    let (asked, ticks) = (*asked, *ticks);
    format!("{seen} seen, {lost} lost; {}\n", Cost { asked, ticks })
}

#[cfg(test)]
mod tests;
