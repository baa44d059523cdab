//! Errors about a UDP packet that was sent (RFC 792), and what they quote of it.

use super::{Icmp, Kind};
use crate::wire::ipv4::{self, Ipv4};
use crate::wire::udp::{self, Udp};
use crate::wire::vxlan::Vxlan;
use crate::wire::{Protocol, Vni};
use std::borrow::Cow;
use std::fmt;
use std::net::Ipv4Addr;
use std::num::NonZeroU16;

/// Code of [`Kind::UNREACHABLE`]: the packet was too long to go on, and must not be fragmented.
const FRAGMENTATION_NEEDED: u8 = 4;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fault {
    /// Type of the message.
    pub kind: Kind,
    /// Code: what kind of its type.
    pub code: u8,
    /// Bytes of the longest IPv4 packet that the next link takes (RFC 1191, section 4). Only in
    /// "fragmentation needed", and not from routers that leave it zero.
    pub mtu: Option<NonZeroU16>,
}

impl Fault {
    /// Reads the header of an error. `None` if the message is no error. The checksum is not
    /// verified.
    pub fn parse<T: AsRef<[u8]>>(view: &Icmp<T>) -> Option<Self> {
        let (kind, code) = (view.kind(), view.code());
        let tells = kind == Kind::UNREACHABLE && code == FRAGMENTATION_NEEDED;
        let mtu = NonZeroU16::new(view.next_hop_mtu()).filter(|_| tells);
        kind.is_error().then_some(Fault { kind, code, mtu })
    }
}

impl Fault {
    /// What went wrong, in the words of RFC 792 and RFC 1812, section 5.2.7.1.
    pub fn name(&self) -> Cow<'static, str> {
        let name = match (self.kind, self.code) {
            (Kind::UNREACHABLE, 0) => "network unreachable",
            (Kind::UNREACHABLE, 1) => "host unreachable",
            (Kind::UNREACHABLE, 2) => "protocol unreachable",
            (Kind::UNREACHABLE, 3) => "port unreachable",
            (Kind::UNREACHABLE, FRAGMENTATION_NEEDED) => "fragmentation needed",
            (Kind::UNREACHABLE, 9 | 10 | 13) => "administratively prohibited",
            (Kind::TIME_EXCEEDED, _) => "time exceeded",
            (kind, code) => return Cow::Owned(format!("type {} code {code}", kind.0)),
        };
        Cow::Borrowed(name)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())?;
        match self.mtu {
            Some(mtu) => write!(f, ", mtu {mtu}"),
            None => Ok(()),
        }
    }
}

/// Why a quote does not tell which UDP packet it is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    /// It ends before the ports do.
    #[error("the quote is cut short")]
    Short,
    /// It is not IPv4, or its header length is less than 20 bytes.
    #[error("the quote does not begin with an IPv4 header")]
    Header,
    /// The packet was a fragment other than the first.
    #[error("the quote is of a later fragment")]
    Fragment,
    /// The packet was not UDP.
    #[error("the quote is not of a UDP packet")]
    Protocol,
}

/// The packet that an error is about, as far as it is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quote {
    /// Who sent it.
    pub src: Ipv4Addr,
    /// To whom.
    pub dst: Ipv4Addr,
    /// UDP source port.
    pub src_port: u16,
    /// UDP destination port.
    pub dst_port: u16,
    /// What a VXLAN header would say, if the quote is long enough to hold one with a VNI. Whether
    /// the port is one of VXLAN is for the caller to judge.
    pub vni: Option<Vni>,
}

impl Quote {
    /// Reads what follows the header of an error: an IPv4 header and at least 8 bytes behind it.
    /// Its lengths and checksums are not looked at: it is cut short, and hops change it.
    pub fn parse(bytes: &[u8]) -> Result<Self, QuoteError> {
        let packet = Ipv4::new(bytes).ok_or(QuoteError::Short)?;
        if packet.version() != 4 || packet.header_len() < ipv4::HEADER_LEN {
            return Err(QuoteError::Header);
        }
        if packet.fragment_offset() != 0 {
            return Err(QuoteError::Fragment);
        }
        if packet.protocol() != Protocol::UDP {
            return Err(QuoteError::Protocol);
        }
        let datagram = bytes.get(packet.header_len()..).unwrap_or_default();
        let header = Udp::new(datagram).ok_or(QuoteError::Short)?;
        let segment = datagram.get(udp::HEADER_LEN..).and_then(Vxlan::new);
        Ok(Quote {
            src: packet.src(),
            dst: packet.dst(),
            src_port: header.src_port(),
            dst_port: header.dst_port(),
            vni: segment.filter(Vxlan::has_vni).map(|header| header.vni()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::icmp;
    use crate::wire::samples::VXLAN_UDP;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// What 192.0.2.1 sent to 192.0.2.2 in VNI 10.
    const SENT: &[u8] = VXLAN_UDP.split_at(14).1;

    const QUOTE: Quote = Quote {
        src: Ipv4Addr::new(192, 0, 2, 1),
        dst: Ipv4Addr::new(192, 0, 2, 2),
        src_port: 36818,
        dst_port: 4789,
        vni: Vni::new(10),
    };

    fn with(change: impl FnOnce(&mut Ipv4<&mut [u8]>)) -> Vec<u8> {
        let mut bytes = SENT[..36].to_vec();
        change(&mut Ipv4::new(&mut bytes[..]).unwrap());
        bytes
    }

    #[test]
    fn every_length_of_a_quote() {
        for len in 0..SENT.len() {
            let vni = QUOTE.vni.filter(|_| len >= 36);
            let expected = if len < 28 {
                Err(QuoteError::Short)
            } else {
                Ok(Quote { vni, ..QUOTE })
            };
            assert_eq!(Quote::parse(&SENT[..len]), expected, "{len}");
        }
    }

    #[test]
    fn options_are_passed_over() {
        let mut bytes = with(|quoted| quoted.set_header_len(24));
        bytes.splice(20..20, [1; 4]);
        assert_eq!(Quote::parse(&bytes), Ok(QUOTE));
        for len in 0..32 {
            assert_eq!(Quote::parse(&bytes[..len]), Err(QuoteError::Short), "{len}");
        }
    }

    #[test]
    fn only_the_start_of_a_udp_packet_tells() {
        for (bytes, why) in [
            (with(|quoted| quoted.set_version(6)), QuoteError::Header),
            (with(|quoted| quoted.set_header_len(16)), QuoteError::Header),
            (
                with(|quoted| quoted.set_fragment_offset(1)),
                QuoteError::Fragment,
            ),
            (
                with(|quoted| quoted.set_protocol(Protocol::TCP)),
                QuoteError::Protocol,
            ),
        ] {
            assert_eq!(Quote::parse(&bytes), Err(why));
        }
        let first = with(|quoted| quoted.set_more_fragments(true));
        assert_eq!(Quote::parse(&first), Ok(QUOTE));
        let mut plain = with(|_| ());
        plain[28] = 0;
        assert_eq!(Quote::parse(&plain), Ok(Quote { vni: None, ..QUOTE }));
    }

    #[test]
    fn only_errors_are_faults_and_only_one_tells_an_mtu() {
        for (kind, code) in (0..=255).flat_map(|kind| [(kind, 3), (kind, 4)]) {
            let mut bytes = [0; icmp::HEADER_LEN];
            let mut view = Icmp::new(&mut bytes).unwrap();
            view.set_kind(Kind(kind));
            view.set_code(code);
            view.set_sequence(1400);
            let mtu = NonZeroU16::new(1400).filter(|_| (kind, code) == (3, 4));
            let kind = Kind(kind);
            let expected = Fault { kind, code, mtu };
            let error = matches!(kind.0, 3 | 4 | 5 | 11 | 12);
            assert_eq!(Fault::parse(&view), error.then_some(expected));
            view.set_sequence(0);
            assert_eq!(Fault::parse(&view).and_then(|fault| fault.mtu), None);
        }
    }

    proptest! {
        #[test]
        fn noise_does_no_harm(noise in vec(any::<u8>(), 0..80)) {
            if let Ok(quote) = Quote::parse(&noise) {
                prop_assert_eq!(quote.src, Ipv4Addr::from([noise[12], noise[13], noise[14], noise[15]]));
            }
        }
    }
}
