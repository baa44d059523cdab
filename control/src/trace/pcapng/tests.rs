use super::*;
use proptest::prelude::*;

/// A block as a reader sees it.
#[derive(Debug, PartialEq)]
struct Block {
    kind: u32,
    /// What comes before the options.
    fixed: Vec<u8>,
    options: Vec<(u16, Vec<u8>)>,
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap())
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn padded(len: usize) -> usize {
    len + (4 - len % 4) % 4
}

/// Reads by the draft, and asserts what it says of lengths and padding.
fn read(mut bytes: &[u8]) -> Vec<Block> {
    let mut blocks = Vec::new();
    while !bytes.is_empty() {
        let (kind, len) = (u32_at(bytes, 0), u32_at(bytes, 4) as usize);
        assert_eq!((len % 4, u32_at(bytes, len - 4) as usize), (0, len));
        let body = &bytes[8..len - 4];
        let fixed = match kind {
            0x0a0d_0d0a => 16,
            1 => 8,
            5 => 12,
            6 => 20 + padded(u32_at(body, 12) as usize),
            kind => panic!("block {kind}"),
        };
        blocks.push(Block {
            kind,
            fixed: body[..fixed].to_vec(),
            options: read_options(&body[fixed..]),
        });
        bytes = &bytes[len..];
    }
    blocks
}

fn read_options(mut bytes: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let mut options = Vec::new();
    loop {
        let (code, len) = (u16_at(bytes, 0), u16_at(bytes, 2) as usize);
        if code == 0 {
            assert_eq!((len, bytes.len()), (0, 4));
            return options;
        }
        options.push((code, bytes[4..4 + len].to_vec()));
        assert!(bytes[4 + len..4 + padded(len)].iter().all(|b| *b == 0));
        bytes = &bytes[4 + padded(len)..];
    }
}

fn packet(interface: Interface) -> Packet<'static> {
    Packet {
        interface,
        time: 0x0102_0304_0506_0708,
        direction: None,
        queue: None,
        len: 5,
        bytes: &[9, 8, 7, 6, 5],
        lost: 0,
        comment: "",
    }
}

#[test]
fn a_file_begins_with_a_section_of_unknown_length() {
    let writer = Writer::new(Vec::new(), "me", 96).unwrap();
    let [section] = &read(&writer.into_inner())[..] else {
        panic!("one block is expected");
    };
    assert_eq!(section.kind, 0x0a0d_0d0a);
    let expected = [0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0];
    assert_eq!(section.fixed, [expected, [0xff; 8]].concat());
    assert_eq!(section.options, [(4, b"me".to_vec())]);
}

#[test]
fn interfaces_are_numbered_as_they_come_and_have_names() {
    let mut writer = Writer::new(Vec::new(), "", 96).unwrap();
    let a = writer.interface("a", "net_tap0").unwrap();
    let b = writer.interface("b", "").unwrap();
    writer.packet(&packet(b)).unwrap();
    writer.packet(&packet(a)).unwrap();
    let blocks = read(&writer.into_inner());
    assert_eq!(blocks[0].options, []);
    // Ethernet, nothing, 96 bytes.
    assert_eq!(blocks[1].fixed, [1, 0, 0, 0, 96, 0, 0, 0]);
    let resolution = (9, vec![9]);
    let named = |name: &[u8]| (2, name.to_vec());
    let expected = [named(b"a"), (3, b"net_tap0".to_vec()), resolution.clone()];
    assert_eq!(blocks[1].options, expected);
    assert_eq!(blocks[2].options, [named(b"b"), resolution]);
    let numbers: Vec<_> = blocks[3..].iter().map(|block| block.fixed[0]).collect();
    assert_eq!(numbers, [1, 0]);
}

#[test]
fn a_packet_has_its_time_lengths_and_bytes() {
    let mut writer = Writer::new(Vec::new(), "", 96).unwrap();
    let port = writer.interface("a", "").unwrap();
    let packet = Packet {
        len: 0x1234,
        ..packet(port)
    };
    writer.packet(&packet).unwrap();
    let block = read(&writer.into_inner()).pop().unwrap();
    let expected = [
        &[0, 0, 0, 0][..],
        // The upper half of the time, and the lower.
        &[4, 3, 2, 1, 8, 7, 6, 5],
        &[5, 0, 0, 0, 0x34, 0x12, 0, 0],
        &[9, 8, 7, 6, 5, 0, 0, 0],
    ];
    assert_eq!((block.kind, block.fixed), (6, expected.concat()));
    assert_eq!(block.options, []);
}

#[test]
fn what_is_known_of_a_packet_is_said_in_options() {
    let mut writer = Writer::new(Vec::new(), "", 96).unwrap();
    let port = writer.interface("a", "").unwrap();
    for (direction, flags) in [(Direction::Inbound, 1), (Direction::Outbound, 2)] {
        let packet = Packet {
            direction: Some(direction),
            queue: Some(3),
            lost: 258,
            comment: "why",
            ..packet(port)
        };
        writer.packet(&packet).unwrap();
        let block = read(&writer.out).pop().unwrap();
        let expected = [
            (1, b"why".to_vec()),
            (2, vec![flags, 0, 0, 0]),
            (4, vec![2, 1, 0, 0, 0, 0, 0, 0]),
            (6, vec![3, 0, 0, 0]),
        ];
        assert_eq!(block.options, expected);
    }
}

#[test]
fn the_statistics_of_an_interface_end_it() {
    let mut writer = Writer::new(Vec::new(), "", 96).unwrap();
    writer.interface("a", "").unwrap();
    let b = writer.interface("b", "").unwrap();
    let statistics = Statistics {
        start: 1 << 32 | 2,
        end: 3 << 32 | 4,
        received: 5,
        dropped: 6,
        comment: "all",
    };
    writer.statistics(b, &statistics).unwrap();
    let block = read(&writer.into_inner()).pop().unwrap();
    let end = [3, 0, 0, 0, 4, 0, 0, 0];
    assert_eq!(block.kind, 5);
    assert_eq!(block.fixed, [&[1, 0, 0, 0][..], &end].concat());
    let count = |count| vec![count, 0, 0, 0, 0, 0, 0, 0];
    let expected = [
        (2, vec![1, 0, 0, 0, 2, 0, 0, 0]),
        (3, end.to_vec()),
        (4, count(5)),
        (5, count(6)),
        (1, b"all".to_vec()),
    ];
    assert_eq!(block.options, expected);
}

#[test]
fn a_text_that_is_too_long_ends_with_a_whole_letter() {
    let mut writer = Writer::new(Vec::new(), "", 96).unwrap();
    let port = writer.interface("a", "").unwrap();
    let comment = "\u{e4}".repeat(40_000);
    let packet = Packet {
        comment: &comment,
        ..packet(port)
    };
    writer.packet(&packet).unwrap();
    let block = read(&writer.into_inner()).pop().unwrap();
    assert_eq!(block.options[0].1, comment.as_bytes()[..65_534]);
}

/// Counts calls.
struct Pieces(Vec<usize>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.push(read(bytes).len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn each_block_is_written_at_once() {
    let mut writer = Writer::new(Pieces(Vec::new()), "me", 96).unwrap();
    let port = writer.interface("a", "b").unwrap();
    writer.packet(&packet(port)).unwrap();
    writer.statistics(port, &Statistics::default()).unwrap();
    assert_eq!(writer.into_inner().0, [1; 4]);
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_again(
        bytes in proptest::collection::vec(any::<u8>(), 0..70),
        comment in "\\PC{0,20}",
        name in "[a-z0-9._-]{1,15}",
        time: u64,
        lost: u32,
    ) {
        let mut writer = Writer::new(Vec::new(), &comment, 96).unwrap();
        let interface = writer.interface(&name, &comment).unwrap();
        let written = Packet { interface, time, bytes: &bytes, lost, comment: &comment, ..packet(interface) };
        writer.packet(&written).unwrap();
        let blocks = read(&writer.into_inner());
        let [_, interface, packet] = &blocks[..] else { panic!("three blocks") };
        prop_assert_eq!(&interface.options[0], &(2, name.into_bytes()));
        prop_assert_eq!(&packet.fixed[20..20 + bytes.len()], &bytes);
        let upper = u64::from(u32_at(&packet.fixed, 4));
        prop_assert_eq!(upper << 32 | u64::from(u32_at(&packet.fixed, 8)), time);
        let said = packet.options.iter().find(|(code, _)| *code == 1);
        prop_assert_eq!(said.map_or(&[][..], |(_, text)| text), comment.as_bytes());
    }
}
