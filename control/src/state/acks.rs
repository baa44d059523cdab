//! Clients that wait for their change to reach the workers.
//!
//! A change is made when every worker has passed it. A worker that is slow to does not hold up the
//! client for long: after [`PATIENCE`] the answer names it. That begins with the first look after the
//! step that made the change, which may have taken long itself.

use crate::api::Request;
use crate::api::messages::{Changed, Reply};
use fastpath::ids::WorkerId;
use fastpath::publish::Change;
use std::collections::VecDeque;

/// Milliseconds that a client waits for the workers.
const PATIENCE: u64 = 10;
/// Most clients that wait. While there are so many no further request is taken, and the queue of
/// requests says that it is busy.
const LIMIT: usize = 64;

struct Pending {
    request: Request,
    change: Change,
    /// When the step began that made it, in milliseconds.
    made: u64,
    /// In milliseconds; none before the first look at a later time.
    deadline: Option<u64>,
}

/// Requests that are carried out and not answered yet, in the order of their changes.
#[derive(Default)]
pub(super) struct Acks {
    pending: VecDeque<Pending>,
}

impl Acks {
    /// Whether one more may wait: to be asked before a request is taken.
    pub(super) fn has_room(&self) -> bool {
        self.pending.len() < LIMIT
    }

    /// `request` was carried out by `change`, which is published, in the step that began at `now`, in
    /// milliseconds. Changes come in their order, and so do times.
    pub(super) fn wait(&mut self, request: Request, change: Change, now: u64) {
        self.pending.push_back(Pending {
            request,
            change,
            made: now,
            deadline: None,
        });
    }

    /// Answers those whose change every worker has passed, and those that have waited long enough.
    /// `laggards` are the workers that have not passed a change. Returns whether any was answered.
    pub(super) fn settle<L>(&mut self, laggards: impl Fn(Change) -> L, now: u64) -> bool
    where
        L: Iterator<Item = WorkerId>,
    {
        let mut settled = false;
        for pending in &mut self.pending {
            if pending.deadline.is_none() && now > pending.made {
                pending.deadline = Some(now + PATIENCE);
            }
        }
        // Who comes later has the later change and the later deadline.
        while let Some(first) = self.pending.front() {
            let lagging: Vec<u16> = laggards(first.change)
                .filter_map(|worker| worker.index().try_into().ok())
                .collect();
            let late = first.deadline.is_some_and(|deadline| deadline <= now);
            if !lagging.is_empty() && !late {
                break;
            }
            if let Some(first) = self.pending.pop_front() {
                first.request.answer(Reply::Changed(Changed {
                    lagging,
                    ..Changed::default()
                }));
            }
            settled = true;
        }
        settled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Answer;
    use crate::api::messages::Method;
    use fastpath::publish::{Publisher, Reader};

    struct Bench {
        world: Publisher<()>,
        workers: Vec<Reader<()>>,
        acks: Acks,
    }

    impl Bench {
        fn new(workers: usize) -> Self {
            let (world, workers) = Publisher::new((), workers);
            let acks = Acks::default();
            Bench {
                world,
                workers,
                acks,
            }
        }

        /// A client asked for something at `now`, and it was done.
        fn change(&mut self, now: u64) -> Answer {
            let method = Method::RouteDel("0.0.0.0/0".parse().unwrap());
            let (request, answer) = Request::new(method).unwrap();
            let change = self.world.change();
            self.acks.wait(request, change, now);
            answer
        }

        fn pass(&mut self, worker: usize) {
            self.workers[worker].observe();
            self.workers[worker].pass();
        }

        fn settle(&mut self, now: u64) -> bool {
            self.acks.settle(|change| self.world.laggards(change), now)
        }
    }

    /// The workers that lag, if there is an answer.
    fn lagging(answer: &mut Answer) -> Option<Vec<u16>> {
        match answer.try_recv().ok()?.unwrap() {
            Reply::Changed(changed) => Some(changed.lagging),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_answer_comes_when_the_last_worker_has_passed() {
        let mut bench = Bench::new(2);
        let mut answer = bench.change(100);
        assert!(!bench.settle(100));
        bench.pass(1);
        assert!(!bench.settle(100 + PATIENCE - 1));
        assert_eq!(lagging(&mut answer), None);
        bench.pass(0);
        assert!(bench.settle(100 + PATIENCE - 1));
        assert_eq!(lagging(&mut answer), Some(vec![]));
        assert!(!bench.settle(100 + PATIENCE), "once");
    }

    #[test]
    fn a_worker_that_takes_too_long_is_named() {
        let mut bench = Bench::new(3);
        let mut answer = bench.change(100);
        bench.pass(1);
        // The step that made the change took 50 ms, of which the workers had nothing.
        assert!(!bench.settle(100));
        assert!(!bench.settle(150));
        assert!(!bench.settle(150 + PATIENCE - 1));
        assert!(bench.settle(150 + PATIENCE));
        assert_eq!(lagging(&mut answer), Some(vec![0, 2]));
    }

    #[test]
    fn each_client_waits_for_its_own_change() {
        let mut bench = Bench::new(1);
        let mut first = bench.change(100);
        bench.pass(0);
        let mut second = bench.change(105);
        assert!(bench.settle(105));
        assert_eq!(lagging(&mut first), Some(vec![]));
        assert_eq!(lagging(&mut second), None);
        assert!(!bench.settle(106));
        assert!(!bench.settle(106 + PATIENCE - 1));
        assert!(bench.settle(106 + PATIENCE));
        assert_eq!(lagging(&mut second), Some(vec![0]));
    }

    #[test]
    fn a_client_that_has_gone_is_passed_over() {
        let mut bench = Bench::new(1);
        drop(bench.change(100));
        let mut second = bench.change(100);
        bench.pass(0);
        assert!(bench.settle(100));
        assert_eq!(lagging(&mut second), Some(vec![]));
    }

    #[test]
    fn so_many_may_wait_and_no_more() {
        let mut bench = Bench::new(1);
        let mut answers = Vec::new();
        while bench.acks.has_room() {
            answers.push(bench.change(100));
        }
        assert_eq!(answers.len(), LIMIT);
        bench.pass(0);
        bench.settle(100);
        assert!(bench.acks.has_room());
        assert!(answers.iter_mut().all(|a| lagging(a) == Some(vec![])));
    }
}
