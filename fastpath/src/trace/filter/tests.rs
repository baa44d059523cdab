use super::*;
use crate::io::BURST;
use proptest::prelude::*;

fn instruction(code: u16, jt: u8, jf: u8, k: u32) -> Instruction {
    Instruction { code, jt, jf, k }
}

/// A `ret` of a constant.
fn ret(k: u32) -> Instruction {
    instruction(6, 0, 0, k)
}

/// What libpcap's `bpf_filter` does, written as it is there: codes, registers, one offset.
fn oracle(program: &[Instruction], head: &[u8], len: u32) -> u32 {
    let load = |at: u64, bytes: u64| {
        let part = head.get(usize::try_from(at).ok()?..usize::try_from(at + bytes).ok()?)?;
        Some(part.iter().fold(0u32, |sum, b| sum << 8 | u32::from(*b)))
    };
    let (mut a, mut x, mut memory, mut pc) = (0u32, 0u32, [0u32; 16], 0);
    loop {
        let Instruction { code, jt, jf, k } = program[pc];
        pc += 1;
        let by = if code & 8 == 0 { k } else { x };
        let jump = |holds: bool| usize::from(if holds { jt } else { jf });
        let indexed = u64::from(x) + u64::from(k);
        let loaded = match code {
            0x20 => load(k.into(), 4),
            0x28 => load(k.into(), 2),
            0x30 => load(k.into(), 1),
            0x40 => load(indexed, 4),
            0x48 => load(indexed, 2),
            0x50 => load(indexed, 1),
            0xb1 => load(k.into(), 1),
            _ => Some(0),
        };
        let Some(loaded) = loaded else { return 0 };
        match code {
            0x20 | 0x28 | 0x30 | 0x40 | 0x48 | 0x50 => a = loaded,
            0xb1 => x = (loaded & 0xf) << 2,
            0x00 => a = k,
            0x01 => x = k,
            0x80 => a = len,
            0x81 => x = len,
            0x60 => a = memory[k as usize],
            0x61 => x = memory[k as usize],
            0x02 => memory[k as usize] = a,
            0x03 => memory[k as usize] = x,
            0x04 | 0x0c => a = a.wrapping_add(by),
            0x14 | 0x1c => a = a.wrapping_sub(by),
            0x24 | 0x2c => a = a.wrapping_mul(by),
            0x34 | 0x3c if by == 0 => return 0,
            0x34 | 0x3c => a /= by,
            0x94 | 0x9c if by == 0 => return 0,
            0x94 | 0x9c => a %= by,
            0x44 | 0x4c => a |= by,
            0x54 | 0x5c => a &= by,
            0xa4 | 0xac => a ^= by,
            0x64 | 0x6c => a = if by < 32 { a << by } else { 0 },
            0x74 | 0x7c => a = if by < 32 { a >> by } else { 0 },
            0x84 => a = 0u32.wrapping_sub(a),
            0x05 => pc += k as usize,
            0x15 | 0x1d => pc += jump(a == by),
            0x25 | 0x2d => pc += jump(a > by),
            0x35 | 0x3d => pc += jump(a >= by),
            0x45 | 0x4d => pc += jump(a & by != 0),
            0x06 => return k,
            0x16 => return a,
            0x07 => x = a,
            0x87 => a = x,
            _ => panic!("code {code:#x}"),
        }
    }
}

/// Every code that there is.
const CODES: [u16; 45] = [
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0c, 0x14, 0x15, 0x16, 0x1c, 0x1d, 0x20, 0x24,
    0x25, 0x28, 0x2c, 0x2d, 0x30, 0x34, 0x35, 0x3c, 0x3d, 0x40, 0x44, 0x45, 0x48, 0x4c, 0x4d, 0x50,
    0x54, 0x5c, 0x60, 0x61, 0x64, 0x6c, 0x74, 0x7c, 0x80, 0x81, 0x84, 0x87, 0xb1,
];
/// Codes that came later than the rest: remainder and exclusive or.
const LATER: [u16; 4] = [0x94, 0x9c, 0xa4, 0xac];

fn codes() -> impl Strategy<Value = u16> {
    let known: Vec<u16> = CODES.iter().chain(&LATER).copied().collect();
    proptest::sample::select(known)
}

fn constants() -> impl Strategy<Value = u32> {
    prop_oneof![
        8 => 0u32..20,
        2 => 28u32..70,
        1 => Just(u32::MAX),
        1 => any::<u32>(),
    ]
}

/// Programs of which most can run.
fn programs() -> impl Strategy<Value = Vec<Instruction>> {
    let one = (codes(), 0u8..4, 0u8..4, constants());
    let one = one.prop_map(|(code, jt, jf, k)| match code {
        0x05 => instruction(code, jt, jf, k % 4),
        0x02 | 0x03 | 0x60 | 0x61 => instruction(code, jt, jf, k % 16),
        _ => instruction(code, jt, jf, k),
    });
    let starts = (constants(), constants())
        .prop_map(|(a, x)| vec![instruction(0x00, 0, 0, a), instruction(0x01, 0, 0, x)]);
    let end = prop_oneof![(0u32..3).prop_map(ret), Just(instruction(0x16, 0, 0, 0))];
    let ends = proptest::collection::vec(end, 4);
    (starts, proptest::collection::vec(one, 0..24), ends)
        .prop_map(|(starts, program, ends)| [starts, program, ends].concat())
}

/// Frames of which all or the first bytes are there; a few more than a burst has at most.
fn bursts() -> impl Strategy<Value = Vec<(Vec<u8>, u32)>> {
    let bytes = prop_oneof![any::<u8>(), 0u8..4];
    let frame = (proptest::collection::vec(bytes, 0..80), 0u32..3)
        .prop_map(|(head, more)| (head.len() as u32 + more, head))
        .prop_map(|(len, head)| (head, len));
    proptest::collection::vec(frame, 0..BURST + 3)
}

proptest! {
    #[test]
    fn a_program_means_what_it_means_to_libpcap(
        program in programs(),
        frame in proptest::collection::vec(any::<u8>(), 0..80),
        more in 0usize..3,
    ) {
        if let Ok(filter) = Filter::new(&program) {
            let len = frame.len() + more;
            let expected = oracle(&program, &frame, len as u32);
            prop_assert_eq!(filter.matches(&frame, len), expected != 0);
        }
    }

    /// Each frame is asked about alone, whatever others are in its burst and came before.
    #[test]
    fn a_burst_means_what_its_frames_mean(
        program in programs(),
        bursts in proptest::collection::vec(bursts(), 1..3),
    ) {
        if let Ok(filter) = Filter::new(&program) {
            let mut runner = filter.runner();
            for burst in bursts {
                let frames: Vec<_> = burst.iter().map(|(head, len)| Frame { head, len: *len }).collect();
                let alone = frames.iter().take(BURST).enumerate().map(|(at, frame)| {
                    u64::from(oracle(&program, frame.head, frame.len) != 0) << at
                });
                prop_assert_eq!(runner.select(&frames), alone.fold(0, |all, bit| all | bit));
            }
        }
    }

    #[test]
    fn whatever_passes_the_check_ends_and_needs_nothing_that_is_not_there(
        program in proptest::collection::vec((any::<u16>(), any::<u8>(), any::<u8>(), any::<u32>())
            .prop_map(|(code, jt, jf, k)| instruction(code & 0xff, jt & 3, jf & 3, k >> (k & 31))), 1..40),
        frame in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let program = [program, vec![ret(0); 4]].concat();
        if let Ok(filter) = Filter::new(&program) {
            let _ = filter.matches(&frame, frame.len());
        }
    }
}

#[test]
fn most_of_the_programs_that_are_tried_can_run() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut good = 0;
    for _ in 0..200 {
        let program = programs().new_tree(&mut runner).unwrap().current();
        good += usize::from(Filter::new(&program).is_ok());
    }
    assert!(good > 100, "{good} of 200");
}

#[test]
fn exactly_the_codes_of_the_classic_bpf_are_known() {
    for code in 0..=u16::MAX {
        let known = CODES.contains(&code) || LATER.contains(&code);
        let program = [instruction(code, 0, 0, 1), ret(0), ret(0)];
        let expected = FilterError::Unknown { at: 0, code };
        let checked = Filter::new(&program).map(|_| ());
        assert_eq!(checked, if known { Ok(()) } else { Err(expected) });
    }
}

#[test]
fn what_cannot_run_is_refused_by_name_and_place() {
    let refused = |program: &[Instruction]| Filter::new(program).map(|_| ()).unwrap_err();
    assert_eq!(refused(&[]), FilterError::Empty);
    let long = vec![ret(0); Filter::MAX + 1];
    assert_eq!(refused(&long), FilterError::TooLong(Filter::MAX + 1));
    assert!(Filter::new(&long[1..]).is_ok());
    assert_eq!(refused(&[instruction(7, 0, 0, 0)]), FilterError::End);
    for code in [0x02, 0x03, 0x60, 0x61] {
        let program = |k| [ret(0), instruction(code, 0, 0, k), ret(0)];
        assert_eq!(refused(&program(16)), FilterError::Memory(1));
        assert_eq!(refused(&program(257)), FilterError::Memory(1));
        assert!(Filter::new(&program(15)).is_ok());
    }
    for code in [0x34, 0x94] {
        let program = |code| [instruction(code, 0, 0, 0), ret(0)];
        assert_eq!(refused(&program(code)), FilterError::Division(0));
        assert!(Filter::new(&program(code | 8)).is_ok());
    }
    let away = [
        (5, 0, 0, 2),
        (5, 0, 0, u32::MAX),
        (0x15, 2, 0, 0),
        (0x15, 0, 2, 0),
    ];
    for (code, jt, jf, k) in away {
        let program = [ret(0), instruction(code, jt, jf, k), ret(0), ret(0)];
        assert_eq!(refused(&program), FilterError::Jump(1));
        assert!(Filter::new(&[&program[..], &[ret(0)]].concat()).is_ok() == (k < 3));
    }
}

#[test]
fn what_is_not_in_the_first_bytes_does_not_match() {
    // More than 60 bytes long; the byte at 10 is not asked for its value.
    let program = [
        instruction(0x80, 0, 0, 0),
        instruction(0x25, 0, 2, 60),
        instruction(0x30, 0, 0, 10),
        ret(1),
        ret(0),
    ];
    let filter = Filter::new(&program).unwrap();
    assert!(filter.matches(&[0; 11], 61));
    assert!(!filter.matches(&[0; 11], 60));
    assert!(!filter.matches(&[0; 10], 61));
    assert!(!filter.matches(&[], 61));
}

#[test]
fn shifts_by_32_and_more_leave_nothing() {
    for (code, by) in [(0x64, 31), (0x74, 1)] {
        let shifted = |by| {
            let program = [
                instruction(0x00, 0, 0, 3),
                instruction(code, 0, 0, by),
                instruction(0x16, 0, 0, 0),
            ];
            Filter::new(&program).unwrap().matches(&[], 0)
        };
        assert!(shifted(by));
        assert!(
            ![32, 33, 64, u32::MAX].iter().any(|by| shifted(*by)),
            "{code:#x}"
        );
    }
}

#[test]
fn everything_matches_the_empty_frame_too() {
    assert!(Filter::everything().matches(&[], 0));
    assert!(Filter::everything().runner().wants_all());
    assert!(!Filter::new(&[ret(0)]).unwrap().runner().wants_all());
}

#[test]
fn a_run_knows_nothing_of_the_one_before() {
    let load_length = instruction(0x80, 0, 0, 0);
    // Wanted is a frame that finds a zero there, and it leaves its length behind.
    let finds = |look: &[Instruction], leave: &[Instruction]| {
        let ask = instruction(0x15, 0, leave.len() as u8 + 1, 0);
        [look, &[ask], leave, &[ret(1), ret(0)]].concat()
    };
    let programs = [
        finds(&[], &[load_length]),
        finds(&[instruction(0x87, 0, 0, 0)], &[instruction(0x81, 0, 0, 0)]),
        finds(
            &[instruction(0x60, 0, 0, 3)],
            &[load_length, instruction(0x02, 0, 0, 3)],
        ),
    ];
    for program in programs {
        let mut runner = Filter::new(&program).unwrap().runner();
        let frames = [Frame { head: &[], len: 9 }; 2];
        assert_eq!(
            [0, 1].map(|_| runner.select(&frames)),
            [3, 3],
            "{program:?}"
        );
    }
}

#[test]
fn an_instruction_is_four_numbers_that_fit() {
    assert_eq!("21 1 0 2048".parse(), Ok(instruction(21, 1, 0, 2048)));
    let wrong = [
        "",
        "1 2 3",
        "1 2 3 4 5",
        "1 256 3 4",
        "65536 0 0 0",
        "a 0 0 0",
        "6 0 0 -1",
    ];
    for text in wrong {
        assert_eq!(text.parse::<Instruction>(), Err(InstructionError), "{text}");
    }
}
