//! What rules a NIC takes for tunnels: asked of it when its port starts, since neither its name nor
//! its guide says it.
//!
//! Shapes of rules are shown to it from the most exact to the least, without an effect, until it
//! likes one. Then that rule is installed and taken away again, for a VNI that nobody has, because
//! drivers at times like what they cannot do.

use super::driver::{Bare, Driver, IANA};
use super::nic::{MarkDelivery, Meaning, Nic, NicError, NicFacts};
use super::target::{Target, Targets};
use fastpath::offload::{Delivery, Mark, Pattern, Rule, Width};
use fastpath::wire::Vni;
use nix::errno::Errno;
use std::collections::BTreeSet;
use std::fmt;

/// Most calls of one probe.
pub const CALLS: usize = PATTERNS.len() * DELIVERIES.len() + SENTINELS * 5;

/// Most rules that are installed to see whether they can be, for one probe.
const SENTINELS: usize = 3;
/// Most answers of a driver that are kept as the reason.
const ANSWERS: usize = 3;

const PATTERNS: [Pattern; 4] = [
    Pattern::Tunnel,
    Pattern::InnerEthernet,
    Pattern::InnerIpv4,
    Pattern::VniOnly,
];
const DELIVERIES: [Delivery; 4] = [
    Delivery::InnerRss,
    Delivery::Rss,
    Delivery::PassOn,
    Delivery::Plain,
];
/// Without outer headers there is one hash, and software has to get what was taken off exactly.
/// First what leaves fragments and tagged packets alone.
const STRIPPED: ([Pattern; 2], [Delivery; 2]) = (
    [Pattern::Whole, Pattern::Tunnel],
    [Delivery::Rss, Delivery::Plain],
);

/// The VNI of rules that are installed to see whether they can be: the highest but one of those that
/// nobody wants.
pub fn nobodys(wanted: &Targets) -> Vni {
    let used: BTreeSet<_> = wanted.iter().map(|it| it.end_point.vni.get()).collect();
    let mut free = (1..Vni::MAX).rev().filter(|vni| !used.contains(vni));
    let highest = Vni::from_bytes([0xff, 0xff, 0xfe]);
    free.next().and_then(Vni::new).unwrap_or(highest)
}

/// What a NIC is asked about: each may be answered differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ask {
    /// UDP port.
    pub udp_port: u16,
    /// Whether packets have a VLAN tag.
    pub tagged: bool,
    /// Whether outer headers are to be taken off.
    pub strip: bool,
}

impl Ask {
    /// What has to be known before there can be a rule for `target`.
    pub const fn about(target: &Target) -> Self {
        Ask {
            udp_port: target.end_point.udp_port,
            tagged: target.vlan.is_some(),
            strip: target.remote.is_some(),
        }
    }
}

/// A shape of rules that a NIC takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// What they name.
    pub pattern: Pattern,
    /// Where packets go.
    pub delivery: Delivery,
    /// How wide marks are at most.
    pub width: Width,
    /// Whether they count.
    pub count: bool,
}

impl Shape {
    /// The rule of this shape for `target`, on a port with so many receive queues.
    pub const fn rule(&self, target: &Target, queues: u16, mark: Mark) -> Rule {
        Rule {
            vlan: target.vlan,
            end_point: target.end_point,
            pattern: self.pattern,
            delivery: self.delivery,
            queues,
            mark,
            count: self.count,
            strip: target.remote,
        }
    }
}

/// Words for the shape, as testpmd has them.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> mark", pattern(self.pattern))?;
        if self.count {
            f.write_str(" / count")?;
        }
        f.write_str(match self.delivery {
            Delivery::InnerRss => " / rss level 2",
            Delivery::Rss => " / rss",
            Delivery::PassOn => " / passthru",
            Delivery::Plain => "",
        })
    }
}

const fn pattern(pattern: Pattern) -> &'static str {
    match pattern {
        Pattern::Tunnel => "eth / ipv4 / udp / vxlan",
        Pattern::Whole => "eth has_vlan / ipv4 fragment_offset / udp / vxlan",
        Pattern::InnerEthernet => "eth / ipv4 / udp / vxlan / eth",
        Pattern::InnerIpv4 => "eth / ipv4 / udp / vxlan / eth / ipv4",
        Pattern::VniOnly => "vxlan",
    }
}

/// A shape, or why there is none: what the driver said.
pub type Ability = Result<Shape, String>;

/// One probe.
pub struct Probe<'a, N: Nic> {
    /// Who is asked.
    pub nic: &'a mut N,
    /// What it is.
    pub facts: &'a NicFacts,
    /// What is known of its driver.
    pub driver: &'static Driver,
    /// What a rule is wanted for.
    pub target: Target,
    /// A VNI that nobody wants: see [`nobodys`].
    pub nobodys: Vni,
    /// Widths of marks that would do, the widest first, not empty.
    pub widths: &'a [Width],
    /// Rules that were installed and could not be taken away. Whoever asks goes on trying.
    pub left: Vec<N::Handle>,
}

impl<N: Nic> Probe<'_, N> {
    /// Asks. At most [`CALLS`] calls. `Err` if the NIC could not answer now, or never will.
    pub fn run(&mut self) -> Result<Ability, NicError> {
        if self.facts.marks == MarkDelivery::Refused {
            return Ok(Err(format!("{} delivers no marks", self.facts.driver)));
        }
        let mut answers = Answers::default();
        let mut sentinels = 0;
        let (patterns, deliveries): (&[_], &[_]) = match self.target.remote {
            Some(_) => (&STRIPPED.0, &STRIPPED.1),
            None => (&PATTERNS, &DELIVERIES),
        };
        let all = patterns
            .iter()
            .flat_map(|pattern| deliveries.iter().map(move |delivery| (*pattern, *delivery)));
        for (pattern, delivery) in all {
            if !self.may_be(pattern) {
                continue;
            }
            let Some(narrowest) = self.widths.last() else {
                break;
            };
            let mut shape = Shape {
                pattern,
                delivery,
                width: *narrowest,
                count: false,
            };
            if let Err(error) = no(self.validate(&shape))? {
                if error.errno == Errno::ENOSYS {
                    return Ok(Err("the driver has no rules".to_owned()));
                }
                answers.add(pattern, &error);
                continue;
            }
            self.widen(&mut shape)?;
            if let Err(error) = self.install(&shape)? {
                answers.add(pattern, &error);
                sentinels += 1;
                if sentinels == SENTINELS {
                    break;
                }
                continue;
            }
            return Ok(Ok(shape));
        }
        Ok(Err(answers.to_string()))
    }

    /// Whether a rule of this pattern would be for the target and nothing else that is known.
    fn may_be(&self, pattern: Pattern) -> bool {
        let target = &self.target;
        if pattern == Pattern::Tunnel && target.is_stripped() {
            // Nobody could see afterwards that there was a tag.
            return target.vlan.is_some() || self.driver.tells_tags;
        }
        pattern != Pattern::VniOnly
            || self.driver.bare == Bare::Known
            || self.target.end_point.udp_port == IANA
    }

    /// The widest marks, and counting, if it is to be had.
    fn widen(&mut self, shape: &mut Shape) -> Result<(), NicError> {
        let narrower = self.widths.split_last().map_or(&[][..], |(_, rest)| rest);
        for width in narrower {
            let wider = Shape {
                width: *width,
                ..*shape
            };
            if no(self.validate(&wider))?.is_ok() {
                *shape = wider;
                break;
            }
        }
        let counting = Shape {
            count: true,
            ..*shape
        };
        if no(self.validate(&counting))?.is_ok() {
            *shape = counting;
        }
        Ok(())
    }

    fn validate(&mut self, shape: &Shape) -> Result<(), NicError> {
        let rule = self.sentinel(shape);
        self.nic.validate(&rule)
    }

    /// Installs a rule and takes it away.
    fn install(&mut self, shape: &Shape) -> Result<Result<(), NicError>, NicError> {
        let rule = self.sentinel(shape);
        let handle = match no(self.nic.create(&rule))? {
            Ok(handle) => handle,
            Err(error) => return Ok(Err(error)),
        };
        if let Err((handle, error)) = self.nic.destroy(handle) {
            self.left.push(handle);
            if error.meaning() == Meaning::Gone {
                return Err(error);
            }
        }
        Ok(Ok(()))
    }

    /// A rule of that shape which no packet will match. What has outer headers taken off must not even if
    /// it stays, since no worker knows of it: nobody else sends from our own address.
    fn sentinel(&self, shape: &Shape) -> Rule {
        let mut target = self.target;
        target.end_point.vni = self.nobodys;
        target.remote = target.remote.map(|_| target.end_point.local);
        shape.rule(&target, self.facts.rx_queues, Mark::probe(shape.width))
    }
}

/// Tells an answer from the lack of one: `Ok(Err(_))` is "no".
fn no<T>(answer: Result<T, NicError>) -> Result<Result<T, NicError>, NicError> {
    match answer {
        Err(error) if error.meaning() != Meaning::Never => Err(error),
        answer => Ok(answer),
    }
}

/// What a driver said to the shapes that it did not take, each answer once.
#[derive(Default)]
struct Answers {
    said: BTreeSet<String>,
    text: String,
}

impl Answers {
    fn add(&mut self, shape: Pattern, error: &NicError) {
        let error = error.to_string();
        if self.said.len() == ANSWERS || self.said.contains(&error) {
            return;
        }
        if !self.text.is_empty() {
            self.text.push_str("; ");
        }
        self.text.push_str(pattern(shape));
        self.text.push_str(": ");
        self.text.push_str(&error);
        self.said.insert(error);
    }
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.text.is_empty() {
            return f.write_str("no shape of rules can tell its packets from others");
        }
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
