//! Captures: state makes the taps, gives each worker its own, and hands the readers to who asked.
//!
//! Nobody says that a capture has ended: a worker gives a tap back whose reader is gone.

use super::State;
use crate::api::Refused;
use crate::api::messages::Capture;
use crate::trace::clock::Look;
use crate::trace::filter::Program;
use crate::trace::recording::{Feed, Watched};
use crate::trace::scope::Scope;
use fastpath::ids::WorkerId;
use fastpath::io::Io;
use fastpath::trace::tap::{Limits, TapReader, tap};
use fastpath::trace::watch::MAX_TAPS;
use fastpath::trace::wish::{Only, Wish};
use fastpath::worker::Command;
use std::sync::{Arc, Weak};

impl<I: Io> State<I> {
    /// Has packets copied that `filter` wants. Takes about a millisecond, most of it for memory.
    pub(super) fn capture(
        &mut self,
        capture: &Capture,
        filter: &Program,
    ) -> Result<Box<Feed>, Refused> {
        let scope = self.scope(capture, filter)?;
        self.feed(scope, capture)
    }

    /// The same for who explains them: what leaves is not what came in, and only of interest if it does
    /// not leave.
    pub(super) fn explain_next(
        &mut self,
        capture: &Capture,
        filter: &Program,
    ) -> Result<Box<Feed>, Refused> {
        let mut scope = self.scope(capture, filter)?;
        for wish in &mut scope.wishes {
            wish.sent = wish.only != Only::Everything;
        }
        self.feed(scope, capture)
    }

    fn scope(&self, capture: &Capture, filter: &Program) -> Result<Scope, Refused> {
        let number = |name| self.ports.by_name(name);
        Scope::new(&self.wanted, number, capture.of, filter)
    }

    fn feed(&mut self, scope: Scope, capture: &Capture) -> Result<Box<Feed>, Refused> {
        self.find_room(scope.wishes.len())?;
        let of: Arc<str> = scope.of.to_string().into();
        self.captures.push(Arc::downgrade(&of));
        let limits = Limits {
            snap: capture.snap.get().into(),
            ..Limits::default()
        };
        let since = Look::now();
        let wishes = scope.wishes.iter();
        Ok(Box::new(Feed {
            of,
            ports: self.watched(&scope.wishes),
            readers: wishes.flat_map(|wish| self.watch(wish, limits)).collect(),
            snap: capture.snap,
            count: capture.count,
            since,
        }))
    }

    /// Whether each worker takes so many taps more.
    fn find_room(&mut self, taps: usize) -> Result<(), Refused> {
        self.captures.retain(|of| of.strong_count() > 0);
        while self.watch.abandoned().is_some() {}
        let most = self.workers.iter().map(|worker| worker.taps).max();
        if most.unwrap_or(0) + taps <= MAX_TAPS {
            return Ok(());
        }
        let running: Vec<_> = self.captures.iter().filter_map(Weak::upgrade).collect();
        Err(Refused(format!(
            "no room: {MAX_TAPS} captures can run, of which a bridge with tunnels counts as two; \
             now run: {}",
            running.join(", ")
        )))
    }

    fn watched(&self, wishes: &[Wish]) -> Vec<Watched> {
        let ports = self.ports.iter();
        let ports = ports.filter(|port| wishes.iter().any(|wish| wish.ports.contains(port.id)));
        let watched = ports.map(|port| Watched {
            id: port.id,
            name: port.wanted.name.to_string(),
            device: port.wanted.device.devargs().to_owned(),
        });
        watched.collect()
    }

    /// Gives each worker a tap, and takes one for the packets that wait here.
    fn watch(&mut self, wish: &Wish, limits: Limits) -> Vec<(Option<WorkerId>, TapReader)> {
        let workers = self.workers.iter_mut().enumerate();
        let watched = workers.map(|(number, worker)| {
            let (tap, reader) = tap(wish.clone(), limits);
            worker.taps += 1;
            worker.command(Command::Watch(Box::new(tap)));
            (WorkerId::new(number), reader)
        });
        let mut readers: Vec<_> = watched.collect();
        let (tap, reader) = tap(wish.clone(), limits);
        // It has as many as the workers.
        drop(self.watch.add(Box::new(tap)));
        readers.push((None, reader));
        readers
    }
}
