//! Changes that wait to be confirmed, and are kept or taken back.

use super::*;

#[test]
fn a_change_is_kept_only_once_it_is_confirmed() {
    let stage = Stage::new();
    let told = stage.change(Method::ConfigConfirm).unwrap_err();
    assert_eq!(told, "no change waits to be confirmed");
    let tried = stage.change(apply("", Some(600))).unwrap();
    assert_eq!((tried.revision, tried.unconfirmed), (7, true));
    assert_eq!((stage.seen().len(), stage.saved().len()), (1, 0));
    let bridge = Words::from_iter([("name".to_owned(), json!("br1"))]);
    let bridge = Method::Edit(Edit::Do(Command::BridgeAdd, bridge));
    for other in [bridge, apply(BASE, None), apply(BASE, Some(1))] {
        let told = stage.change(other).unwrap_err();
        assert!(
            told.starts_with("a change waits to be confirmed, for 5"),
            "{told}"
        );
    }
    stage.store.full.store(true, Ordering::Relaxed);
    let told = stage.change(Method::ConfigConfirm).unwrap_err();
    assert_eq!(told, "the change cannot be stored: no room");
    stage.store.full.store(false, Ordering::Relaxed);
    let kept = stage.change(Method::ConfigConfirm).unwrap();
    assert_eq!((kept.revision, kept.unconfirmed), (8, false));
    assert_eq!(stage.saved(), [Wanted::default()]);
    assert!(stage.seen().is_empty());
    stage.change(Method::ConfigRollback).unwrap();
    assert_eq!(stage.saved(), [base()]);
}

#[test]
fn what_is_not_confirmed_is_taken_back_though_the_client_is_gone() {
    let stage = Stage::new();
    let (request, answer) = Request::new(apply("", Some(1))).unwrap();
    stage.requests.send(request).unwrap();
    assert!(answer.blocking_recv().unwrap().is_ok());
    let start = Instant::now();
    let back = || stage.seen.lock().unwrap().len() == 2;
    while !back() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "{:?}",
            stage.seen()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(start.elapsed() >= Duration::from_millis(900), "too early");
    let late = stage.change(Method::ConfigRollback).unwrap_err();
    assert!(late.starts_with("the change that waited"), "{late}");
    assert_eq!(stage.seen()[1], "port add lan device d0; bridge add br0");
    assert_eq!(stage.wanted().len(), 2);
    assert!(stage.saved().is_empty());
    assert_eq!(stage.change(mtu(9000)).unwrap().revision, 8);
}

/// Who takes back what was taken back a moment ago does not mean the change before it.
#[test]
fn a_moment_late_nothing_more_is_taken_back() {
    let mut keeper = Keeper {
        previous: Some(Arc::new(Wanted::default())),
        expired: true,
        ..lone()
    };
    let late = keeper.roll_back().unwrap_err().0;
    assert!(
        late.starts_with("the change that waited to be confirmed is taken back already"),
        "{late}"
    );
    // Said again it is meant; nobody is there to do it.
    assert_eq!(keeper.roll_back().unwrap_err().0, "the daemon is stopping");
}

#[test]
fn what_is_tried_out_can_be_taken_back_at_once() {
    let stage = Stage::new();
    stage.change(apply("", Some(600))).unwrap();
    let back = stage.change(Method::ConfigRollback).unwrap();
    assert_eq!((back.revision, back.unconfirmed), (7, false));
    assert_eq!(stage.wanted().len(), 2);
    assert!(stage.saved().is_empty());
    // Nothing that is so already needs to be confirmed.
    assert!(!stage.change(apply(BASE, Some(600))).unwrap().unconfirmed);
}

/// What state does not take back is not taken for stored.
#[test]
fn what_cannot_be_taken_back_waits_on() {
    let stage = Stage::new();
    stage.change(apply("", Some(600))).unwrap();
    stage.refuses.store(true, Ordering::Relaxed);
    let told = stage.change(Method::ConfigRollback).unwrap_err();
    assert_eq!(told, "the switch does not");
    assert!(
        stage
            .change(mtu(9000))
            .unwrap_err()
            .starts_with("port.name: there is no")
    );
    stage.refuses.store(false, Ordering::Relaxed);
    stage.change(Method::ConfigRollback).unwrap();
    assert_eq!(stage.wanted().len(), 2);

    let mut keeper = Keeper {
        unconfirmed: Some(Unconfirmed {
            deadline: Instant::now(),
        }),
        ..lone()
    };
    keeper.expire(Instant::now());
    let left = keeper.unconfirmed.unwrap().deadline - Instant::now();
    assert!(left > AGAIN / 2, "it tries again: {left:?}");
}

#[test]
fn a_confirmation_counts_when_it_is_asked_not_when_it_is_served() {
    for in_time in [true, false] {
        let (sender, receiver) = changes();
        let state = std::thread::spawn(move || {
            let changes = receiver.iter();
            changes
                .map(|change| change.answer(Ok(Done::default())))
                .count()
        });
        let begun = Begun {
            wanted: Arc::new(base()),
            previous: None,
            revision: 0,
            kept: Kept::Nothing,
            due: false,
        };
        let (request, answer) = Request::new(Method::ConfigConfirm).unwrap();
        let deadline = request.asked + Duration::from_millis(u64::from(in_time));
        let keeper = Keeper {
            unconfirmed: Some(Unconfirmed { deadline }),
            stored: Arc::new(Wanted::default()),
            ..Keeper::new(begun, sender)
        };
        let (sender, receiver) = requests(1);
        sender.send(request).unwrap();
        std::thread::sleep(Duration::from_millis(10));
        let thread = keeper.start(receiver, None).unwrap();
        assert_eq!(answer.blocking_recv().unwrap().is_ok(), in_time);
        drop(sender);
        thread.join().unwrap();
        let taken_back = state.join().unwrap();
        assert_eq!(taken_back, usize::from(!in_time));
    }
}
