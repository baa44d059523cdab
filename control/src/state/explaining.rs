//! Clients that want to know what would become of a frame. Each takes a part of a millisecond of the
//! state thread, which may be a worker's as well: so there is a limit to how many a second.

use super::State;
use crate::api::messages::{Method, Reply};
use crate::api::{Refused, Request};
use crate::bucket::Bucket;
use fastpath::io::Io;
use fastpath::stats::WorkerStats;
use std::collections::VecDeque;

/// Answers in a second.
const RATE: u32 = 100;
/// Answers one after the other, if nobody has asked for long: each client may ask at once.
const BURST: u32 = 64;
/// Most clients that wait for their turn.
const LIMIT: usize = 16;

/// What explaining needs.
pub(super) struct Explaining {
    waiting: VecDeque<Request>,
    turns: Bucket,
    /// Where frames are counted that are not there. Nobody reads it. It is large, and so made once.
    pub(super) unread: WorkerStats,
}

impl Default for Explaining {
    fn default() -> Self {
        Explaining {
            waiting: VecDeque::new(),
            turns: Bucket::new(RATE, BURST),
            unread: WorkerStats::default(),
        }
    }
}

impl Explaining {
    /// Takes a question, or refuses it if too many wait.
    pub(super) fn take(&mut self, request: Request) {
        if self.waiting.len() < LIMIT {
            return self.waiting.push_back(request);
        }
        let busy = "too many clients are asking for explanations; ask again";
        request.refuse(Refused(busy.to_owned()));
    }

    /// The one whose turn it is. Who has gone is passed over.
    fn next(&mut self, now: u64) -> Option<Request> {
        self.waiting.retain(|request| !request.reply.is_closed());
        if self.waiting.is_empty() || !self.turns.take(now) {
            return None;
        }
        self.waiting.pop_front()
    }
}

impl<I: Io> State<I> {
    /// Answers one client at most.
    pub(super) fn explain_one(&mut self) -> bool {
        let Some(request) = self.explaining.next(self.now) else {
            return false;
        };
        let answer = match &request.method {
            Method::Explain(question) if question.ask_workers => {
                self.ask_workers(request);
                return true;
            }
            Method::Explain(question) => self
                .explain(question)
                .map(|life| Reply::Explanation(Box::new(life))),
            Method::ExplainFdb(mac) => Ok(Reply::StationsBehind(self.stations_behind(*mac))),
            // Nobody else is taken.
            _ => return true,
        };
        match answer {
            Ok(reply) => request.answer(reply),
            Err(refused) => request.refuse(refused),
        }
        true
    }
}
