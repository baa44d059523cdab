//! The environment that DPDK runs in.

#![expect(unsafe_code, reason = "initialises and ends foreign state")]

use super::{Errno, Lcore, event, log};
use dpdk_sys as sys;
use std::ffi::{CStr, CString, OsStr, c_char, c_int};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// DPDK keeps its state in globals, and cannot be initialised twice.
static INITIALISED: AtomicBool = AtomicBool::new(false);

/// DPDK did not start.
#[derive(Debug, thiserror::Error)]
pub enum EalError {
    /// It was started before in this process.
    #[error("DPDK was initialised before in this process")]
    AlreadyInitialised,
    /// An argument has a zero byte.
    #[error("EAL argument {0:?} has a zero byte")]
    Argument(String),
    /// The EAL did not understand these arguments.
    #[error("arguments unknown to the EAL: {}", .0.join(" "))]
    Unknown(Vec<String>),
    /// The EAL failed; its log says more.
    #[error("DPDK cannot start: {0}")]
    Init(Errno),
}

/// DPDK, initialised. Its clones are one; with the last of them, DPDK is cleaned up.
///
/// Pools, ports and running closures hold a clone.
#[derive(Clone, Debug)]
pub struct Eal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    main: Lcore,
    workers: Vec<Lcore>,
}

impl Eal {
    /// Initialises DPDK, once in the life of the process. The calling thread becomes the main
    /// lcore and is pinned to its CPU; threads it spawns later inherit that.
    ///
    /// `args` are those of the EAL, without a program name. DPDK's log goes to `tracing` from here
    /// on, with the target `dpdk`. Arguments like `--help` end the process, as the EAL will have
    /// it.
    pub fn init<S: AsRef<OsStr>>(args: &[S]) -> Result<Self, EalError> {
        let argv = arguments(args)?.leak();
        if INITIALISED.swap(true, Ordering::SeqCst) {
            return Err(EalError::AlreadyInitialised);
        }
        log::redirect();
        let count = argv.len() - 1;
        // SAFETY: `argv` is an array of `count` strings and a null. Array and strings are leaked, as
        // the EAL keeps pointers into them. It is called once (above).
        let taken = unsafe { sys::rte_eal_init(count as c_int, argv.as_mut_ptr()) };
        if taken < 0 {
            return Err(EalError::Init(Errno::last()));
        }
        let eal = Eal(Arc::new(Inner::new()));
        event::subscribe();
        // The EAL moves what it does not know behind the rest.
        let unknown = argv[..count]
            .iter()
            .skip(1 + usize::try_from(taken).unwrap_or(0));
        // SAFETY: the EAL reorders the strings, and puts the first one behind those that it took.
        let unknown: Vec<_> = unknown.map(|arg| unsafe { CStr::from_ptr(*arg) }).collect();
        if !unknown.is_empty() {
            return Err(EalError::Unknown(
                unknown
                    .iter()
                    .map(|arg| arg.to_string_lossy().into_owned())
                    .collect(),
            ));
        }
        Ok(eal)
    }

    /// Name and number of the release that runs, as in "DPDK 22.11.11".
    pub fn version(&self) -> &'static str {
        // SAFETY: returns a string that lives as long as the process.
        let version = unsafe { CStr::from_ptr(sys::rte_version()) };
        version.to_str().unwrap_or("DPDK")
    }

    /// The thread that called [`Eal::init`].
    pub fn main_lcore(&self) -> Lcore {
        self.0.main
    }

    /// The other threads of the EAL, in the order of their numbers.
    pub fn worker_lcores(&self) -> &[Lcore] {
        &self.0.workers
    }

    /// No thread that has a cache in a pool can be using it: this is the main lcore, and nothing
    /// runs on the others.
    pub(super) fn is_quiet(&self) -> bool {
        current() == self.0.main.number() && self.0.workers.iter().all(|lcore| lcore.is_waiting())
    }
}

impl Inner {
    /// Only after `rte_eal_init`.
    fn new() -> Self {
        // SAFETY: reads a number that the EAL stored.
        let main = Lcore(unsafe { sys::rte_get_main_lcore() });
        let next = |lcore: &Lcore| {
            // SAFETY: walks over a table of the EAL, main lcore skipped, no wrapping.
            let next = unsafe { sys::rte_get_next_lcore(lcore.0, 1, 0) };
            (next < sys::K_MAX_LCORE).then_some(Lcore(next))
        };
        // From minus one on, as DPDK's own loop does.
        let workers = std::iter::successors(next(&Lcore(u32::MAX)), next).collect();
        Inner { main, workers }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        event::unsubscribe();
        // SAFETY: every owner of something of DPDK's holds a clone of `Eal`, so none is left.
        let returned = unsafe { sys::rte_eal_cleanup() };
        if let Err(errno) = Errno::check(returned) {
            tracing::warn!(%errno, "DPDK was not cleaned up");
        }
    }
}

/// The lcore number of the calling thread, or the largest number (`LCORE_ID_ANY`).
fn current() -> u32 {
    // SAFETY: reads a variable of the thread.
    unsafe { sys::shim_lcore_id() }
}

/// Program name, arguments and a null, all leaked.
fn arguments<S: AsRef<OsStr>>(args: &[S]) -> Result<Vec<*mut c_char>, EalError> {
    let mut argv = Vec::with_capacity(args.len() + 2);
    for arg in [OsStr::new("overpathd")]
        .into_iter()
        .chain(args.iter().map(AsRef::as_ref))
    {
        let text = CString::new(arg.as_bytes())
            .map_err(|_| EalError::Argument(arg.to_string_lossy().into_owned()))?;
        argv.push(text);
    }
    let mut argv: Vec<_> = argv.into_iter().map(CString::into_raw).collect();
    argv.push(std::ptr::null_mut());
    Ok(argv)
}
