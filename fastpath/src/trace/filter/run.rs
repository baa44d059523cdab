//! Runs a program on all frames of a burst together: each step for all the frames that come to it,
//! so that what it costs to tell steps apart is paid once a burst. What a step does is what
//! `bpf_filter` of libpcap does, in safe code.

use super::lanes::{Frame, Lanes, change, compute, holds, look, number};
use super::op::{Op, Operand, Register, Size, Source, Test, WORDS};
use crate::cpu::{Cpu, Work};
use crate::io::BURST;
use crate::trace::bits::all;
use std::sync::Arc;

/// A program, and the memory that it runs in.
///
/// # Thread safety
/// It belongs to who looks. To drop it frees memory, so a worker gives it back.
#[derive(Debug)]
pub struct Runner {
    ops: Arc<[Op]>,
    cpu: Cpu,
    /// By step, a bit for each frame that goes on there. All are 0 before a run and behind it.
    waiting: Box<[u64]>,
    a: Lanes,
    x: Lanes,
    memory: [Lanes; WORDS],
    uses_memory: bool,
}

/// A run.
struct Run<'a>(&'a mut Runner, &'a [Frame<'a>]);

impl Work for Run<'_> {
    type Output = u64;

    #[inline(always)]
    fn work(self) -> u64 {
        self.0.run(self.1)
    }
}

impl Runner {
    pub(super) fn new(ops: Arc<[Op]>) -> Self {
        let uses = |op: &Op| matches!(op, Op::Load(_, Source::Memory(_)) | Op::Store(..));
        Runner {
            cpu: Cpu::detect(),
            waiting: vec![0; ops.len()].into(),
            a: [0; BURST],
            x: [0; BURST],
            memory: [[0; BURST]; WORDS],
            uses_memory: ops.iter().any(uses),
            ops,
        }
    }

    /// It wants every frame, whatever is in it.
    pub(crate) fn wants_all(&self) -> bool {
        matches!(self.ops.first(), Some(Op::Return(1..)))
    }

    /// Which frames are wanted: a bit for each, the lowest for the first. Only the first
    /// [`BURST`] are looked at.
    ///
    /// What a program wants of a frame behind the bytes that are there is not there, and a frame
    /// that lacks what it wants is not wanted, as with libpcap (`pcap_offline_filter`).
    pub fn select(&mut self, frames: &[Frame<'_>]) -> u64 {
        self.cpu.run(Run(self, frames))
    }

    /// Every step leads forward, so a run has no more of them than the program.
    #[inline(always)]
    fn run(&mut self, frames: &[Frame<'_>]) -> u64 {
        let frames = frames.get(..BURST).unwrap_or(frames);
        self.a[..frames.len()].fill(0);
        self.x[..frames.len()].fill(0);
        if self.uses_memory {
            self.memory = [[0; BURST]; WORDS];
        }
        self.goes_on(0, all(frames.len()));
        let mut wanted = 0;
        for at in 0..self.ops.len() {
            let here = std::mem::take(&mut self.waiting[at]);
            if here == 0 {
                continue;
            }
            match self.ops[at] {
                Op::Return(0) => {}
                Op::Return(_) => wanted |= here,
                Op::ReturnA => wanted |= holds(&self.a, here, |_, a| a != 0),
                Op::Skip(distance) => self.goes_on(at + 1 + distance as usize, here),
                Op::SkipIf {
                    test,
                    operand,
                    yes,
                    no,
                } => {
                    let holds = self.ask(test, operand, here);
                    self.goes_on(at + 1 + usize::from(yes), holds);
                    self.goes_on(at + 1 + usize::from(no), here ^ holds);
                }
                op => {
                    let left = self.step(op, here, frames);
                    self.goes_on(at + 1, left);
                }
            }
        }
        wanted
    }

    /// These frames go on at a step. In a checked program it is there.
    #[inline(always)]
    fn goes_on(&mut self, at: usize, frames: u64) {
        if let Some(waiting) = self.waiting.get_mut(at) {
            *waiting |= frames;
        }
    }

    #[inline(always)]
    fn ask(&self, test: Test, operand: Operand, here: u64) -> u64 {
        match operand {
            Operand::Constant(k) => self.compare(test, here, |_| k),
            Operand::X => self.compare(test, here, |at| self.x[at]),
        }
    }

    /// Of these frames, those of which A and the other number are as the test asks.
    #[inline(always)]
    fn compare(&self, test: Test, here: u64, other: impl Fn(usize) -> u32) -> u64 {
        match test {
            Test::Equal => holds(&self.a, here, |at, a| a == other(at)),
            Test::Greater => holds(&self.a, here, |at, a| a > other(at)),
            Test::GreaterOrEqual => holds(&self.a, here, |at, a| a >= other(at)),
            Test::AnyBit => holds(&self.a, here, |at, a| a & other(at) != 0),
        }
    }

    /// A step that neither jumps nor returns. Returns the frames for which the program goes on; the
    /// others are not wanted.
    #[inline(always)]
    fn step(&mut self, op: Op, here: u64, frames: &[Frame<'_>]) -> u64 {
        match op {
            Op::Load(register, source) => self.load(register, source, here, frames),
            Op::Store(register, word) => {
                let from = *self.register(register);
                change(&mut self.memory[word.index()], here, |at, _| Some(from[at]))
            }
            Op::Compute(operation, Operand::Constant(k)) => {
                change(&mut self.a, here, |_, a| compute(operation, a, k))
            }
            Op::Compute(operation, Operand::X) => {
                let x = &self.x;
                change(&mut self.a, here, |at, a| compute(operation, a, x[at]))
            }
            Op::Negate => change(&mut self.a, here, |_, a| Some(a.wrapping_neg())),
            Op::ToX => change(&mut self.x, here, |at, _| Some(self.a[at])),
            Op::ToA => change(&mut self.a, here, |at, _| Some(self.x[at])),
            Op::Skip(_) | Op::SkipIf { .. } | Op::Return(_) | Op::ReturnA => here,
        }
    }

    #[inline(always)]
    fn register(&mut self, register: Register) -> &mut Lanes {
        match register {
            Register::A => &mut self.a,
            Register::X => &mut self.x,
        }
    }

    #[inline(always)]
    fn load(&mut self, register: Register, source: Source, here: u64, frames: &[Frame<'_>]) -> u64 {
        let x = self.x;
        let from = |at: usize, offset: u32| x[at].checked_add(offset);
        let byte = |frame: &Frame<'_>, offset| number(frame, offset).map(|[byte]| u32::from(byte));
        let half = |frame: &Frame<'_>, offset| {
            number(frame, offset).map(|half| u32::from(u16::from_be_bytes(half)))
        };
        let word = |frame: &Frame<'_>, offset| number(frame, offset).map(u32::from_be_bytes);
        // Memory is looked at before a register is changed, which the compiler cannot know apart.
        let memory = match source {
            Source::Memory(word) => self.memory[word.index()],
            _ => [0; BURST],
        };
        let lanes = self.register(register);
        match source {
            Source::Constant(k) => change(lanes, here, |_, _| Some(k)),
            Source::Memory(_) => change(lanes, here, |at, _| Some(memory[at])),
            Source::Length => look(lanes, here, frames, |_, frame| Some(frame.len)),
            Source::Frame(Size::Byte, k) => look(lanes, here, frames, |_, frame| byte(frame, k)),
            Source::Frame(Size::Half, k) => look(lanes, here, frames, |_, frame| half(frame, k)),
            Source::Frame(Size::Word, k) => look(lanes, here, frames, |_, frame| word(frame, k)),
            Source::Indexed(Size::Byte, k) => {
                look(lanes, here, frames, |at, frame| byte(frame, from(at, k)?))
            }
            Source::Indexed(Size::Half, k) => {
                look(lanes, here, frames, |at, frame| half(frame, from(at, k)?))
            }
            Source::Indexed(Size::Word, k) => {
                look(lanes, here, frames, |at, frame| word(frame, from(at, k)?))
            }
            Source::HeaderLength(k) => look(lanes, here, frames, |_, frame| {
                byte(frame, k).map(|byte| (byte & 0xf) * 4)
            }),
        }
    }
}
