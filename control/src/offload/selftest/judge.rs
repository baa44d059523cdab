//! What a NIC said of one frame, held against what software finds in it.

use super::cases::{Said, Sum};
use super::exchange::Heard;
use super::report::Topic;
use fastpath::io::heap::{HeapPacket, HeapPool};
use fastpath::io::{Checksum, NicWord, Pool};
use fastpath::key::Field;
use fastpath::offload::{Expected, Fit, Pattern, Truth};
use fastpath::snapshot::UdpPorts;

/// What is to be said of a frame, as far as a wrong answer would do harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    /// A mark, a tunnel, that a checksum is right.
    Yes,
    /// None of it; that a checksum is wrong.
    No,
}

/// What became of one thing that may be said of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// Nothing follows from it, whatever is said.
    NotAsked,
    /// Nothing was said, which is never wrong. It should have been, or rightly not, by side.
    Silent(Side),
    /// What is so was said.
    Equal(Side),
    /// What is not so was said: in words, and what is so.
    Wrong(String, String),
}

/// What is known of a NIC and its rules.
pub(super) struct Judge<'a> {
    pub(super) expected: &'a [Expected],
    pub(super) pattern: Option<Pattern>,
    pub(super) udp_ports: UdpPorts,
}

impl Judge<'_> {
    /// What there is to say of what was heard.
    pub(super) fn finds(&self, heard: &Heard) -> Option<Said> {
        let packet = whole(&heard.bytes)?;
        let truth = Truth::of(&packet, &self.udp_ports);
        let fits = |it: &&Expected| truth.fit(&packet, it, &self.udp_ports) == Fit::Confirmed;
        let own = self.expected.iter().find(fits);
        Some(Said {
            mark: own.map(|own| own.mark().get()),
            tunnel: is_tunnel(&truth),
            outer_ip: Sum::of(truth.outer.ip),
            outer_l4: Sum::of(truth.outer.l4),
            inner_ip: Sum::of(truth.inner.ip),
            inner_l4: Sum::of(truth.inner.l4),
        })
    }

    /// Of each topic what is to be said of the frame `sent`, of which this was heard.
    pub(super) fn judge(&self, sent: &[u8], heard: &Heard) -> Vec<(Topic, Judged)> {
        let mut judged = vec![(Topic::Bytes, bytes(sent, &heard.bytes))];
        // All is judged by what arrived.
        let Some(packet) = whole(&heard.bytes) else {
            return judged;
        };
        let truth = Truth::of(&packet, &self.udp_ports);
        let word = heard.word;
        judged.push((Topic::Mark, self.mark(&packet, &truth, word.mark)));
        judged.push((Topic::Tunnel, tunnel(&truth, word)));
        let (said, is) = (word.checksums, truth.outer);
        judged.push((Topic::OuterIp, checksum(said.ip, is.ip)));
        judged.push((Topic::OuterL4, checksum(said.l4, is.l4)));
        let (said, is) = (word.inner, truth.inner);
        judged.push((Topic::InnerIp, checksum(said.ip, is.ip)));
        judged.push((Topic::InnerL4, checksum(said.l4, is.l4)));
        judged
    }

    fn mark(&self, packet: &HeapPacket, truth: &Truth, said: Option<u32>) -> Judged {
        let fit = |expected: &Expected| truth.fit(packet, expected, &self.udp_ports);
        let own = self.expected.iter().find(|it| fit(it) == Fit::Confirmed);
        let Some(said) = said else {
            let open = self.expected.iter().any(|it| fit(it) == Fit::Open);
            return match (own, open) {
                (Some(_), _) => Judged::Silent(Side::Yes),
                (None, true) => Judged::NotAsked,
                (None, false) => Judged::Silent(Side::No),
            };
        };
        let is = match own {
            Some(own) => format!("mark {}", own.mark()),
            None => "no mark".to_owned(),
        };
        let wrong = |is| Judged::Wrong(format!("mark {said}"), is);
        let Some(named) = self.expected.iter().find(|it| it.mark().get() == said) else {
            return wrong(is);
        };
        match fit(named) {
            Fit::Confirmed => Judged::Equal(Side::Yes),
            Fit::Open => Judged::NotAsked,
            Fit::Other if self.is_bare(truth, named) => Judged::NotAsked,
            Fit::Other => wrong(is),
        }
    }

    /// Whether the packet is one that a rule covers which names a VNI alone.
    fn is_bare(&self, truth: &Truth, named: &Expected) -> bool {
        let key = &truth.parsed.key;
        let vni = u64::from(named.end_point().vni.get());
        self.pattern == Some(Pattern::VniOnly)
            && key.get(Field::HAS_VXLAN) != 0
            && key.get(Field::VNI) == vni
    }
}

/// A packet of these bytes, in one piece.
fn whole(bytes: &[u8]) -> Option<HeapPacket> {
    HeapPool::with_data_room(1, bytes.len()).alloc(bytes)
}

fn is_tunnel(truth: &Truth) -> bool {
    let key = &truth.parsed.key;
    let has = |field| key.get(field) != 0;
    let sound = truth.parsed.layout.fault.is_none();
    has(Field::HAS_VXLAN) && has(Field::VXLAN_VNI_VALID) && sound
}

fn bytes(sent: &[u8], heard: &[u8]) -> Judged {
    if heard == sent {
        return Judged::Equal(Side::Yes);
    }
    let at = sent.iter().zip(heard).take_while(|(one, two)| one == two);
    let at = at.count();
    let said = format!("{} bytes that differ from byte {at} on", heard.len());
    Judged::Wrong(said, format!("{} bytes", sent.len()))
}

/// Which headers the verdicts are of.
fn tunnel(truth: &Truth, word: NicWord) -> Judged {
    const IPV6: u64 = 0x86dd;
    let (key, fault) = (&truth.parsed.key, truth.parsed.layout.fault);
    let has = |field| key.get(field) != 0;
    let is = is_tunnel(truth);
    // Software does not look for tunnels there.
    let unsure = fault.is_some()
        || has(Field::HAS_VXLAN)
        || has(Field::FRAGMENT)
        || key.get(Field::ETHER_TYPE) == IPV6;
    match (is, word.tunnel) {
        (true, true) => Judged::Equal(Side::Yes),
        (true, false) => Judged::Silent(Side::Yes),
        (false, _) if unsure => Judged::NotAsked,
        (false, false) => Judged::Silent(Side::No),
        (false, true) => Judged::Wrong("a tunnel".to_owned(), "no tunnel".to_owned()),
    }
}

fn checksum(said: Checksum, is: Checksum) -> Judged {
    let side = match is {
        Checksum::Unknown => return Judged::NotAsked,
        Checksum::Good => Side::Yes,
        Checksum::Bad => Side::No,
    };
    match said {
        Checksum::Unknown => Judged::Silent(side),
        _ if said == is => Judged::Equal(side),
        _ => Judged::Wrong(words(said).to_owned(), words(is).to_owned()),
    }
}

const fn words(checksum: Checksum) -> &'static str {
    match checksum {
        Checksum::Unknown => "nothing",
        Checksum::Good => "right",
        Checksum::Bad => "wrong",
    }
}

#[cfg(test)]
mod tests;
