//! Writes pcapng, the file format of Wireshark and tcpdump (draft-ietf-opsawg-pcapng): copies of
//! packets with the names of their ports, and a line of text on each.
//!
//! ```text
//!   section    interface "uplink"    packet    packet    interface "lan"    packet ..  statistics
//! ```
//!
//! Numbers are little-endian, times are nanoseconds since 1970, UTC. Each block is written at once, so
//! that a file whose writer was stopped ends with a whole block, and what reads a pipe sees a packet
//! when it is there.
//!
//! ```
//! use control::trace::pcapng::{Direction, Packet, Writer};
//!
//! let mut writer = Writer::new(Vec::new(), "an example", 65_535)?;
//! let uplink = writer.interface("uplink", "0000:01:00.0")?;
//! writer.packet(&Packet {
//!     interface: uplink,
//!     time: 1_000_000_000,
//!     direction: Some(Direction::Inbound),
//!     len: 60,
//!     bytes: &[0; 60],
//!     queue: Some(0),
//!     lost: 0,
//!     comment: "verdict forwarded",
//! })?;
//! assert_eq!(writer.into_inner()[..4], [0x0a, 0x0d, 0x0d, 0x0a]);
//! # Ok::<(), std::io::Error>(())
//! ```

use std::io::{self, Write};

/// Types of blocks.
mod block {
    pub(super) const SECTION: u32 = 0x0a0d_0d0a;
    pub(super) const INTERFACE: u32 = 1;
    pub(super) const STATISTICS: u32 = 5;
    pub(super) const PACKET: u32 = 6;
}

/// Codes of options. All but the first depend on the type of the block.
mod option {
    pub(super) const COMMENT: u16 = 1;
    pub(super) const SECTION_APPLICATION: u16 = 4;
    pub(super) const INTERFACE_NAME: u16 = 2;
    pub(super) const INTERFACE_DESCRIPTION: u16 = 3;
    pub(super) const INTERFACE_RESOLUTION: u16 = 9;
    pub(super) const PACKET_FLAGS: u16 = 2;
    pub(super) const PACKET_DROPS: u16 = 4;
    pub(super) const PACKET_QUEUE: u16 = 6;
    pub(super) const STATISTICS_START: u16 = 2;
    pub(super) const STATISTICS_END: u16 = 3;
    pub(super) const STATISTICS_RECEIVED: u16 = 4;
    pub(super) const STATISTICS_DROPPED: u16 = 5;
}

/// By it readers tell the byte order.
const MAGIC: u32 = 0x1a2b_3c4d;
/// Link type Ethernet.
const ETHERNET: u16 = 1;
/// Times in units of 10 to the minus 9th of a second.
const NANOSECONDS: u8 = 9;

/// An interface of the file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface(u32);

/// Which way a packet went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Into the switch.
    Inbound,
    /// Out of it.
    Outbound,
}

/// A packet, or the first bytes of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Where it was seen.
    pub interface: Interface,
    /// When, in nanoseconds.
    pub time: u64,
    /// Which way it went, if that is known.
    pub direction: Option<Direction>,
    /// The queue that it came from or left by, if that is known.
    pub queue: Option<u32>,
    /// How long it was.
    pub len: u32,
    /// Its bytes, or the first of them.
    pub bytes: &'a [u8],
    /// Packets of this interface that are missing between the one before and this one.
    pub lost: u32,
    /// What there is to say of it; may be empty.
    pub comment: &'a str,
}

/// What there is to say of an interface at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics<'a> {
    /// When the capture began, in nanoseconds.
    pub start: u64,
    /// When it ended, in nanoseconds.
    pub end: u64,
    /// Packets that were wanted.
    pub received: u64,
    /// Those of them that are missing in the file.
    pub dropped: u64,
    /// What else there is to say; may be empty.
    pub comment: &'a str,
}

/// Writes one section. What it writes to need not be buffered.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    interfaces: u32,
    snap: u32,
    /// The block that is being made.
    block: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Begins a file: `application` is who writes it, `snap` how many bytes of a packet are kept at
    /// most. It is one for all interfaces, since libpcap reads no file with several.
    ///
    /// # Errors
    /// Those of `out`, as for all that is written.
    pub fn new(out: W, application: &str, snap: u32) -> io::Result<Self> {
        let mut writer = Writer {
            out,
            interfaces: 0,
            snap,
            block: Vec::new(),
        };
        writer.begin(block::SECTION);
        writer.put(&MAGIC.to_le_bytes());
        // Version 1.0.
        writer.put(&[1, 0, 0, 0]);
        // The length of the section, which is not known.
        writer.put(&u64::MAX.to_le_bytes());
        writer.text(option::SECTION_APPLICATION, application);
        writer.end()?;
        Ok(writer)
    }

    /// Adds an interface. It has to be there before its first packet, not at the beginning.
    ///
    /// # Errors
    /// See [`Writer::new`].
    pub fn interface(&mut self, name: &str, description: &str) -> io::Result<Interface> {
        self.begin(block::INTERFACE);
        self.put(&ETHERNET.to_le_bytes());
        self.put(&[0; 2]);
        let snap = self.snap.to_le_bytes();
        self.put(&snap);
        self.text(option::INTERFACE_NAME, name);
        self.text(option::INTERFACE_DESCRIPTION, description);
        self.option(option::INTERFACE_RESOLUTION, &[NANOSECONDS]);
        self.end()?;
        let interface = Interface(self.interfaces);
        self.interfaces += 1;
        Ok(interface)
    }

    /// Adds a packet.
    ///
    /// # Errors
    /// See [`Writer::new`].
    pub fn packet(&mut self, packet: &Packet<'_>) -> io::Result<()> {
        self.begin(block::PACKET);
        self.seen_at(packet.interface, packet.time);
        self.put(&(packet.bytes.len() as u32).to_le_bytes());
        self.put(&packet.len.to_le_bytes());
        self.put(packet.bytes);
        self.pad();
        self.text(option::COMMENT, packet.comment);
        if let Some(direction) = packet.direction {
            let flags: u32 = match direction {
                Direction::Inbound => 1,
                Direction::Outbound => 2,
            };
            self.option(option::PACKET_FLAGS, &flags.to_le_bytes());
        }
        if packet.lost > 0 {
            let lost = u64::from(packet.lost);
            self.option(option::PACKET_DROPS, &lost.to_le_bytes());
        }
        if let Some(queue) = packet.queue {
            self.option(option::PACKET_QUEUE, &queue.to_le_bytes());
        }
        self.end()
    }

    /// Adds the statistics of an interface, once, after its last packet.
    ///
    /// # Errors
    /// See [`Writer::new`].
    pub fn statistics(&mut self, interface: Interface, of: &Statistics<'_>) -> io::Result<()> {
        self.begin(block::STATISTICS);
        self.seen_at(interface, of.end);
        for (code, time) in [
            (option::STATISTICS_START, of.start),
            (option::STATISTICS_END, of.end),
        ] {
            self.option(code, &halves(time));
        }
        for (code, count) in [
            (option::STATISTICS_RECEIVED, of.received),
            (option::STATISTICS_DROPPED, of.dropped),
        ] {
            self.option(code, &count.to_le_bytes());
        }
        self.text(option::COMMENT, of.comment);
        self.end()
    }

    /// What is written to. Whole blocks may be taken out of it.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.out
    }

    /// What was written to.
    pub fn into_inner(self) -> W {
        self.out
    }

    fn begin(&mut self, kind: u32) {
        self.block.clear();
        self.put(&kind.to_le_bytes());
        // The length, which `end` knows.
        self.put(&[0; 4]);
    }

    fn put(&mut self, bytes: &[u8]) {
        self.block.extend_from_slice(bytes);
    }

    /// To a multiple of four bytes.
    fn pad(&mut self) {
        self.block.resize(self.block.len().next_multiple_of(4), 0);
    }

    fn seen_at(&mut self, interface: Interface, time: u64) {
        self.put(&interface.0.to_le_bytes());
        self.put(&halves(time));
    }

    /// No option at all for no text. Of a text that is too long the beginning.
    fn text(&mut self, code: u16, text: &str) {
        let mut len = text.len().min(u16::MAX.into());
        while !text.is_char_boundary(len) {
            len -= 1;
        }
        if len > 0 {
            self.option(code, &text.as_bytes()[..len]);
        }
    }

    /// `value` is shorter than 64 KiB.
    fn option(&mut self, code: u16, value: &[u8]) {
        self.put(&code.to_le_bytes());
        self.put(&(value.len() as u16).to_le_bytes());
        self.put(value);
        self.pad();
    }

    /// Ends the options and the block, and writes it.
    fn end(&mut self) -> io::Result<()> {
        self.put(&[0; 4]);
        let len = (self.block.len() as u32 + 4).to_le_bytes();
        self.put(&len);
        // `begin` made the place.
        self.block[4..8].copy_from_slice(&len);
        self.out.write_all(&self.block)
    }
}

/// A time as the format has it: the upper half first, each half little-endian.
fn halves(time: u64) -> [u8; 8] {
    time.rotate_left(32).to_le_bytes()
}

#[cfg(test)]
mod tests;
