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

pub use begin::{Begun, KeeperError, Sources, begin};
pub use kept::Kept;

use crate::api::{Refused, RequestReceiver};
use crate::change::{Change, ChangeSender, Done};
use crate::config::Wanted;
use crate::reconcile::{Step, steps};
use crossbeam_channel::RecvTimeoutError;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tracing::{info, warn};

/// Steps of a change that the log has.
const LOGGED: usize = 20;

/// What is wanted, and the ways to those who carry it out and keep it.
#[derive(Debug)]
pub struct Keeper {
    wanted: Arc<Wanted>,
    /// What was wanted before the last change that was kept.
    previous: Option<Arc<Wanted>>,
    revision: u64,
    kept: Kept,
    changes: ChangeSender,
    unconfirmed: Option<Unconfirmed>,
}

/// A change that is carried out and not kept.
#[derive(Debug)]
struct Unconfirmed {
    before: Arc<Wanted>,
    deadline: Instant,
}

impl Keeper {
    /// The keeper of what is wanted at the start, which state carries out by itself.
    pub fn new(begun: Begun, changes: ChangeSender) -> Self {
        Keeper {
            wanted: begun.wanted,
            previous: begun.previous,
            revision: begun.revision,
            kept: begun.kept,
            changes,
            unconfirmed: None,
        }
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

    fn run(mut self, requests: &RequestReceiver) {
        loop {
            let received = match &self.unconfirmed {
                None => requests.recv().map_err(RecvTimeoutError::from),
                Some(change) => requests.recv_deadline(change.deadline),
            };
            self.expire(Instant::now());
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
            warn!("cannot go back: {refused}");
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
            return Ok(Done::default());
        }
        let (next, before) = (Arc::new(next), Arc::clone(&self.wanted));
        let done = self.carry_out(&next)?;
        match self.keep(&before, &next) {
            Ok(()) => Ok(done),
            Err(why) => {
                let back = self.carry_out(&before);
                let back = back.err().map_or_else(String::new, |refused| {
                    format!("; the switch does not go back either: {refused}")
                });
                Err(Refused(format!("the change cannot be stored: {why}{back}")))
            }
        }
    }

    /// Stores that `after` is wanted.
    fn keep(&mut self, before: &Arc<Wanted>, after: &Arc<Wanted>) -> Result<(), String> {
        self.revision = self.kept.commit(before, after, self.revision)?;
        self.previous = Some(Arc::clone(before));
        Ok(())
    }

    /// Has state carry out what lies between what is wanted and `next`, which is wanted then. If it
    /// is refused, nothing has changed.
    fn carry_out(&mut self, next: &Arc<Wanted>) -> Result<Done, Refused> {
        let stopping = || Refused("the daemon is stopping".to_owned());
        let steps = steps(&self.wanted, next);
        log(&steps);
        let (change, answer) = Change::new(Arc::clone(next), steps);
        self.changes.send(change).map_err(|_| stopping())?;
        let done = answer.recv().map_err(|_| stopping())??;
        self.wanted = Arc::clone(next);
        Ok(done)
    }

    /// As [`Keeper::change`], but only for a while if it is not confirmed.
    fn try_out(&mut self, next: Wanted, patience: Duration) -> Result<Done, Refused> {
        if self.unconfirmed.is_some() || next == *self.wanted {
            return self.change(next);
        }
        let before = Arc::clone(&self.wanted);
        let done = self.carry_out(&Arc::new(next))?;
        let deadline = Instant::now() + patience;
        self.unconfirmed = Some(Unconfirmed { before, deadline });
        Ok(done)
    }

    /// Keeps what was tried out.
    fn confirm(&mut self) -> Result<Done, Refused> {
        let Some(change) = self.unconfirmed.take() else {
            return Err(Refused("no change waits to be confirmed".to_owned()));
        };
        let now = Arc::clone(&self.wanted);
        match self.keep(&change.before, &now) {
            Ok(()) => Ok(Done::default()),
            Err(why) => {
                // There is still time to make room.
                self.unconfirmed = Some(change);
                Err(Refused(format!("the change cannot be stored: {why}")))
            }
        }
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
        match self.unconfirmed.take() {
            Some(change) => self.carry_out(&change.before),
            None => Ok(Done::default()),
        }
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
