//! Questions about the flow caches: surveys go out to the workers and come back when they are done.
//! Clients are served one after the other.

mod entry;
mod probe;

use super::State;
use super::wiring::WorkerEnd;
use crate::api::messages::{Caches, Entries, Flushed, Method, Reply, WorkerCache};
use crate::api::{Refused, Request};
use fastpath::cache::{Survey, Task, Which};
use fastpath::io::Io;
use fastpath::worker::Command;
use std::cmp::Reverse;
use std::collections::VecDeque;

/// Most entries of one worker in an answer.
const ROOM: usize = 4096;
/// Most clients that wait for their turn.
const LIMIT: usize = 16;
/// How long workers may take, in milliseconds: they look in each round, and all of a cache is seen in
/// a few hundred rounds. Clients wait for twice as long.
const PATIENCE: u64 = 5_000;

/// What is to be done for a client.
struct Errand {
    task: Task,
    /// The workers that are asked.
    workers: Vec<usize>,
}

/// The client that is served.
struct Served {
    request: Request,
    /// When it was asked for.
    since: u64,
    /// Workers that have not answered.
    missing: Vec<usize>,
    /// By number of the worker.
    surveys: Vec<(usize, Box<Survey>)>,
}

/// Surveys that are done.
type Done = [(usize, Box<Survey>)];

/// Clients with questions about caches.
#[derive(Default)]
pub(super) struct Surveys {
    waiting: VecDeque<(Request, Errand)>,
    served: Option<Served>,
    /// Workers with a survey that nobody waits for any more. They are asked again when it has come.
    owing: Vec<usize>,
}

impl Surveys {
    /// A worker gives a survey back.
    pub(super) fn take(&mut self, worker: usize, survey: Box<Survey>) {
        if let Some(late) = self.owing.iter().position(|owing| *owing == worker) {
            self.owing.swap_remove(late);
        } else if let Some(served) = &mut self.served {
            served.surveys.push((worker, survey));
            served.missing.retain(|missing| *missing != worker);
        }
    }

    /// The client whose answer is there, or who has waited long enough. One that has gone is waited
    /// for like others: only a worker that was given its time is said not to answer.
    fn done(&mut self, now: u64) -> Option<Served> {
        let owing = &self.owing;
        let done = self.served.take_if(|served| {
            let silent = served.missing.iter().all(|missing| owing.contains(missing));
            silent || now.saturating_sub(served.since) >= PATIENCE
        })?;
        let missing = done.missing.iter().copied();
        let new: Vec<usize> = missing.filter(|one| !owing.contains(one)).collect();
        self.owing.extend(new);
        Some(done)
    }

    /// Serves the next client, if none is being served. One that has gone is passed over.
    fn serve<I: Io>(&mut self, workers: &mut [WorkerEnd<I>], now: u64) {
        while self.served.is_none()
            && let Some((request, errand)) = self.waiting.pop_front()
        {
            if request.reply.is_closed() {
                continue;
            }
            let room = match errand.task {
                Task::Show(_) => ROOM,
                Task::Find(_) => 1,
                Task::Flush => 0,
            };
            let mut missing = Vec::new();
            for at in errand.workers {
                if let Some(worker) = workers.get_mut(at) {
                    missing.push(at);
                    if !self.owing.contains(&at) {
                        let survey = Box::new(Survey::new(errand.task, room));
                        worker.command(Command::Survey(survey));
                    }
                }
            }
            self.served = Some(Served {
                request,
                since: now,
                missing,
                surveys: Vec::new(),
            });
        }
    }
}

impl<I: Io> State<I> {
    /// Takes a question that workers are to answer. Refused at once is what cannot be answered.
    pub(super) fn ask_workers(&mut self, request: Request) {
        match self.errand(&request.method) {
            Err(refused) => request.refuse(refused),
            Ok(_) if self.surveys.waiting.len() >= LIMIT => {
                let busy = "too many clients are asking for the caches; ask again";
                request.refuse(Refused(busy.to_owned()));
            }
            Ok(errand) => self.surveys.waiting.push_back((request, errand)),
        }
    }

    fn errand(&self, method: &Method) -> Result<Errand, Refused> {
        let all = || (0..self.workers.len()).collect();
        let (which, workers) = match method {
            Method::CacheShow(Entries::Port(name)) => {
                (Which::Port(self.port_of_that_name(*name)?), all())
            }
            Method::CacheShow(Entries::Entry(number)) | Method::ExplainEntry(number) => {
                let (worker, count) = (usize::from(number.worker), self.workers.len());
                if worker >= count {
                    let why = format!("entry: there is no worker {worker}, but {count}, from 0");
                    return Err(Refused(why));
                }
                (Which::Place(number.place), vec![worker])
            }
            Method::ExplainDrop(reason) => (Which::Drops(*reason), all()),
            Method::Explain(question) => return self.probe(question),
            Method::CacheFlush => {
                let (task, workers) = (Task::Flush, all());
                return Ok(Errand { task, workers });
            }
            _ => (Which::All, all()),
        };
        let task = Task::Show(which);
        Ok(Errand { task, workers })
    }

    /// Begins the survey of the next client, and answers the one whose survey is done: at once, if
    /// nobody is to be asked.
    pub(super) fn survey(&mut self) -> bool {
        self.surveys.serve(&mut self.workers, self.now);
        let done = self.surveys.done(self.now);
        let busy = done.is_some();
        if let Some(Served {
            request,
            missing,
            mut surveys,
            ..
        }) = done
        {
            surveys.sort_by_key(|(worker, _)| *worker);
            match self.answer(&request.method, &surveys, &missing) {
                Ok(reply) => request.answer(reply),
                Err(refused) => request.refuse(refused),
            }
        }
        busy
    }

    /// `silent` are the workers that did not answer in time.
    fn answer(&self, method: &Method, surveys: &Done, silent: &[usize]) -> Result<Reply, Refused> {
        if let Method::Explain(question) = method {
            let explanation = self.explain_asked(question, surveys, silent)?;
            return Ok(Reply::Explanation(Box::new(explanation)));
        }
        if let Some(worker) = silent.first() {
            let why =
                format!("worker {worker} does not answer; see whether it has rounds in stats");
            return Err(Refused(why));
        }
        let mut caches = self.caches(surveys);
        Ok(match method {
            Method::CacheFlush => {
                let entries = surveys.iter().map(|(_, survey)| survey.found() as u64);
                Reply::Flushed(Flushed {
                    entries: entries.sum(),
                })
            }
            Method::ExplainEntry(number) => {
                let entry = caches.entries.pop().ok_or_else(|| {
                    Refused(format!("there is no entry {number}; see cache show"))
                })?;
                Reply::EntryBehind(Box::new(self.entry_behind(entry)))
            }
            Method::ExplainDrop(reason) => {
                let more = caches.workers.iter().map(|cache| cache.more).sum();
                let behind = self.drop_behind(*reason, caches.entries, more);
                Reply::DropBehind(Box::new(behind))
            }
            _ => Reply::Caches(Box::new(caches)),
        })
    }

    fn caches(&self, surveys: &Done) -> Caches {
        let workers = surveys.iter();
        let workers = workers.filter_map(|(worker, survey)| self.worker_cache(*worker, survey));
        let entries = surveys.iter().flat_map(|(worker, survey)| {
            let records = survey.records().iter();
            records.filter_map(|record| self.show_record(*worker, record))
        });
        let mut entries: Vec<_> = entries.collect();
        entries.sort_by_key(|entry| Reverse(entry.packets));
        Caches {
            workers: workers.collect(),
            entries,
        }
    }

    fn worker_cache(&self, worker: usize, survey: &Survey) -> Option<WorkerCache> {
        let (totals, stats) = (survey.totals(), &self.workers.get(worker)?.stats);
        Some(WorkerCache {
            worker: worker.try_into().ok()?,
            limit: totals.limit as u64,
            counters: super::counters::show_cache(&stats.cache),
            gone: totals.gone,
            masks: totals.masks.iter().map(entry::show_mask).collect(),
            other_hits: totals.other_hits,
            more: survey.found().saturating_sub(survey.records().len()) as u64,
        })
    }
}
