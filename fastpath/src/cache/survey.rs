//! A look at the entries of a cache, or their removal, a few in each round, so that the worker goes on
//! forwarding meanwhile.
//!
//! Control makes a [`Survey`] with all the room that it needs; the worker fills it and gives it back.
//! It is no picture of one moment: what is kept or gives way meanwhile may be in it or not.

use super::{Cache, Entry, EntryId, MAX_MASKS, MaskUse};
use crate::action::{Action, Program};
use crate::drop::DropReason;
use crate::ids::PortId;
use crate::key::{Field, FlowKey, Mask, WORDS};
use crate::probe::{Finding, Probe};
use arrayvec::ArrayVec;

/// Places of the slab that are looked at in one round: a cache line or three of each is read, which
/// is to be little beside a burst.
const STRIDE: usize = 16;

/// What is done to entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// They are copied.
    Show(Which),
    /// They are removed.
    Flush,
    /// The one that would decide a packet is copied, and nothing is changed: not even what is owed to
    /// entries is settled.
    Find(Probe),
}

/// Which entries are copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All.
    All,
    /// Those of packets from a port.
    Port(PortId),
    /// The one at this place.
    Place(u32),
    /// Those that drop by this name.
    Drops(DropReason),
}

impl Which {
    fn wants(self, entry: &Entry) -> bool {
        match self {
            Which::All | Which::Place(_) => true,
            Which::Port(port) => entry.key.get(Field::INGRESS) == u64::from(port.get()),
            Which::Drops(reason) => entry.program.actions().any(|action| {
                let (drop, fault) = (Action::Drop(reason), Action::DropFault(reason));
                action == drop || action == fault
            }),
        }
    }
}

/// A copy of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number: its place in the slab, which another entry has after it.
    pub place: u32,
    /// The bits that decided; all others are zero.
    pub key: FlowKey,
    /// Which bits that are.
    pub mask: Mask,
    /// That of the ingress port when it was made. It answers while that stands.
    pub generation: u32,
    /// What is done.
    pub program: Program,
    /// Packets that it decided, the one that it was made for among them.
    pub packets: u64,
}

impl Record {
    const EMPTY: Record = Record {
        place: 0,
        key: FlowKey([0; WORDS]),
        mask: Mask([0; WORDS]),
        generation: 0,
        program: Program::NOTHING,
        packets: 0,
    };
}

/// What a cache is like as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Entries.
    pub entries: usize,
    /// Most entries.
    pub limit: usize,
    /// The masks in use, and those that were and still have their number.
    pub masks: ArrayVec<MaskUse, MAX_MASKS>,
    /// Hits of masks that have none any more. With those of all that do they are all hits.
    pub other_hits: u64,
    /// Packets decided by entries that are there no more.
    pub gone: u64,
}

/// A survey of one cache. Control owns it before and afterwards, the worker in between.
#[derive(Debug)]
pub struct Survey {
    task: Task,
    /// The next place; none if it has not begun.
    next: Option<usize>,
    records: Vec<Record>,
    found: usize,
    totals: Totals,
    finding: Finding,
}

impl Survey {
    /// A survey that has not begun, with room for `room` copies.
    pub fn new(task: Task, room: usize) -> Self {
        // Written to here, so that it is there when the worker writes to it.
        let mut records = vec![Record::EMPTY; room];
        records.clear();
        Survey {
            task,
            next: None,
            records,
            found: 0,
            totals: Totals::default(),
            finding: Finding::default(),
        }
    }

    /// What is done.
    pub fn task(&self) -> Task {
        self.task
    }

    /// Whether it has begun.
    pub fn has_begun(&self) -> bool {
        self.next.is_some()
    }

    /// Copies of entries, in the order of their places.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Entries that were removed, or that were to be copied, whether there was room or not.
    pub fn found(&self) -> usize {
        self.found
    }

    /// What the cache was like at the end.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// What would decide a packet. Its entry, if it is there, is the one that was copied.
    pub fn finding(&self) -> Finding {
        self.finding
    }

    /// What was found of a packet, and its entry.
    pub(crate) fn tell(&mut self, finding: Finding, record: Option<Record>) {
        self.next = Some(0);
        self.finding = finding;
        if let Some(record) = record {
            self.keep(record);
        }
    }

    /// Keeps a copy, if there is room.
    fn keep(&mut self, record: Record) {
        self.found += 1;
        if self.records.len() < self.records.capacity() {
            self.records.push(record);
        }
    }

    /// Does its task to a place.
    fn visit(&mut self, cache: &mut Cache, place: usize) {
        let Some(Some(entry)) = cache.slab.get(place) else {
            return;
        };
        match self.task {
            Task::Flush => {
                cache.remove(place);
                self.found += 1;
            }
            Task::Show(which) if which.wants(entry) => {
                self.keep(cache.copy(entry, place));
            }
            Task::Show(_) | Task::Find(_) => {}
        }
    }
}

impl Cache {
    /// Goes on with a survey for a few places. `true` if it is done.
    pub fn survey(&mut self, survey: &mut Survey) -> bool {
        let (first, last) = match survey.task {
            Task::Show(Which::Place(place)) => (place as usize, place as usize + 1),
            Task::Show(_) | Task::Flush => (0, self.touched),
            // Memos are asked first, so this is not for the cache alone.
            Task::Find(_) => (0, 0),
        };
        let start = survey.next.unwrap_or(first);
        let end = last.min(start + STRIDE);
        for place in start..end {
            survey.visit(self, place);
        }
        survey.next = Some(end);
        if end < last {
            return false;
        }
        survey.totals = Totals {
            entries: self.len(),
            limit: self.capacity(),
            masks: self.masks.all().clone(),
            other_hits: self.masks.other_hits(),
            gone: self.gone,
        };
        true
    }

    /// A copy of an entry, if it is there.
    pub(crate) fn record(&self, id: EntryId) -> Option<Record> {
        let place = id.place as usize;
        let entry = self.slab.get(place)?.as_ref()?;
        (entry.made == id.made).then(|| self.copy(entry, place))
    }

    fn copy(&self, entry: &Entry, place: usize) -> Record {
        Record {
            place: place as u32,
            key: entry.key,
            mask: self.masks.get(entry.mask).copied().unwrap_or_default(),
            generation: entry.generation,
            program: entry.program,
            packets: entry.packets,
        }
    }
}
