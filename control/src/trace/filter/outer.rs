//! The outer frames of a tunnel, as a program. State makes it, which must not wait for a compiler.

use super::Program;
use fastpath::trace::filter::Instruction;
use fastpath::wire::Vni;
use std::net::Ipv4Addr;

/// A jump to the last instruction.
const NO: u8 = u8::MAX;

/// Both ways, behind one tag of IEEE 802.1Q or none: what tcpdump calls
/// `ip host LOCAL and udp dst port PORT and udp[12:4] & 0xffffff00 = VNI << 8`. Behind 8 bytes of UDP
/// and 4 of flags are the VNI and a reserved byte (RFC 7348, section 5).
pub(in crate::trace) fn outer(local: Ipv4Addr, udp_port: u16, vni: Vni) -> Program {
    let (local, port, vni) = (local.to_bits(), u32::from(udp_port), vni.get() << 8);
    #[rustfmt::skip]
    let mut code = [
        // X is the length of the tag.
        (0x01, 0,  0,  0),          // ldx #0
        (0x28, 0,  0,  12),         // ldh [12]
        (0x15, 0,  1,  0x8100),     // a tag?
        (0x01, 0,  0,  4),          // ldx #4
        (0x48, 0,  0,  12),         // ldh [x + 12]
        (0x15, 0,  NO, 0x0800),     // IPv4?
        (0x40, 0,  0,  26),         // ld [x + 26]
        (0x15, 2,  0,  local),      // from us?
        (0x40, 0,  0,  30),         // ld [x + 30]
        (0x15, 0,  NO, local),      // or to us?
        (0x50, 0,  0,  23),         // ldb [x + 23]
        (0x15, 0,  NO, 17),         // UDP?
        (0x48, 0,  0,  20),         // ldh [x + 20]
        (0x45, NO, 0,  0x1fff),     // a later fragment?
        // X is the length of the tag and of the IPv4 header.
        (0x50, 0,  0,  14),         // ldb [x + 14]
        (0x54, 0,  0,  0x0f),       // and #15
        (0x64, 0,  0,  2),          // lsh #2
        (0x0c, 0,  0,  0),          // add x
        (0x07, 0,  0,  0),          // tax
        (0x48, 0,  0,  16),         // ldh [x + 16]
        (0x15, 0,  NO, port),       // to this port?
        (0x40, 0,  0,  26),         // ld [x + 26]
        (0x54, 0,  0,  0xffff_ff00), // and #0xffffff00
        (0x15, 0,  NO, vni),        // this VNI?
        (0x06, 0,  0,  u32::MAX),   // ret
        (0x06, 0,  0,  0),          // ret #0
    ]
    .map(|(code, jt, jf, k)| Instruction { code, jt, jf, k });
    let last = code.len() - 1;
    for (at, instruction) in code.iter_mut().enumerate() {
        let distance = |jump: u8| {
            if jump == NO {
                (last - at - 1) as u8
            } else {
                jump
            }
        };
        (instruction.jt, instruction.jf) = (distance(instruction.jt), distance(instruction.jf));
    }
    Program::new(code.to_vec())
}

#[cfg(feature = "libpcap")]
#[cfg(test)]
mod tests {
    use super::*;
    use fastpath::trace::filter::Filter;
    use fastpath::wire::{EtherType, Mac, craft, vlan};
    use proptest::prelude::*;

    const OURS: [u8; 4] = [192, 0, 2, 2];

    fn ours() -> Filter {
        let vni = Vni::new(0x0a_0b0c).unwrap();
        outer(OURS.into(), 4789, vni).filter().unwrap()
    }

    /// The same in words.
    fn words() -> pcap::BpfProgram {
        let words =
            "ip host 192.0.2.2 and udp dst port 4789 and udp[12:4] & 0xffffff00 = 0x0a0b0c00";
        let both = format!("({words}) or (ether[12:2] = 0x8100 and vlan and {words})");
        let dead = pcap::Capture::dead(pcap::Linktype::ETHERNET).unwrap();
        dead.compile(&both, true).unwrap()
    }

    /// An outer frame of the tunnel; each of these makes it another.
    fn frame(from: u8, to: u8, port: u16, vni: u8, tag: Option<EtherType>) -> Vec<u8> {
        let [from, to] =
            [from, to].map(|last| (Mac::new([2, 0, 0, 0, 0, last]), [192, 0, 2, last].into()));
        let vxlan = [&[8, 0, 0, 0, 0x0a, 0x0b, vni, 0xff][..], &[1; 20]].concat();
        let frame = craft::Pair::new(from, to).udp(50_000, port, &vxlan);
        match tag {
            Some(kind) => craft::tagged(&frame, kind, vlan::Tag::from_bits(7)),
            None => frame,
        }
    }

    #[test]
    fn frames_of_the_tunnel_are_wanted_both_ways_with_a_tag_or_without() {
        let filter = ours();
        for tag in [None, Some(EtherType::VLAN)] {
            for (from, to) in [(1, 2), (2, 1)] {
                let frame = frame(from, to, 4789, 0x0c, tag);
                assert!(filter.matches(&frame, frame.len()));
            }
        }
    }

    proptest! {
        /// Also of frames that are cut, or in which any byte is another one.
        #[test]
        fn it_wants_what_the_words_of_tcpdump_want(
            from in 1u8..4, to in 1u8..4,
            port in prop_oneof![4 => Just(4789u16), 1 => Just(8472)],
            vni in prop_oneof![4 => Just(0x0cu8), 1 => Just(0x0d)],
            tag in prop_oneof![Just(None), Just(Some(EtherType::VLAN)), Just(Some(EtherType::QINQ))],
            options in 0usize..3,
            fragment in prop_oneof![4 => Just(0u16), 1 => any::<u16>()],
            changed in proptest::option::of((0usize..70, any::<u8>())),
            cut in 40usize..100,
        ) {
            let mut frame = frame(from, to, port, vni, tag);
            let header = if tag.is_some() { 18 } else { 14 };
            frame[header] += options as u8;
            frame[header + 6..header + 8].copy_from_slice(&fragment.to_be_bytes());
            frame.splice(header + 20..header + 20, vec![1; 4 * options]);
            if let Some((at, byte)) = changed {
                frame[at] = byte;
            }
            frame.truncate(cut);
            let wanted = ours().matches(&frame, frame.len());
            prop_assert_eq!(wanted, words().filter(&frame));
        }
    }
}
