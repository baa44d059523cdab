use super::*;
use fastpath::action::Verdict;
use fastpath::io::Pool;
use fastpath::io::heap::HeapPool;
use fastpath::trace::note::Moment;
use fastpath::trace::tap::{Limits, Tap, tap};
use fastpath::trace::wish::{PortSet, Wish};

/// Two workers, and the capture of what they do with two ports: `up` and `lan`.
fn capture(count: u64, copies: usize) -> ([Tap; 2], Feed) {
    let limits = Limits {
        copies,
        ..Limits::default()
    };
    let [(first, first_read), (second, second_read)] =
        [(); 2].map(|()| tap(Wish::everything(PortSet::ALL), limits));
    let ports = ["up", "lan"].into_iter().zip((0..).filter_map(PortId::new));
    let feed = Feed {
        of: "bridge br0".into(),
        ports: ports
            .map(|(name, id)| Watched {
                id,
                name: name.to_owned(),
                device: format!("heap{id}"),
            })
            .collect(),
        readers: vec![
            (WorkerId::new(0), first_read),
            (WorkerId::new(1), second_read),
        ],
        snap: NonZeroU16::MAX,
        count: NonZeroU64::new(count),
        since: Look::now(),
    };
    ([first, second], feed)
}

/// Has a tap copy a frame of this length at a port.
fn offer(tap: &mut Tap, ticks: u64, port: usize, len: usize) {
    let moment = Moment {
        verdict: Some(Verdict::Forwarded),
        queue: QueueId::new(3),
        ..Moment::new(ticks, PortId::new(port).unwrap(), Side::Received)
    };
    let frame = HeapPool::new(1).alloc(&vec![1; len]).unwrap();
    tap.offer(&moment, &frame);
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().unwrap())
}

/// Type and bytes of each block in the buffer, which is empty afterwards.
fn blocks(recording: &mut Recording) -> Vec<(u32, Vec<u8>)> {
    let mut rest = &std::mem::take(recording.buffer())[..];
    let mut blocks = Vec::new();
    while !rest.is_empty() {
        let (block, behind) = rest.split_at(number(rest, 4) as usize);
        blocks.push((number(block, 0), block.to_vec()));
        rest = behind;
    }
    blocks
}

/// Interface and length of each packet in the buffer.
fn packets(recording: &mut Recording) -> Vec<(u32, u32)> {
    let all = blocks(recording).into_iter();
    let packets = all.filter(|(kind, _)| *kind == 6);
    packets
        .map(|(_, b)| (number(&b, 8), number(&b, 24)))
        .collect()
}

/// Wanted and lost packets of each interface, by the end of the file.
fn statistics(recording: &mut Recording) -> Vec<(u8, u8)> {
    recording.finish().unwrap();
    let all = blocks(recording).into_iter();
    assert!(all.as_slice().iter().all(|(kind, _)| *kind == 5));
    // Behind times of the same length.
    all.map(|(_, b)| (b[48], b[60])).collect()
}

#[test]
fn a_file_begins_with_all_its_interfaces() {
    let (_taps, feed) = capture(0, 8);
    let mut recording = Recording::new(feed).unwrap();
    let kinds: Vec<_> = blocks(&mut recording)
        .iter()
        .map(|(kind, _)| *kind)
        .collect();
    assert_eq!(kinds, [0x0a0d_0d0a, 1, 1]);
    assert_eq!(recording.fill().unwrap(), Next::Wait);
    assert!(recording.buffer().is_empty());
}

#[test]
fn the_oldest_copy_comes_first_whoever_made_it() {
    let ([mut first, mut second], feed) = capture(0, 8);
    let mut recording = Recording::new(feed).unwrap();
    blocks(&mut recording);
    let now = fastpath::cpu::ticks();
    offer(&mut first, now + 2, 1, 62);
    offer(&mut second, now + 1, 0, 61);
    offer(&mut second, now + 4, 0, 64);
    offer(&mut first, now + 3, 1, 63);
    assert_eq!(recording.fill().unwrap(), Next::Wait);
    let all = blocks(&mut recording);
    let times = all.iter().map(|(_, b)| (number(b, 12), number(b, 16)));
    assert!(times.is_sorted());
    let said = |text: &str| all.iter().filter(|(_, b)| contains(b, text)).count();
    let text = "received, verdict forwarded, queue 3, worker ";
    assert_eq!((all.len(), said(text)), (4, 4));
    let workers = [0, 1].map(|worker| said(&format!("{text}{worker}")));
    assert_eq!(workers, [2, 2]);
    // As an option, of four bytes.
    let option = |b: &[u8]| b.windows(8).any(|part| part == [6, 0, 4, 0, 3, 0, 0, 0]);
    assert!(all.iter().all(|(_, b)| option(b)));
    let order: Vec<_> = all
        .iter()
        .map(|(_, b)| (number(b, 8), number(b, 24)))
        .collect();
    assert_eq!(order, [(0, 61), (1, 62), (1, 63), (0, 64)]);
    assert_eq!(statistics(&mut recording), [(2, 0), (2, 0)]);
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

#[test]
fn the_file_ends_with_what_it_cost_to_look_once() {
    let (_taps, feed) = capture(0, 8);
    for (at, (_, reader)) in (3..).zip(&feed.readers) {
        reader.stats().asked.add(at);
        reader.stats().ticks.add(10 * at + 5);
    }
    let mut recording = Recording::new(feed).unwrap();
    blocks(&mut recording);
    recording.finish().unwrap();
    let text = "the filter looked at 7 packets, 11 cycles each";
    let said: Vec<_> = blocks(&mut recording)
        .iter()
        .map(|(kind, block)| (*kind, contains(block, text)))
        .collect();
    assert_eq!(said, [(5, false), (5, true)]);
}

#[test]
fn it_ends_with_the_last_packet_that_is_wanted() {
    let ([mut first, _second], feed) = capture(2, 2);
    let mut recording = Recording::new(feed).unwrap();
    blocks(&mut recording);
    // The third finds no room, and nobody who wants it.
    for len in [60, 61, 62] {
        offer(&mut first, fastpath::cpu::ticks(), 0, len);
    }
    assert_eq!(recording.fill().unwrap(), Next::Finish);
    assert_eq!(packets(&mut recording), [(0, 60), (0, 61)]);
    assert_eq!(statistics(&mut recording), [(2, 0), (0, 0)]);
}

#[test]
fn what_is_lost_is_counted_also_behind_the_last_copy() {
    let ([mut first, _second], feed) = capture(0, 1);
    let mut recording = Recording::new(feed).unwrap();
    blocks(&mut recording);
    let mut burst = || (0..3).for_each(|_| offer(&mut first, fastpath::cpu::ticks(), 1, 60));
    burst();
    recording.fill().unwrap();
    blocks(&mut recording);
    burst();
    recording.fill().unwrap();
    let all = blocks(&mut recording);
    assert_eq!(all.len(), 1);
    assert!(contains(&all[0].1, ", 2 copies lost before it"));
    assert_eq!(statistics(&mut recording), [(0, 0), (6, 4)]);
}

#[test]
fn when_it_is_stopped_what_was_copied_before_is_written_and_nothing_else() {
    let ([mut first, mut second], feed) = capture(0, 8);
    let mut recording = Recording::new(feed).unwrap();
    blocks(&mut recording);
    offer(&mut first, fastpath::cpu::ticks(), 0, 60);
    recording.stop(Who::Client);
    offer(&mut second, fastpath::cpu::ticks(), 0, 61);
    offer(&mut first, fastpath::cpu::ticks(), 0, 62);
    assert_eq!(recording.fill().unwrap(), Next::Finish);
    assert_eq!(packets(&mut recording), [(0, 60)]);
    assert_eq!(recording.fill().unwrap(), Next::Finish);
}

#[test]
fn when_no_worker_is_left_the_rest_is_written() {
    let ([mut first, second], feed) = capture(0, 8);
    let mut recording = Recording::new(feed).unwrap();
    blocks(&mut recording);
    drop(second);
    offer(&mut first, fastpath::cpu::ticks(), 0, 60);
    assert_eq!(recording.fill().unwrap(), Next::Wait);
    offer(&mut first, fastpath::cpu::ticks(), 0, 61);
    drop(first);
    assert_eq!(recording.fill().unwrap(), Next::Finish);
    assert_eq!(packets(&mut recording), [(0, 60), (0, 61)]);
}

#[test]
fn the_buffer_has_an_end() {
    let ([mut first, _second], feed) = capture(0, 1000);
    let mut recording = Recording::new(feed).unwrap();
    blocks(&mut recording);
    for _ in 0..60 {
        offer(&mut first, fastpath::cpu::ticks(), 0, 1500);
    }
    assert_eq!(recording.fill().unwrap(), Next::Fill);
    let len = recording.buffer().len();
    assert!((FULL..FULL + 2000).contains(&len), "{len}");
    let written = packets(&mut recording).len();
    assert_eq!(recording.fill().unwrap(), Next::Wait);
    assert_eq!(written + packets(&mut recording).len(), 60);
}
