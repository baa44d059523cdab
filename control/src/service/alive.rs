//! Who stands still.

/// Looks that are further apart than this part of the interval count as this far apart: who looks
/// late knows nothing about the time between, and must not blame others for it.
const LARGEST_GAP: u64 = 4;

/// What a part says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// Counted up each time that it comes round.
    pub count: u64,
    /// It waits for what a new start would wait for too. It may be late then, and is named, but the
    /// watchdog gets its word.
    pub excused: bool,
}

impl From<u64> for Pulse {
    /// Of a part that has no excuse.
    fn from(count: u64) -> Self {
        let excused = false;
        Pulse { count, excused }
    }
}

/// Whether every part of the daemon comes round, told by counters that the parts count up.
///
/// A part is late when it has stood still for an interval, or for its own patience if that is
/// longer. The watchdog is due once an interval, and gets its word only while nobody is late without
/// an excuse. Times are milliseconds on any clock that does not run backwards.
#[derive(Debug)]
pub struct Alive {
    interval: u64,
    parts: Vec<Part>,
    looked: Option<u64>,
    /// Time that was looked at, without what is beyond the largest gap.
    watched: u64,
    next: u64,
}

#[derive(Debug)]
struct Part {
    name: String,
    patience: u64,
    count: u64,
    /// When its counter was last seen to move, by `watched`.
    moved: u64,
    late: bool,
    excused: bool,
}

/// What a look has found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The watchdog is due, and everything goes on, or has an excuse.
    pub feed: bool,
    /// Who became late, or came back.
    pub news: Vec<News>,
}

/// A part that became late, or came back.
#[derive(Debug, PartialEq, Eq)]
pub struct News {
    /// Its name.
    pub name: String,
    /// For how long it has stood still, in milliseconds; none: it goes on again.
    pub still: Option<u64>,
}

impl Alive {
    /// Without parts.
    pub fn new(interval: u64) -> Self {
        Alive {
            interval: interval.max(1),
            parts: Vec::new(),
            looked: None,
            watched: 0,
            next: 0,
        }
    }

    /// Adds a part that may stand still for `patience` if that is longer than the interval.
    pub fn add(&mut self, name: impl Into<String>, patience: u64) {
        self.parts.push(Part {
            name: name.into(),
            patience: patience.max(self.interval),
            count: 0,
            moved: self.watched,
            late: false,
            excused: false,
        });
    }

    /// A look at `now`, with what each part says in the order in which they were added.
    pub fn look<P: Into<Pulse>>(&mut self, pulses: impl IntoIterator<Item = P>, now: u64) -> Look {
        let gap = now.saturating_sub(self.looked.replace(now).unwrap_or(now));
        self.watched += gap.min(self.interval / LARGEST_GAP);
        let mut look = Look::default();
        for (part, pulse) in self.parts.iter_mut().zip(pulses) {
            look.news.extend(part.look(pulse.into(), self.watched));
        }
        let mut parts = self.parts.iter();
        if now >= self.next && !parts.any(|part| part.late && !part.excused) {
            self.next = now + self.interval;
            look.feed = true;
        }
        look
    }

    /// Whether every part has come round at least once.
    pub fn all_started(&self) -> bool {
        self.parts.iter().all(|part| part.count > 0)
    }

    /// Who is late now.
    pub fn late(&self) -> impl Iterator<Item = &str> {
        let late = self.parts.iter().filter(|part| part.late);
        late.map(|part| &*part.name)
    }
}

impl Part {
    fn look(&mut self, Pulse { count, excused }: Pulse, watched: u64) -> Option<News> {
        self.excused = excused;
        if count != self.count {
            (self.count, self.moved) = (count, watched);
        }
        let still = watched - self.moved;
        let late = still >= self.patience;
        (late != std::mem::replace(&mut self.late, late)).then(|| News {
            name: self.name.clone(),
            still: late.then_some(still),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: u64 = 1_000;
    const PATIENCE: u64 = 3_000;
    /// Between two looks.
    const LOOK: u64 = 100;
    const NAMES: [&str; 4] = ["api", "device", "worker 0", "worker 1"];

    /// Four parts that count, looked at every [`LOOK`].
    struct Bench {
        alive: Alive,
        counts: [u64; 4],
        stuck: Option<usize>,
        now: u64,
    }

    impl Bench {
        fn new() -> Self {
            let mut alive = Alive::new(INTERVAL);
            for name in NAMES {
                alive.add(name, if name == "device" { PATIENCE } else { 0 });
            }
            Bench {
                alive,
                counts: [0; 4],
                stuck: None,
                now: 0,
            }
        }

        fn look(&mut self) -> Look {
            self.now += LOOK;
            for (at, count) in self.counts.iter_mut().enumerate() {
                *count += u64::from(self.stuck != Some(at));
            }
            self.alive.look(self.counts, self.now)
        }

        /// Looks for so long: how often the watchdog was fed, and the news.
        fn run(&mut self, milliseconds: u64) -> (usize, Vec<News>) {
            let (mut fed, mut news) = (0, Vec::new());
            for _ in 0..milliseconds / LOOK {
                let look = self.look();
                fed += usize::from(look.feed);
                news.extend(look.news);
            }
            (fed, news)
        }
    }

    #[test]
    fn while_all_go_on_the_watchdog_is_fed_once_an_interval() {
        let mut bench = Bench::new();
        assert!(!bench.alive.all_started());
        assert_eq!(bench.run(10 * INTERVAL), (10, vec![]));
        assert!(bench.alive.all_started());
    }

    #[test]
    fn whoever_stands_still_is_named_once_and_the_watchdog_is_not_fed() {
        for (stuck, name) in NAMES.iter().enumerate() {
            let mut bench = Bench::new();
            bench.run(5 * INTERVAL);
            bench.stuck = Some(stuck);
            let patience = bench.alive.parts[stuck].patience;
            let (fed, news) = bench.run(patience + INTERVAL);
            let fed_while_patient = (patience / INTERVAL) as usize;
            assert!(fed <= fed_while_patient, "{name}: {fed}");
            let late = News {
                name: (*name).to_owned(),
                still: Some(patience),
            };
            assert_eq!(news, [late]);
            assert_eq!(bench.run(10 * INTERVAL), (0, vec![]), "{name}");
            assert_eq!(bench.alive.late().collect::<Vec<_>>(), [*name]);
            bench.stuck = None;
            let back = bench.look();
            assert!(back.feed, "{name}");
            let name = (*name).to_owned();
            assert_eq!(back.news, [News { name, still: None }]);
        }
    }

    #[test]
    fn who_has_an_excuse_is_named_and_the_watchdog_is_fed_until_it_has_none() {
        let mut bench = Bench::new();
        bench.run(2 * INTERVAL);
        let pulses = |bench: &mut Bench, excused: bool| {
            bench.now += LOOK;
            (0..3).for_each(|at| bench.counts[at] += 1);
            let [a, b, c, d] = bench.counts.map(Pulse::from);
            let pulses = [a, b, c, Pulse { excused, ..d }];
            bench.alive.look(pulses, bench.now)
        };
        let looks = (0..5 * INTERVAL / LOOK).map(|_| pulses(&mut bench, true));
        let looks: Vec<Look> = looks.collect();
        assert_eq!(looks.iter().filter(|look| look.feed).count(), 5);
        assert_eq!(looks.iter().flat_map(|look| &look.news).count(), 1);
        assert_eq!(bench.alive.late().collect::<Vec<_>>(), ["worker 1"]);
        let looks = (0..5 * INTERVAL / LOOK).map(|_| pulses(&mut bench, false));
        assert_eq!(looks.filter(|look| look.feed).count(), 0);
    }

    #[test]
    fn the_last_word_is_no_older_than_two_intervals_when_a_part_is_late() {
        let mut bench = Bench::new();
        bench.run(2 * INTERVAL);
        let mut last_fed = bench.now;
        bench.stuck = Some(2);
        loop {
            let look = bench.look();
            if look.feed {
                last_fed = bench.now;
            }
            if !look.news.is_empty() {
                break;
            }
        }
        assert!(bench.now - last_fed <= INTERVAL);
        assert_eq!(bench.run(2 * INTERVAL).0, 0);
    }

    #[test]
    fn who_looks_late_blames_nobody() {
        let mut bench = Bench::new();
        bench.run(2 * INTERVAL);
        // The whole process was stopped. The looker is the first to run again.
        bench.now += 3_600_000;
        let look = bench.alive.look(bench.counts, bench.now);
        assert_eq!((look.feed, look.news), (true, vec![]));
        assert_eq!(bench.run(2 * INTERVAL), (2, vec![]));
    }

    #[test]
    fn a_part_that_never_starts_is_late_too() {
        let mut bench = Bench::new();
        bench.stuck = Some(0);
        let (_, news) = bench.run(2 * INTERVAL);
        assert_eq!(news.len(), 1);
        assert!(!bench.alive.all_started());
    }
}
