//! What the keeper counts while it makes a change, and when it says that it waits for the disk.

use super::*;

/// Waits until something is so.
fn until(what: &str, so: impl Fn() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A change that state carries out, the disk refuses, and state takes back.
#[test]
fn each_part_of_a_change_counts_and_only_the_disk_is_an_excuse() {
    let store = Played::default();
    let (sender, changes) = changes();
    let begun = Begun {
        wanted: Arc::new(base()),
        previous: None,
        revision: 7,
        kept: Kept::Played(store.clone()),
        due: false,
    };
    let keeper = Keeper::new(begun, sender);
    let (turns, storing) = (keeper.turns(), keeper.storing());
    let waits = || storing.load(Ordering::Acquire);
    let (requests, receiver) = requests(1);
    let thread = keeper.start(receiver, None).unwrap();
    let (request, answer) = Request::new(mtu(9000)).unwrap();

    // It cannot get past the disk as long as this is held.
    let disk = store.saved.lock().unwrap();
    requests.send(request).unwrap();
    let change = changes.recv().unwrap();
    let mut last = turns.get();
    let mut moved = |what: &str| {
        let before = std::mem::replace(&mut last, turns.get());
        assert!(last > before, "{what} does not count");
    };
    assert!(!waits(), "state is no disk");
    change.answer(Ok(Done::default()));
    until("the disk is waited for", waits);
    moved("what state has carried out");
    std::thread::sleep(2 * BEAT);
    assert!(waits());

    // The disk is refused by what it says at the end: a lock that is poisoned.
    let poison = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _disk = disk;
        std::panic::resume_unwind(Box::new("the disk fails"));
    }));
    assert!(poison.is_err());
    let back = changes.recv().unwrap();
    assert!(!waits(), "the way back is no disk");
    moved("the disk");
    back.answer(Ok(Done::default()));
    assert!(answer.blocking_recv().unwrap().is_err());
    drop(requests);
    thread.join().unwrap();
    moved("the way back");
}
