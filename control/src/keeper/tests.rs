//! The keeper before a state thread and a store that are played.

use super::kept::Played;
use super::*;
use crate::api::messages::{Changed, ConfigText, Method, Reply};
use crate::api::{Request, RequestSender, requests};
use crate::change::changes;
use crate::config::{Command, Edit, Words};
use serde_json::json;
use std::num::NonZeroU32;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

mod confirm;
mod shut;
mod turns;

/// What reached state: the steps of each change as text.
type Seen = Arc<Mutex<Vec<String>>>;

struct Stage {
    requests: RequestSender,
    seen: Seen,
    store: Played,
    told: Seen,
    /// State refuses whatever comes.
    refuses: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

const BASE: &str = "port = [{ name = 'lan', device = 'd0' }]\nbridge = [{ name = 'br0' }]\n";

fn base() -> Wanted {
    Wanted::parse(BASE, "base").unwrap()
}

impl Stage {
    fn new() -> Self {
        let store = Played::default();
        let (sender, receiver) = changes();
        let (seen, refuses) = (Seen::default(), Arc::new(AtomicBool::new(false)));
        let (log, no) = (Arc::clone(&seen), Arc::clone(&refuses));
        std::thread::spawn(move || {
            for change in receiver {
                let steps: Vec<String> = change.steps.iter().map(ToString::to_string).collect();
                log.lock().unwrap().push(steps.join("; "));
                let answer = match no.load(Ordering::Relaxed) {
                    true => Err(Refused("the switch does not".to_owned())),
                    false => Ok(Done::default()),
                };
                change.reply.send(answer).unwrap();
            }
        });
        let begun = Begun {
            wanted: Arc::new(base()),
            previous: None,
            revision: 7,
            kept: Kept::Played(store.clone()),
            due: false,
        };
        let (requests, receiver) = requests(16);
        let told = Seen::default();
        let hears = Arc::clone(&told);
        let keeper = Keeper::new(begun, sender).telling(move |revision, steps| {
            let steps: Vec<String> = steps.iter().map(ToString::to_string).collect();
            let line = format!("{revision}: {}", steps.join("; "));
            hears.lock().unwrap().push(line);
        });
        let thread = keeper.start(receiver, None).unwrap();
        Stage {
            told,
            requests,
            seen,
            store,
            refuses,
            thread,
        }
    }

    fn ask(&self, method: Method) -> Result<Reply, Refused> {
        let (request, answer) = Request::new(method).unwrap();
        self.requests.send(request).unwrap();
        answer.blocking_recv().unwrap()
    }

    fn change(&self, method: Method) -> Result<Changed, String> {
        match self.ask(method) {
            Ok(Reply::Changed(changed)) => Ok(changed),
            Ok(other) => panic!("{other:?}"),
            Err(refused) => Err(refused.0),
        }
    }

    /// What reached state since the last look.
    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    /// What was stored since the last look.
    fn saved(&self) -> Vec<Wanted> {
        std::mem::take(&mut self.store.saved.lock().unwrap())
    }

    fn wanted(&self) -> Vec<String> {
        let empty = file("");
        match self.ask(Method::ConfigDiff(empty)).unwrap() {
            Reply::Differing(differing) => differing.steps,
            other => panic!("{other:?}"),
        }
    }
}

fn file(text: &str) -> ConfigText {
    let (text, name) = (text.to_owned(), "new.toml".to_owned());
    ConfigText { text, name }
}

fn mtu(mtu: u64) -> Method {
    let words = [
        ("name".to_owned(), json!("lan")),
        ("mtu".to_owned(), json!(mtu)),
    ];
    Method::Edit(Edit::Do(Command::PortSet, Words::from_iter(words)))
}

fn apply(text: &str, confirm: Option<u32>) -> Method {
    Method::ConfigApply {
        file: file(text),
        confirm: confirm.and_then(NonZeroU32::new),
    }
}

const SET: &str = "port set lan mtu 9000";
const BACK: &str = "port set lan mtu default";

#[test]
fn a_change_is_carried_out_and_stored_and_then_answered() {
    let stage = Stage::new();
    let changed = stage.change(mtu(9000)).unwrap();
    assert_eq!((changed.revision, changed.unconfirmed), (8, false));
    assert_eq!(stage.seen(), [SET]);
    let saved = stage.saved();
    assert_eq!((saved.len(), saved[0].ports[0].mtu), (1, 9000));
    // What is so already is no change.
    assert_eq!(stage.change(mtu(9000)).unwrap().revision, 8);
    assert_eq!((stage.seen().len(), stage.saved().len()), (0, 0));
}

#[test]
fn what_does_not_hold_together_reaches_nobody() {
    let stage = Stage::new();
    let told = stage.change(mtu(1)).unwrap_err();
    assert_eq!(
        told,
        "port.mtu: 1 is out of range\n  allowed: a number from 68 to 9600"
    );
    let told = stage.change(apply("\nmtu = 1", None)).unwrap_err();
    assert!(told.starts_with("new.toml:2:1: mtu: is no key"), "{told}");
    assert_eq!((stage.seen().len(), stage.saved().len()), (0, 0));
}

#[test]
fn if_state_refuses_nothing_has_changed() {
    let stage = Stage::new();
    stage.refuses.store(true, Ordering::Relaxed);
    assert_eq!(stage.change(mtu(9000)).unwrap_err(), "the switch does not");
    assert!(stage.saved().is_empty());
    stage.refuses.store(false, Ordering::Relaxed);
    stage.seen();
    assert_eq!(stage.change(mtu(9000)).unwrap().revision, 8);
    assert_eq!(stage.seen(), [SET], "from what was before");
}

#[test]
fn if_it_cannot_be_stored_state_goes_back() {
    let stage = Stage::new();
    stage.store.full.store(true, Ordering::Relaxed);
    let told = stage.change(mtu(9000)).unwrap_err();
    assert_eq!(told, "the change cannot be stored: no room");
    assert_eq!(stage.seen(), [SET, BACK]);
    stage.store.full.store(false, Ordering::Relaxed);
    assert_eq!(stage.change(mtu(9000)).unwrap().revision, 8);
    assert_eq!(stage.seen(), [SET]);
}

#[test]
fn what_was_neither_stored_nor_taken_back_waits_to_be_confirmed() {
    let (sender, receiver) = changes();
    // State takes the change, and does not go back.
    let state = std::thread::spawn(move || {
        let answers = [Ok(Done::default()), Err(Refused("it stays".to_owned()))];
        for (change, answer) in receiver.iter().zip(answers) {
            change.answer(answer);
        }
    });
    let store = Played::default();
    let begun = Begun {
        wanted: Arc::new(base()),
        previous: None,
        revision: 7,
        kept: Kept::Played(store.clone()),
        due: false,
    };
    let mut keeper = Keeper::new(begun, sender);
    let next = || Wanted::parse(&BASE.replace("d0'", "d0', mtu = 9000"), "next").unwrap();
    store.full.store(true, Ordering::Relaxed);
    let told = keeper.change(next()).unwrap_err().0;
    let said = "the change cannot be stored: no room; it is in effect all the same, since the switch \
        does not go back: it stays: that is tried again every 10 s, by config rollback too; config confirm \
        stores it";
    assert_eq!(told, said);
    assert_eq!(*keeper.wanted, next());
    let told = keeper.change(base()).unwrap_err().0;
    assert!(told.starts_with("a change waits to be confirmed"), "{told}");
    let told = keeper.confirm().unwrap_err().0;
    assert_eq!(told, "the change cannot be stored: no room");
    store.full.store(false, Ordering::Relaxed);
    keeper.confirm().unwrap();
    assert_eq!(keeper.revision, 8);
    assert_eq!(*store.saved.lock().unwrap(), [next()]);
    keeper.change(next()).unwrap();
    assert_eq!(keeper.revision, 8);
    drop(keeper);
    state.join().unwrap();
}

#[test]
fn a_file_is_compared_and_changes_nothing() {
    let stage = Stage::new();
    let new = file(&BASE.replace("d0'", "d0', mtu = 9000"));
    match stage.ask(Method::ConfigDiff(new.clone())).unwrap() {
        Reply::Differing(differing) => assert_eq!(differing.steps, [SET]),
        other => panic!("{other:?}"),
    }
    match stage.ask(Method::ConfigCheck(new)).unwrap() {
        Reply::Checked(checked) => assert_eq!(checked.steps, 1),
        other => panic!("{other:?}"),
    }
    assert_eq!((stage.seen().len(), stage.saved().len()), (0, 0));
    assert_eq!(stage.wanted(), ["bridge del br0", "port del lan"]);
}

#[test]
fn each_change_that_was_made_is_told() {
    let stage = Stage::new();
    stage.change(mtu(9000)).unwrap();
    stage.change(mtu(1)).unwrap_err();
    stage.store.full.store(true, Ordering::Relaxed);
    stage.change(mtu(1500)).unwrap_err();
    stage.store.full.store(false, Ordering::Relaxed);
    let empty = "bridge del br0; port del lan";
    let full = "port add lan device d0 mtu 9000; bridge add br0";
    stage.change(apply("", Some(600))).unwrap();
    stage.change(Method::ConfigRollback).unwrap();
    stage.change(apply("", Some(600))).unwrap();
    stage.change(Method::ConfigConfirm).unwrap();
    let told = std::mem::take(&mut *stage.told.lock().unwrap());
    let expected = [
        format!("8: {SET}"),
        format!("8: {empty}"),
        format!("8: {full}"),
    ];
    assert_eq!(told[..3], expected);
    assert_eq!(told[3..], [format!("8: {empty}"), "9: ".to_owned()]);
}

#[test]
fn a_rollback_goes_one_change_back_and_is_a_change_itself() {
    let stage = Stage::new();
    let told = stage.change(Method::ConfigRollback).unwrap_err();
    assert_eq!(told, "there is nothing to go back to");
    stage.change(mtu(9000)).unwrap();
    stage.change(apply("", None)).unwrap();
    stage.seen();
    let back = stage.change(Method::ConfigRollback).unwrap();
    assert_eq!((back.revision, stage.seen().len()), (10, 1));
    assert_eq!(stage.saved().pop().unwrap().ports[0].mtu, 9000);
    stage.change(Method::ConfigRollback).unwrap();
    assert_eq!(stage.saved(), [Wanted::default()], "and forth");
}

/// One whose state has ended.
fn lone() -> Keeper {
    let (sender, receiver) = changes();
    drop(receiver);
    let begun = Begun {
        wanted: Arc::new(base()),
        previous: None,
        revision: 0,
        kept: Kept::Nothing,
        due: false,
    };
    Keeper::new(begun, sender)
}

#[test]
fn a_keeper_that_has_nothing_to_do_comes_round() {
    let keeper = lone();
    let turns = keeper.turns();
    let (requests, receiver) = requests(1);
    let thread = keeper.start(receiver, None).unwrap();
    let start = Instant::now();
    while turns.get() < 3 {
        assert!(start.elapsed() < Duration::from_secs(60), "it stands still");
        std::thread::sleep(Duration::from_millis(10));
    }
    drop(requests);
    thread.join().unwrap();
}

#[test]
fn what_nobody_waits_for_any_more_is_not_begun() {
    let stage = Stage::new();
    let (request, answer) = Request::new(mtu(9000)).unwrap();
    drop(answer);
    stage.requests.send(request).unwrap();
    assert_eq!(stage.change(mtu(1400)).unwrap().revision, 8);
    assert_eq!(stage.seen(), ["port set lan mtu 1400"]);
}

#[test]
fn the_keeper_ends_with_its_clients_and_says_so_when_state_has_ended() {
    let stage = Stage::new();
    drop(stage.requests);
    stage.thread.join().unwrap();

    let mut keeper = lone();
    let refused = keeper.change(Wanted::default()).unwrap_err();
    assert_eq!(refused.0, "the daemon is stopping");
    assert_eq!(**keeper.wanted(), base());
}
