//! What a device refused although it offers it.

use super::{ALL_CUTS, OPEN, OUTER_CHECKSUMS, Plan, TX_CHECKSUMS};
use crate::snapshot::TxChecksums;

/// What a port can do without, by numbers, and in this order if it is more than one.
const LESS: [fn(&mut Plan) -> bool; 6] = [
    no_loopback,
    no_outer_checksums,
    no_open,
    no_refused_cuts,
    no_tx_checksums,
    Plan::no_rss,
];

impl Plan {
    /// Tries what is hoped for, and, if the device refuses, with the least that helps left out: one thing,
    /// or as many as it takes, of which each was needed. At the end the plan is what was tried last.
    pub(in crate::dpdk) fn try_out<E>(
        &mut self,
        mut attempt: impl FnMut(&Plan) -> Result<(), E>,
    ) -> Result<(), E> {
        let Err(mut last) = attempt(self) else {
            return Ok(());
        };
        let hoped = self.clone();
        let all = 0..LESS.len();
        let alone = all.clone().map(|one| 1 << one);
        let more = all.clone().map(|last| (2 << last) - 1).skip(1);
        for left_out in alone.chain(more) {
            let Some(less) = hoped.without(left_out) else {
                continue;
            };
            match attempt(&less) {
                Ok(()) => {
                    *self = less;
                    return self.put_back(&hoped, left_out, attempt);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Takes back what was left out in vain. The device agreed to this plan.
    fn put_back<E>(
        &mut self,
        hoped: &Plan,
        left_out: u8,
        mut attempt: impl FnMut(&Plan) -> Result<(), E>,
    ) -> Result<(), E> {
        let (mut left_out, mut agreed) = (left_out, true);
        // Checksums before cuts, which rest on them.
        for one in (0..LESS.len()).rev().map(|one| 1 << one) {
            let fewer = left_out & !one;
            if fewer == left_out || fewer == 0 {
                continue;
            }
            let Some(more) = hoped.without(fewer) else {
                continue;
            };
            agreed = attempt(&more).is_ok();
            if agreed {
                (*self, left_out) = (more, fewer);
            }
        }
        // A device is as it was asked to be last.
        if agreed { Ok(()) } else { attempt(self) }
    }

    /// The plan without what these bits stand for. `None` if it has none of the highest, so that a plan
    /// without it was tried.
    fn without(&self, left_out: u8) -> Option<Plan> {
        let mut less = self.clone();
        let mut had = false;
        for (one, leave_out) in LESS.iter().enumerate() {
            if left_out >> one & 1 != 0 {
                had = leave_out(&mut less);
            }
        }
        had.then_some(less)
    }

    fn no_rss(&mut self) -> bool {
        let had = self.rss_types != 0;
        self.rss_types = 0;
        if had {
            self.settings.no_rss();
        }
        had
    }
}

fn no_loopback(plan: &mut Plan) -> bool {
    let had = plan.loopback_mode != 0;
    plan.loopback_mode = 0;
    if had {
        plan.settings.loopback = false;
        plan.note("the device refused to loop");
    }
    had
}

/// Nothing is lost that software does not do.
fn no_outer_checksums(plan: &mut Plan) -> bool {
    let had = plan.rx_offloads & OUTER_CHECKSUMS != 0;
    plan.rx_offloads &= !OUTER_CHECKSUMS;
    plan.settings.outer_checksums = false;
    had
}

fn no_open(plan: &mut Plan) -> bool {
    let had = plan.settings.open;
    if had {
        plan.rx_offloads &= !OPEN;
        plan.settings.open = false;
        plan.note("the device refused to leave checksums open although it offers it");
    }
    had
}

fn no_refused_cuts(plan: &mut Plan) -> bool {
    let had = plan.no_cuts();
    if had {
        plan.note("the device refused to cut packets although it offers it");
    }
    had
}

/// Nothing is cut without checksums.
fn no_tx_checksums(plan: &mut Plan) -> bool {
    let had = plan.tx_offloads & TX_CHECKSUMS != 0;
    plan.tx_offloads &= !(TX_CHECKSUMS | ALL_CUTS);
    if had {
        plan.settings.tx = TxChecksums::default();
        plan.settings.tx_refused = true;
        plan.note("the device refused to make checksums although it offers it");
    }
    had
}

impl Plan {
    /// `false` if none was asked for.
    pub(in crate::dpdk) fn no_cuts(&mut self) -> bool {
        let had = self.tx_offloads & ALL_CUTS != 0;
        self.tx_offloads &= !ALL_CUTS;
        (self.settings.tx.segments, self.settings.tx.inside_segments) = (false, false);
        had
    }

    fn note(&mut self, note: &str) {
        self.settings.notes.push(note.to_owned());
    }
}

#[cfg(test)]
mod tests;
