use super::*;
use crate::io::Pool;
use crate::io::heap::{HeapPacket, HeapPool};
use crate::trace::filter::{Filter, Instruction};
use crate::trace::wish::PortSet;
use proptest::prelude::*;
use std::collections::VecDeque;

fn port(number: usize) -> PortId {
    PortId::new(number).unwrap()
}

fn moment(ticks: u64, number: usize) -> Moment {
    Moment::new(ticks, port(number), Side::Received)
}

fn everything() -> Wish {
    Wish::everything(PortSet::ALL)
}

fn packet(bytes: &[u8]) -> HeapPacket {
    HeapPool::new(1).alloc(bytes).unwrap()
}

fn limits(snap: usize, copies: usize, bytes: usize) -> Limits {
    Limits {
        snap,
        copies,
        bytes,
    }
}

fn counted(reader: &TapReader, number: usize) -> (u64, u64) {
    let counters = reader.stats().port(port(number));
    (counters.copied.get(), counters.lost.get())
}

#[test]
fn a_copy_has_the_bytes_of_all_segments_up_to_the_limit() {
    let pool = HeapPool::new(2);
    let frame: Vec<u8> = (0..=255).cycle().take(600).collect();
    let first = pool.alloc(&frame).unwrap();
    let chain = pool.replicate(&first, true).unwrap();
    assert!(chain.head().len() < 300 && chain.len() == 600);
    for (snap, kept) in [(65_535, 600), (300, 300), (100, 100), (0, 0)] {
        let (mut tap, mut reader) = tap(everything(), limits(snap, 1, 1000));
        tap.offer(&moment(7, 3), &chain);
        let mut bytes = vec![9; 5];
        let note = reader.read(&mut bytes).unwrap();
        assert_eq!(bytes, frame[..kept]);
        let expected = Note {
            moment: moment(7, 3),
            len: 600,
            kept: kept as u32,
            lost: 0,
        };
        assert_eq!(note, expected);
        assert_eq!(reader.read(&mut bytes), None);
        assert_eq!(counted(&reader, 3), (1, 0));
    }
}

#[test]
fn what_the_filter_does_not_want_is_neither_copied_nor_lost() {
    let long = ["128 0 0 0", "37 0 1 10", "6 0 0 1", "6 0 0 0"];
    let long: Vec<Instruction> = long.iter().map(|line| line.parse().unwrap()).collect();
    let wish = Wish {
        filter: Filter::new(&long).unwrap(),
        ..everything()
    };
    let (mut tap, mut reader) = tap(wish, limits(100, 1, 100));
    for bytes in [10, 11, 10, 11] {
        tap.offer(&moment(0, 0), &packet(&vec![0; bytes]));
    }
    assert_eq!(counted(&reader, 0), (1, 1));
    assert_eq!(reader.read(&mut Vec::new()).unwrap().len, 11);
}

#[test]
fn the_next_copy_of_a_port_says_how_many_were_lost_before_it() {
    let (mut tap, mut reader) = tap(everything(), limits(4, 2, 8));
    let mut bytes = Vec::new();
    for number in [0, 1, 0, 0, 1] {
        tap.offer(&moment(0, number), &packet(&[1; 14]));
    }
    let first: Vec<_> = (0..2)
        .map(|_| reader.read(&mut bytes).unwrap().lost)
        .collect();
    for number in [0, 1] {
        tap.offer(&moment(0, number), &packet(&[1; 14]));
    }
    let second: Vec<_> = (0..2)
        .map(|_| reader.read(&mut bytes).unwrap().lost)
        .collect();
    assert_eq!((first, second), (vec![0, 0], vec![2, 1]));
    tap.offer(&moment(0, 0), &packet(&[1; 14]));
    assert_eq!(reader.read(&mut bytes).unwrap().lost, 0);
    assert_eq!((counted(&reader, 0), counted(&reader, 1)), ((3, 2), (2, 1)));
}

#[test]
fn there_is_room_for_one_copy_whatever_the_limits_say() {
    let (mut tap, mut reader) = tap(everything(), limits(20, 0, 0));
    for _ in 0..3 {
        tap.offer(&moment(0, 0), &packet(&[1; 60]));
        assert!(reader.read(&mut Vec::new()).is_some());
    }
}

#[test]
fn what_was_copied_can_be_read_when_the_worker_is_gone() {
    let (mut tap, mut reader) = tap(everything(), Limits::default());
    tap.offer(&moment(0, 0), &packet(&[5; 20]));
    assert!(!reader.is_abandoned());
    drop(tap);
    assert!(reader.is_abandoned());
    let mut bytes = Vec::new();
    assert!(reader.read(&mut bytes).is_some());
    assert_eq!(bytes, [5; 20]);
}

proptest! {
    /// Against a queue that knows only the two limits: packets one by one, and bursts of which each is
    /// held until it is known what becomes of it.
    #[test]
    fn a_copy_is_lost_exactly_if_there_is_no_room(
        steps in proptest::collection::vec(
            proptest::option::of((proptest::collection::vec(0usize..60, 1..4), 0usize..3, any::<bool>())),
            1..80,
        ),
        snap in 0usize..50,
        copies in 1usize..6,
        room in 50usize..120,
    ) {
        let (mut tap, mut reader) = tap(everything(), limits(snap, copies, room));
        let mut waiting: VecDeque<(u64, Vec<u8>)> = VecDeque::new();
        let (mut lost, mut copied) = (0, 0);
        let mut bytes = Vec::new();
        for (ticks, step) in (0..).zip(&steps) {
            match step {
                Some((lengths, number, held)) => {
                    let frames: Vec<_> = lengths.iter().map(|len| vec![ticks as u8; *len]).collect();
                    for frame in &frames {
                        let kept = frame[..snap.min(frame.len())].to_vec();
                        let used: usize = waiting.iter().map(|(_, bytes)| bytes.len()).sum();
                        if waiting.len() < copies && used + kept.len() <= room {
                            waiting.push_back((ticks, kept));
                            copied += 1;
                        } else {
                            lost += 1;
                        }
                    }
                    let packets: Vec<_> = frames.iter().map(|frame| packet(frame)).collect();
                    let moment = moment(ticks, *number);
                    if *held {
                        tap.hold(Side::Received, port(*number), &packets);
                        ones(tap.awaits(0)).for_each(|at| tap.tell(at, &moment));
                    } else {
                        packets.iter().for_each(|packet| tap.offer(&moment, packet));
                    }
                }
                None => {
                    let note = reader.read(&mut bytes);
                    let got = note.map(|note| (note.moment.ticks, bytes.clone()));
                    prop_assert_eq!(got, waiting.pop_front());
                }
            }
        }
        let all = [0, 1, 2].map(|number| counted(&reader, number));
        let sum = all.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        prop_assert_eq!(sum, (copied, lost));
    }
}
