//! One address of ours: whether somebody else has it (RFC 5227), and what we say of it.

use crate::config::Prefix;
use fastpath::wire::Mac;
use std::net::Ipv4Addr;

/// Probes that have to stay unanswered (RFC 5227, section 1.1, `PROBE_NUM`).
pub(super) const PROBES: u8 = 3;
/// Milliseconds between probes (`PROBE_MIN`).
pub(super) const PROBE_INTERVAL: u64 = 1_000;
/// Milliseconds from the last probe to the first announcement (`ANNOUNCE_WAIT`).
pub(super) const ANNOUNCE_WAIT: u64 = 2_000;
/// Milliseconds between the two announcements (`ANNOUNCE_INTERVAL`).
pub(super) const ANNOUNCE_INTERVAL: u64 = 2_000;
/// Milliseconds between two announcements that defend the address (`DEFEND_INTERVAL`).
pub(super) const DEFEND_INTERVAL: u64 = 10_000;
/// Milliseconds until an address that somebody else had is probed again.
pub(super) const RETRY_INTERVAL: u64 = 60_000;

/// What is known of an address of ours.
///
/// ```text
///  link up              3 probes unanswered            2 s, 2nd announcement
/// ---------> Probing ------------------------> Announcing -------> Settled
///               |                                  ^
///               | conflict                         | 3 probes unanswered
///               v           60 s: probe            |
///             Taken <----------------------> Taken, probed
///                           conflict
/// ```
///
/// It is in use in all states but `Taken`: from the first moment, because a switch has to forward
/// then and because Linux does no more. A conflict in `Announcing` and `Settled` changes nothing;
/// the address is defended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// The link is down.
    Idle,
    /// Does anybody have it?
    Probing {
        /// Probes so far.
        sent: u8,
    },
    /// It is ours, and was announced once.
    Announcing,
    /// It is ours.
    Settled,
    /// Somebody else has it, or had it when we asked last.
    Taken {
        /// Who.
        by: Mac,
        /// Probes since.
        sent: u8,
    },
}

/// What is said of an address, to everybody on the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Say {
    /// Who has it? From nobody (RFC 5227, section 1.1).
    Probe,
    /// We have it.
    Announcement,
}

/// What follows from the time of a state being over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) check: Check,
    pub(super) say: Option<Say>,
    /// Milliseconds until the next step; `None`: there is none.
    pub(super) wait: Option<u64>,
}

/// What follows from a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing: it was not in use anyway.
    Known,
    /// The address is in use no more.
    Lost,
    /// It stays ours. `true`: and that is to be said now.
    Kept(bool),
}

impl Check {
    /// Whether we answer for the address and send from it.
    pub(super) const fn is_usable(self) -> bool {
        !matches!(self, Check::Taken { .. })
    }

    /// A probe of ours is out, so that another's is a conflict (RFC 5227, section 2.1.1).
    pub(super) const fn is_probing(self) -> bool {
        match self {
            Check::Probing { .. } => true,
            Check::Taken { sent, .. } => sent > 0,
            Check::Idle | Check::Announcing | Check::Settled => false,
        }
    }

    pub(super) const fn expired(self) -> Step {
        match self {
            Check::Probing { sent } if sent < PROBES => {
                let sent = sent + 1;
                probe(Check::Probing { sent }, sent)
            }
            Check::Taken { by, sent } if sent < PROBES => {
                let sent = sent + 1;
                probe(Check::Taken { by, sent }, sent)
            }
            Check::Probing { .. } | Check::Taken { .. } => Step {
                check: Check::Announcing,
                say: Some(Say::Announcement),
                wait: Some(ANNOUNCE_INTERVAL),
            },
            Check::Announcing => Step {
                check: Check::Settled,
                say: Some(Say::Announcement),
                wait: None,
            },
            Check::Idle | Check::Settled => Step {
                check: self,
                say: None,
                wait: None,
            },
        }
    }
}

const fn probe(check: Check, sent: u8) -> Step {
    let wait = if sent < PROBES {
        PROBE_INTERVAL
    } else {
        ANNOUNCE_WAIT
    };
    Step {
        check,
        say: Some(Say::Probe),
        wait: Some(wait),
    }
}

/// An address of ours on a link.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own {
    pub(super) prefix: Prefix,
    pub(super) check: Check,
    /// When the time of the state is over.
    pub(super) due: u64,
    /// When it was defended last.
    defended_at: Option<u64>,
}

impl Own {
    pub(super) const fn new(prefix: Prefix) -> Self {
        Own {
            prefix,
            check: Check::Idle,
            due: u64::MAX,
            defended_at: None,
        }
    }

    pub(super) const fn address(&self) -> Ipv4Addr {
        self.prefix.address()
    }

    /// The link came or went. An address that somebody else had stays out of use until probes stay
    /// unanswered; all others are used from the first moment.
    pub(super) const fn set_up(&mut self, up: bool, now: u64) {
        self.check = match self.check {
            Check::Taken { by, .. } => Check::Taken { by, sent: 0 },
            _ if up => Check::Probing { sent: 0 },
            _ => Check::Idle,
        };
        self.due = if up { now } else { u64::MAX };
    }

    /// Takes the step that is due.
    pub(super) const fn expire(&mut self, now: u64) -> Option<Say> {
        let step = self.check.expired();
        self.check = step.check;
        self.due = match step.wait {
            Some(wait) => now.saturating_add(wait),
            None => u64::MAX,
        };
        step.say
    }

    /// The station `by` has the address too, or wants it.
    pub(super) fn conflict(&mut self, by: Mac, now: u64) -> Verdict {
        match self.check {
            Check::Idle | Check::Announcing | Check::Settled => {
                let last = self.defended_at;
                let rested = last.is_none_or(|at| now >= at.saturating_add(DEFEND_INTERVAL));
                if rested {
                    self.defended_at = Some(now);
                }
                return Verdict::Kept(rested);
            }
            Check::Taken { sent: 0, .. } => {
                self.check = Check::Taken { by, sent: 0 };
                return Verdict::Known;
            }
            Check::Probing { .. } | Check::Taken { .. } => {}
        }
        let lost = self.check.is_usable();
        self.check = Check::Taken { by, sent: 0 };
        self.due = now.saturating_add(RETRY_INTERVAL);
        if lost { Verdict::Lost } else { Verdict::Known }
    }
}
