//! Which mark stands for what, on one port.

use super::Target;
use fastpath::offload::{Mark, Width};
use std::collections::{BTreeMap, VecDeque};

/// How long a slot rests after its rule is gone, in milliseconds: far longer than a packet that was
/// marked before may wait in a ring of the NIC or between workers.
pub const QUARANTINE: u64 = 10_000;

/// The marks of a port. All members of a bond use the same: a packet does not say by which it came.
#[derive(Debug)]
pub struct Marks {
    width: Width,
    given: BTreeMap<Target, Mark>,
    /// The last slot that anybody had.
    used: usize,
    /// Slots that nobody has, with the time from which they may be used, in its order.
    resting: VecDeque<(u64, Mark)>,
    /// When the first may be given out: marks of another width may still be on their way.
    since: u64,
}

impl Marks {
    /// None given out, and none to be before `since`.
    pub const fn new(width: Width, since: u64) -> Self {
        Marks {
            width,
            given: BTreeMap::new(),
            used: 0,
            resting: VecDeque::new(),
            since,
        }
    }

    /// How wide they are.
    pub const fn width(&self) -> Width {
        self.width
    }

    /// The mark that stands for `target`, a new one if it has none: of a slot that nobody had yet, or
    /// else of the one that has rested longest, in its next generation. `None`, if none is free.
    pub fn give(&mut self, target: Target, now: u64) -> Option<Mark> {
        if let Some(mark) = self.given.get(&target) {
            return Some(*mark);
        }
        if now < self.since {
            return None;
        }
        let mark = self.fresh().or_else(|| self.rested(now))?;
        self.given.insert(target, mark);
        Some(mark)
    }

    fn fresh(&mut self) -> Option<Mark> {
        let mark = Mark::first(self.width, self.used + 1)?;
        self.used += 1;
        Some(mark)
    }

    fn rested(&mut self, now: u64) -> Option<Mark> {
        let (from, old) = *self.resting.front()?;
        if from > now {
            return None;
        }
        self.resting.pop_front();
        Some(old.renewed(self.width))
    }

    /// The mark that stands for `target`, if it has one.
    pub fn get(&self, target: &Target) -> Option<Mark> {
        self.given.get(target).copied()
    }

    /// No rule writes the mark of `target` any more. Its slot rests from now on.
    pub fn take_back(&mut self, target: &Target, now: u64) -> Option<Mark> {
        let mark = self.given.remove(target)?;
        self.resting
            .push_back((now.saturating_add(QUARANTINE), mark));
        Some(mark)
    }

    /// All that are given out.
    pub fn given(&self) -> impl Iterator<Item = (&Target, Mark)> {
        self.given.iter().map(|(target, mark)| (target, *mark))
    }

    /// When a mark will be free, if none is at `now` and one will be.
    pub fn next_free(&self, now: u64) -> Option<u64> {
        if now < self.since {
            return Some(self.since);
        }
        if self.used + 1 < self.width.slots() {
            return None;
        }
        self.resting.front().map(|(from, _)| *from)
    }

    /// When marks of another width may be given out instead of these, all of which were taken back:
    /// when the last of them has rested.
    pub fn all_rested(&self) -> u64 {
        self.resting.back().map_or(self.since, |(from, _)| *from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offload::model::target;

    #[test]
    fn each_target_has_one_mark_and_keeps_it() {
        let mut marks = Marks::new(Width::Bits16, 0);
        let one = marks.give(target(4789, 1), 0).unwrap();
        let two = marks.give(target(4789, 2), 0).unwrap();
        assert_ne!(one.slot(Width::Bits16), two.slot(Width::Bits16));
        assert_eq!(marks.give(target(4789, 1), 9), Some(one));
        assert_eq!(marks.get(&target(4789, 2)), Some(two));
        assert_eq!(marks.given().count(), 2);
    }

    #[test]
    fn a_slot_rests_and_comes_back_in_its_next_generation() {
        let width = Width::Bits8;
        let mut marks = Marks::new(width, 0);
        let all = 1..width.slots() as u32;
        for vni in all.clone() {
            assert!(marks.give(target(4789, vni), 0).is_some(), "{vni}");
        }
        assert_eq!(marks.give(target(4789, 1_000), 0), None);
        assert_eq!(marks.next_free(0), None);

        let old = marks.take_back(&target(4789, 3), 50).unwrap();
        marks.take_back(&target(4789, 4), 60).unwrap();
        assert_eq!(marks.take_back(&target(4789, 3), 50), None);
        assert_eq!(marks.next_free(50), Some(50 + QUARANTINE));
        assert_eq!(marks.give(target(4789, 1_000), 49 + QUARANTINE), None);
        let new = marks.give(target(4789, 1_000), 50 + QUARANTINE).unwrap();
        assert_eq!(new, old.renewed(width));
        assert_eq!(marks.give(target(4789, 1_001), 50 + QUARANTINE), None);
        assert_eq!(marks.all_rested(), 60 + QUARANTINE);
    }

    #[test]
    fn a_slot_that_nobody_had_is_used_before_one_that_rested() {
        let mut marks = Marks::new(Width::Bits8, 0);
        let one = marks.give(target(4789, 1), 0).unwrap();
        marks.take_back(&target(4789, 1), 0);
        let two = marks.give(target(4789, 2), 10 * QUARANTINE).unwrap();
        assert_ne!(one.slot(Width::Bits8), two.slot(Width::Bits8));
    }

    #[test]
    fn none_is_given_out_before_those_of_another_width_have_rested() {
        let mut marks = Marks::new(Width::Bits16, 100);
        assert_eq!(marks.give(target(4789, 1), 99), None);
        assert_eq!(marks.next_free(99), Some(100));
        assert!(marks.give(target(4789, 1), 100).is_some());
    }
}
