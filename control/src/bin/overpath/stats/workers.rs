//! Counters by worker: rounds, cycles, bursts, and its cache.

use crate::table::{Table, word};
use control::api::messages::{Histogram, Stats, WorkerStats};

/// What workers did, what it cost, and how much came how often.
pub(super) fn workers(stats: &Stats) -> String {
    let (mut rounds, mut cycles) = (Table::default(), Table::default());
    let mut sizes = Table::default();
    let in_time = Unit(Some(stats.ticks_per_second));
    for worker in &stats.workers {
        let name = word("worker", worker.worker);
        rounds.push([
            name.clone(),
            word("rounds", worker.rounds),
            word("idle", worker.idle_rounds),
            word("busy", format_args!("{}%", worker.busy)),
            word("received", worker.received),
            word("sent", worker.sent),
            word("moved", worker.moved),
            word("events-lost", worker.events_lost),
            word("handed-off", worker.handed_off),
        ]);
        cycles.push([
            name.clone(),
            word("cycles busy", worker.busy_ticks),
            word("idle", worker.idle_ticks),
            word("a-packet", a_packet(worker)),
            word("now", worker.ticks_per_packet),
            word("a-resolve", a_resolve(worker)),
        ]);
        for (what, unit, histogram) in [
            ("rx-bursts", Unit(None), &worker.rx_burst_sizes),
            ("tx-bursts", Unit(None), &worker.tx_burst_sizes),
            ("rx-to-tx", in_time, &worker.rx_to_tx_ticks),
            ("resolved", in_time, &worker.resolve_ticks),
        ] {
            sizes.push([
                name.clone(),
                word(what, histogram.total()),
                unit.list(histogram).into(),
            ]);
        }
    }
    let second = match stats.ticks_per_second {
        0 => String::new(),
        cycles => format!("worker cycles {cycles} in a second\n"),
    };
    second + &rounds.to_string() + &cycles.to_string() + &sizes.to_string()
}

/// Cycles for each packet since the start, with a tenth.
fn a_packet(worker: &WorkerStats) -> String {
    let tenths = worker.busy_ticks.saturating_mul(10);
    let tenths = tenths.checked_div(worker.moved).unwrap_or_default();
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Cycles for each packet that was resolved.
fn a_resolve(worker: &WorkerStats) -> u64 {
    let resolved = worker.resolve_ticks.total();
    let mean = worker.resolve_ticks_sum.checked_div(resolved);
    mean.unwrap_or_default()
}

/// In what sizes are: cycles, of which there are so many in a second, or else numbers.
#[derive(Clone, Copy)]
struct Unit(Option<u64>);

impl Unit {
    /// Each size that occurred, and how often.
    fn list(self, histogram: &Histogram) -> String {
        let sizes = histogram.sizes().map(|(most, count)| match most {
            Some(most) => format!("<={} {count}", self.show(most)),
            None => format!("more {count}"),
        });
        sizes.collect::<Vec<_>>().join(" ")
    }

    /// Not less than it is: a limit holds.
    fn show(self, size: u64) -> String {
        let Some(in_a_second @ 1..) = self.0 else {
            return size.to_string();
        };
        let tenths = |of_a_second: u128| {
            (u128::from(size) * of_a_second * 10).div_ceil(u128::from(in_a_second))
        };
        let units = [(1_000_000_000, "ns"), (1_000_000, "us"), (1_000, "ms")];
        let [.., last] = units;
        let small = units.into_iter().find(|unit| tenths(unit.0) < 10_000);
        let (of_a_second, unit) = small.unwrap_or(last);
        match tenths(of_a_second) {
            few @ 0..100 => format!("{}.{}{unit}", few / 10, few % 10),
            many => format!("{}{unit}", many.div_ceil(10)),
        }
    }
}

pub(super) fn caches(stats: &Stats) -> String {
    let mut table = Table::default();
    for worker in &stats.workers {
        let cache = worker.cache;
        table.push([
            word("worker", worker.worker),
            word("cache hits", cache.hits),
            word("misses", cache.misses),
            word("entries", cache.entries),
            word("evictions", cache.evictions),
            word("inserted", cache.inserted),
            word("replaced", cache.replaced),
            word("flushed", cache.flushed),
            word("mask-limit", cache.mask_limit),
            word("masks", cache.masks),
        ]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_are_shown_in_time_as_far_as_it_is_known() {
        let show = |rate, size| Unit(rate).show(size);
        assert_eq!(show(None, 64), "64");
        assert_eq!(show(Some(0), 64), "64");
        let sizes = [1, 1 << 11, 1 << 12, 1 << 22].map(|size| show(Some(2_000_000_000), size));
        assert_eq!(sizes, ["0.5ns", "1.1us", "2.1us", "2.1ms"]);
        let sizes =
            [1 << 10, 1 << 15, 1 << 21, 1 << 32].map(|size| show(Some(2_000_000_000), size));
        assert_eq!(sizes, ["512ns", "17us", "1.1ms", "2148ms"]);
    }

    #[test]
    fn sizes_are_listed_up_to_those_without_a_limit() {
        let mut counts = vec![0; 32];
        (counts[1], counts[6], counts[31]) = (3, 4, 5);
        let text = Unit(None).list(&Histogram::new(counts));
        assert_eq!(text, "<=2 3 <=64 4 more 5");
        assert_eq!(Unit(None).list(&Histogram::default()), "");
    }
}
