//! What drivers count beside us.

/// What a driver counts beside us. Never part of the account: these packets did not reach us, or
/// left us before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DriverCounters {
    /// Packets that the device had no descriptor for.
    pub rx_missed: u64,
    /// Packets that the pool had no buffer for.
    pub rx_no_mbuf: u64,
    /// Packets received in error.
    pub rx_errors: u64,
    /// Packets that failed to be sent.
    pub tx_errors: u64,
}

impl DriverCounters {
    /// Counter by counter.
    fn with(self, other: Self, both: impl Fn(u64, u64) -> u64) -> Self {
        DriverCounters {
            rx_missed: both(self.rx_missed, other.rx_missed),
            rx_no_mbuf: both(self.rx_no_mbuf, other.rx_no_mbuf),
            rx_errors: both(self.rx_errors, other.rx_errors),
            tx_errors: both(self.tx_errors, other.tx_errors),
        }
    }

    /// What was counted since the driver said `before`; 0 where it has begun again.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        self.with(before, u64::saturating_sub)
    }

    fn plus(self, more: Self) -> Self {
        self.with(more, u64::saturating_add)
    }
}

/// What the drivers of a port counted, over all times that it was open. Never less than before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DriverTotals {
    /// What they said last before they began again.
    past: DriverCounters,
    /// What the driver said last.
    last: DriverCounters,
}

impl DriverTotals {
    /// What the driver says now. A counter that is below what it was has begun again.
    pub fn read(&mut self, now: DriverCounters) {
        let over = self
            .last
            .with(now, |last, now| if now < last { last } else { 0 });
        (self.past, self.last) = (self.past.plus(over), now);
    }

    /// The port is closed, and its driver has said this. The next one begins at zero.
    pub fn close(&mut self, end: DriverCounters) {
        self.read(end);
        (self.past, self.last) = (self.sum(), DriverCounters::default());
    }

    /// All of it.
    #[must_use]
    pub fn sum(&self) -> DriverCounters {
        self.past.plus(self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(rx_missed: u64, tx_errors: u64) -> DriverCounters {
        DriverCounters {
            rx_missed,
            tx_errors,
            ..DriverCounters::default()
        }
    }

    #[test]
    fn what_was_counted_is_never_less() {
        let mut totals = DriverTotals::default();
        totals.read(counted(5, 1));
        totals.read(counted(7, 1));
        assert_eq!(totals.sum(), counted(7, 1));
        // One of them begins again, while the port is open.
        totals.read(counted(2, 3));
        assert_eq!(totals.sum(), counted(9, 3));
        totals.close(counted(4, 3));
        assert_eq!(totals.sum(), counted(11, 3));
        // It is more than before already when it is read first.
        totals.read(counted(6, 9));
        assert_eq!(totals.sum(), counted(17, 12));
        // Closed without a word.
        totals.close(DriverCounters::default());
        assert_eq!(totals.sum(), counted(17, 12));
    }

    #[test]
    fn what_stood_there_before_is_taken_off() {
        assert_eq!(counted(7, 2).since(counted(5, 2)), counted(2, 0));
        assert_eq!(counted(1, 2).since(counted(5, 0)), counted(0, 2));
    }
}
