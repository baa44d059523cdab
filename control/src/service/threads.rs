//! Which threads are watched, and how long each may stand still.

use super::{DEVICE_PATIENCE, KEEPER_PATIENCE, Manager, Pulse, Service};
use fastpath::stats::{Counter, WorkerStats};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What each thread counts up but state's own, which is the one that looks.
#[derive(Clone, Debug, Default)]
pub struct Threads {
    /// Turns of the api thread.
    pub api: Arc<Counter>,
    /// Turns of the device thread, and calls of drivers.
    pub device: Arc<Counter>,
    /// Turns of the keeper, and parts of a change.
    pub keeper: Arc<Counter>,
    /// The keeper waits for the disk.
    pub storing: Arc<AtomicBool>,
    /// Of each worker that runs, in their order.
    pub workers: Vec<Arc<WorkerStats>>,
}

impl Service {
    /// Of a daemon with these threads.
    pub fn watching(manager: Manager, threads: Threads) -> Self {
        let Threads {
            api,
            device,
            keeper,
            storing,
            workers,
        } = threads;
        let mut service = Service::new(manager, workers.len());
        service.watch("the api thread", 0, move || api.get());
        service.watch("the device thread", DEVICE_PATIENCE, move || device.get());
        // A disk that hangs would hang the next start too, and nothing would forward then.
        service.watch("the keeper", KEEPER_PATIENCE, move || Pulse {
            // Read first: it is set after the count before and cleared after the one behind.
            excused: storing.load(Ordering::Acquire),
            count: keeper.get(),
        });
        for (number, stats) in workers.into_iter().enumerate() {
            service.watch(format!("worker {number}"), 0, move || stats.rounds.get());
        }
        service
    }
}
