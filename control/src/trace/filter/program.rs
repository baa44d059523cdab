//! Programs of the classic BPF, joined.
//!
//! An expression cannot be joined with any other as text: behind `vlan` libpcap looks for the rest of
//! the expression four bytes later, whatever the brackets say.

use super::ExpressionError;
use fastpath::trace::filter::{Filter, Instruction};

/// To return a constant: how many bytes are wanted, none of a frame that is not.
const RETURN: u16 = 0x06;
/// To go on so many instructions later.
const JUMP: u16 = 0x05;

/// What libpcap makes of an expression. Every way through it ends with a constant.
#[derive(Clone, Debug)]
pub struct Program(Vec<Instruction>);

impl Program {
    /// `code` ends with constants, as what libpcap compiles does.
    pub(super) fn new(code: Vec<Instruction>) -> Self {
        Program(code)
    }

    /// Every frame.
    pub fn everything() -> Self {
        let all = Instruction {
            code: RETURN,
            k: u32::MAX,
            ..Instruction::default()
        };
        Program(vec![all])
    }

    /// Frames that both want.
    #[must_use]
    pub fn and(self, other: Program) -> Self {
        self.then(other, |wanted| wanted > 0)
    }

    /// Frames that one of them wants.
    #[must_use]
    pub fn or(self, other: Program) -> Self {
        self.then(other, |wanted| wanted == 0)
    }

    /// What ends with a constant that is `open` ends as the other does.
    fn then(self, other: Program, open: impl Fn(u32) -> bool) -> Self {
        let mut code = self.0;
        let len = code.len();
        for (at, instruction) in code.iter_mut().enumerate() {
            if instruction.code == RETURN && open(instruction.k) {
                *instruction = Instruction {
                    code: JUMP,
                    k: (len - at - 1) as u32,
                    ..Instruction::default()
                };
            }
        }
        code.extend(other.0);
        Program(code)
    }

    /// To be run.
    ///
    /// # Errors
    /// If it is too long.
    pub fn filter(&self) -> Result<Filter, ExpressionError> {
        Filter::new(&self.0).map_err(|error| ExpressionError::whole(format!("cannot run: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wants frames whose first byte is this one.
    fn begins_with(byte: u8) -> Program {
        let text = ["48 0 0 0", &format!("21 0 1 {byte}"), "6 0 0 9", "6 0 0 0"];
        Program::new(text.map(|line| line.parse().unwrap()).to_vec())
    }

    /// Wants frames whose second byte is this one.
    fn goes_on_with(byte: u8) -> Program {
        let text = ["48 0 0 1", &format!("21 1 0 {byte}"), "6 0 0 0", "6 0 0 9"];
        Program::new(text.map(|line| line.parse().unwrap()).to_vec())
    }

    /// Which of four frames are wanted: 1 1, 1 2, 2 1 and 2 2.
    fn wanted(program: &Program) -> [bool; 4] {
        let filter = program.filter().unwrap();
        [[1, 1], [1, 2], [2, 1], [2, 2]].map(|frame| filter.matches(&frame, 2))
    }

    #[test]
    fn joined_programs_want_what_both_want_or_one() {
        let (first, second) = (begins_with(1), goes_on_with(1));
        let both = first.clone().and(second.clone());
        assert_eq!(wanted(&both), [true, false, false, false]);
        let one = first.clone().or(second.clone());
        assert_eq!(wanted(&one), [true, true, true, false]);
        let mixed = begins_with(2).and(goes_on_with(2)).or(both);
        assert_eq!(wanted(&mixed), [true, false, false, true]);
        assert_eq!(wanted(&Program::everything()), [true; 4]);
        assert_eq!(
            wanted(&Program::everything().and(first)),
            wanted(&begins_with(1))
        );
        assert_eq!(wanted(&second.or(Program::everything())), [true; 4]);
    }

    #[test]
    fn what_is_too_long_to_run_is_refused() {
        let half = Program::new(["48 0 0 1".parse().unwrap(); Filter::MAX - 1].to_vec());
        let fits = half.clone().and(Program::everything());
        assert!(fits.filter().is_ok());
        assert!(fits.or(Program::everything()).filter().is_err());
    }
}
