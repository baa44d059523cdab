//! The Address Resolution Protocol for IPv4 over Ethernet (RFC 826).

use super::field::view;
use super::{EtherType, Mac};
use std::net::Ipv4Addr;

/// Bytes of a packet.
pub const LEN: usize = field::TARGET_IP.end();

/// Ethernet, among hardware types.
const ETHERNET: u16 = 1;

mod field {
    use crate::wire::field::Field;

    pub(super) const HARDWARE: Field<2> = Field::at(0);
    pub(super) const PROTOCOL: Field<2> = Field::at(HARDWARE.end());
    pub(super) const HARDWARE_LEN: Field<1> = Field::at(PROTOCOL.end());
    pub(super) const PROTOCOL_LEN: Field<1> = Field::at(HARDWARE_LEN.end());
    pub(super) const OPERATION: Field<2> = Field::at(PROTOCOL_LEN.end());
    pub(super) const SENDER_MAC: Field<6> = Field::at(OPERATION.end());
    pub(super) const SENDER_IP: Field<4> = Field::at(SENDER_MAC.end());
    pub(super) const TARGET_MAC: Field<6> = Field::at(SENDER_IP.end());
    pub(super) const TARGET_IP: Field<4> = Field::at(TARGET_MAC.end());
}

/// What a packet asks or says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Operation(pub u16);

impl Operation {
    /// Who has the target address?
    pub const REQUEST: Operation = Operation(1);
    /// The sender has the sender's address.
    pub const REPLY: Operation = Operation(2);
}

/// Why a packet is not ARP for IPv4 over Ethernet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The hardware type is not Ethernet.
    #[error("hardware type is not Ethernet")]
    Hardware,
    /// The protocol type is not IPv4.
    #[error("protocol type is not IPv4")]
    Protocol,
    /// The length of hardware addresses is not 6.
    #[error("hardware addresses are not 6 bytes long")]
    HardwareLen,
    /// The length of protocol addresses is not 4.
    #[error("protocol addresses are not 4 bytes long")]
    ProtocolLen,
}

view!(
    /// A view of an ARP packet whose addresses have the lengths of Ethernet and IPv4.
    Arp,
    LEN
);

impl<T: AsRef<[u8]>> Arp<T> {
    /// Hardware type.
    pub fn hardware(&self) -> u16 {
        field::HARDWARE.u16(self.data())
    }

    /// Protocol type.
    pub fn protocol(&self) -> EtherType {
        EtherType(field::PROTOCOL.u16(self.data()))
    }

    /// Bytes of a hardware address.
    pub fn hardware_len(&self) -> u8 {
        field::HARDWARE_LEN.byte(self.data())
    }

    /// Bytes of a protocol address.
    pub fn protocol_len(&self) -> u8 {
        field::PROTOCOL_LEN.byte(self.data())
    }

    /// What the packet asks or says.
    pub fn operation(&self) -> Operation {
        Operation(field::OPERATION.u16(self.data()))
    }

    /// The sender's Ethernet address.
    pub fn sender_mac(&self) -> Mac {
        Mac::new(field::SENDER_MAC.get(self.data()))
    }

    /// The sender's IPv4 address.
    pub fn sender_ip(&self) -> Ipv4Addr {
        field::SENDER_IP.get(self.data()).into()
    }

    /// The target's Ethernet address; without meaning in a request.
    pub fn target_mac(&self) -> Mac {
        Mac::new(field::TARGET_MAC.get(self.data()))
    }

    /// The target's IPv4 address.
    pub fn target_ip(&self) -> Ipv4Addr {
        field::TARGET_IP.get(self.data()).into()
    }
}

impl<T: AsRef<[u8]> + AsMut<[u8]>> Arp<T> {
    /// Sets the hardware type.
    pub fn set_hardware(&mut self, hardware: u16) {
        field::HARDWARE.set_u16(self.data_mut(), hardware);
    }

    /// Sets the protocol type.
    pub fn set_protocol(&mut self, protocol: EtherType) {
        field::PROTOCOL.set_u16(self.data_mut(), protocol.0);
    }

    /// Sets the length of a hardware address.
    pub fn set_hardware_len(&mut self, len: u8) {
        field::HARDWARE_LEN.set_byte(self.data_mut(), len);
    }

    /// Sets the length of a protocol address.
    pub fn set_protocol_len(&mut self, len: u8) {
        field::PROTOCOL_LEN.set_byte(self.data_mut(), len);
    }

    /// Sets what the packet asks or says.
    pub fn set_operation(&mut self, operation: Operation) {
        field::OPERATION.set_u16(self.data_mut(), operation.0);
    }

    /// Sets the sender's Ethernet address.
    pub fn set_sender_mac(&mut self, mac: Mac) {
        field::SENDER_MAC.set(self.data_mut(), mac.bytes());
    }

    /// Sets the sender's IPv4 address.
    pub fn set_sender_ip(&mut self, ip: Ipv4Addr) {
        field::SENDER_IP.set(self.data_mut(), ip.octets());
    }

    /// Sets the target's Ethernet address.
    pub fn set_target_mac(&mut self, mac: Mac) {
        field::TARGET_MAC.set(self.data_mut(), mac.bytes());
    }

    /// Sets the target's IPv4 address.
    pub fn set_target_ip(&mut self, ip: Ipv4Addr) {
        field::TARGET_IP.set(self.data_mut(), ip.octets());
    }
}

/// The meaning of an ARP packet for IPv4 over Ethernet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Repr {
    /// What it asks or says.
    pub operation: Operation,
    /// The sender's Ethernet address.
    pub sender_mac: Mac,
    /// The sender's IPv4 address.
    pub sender_ip: Ipv4Addr,
    /// The target's Ethernet address; without meaning in a request.
    pub target_mac: Mac,
    /// The target's IPv4 address.
    pub target_ip: Ipv4Addr,
}

impl Repr {
    /// Reads a packet. Operations other than request and reply are for the caller to judge.
    pub fn parse<T: AsRef<[u8]>>(view: &Arp<T>) -> Result<Self, Error> {
        if view.hardware() != ETHERNET {
            return Err(Error::Hardware);
        }
        if view.hardware_len() != 6 {
            return Err(Error::HardwareLen);
        }
        if view.protocol() != EtherType::IPV4 {
            return Err(Error::Protocol);
        }
        if view.protocol_len() != 4 {
            return Err(Error::ProtocolLen);
        }
        Ok(Repr {
            operation: view.operation(),
            sender_mac: view.sender_mac(),
            sender_ip: view.sender_ip(),
            target_mac: view.target_mac(),
            target_ip: view.target_ip(),
        })
    }

    /// Writes every byte of the packet.
    pub fn emit<T: AsRef<[u8]> + AsMut<[u8]>>(&self, view: &mut Arp<T>) {
        view.set_hardware(ETHERNET);
        view.set_protocol(EtherType::IPV4);
        view.set_hardware_len(6);
        view.set_protocol_len(4);
        view.set_operation(self.operation);
        view.set_sender_mac(self.sender_mac);
        view.set_sender_ip(self.sender_ip);
        view.set_target_mac(self.target_mac);
        view.set_target_ip(self.target_ip);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::samples::ARP_REPLY;
    use proptest::prelude::*;

    const REPR: Repr = Repr {
        operation: Operation::REPLY,
        sender_mac: Mac::new([2, 0, 0, 0, 0xb, 2]),
        sender_ip: Ipv4Addr::new(10, 0, 0, 2),
        target_mac: Mac::new([2, 0, 0, 0, 0xb, 1]),
        target_ip: Ipv4Addr::new(10, 0, 0, 1),
    };

    fn parse(bytes: &[u8]) -> Result<Repr, Error> {
        Repr::parse(&Arp::new(bytes).unwrap())
    }

    #[test]
    fn every_field_is_read() {
        let view = Arp::new(&ARP_REPLY).unwrap();
        assert_eq!((view.hardware(), view.hardware_len()), (1, 6));
        assert_eq!((view.protocol(), view.protocol_len()), (EtherType::IPV4, 4));
        assert_eq!(parse(&ARP_REPLY), Ok(REPR));
    }

    #[test]
    fn every_byte_is_written() {
        let mut bytes = [0xa5; LEN];
        REPR.emit(&mut Arp::new(&mut bytes).unwrap());
        assert_eq!(bytes, ARP_REPLY);
    }

    #[test]
    fn a_short_packet_is_refused() {
        for len in 0..LEN {
            assert!(Arp::new(&ARP_REPLY[..len]).is_none(), "{len}");
        }
    }

    #[test]
    fn other_kinds_of_address_are_refused() {
        let with = |set: fn(&mut Arp<&mut [u8]>)| {
            let mut bytes = ARP_REPLY;
            set(&mut Arp::new(&mut bytes[..]).unwrap());
            parse(&bytes)
        };
        assert_eq!(with(|v| v.set_hardware(6)), Err(Error::Hardware));
        let ipv6 = with(|v| v.set_protocol(EtherType::IPV6));
        assert_eq!(ipv6, Err(Error::Protocol));
        for len in (0..=255).filter(|len| *len != 6) {
            let mut bytes = ARP_REPLY;
            Arp::new(&mut bytes).unwrap().set_hardware_len(len);
            assert_eq!(parse(&bytes), Err(Error::HardwareLen));
        }
        for len in (0..=255).filter(|len| *len != 4) {
            let mut bytes = ARP_REPLY;
            Arp::new(&mut bytes).unwrap().set_protocol_len(len);
            assert_eq!(parse(&bytes), Err(Error::ProtocolLen));
        }
    }

    proptest! {
        #[test]
        fn noise_that_parses_survives(noise: [u8; LEN], whole: bool) {
            let mut noise = noise;
            if !whole {
                noise[..6].copy_from_slice(&ARP_REPLY[..6]);
            }
            if let Ok(repr) = parse(&noise) {
                let mut bytes = [0; LEN];
                repr.emit(&mut Arp::new(&mut bytes).unwrap());
                prop_assert_eq!(bytes, noise);
            } else {
                prop_assert!(whole);
            }
        }
    }
}
