//! Threads that DPDK pinned at start.

#![expect(unsafe_code, reason = "hands closures to foreign threads")]

use super::{Eal, Errno};
use dpdk_sys as sys;
use std::ffi::{c_int, c_void};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// A thread of the EAL, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lcore(pub(super) u32);

impl Lcore {
    /// The number that the EAL gave it (`-l`, `--lcores`).
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The CPU it runs on, as the kernel numbers them: the first one, if it may run on several.
    pub fn cpu(self) -> Option<usize> {
        // SAFETY: reads a table of the EAL, and the number came from it.
        let set = unsafe { sys::rte_lcore_cpuset(self.0) };
        let word_bits = u64::BITS as usize;
        let words = set
            .__bits
            .iter()
            .enumerate()
            .filter(|(_, word)| **word != 0);
        words
            .map(|(place, word)| place * word_bits + word.trailing_zeros() as usize)
            .next()
    }

    /// The memory next to its CPU.
    pub fn socket(self) -> u32 {
        // SAFETY: reads a table of the EAL, and the number came from it.
        unsafe { sys::rte_lcore_to_socket_id(self.0) }
    }

    /// Nothing runs on this worker lcore.
    pub(super) fn is_waiting(self) -> bool {
        // SAFETY: as above.
        unsafe { sys::rte_eal_get_lcore_state(self.0) == sys::rte_lcore_state_t::WAIT }
    }
}

impl fmt::Display for Lcore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A closure could not be started on an lcore.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The main lcore is the caller's own thread.
    #[error("lcore {0} is no worker lcore")]
    NotAWorker(Lcore),
    /// Something runs there, or the thread cannot be reached.
    #[error("cannot launch on lcore {lcore}: {errno}")]
    Launch {
        /// Where to.
        lcore: Lcore,
        /// Why: `EBUSY` says that something runs there.
        errno: Errno,
    },
}

/// A closure that runs on a worker lcore. Dropping it lets the closure run on.
#[derive(Debug)]
pub struct LcoreHandle<T> {
    lcore: Lcore,
    result: Receiver<thread::Result<T>>,
    _eal: Eal,
}

impl<T> LcoreHandle<T> {
    /// Where it runs.
    pub fn lcore(&self) -> Lcore {
        self.lcore
    }

    /// Waits for the end of the closure, then for its lcore to be free again. The error is what
    /// the closure panicked with, as of [`thread::JoinHandle::join`].
    pub fn join(self) -> thread::Result<T> {
        let result = self.result.recv();
        // SAFETY: the EAL is initialised as long as `self` lives, and the lcore is one of its.
        unsafe { sys::rte_eal_wait_lcore(self.lcore.0) };
        result.unwrap_or_else(|lost| Err(Box::new(lost)))
    }
}

/// What crosses to the lcore: one pointer to this.
type Job = Box<dyn FnOnce() + Send>;

/// The EAL checks that an lcore is idle, then takes it, in two steps.
static LAUNCH: Mutex<()> = Mutex::new(());

impl Eal {
    /// Runs `body` on a worker lcore. Any thread may launch.
    pub fn launch<T, F>(&self, lcore: Lcore, body: F) -> Result<LcoreHandle<T>, LaunchError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        if !self.worker_lcores().contains(&lcore) {
            return Err(LaunchError::NotAWorker(lcore));
        }
        let (sender, result) = sync_channel(1);
        let job: Box<Job> = Box::new(Box::new(move || {
            // Nobody may be waiting any more, and that is no error.
            drop(sender.send(catch_unwind(AssertUnwindSafe(body))));
        }));
        let job = Box::into_raw(job);
        let guard = LAUNCH.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: `run` takes what it is given as a `Box<Job>`, and is called once or not at all.
        let returned = unsafe { sys::rte_eal_remote_launch(Some(run), job.cast(), lcore.0) };
        drop(guard);
        if let Err(errno) = Errno::check(returned) {
            // SAFETY: the launch failed, so the box is still ours.
            drop(unsafe { Box::from_raw(job) });
            return Err(LaunchError::Launch { lcore, errno });
        }
        Ok(LcoreHandle {
            lcore,
            result,
            _eal: self.clone(),
        })
    }
}

/// Runs on the lcore. Does not unwind: the job catches panics of its body.
unsafe extern "C" fn run(job: *mut c_void) -> c_int {
    // SAFETY: made by `Eal::launch` with `Box::into_raw`, and given to this call alone.
    let job = unsafe { Box::from_raw(job.cast::<Job>()) };
    job();
    0
}
