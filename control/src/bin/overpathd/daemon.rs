//! The life of the daemon: everything up, in order; everything down, in the opposite order.

use crate::account::Ledger;
use crate::device::{Devices, largest_mtu_of};
use crate::lcores::{Milliseconds, Running};
use control::api::{self, ApiError, Ways};
use control::args::CommandLine;
use control::change;
use control::config::Wanted;
use control::device;
use control::host::{self, Facts};
use control::keeper::{self, Begun, Keeper, KeeperError, Sources};
use control::service::{Manager, Ports, Service, Threads};
use control::state::{Assembly, Settings, State, assemble};
use fastpath::dpdk::{Clock, DpdkIo, Eal, EalError, LaunchError, Mempool, PoolConfig, PoolError};
use fastpath::stats::Counter;
use fastpath::worker::{Returned, Worker};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tracing::{info, warn};

/// Requests of clients that may wait for state.
const REQUESTS: usize = 64;
/// What a packet takes from memory beside its bytes: header, headroom, rounding.
const MBUF_OVERHEAD: u32 = 512;
/// Buffers are not made smaller than this.
const LEAST_ROOM: u32 = 2048;
/// DPDK's tables and the rings of queues take about as much again as the pool.
const SURROUNDINGS: u32 = 2;
/// How long ports may take to close at the end. The kernel's share of it (an XDP program or a tap
/// device taken away) waits for RCU under the lock of all network devices: tens of seconds where
/// several switches end on few, busy CPUs.
const CLOSING: Duration = Duration::from_secs(60);

/// Why the daemon did not start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DaemonError {
    #[error("{0}")]
    Keeper(#[from] KeeperError),
    #[error("{error}{advice}")]
    Eal { error: EalError, advice: Advice },
    #[error(
        "{error}{advice}\n  if it is the store that wants this: a file that wants less, and --replace"
    )]
    Pool { error: PoolError, advice: Advice },
    #[error("{0}")]
    Api(#[from] ApiError),
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
    #[error("cannot start a worker: {0}")]
    Launch(#[from] LaunchError),
    #[error("the account does not close: {0} packets are held")]
    Held(i64),
    #[error("{0} packets did not come back to the pool")]
    Leaked(usize),
}

/// What is missing on this host, and the commands that mend it.
#[derive(Debug)]
pub(crate) struct Advice(Vec<host::Finding>);

impl Advice {
    /// The commands that it names are this one, mended.
    fn here(pool_mb: u64) -> Self {
        let facts = Facts::gather(std::env::args_os(), pool_mb);
        Advice(host::diagnose(&facts))
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|finding| write!(f, "\n  {finding}"))
    }
}

/// Runs the daemon until a signal ends it.
pub(crate) fn run(line: &CommandLine) -> Result<(), DaemonError> {
    let begun = keeper::begin(Sources {
        config: line.options.config.as_deref(),
        store: line.options.store(),
        replace: line.options.replace,
    })?;
    let wanted = Arc::clone(&begun.wanted);
    let stop = Arc::new(AtomicBool::new(false));
    let signals = [SIGTERM, SIGINT, SIGHUP].into_iter();
    for signal in signals.filter(|signal| !is_ignored(*signal)) {
        // The first one asks, the second one insists.
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&stop))?;
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let mbuf = SURROUNDINGS * (MBUF_OVERHEAD + largest_mtu(&wanted).max(LEAST_ROOM));
    let pool_mb = (u64::from(wanted.switch.mbufs) * u64::from(mbuf)) >> 20;
    let advice = || Advice::here(pool_mb);
    let eal = Eal::init(line.eal.get(1..).unwrap_or_default()).map_err(|error| {
        let advice = advice();
        DaemonError::Eal { error, advice }
    })?;
    info!(
        "overpathd {} on {}",
        env!("CARGO_PKG_VERSION"),
        eal.version()
    );
    let pool = pool(&eal, &wanted).map_err(|error| {
        let advice = advice();
        DaemonError::Pool { error, advice }
    })?;
    let begun = begun.keep()?;
    let (ledger, kept) = switch(line, begun, &eal, &pool, &stop)?;
    ledger.print();
    let out = pool.in_use().saturating_sub(kept);
    let held = ledger.account().held();
    match (held, out) {
        (0, 0) => Ok(()),
        (0, out) => Err(DaemonError::Leaked(out)),
        (held, _) => Err(DaemonError::Held(held)),
    }
}

/// Whether we were started so that a signal is ignored, as SIGHUP is by nohup.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

fn largest_mtu(wanted: &Wanted) -> u32 {
    let largest = wanted.ports.iter().map(|port| port.mtu).max();
    u32::from(largest.unwrap_or(1500))
}

fn pool(eal: &Eal, wanted: &Wanted) -> Result<Mempool, PoolError> {
    let mtu = largest_mtu(wanted) as u16;
    let (name, mbufs) = ("packets".to_owned(), wanted.switch.mbufs);
    Mempool::new(
        eal,
        &PoolConfig {
            name,
            mbufs,
            mtu,
            socket: None,
        },
    )
}

/// Returns the account, and how many packets drivers have kept.
fn switch(
    line: &CommandLine,
    begun: Begun,
    eal: &Eal,
    pool: &Mempool,
    stop: &Arc<AtomicBool>,
) -> Result<(Ledger, usize), DaemonError> {
    let workers = eal.worker_lcores().len().max(1);
    let wanted = Arc::clone(&begun.wanted);
    let ports: Vec<_> = wanted
        .ports
        .iter()
        .map(|port| port.name.to_string())
        .collect();
    let (device, orders) = device::channel();
    let (state, requests) = api::requests(REQUESTS);
    let (keeper, edits) = api::requests(REQUESTS);
    let (carry_out, changes) = change::changes();
    // The main lcore's CPU is the control side's: workers never wait for a client or a NIC.
    let core = eal.main_lcore().cpu();
    let server = serve(line, core, Ways { state, keeper })?;
    let device_turns = Arc::<Counter>::default();
    let devices = Devices {
        eal: eal.clone(),
        pool: pool.clone(),
        workers: workers as u16,
        end: orders,
        turns: Arc::clone(&device_turns),
    };
    let devices = std::thread::Builder::new()
        .name("device".into())
        .spawn(|| devices.run())?;
    let Assembly {
        mut state,
        workers,
        stats,
    } = assemble(Settings {
        switch: wanted.switch,
        version: eal.version().to_owned(),
        pool: pool.clone(),
        largest_mtu: largest_mtu_of(pool),
        workers,
        device,
        requests,
        changes,
    });
    let teller = state.teller();
    let keeper = Keeper::new(begun, carry_out).telling(move |revision, steps| {
        teller.config(revision, steps);
    });
    let threads = threads(&server, device_turns, &keeper);
    let keeper = keeper.start(edits, core)?;
    let mut ledger = Ledger {
        workers: stats,
        ports,
    };
    ledger.keep_for_panics();
    let clock = Milliseconds::new(Clock::new(eal));
    state.begin(wanted);
    let mut running = Running::start(eal, workers, clock, stop)?;
    let mut service = service(threads, &ledger, running.count());
    running.drive(clock, stop, |now| {
        let busy = state.step(now);
        service.turn(now, || ports_of(&state));
        busy
    });
    info!("stopping");
    service.stopping();
    ledger.ports = state.port_names();
    let queues = running.join().into_iter().flat_map(Worker::stop).collect();
    // All that workers copy is copied now.
    server.shutdown();
    let kept = shut_down(state, queues, devices);
    // Neither clients nor state are there any more: what it is at is its last change.
    if keeper.join().is_err() {
        warn!("the keeper ended in a panic");
    }
    Ok((ledger, kept))
}

/// Opens the socket.
fn serve(line: &CommandLine, core: Option<usize>, ways: Ways) -> Result<api::Server, DaemonError> {
    let settings = api::Settings {
        core,
        ..api::Settings::default()
    };
    let options = &line.options;
    let access = api::Access {
        uids: options.allow_uid.clone(),
        gids: options.allow_gid.clone(),
        group: options.socket_group,
    };
    let server = api::Server::start_for(access, &options.socket, ways, settings)?;
    Ok(server)
}

/// The threads of control that are watched.
fn threads(server: &api::Server, device: Arc<Counter>, keeper: &Keeper) -> Threads {
    Threads {
        api: server.turns(),
        device,
        keeper: keeper.turns(),
        storing: keeper.storing(),
        workers: Vec::new(),
    }
}

/// What the service manager hears of, if there is one: every thread but state's own, which tells it.
fn service(threads: Threads, ledger: &Ledger, workers: usize) -> Service {
    let workers = ledger
        .workers
        .iter()
        .take(workers)
        .map(Arc::clone)
        .collect();
    let manager = Manager::of_environment();
    Service::watching(manager, Threads { workers, ..threads })
}

fn ports_of(state: &State<DpdkIo>) -> Ports {
    let (open, opening, all) = state.progress();
    Ports { open, opening, all }
}

/// All workers have ended: close the ports with the queues that they gave back.
/// Returns how many packets drivers have kept.
fn shut_down(
    state: State<DpdkIo>,
    queues: Vec<Returned<DpdkIo>>,
    devices: JoinHandle<usize>,
) -> usize {
    let deadline = Instant::now() + CLOSING;
    let still_open = state.close(queues, || Instant::now() < deadline);
    for port in &still_open {
        warn!("port {port} did not close in {} s", CLOSING.as_secs());
    }
    // A driver that hangs must not keep the account from being printed.
    if !still_open.is_empty() {
        return 0;
    }
    devices.join().unwrap_or_else(|_| {
        warn!("the device thread ended in a panic");
        0
    })
}
