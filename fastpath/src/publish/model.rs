//! The publish slot in loom's model: every order of publisher and readers.

use super::{Publisher, Reader};
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use std::sync::{Arc, atomic};

/// A value that is written on drop, in a way that loom takes for a race unless every read of it
/// came before.
struct Value {
    number: AtomicUsize,
    drops: Arc<atomic::AtomicUsize>,
}

impl Value {
    fn new(number: usize, drops: &Arc<atomic::AtomicUsize>) -> Self {
        Value {
            number: AtomicUsize::new(number),
            drops: Arc::clone(drops),
        }
    }

    fn number(&self) -> usize {
        self.number.load(Ordering::Relaxed)
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.number.with_mut(|number| *number = usize::MAX);
        self.drops.fetch_add(1, Ordering::Relaxed);
    }
}

fn rounds(reader: &mut Reader<Value>, rounds: usize) {
    let mut last = reader.get().number();
    for _ in 0..rounds {
        let changed = reader.observe();
        let number = reader.get().number();
        assert!(last <= number && number < 3, "{number} after {last}");
        assert!(changed || number == last);
        last = number;
        reader.pass();
    }
}

#[test]
fn loom_a_value_is_reclaimed_once_and_not_under_a_reader() {
    loom::model(|| {
        let drops = Arc::default();
        let (mut publisher, mut readers) = Publisher::new(Value::new(0, &drops), 1);
        let mut reader = readers.remove(0);
        let worker = thread::spawn(move || rounds(&mut reader, 2));
        let mut reclaimed = 0;
        for number in 1..3 {
            publisher.publish(Value::new(number, &drops));
            reclaimed += publisher.reclaim();
            assert_eq!(drops.load(Ordering::Relaxed), reclaimed);
        }
        worker.join().unwrap();
        assert_eq!(
            reclaimed + publisher.reclaim(),
            2,
            "a reader that is gone holds nothing"
        );
        drop(publisher);
        assert_eq!(drops.load(Ordering::Relaxed), 3);
    });
}

#[test]
fn loom_two_readers_hold_what_either_reads() {
    loom::model(|| {
        let drops = Arc::default();
        let (mut publisher, mut readers) = Publisher::new(Value::new(0, &drops), 2);
        let mut other = readers.remove(1);
        let mut reader = readers.remove(0);
        let worker = thread::spawn(move || rounds(&mut reader, 1));
        let second = thread::spawn(move || rounds(&mut other, 1));
        publisher.publish(Value::new(1, &drops));
        publisher.reclaim();
        worker.join().unwrap();
        second.join().unwrap();
        drop(publisher);
        assert_eq!(drops.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn loom_a_publisher_that_goes_first_leaves_its_values() {
    loom::model(|| {
        let drops = Arc::default();
        let (mut publisher, mut readers) = Publisher::new(Value::new(0, &drops), 1);
        let mut reader = readers.remove(0);
        let worker = thread::spawn(move || rounds(&mut reader, 2));
        publisher.publish(Value::new(1, &drops));
        drop(publisher);
        worker.join().unwrap();
        assert_eq!(drops.load(Ordering::Relaxed), 2);
    });
}

/// What a worker did before it passed is visible to who finds that it has.
#[test]
fn loom_passed_shows_what_came_before() {
    loom::model(|| {
        let drops = Arc::default();
        let (mut publisher, mut readers) = Publisher::new(Value::new(0, &drops), 1);
        let mut reader = readers.remove(0);
        let work = loom::sync::Arc::new(AtomicUsize::new(0));
        let done = loom::sync::Arc::clone(&work);
        let worker = thread::spawn(move || {
            if reader.observe() {
                done.store(1, Ordering::Relaxed);
                reader.pass();
            }
            reader
        });
        let change = publisher.change();
        if publisher.passed(change) {
            assert_eq!(work.load(Ordering::Relaxed), 1);
        }
        drop(worker.join().unwrap());
    });
}
