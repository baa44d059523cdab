//! How settings are written: the keys of a table of the file, which are the words of a command.

use super::model::{
    Accept, Bridge, Df, Dscp, Port, ReservedBits, SwitchSettings, Ttl, Tunnel, ZeroChecksum,
};
use crate::offload::Offload;
use fastpath::snapshot::RxChecksum;
use std::fmt;

/// A value. Shown as a command has it; in a file text stands between quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// A whole number.
    Number(u64),
    /// `true` or `false`.
    Bool(bool),
    /// A word, a name, an address.
    Text(String),
    /// From the first to the last; in a file a list of both.
    Range(u16, u16),
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Written::Number(number) => write!(f, "{number}"),
            Written::Bool(value) => write!(f, "{value}"),
            Written::Text(text) => write!(f, "{text}"),
            Written::Range(first, last) => write!(f, "{first}-{last}"),
        }
    }
}

impl<T: Into<u64>> From<T> for Written {
    fn from(number: T) -> Self {
        Written::Number(number.into())
    }
}

/// A key of the file, and its value.
pub type Setting = (&'static str, Written);

fn text(text: impl ToString) -> Written {
    Written::Text(text.to_string())
}

fn numbers(all: &[u16]) -> Written {
    let all: Vec<_> = all.iter().map(ToString::to_string).collect();
    Written::Text(all.join(","))
}

/// Those settings whose value is not the default.
fn other_than_default<T: PartialEq + Copy>(
    key: &'static str,
    value: T,
    default: T,
    written: impl Fn(T) -> Written,
) -> Option<Setting> {
    (value != default).then(|| (key, written(value)))
}

impl SwitchSettings {
    /// What is not at its default, in the order of the documentation.
    pub fn settings(&self) -> Vec<Setting> {
        let default = SwitchSettings::default();
        let number = |key, value: u32, default| {
            other_than_default(key, value, default, |value| value.into())
        };
        let all = [
            number("cache_entries", self.cache_entries, default.cache_entries),
            number("fdb_entries", self.fdb_entries, default.fdb_entries),
            number("mbufs", self.mbufs, default.mbufs),
        ];
        all.into_iter().flatten().collect()
    }
}

impl Port {
    /// Its device, and what is not at its default; without name and addresses.
    pub fn settings(&self) -> Vec<Setting> {
        let number = |key, value: u16, default| {
            other_than_default(key, value, default, |value| value.into())
        };
        let checksum = |value| {
            text(match value {
                RxChecksum::Trust => "trust",
                RxChecksum::Verify => "verify",
                RxChecksum::Recompute => "recompute",
            })
        };
        let all = [
            Some(("device", text(self.device.devargs()))),
            number("mtu", self.mtu, Port::DEFAULT_MTU),
            self.local.map(|local| ("local", text(local))),
            other_than_default("promiscuous", self.promiscuous, true, Written::Bool),
            other_than_default(
                "rx_checksum",
                self.rx_checksum,
                RxChecksum::default(),
                checksum,
            ),
            other_than_default("offload", self.offload, Offload::default(), text),
            number("rx_queues", self.rx_queues, 1),
            (!self.rx_workers.is_empty()).then(|| ("rx_workers", numbers(&self.rx_workers))),
            self.tx_queues.map(|queues| ("tx_queues", queues.into())),
            number(
                "rx_descriptors",
                self.rx_descriptors,
                Port::DEFAULT_DESCRIPTORS,
            ),
            number(
                "tx_descriptors",
                self.tx_descriptors,
                Port::DEFAULT_DESCRIPTORS,
            ),
        ];
        all.into_iter().flatten().collect()
    }
}

impl Bridge {
    /// What is not at its default; without name and ports.
    pub fn settings(&self) -> Vec<Setting> {
        let ageing = self.ageing.as_secs();
        let all = [
            other_than_default(
                "ageing",
                ageing,
                Bridge::DEFAULT_AGEING.as_secs(),
                Written::Number,
            ),
            other_than_default("learning", self.learning, true, Written::Bool),
        ];
        all.into_iter().flatten().collect()
    }
}

impl Tunnel {
    /// Its bridge, VNI and end, and what is not at its default; without name and remotes.
    pub fn settings(&self) -> Vec<Setting> {
        let ports = &self.source_ports;
        let is_default = *ports == Tunnel::SOURCE_PORTS;
        let range = (!is_default).then(|| Written::Range(*ports.start(), *ports.end()));
        let all = [
            Some(("bridge", text(self.bridge))),
            Some(("vni", self.vni.get().into())),
            Some(("local", text(self.local))),
            other_than_default("udp_port", self.udp_port, Tunnel::UDP_PORT, |port| {
                port.into()
            }),
            range.map(|range| ("source_ports", range)),
            other_than_default("ttl", self.ttl, Ttl::Fixed(Tunnel::TTL), |ttl| match ttl {
                Ttl::Fixed(ttl) => ttl.get().into(),
                Ttl::Inherit => text("inherit"),
            }),
            other_than_default("dscp", self.dscp, Dscp::Fixed(0), |dscp| match dscp {
                Dscp::Fixed(dscp) => dscp.into(),
                Dscp::Inherit => text("inherit"),
            }),
            other_than_default("df", self.df, Df::Set, |df| {
                text(match df {
                    Df::Set => "set",
                    Df::Unset => "unset",
                    Df::Inherit => "inherit",
                })
            }),
            other_than_default("udp_checksum", self.udp_checksum, false, Written::Bool),
            other_than_default("accept", self.accept, Accept::Known, |accept| {
                text(match accept {
                    Accept::Known => "known",
                    Accept::Any => "any",
                })
            }),
            other_than_default(
                "zero_checksum",
                self.zero_checksum,
                ZeroChecksum::Accept,
                |zero| {
                    text(match zero {
                        ZeroChecksum::Accept => "accept",
                        ZeroChecksum::Refuse => "refuse",
                    })
                },
            ),
            other_than_default(
                "reserved_bits",
                self.reserved_bits,
                ReservedBits::Strict,
                |bits| text(bits.word()),
            ),
            other_than_default("learning", self.learning, true, Written::Bool),
        ];
        all.into_iter().flatten().collect()
    }
}

impl ReservedBits {
    /// The word of the file.
    pub const fn word(self) -> &'static str {
        match self {
            ReservedBits::Strict => "strict",
            ReservedBits::Lenient => "lenient",
        }
    }
}
