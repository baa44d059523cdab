//! When a station was last seen, as noted by the workers.
//!
//! Each worker notes it in a row of its own, so that no line is written by two; control reads the
//! newest of the rows. A tick is a second since the daemon started; zero comes before all.

use super::SlotId;
use crate::sync::{AtomicU32, Ordering};
use std::sync::Arc;

/// Ticks by slot. Written by one worker, read by control.
type Row = Arc<[AtomicU32]>;

/// The row of one worker.
///
/// # Thread safety
/// Belongs to that worker: there is one writer, because this is not `Clone`.
pub struct SeenWriter {
    row: Row,
}

impl SeenWriter {
    /// Notes that the station in `slot` sent a frame at `tick`. Writes at most once for each tick.
    #[inline]
    pub fn touch(&mut self, slot: SlotId, tick: u32) {
        if let Some(seen) = self.row.get(slot.index())
            && seen.load(Ordering::Relaxed) != tick
        {
            seen.store(tick, Ordering::Relaxed);
        }
    }
}

/// All rows, and what control itself knows. Belongs to control.
pub(super) struct Seen {
    rows: Vec<Row>,
    /// Tick at which the entry in a slot was written: older notes are of an earlier entry.
    base: Box<[u32]>,
}

impl Seen {
    pub(super) fn new(slots: usize, workers: usize) -> (Self, Vec<SeenWriter>) {
        let row = || (0..slots).map(|_| AtomicU32::new(0)).collect();
        let rows: Vec<Row> = (0..workers).map(|_| row()).collect();
        let writers = rows
            .iter()
            .map(|row| SeenWriter {
                row: Arc::clone(row),
            })
            .collect();
        (
            Seen {
                rows,
                base: vec![0; slots].into(),
            },
            writers,
        )
    }

    /// Starts the count for a new or moved entry.
    pub(super) fn reset(&mut self, slot: SlotId, tick: u32) {
        if let Some(base) = self.base.get_mut(slot.index()) {
            *base = tick;
        }
    }

    /// The newest tick noted for the entry in `slot`.
    pub(super) fn newest(&self, slot: SlotId) -> u32 {
        let base = self.base.get(slot.index()).copied().unwrap_or(0);
        let notes = self.rows.iter().filter_map(|row| row.get(slot.index()));
        notes
            .map(|seen| seen.load(Ordering::Relaxed))
            .fold(base, u32::max)
    }
}
