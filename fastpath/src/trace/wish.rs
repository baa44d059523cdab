//! Which packets somebody wants to see.

use super::filter::Filter;
use super::note::{Moment, Side};
use crate::action::Verdict;
use crate::drop::DropReason;
use crate::ids::PortId;

const WORD: usize = u64::BITS as usize;

/// Some of the ports there can be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortSet([u64; PortId::LIMIT / WORD]);

impl PortSet {
    /// All ports, also those that are yet to come.
    pub const ALL: PortSet = PortSet([u64::MAX; PortId::LIMIT / WORD]);

    /// Adds a port.
    pub fn insert(&mut self, port: PortId) {
        // The table has a bit for every number that `PortId` can hold.
        self.0[port.index() / WORD] |= 1 << (port.index() % WORD);
    }

    /// Whether it is one of them.
    pub fn contains(&self, port: PortId) -> bool {
        self.0[port.index() / WORD] >> (port.index() % WORD) & 1 != 0
    }

    /// None at all.
    pub fn is_empty(&self) -> bool {
        self.0 == [0; PortId::LIMIT / WORD]
    }
}

impl FromIterator<PortId> for PortSet {
    fn from_iter<T: IntoIterator<Item = PortId>>(ports: T) -> Self {
        let mut set = PortSet::default();
        ports.into_iter().for_each(|port| set.insert(port));
        set
    }
}

/// What must have become of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Only {
    /// Anything.
    #[default]
    Everything,
    /// It, or a copy of it, was dropped.
    Dropped,
    /// The same, for this reason.
    DroppedFor(DropReason),
}

impl Only {
    /// Whether this became of it.
    fn holds(self, moment: &Moment) -> bool {
        let dropped = match moment.verdict {
            Some(Verdict::Dropped(reason)) => Some(reason),
            _ => None,
        };
        let copies = moment.copies_dropped;
        match self {
            Only::Everything => true,
            Only::Dropped => dropped.is_some() || !copies.is_empty(),
            Only::DroppedFor(reason) => dropped == Some(reason) || copies.contains(reason),
        }
    }
}

/// Which packets somebody wants to see: those of which all this is so.
#[derive(Clone, Debug)]
pub struct Wish {
    /// They came in by one of these, or were to leave by one.
    pub ports: PortSet,
    /// As they came in.
    pub received: bool,
    /// As they were to leave.
    pub sent: bool,
    /// What became of them.
    pub only: Only,
    /// What is in them.
    pub filter: Filter,
}

impl Wish {
    /// Every packet at these ports, on both sides.
    pub fn everything(ports: PortSet) -> Self {
        Wish {
            ports,
            received: true,
            sent: true,
            only: Only::Everything,
            filter: Filter::everything(),
        }
    }

    /// Whether packets on this side of this port can be wanted.
    pub(super) fn looks(&self, side: Side, port: PortId) -> bool {
        let side = match side {
            Side::Received => self.received,
            Side::Sent => self.sent,
        };
        side && self.ports.contains(port)
    }

    /// Whether a packet is wanted of which this is known, if its bytes are.
    pub(super) fn wants(&self, moment: &Moment) -> bool {
        self.looks(moment.side, moment.port) && self.only.holds(moment)
    }
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests {
    use super::*;

    fn port(number: usize) -> PortId {
        PortId::new(number).unwrap()
    }

    fn moment(verdict: Option<Verdict>, copies: &[DropReason]) -> Moment {
        Moment {
            verdict,
            copies_dropped: copies.iter().copied().collect(),
            ..Moment::new(0, port(3), Side::Sent)
        }
    }

    #[test]
    fn a_set_has_the_ports_that_were_put_there() {
        let set: PortSet = [0, 63, 64, 255].into_iter().map(port).collect();
        for number in 0..PortId::LIMIT {
            let expected = [0, 63, 64, 255].contains(&number);
            assert_eq!(set.contains(port(number)), expected, "{number}");
            assert!(PortSet::ALL.contains(port(number)));
        }
        assert!(PortSet::default().is_empty() && !set.is_empty());
    }

    #[test]
    fn a_wish_is_for_a_side_of_some_ports() {
        let mut wish = Wish::everything([port(3)].into_iter().collect());
        assert!(wish.looks(Side::Sent, port(3)) && wish.looks(Side::Received, port(3)));
        assert!(!wish.looks(Side::Sent, port(2)));
        wish.sent = false;
        assert!(!wish.looks(Side::Sent, port(3)) && wish.looks(Side::Received, port(3)));
        assert!(!wish.wants(&moment(None, &[])));
    }

    #[test]
    fn a_wish_for_drops_is_for_copies_too() {
        let (full, down) = (DropReason::TxFull, DropReason::PortDown);
        let forwarded = Some(Verdict::Forwarded);
        let cases = [
            (moment(None, &[]), [true, false, false]),
            (moment(forwarded, &[]), [true, false, false]),
            (moment(forwarded, &[down]), [true, true, false]),
            (moment(forwarded, &[full]), [true, true, true]),
            (moment(forwarded, &[full, down]), [true, true, true]),
            (
                moment(Some(Verdict::Dropped(full)), &[down]),
                [true, true, true],
            ),
            (
                moment(Some(Verdict::Dropped(down)), &[]),
                [true, true, false],
            ),
        ];
        for (moment, expected) in cases {
            let only = [Only::Everything, Only::Dropped, Only::DroppedFor(full)];
            assert_eq!(only.map(|only| only.holds(&moment)), expected, "{moment:?}");
        }
    }
}
