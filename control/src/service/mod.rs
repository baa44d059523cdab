//! What a service manager is told: that the switch forwards, how it is, that everything goes on.
//!
//! ```text
//! api, device, keeper, workers --count--> Service::turn, on the state thread --READY, STATUS, WATCHDOG--> manager
//! ```
//!
//! The state thread looks, so the word to the watchdog also says that state goes on: if state hangs,
//! nobody tells anything. It is no thread of its own, which would go on by itself alone.

mod alive;
mod notify;
mod threads;

pub use alive::{Alive, Look, News, Pulse};
pub use notify::{Notifier, watchdog};
pub use threads::Threads;

use std::env;
use std::io::ErrorKind;
use std::time::Duration;
use tracing::{info, warn};

/// Milliseconds between two looks.
const LOOK: u64 = 50;
/// Milliseconds for which a part may stand still where there is no watchdog: then it is only named.
const UNWATCHED: u64 = 10_000;
/// Milliseconds that the device thread may take for one call of a driver: a NIC with much to set up takes
/// many seconds, and so does the kernel where it waits for RCU. After this time Linux itself says that a
/// task hangs.
pub const DEVICE_PATIENCE: u64 = 120_000;
/// Milliseconds that the keeper may take between two of its turns: it waits for state, which waits for
/// workers and up to 45 s for NICs.
pub const KEEPER_PATIENCE: u64 = 90_000;

/// How often a thread of control that has nothing to do counts at least.
pub const BEAT: Duration = Duration::from_millis(100);

/// The manager, and what it expects.
#[derive(Debug, Default)]
pub struct Manager {
    /// The way to it; none: nobody is told.
    pub notifier: Option<Notifier>,
    /// The watchdog's time: it must hear of us within. Two seconds or more.
    pub watchdog: Option<Duration>,
}

impl Manager {
    /// As the environment has it: `NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID`.
    pub fn of_environment() -> Self {
        let name = env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty());
        let notifier = name.and_then(|name| {
            let notifier = Notifier::new(&name);
            let said = |error: &std::io::Error| {
                warn!("NOTIFY_SOCKET={}: {error}", name.to_string_lossy());
            };
            notifier.inspect_err(said).ok()
        });
        let (usec, pid) = (env::var_os("WATCHDOG_USEC"), env::var_os("WATCHDOG_PID"));
        let watchdog = watchdog(usec.as_deref(), pid.as_deref(), std::process::id());
        Manager { notifier, watchdog }
    }
}

/// How many ports there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// Started.
    pub open: usize,
    /// Being opened, for the first time. Those that failed once are tried again for ever.
    pub opening: usize,
    /// All.
    pub all: usize,
}

/// Reads what a part says of itself.
type Source = Box<dyn Fn() -> Pulse>;

/// The daemon as a service. It belongs to the state thread.
pub struct Service {
    manager: Manager,
    alive: Alive,
    /// Milliseconds for which a manager is to wait on, while the start goes on.
    extension: u64,
    sources: Vec<Source>,
    workers: usize,
    next_look: u64,
    ready: bool,
    told: Told,
}

/// What the manager has heard.
#[derive(Debug, Default)]
struct Told {
    ready: bool,
    status: String,
    /// A word to the watchdog that could not be sent yet.
    owes_word: bool,
    /// It could not be reached, and that was said.
    lost: bool,
}

impl Service {
    /// Of a daemon with so many workers.
    pub fn new(manager: Manager, workers: usize) -> Self {
        let half = |watchdog: Duration| u64::try_from(watchdog.as_millis() / 2).ok();
        let interval = manager.watchdog.and_then(half).unwrap_or(UNWATCHED);
        Service {
            manager,
            alive: Alive::new(interval),
            extension: 2 * interval,
            sources: Vec::new(),
            workers,
            next_look: 0,
            ready: false,
            told: Told::default(),
        }
    }

    /// Watches a part by the counter that it counts up, at least each [`BEAT`]. It may stand still
    /// for `patience` milliseconds, or half the watchdog's time if that is longer.
    pub fn watch<P: Into<Pulse>>(
        &mut self,
        name: impl Into<String>,
        patience: u64,
        source: impl Fn() -> P + 'static,
    ) {
        self.alive.add(name, patience);
        self.sources.push(Box::new(move || source().into()));
    }

    /// To be called in each turn of state, at a time in milliseconds. Never blocks; mostly a
    /// comparison.
    pub fn turn(&mut self, now: u64, ports: impl FnOnce() -> Ports) {
        if now < self.next_look {
            return;
        }
        self.next_look = now + LOOK;
        let look = self.alive.look(self.sources.iter().map(|read| read()), now);
        for News { name, still } in look.news {
            match still {
                Some(still) => warn!("{name} has not come round for {still} ms"),
                None => info!("{name} comes round again"),
            }
        }
        let ports = ports();
        let status = self.status(ports);
        if !self.ready && ports.opening == 0 && self.alive.all_started() {
            self.ready = true;
            info!("{}", self.forwarding(ports));
        }
        self.tell(status, look.feed);
    }

    /// The daemon is about to end.
    pub fn stopping(&mut self) {
        self.send("STOPPING=1\nSTATUS=stopping\n");
    }

    fn forwarding(&self, Ports { open, all, .. }: Ports) -> String {
        let workers = self.workers;
        let plural = if workers == 1 { "" } else { "s" };
        format!("forwarding: {open} of {all} ports started, {workers} worker{plural}")
    }

    fn status(&self, ports: Ports) -> String {
        let late: Vec<&str> = self.alive.late().collect();
        let Ports { open, opening, all } = ports;
        match opening {
            _ if !late.is_empty() => format!("standing still: {}", late.join(", ")),
            0 => self.forwarding(ports),
            _ => format!("starting: {open} of {all} ports started, {opening} not tried yet"),
        }
    }

    /// Tells what is new. What cannot be told now is told at a later look.
    fn tell(&mut self, status: String, feed: bool) {
        self.told.owes_word |= feed;
        let mut lines = String::new();
        if self.ready && !self.told.ready {
            lines.push_str("READY=1\n");
        }
        if status != self.told.status {
            lines.push_str(&format!("STATUS={status}\n"));
        }
        if self.manager.watchdog.is_some() && self.told.owes_word {
            lines.push_str("WATCHDOG=1\n");
        }
        // As long as everything goes on, a start may take what time the ports need: some forward.
        if !self.ready && self.told.owes_word {
            let microseconds = 1_000 * self.extension;
            lines.push_str(&format!("EXTEND_TIMEOUT_USEC={microseconds}\n"));
        }
        if !lines.is_empty() && self.send(&lines) {
            self.told.ready = self.ready;
            self.told.status = status;
            self.told.owes_word = false;
        }
    }

    /// Whether it was sent.
    fn send(&mut self, lines: &str) -> bool {
        let Some(notifier) = &self.manager.notifier else {
            return false;
        };
        match notifier.tell(lines) {
            Ok(()) => self.told.lost = false,
            Err(error) => {
                // One that does not read at the moment will.
                let said = std::mem::replace(&mut self.told.lost, true);
                if !said && error.kind() != ErrorKind::WouldBlock {
                    warn!("the service manager cannot be told anything: {error}");
                }
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests;
