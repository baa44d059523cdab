//! Instructions that have been checked.

/// Words of scratch memory (`BPF_MEMWORDS`).
pub(super) const WORDS: usize = 16;

/// One of the two registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Register {
    /// The accumulator.
    A,
    /// The index.
    X,
}

/// A word of the scratch memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word(u8);

impl Word {
    /// `None` beyond the memory.
    pub(super) fn new(number: u32) -> Option<Self> {
        let number = u8::try_from(number).ok()?;
        (usize::from(number) < WORDS).then_some(Word(number))
    }

    /// Its place.
    pub(super) fn index(self) -> usize {
        // The remainder changes nothing, and shows that the place is there.
        usize::from(self.0) % WORDS
    }
}

/// How many bytes of a frame are loaded, as a number in network byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// One.
    Byte,
    /// Two.
    Half,
    /// Four.
    Word,
}

/// What is loaded into a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A constant.
    Constant(u32),
    /// The length of the frame.
    Length,
    /// A word of the scratch memory.
    Memory(Word),
    /// Bytes of the frame at an offset.
    Frame(Size, u32),
    /// Bytes of the frame at an offset from X.
    Indexed(Size, u32),
    /// Four times the low half of the byte at an offset: the length of an IPv4 header.
    HeaderLength(u32),
}

/// The second operand of arithmetic and tests; the first is A.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    /// A constant.
    Constant(u32),
    /// X.
    X,
}

/// Arithmetic, modulo 2 to the 32nd. Dividing by zero ends the program: no match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Or,
    And,
    Xor,
    /// By 32 and more it leaves nothing.
    Left,
    /// By 32 and more it leaves nothing.
    Right,
}

/// What a jump asks of A and an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Test {
    Equal,
    Greater,
    GreaterOrEqual,
    AnyBit,
}

/// One step. Distances are counted from the step that follows and lead to a step that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Load(Register, Source),
    Store(Register, Word),
    Compute(Arithmetic, Operand),
    Negate,
    Skip(u32),
    SkipIf {
        test: Test,
        operand: Operand,
        yes: u8,
        no: u8,
    },
    /// A to X.
    ToX,
    /// X to A.
    ToA,
    Return(u32),
    ReturnA,
}
