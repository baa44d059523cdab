//! From instructions to steps that can run: what `bpf_validate` of libpcap and the kernel ask for.

use super::op::{Arithmetic, Op, Operand, Register, Size, Source, Test, Word};
use super::{Filter, Instruction};

/// Why a program cannot run. Instructions are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// There is no instruction.
    #[error("the program is empty")]
    Empty,
    /// There are more than [`Filter::MAX`].
    #[error("the program has {0} instructions, at most {max} are allowed", max = Filter::MAX)]
    TooLong(usize),
    /// There is no such instruction.
    #[error("instruction {at}: there is none with code {code:#x}")]
    Unknown {
        /// Which one.
        at: usize,
        /// Its code.
        code: u16,
    },
    /// It leads out of the program. A jump backwards does as well: distances are not negative.
    #[error("instruction {0}: jumps out of the program, or backwards")]
    Jump(usize),
    /// It names scratch memory that is not there.
    #[error("instruction {0}: no such word of scratch memory")]
    Memory(usize),
    /// It divides by a constant zero.
    #[error("instruction {0}: divides by zero")]
    Division(usize),
    /// The last instruction does not return.
    #[error("the last instruction does not return")]
    End,
}

/// The steps of a program.
pub(super) fn verify(program: &[Instruction]) -> Result<Vec<Op>, FilterError> {
    if program.len() > Filter::MAX {
        return Err(FilterError::TooLong(program.len()));
    }
    let check = |(at, instruction): (usize, &Instruction)| {
        let op = op(at, *instruction)?;
        let farthest = match op {
            Op::Skip(distance) => distance as usize,
            Op::SkipIf { yes, no, .. } => usize::from(yes.max(no)),
            _ => return Ok(op),
        };
        let behind = program.len() - at - 1;
        (farthest < behind)
            .then_some(op)
            .ok_or(FilterError::Jump(at))
    };
    let ops: Vec<Op> = program
        .iter()
        .enumerate()
        .map(check)
        .collect::<Result<_, _>>()?;
    match ops.last() {
        None => Err(FilterError::Empty),
        Some(Op::Return(_) | Op::ReturnA) => Ok(ops),
        Some(_) => Err(FilterError::End),
    }
}

/// What one instruction does. Its low three bits are its class (`BPF_CLASS`).
fn op(at: usize, instruction: Instruction) -> Result<Op, FilterError> {
    let Instruction { code, jt, jf, k } = instruction;
    let unknown = FilterError::Unknown { at, code };
    let word = || Word::new(k).ok_or(FilterError::Memory(at));
    let operand = match code & 0x08 {
        0 => Operand::Constant(k),
        _ => Operand::X,
    };
    let op = match (code & 7, code & !7) {
        (0, 0x60) => Op::Load(Register::A, Source::Memory(word()?)),
        (1, 0x60) => Op::Load(Register::X, Source::Memory(word()?)),
        (0, rest) => Op::Load(Register::A, source(rest, k).ok_or(unknown)?),
        (1, 0x00) => Op::Load(Register::X, Source::Constant(k)),
        (1, 0x80) => Op::Load(Register::X, Source::Length),
        (1, 0xb0) => Op::Load(Register::X, Source::HeaderLength(k)),
        (2, 0x00) => Op::Store(Register::A, word()?),
        (3, 0x00) => Op::Store(Register::X, word()?),
        (4, 0x80) => Op::Negate,
        (4, rest) => {
            let operation = arithmetic(rest & !0x08).ok_or(unknown)?;
            let divides = matches!(operation, Arithmetic::Div | Arithmetic::Mod);
            if divides && operand == Operand::Constant(0) {
                return Err(FilterError::Division(at));
            }
            Op::Compute(operation, operand)
        }
        (5, 0x00) => Op::Skip(k),
        (5, rest) => Op::SkipIf {
            test: test(rest & !0x08).ok_or(unknown)?,
            operand,
            yes: jt,
            no: jf,
        },
        (6, 0x00) => Op::Return(k),
        (6, 0x10) => Op::ReturnA,
        (7, 0x00) => Op::ToX,
        (7, 0x80) => Op::ToA,
        _ => return Err(unknown),
    };
    Ok(op)
}

/// What A is loaded with, other than scratch memory: size and mode.
fn source(code: u16, k: u32) -> Option<Source> {
    let size = match code & 0x18 {
        0x00 => Size::Word,
        0x08 => Size::Half,
        0x10 => Size::Byte,
        _ => return None,
    };
    match code & !0x18 {
        0x00 if size == Size::Word => Some(Source::Constant(k)),
        0x20 => Some(Source::Frame(size, k)),
        0x40 => Some(Source::Indexed(size, k)),
        0x80 if size == Size::Word => Some(Source::Length),
        _ => None,
    }
}

fn arithmetic(code: u16) -> Option<Arithmetic> {
    Some(match code {
        0x00 => Arithmetic::Add,
        0x10 => Arithmetic::Sub,
        0x20 => Arithmetic::Mul,
        0x30 => Arithmetic::Div,
        0x40 => Arithmetic::Or,
        0x50 => Arithmetic::And,
        0x60 => Arithmetic::Left,
        0x70 => Arithmetic::Right,
        0x90 => Arithmetic::Mod,
        0xa0 => Arithmetic::Xor,
        _ => return None,
    })
}

fn test(code: u16) -> Option<Test> {
    Some(match code {
        0x10 => Test::Equal,
        0x20 => Test::Greater,
        0x30 => Test::GreaterOrEqual,
        0x40 => Test::AnyBit,
        _ => return None,
    })
}
