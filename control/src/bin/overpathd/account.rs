//! The account of a run, printed at its end, however it ends.

use fastpath::drop::DropReason;
use fastpath::ids::PortId;
use fastpath::stats::{Account, PortStats, WorkerStats};
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::{Arc, OnceLock};

/// What a panic prints: the counters, and the names of the ports they are of.
static LAST_WORDS: OnceLock<Ledger> = OnceLock::new();

/// The counters of all workers, and the names of the ports.
#[derive(Clone)]
pub(crate) struct Ledger {
    pub(crate) workers: Vec<Arc<WorkerStats>>,
    pub(crate) ports: Vec<String>,
}

impl Ledger {
    /// From now on a panic, in whatever thread, prints the account before the process aborts.
    pub(crate) fn keep_for_panics(&self) {
        drop(LAST_WORDS.set(self.clone()));
        let default = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            default(panic);
            if let Some(ledger) = LAST_WORDS.get() {
                ledger.print();
            }
            std::process::abort();
        }));
    }

    /// The sum over workers.
    pub(crate) fn account(&self) -> Account {
        Account::of(self.workers.iter().map(|worker| &**worker))
    }

    /// Prints the account on standard output. A reader that has gone is no error.
    pub(crate) fn print(&self) {
        let mut out = std::io::stdout().lock();
        drop(
            out.write_all(self.to_string().as_bytes())
                .and_then(|()| out.flush()),
        );
    }

    fn sum(&self, port: PortId, counter: impl Fn(&PortStats) -> u64) -> u64 {
        self.workers
            .iter()
            .map(|worker| counter(worker.port(port)))
            .sum()
    }

    fn drops(&self, text: &mut String) {
        for reason in DropReason::ALL {
            let ports = (0..self.ports.len()).filter_map(PortId::new);
            let count: u64 = ports
                .map(|port| {
                    self.sum(port, |stats| {
                        let kinds = stats.all_drops();
                        kinds.iter().map(|drops| drops.get(*reason)).sum()
                    })
                })
                .sum();
            if count > 0 {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "  drop {} {count}", reason.name());
            }
        }
    }
}

impl std::fmt::Display for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let account = self.account();
        writeln!(
            f,
            "account: received {} + originated {} + copied {} = sent {} + dropped {} + consumed {} \
             + held {}",
            account.received,
            account.originated,
            account.copied,
            account.sent,
            account.dropped,
            account.consumed,
            account.held()
        )?;
        for (name, port) in self.ports.iter().zip((0..).map_while(PortId::new)) {
            writeln!(
                f,
                "  port {name}: received {} = forwarded {} + consumed {} + waited {} + \
                 dropped {}; \
                 enqueued {} = sent {} + dropped {}",
                self.sum(port, |stats| stats.received.get()),
                self.sum(port, |stats| stats.forwarded.get()),
                self.sum(port, |stats| stats.consumed.get()),
                self.sum(port, |stats| stats.waited.get()),
                self.sum(port, |stats| stats.dropped.total()),
                self.sum(port, |stats| stats.enqueued.get()),
                self.sum(port, |stats| stats.sent.get()),
                self.sum(port, |stats| stats.tx_dropped.total()),
            )?;
        }
        let mut drops = String::new();
        self.drops(&mut drops);
        f.write_str(&drops)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    const CHILD: &str = "OVERPATHD_TEST_PANICS";

    /// Runs itself in a process of its own, in which a thread panics.
    #[test]
    fn a_panic_in_any_thread_prints_the_account_and_aborts() {
        if std::env::var_os(CHILD).is_some() {
            let (workers, ports) = (vec![Arc::default()], vec!["lan".to_owned()]);
            let ledger = Ledger { workers, ports };
            let lan = ledger.workers[0].port(PortId::new(0).unwrap());
            lan.received.add(1);
            lan.dropped.count(DropReason::FrameRunt);
            ledger.keep_for_panics();
            drop(std::thread::spawn(|| panic!("on purpose")).join());
            return;
        }
        let name = "account::tests::a_panic_in_any_thread_prints_the_account_and_aborts";
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(CHILD, "1")
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&child.stdout);
        assert_eq!(child.status.signal(), Some(signal_hook::consts::SIGABRT));
        assert!(out.contains("account: received 1 "), "{out}");
        assert!(out.contains("drop frame_runt 1"), "{out}");
    }
}
