//! Frames by the byte. Written from the RFCs and not from overpath's own headers, so that the two
//! check each other.

use std::net::Ipv4Addr;

/// A MAC address.
pub type Mac = [u8; 6];

/// The broadcast address.
pub const BROADCAST: Mac = [0xff; 6];
/// Bytes of Ethernet, IPv4, UDP and VXLAN headers.
pub const OUTER_LEN: usize = 14 + 20 + 8 + 8;
/// The port of VXLAN (RFC 7348).
pub const VXLAN_PORT: u16 = 4789;

/// A locally administered MAC that ends in `n`.
#[must_use]
pub fn mac(n: u8) -> Mac {
    [2, 0, 0, 0, 0, n]
}

/// An Ethernet frame.
#[must_use]
pub fn ethernet(dst: Mac, src: Mac, ethertype: u16, payload: &[u8]) -> Vec<u8> {
    [&dst[..], &src, &ethertype.to_be_bytes(), payload].concat()
}

/// The sum of RFC 1071 over the bytes, complemented.
#[must_use]
pub fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes
        .chunks(2)
        .map(|c| u32::from(u16::from_be_bytes([c[0], *c.get(1).unwrap_or(&0)])));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(u16::MAX)
}

/// Fields of an IPv4 header without options; [`Ipv4::emit`] fills in length and checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4 {
    /// DSCP and ECN.
    pub tos: u8,
    /// Identification.
    pub id: u16,
    /// Flags and fragment offset: 0x4000 is "don't fragment".
    pub fragment: u16,
    /// Time to live.
    pub ttl: u8,
    /// Protocol number.
    pub protocol: u8,
    /// Source.
    pub src: Ipv4Addr,
    /// Destination.
    pub dst: Ipv4Addr,
}

impl Ipv4 {
    /// A packet that may be fragmented, TTL 64.
    #[must_use]
    pub fn new(src: Ipv4Addr, dst: Ipv4Addr, protocol: u8) -> Self {
        Self {
            tos: 0,
            id: 0,
            fragment: 0,
            ttl: 64,
            protocol,
            src,
            dst,
        }
    }

    /// Header and payload.
    #[must_use]
    pub fn emit(&self, payload: &[u8]) -> Vec<u8> {
        let len = u16::try_from(20 + payload.len()).unwrap_or(u16::MAX);
        let mut out = vec![0x45, self.tos];
        out.extend(
            [len, self.id, self.fragment]
                .iter()
                .flat_map(|word| word.to_be_bytes()),
        );
        out.extend([self.ttl, self.protocol, 0, 0]);
        out.extend(self.src.octets());
        out.extend(self.dst.octets());
        let sum = checksum(&out);
        out[10..12].copy_from_slice(&sum.to_be_bytes());
        out.extend(payload);
        out
    }
}

/// A UDP header with its payload; checksum zero.
#[must_use]
pub fn udp(src_port: u16, dst_port: u16, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(8 + payload.len()).unwrap_or(u16::MAX);
    let words = [src_port, dst_port, len, 0];
    let mut out: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
    out.extend(payload);
    out
}

/// The checksum that a UDP datagram (its own checksum field zero) has between two addresses.
#[must_use]
pub fn udp_checksum(src: Ipv4Addr, dst: Ipv4Addr, datagram: &[u8]) -> u16 {
    let len = u16::try_from(datagram.len()).unwrap_or(u16::MAX);
    let mut all = [src.octets(), dst.octets()].concat();
    all.extend([0, 17]);
    all.extend(len.to_be_bytes());
    all.extend(datagram);
    match checksum(&all) {
        0 => 0xffff,
        sum => sum,
    }
}

/// Whether a frame without a tag has a UDP checksum over IPv4 without options, and the right one.
#[must_use]
pub fn has_udp_checksum(frame: &[u8]) -> bool {
    let address = |at: usize| [0, 1, 2, 3].map(|byte| frame[at + byte]).into();
    let len = usize::from(u16::from_be_bytes([frame[38], frame[39]]));
    let mut datagram = frame[34..34 + len].to_vec();
    let sent = u16::from_be_bytes([datagram[6], datagram[7]]);
    datagram[6..8].fill(0);
    sent != 0 && sent == udp_checksum(address(26), address(30), &datagram)
}

/// An IPv4 UDP frame between two tenants.
#[must_use]
pub fn udp_frame(dst: Mac, src: Mac, ip: Ipv4, ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let datagram = udp(ports.0, ports.1, payload);
    ethernet(
        dst,
        src,
        0x0800,
        &Ipv4 { protocol: 17, ..ip }.emit(&datagram),
    )
}

/// An ARP message for IPv4 over Ethernet: 1 asks, 2 answers.
#[must_use]
pub fn arp(operation: u16, sender: (Mac, Ipv4Addr), target: (Mac, Ipv4Addr)) -> Vec<u8> {
    let mut body = vec![0, 1, 8, 0, 6, 4];
    body.extend(operation.to_be_bytes());
    for (mac, ip) in [sender, target] {
        body.extend(mac);
        body.extend(ip.octets());
    }
    let dst = if operation == 1 { BROADCAST } else { target.0 };
    let mut frame = ethernet(dst, sender.0, 0x0806, &body);
    frame.resize(60, 0);
    frame
}

/// A VXLAN header (RFC 7348, section 5) before an inner frame.
#[must_use]
pub fn vxlan(flags: u8, vni: u32, inner: &[u8]) -> Vec<u8> {
    let mut out = vec![flags, 0, 0, 0];
    out.extend((vni << 8).to_be_bytes());
    out.extend(inner);
    out
}

/// The outer headers of a VXLAN frame over IPv4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outer {
    /// Outer destination MAC.
    pub dst: Mac,
    /// Outer source MAC.
    pub src: Mac,
    /// Outer IPv4 header.
    pub ip: Ipv4,
    /// UDP source and destination port.
    pub ports: (u16, u16),
    /// UDP checksum.
    pub udp_checksum: u16,
    /// First byte of the VXLAN header.
    pub flags: u8,
    /// VXLAN network identifier.
    pub vni: u32,
}

impl Outer {
    /// As a well-behaved VTEP sends it: DF set, TTL 64, UDP checksum zero.
    #[must_use]
    pub fn new(macs: (Mac, Mac), ips: (Ipv4Addr, Ipv4Addr), vni: u32) -> Self {
        let ip = Ipv4 {
            fragment: 0x4000,
            ..Ipv4::new(ips.1, ips.0, 17)
        };
        let (dst, src) = macs;
        Self {
            dst,
            src,
            ip,
            ports: (50000, VXLAN_PORT),
            udp_checksum: 0,
            flags: 8,
            vni,
        }
    }

    /// The whole frame.
    #[must_use]
    pub fn emit(&self, inner: &[u8]) -> Vec<u8> {
        let mut datagram = udp(
            self.ports.0,
            self.ports.1,
            &vxlan(self.flags, self.vni, inner),
        );
        datagram[6..8].copy_from_slice(&self.udp_checksum.to_be_bytes());
        ethernet(self.dst, self.src, 0x0800, &self.ip.emit(&datagram))
    }

    /// Takes a frame apart, and refuses what this lab's peers would: anything but IPv4 without
    /// options, lengths that do not fit each other, a wrong header checksum, reserved bits.
    ///
    /// # Errors
    /// Which of these it is.
    pub fn parse(frame: &[u8]) -> crate::Result<(Self, &[u8])> {
        let word = |at: usize| u16::from_be_bytes([frame[at], frame[at + 1]]);
        let address =
            |at: usize| Ipv4Addr::new(frame[at], frame[at + 1], frame[at + 2], frame[at + 3]);
        let mac = |at: usize| std::array::from_fn(|i| frame[at + i]);
        if frame.len() < OUTER_LEN {
            return Err(format!("{} bytes are too few for VXLAN", frame.len()).into());
        }
        let lengths = (usize::from(word(16)) + 14, usize::from(word(38)) + 34);
        let vxlan = &frame[42..50];
        let faults = [
            (
                word(12) != 0x0800 || frame[14] != 0x45 || frame[23] != 17,
                "no UDP over plain IPv4",
            ),
            (lengths != (frame.len(), frame.len()), "lengths do not fit"),
            (
                checksum(&frame[14..34]) != 0,
                "the IPv4 header checksum is wrong",
            ),
            (
                vxlan[1..4] != [0; 3] || vxlan[7] != 0,
                "reserved VXLAN bits are set",
            ),
        ];
        if let Some((_, fault)) = faults.iter().find(|(there, _)| *there) {
            return Err(format!("{fault}: {lengths:?} {frame:02x?}").into());
        }
        let ip = Ipv4 {
            tos: frame[15],
            id: word(18),
            fragment: word(20),
            ttl: frame[22],
            protocol: 17,
            src: address(26),
            dst: address(30),
        };
        let vni = u32::from_be_bytes([0, vxlan[4], vxlan[5], vxlan[6]]);
        let outer = Self {
            dst: mac(0),
            src: mac(6),
            ip,
            ports: (word(34), word(36)),
            udp_checksum: word(40),
            flags: vxlan[0],
            vni,
        };
        Ok((outer, &frame[OUTER_LEN..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    const B: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

    #[test]
    fn the_checksum_is_that_of_rfc_1071() {
        // The example of section 3: the sum is ddf2.
        assert_eq!(
            checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]),
            !0xddf2
        );
        assert_eq!(checksum(&[0x12]), !0x1200);
    }

    #[test]
    fn an_outer_header_is_the_bytes_of_the_rfcs_and_comes_back() {
        let outer = Outer::new((mac(1), mac(2)), (A, B), 0x0a_0b0c);
        let frame = outer.emit(b"inner");
        let expected = "020000000001020000000002 0800 4500 0029 0000 4000 4011 b6c0 c0000202 c0000201 \
                        c350 12b5 0015 0000 08000000 0a0b0c00";
        let hex: String = frame[..50].iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, expected.replace(' ', ""));
        assert_eq!(Outer::parse(&frame).unwrap(), (outer, &b"inner"[..]));
    }

    #[test]
    fn a_wrong_byte_is_found() {
        let good = Outer::new((mac(1), mac(2)), (A, B), 10).emit(b"inner");
        for at in [12, 14, 17, 23, 24, 39, 43, 49] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(Outer::parse(&bad).is_err(), "byte {at}");
        }
        assert!(Outer::parse(&good[..49]).is_err());
    }
}
