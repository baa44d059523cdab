//! Puts workers on lcores, and takes them back.

use fastpath::dpdk::{Clock, DpdkIo, Eal, LaunchError, Lcore, LcoreHandle};
use fastpath::worker::Worker;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

type DpdkWorker = Worker<DpdkIo>;

/// How long state sleeps when there was nothing to do.
const IDLE: Duration = Duration::from_micros(500);

/// Milliseconds since the daemon started, by the time-stamp counter.
#[derive(Clone, Copy)]
pub(crate) struct Milliseconds {
    clock: Clock,
    start: u64,
    per_millisecond: u64,
}

impl Milliseconds {
    /// Starts at 0.
    pub(crate) fn new(clock: Clock) -> Self {
        let per_millisecond = (clock.hz() / 1000).max(1);
        Milliseconds {
            clock,
            start: clock.now(),
            per_millisecond,
        }
    }

    /// The time. A CPU whose counter is a hair behind says 0.
    pub(crate) fn now(&self) -> u64 {
        self.clock.now().saturating_sub(self.start) / self.per_millisecond
    }
}

fn launch(
    eal: &Eal,
    lcore: Lcore,
    mut worker: DpdkWorker,
    clock: Milliseconds,
    stop: Arc<AtomicBool>,
) -> Result<LcoreHandle<DpdkWorker>, LaunchError> {
    eal.launch(lcore, move || {
        while !stop.load(Ordering::Relaxed) {
            worker.poll(clock.now());
        }
        worker
    })
}

/// Workers that run.
pub(crate) enum Running {
    /// Each on an lcore of its own.
    Lcores(Vec<LcoreHandle<DpdkWorker>>),
    /// One, on the main lcore, in turn with state.
    Main(Box<DpdkWorker>),
}

impl Running {
    /// Starts a worker on each worker lcore, or makes the main lcore poll if there is no other.
    pub(crate) fn start(
        eal: &Eal,
        mut workers: Vec<DpdkWorker>,
        clock: Milliseconds,
        stop: &Arc<AtomicBool>,
    ) -> Result<Self, LaunchError> {
        if eal.worker_lcores().is_empty()
            && let Some(worker) = workers.pop()
        {
            tracing::info!("a single lcore: the main one also polls");
            return Ok(Running::Main(Box::new(worker)));
        }
        let mut handles = Vec::new();
        for (lcore, worker) in eal.worker_lcores().iter().zip(workers) {
            match launch(eal, *lcore, worker, clock, Arc::clone(stop)) {
                Ok(handle) => handles.push(handle),
                Err(error) => {
                    stop.store(true, Ordering::Relaxed);
                    drop(Running::Lcores(handles).join());
                    return Err(error);
                }
            }
        }
        Ok(Running::Lcores(handles))
    }

    /// How many workers run.
    pub(crate) fn count(&self) -> usize {
        match self {
            Running::Lcores(handles) => handles.len(),
            Running::Main(_) => 1,
        }
    }

    /// Calls `step`, which says whether it had anything to do, until told to stop.
    pub(crate) fn drive(
        &mut self,
        clock: Milliseconds,
        stop: &AtomicBool,
        mut step: impl FnMut(u64) -> bool,
    ) {
        let mut last = 0;
        while !stop.load(Ordering::Relaxed) {
            let now = clock.now();
            match self {
                Running::Lcores(_) if !step(now) => std::thread::sleep(IDLE),
                Running::Lcores(_) => {}
                Running::Main(worker) => {
                    worker.poll(now);
                    // State's turn comes once a millisecond.
                    if now != last {
                        last = now;
                        step(now);
                    }
                }
            }
        }
    }

    /// Waits for the workers to end their last round. The stop must have been asked for.
    pub(crate) fn join(self) -> Vec<DpdkWorker> {
        match self {
            Running::Main(worker) => vec![*worker],
            // A worker that panicked has ended the process.
            Running::Lcores(handles) => handles
                .into_iter()
                .filter_map(|handle| handle.join().ok())
                .collect(),
        }
    }
}
