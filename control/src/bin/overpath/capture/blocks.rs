//! A pcapng file that comes over a connection, in whole blocks, with what they count.
//!
//! Whatever ends the connection, what was passed on is a file: a block of which only the beginning
//! came is kept back.

use std::io::{self, ErrorKind, Read};

/// Bytes that are read at once.
const CHUNK: usize = 1 << 16;
/// No block is as long: a packet of 64 KiB with its options.
const LONGEST: usize = 1 << 20;
/// Types of blocks, and where in them the options begin.
const STATISTICS: (u32, usize) = (5, 20);
const PACKET: (u32, usize) = (6, 28);
/// Codes of options.
const COMMENT: u16 = 1;
const PACKET_DROPS: u16 = 4;
const STATISTICS_DROPPED: u16 = 5;

/// Splits what is read into blocks.
#[derive(Debug)]
pub(super) struct Blocks<R> {
    from: R,
    /// Whole blocks that were passed on, and then what came behind them.
    bytes: Vec<u8>,
    whole: usize,
    packets: u64,
    /// Lost between packets, and by the statistics, if there are any.
    lost: u64,
    total: Option<u64>,
    /// What else the daemon says at the end.
    said: String,
}

impl<R: Read> Blocks<R> {
    pub(super) fn new(from: R) -> Self {
        Blocks {
            from,
            bytes: Vec::new(),
            whole: 0,
            packets: 0,
            lost: 0,
            total: None,
            said: String::new(),
        }
    }

    /// Waits for more, which is one block or several. `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        self.bytes.drain(..self.whole);
        self.whole = 0;
        while self.whole == 0 {
            let end = self.bytes.len();
            self.bytes.resize(end + CHUNK, 0);
            let read = self.from.read(&mut self.bytes[end..]);
            let count = read.as_ref().map_or(0, |count| *count);
            self.bytes.truncate(end + count);
            match read {
                Ok(0) => return Ok(None),
                Ok(_) => self.split()?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // As it ends if the daemon is killed.
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(self.bytes.get(..self.whole))
    }

    fn split(&mut self) -> io::Result<()> {
        loop {
            let rest = self.bytes.get(self.whole..).unwrap_or_default();
            let Some(len) = number(rest, 4).map(|len| len as usize) else {
                return Ok(());
            };
            if !(12..LONGEST).contains(&len) || len % 4 != 0 {
                return Err(io::Error::new(
                    ErrorKind::InvalidData,
                    "what comes is no pcapng",
                ));
            }
            let Some(block) = rest.get(..len) else {
                return Ok(());
            };
            match number(block, 0) {
                Some(kind) if kind == PACKET.0 => {
                    self.packets += 1;
                    self.lost += lost_before(block).unwrap_or(0);
                }
                Some(kind) if kind == STATISTICS.0 => {
                    let dropped = option(block, STATISTICS.1, STATISTICS_DROPPED);
                    let more = dropped.and_then(count).unwrap_or(0);
                    self.total = Some(self.total.unwrap_or(0) + more);
                    let said = option(block, STATISTICS.1, COMMENT).unwrap_or_default();
                    self.said += &String::from_utf8_lossy(said);
                }
                _ => {}
            }
            self.whole += len;
        }
    }

    /// How much it was, and what the daemon says of it.
    pub(super) fn summary(&self) -> String {
        let (packets, lost) = (self.packets, self.total.unwrap_or(self.lost));
        let more = if self.said.is_empty() { "" } else { "; " };
        format!("{packets} packets, {lost} lost{more}{}", self.said)
    }

    /// The statistics came, with which a file ends.
    pub(super) fn is_complete(&self) -> bool {
        self.total.is_some()
    }
}

/// Packets that were lost before that of a block.
fn lost_before(block: &[u8]) -> Option<u64> {
    let kept = number(block, 20)? as usize;
    let options = PACKET.1 + kept.next_multiple_of(4);
    count(option(block, options, PACKET_DROPS)?)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn count(value: &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(*value.first_chunk()?))
}

/// The value of the first option of a code.
fn option(block: &[u8], mut at: usize, wanted: u16) -> Option<&[u8]> {
    loop {
        let head = number(block, at)?;
        let (code, len) = (head as u16, (head >> 16) as usize);
        if code == wanted {
            return block.get(at + 4..)?.get(..len);
        }
        if code == 0 {
            return None;
        }
        at += 4 + len.next_multiple_of(4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use control::trace::pcapng::{Packet, Statistics, Writer};

    /// Two packets, before the second of which three were lost, and one behind it.
    fn file(statistics: bool) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new(), "a test", 65_535).unwrap();
        let interface = writer.interface("lan", "heap0").unwrap();
        for (len, lost) in [(61, 0), (60, 3)] {
            let packet = Packet {
                interface,
                time: 0,
                direction: None,
                len,
                bytes: &vec![7; len as usize],
                queue: None,
                lost,
                comment: "received",
            };
            writer.packet(&packet).unwrap();
        }
        if statistics {
            let all = Statistics {
                received: 6,
                dropped: 4,
                comment: "and more",
                ..Statistics::default()
            };
            writer.statistics(interface, &all).unwrap();
        }
        writer.into_inner()
    }

    /// Gives a few bytes at a time.
    struct Slowly<'a>(&'a [u8], usize);

    impl Read for Slowly<'_> {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            let few = bytes.len().min(self.1);
            self.0.read(&mut bytes[..few])
        }
    }

    /// What is passed on, the summary, and whether it is complete.
    fn passed(file: &[u8], few: usize) -> (Vec<u8>, String, bool) {
        let mut blocks = Blocks::new(Slowly(file, few));
        let mut all = Vec::new();
        while let Some(whole) = blocks.next().unwrap() {
            all.extend_from_slice(whole);
        }
        (all, blocks.summary(), blocks.is_complete())
    }

    #[test]
    fn a_file_is_passed_on_and_counted_in_whatever_pieces_it_comes() {
        let file = file(true);
        for few in [1, 5, 64, 100_000] {
            let summary = "2 packets, 4 lost; and more".to_owned();
            let expected = (file.clone(), summary, true);
            assert_eq!(passed(&file, few), expected);
        }
    }

    #[test]
    fn what_ends_within_a_block_is_passed_on_up_to_it() {
        let file = file(false);
        let expected = (file.clone(), "2 packets, 3 lost".to_owned(), false);
        assert_eq!(passed(&file, 7), expected);
        let mut last = 0;
        for end in 0..file.len() {
            let (all, ..) = passed(&file[..end], 50);
            assert!(all.len() <= end && file.starts_with(&all));
            let torn = &file[all.len()..];
            assert!(end < all.len() + number(torn, 4).unwrap() as usize);
            assert!(all.len() >= last);
            last = all.len();
        }
    }

    #[test]
    fn what_is_no_capture_is_an_error() {
        for bytes in [&b"{\"jsonrpc\":\"2.0\"}\n"[..], &[0; 64], &[6; 12]] {
            let mut blocks = Blocks::new(bytes);
            assert_eq!(blocks.next().unwrap_err().kind(), ErrorKind::InvalidData);
        }
    }
}
