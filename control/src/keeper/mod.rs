//! The keeper: the one owner of what is wanted, a synchronous thread that makes one change at a time.
//!
//! ```text
//! api --Request--> keeper: Wanted::edited -> reconcile::steps --Change--> state
//!       <--Reply--         what is wanted now <- store: commit   <--Done---
//! ```
//!
//! A change is whole. What does not hold together is refused before anybody is asked; if state
//! refuses, nothing was changed; if it cannot be stored, state is told to go back. So who has an answer
//! has it from the switch and from the store.
//!
//! A change that is to be confirmed is carried out and not stored: whatever happens until then, be
//! it the end of the time, of the client or of the daemon, what was before is wanted again.

mod answer;
mod begin;
mod kept;

#[cfg(test)]
pub(crate) use begin::with_store;
pub use begin::{Begun, KeeperError, Sources, begin};
pub use kept::Kept;

use crate::api::{Refused, RequestReceiver};
use crate::change::{Answer, Change, ChangeSender, Done};
use crate::config::Wanted;
use crate::reconcile::{Step, steps};
use crate::service::BEAT;
use crossbeam_channel::RecvTimeoutError;
use fastpath::stats::Counter;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tracing::{info, warn};

/// From one try to go back to the next, if state refuses.
const AGAIN: Duration = Duration::from_secs(10);
/// Steps of a change that the log has.
const LOGGED: usize = 20;

/// What is wanted, and the ways to those who carry it out and keep it.
pub struct Keeper {
    wanted: Arc<Wanted>,
    /// What is kept: the same, but for what is to be confirmed or could not be taken back.
    stored: Arc<Wanted>,
    /// What was kept before it.
    previous: Option<Arc<Wanted>>,
    revision: u64,
    kept: Kept,
    changes: ChangeSender,
    unconfirmed: Option<Unconfirmed>,
    /// What was not confirmed was taken back, and nobody has changed anything since.
    expired: bool,
    tell: Box<Tell>,
    turns: Arc<Counter>,
    storing: Arc<AtomicBool>,
}

/// Who hears of each change that was made: its revision, and the steps. Called on the keeper's thread.
pub type Tell = dyn Fn(u64, &[Step]) + Send;

/// A change that is carried out and not kept.
#[derive(Debug)]
struct Unconfirmed {
    deadline: Instant,
}

impl Keeper {
    /// The keeper of what is wanted at the start, which state carries out by itself.
    pub fn new(begun: Begun, changes: ChangeSender) -> Self {
        Keeper {
            stored: Arc::clone(&begun.wanted),
            wanted: begun.wanted,
            previous: begun.previous,
            revision: begun.revision,
            kept: begun.kept,
            changes,
            unconfirmed: None,
            expired: false,
            tell: Box::new(|_, _| {}),
            turns: Arc::default(),
            storing: Arc::default(),
        }
    }

    /// Has `tell` hear of each change from now on. One that is to be confirmed has the revision of what
    /// was before it.
    pub fn telling(self, tell: impl Fn(u64, &[Step]) + Send + 'static) -> Self {
        let tell = Box::new(tell);
        Keeper { tell, ..self }
    }

    /// Starts the thread, pinned to `core`, if one is said. It ends when nobody can send requests any
    /// more; while state does not take a change it waits.
    ///
    /// # Errors
    /// Those of the system.
    pub fn start(
        self,
        requests: RequestReceiver,
        core: Option<usize>,
    ) -> io::Result<JoinHandle<()>> {
        let thread = std::thread::Builder::new().name("keeper".into());
        thread.spawn(move || {
            if let Some(id) = core
                && !core_affinity::set_for_current(core_affinity::CoreId { id })
            {
                warn!("the keeper cannot be pinned to core {id}");
            }
            self.run(&requests);
        })
    }

    /// Counts up at least each [`BEAT`] while there is nothing to do, and before and after each part of a
    /// change: while state carries it out, or goes back, and while the disk takes it, it stands still.
    pub fn turns(&self) -> Arc<Counter> {
        Arc::clone(&self.turns)
    }

    /// Whether the disk is waited for.
    pub fn storing(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.storing)
    }

    fn run(mut self, requests: &RequestReceiver) {
        loop {
            self.turns.add(1);
            let beat = Instant::now() + BEAT;
            let unconfirmed = self.unconfirmed.as_ref();
            let next = unconfirmed.map_or(beat, |change| change.deadline.min(beat));
            let received = requests.recv_deadline(next);
            // What was asked in time counts as of then, however long it waited behind others: a
            // confirmation above all.
            let asked = received.as_ref().map(|request| request.asked);
            self.expire(asked.unwrap_or_else(|_| Instant::now()));
            match received {
                Ok(request) => self.serve(request),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// What is wanted now.
    pub fn wanted(&self) -> &Arc<Wanted> {
        &self.wanted
    }

    /// Goes back if a change was not confirmed in time.
    fn expire(&mut self, now: Instant) {
        if self
            .unconfirmed
            .as_ref()
            .is_none_or(|change| now < change.deadline)
        {
            return;
        }
        warn!(
            "a change was not confirmed in time: going back to revision {}",
            self.revision
        );
        self.expired = true;
        if let Err(refused) = self.take_back() {
            warn!("cannot go back, and tries again: {refused}");
            self.expired = false;
            let deadline = now + AGAIN;
            self.unconfirmed = Some(Unconfirmed { deadline });
        }
    }

    /// Makes `next` what is wanted, for good.
    fn change(&mut self, next: Wanted) -> Result<Done, Refused> {
        if let Some(change) = &self.unconfirmed {
            let left = change.deadline.saturating_duration_since(Instant::now());
            let text = format!(
                "a change waits to be confirmed, for {} s more: config confirm keeps it, \
                 config rollback takes it back",
                left.as_secs()
            );
            return Err(Refused(text));
        }
        if next == *self.wanted {
            return self.keep_what_is();
        }
        self.check_store()?;
        let (next, before) = (Arc::new(next), Arc::clone(&self.wanted));
        let (done, steps) = self.order(&next, Change::new)?;
        match self.keep(&next) {
            Ok(()) => {
                (self.tell)(self.revision, &steps);
                Ok(done)
            }
            Err(why) => {
                let stays = self.go_back(&before).err();
                let stays = stays.map_or_else(String::new, |refused| {
                    // It is carried out and not kept, as one that is to be confirmed.
                    (self.tell)(self.revision, &steps);
                    let deadline = Instant::now() + AGAIN;
                    self.unconfirmed = Some(Unconfirmed { deadline });
                    format!(
                        "; it is in effect all the same, since the switch does not go back: {refused}: that \
                         is tried again every {} s, by config rollback too; config confirm stores it",
                        AGAIN.as_secs()
                    )
                });
                Err(Refused(format!(
                    "the change cannot be stored: {why}{stays}"
                )))
            }
        }
    }

    /// Refuses before state has done anything, if it can be seen by now that nothing can be stored.
    fn check_store(&mut self) -> Result<(), Refused> {
        self.kept.ready().map_err(not_stored)
    }

    /// What is wanted already is stored too, unless the daemon began without a store that can be written.
    fn keep_what_is(&mut self) -> Result<Done, Refused> {
        if self.is_unkept() {
            let kept = self.keep(&Arc::clone(&self.wanted));
            kept.map_err(not_stored)?;
            (self.tell)(self.revision, &[]);
        }
        Ok(Done::default())
    }

    /// What is wanted came from a file, and was never stored.
    fn is_unkept(&self) -> bool {
        self.revision == 0
            && matches!(self.kept, Kept::Store(_))
            && !begin::wants_nothing(&self.wanted)
    }

    /// Stores that `next` is wanted.
    fn keep(&mut self, next: &Arc<Wanted>) -> Result<(), String> {
        self.expired = false;
        self.turns.add(1);
        self.storing.store(true, Ordering::Relaxed);
        let kept = self.kept.commit(&self.stored, next, self.revision);
        // Counted first: nobody is to see one that waits for nothing and has stood still for long.
        self.turns.add(1);
        self.storing.store(false, Ordering::Release);
        self.revision = kept?;
        self.previous = Some(std::mem::replace(&mut self.stored, Arc::clone(next)));
        Ok(())
    }

    /// Has state go back to what was.
    fn go_back(&mut self, next: &Arc<Wanted>) -> Result<(Done, Vec<Step>), Refused> {
        self.order(next, Change::back)
    }

    /// Has state carry out what lies between what is wanted and `next`, which is wanted then. If it
    /// is refused, nothing has changed.
    fn order(
        &mut self,
        next: &Arc<Wanted>,
        change: fn(Arc<Wanted>, Vec<Step>) -> (Change, Answer),
    ) -> Result<(Done, Vec<Step>), Refused> {
        let stopping = || Refused("the daemon is stopping".to_owned());
        let steps = steps(&self.wanted, next);
        log(&steps);
        self.turns.add(1);
        let (change, answer) = change(Arc::clone(next), steps.clone());
        self.changes.send(change).map_err(|_| stopping())?;
        let done = answer.recv().map_err(|_| stopping());
        self.turns.add(1);
        let done = done??;
        self.wanted = Arc::clone(next);
        Ok((done, steps))
    }

    /// As [`Keeper::change`], but only for a while if it is not confirmed.
    fn try_out(&mut self, next: Wanted, patience: Duration) -> Result<Done, Refused> {
        if self.unconfirmed.is_some() || next == *self.wanted {
            return self.change(next);
        }
        self.check_store()?;
        let (done, steps) = self.order(&Arc::new(next), Change::trial)?;
        (self.tell)(self.revision, &steps);
        let deadline = Instant::now() + patience;
        self.unconfirmed = Some(Unconfirmed { deadline });
        Ok(done)
    }

    /// Keeps what was tried out.
    fn confirm(&mut self) -> Result<Done, Refused> {
        if self.unconfirmed.is_none() {
            return Err(Refused("no change waits to be confirmed".to_owned()));
        }
        // If it fails there is still time to make room.
        let kept = self.keep(&Arc::clone(&self.wanted));
        kept.map_err(not_stored)?;
        self.unconfirmed = None;
        (self.tell)(self.revision, &[]);
        Ok(Done::default())
    }

    /// Goes back to what was before what is tried out, or before the last change.
    fn roll_back(&mut self) -> Result<Done, Refused> {
        if self.unconfirmed.is_some() {
            return self.take_back();
        }
        // Who is a moment late means the one that is gone already.
        if std::mem::take(&mut self.expired) {
            let text = "the change that waited to be confirmed is taken back already; say it again to take \
                back the one before it, too";
            return Err(Refused(text.to_owned()));
        }
        match &self.previous {
            Some(previous) => self.change(Wanted::clone(previous)),
            None => Err(Refused("there is nothing to go back to".to_owned())),
        }
    }

    /// Goes back to what was before what is tried out.
    fn take_back(&mut self) -> Result<Done, Refused> {
        let (done, steps) = self.go_back(&Arc::clone(&self.stored))?;
        self.unconfirmed = None;
        (self.tell)(self.revision, &steps);
        Ok(done)
    }
}

fn not_stored(why: String) -> Refused {
    Refused(format!("the change cannot be stored: {why}"))
}

fn log(steps: &[Step]) {
    for step in steps.iter().take(LOGGED) {
        info!("{step}");
    }
    if let Some(more) = steps.len().checked_sub(LOGGED).filter(|more| *more > 0) {
        info!("and {more} more steps");
    }
}

#[cfg(test)]
mod tests;
