//! Runs a program on a frame: `bpf_filter` of libpcap, in safe code.

use super::op::{Arithmetic, Op, Operand, Register, Size, Source, Test, WORDS};

/// What a program works with. Everything starts as zero.
#[derive(Default)]
struct Machine {
    a: u32,
    x: u32,
    memory: [u32; WORDS],
}

/// What the program returns: 0 for no match. `len` is the length of the frame in bytes, of which
/// `head` may be only the first.
///
/// Every step goes forward, so there are no more steps than instructions.
pub(super) fn run(ops: &[Op], head: &[u8], len: u32) -> u32 {
    let mut machine = Machine::default();
    let mut at = 0;
    while let Some(op) = ops.get(at) {
        at += 1;
        let skip = match *op {
            Op::Return(value) => return value,
            Op::ReturnA => return machine.a,
            Op::Skip(distance) => Some(distance as usize),
            Op::SkipIf {
                test,
                operand,
                yes,
                no,
            } => Some(usize::from(if machine.holds(test, operand) {
                yes
            } else {
                no
            })),
            op => machine.step(op, head, len).map(|()| 0),
        };
        match skip {
            Some(skip) => at += skip,
            None => return 0,
        }
    }
    // A checked program has returned before.
    0
}

impl Machine {
    fn operand(&self, operand: Operand) -> u32 {
        match operand {
            Operand::Constant(k) => k,
            Operand::X => self.x,
        }
    }

    fn holds(&self, test: Test, operand: Operand) -> bool {
        let value = self.operand(operand);
        match test {
            Test::Equal => self.a == value,
            Test::Greater => self.a > value,
            Test::GreaterOrEqual => self.a >= value,
            Test::AnyBit => self.a & value != 0,
        }
    }

    /// A step that neither jumps nor returns. `None` ends the program: no match.
    fn step(&mut self, op: Op, head: &[u8], len: u32) -> Option<()> {
        match op {
            Op::Load(register, source) => {
                let value = self.load(source, head, len)?;
                *self.register(register) = value;
            }
            Op::Store(register, word) => self.memory[word.index()] = *self.register(register),
            Op::Compute(operation, operand) => {
                self.a = compute(operation, self.a, self.operand(operand))?;
            }
            Op::Negate => self.a = self.a.wrapping_neg(),
            Op::ToX => self.x = self.a,
            Op::ToA => self.a = self.x,
            Op::Skip(_) | Op::SkipIf { .. } | Op::Return(_) | Op::ReturnA => {}
        }
        Some(())
    }

    fn register(&mut self, register: Register) -> &mut u32 {
        match register {
            Register::A => &mut self.a,
            Register::X => &mut self.x,
        }
    }

    fn load(&self, source: Source, head: &[u8], len: u32) -> Option<u32> {
        match source {
            Source::Constant(k) => Some(k),
            Source::Length => Some(len),
            Source::Memory(word) => Some(self.memory[word.index()]),
            Source::Frame(size, offset) => number(head, offset, size),
            Source::Indexed(size, offset) => number(head, self.x.checked_add(offset)?, size),
            Source::HeaderLength(offset) => {
                number(head, offset, Size::Byte).map(|byte| (byte & 0xf) * 4)
            }
        }
    }
}

fn compute(operation: Arithmetic, a: u32, by: u32) -> Option<u32> {
    Some(match operation {
        Arithmetic::Add => a.wrapping_add(by),
        Arithmetic::Sub => a.wrapping_sub(by),
        Arithmetic::Mul => a.wrapping_mul(by),
        Arithmetic::Div => a.checked_div(by)?,
        Arithmetic::Mod => a.checked_rem(by)?,
        Arithmetic::Or => a | by,
        Arithmetic::And => a & by,
        Arithmetic::Xor => a ^ by,
        Arithmetic::Left => a.checked_shl(by).unwrap_or(0),
        Arithmetic::Right => a.checked_shr(by).unwrap_or(0),
    })
}

/// A number in network byte order; `None` if it does not lie in the bytes that are there.
fn number(bytes: &[u8], offset: u32, size: Size) -> Option<u32> {
    let bytes = bytes.get(offset as usize..)?;
    match size {
        Size::Byte => bytes.first().map(|byte| u32::from(*byte)),
        Size::Half => bytes
            .first_chunk()
            .map(|half| u16::from_be_bytes(*half).into()),
        Size::Word => bytes.first_chunk().map(|word| u32::from_be_bytes(*word)),
    }
}
