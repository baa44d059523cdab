//! What would decide a frame: asked of the workers that poll its port.

use super::{Done, Errand};
use crate::api::Refused;
use crate::api::messages::{DecidedBy, EntryNumber, Explanation, Poller, Question};
use crate::explain::is_cut;
use crate::state::State;
use fastpath::cache::{Survey, Task};
use fastpath::ids::PortId;
use fastpath::io::Io;
use fastpath::parse::parse;
use fastpath::probe::Probe;

impl<I: Io> State<I> {
    /// Nobody is asked about a frame that is dropped before it is decided.
    pub(super) fn probe(&self, question: &Question) -> Result<Errand, Refused> {
        let port = self.port_of_that_name(question.port)?;
        let (snapshot, frame) = (self.world.current(), question.frame.as_slice());
        let key = parse(port, frame, frame.len(), &snapshot.udp_ports).key;
        let workers = 0..self.workers.len();
        let asked = !is_cut(snapshot, port, frame);
        Ok(Errand {
            task: Task::Find(Probe::new(port, key, frame)),
            workers: workers
                .filter(|worker| asked && !self.queues(port, *worker).is_empty())
                .collect(),
        })
    }

    /// The explanation, with what the workers say, and which of them say nothing.
    pub(super) fn explain_asked(
        &self,
        question: &Question,
        surveys: &Done,
        silent: &[usize],
    ) -> Result<Explanation, Refused> {
        let port = self.port_of_that_name(question.port)?;
        let told = surveys.iter();
        let told = told.filter_map(|(worker, survey)| self.told(port, *worker, survey));
        let silent = silent.iter().filter_map(|worker| {
            Some(Poller {
                worker: (*worker).try_into().ok()?,
                queues: self.queues(port, *worker),
                decided: None,
                remembered: false,
                entry: None,
                look_up: 0,
            })
        });
        Ok(Explanation {
            pollers: told.chain(silent).collect(),
            ..self.explain(question)?
        })
    }

    fn told(&self, port: PortId, at: usize, survey: &Survey) -> Option<Poller> {
        let worker = at.try_into().ok()?;
        let finding = survey.finding();
        let number = |place| EntryNumber { worker, place };
        let record = survey.records().first();
        Some(Poller {
            worker,
            queues: self.queues(port, at),
            decided: Some(DecidedBy {
                resolved: finding.entry.is_none(),
                entry: finding.entry.map(number),
            }),
            remembered: finding.remembered,
            entry: record.and_then(|record| self.show_record(at, record)),
            look_up: finding.ticks.try_into().unwrap_or(u32::MAX),
        })
    }

    /// The receive queues of a port that a worker polls.
    fn queues(&self, port: PortId, worker: usize) -> Vec<u16> {
        let queues = self.ports.get(port).map_or(0, |port| port.queues.0);
        (0..queues)
            .filter(|queue| self.poller(port, usize::from(*queue)) == worker)
            .collect()
    }
}
