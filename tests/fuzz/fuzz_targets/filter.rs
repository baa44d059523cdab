//! Arbitrary instructions as a filter: what passes the check runs on any frame and ends, whether
//! all of the frame is there or only its first bytes.
//!
//! The first byte says how many instructions follow, eight bytes each; the rest is the frame.

#![no_main]

use fastpath::trace::filter::{Filter, Frame, Instruction};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((count, rest)) = data.split_first() else {
        return;
    };
    let len = (usize::from(*count) * 8).min(rest.len() / 8 * 8);
    let (program, frame) = rest.split_at(len);
    let instruction = |bytes: &[u8]| Instruction {
        code: u16::from_le_bytes([bytes[0], bytes[1]]),
        jt: bytes[2],
        jf: bytes[3],
        k: u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
    };
    let program: Vec<_> = program.chunks_exact(8).map(instruction).collect();
    if let Ok(filter) = Filter::new(&program) {
        let whole = filter.matches(frame, frame.len());
        // It has no memory of the frame before.
        assert_eq!(filter.clone().matches(frame, frame.len()), whole);
        let half = &frame[..frame.len() / 2];
        let part = filter.matches(half, frame.len());
        // And of none beside it.
        let frame = |head| Frame {
            head,
            len: (rest.len() - len) as u32,
        };
        let burst = [frame(half), frame(&rest[len..]), frame(half)];
        let expected = u64::from(part) * 0b101 | u64::from(whole) << 1;
        assert_eq!(filter.runner().select(&burst), expected);
    }
});
