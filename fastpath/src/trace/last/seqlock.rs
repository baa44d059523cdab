//! A few words that one thread writes and others read, none waiting: a sequence lock.
//!
//! Every word is an atomic, so that a read that meets a write is only wrong, and is noticed: the
//! sequence is odd while somebody writes, and another one behind it (H. Boehm, "Can seqlocks get
//! along with programming language memory models?", MSPC 2012).

use crate::sync::{AtomicU64, Ordering, fence};

/// # Thread safety
/// One thread writes; anybody may read.
#[derive(Debug)]
pub(super) struct Seqlock<const WORDS: usize> {
    sequence: AtomicU64,
    words: [AtomicU64; WORDS],
}

impl<const WORDS: usize> Seqlock<WORDS> {
    pub(super) fn new() -> Self {
        Seqlock {
            sequence: AtomicU64::new(0),
            words: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    /// Writes. Only its one writer may.
    pub(super) fn write(&self, words: impl Iterator<Item = u64>) {
        let sequence = self.sequence.load(Ordering::Relaxed);
        self.sequence.store(sequence + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        for (kept, word) in self.words.iter().zip(words) {
            kept.store(word, Ordering::Relaxed);
        }
        self.sequence.store(sequence + 2, Ordering::Release);
    }

    /// How often it was written, and what the last write left. `None` if it is written meanwhile.
    pub(super) fn read(&self) -> Option<(u64, [u64; WORDS])> {
        let sequence = self.sequence.load(Ordering::Acquire);
        let words = std::array::from_fn(|at| self.words[at].load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        let still = self.sequence.load(Ordering::Relaxed) == sequence;
        (sequence & 1 == 0 && still).then_some((sequence / 2, words))
    }
}

#[cfg(loom)]
#[cfg(test)]
mod tests {
    use super::Seqlock;
    use loom::thread;
    use std::sync::Arc;

    #[test]
    fn loom_a_reader_never_sees_half_a_write() {
        loom::model(|| {
            let lock = Arc::new(Seqlock::<2>::new());
            let theirs = Arc::clone(&lock);
            let writer = thread::spawn(move || {
                for number in 1..=2 {
                    theirs.write([number, 10 * number].into_iter());
                }
            });
            if let Some((number, words)) = lock.read() {
                assert_eq!(words, [number, 10 * number]);
            }
            writer.join().unwrap();
            assert_eq!(lock.read(), Some((2, [2, 20])));
        });
    }
}
