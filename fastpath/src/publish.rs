//! One writer hands an immutable value to the workers, and learns when the old one is forgotten.
//!
//! ```text
//! control                                  worker, at the top of each poll round
//! publish: store pointer, store number --> observe: load number; if it moved, load pointer
//!                                          let go of what is old
//! passed, reclaim: load what each passed <-- pass: store the number observed
//! ```
//!
//! The number counts changes, of the value or of tables beside it such as the forwarding table.
//! A worker that passed a change holds nothing of the state before it: a retired value may be
//! dropped, a table slot used again, the change acknowledged.

#![expect(
    unsafe_code,
    reason = "the publish slot: readers follow a pointer the publisher owns"
)]

#[cfg(loom)]
#[cfg(test)]
mod model;

use crate::ids::WorkerId;
use crate::sync::{Arc, AtomicPtr, AtomicU64, Ordering};
use crossbeam_utils::CachePadded;
use std::collections::VecDeque;
use std::fmt;
use std::ptr::NonNull;
use std::sync::{Arc as Owned, OnceLock};

/// The state of the world up to here: all that was published or changed before it.
/// Later changes compare greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Change(u64);

impl Change {
    /// What the readers start with; every reader has passed it.
    pub const INITIAL: Change = Change(0);
    /// What a reader that is gone has passed.
    const ALL: Change = Change(u64::MAX);
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The line that every reader polls. Written by the publisher only.
struct World<T> {
    /// Number of the latest change. Stored after `value`, so who reads a number finds the value
    /// of that number or of a later one.
    change: AtomicU64,
    /// Points into an [`Owned`] that the publisher, or after it [`Shared::left_behind`], keeps.
    value: AtomicPtr<T>,
}

struct Shared<T> {
    world: CachePadded<World<T>>,
    /// What each reader has passed, on a line of its own: written by that reader, read by the
    /// publisher.
    passed: Box<[CachePadded<AtomicU64>]>,
    /// The values of a publisher that went before its readers. They go with the last of these.
    left_behind: OnceLock<Vec<Owned<T>>>,
}

/// The writing end: publishes values, counts changes, reclaims what nobody reads any more.
///
/// # Thread safety
/// Belongs to one thread at a time, and retired values are dropped on it. Only if it is dropped
/// before its readers, the last of these drops the values that are left.
pub struct Publisher<T> {
    shared: Arc<Shared<T>>,
    latest: Change,
    // `Owned` is never shared out: it stands for a box that may be read through other pointers.
    current: Owned<T>,
    /// Values no longer current, oldest first, each with the change that replaced it.
    retired: VecDeque<(Change, Owned<T>)>,
}

/// The reading end of one worker.
///
/// # Thread safety
/// Belongs to one thread at a time. Dropping it counts as passing every change, also later ones.
pub struct Reader<T> {
    shared: Arc<Shared<T>>,
    worker: WorkerId,
    observed: Change,
    passed: Change,
    value: NonNull<T>,
}

// SAFETY: a reader is an `Arc` of atomics and a pointer to a `T`, which it only reads (`T: Sync`).
// As the last one alive it drops values made on another thread (`T: Send`). No field is tied to
// the thread that made it.
unsafe impl<T: Send + Sync> Send for Reader<T> {}

impl<T: Send + Sync> Publisher<T> {
    /// Publishes `initial` to `readers` new readers, one for each worker: at most
    /// [`WorkerId::LIMIT`] are made. All of them have passed [`Change::INITIAL`].
    pub fn new(initial: T, readers: usize) -> (Self, Vec<Reader<T>>) {
        let workers: Vec<WorkerId> = (0..readers).map_while(WorkerId::new).collect();
        let current = Owned::new(initial);
        let value = pointer(&current);
        let slot = |_: &WorkerId| CachePadded::new(AtomicU64::new(Change::INITIAL.0));
        let shared = Arc::new(Shared {
            world: CachePadded::new(World {
                change: AtomicU64::new(Change::INITIAL.0),
                value: AtomicPtr::new(value.as_ptr()),
            }),
            passed: workers.iter().map(slot).collect(),
            left_behind: OnceLock::new(),
        });
        let reader = |worker| Reader {
            shared: Arc::clone(&shared),
            worker,
            observed: Change::INITIAL,
            passed: Change::INITIAL,
            value,
        };
        let readers = workers.into_iter().map(reader).collect();
        (
            Publisher {
                shared,
                latest: Change::INITIAL,
                current,
                retired: VecDeque::new(),
            },
            readers,
        )
    }
}

impl<T> Publisher<T> {
    /// Makes `value` the current one. The one before it is kept until [`Self::reclaim`] finds that
    /// every reader passed the returned change.
    pub fn publish(&mut self, value: T) -> Change {
        let value = Owned::new(value);
        self.shared
            .world
            .value
            .store(pointer(&value).as_ptr(), Ordering::Release);
        let change = self.change();
        let old = std::mem::replace(&mut self.current, value);
        self.retired.push_back((change, old));
        change
    }

    /// Counts a change to what lies beside the value. To be called after the change was made.
    pub fn change(&mut self) -> Change {
        self.latest = Change(self.latest.0 + 1);
        self.shared
            .world
            .change
            .store(self.latest.0, Ordering::Release);
        self.latest
    }

    /// The value published last.
    pub fn current(&self) -> &T {
        &self.current
    }

    /// The number of the latest change.
    pub fn latest(&self) -> Change {
        self.latest
    }

    /// Every reader still there has passed `change`. What they did before is visible after this.
    pub fn passed(&self, change: Change) -> bool {
        self.laggards(change).next().is_none()
    }

    /// The workers that have not passed `change` yet.
    pub fn laggards(&self, change: Change) -> impl Iterator<Item = WorkerId> {
        let lags = move |slot: &AtomicU64| Change(slot.load(Ordering::Acquire)) < change;
        let slots = self.shared.passed.iter().enumerate();
        slots.filter_map(move |(i, slot)| if lags(slot) { WorkerId::new(i) } else { None })
    }

    /// Drops the retired values that every reader has passed, and returns how many.
    pub fn reclaim(&mut self) -> usize {
        let mut dropped = 0;
        while self
            .retired
            .front()
            .is_some_and(|(change, _)| self.passed(*change))
        {
            self.retired.pop_front();
            dropped += 1;
        }
        dropped
    }
}

impl<T> Drop for Publisher<T> {
    fn drop(&mut self) {
        let mut values = vec![Owned::clone(&self.current)];
        values.extend(self.retired.drain(..).map(|(_, value)| value));
        // Set here only, so it cannot be full: `values` is always kept.
        let _ = self.shared.left_behind.set(values);
    }
}

impl<T> Reader<T> {
    /// Looks for changes: one load of a line shared by all readers if there are none. `true` if
    /// there were any since the last call: the caller then applies them and calls [`Self::pass`].
    #[inline]
    pub fn observe(&mut self) -> bool {
        let latest = Change(self.shared.world.change.load(Ordering::Acquire));
        if latest == self.observed {
            return false;
        }
        self.take(latest);
        true
    }

    #[cold]
    fn take(&mut self, latest: Change) {
        // May be newer than `latest`; then the next `observe` finds its number and loads it again.
        if let Some(value) = NonNull::new(self.shared.world.value.load(Ordering::Acquire)) {
            self.value = value;
            self.observed = latest;
        }
    }

    /// Tells the publisher that this worker holds nothing from before the change it observed last.
    #[inline]
    pub fn pass(&mut self) {
        if self.passed != self.observed {
            self.passed = self.observed;
            self.tell(self.passed);
        }
    }

    fn tell(&self, passed: Change) {
        if let Some(slot) = self.shared.passed.get(self.worker.index()) {
            slot.store(passed.0, Ordering::Release);
        }
    }

    /// The value observed last.
    #[inline]
    pub fn get(&self) -> &T {
        // SAFETY: `value` came from an `Owned` that was current at change `observed` or later.
        // It is dropped only by `reclaim`, which asks that this reader passed the change that
        // replaced it. That change is later than `passed`: `pass` stores only what was observed,
        // and `observe` loads `value` after the number, so at a number that counts the
        // replacement it loads a newer value. Until then the publisher keeps it, or, if dropped,
        // `shared.left_behind`, which `self.shared` keeps. Nobody writes to it meanwhile, and the
        // acquiring load of the pointer saw it complete. The reference borrows `self`, so it ends
        // before `observe` or `drop` can let the value go.
        unsafe { self.value.as_ref() }
    }

    /// The worker this reader was made for.
    pub fn worker(&self) -> WorkerId {
        self.worker
    }

    /// Stops reading: passes every change, also later ones. The same as dropping it.
    pub fn retire(self) {}
}

impl<T> Drop for Reader<T> {
    fn drop(&mut self) {
        self.tell(Change::ALL);
    }
}

/// The address of the value. Valid as long as `value` or a clone of it is there.
fn pointer<T>(value: &Owned<T>) -> NonNull<T> {
    NonNull::from(&**value)
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    /// A value that counts its drops, and can tell that it is whole.
    struct Counted {
        number: usize,
        again: Box<usize>,
        drops: Owned<AtomicUsize>,
    }

    impl Counted {
        fn new(number: usize, drops: &Owned<AtomicUsize>) -> Self {
            Counted {
                number,
                again: Box::new(number),
                drops: Owned::clone(drops),
            }
        }
    }

    impl Drop for Counted {
        fn drop(&mut self) {
            assert_eq!(self.number, *self.again);
            *self.again = usize::MAX;
            self.drops.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_reader_sees_what_it_observed() {
        let (mut publisher, mut readers) = Publisher::new("first", 2);
        let reader = &mut readers[1];
        assert_eq!((*reader.get(), reader.observe()), ("first", false));
        publisher.publish("second");
        publisher.publish("third");
        assert_eq!((*reader.get(), *publisher.current()), ("first", "third"));
        assert_eq!(
            (reader.observe(), *reader.get(), reader.observe()),
            (true, "third", false)
        );
        assert_eq!(reader.worker().index(), 1);
    }

    #[test]
    fn a_change_without_a_value_is_observed_and_passed() {
        let (mut publisher, mut readers) = Publisher::new("only", 2);
        let first = publisher.change();
        let second = publisher.change();
        assert!(Change::INITIAL < first && first < second && second == publisher.latest());
        assert!(readers[0].observe() && !readers[0].observe());
        assert!(!publisher.passed(first), "observed is not passed");
        readers[0].pass();
        let laggards: Vec<_> = publisher.laggards(second).map(WorkerId::index).collect();
        assert_eq!(
            (laggards, publisher.passed(Change::INITIAL)),
            (vec![1], true)
        );
        assert!(readers[1].observe());
        readers[1].pass();
        assert!(publisher.passed(second));
        let third = publisher.change();
        readers[1].pass();
        assert!(!publisher.passed(third), "not observed yet");
    }

    #[test]
    fn a_value_goes_when_the_last_reader_passed_its_successor() {
        let drops = Owned::default();
        let (mut publisher, mut readers) = Publisher::new(Counted::new(0, &drops), 2);
        let count = || drops.load(Ordering::Relaxed);
        publisher.publish(Counted::new(1, &drops));
        publisher.change();
        assert!(readers[0].observe());
        readers[0].pass();
        publisher.publish(Counted::new(2, &drops));
        assert_eq!((publisher.reclaim(), readers[1].get().number), (0, 0));
        readers.truncate(1);
        assert_eq!((publisher.reclaim(), count()), (1, 1));
        assert_eq!(readers[0].get().number, 1);
        readers.remove(0).retire();
        assert_eq!((publisher.reclaim(), count()), (1, 2));
        let change = publisher.publish(Counted::new(3, &drops));
        assert!(publisher.passed(change), "who is gone has passed all");
        assert_eq!((publisher.reclaim(), count()), (1, 3));
        drop(publisher);
        assert_eq!(count(), 4);
    }

    #[test]
    fn a_publisher_may_go_before_its_readers() {
        let drops = Owned::default();
        let (mut publisher, mut readers) = Publisher::new(Counted::new(0, &drops), 2);
        publisher.publish(Counted::new(1, &drops));
        assert!(readers[0].observe());
        publisher.publish(Counted::new(2, &drops));
        drop(publisher);
        assert_eq!((readers[0].get().number, readers[1].get().number), (1, 0));
        assert!(readers[1].observe());
        assert_eq!(readers[1].get().number, 2);
        readers.truncate(1);
        assert_eq!(
            (drops.load(Ordering::Relaxed), readers[0].get().number),
            (0, 1)
        );
        drop(readers);
        assert_eq!(drops.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn no_more_readers_than_worker_ids() {
        assert_eq!(
            Publisher::new((), WorkerId::LIMIT + 1).1.len(),
            WorkerId::LIMIT
        );
        let (mut publisher, _) = Publisher::new((), 0);
        let change = publisher.change();
        assert!(publisher.passed(change));
    }

    #[test]
    fn threads_read_whole_values_in_order() {
        const VALUES: usize = if cfg!(miri) { 20 } else { 2000 };
        let drops = Owned::default();
        let (mut publisher, readers) = Publisher::new(Counted::new(0, &drops), 2);
        let read = |mut reader: Reader<Counted>| {
            let mut last = 0;
            while last < VALUES {
                let changed = reader.observe();
                let value = reader.get();
                assert_eq!(value.number, *value.again);
                assert!(last <= value.number && (changed || last == value.number));
                last = value.number;
                reader.pass();
            }
        };
        thread::scope(|scope| {
            for reader in readers {
                scope.spawn(|| read(reader));
            }
            for number in 1..=VALUES {
                publisher.publish(Counted::new(number, &drops));
                publisher.reclaim();
            }
        });
        publisher.reclaim();
        assert_eq!(drops.load(Ordering::Relaxed), VALUES);
        drop(publisher);
        assert_eq!(drops.load(Ordering::Relaxed), VALUES + 1);
    }
}
