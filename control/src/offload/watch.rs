//! Whether marks get to packets whose outer headers a NIC takes off. A packet without them that has no
//! mark, or one of no rule, does not say what it was; counters do.

use super::marks::QUARANTINE;
use fastpath::offload::Lie;

/// Looks at which rules have matched more packets, and none came with a mark since the first, until the NIC
/// is caught. What rules matched is known late, by two looks at most.
const IN_VAIN: u32 = 4;
/// How long a mark may be unknown to a worker after its rule came, in milliseconds.
const NEWS: u64 = 2_000;

/// How long news of a rule may be on their way while its mark is seen already, in milliseconds.
const LATE: u64 = 3_000;

/// What was counted of one port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Packets received.
    pub received: u64,
    /// Packets that rules matched which have outer headers taken off, as far as they count.
    pub hits: u64,
    /// Packets that came with the mark of such a rule.
    pub stripped: u64,
    /// Packets with a mark of no rule.
    pub unknown: u64,
}

/// One port.
#[derive(Debug, Default)]
pub struct Watch {
    /// The last look, and when it was.
    last: Option<(u64, Counted)>,
    /// From then on no packet with a mark of no rule can be on its way.
    calm: u64,
    /// Since when there may be one all the same.
    strange: Option<u64>,
    in_vain: u32,
}

impl Watch {
    /// Workers are told of a new mark. Rules that leave outer headers may write it already.
    pub fn marked(&mut self, now: u64) {
        self.calm = self.calm.max(now + NEWS);
        self.strange = None;
    }

    /// A mark has no meaning any more, or has none just now.
    pub fn unmarked(&mut self, now: u64) {
        self.calm = self.calm.max(now + QUARANTINE);
        self.strange = None;
    }

    /// No outer headers are taken off.
    pub fn rest(&mut self) {
        self.last = None;
        self.strange = None;
        self.in_vain = 0;
    }

    /// What is not so of what the NIC said, as these counters show.
    pub fn look(&mut self, now: u64, counted: Counted) -> Option<Lie> {
        let (at, before) = self.last.replace((now, counted))?;
        if counted.unknown > before.unknown && at >= self.calm {
            self.strange.get_or_insert(now);
        }
        if self.strange.is_some_and(|since| now >= since + LATE) {
            return Some(Lie::NoRule);
        }
        let marked = |counted: Counted| (counted.stripped, counted.unknown);
        if marked(counted) != marked(before) || counted.hits < before.hits {
            self.in_vain = 0;
        } else if counted.hits > before.hits && counted.received > before.received {
            self.in_vain += 1;
        }
        (self.in_vain >= IN_VAIN).then_some(Lie::NoMark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(received: u64, hits: u64, stripped: u64, unknown: u64) -> Counted {
        Counted {
            received,
            hits,
            stripped,
            unknown,
        }
    }

    #[test]
    fn a_mark_of_no_rule_is_a_lie_unless_one_was_there_lately() {
        let mut watch = Watch::default();
        watch.unmarked(500);
        for (now, unknown, lie) in [
            (1_000, 0, None),
            (2_000, 7, None),
            (10_000, 8, None),
            // Some of them may have come before.
            (10_500, 9, None),
            (11_000, 9, None),
            (12_000, 10, None),
            (14_900, 10, None),
            (15_000, 10, Some(Lie::NoRule)),
        ] {
            assert_eq!(watch.look(now, counted(99, 0, 0, unknown)), lie, "{now}");
        }
    }

    #[test]
    fn news_of_a_rule_may_be_late() {
        for (late, lie) in [(2_900, None), (3_100, Some(Lie::NoRule))] {
            let mut watch = Watch::default();
            assert_eq!(watch.look(19_000, counted(1, 0, 0, 0)), None);
            assert_eq!(watch.look(20_000, counted(2, 0, 0, 1)), None);
            let before = watch.look(20_000 + late, counted(9, 0, 0, 8));
            watch.marked(20_000 + late);
            assert_eq!(before, lie);
            assert_eq!(watch.look(24_000, counted(9, 0, 0, 9)), None);
        }
    }

    #[test]
    fn hits_without_marks_are_a_lie_if_there_are_packets_at_all() {
        let all = |each: &dyn Fn(u64) -> Counted| {
            let mut watch = Watch::default();
            watch.marked(0);
            (0..20).find_map(|at| watch.look(at * 1_000, each(at)).map(|lie| (at, lie)))
        };
        assert_eq!(all(&|at| counted(at, at, 0, 0)), Some((4, Lie::NoMark)));
        // Slowly, too.
        assert_eq!(
            all(&|at| counted(at, at / 3, 0, 0)),
            Some((12, Lie::NoMark))
        );
        // What a rule matched is known late.
        assert_eq!(
            all(&|at| counted(at, at, at.min(9) / 3, 0)),
            Some((13, Lie::NoMark))
        );
        for fine in [
            &|at| counted(at, at, at / 3, 0),
            &|_| counted(9, 9, 0, 0),
            // Other packets than those of rules.
            &|at| counted(at, 0, 0, 0),
            // The NIC drops what workers do not take.
            &|at| counted(9, at, 0, 0),
            // A rule goes, and comes again.
            &|at| counted(at, at % 4, 0, 0),
        ] as [&dyn Fn(u64) -> Counted; 5]
        {
            assert_eq!(all(fine), None);
        }
    }
}
