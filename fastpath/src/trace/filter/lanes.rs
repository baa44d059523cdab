//! Numbers of the frames of a burst, and what is done to those of some of them: a bit for each frame
//! says of which.

use super::op::Arithmetic;
use crate::io::BURST;
use crate::trace::bits::{all, ones};

/// A number of each frame of a burst.
pub(super) type Lanes = [u32; BURST];

/// A frame, of which the first bytes are there, or all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The bytes that are there.
    pub head: &'a [u8],
    /// The length of all of it, in bytes.
    pub len: u32,
}

/// Gives each of these frames a new number, made of its place and its old number. Returns those that
/// got one.
#[inline(always)]
pub(super) fn change(lanes: &mut Lanes, here: u64, new: impl Fn(usize, u32) -> Option<u32>) -> u64 {
    let (mut left, mut got) = (here, here);
    while left != 0 {
        // The remainder changes nothing, and shows that the place is there.
        let at = left.trailing_zeros() as usize % BURST;
        match new(at, lanes[at]) {
            Some(value) => lanes[at] = value,
            None => got ^= 1 << at,
        }
        left &= left - 1;
    }
    got
}

/// The same, of the frame. Mostly all frames of a burst are there, which is quicker.
#[inline(always)]
pub(super) fn look(
    lanes: &mut Lanes,
    here: u64,
    frames: &[Frame<'_>],
    new: impl Fn(usize, &Frame<'_>) -> Option<u32>,
) -> u64 {
    if here != all(frames.len()) {
        return change(lanes, here, |at, _| new(at, frames.get(at)?));
    }
    let mut lost = 0;
    for (at, (lane, frame)) in lanes.iter_mut().zip(frames).enumerate() {
        match new(at, frame) {
            Some(value) => *lane = value,
            None => lost |= 1 << at,
        }
    }
    here & !lost
}

/// So few frames are asked one by one; more are all compared at once, which costs the same for all.
const FEW: u32 = 8;

/// Of these frames, those of whose place and number this is so.
#[inline(always)]
pub(super) fn holds(lanes: &Lanes, here: u64, so: impl Fn(usize, u32) -> bool) -> u64 {
    if here.count_ones() <= FEW {
        let places = ones(here).map(|at| at % BURST);
        return places.fold(0, |bits, at| bits | u64::from(so(at, lanes[at])) << at);
    }
    let all = lanes.iter().enumerate();
    here & all.fold(0, |bits, (at, number)| {
        bits | u64::from(so(at, *number)) << at
    })
}

/// What comes of A and an operand; `None` if there is nothing, and the program ends.
#[inline]
pub(super) fn compute(operation: Arithmetic, a: u32, by: u32) -> Option<u32> {
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

/// The bytes of a number, in network byte order; `None` if they do not all lie in what is there.
#[inline(always)]
pub(super) fn number<const BYTES: usize>(frame: &Frame<'_>, offset: u32) -> Option<[u8; BYTES]> {
    let (start, end) = (offset as usize, offset as usize + BYTES);
    frame.head.get(start..end)?.try_into().ok()
}
