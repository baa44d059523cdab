//! The change log: which keys of the forwarding table changed lately.
//!
//! A bounded ring. The writer overwrites the oldest key without asking; a reader that fell behind
//! notices, and forgets everything instead of single entries.

use super::FdbKey;
use crate::sync::{Arc, AtomicU64, Ordering};
use crossbeam_utils::CachePadded;

/// Keys a log holds unless told otherwise.
pub const DEFAULT_LOG: usize = 4096;

/// Written by the one [`LogWriter`], read by all [`LogReader`]s.
struct Ring {
    /// Keys appended since the start. The key with number `n` is in slot `n mod slots`.
    head: CachePadded<AtomicU64>,
    slots: Box<[AtomicU64]>,
}

impl Ring {
    fn slot(&self, number: u64) -> Option<&AtomicU64> {
        // The number of slots is a power of two, so losing high bits does no harm.
        self.slots.get(number as usize & (self.slots.len() - 1))
    }
}

/// The writing end. Belongs to the one writer of the forwarding table.
pub struct LogWriter {
    ring: Arc<Ring>,
    head: u64,
}

/// The reading end of one worker, with its place in the log.
pub struct LogReader {
    ring: Arc<Ring>,
    next: u64,
}

/// What a [`LogReader::drain`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "after an overrun everything that came from the table is to be forgotten"]
pub enum Drained {
    /// Every key appended since the last call was given, in order; this many.
    Keys(usize),
    /// Keys were missed: forget everything. Keys given before this was noticed may be any.
    Overrun,
}

impl LogWriter {
    /// A log of at least `capacity` keys (rounded up to a power of two, [`DEFAULT_LOG`] is usual)
    /// and its readers, one for each worker.
    pub fn new(capacity: usize, readers: usize) -> (Self, Vec<LogReader>) {
        let slots = capacity.clamp(2, 1 << 24).next_power_of_two();
        let ring = Arc::new(Ring {
            head: CachePadded::new(AtomicU64::new(0)),
            slots: (0..slots).map(|_| AtomicU64::new(0)).collect(),
        });
        let reader = |_| LogReader {
            ring: Arc::clone(&ring),
            next: 0,
        };
        let readers = (0..readers).map(reader).collect();
        (LogWriter { ring, head: 0 }, readers)
    }

    /// Notes that `key` was inserted, moved or removed. To be called after the table was written
    /// and before [`Publisher::change`](crate::publish::Publisher::change): who finds the key here
    /// finds the table as it was written, or newer.
    pub fn append(&mut self, key: FdbKey) {
        if let Some(slot) = self.ring.slot(self.head) {
            slot.store(key.to_u64(), Ordering::Release);
        }
        self.head += 1;
        self.ring.head.store(self.head, Ordering::Release);
    }
}

impl LogReader {
    /// Gives `f` each key appended since the last call, oldest first. Never waits.
    ///
    /// At most one key less than the capacity may be pending, or it is an overrun: the slot of the
    /// oldest is then the one that the writer may be writing.
    pub fn drain(&mut self, mut f: impl FnMut(FdbKey)) -> Drained {
        let capacity = self.ring.slots.len() as u64;
        let first = self.next;
        let head = self.ring.head.load(Ordering::Acquire);
        self.next = head;
        if head - first >= capacity {
            return Drained::Overrun;
        }
        for number in first..head {
            let word = self
                .ring
                .slot(number)
                .map_or(0, |slot| slot.load(Ordering::Acquire));
            if let Some(key) = FdbKey::from_u64(word) {
                f(key);
            }
        }
        // A slot found overwritten holds key `first + capacity` or a later one. The writer stored
        // a head of at least that number before, and the acquiring load of the slot makes it
        // visible here. What was appended after `head` is left for the next call in either case.
        if self.ring.head.load(Ordering::Relaxed) - first >= capacity {
            return Drained::Overrun;
        }
        Drained::Keys((head - first) as usize)
    }
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::BridgeId;
    use crate::wire::Mac;
    use proptest::prelude::*;

    fn key(number: usize) -> FdbKey {
        FdbKey::new(BridgeId::new(7).unwrap(), Mac::from_u64(number as u64))
    }

    fn drained(reader: &mut LogReader) -> (Drained, Vec<FdbKey>) {
        let mut keys = Vec::new();
        let drained = reader.drain(|key| keys.push(key));
        (drained, keys)
    }

    #[test]
    fn capacity_is_rounded_up_and_one_key_less_is_kept() {
        let (mut writer, mut readers) = LogWriter::new(5, 2);
        let mut late = readers.pop().unwrap();
        let mut reader = readers.pop().unwrap();
        (0..7).for_each(|n| writer.append(key(n)));
        assert_eq!(
            drained(&mut reader),
            (Drained::Keys(7), (0..7).map(key).collect())
        );
        assert_eq!(drained(&mut reader), (Drained::Keys(0), vec![]));
        writer.append(key(7));
        assert_eq!(drained(&mut late), (Drained::Overrun, vec![]));
        assert_eq!(
            drained(&mut late),
            (Drained::Keys(0), vec![]),
            "what was missed is past"
        );
        assert_eq!(drained(&mut reader), (Drained::Keys(1), vec![key(7)]));
    }

    #[test]
    fn overwritten_while_draining_is_an_overrun() {
        let (mut writer, mut readers) = LogWriter::new(4, 1);
        let reader = &mut readers[0];
        (0..3).for_each(|n| writer.append(key(n)));
        let mut more = 3..4;
        let overrun = reader.drain(|_| more.by_ref().for_each(|n| writer.append(key(n))));
        assert_eq!(overrun, Drained::Overrun);
        assert_eq!(drained(reader), (Drained::Keys(1), vec![key(3)]));
    }

    proptest! {
        /// Against a list of all keys: each reader gets exactly those since its last call, or an
        /// overrun if and only if that were too many.
        #[test]
        fn agrees_with_a_list(log in 1usize..40, steps in prop::collection::vec(0usize..24, 1..60)) {
            let (mut writer, mut readers) = LogWriter::new(log, 2);
            let capacity = log.max(2).next_power_of_two();
            let mut all = Vec::new();
            let mut seen = [0, 0];
            for step in steps {
                // Steps 0 and 1 drain a reader, others append that many keys less one.
                for _ in 1..step {
                    writer.append(key(all.len()));
                    all.push(key(all.len()));
                }
                if step < 2 {
                    let expected = match &all[seen[step]..] {
                        keys if keys.len() < capacity => (Drained::Keys(keys.len()), keys.to_vec()),
                        _ => (Drained::Overrun, vec![]),
                    };
                    prop_assert_eq!(drained(&mut readers[step]), expected);
                    seen[step] = all.len();
                }
            }
        }
    }
}
