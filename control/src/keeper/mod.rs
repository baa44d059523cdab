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
use crate::change::{Change, ChangeSender, Done};
use crate::config::Wanted;
use crate::reconcile::{Step, steps};
use crate::service::BEAT;
use crossbeam_channel::RecvTimeoutError;
use fastpath::stats::Counter;
use std::io;
use std::sync::Arc;
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
    tell: Box<Tell>,
    turns: Arc<Counter>,
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
            tell: Box::new(|_, _| {}),
            turns: Arc::default(),
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

    /// Counts up at least each [`BEAT`] while there is nothing to do. While a change is made it stands
    /// still: for as long as state and the disk take.
    pub fn turns(&self) -> Arc<Counter> {
        Arc::clone(&self.turns)
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
        if let Err(refused) = self.take_back() {
            warn!("cannot go back, and tries again: {refused}");
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
        let (next, before) = (Arc::new(next), Arc::clone(&self.wanted));
        let (done, steps) = self.carry_out(&next)?;
        match self.keep(&next) {
            Ok(()) => {
                (self.tell)(self.revision, &steps);
                Ok(done)
            }
            Err(why) => {
                let back = self.carry_out(&before);
                let back = back.err().map_or_else(String::new, |refused| {
                    format!("; the switch does not go back either: {refused}")
                });
                Err(Refused(format!("the change cannot be stored: {why}{back}")))
            }
        }
    }

    /// What is wanted already is stored too, unless that failed before and state did not go back.
    fn keep_what_is(&mut self) -> Result<Done, Refused> {
        if self.wanted != self.stored {
            let kept = self.keep(&Arc::clone(&self.wanted));
            kept.map_err(|why| Refused(format!("the change cannot be stored: {why}")))?;
            (self.tell)(self.revision, &[]);
        }
        Ok(Done::default())
    }

    /// Stores that `next` is wanted.
    fn keep(&mut self, next: &Arc<Wanted>) -> Result<(), String> {
        self.revision = self.kept.commit(&self.stored, next, self.revision)?;
        self.previous = Some(std::mem::replace(&mut self.stored, Arc::clone(next)));
        Ok(())
    }

    /// Has state carry out what lies between what is wanted and `next`, which is wanted then. If it
    /// is refused, nothing has changed.
    fn carry_out(&mut self, next: &Arc<Wanted>) -> Result<(Done, Vec<Step>), Refused> {
        let stopping = || Refused("the daemon is stopping".to_owned());
        let steps = steps(&self.wanted, next);
        log(&steps);
        let (change, answer) = Change::new(Arc::clone(next), steps.clone());
        self.changes.send(change).map_err(|_| stopping())?;
        let done = answer.recv().map_err(|_| stopping())??;
        self.wanted = Arc::clone(next);
        Ok((done, steps))
    }

    /// As [`Keeper::change`], but only for a while if it is not confirmed.
    fn try_out(&mut self, next: Wanted, patience: Duration) -> Result<Done, Refused> {
        if self.unconfirmed.is_some() || next == *self.wanted {
            return self.change(next);
        }
        let (done, steps) = self.carry_out(&Arc::new(next))?;
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
        kept.map_err(|why| Refused(format!("the change cannot be stored: {why}")))?;
        self.unconfirmed = None;
        (self.tell)(self.revision, &[]);
        Ok(Done::default())
    }

    /// Goes back to what was before what is tried out, or before the last change.
    fn roll_back(&mut self) -> Result<Done, Refused> {
        if self.unconfirmed.is_some() {
            return self.take_back();
        }
        match &self.previous {
            Some(previous) => self.change(Wanted::clone(previous)),
            None => Err(Refused("there is nothing to go back to".to_owned())),
        }
    }

    /// Goes back to what was before what is tried out.
    fn take_back(&mut self) -> Result<Done, Refused> {
        let (done, steps) = self.carry_out(&Arc::clone(&self.stored))?;
        self.unconfirmed = None;
        (self.tell)(self.revision, &steps);
        Ok(done)
    }
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
