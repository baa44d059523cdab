//! UDP ports behind which parsers look for VXLAN: which the host needs, and which one NIC knows.
//!
//! Every NIC of the host is told all ports that any tunnel of the host needs, as the kernel does it:
//! tunnels move between ports more easily than parsers learn. Where there is no room for all, those
//! that the port itself needs come first.

use super::driver::{Driver, Ports, Refusal};
use super::nic::{Meaning, NicError};
use super::retry::Retry;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// UDP ports that the host needs: each as long as any tunnel on any of its ports names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needed(BTreeSet<u16>);

impl FromIterator<u16> for Needed {
    fn from_iter<I: IntoIterator<Item = u16>>(ports: I) -> Self {
        Needed(ports.into_iter().collect())
    }
}

impl Needed {
    /// All, in order.
    pub fn ports(&self) -> impl Iterator<Item = u16> {
        self.0.iter().copied()
    }

    /// Whether any tunnel needs it.
    pub fn contains(&self, port: u16) -> bool {
        self.0.contains(&port)
    }
}

/// What became of a UDP port that a NIC was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The parser knows it. `leaving`: it would not forget it, and is asked again then.
    Known {
        /// When.
        leaving: Option<Retry>,
    },
    /// It may know it or not, since it recovered from something. It is told to forget it, and anew.
    Doubtful(Option<Retry>),
    /// It cannot forget it, and is not asked again.
    Kept,
    /// It says that it does not have it, of which nobody was sure. It may be wrong, so that it is asked
    /// again when it has started anew.
    Denied,
    /// It did not take it. `again`: when it is asked again; never, if the answer was a plain no.
    Refused {
        /// What the driver said.
        reason: String,
        /// When it is asked again.
        again: Option<Retry>,
    },
}

/// What one NIC was told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parser(BTreeMap<u16, Told>);

impl Parser {
    /// A NIC that was told `ports` before it started.
    pub fn told_before(ports: impl IntoIterator<Item = u16>) -> Self {
        let known = |port| (port, Told::Known { leaving: None });
        Parser(ports.into_iter().map(known).collect())
    }

    /// It may know `ports` still from an earlier start, those left out that it was told for this.
    #[must_use]
    pub fn or_still(mut self, ports: impl IntoIterator<Item = u16>) -> Self {
        for port in ports {
            self.0.entry(port).or_insert(Told::Doubtful(None));
        }
        self
    }

    /// Nobody can say any more what it knows of what it was told. What it refused it may know for that
    /// very reason.
    pub fn doubt(&mut self) {
        self.0
            .values_mut()
            .for_each(|told| *told = Told::Doubtful(None));
    }

    /// All that it was told, with what became of it.
    pub fn all(&self) -> impl Iterator<Item = (u16, &Told)> {
        self.0.iter().map(|(port, told)| (*port, told))
    }

    /// Those that it knows or may know.
    pub fn taken(&self) -> impl Iterator<Item = u16> {
        let taken = |told: &Told| !matches!(told, Told::Refused { .. } | Told::Denied);
        self.all()
            .filter(move |(_, told)| taken(told))
            .map(|(port, _)| port)
    }

    /// Whether the parser is known to look behind `port`.
    pub fn knows(&self, driver: &Driver, port: u16) -> bool {
        driver.knows(port) || matches!(self.0.get(&port), Some(Told::Known { .. } | Told::Kept))
    }

    /// How many it looks behind at most, of those that it was told or not.
    pub fn count(&self, driver: &Driver) -> usize {
        let fixed = matches!(driver.ports, Ports::Fixed(_));
        self.taken().count() + usize::from(fixed)
    }

    /// The ports that it is to know, of those `needed` by the host. `own` ones come first, then those
    /// that it knows already: nothing goes away for something that is not better.
    pub fn wanted(&self, driver: &Driver, needed: &Needed, own: &BTreeSet<u16>) -> BTreeSet<u16> {
        let told = |port: &u16| self.0.get(port);
        let mut wanted: Vec<_> = needed
            .ports()
            .filter(|port| !driver.knows(*port))
            .filter(|port| !matches!(told(port), Some(Told::Refused { again: None, .. })))
            .filter(|port| !driver.told_before() || self.knows(driver, *port))
            .collect();
        wanted.sort_by_key(|port| {
            let there = self.0.get(port);
            let kept = there == Some(&Told::Kept);
            let taken = matches!(there, Some(Told::Known { .. } | Told::Doubtful(_)));
            (!kept, !own.contains(port), !taken, *port)
        });
        let kept = |(_, told): &(&u16, &Told)| **told == Told::Kept;
        let useless = self.0.iter().filter(kept);
        let useless = useless.filter(|(port, _)| !needed.contains(**port)).count();
        wanted.truncate(driver.room().saturating_sub(useless));
        wanted.into_iter().collect()
    }

    /// Why it does not know `port`, if it does not.
    pub fn reason(&self, driver: &Driver, port: u16) -> Option<Cow<'_, str>> {
        if self.knows(driver, port) {
            return None;
        }
        Some(match self.0.get(&port) {
            Some(Told::Refused { reason, .. }) => Cow::Borrowed(reason),
            Some(Told::Doubtful(_)) => {
                Cow::Borrowed("it is told anew, since the NIC recovered from an error")
            }
            _ => match driver.ports {
                Ports::Fixed(fixed) => {
                    Cow::Owned(format!("the parser knows UDP port {fixed} and no other"))
                }
                Ports::Never(reason) => Cow::Borrowed(reason),
                Ports::Told(0) => Cow::Borrowed("the driver cannot be told UDP ports"),
                Ports::ToldBefore(_) => Cow::Borrowed(
                    "the driver is told UDP ports before the port starts: it has to start anew",
                ),
                Ports::Told(room) if self.taken().count() >= room => Cow::Owned(format!(
                    "the parser has room for {room} UDP ports, and they are in use"
                )),
                Ports::Told(_) => Cow::Borrowed("it was not told yet"),
            },
        })
    }

    /// It was told `port`, and that was the answer. Whether the NIC is there still.
    pub fn added(
        &mut self,
        driver: &Driver,
        port: u16,
        answer: Result<(), NicError>,
        now: u64,
    ) -> bool {
        let mut here = true;
        let told = match answer {
            Ok(()) => Told::Known { leaving: None },
            Err(error) => match driver.refused(port, &error) {
                Refusal::Known => Told::Known { leaving: None },
                Refusal::Not(meaning) => {
                    here = meaning != Meaning::Gone;
                    let before = match self.0.get(&port) {
                        Some(Told::Refused { again, .. }) => *again,
                        _ => None,
                    };
                    let again = match meaning {
                        Meaning::Never | Meaning::Gone => None,
                        Meaning::Full | Meaning::Later => Some(Retry::after(before, now)),
                    };
                    let reason = error.to_string();
                    Told::Refused { reason, again }
                }
            },
        };
        self.0.insert(port, told);
        here
    }

    /// It was told to forget `port`, and that was the answer. Whether the NIC is there still.
    pub fn removed(&mut self, port: u16, answer: Result<(), NicError>, now: u64) -> bool {
        let told = self.0.remove(&port);
        let Err(error) = answer else {
            return true;
        };
        let told = match (told, error.meaning()) {
            (_, Meaning::Gone) => return false,
            (Some(Told::Doubtful(_)) | None, Meaning::Never) => Told::Denied,
            (Some(Told::Doubtful(before)), _) => Told::Doubtful(Some(Retry::after(before, now))),
            (_, Meaning::Never) => Told::Kept,
            (Some(Told::Known { leaving }), _) => Told::Known {
                leaving: Some(Retry::after(leaving, now)),
            },
            (_, _) => Told::Kept,
        };
        self.0.insert(port, told);
        true
    }

    /// Forgets what was refused and is needed no more: who needs it again asks again.
    pub fn prune(&mut self, needed: &Needed) {
        self.0
            .retain(|port, told| !matches!(told, Told::Refused { .. }) || needed.contains(*port));
    }
}

#[cfg(test)]
mod tests;
