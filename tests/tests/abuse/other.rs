//! The other client: it behaves, asks again and again, and is to be answered whatever else goes on.

use overpath_tests::rpc::Connection;
use overpath_tests::{Result, wait};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Told when there is no room: ask again.
const BUSY: i64 = -32000;

/// What the other client is answered while something goes on.
#[derive(Debug)]
pub(crate) struct Served(AtomicUsize);

impl Served {
    /// Waits until it was answered so often again.
    pub(crate) fn wait(&self, answers: usize) -> Result {
        let until = self.0.load(Ordering::Relaxed) + answers;
        wait::until_true("the other client to be served", || {
            Ok(self.0.load(Ordering::Relaxed) >= until)
        })
    }
}

/// Tells the other client to end when it is dropped.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Lets `abuse` go on while another client asks. Gives how long each of its answers took, from the
/// first time that it asked, shortest first.
pub(crate) fn during(
    socket: &Path,
    mac: &str,
    abuse: impl FnOnce(&Served) -> Result,
) -> Result<Vec<Duration>> {
    let (served, over) = (Served(AtomicUsize::new(0)), AtomicBool::new(false));
    thread::scope(|scope| {
        let asks = scope.spawn(|| {
            let took = ask(socket, mac, &served.0, &over);
            took.map_err(|error| error.to_string())
        });
        let abused = {
            // Also if an assertion fails: the other client is waited for.
            let _over = Over(&over);
            abuse(&served)
        };
        let mut took = asks.join().map_err(|_| "the other client panicked")??;
        abused?;
        took.sort_unstable();
        Ok(took)
    })
}

fn ask(socket: &Path, mac: &str, served: &AtomicUsize, over: &AtomicBool) -> Result<Vec<Duration>> {
    let questions = [
        ("version", Value::Null),
        ("stats.show", Value::Null),
        ("fdb.show", json!({ "mac": mac })),
    ];
    let (mut took, mut client) = (Vec::new(), None);
    for (method, params) in questions.iter().cycle() {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let began = Instant::now();
        answered(socket, &mut client, method, params)?;
        took.push(began.elapsed());
        served.fetch_add(1, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(1));
    }
    Ok(took)
}

/// Asks until there is room. Any other answer than the right one is an error.
fn answered(
    socket: &Path,
    client: &mut Option<Connection>,
    method: &str,
    params: &Value,
) -> Result {
    let end = Instant::now() + wait::LONG;
    while Instant::now() < end {
        let mut open = match client.take() {
            Some(open) => open,
            None => Connection::open(socket)?,
        };
        // A connection may be closed before it is told why.
        let Ok(answer) = open.ask(method, params) else {
            continue;
        };
        let result = &answer["result"];
        let right = match method {
            "version" => result["name"] == "overpath",
            "stats.show" => result["account"].is_object(),
            _ => result.as_array().is_some_and(|all| all.len() == 1),
        };
        if right {
            *client = Some(open);
            return Ok(());
        }
        if answer["error"]["code"] != BUSY {
            return Err(format!("{method}: {answer}").into());
        }
    }
    Err(format!("{method} was not answered").into())
}
