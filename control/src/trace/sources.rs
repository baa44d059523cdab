//! The copies of all workers, in the order in which they were made.
//!
//! ```text
//!   TapReader of worker 0 --.
//!   TapReader of worker 1 --+-- the oldest first
//!   ..                    --'
//! ```

use fastpath::ids::{PortId, WorkerId};
use fastpath::trace::note::Note;
use fastpath::trace::tap::TapReader;
use std::fmt;

/// The readers of some taps: of each worker, and of control's.
#[derive(Debug)]
pub struct Sources(Vec<Source>);

/// A reader with the copy that comes next from it.
#[derive(Debug)]
struct Source {
    worker: Option<WorkerId>,
    reader: TapReader,
    next: Option<Note>,
    bytes: Vec<u8>,
}

/// A copy.
#[derive(Clone, Copy, Debug)]
pub struct Copied<'a> {
    /// What is said of it.
    pub note: Note,
    /// Who made it; none if it was control.
    pub worker: Option<WorkerId>,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// What it cost the workers to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Packets that filters were asked about.
    pub asked: u64,
    /// What that took, and to hold those that match, in ticks.
    pub ticks: u64,
}

impl fmt::Display for Cost {
    /// As it ends what is told of packets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cost { asked, ticks } = self;
        let each = ticks.checked_div(*asked).unwrap_or_default();
        write!(
            f,
            "the filter looked at {asked} packets, {each} cycles each"
        )
    }
}

/// Where a copy is that is the next.
#[derive(Clone, Copy, Debug)]
pub struct Oldest(usize);

impl Sources {
    /// What comes from these.
    pub fn new(readers: Vec<(Option<WorkerId>, TapReader)>) -> Self {
        let sources = readers.into_iter().map(|(worker, reader)| Source {
            worker,
            reader,
            next: None,
            bytes: Vec::new(),
        });
        Sources(sources.collect())
    }

    /// Nobody makes copies any more: what can be read is the rest.
    pub fn is_abandoned(&self) -> bool {
        self.0.iter().all(|source| source.reader.is_abandoned())
    }

    /// When the oldest copy that waits was made, in ticks, and where it is.
    pub fn oldest(&mut self) -> Option<(u64, Oldest)> {
        for source in &mut self.0 {
            if source.next.is_none() {
                source.next = source.reader.read(&mut source.bytes);
            }
        }
        let waiting = self.0.iter().enumerate();
        let waiting = waiting.filter_map(|(at, source)| Some((source.next?.moment.ticks, at)));
        waiting.min().map(|(ticks, at)| (ticks, Oldest(at)))
    }

    /// Takes it.
    pub fn take(&mut self, oldest: Oldest) -> Option<Copied<'_>> {
        let source = self.0.get_mut(oldest.0)?;
        Some(Copied {
            note: source.next.take()?,
            worker: source.worker,
            bytes: &source.bytes,
        })
    }

    /// Copies of packets of a port that found no room.
    pub fn lost(&self, port: PortId) -> u64 {
        let lost = self
            .0
            .iter()
            .map(|s| s.reader.stats().port(port).lost.get());
        lost.sum()
    }

    /// What it cost so far.
    pub fn cost(&self) -> Cost {
        self.0.iter().fold(Cost::default(), |cost, source| {
            let stats = source.reader.stats();
            Cost {
                asked: cost.asked + stats.asked.get(),
                ticks: cost.ticks + stats.ticks.get(),
            }
        })
    }
}
