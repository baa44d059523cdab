//! How far a NIC is believed when a packet is read: its mark stands for the parse if it is confirmed.

use super::bare::is_wrapped;
use super::hints::{Expected, Hints, Said};
use super::inspect::{Lie, inspect};
use crate::ids::PortId;
use crate::io::Packet;
use crate::parse::{Parsed, parse};
use crate::snapshot::{Snapshot, UdpPorts};
use crate::stats::HintStats;
use std::net::Ipv4Addr;

/// Packets of which one is looked at in full.
const SAMPLE: usize = 4096;

/// What is in a packet, and what became of the NIC's word.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) parsed: Parsed,
    /// The rule that marked it is not proved yet: the next packet is to be read too.
    pub(crate) proving: bool,
    /// What the NIC said that is not so.
    pub(crate) lie: Option<Lie>,
}

/// What is believed of one port, and what is counted of it.
#[derive(Clone, Copy)]
pub(crate) struct Belief<'a> {
    pub(crate) ingress: PortId,
    pub(crate) hints: &'a Hints,
    pub(crate) stats: &'a HintStats,
    pub(crate) udp_ports: &'a UdpPorts,
}

impl<'a> Belief<'a> {
    /// `None` if the port's NIC is not believed anything.
    #[inline]
    pub(crate) fn of(
        ingress: PortId,
        snapshot: &'a Snapshot,
        stats: &'a HintStats,
    ) -> Option<Self> {
        Some(Belief {
            ingress,
            hints: snapshot.hints(ingress)?,
            stats,
            udp_ports: &snapshot.udp_ports,
        })
    }

    /// Reads a packet.
    pub(crate) fn read<P: Packet>(&self, packet: &P) -> Read {
        let said = packet.mark().map(|mark| self.hints.said(mark));
        let confirmed = match &said {
            Some(Said::Expected(expected)) => self.confirm(packet, expected),
            Some(Said::Unknown) => {
                self.stats.unknown.add(1);
                None
            }
            None => None,
        };
        let proving = match &said {
            Some(Said::Expected(expected)) if !expected.is_proved() => Some(*expected),
            _ => None,
        };
        match (confirmed, proving) {
            (Some(parsed), None) => Read {
                parsed,
                proving: false,
                lie: None,
            },
            _ => self.look(packet, said.as_ref(), proving),
        }
    }

    fn confirm<P: Packet>(&self, packet: &P, expected: &Expected) -> Option<Parsed> {
        let (head, len) = (packet.head(), packet.len());
        let confirmed = expected.confirm(self.ingress, head, len, self.udp_ports);
        match confirmed {
            Some(_) => self.stats.confirmed.add(1),
            None => self.stats.differed.add(1),
        }
        confirmed
    }

    /// Reads a packet as if nothing was said, and looks at all of it if anything was.
    fn look<P: Packet>(
        &self,
        packet: &P,
        said: Option<&Said<'_>>,
        proving: Option<&Expected>,
    ) -> Read {
        let parsed = parse(self.ingress, packet.head(), packet.len(), self.udp_ports);
        let lie = match said {
            Some(Said::Expected(_)) => self.inspect(packet, &parsed, said),
            _ => None,
        };
        if let (Some(expected), None) = (proving, lie) {
            expected.prove();
        }
        Read {
            parsed,
            proving: proving.is_some(),
            lie,
        }
    }

    fn inspect<P: Packet>(
        &self,
        packet: &P,
        parsed: &Parsed,
        said: Option<&Said<'_>>,
    ) -> Option<Lie> {
        self.inspected(inspect(packet, parsed, said))
    }

    fn inspected(&self, lie: Option<Lie>) -> Option<Lie> {
        self.stats.inspected.add(1);
        self.stats.lies.add(u64::from(lie.is_some()));
        lie
    }

    /// Looks whether a packet has the outer headers that its mark says are off. Of the mark no more can
    /// be said.
    #[cold]
    pub(crate) fn unwrap<P: Packet>(
        &self,
        packet: &P,
        expected: &Expected,
        remote: Ipv4Addr,
    ) -> Option<Lie> {
        let parsed = parse(self.ingress, packet.head(), packet.len(), self.udp_ports);
        let wrapped = is_wrapped(&parsed.key, expected, remote);
        match wrapped {
            true => expected.doubt(),
            false => expected.prove(),
        }
        self.inspected(wrapped.then_some(Lie::Headers))
    }

    /// Looks at all of a packet, be it marked or not.
    #[cold]
    fn sample<P: Packet>(&self, packet: &P) -> Option<Lie> {
        let said = packet.mark().map(|mark| self.hints.said(mark));
        match said {
            Some(Said::Unknown) if self.hints.strips => return None,
            Some(Said::Expected(expected)) => {
                if let Some(remote) = expected.remote() {
                    // Until then each is looked at when it is decided.
                    if !expected.is_proved() {
                        return None;
                    }
                    return self.unwrap(packet, expected, remote);
                }
            }
            _ => {}
        }
        let parsed = parse(self.ingress, packet.head(), packet.len(), self.udp_ports);
        self.inspect(packet, &parsed, said.as_ref())
    }
}

/// Chooses one packet of every [`SAMPLE`] of those whose NIC is believed anything.
#[derive(Debug, Default)]
pub(crate) struct Sampler {
    /// Packets since the last one that was chosen.
    passed: usize,
}

impl Sampler {
    /// What is not so of what the NIC said of these packets, as far as it is looked at; and takes
    /// back what is not heeded.
    pub(crate) fn burst<P: Packet>(&mut self, belief: &Belief<'_>, burst: &mut [P]) -> Option<Lie> {
        if belief.hints.distrusted {
            burst.iter_mut().for_each(Packet::distrust_rx_checksums);
        }
        // The first packet is the first to be chosen.
        let before = self.passed;
        self.passed = (before + burst.len()) % SAMPLE;
        let at = before.checked_sub(1).map_or(0, |_| SAMPLE - before);
        belief.sample(burst.get(at)?)
    }
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests;
