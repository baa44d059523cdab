//! A capture that runs: what the taps copied becomes a file.
//!
//! ```text
//!   TapReader of worker 0 --.
//!   TapReader of worker 1 --+-- the oldest first --> pcapng::Writer --> bytes for somebody
//!   ..                    --'
//! ```
//!
//! It has one buffer, and is asked to fill it when the last bytes were taken: who is too slow lets copies
//! wait in the rings, and what finds no room there is lost and limited.

use super::clock::Look;
use super::comment::Comment;
use super::pcapng::{Direction, Interface, Packet, Statistics, Writer};
use super::sources::{Oldest, Sources};
use crate::api::messages::Capturing;
use fastpath::ids::{PortId, QueueId, WorkerId};
use fastpath::trace::note::Side;
use fastpath::trace::tap::TapReader;
use serde::{Serialize, Serializer};
use std::io;
use std::num::{NonZeroU16, NonZeroU64};
use std::sync::Arc;

/// Bytes after which the buffer is full: it ends with a whole block.
const FULL: usize = 1 << 16;

/// A port whose packets are copied.
#[derive(Clone, Debug)]
pub struct Watched {
    /// Its number.
    pub id: PortId,
    /// Its name.
    pub name: String,
    /// Its device.
    pub device: String,
}

/// The readers of a capture, on their way from state to who writes it. The capture ends, and its taps
/// are given back, when it is dropped.
#[derive(Debug)]
pub struct Feed {
    /// Whose packets, in words. As long as it is here the capture counts as running.
    pub of: Arc<str>,
    /// Where copies may come from.
    pub ports: Vec<Watched>,
    /// The reader of each worker's tap, and those of control's.
    pub readers: Vec<(Option<WorkerId>, TapReader)>,
    /// First bytes of each packet that are kept.
    pub snap: NonZeroU16,
    /// After how many packets it ends.
    pub count: Option<NonZeroU64>,
    /// The clock when it began.
    pub since: Look,
}

impl Serialize for Feed {
    /// As [`Capturing`].
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let told = Capturing {
            of: self.of.to_string(),
            interfaces: self.ports.iter().map(|port| port.name.clone()).collect(),
            link_type: "ethernet".to_owned(),
        };
        told.serialize(to)
    }
}

/// What was written of a port.
#[derive(Clone, Copy, Debug)]
struct Tally {
    interface: Interface,
    written: u64,
    /// Lost before what was written.
    lost: u64,
}

/// Who ends a capture, if it is not its count of packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The client has enough.
    Client,
    /// The daemon stops.
    Daemon,
}

/// What is to be done when the buffer is written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Fill it again: more waits.
    Fill,
    /// Wait: nothing is there.
    Wait,
    /// [`Recording::finish`]: nothing will come.
    Finish,
}

/// A capture as its file is made.
#[derive(Debug)]
pub struct Recording {
    writer: Writer<Vec<u8>>,
    sources: Sources,
    /// By number of the port.
    tallies: Vec<Option<Tally>>,
    /// Packets that may still be written.
    left: u64,
    limited: bool,
    /// Ticks behind which copies do not belong to it any more, and who says so.
    until: Option<(u64, Who)>,
    since: Look,
    /// Whose end says that the capture is over.
    _of: Arc<str>,
}

impl Recording {
    /// Begins a file: in the buffer are its head and all interfaces, so that who reads a pipe knows them
    /// before the first packet comes.
    ///
    /// # Errors
    /// None, as for all that is written: the buffer is memory.
    pub fn new(feed: Feed) -> io::Result<Self> {
        let application = concat!("overpath ", env!("CARGO_PKG_VERSION"));
        let snap = u32::from(feed.snap.get());
        let mut writer = Writer::new(Vec::new(), application, snap)?;
        let mut tallies = vec![None; PortId::LIMIT];
        for port in &feed.ports {
            let interface = writer.interface(&port.name, &port.device)?;
            // The table has a place for every number that `PortId` can hold.
            tallies[port.id.index()] = Some(Tally {
                interface,
                written: 0,
                lost: 0,
            });
        }
        Ok(Recording {
            writer,
            sources: Sources::new(feed.readers),
            tallies,
            left: feed.count.map_or(u64::MAX, NonZeroU64::get),
            limited: feed.count.is_some(),
            until: None,
            since: feed.since,
            _of: feed.of,
        })
    }

    /// What is to be written out. Who did it clears it.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        self.writer.get_mut()
    }

    /// Fills the buffer with what waits, as far as it goes.
    ///
    /// # Errors
    /// See [`Recording::new`].
    pub fn fill(&mut self) -> io::Result<Next> {
        // Before the last look at the rings.
        let abandoned = self.sources.is_abandoned();
        let clock = self.since.until(&Look::now());
        while self.left > 0 {
            let Some((ticks, oldest)) = self.sources.oldest() else {
                let over = abandoned || self.until.is_some();
                return Ok(if over { Next::Finish } else { Next::Wait });
            };
            if self.until.is_some_and(|(until, _)| ticks > until) {
                return Ok(Next::Finish);
            }
            self.write(oldest, clock.nanoseconds(ticks))?;
            if self.writer.get_mut().len() >= FULL && self.left > 0 {
                return Ok(Next::Fill);
            }
        }
        Ok(Next::Finish)
    }

    fn write(&mut self, oldest: Oldest, time: u64) -> io::Result<()> {
        let Some(copied) = self.sources.take(oldest) else {
            return Ok(());
        };
        let (note, worker) = (&copied.note, copied.worker);
        let Some(tally) = &mut self.tallies[note.moment.port.index()] else {
            return Ok(());
        };
        let direction = match note.moment.side {
            Side::Received => Direction::Inbound,
            Side::Sent => Direction::Outbound,
        };
        self.left -= 1;
        tally.written += 1;
        tally.lost += u64::from(note.lost);
        self.writer.packet(&Packet {
            interface: tally.interface,
            time,
            direction: Some(direction),
            queue: note.moment.queue.map(|queue| QueueId::get(queue).into()),
            len: note.len,
            bytes: copied.bytes,
            lost: note.lost,
            comment: &Comment { note, worker }.to_string(),
        })
    }

    /// The capture ends now. What was copied before is still written.
    pub fn stop(&mut self, who: Who) {
        self.until = Some((fastpath::cpu::ticks(), who));
    }

    /// Ends the file with the statistics of each interface. The last ones have a comment on what it
    /// cost to look, which is about all of them, and whether it was the daemon that stopped. Nothing
    /// may follow.
    ///
    /// # Errors
    /// See [`Recording::new`].
    pub fn finish(&mut self) -> io::Result<()> {
        let (start, end) = self.since.until(&Look::now()).ends();
        let full = self.limited && self.left == 0;
        let mut comment = self.sources.cost().to_string();
        if matches!(self.until, Some((_, Who::Daemon))) {
            comment += "; the daemon stopped";
        }
        let numbered = (0..).map_while(PortId::new).zip(&self.tallies);
        let watched = numbered.filter_map(|(port, tally)| Some((port, tally.as_ref()?)));
        let mut watched = watched.peekable();
        while let Some((port, tally)) = watched.next() {
            // What was lost behind the last packet that was wanted is nothing to its file.
            let dropped = if full {
                tally.lost
            } else {
                self.sources.lost(port)
            };
            self.writer.statistics(
                tally.interface,
                &Statistics {
                    start,
                    end,
                    received: tally.written + dropped,
                    dropped,
                    comment: match watched.peek() {
                        Some(_) => "",
                        None => &comment,
                    },
                },
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
