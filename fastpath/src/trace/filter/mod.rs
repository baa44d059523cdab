//! Which frames are wanted: a program of the classic BPF, checked before it runs.
//!
//! ```
//! use fastpath::trace::filter::{Filter, Instruction};
//!
//! // What `tcpdump -ddd arp` prints, less its first line.
//! let text = ["40 0 0 12", "21 0 1 2054", "6 0 0 262144", "6 0 0 0"];
//! let program: Result<Vec<Instruction>, _> = text.iter().map(|line| line.parse()).collect();
//! let filter = Filter::new(&program.unwrap()).unwrap();
//!
//! let mut frame = [0; 60];
//! assert!(!filter.matches(&frame, 60));
//! frame[12..14].copy_from_slice(&[8, 6]);
//! assert!(filter.matches(&frame, 60));
//! ```

mod lanes;
mod op;
mod run;
mod verify;

pub use lanes::Frame;
pub use run::Runner;
pub use verify::FilterError;

use op::Op;
use std::str::FromStr;
use std::sync::Arc;

/// One instruction as libpcap makes it and the kernel takes it (McCanne and Jacobson, "The BSD
/// Packet Filter", 1993). Nothing is known of it until [`Filter::new`] has looked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Instruction {
    /// What to do.
    pub code: u16,
    /// Instructions to skip if a test holds.
    pub jt: u8,
    /// Instructions to skip if it does not.
    pub jf: u8,
    /// A constant: operand, offset into the frame, place in the scratch memory, or distance.
    pub k: u32,
}

/// The text is no instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an instruction: expected its code, two distances and a constant")]
pub struct InstructionError;

impl FromStr for Instruction {
    type Err = InstructionError;

    /// Four decimal numbers, as `tcpdump -ddd` prints them.
    fn from_str(text: &str) -> Result<Self, InstructionError> {
        fn next<'a, T: FromStr>(words: &mut impl Iterator<Item = &'a str>) -> Option<T> {
            words.next()?.parse().ok()
        }
        let words = &mut text.split_ascii_whitespace();
        let mut read = || {
            let (code, jt, jf, k) = (next(words)?, next(words)?, next(words)?, next(words)?);
            let all = words.next().is_none();
            all.then_some(Instruction { code, jt, jf, k })
        };
        read().ok_or(InstructionError)
    }
}

/// A checked program. It ends after at most [`Filter::MAX`] steps whatever the frame is. A clone
/// shares it.
///
/// # Thread safety
/// It does not change. Memory is freed with the last clone: a worker gives its own back.
#[derive(Clone, Debug)]
pub struct Filter(Arc<[Op]>);

impl Filter {
    /// Most instructions, as in the kernel (`BPF_MAXINSNS`).
    pub const MAX: usize = 4096;

    /// Checks a program: it is one that ends, all jumps lead forward to one of its instructions,
    /// scratch memory is used within its bounds, and no constant divisor is zero.
    ///
    /// # Errors
    /// What is wrong, and with which instruction.
    pub fn new(program: &[Instruction]) -> Result<Self, FilterError> {
        verify::verify(program).map(|ops| Filter(ops.into()))
    }

    /// Every frame is wanted.
    pub fn everything() -> Self {
        Filter(Arc::new([Op::Return(u32::MAX)]))
    }

    /// The program with memory of its own, to run on many frames.
    pub fn runner(&self) -> Runner {
        Runner::new(Arc::clone(&self.0))
    }

    /// Whether a frame of `len` bytes is wanted, of which `head` is there: what [`Runner::select`]
    /// says of this one alone. It allocates.
    pub fn matches(&self, head: &[u8], len: usize) -> bool {
        // The length of a frame fits into 32 bits by far.
        let len = len as u32;
        self.runner().select(&[Frame { head, len }]) != 0
    }
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests;
