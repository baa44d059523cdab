//! The self-test: frames that are made to order come back through a NIC, and what it says of them is
//! held against what software finds in them. Only what is equal may be switched on.
//!
//! ```text
//!   Site --setup--> NIC: a UDP port, two rules
//!     |
//!   frames --exchange--> Loop: a device that loops, a cable, a peer that reflects
//!                          |
//!                        judge: each frame by the parser and the checksums of the workers
//!                          |
//!                       verdict --> Report
//! ```
//!
//! It runs on the device thread, on a port that is started and whose queues no worker has yet.

mod cases;
mod exchange;
mod frames;
mod id;
mod inner;
mod judge;
mod known;
#[cfg(any(test, feature = "model"))]
pub(crate) mod path;
mod queues;
mod report;
mod setup;
mod tested;
mod verdict;

pub use cases::{Case, Said, Sum};
pub use exchange::{Heard, Loop};
pub use known::Known;
pub use queues::Queues;
pub use report::{Answer, Example, Line, Outcome, Report, Topic};
pub use tested::Tested;

use super::nic::Nic;
use exchange::{Exchange, exchange};
use fastpath::snapshot::UdpPorts;
use fastpath::wire::{Mac, vxlan};
use frames::{Frame, frames};
use judge::Judge;
use setup::Setup;
use std::collections::BTreeSet;
use verdict::Verdict;

/// Where a self-test takes place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The MAC of the port: its frames are sent to it.
    pub mac: Mac,
    /// The UDP port of the test's tunnels, in host byte order.
    pub udp_port: u16,
    /// UDP ports that the NIC was told before it started.
    pub told: Vec<u16>,
}

impl Site {
    /// With the UDP port of VXLAN, on a NIC that was told none.
    pub const fn new(mac: Mac) -> Self {
        Site {
            mac,
            udp_port: vxlan::PORT,
            told: Vec::new(),
        }
    }

    /// With this UDP port, unless the NIC was told others before it started: it does not know it then.
    pub fn of(mac: Mac, udp_port: u16, told: Vec<u16>) -> Self {
        let udp_port = match told.first() {
            Some(first) if !told.contains(&udp_port) => *first,
            _ => udp_port,
        };
        Site {
            mac,
            udp_port,
            told,
        }
    }
}

/// Tests a NIC that has no rules yet, and leaves none. `run` is to differ from one test to the next, so
/// that frames of an earlier one are not taken for its own.
///
/// Takes as long as the NIC needs for about 30 calls, and less than a second more, however much others
/// send.
pub fn run<N: Nic, L: Loop>(nic: &mut N, looped: &mut L, site: &Site, run: u32) -> Report {
    let setup = Setup::install(nic, site);
    let all = frames(site, run);
    let exchange = exchange(looped, &all, run);
    let mut udp_ports = UdpPorts::default();
    udp_ports.insert(site.udp_port);
    let judge = Judge {
        expected: &setup.expected,
        pattern: setup.pattern(),
        udp_ports,
    };
    let verdict = Verdict::of(&judge, &all, &exchange);
    let marks = match &setup.shape {
        Ok(_) => verdict.marks(setup.expected.len()),
        Err(reason) => Answer {
            allowed: false,
            reason: match setup.failed {
                true => format!("rules could not be tested: {reason}"),
                false => format!("there are no rules: {reason}"),
            },
        },
    };
    Report {
        udp_port: site.udp_port,
        parser: setup.parser.clone().err(),
        rules: setup.shape.as_ref().ok().map(ToString::to_string),
        no_rules: setup.shape.clone().err(),
        rules_failed: setup.failed,
        frames: all.len(),
        heard: heard(&exchange),
        lost: lost(&all, &exchange),
        sent: exchange.sent,
        doubled: exchange.doubled,
        foreign: exchange.foreign,
        lines: verdict.lines(),
        cases: cases::cases(&judge, &all, &exchange),
        marks,
        checksums: verdict.checksums(),
        left: setup.remove(nic).words(),
    }
}

fn heard(exchange: &Exchange) -> usize {
    let came = exchange.heard.iter().filter(|heard| !heard.is_empty());
    came.count()
}

/// Each once, however many copies of it there were.
fn lost(frames: &[Frame], exchange: &Exchange) -> Vec<String> {
    let of = frames.iter().zip(&exchange.heard);
    let lost: BTreeSet<_> = of
        .filter(|(_, heard)| heard.is_empty())
        .map(|(frame, _)| frame.name.clone())
        .collect();
    lost.into_iter().collect()
}

#[cfg(test)]
pub(crate) mod tests;
