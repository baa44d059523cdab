//! The server on a real socket, before a state thread that is only played.

use super::client::{Client, ClientError};
use super::messages::{
    Changed, Checked, Differing, Exported, FdbPage, Flushed, Gateways, Method, NewRoute, Port,
    PortState, Reply, Stations, Stats, Version,
};
use super::*;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

mod abuse;
mod capture;
mod crowd;
mod dump;
mod events;
mod files;
mod gone;
mod live;
mod long;
mod looks;

/// Long enough that only a hang reaches it.
const LONG: Duration = Duration::from_secs(60);

/// A server, the folder of its socket, and the state thread's end of the queue.
struct Bench {
    folder: tempfile::TempDir,
    server: Server,
    requests: RequestReceiver,
}

impl Bench {
    fn start(settings: Settings, capacity: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (sender, requests) = requests(capacity);
        let server = Server::start(&folder.path().join("sock"), sender, settings).unwrap();
        Bench {
            folder,
            server,
            requests,
        }
    }

    /// With a state thread that answers everything at once. It ends with the server.
    fn answering(settings: Settings) -> Self {
        let bench = Self::start(settings, 16);
        let requests = bench.requests.clone();
        std::thread::spawn(move || {
            for request in requests {
                match reply(&request.method) {
                    Ok(reply) => request.answer(reply),
                    Err(why) => request.refuse(why),
                }
            }
        });
        bench
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("sock")
    }

    fn client(&self) -> Client {
        Client::connect(&self.path()).unwrap()
    }

    fn raw(&self) -> Raw {
        let stream = UnixStream::connect(self.path()).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_write_timeout(Some(LONG)).unwrap();
        Raw(BufReader::new(stream))
    }
}

#[test]
fn the_thread_counts_its_turns_while_nobody_asks() {
    let bench = Bench::start(Settings::default(), 1);
    let turns = bench.server.turns();
    let end = std::time::Instant::now() + LONG;
    while turns.get() < 3 {
        assert!(std::time::Instant::now() < end, "it stands still");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A client that sends what it likes.
struct Raw(BufReader<UnixStream>);

impl Raw {
    fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.get_mut().write_all(bytes.as_ref()).unwrap();
    }

    fn line(&mut self) -> serde_json::Value {
        self.line_of(b"")
    }

    /// A line of which this was read before.
    fn line_of(&mut self, begun: &[u8]) -> serde_json::Value {
        let mut line = String::from_utf8(begun.to_vec()).unwrap();
        self.0.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("{line:?}: {e}"))
    }

    /// The code of the error that comes next.
    fn error(&mut self) -> i64 {
        let line = self.line();
        line["error"]["code"]
            .as_i64()
            .unwrap_or_else(|| panic!("no error: {line}"))
    }

    /// A server that has not read all of what was sent resets.
    fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(count) => count == 0,
            Err(error) => rest.is_empty() && error.kind() == ErrorKind::ConnectionReset,
        }
    }
}

const VERSION: &str = "{\"jsonrpc\":\"2.0\",\"method\":\"version\",\"id\":1}\n";

fn version() -> Version {
    Version {
        name: "overpath".into(),
        version: "0.1.0".into(),
        api: "1.0.0".into(),
        dpdk: "DPDK 0".into(),
    }
}

/// What the played state thread knows. It takes routes, and has none.
fn reply(method: &Method) -> Result<Reply, Refused> {
    Ok(match method {
        Method::Version => Reply::Version(version()),
        Method::PortShow => Reply::Ports(many_ports()),
        Method::FdbShow(_) => Reply::Fdb(FdbPage::default()),
        Method::NeighShow => Reply::Neighbours(Vec::new()),
        Method::RouteShow => Reply::Routes(Vec::new()),
        Method::RouteAdd(_) => Reply::Changed(Changed::default()),
        Method::RouteReplace(_) => Reply::Changed(Changed {
            lagging: vec![1],
            ..Changed::default()
        }),
        Method::Edit(_)
        | Method::FdbFlush(_)
        | Method::ConfigApply { .. }
        | Method::ConfigConfirm
        | Method::ConfigRollback => Reply::Changed(Changed::default()),
        Method::BridgeShow => Reply::Bridges(Vec::new()),
        Method::ConfigCheck(_) => Reply::Checked(Checked { steps: 0 }),
        Method::ConfigDiff(file) => Reply::Differing(Differing {
            steps: vec![file.text.len().to_string()],
        }),
        Method::ConfigExport => Reply::Exported(Exported {
            text: String::new(),
            revision: 0,
            store_trouble: None,
        }),
        Method::RouteDel(to) => return Err(Refused(format!("there is no route to {to}"))),
        Method::AddrShow => Reply::Addresses(Vec::new()),
        Method::VxlanShow => Reply::Tunnels(Vec::new()),
        Method::DropsShow(_) => Reply::Drops(Vec::new()),
        Method::OffloadSelftest(port) => return Err(Refused(format!("no port {port}"))),
        Method::OffloadShow(_) => Reply::Offload(Vec::new()),
        Method::StatsShow => Reply::Stats(Box::default()),
        Method::CacheShow(_) => Reply::Caches(Box::default()),
        Method::CacheFlush => Reply::Flushed(Flushed { entries: 3 }),
        Method::ExplainEntry(number) => return Err(Refused(format!("no entry {number}"))),
        Method::ExplainDrop(reason) => {
            return Err(Refused(format!("no drops by {}", reason.name())));
        }
        Method::ExplainFdb(_) => Reply::StationsBehind(Vec::new()),
        Method::Explain(question) => return Err(Refused(format!("no port {}", question.port))),
        Method::CaptureStart(capture) | Method::ExplainNext(capture) => {
            return Err(Refused(format!("no {}", capture.of)));
        }
        Method::EventsSubscribe(_) => return Err(Refused("nothing happens".to_owned())),
    })
}

fn route() -> NewRoute {
    NewRoute {
        to: "203.0.113.0/24".parse().unwrap(),
        via: Gateways::new([[192, 0, 2, 254].into()]).unwrap(),
    }
}

/// More bytes than two sockets hold between them.
fn many_ports() -> Vec<Port> {
    let port = Port {
        name: "p".into(),
        device: "d".repeat(1000),
        driver: None,
        state: PortState::Down,
        reason: None,
        mac: None,
        mtu: 1500,
        rx_queues: 1,
        tx_queues: 1,
        rx: Default::default(),
        tx: Default::default(),
    };
    vec![port; 3000]
}

fn rpc_code<T: std::fmt::Debug>(result: Result<T, ClientError>) -> i32 {
    match result {
        Err(ClientError::Rpc(error)) => error.code,
        other => panic!("no refusal: {other:?}"),
    }
}

#[test]
fn each_method_is_answered() {
    let bench = Bench::answering(Settings::default());
    let mut client = bench.client();
    assert_eq!(client.version().unwrap(), version());
    assert_eq!(client.port_show().unwrap(), many_ports());
    assert_eq!(client.fdb_show(Stations::default()).unwrap(), []);
    assert_eq!(client.neigh_show().unwrap(), []);
    assert_eq!(client.route_show().unwrap(), []);
    assert_eq!(client.addr_show().unwrap(), []);
    assert_eq!(client.vxlan_show().unwrap(), []);
    assert_eq!(client.offload_show(None).unwrap(), []);
    assert_eq!(client.stats_show().unwrap(), Stats::default());
    assert_eq!(
        client
            .call(&Method::FdbShow(Stations::default()))
            .unwrap()
            .get(),
        "[]"
    );
}

#[test]
fn a_change_is_made_or_refused() {
    let bench = Bench::answering(Settings::default());
    let mut client = bench.client();
    assert_eq!(client.route_add(route()).unwrap(), Changed::default());
    assert_eq!(client.route_replace(route()).unwrap().lagging, [1]);
    let ClientError::Rpc(error) = client.route_del(route().to).unwrap_err() else {
        panic!("not refused");
    };
    assert_eq!(error.code, RpcError::REFUSED);
    assert_eq!(error.message, "there is no route to 203.0.113.0/24");
    assert_eq!(client.version().unwrap(), version());
}

#[test]
fn a_change_without_an_id_is_made_and_not_answered() {
    let bench = Bench::start(Settings::default(), 16);
    let mut raw = bench.raw();
    raw.send("{\"jsonrpc\":\"2.0\",\"method\":\"route.del\",\"params\":{\"to\":\"0.0.0.0/0\"}}\n");
    let change = bench.requests.recv_timeout(LONG).unwrap();
    assert_eq!(
        change.method,
        Method::RouteDel("0.0.0.0/0".parse().unwrap())
    );
    change.answer(Reply::Changed(Changed::default()));
    raw.send(VERSION);
    let question = bench.requests.recv().unwrap();
    question.answer(Reply::Version(version()));
    assert_eq!(raw.line()["result"]["name"], "overpath");
}

#[test]
fn requests_of_a_connection_are_answered_in_order() {
    let bench = Bench::answering(Settings::default());
    let mut raw = bench.raw();
    let request = |id: u32, method: &str| {
        format!("{{\"id\":{id},\"method\":\"{method}\",\"jsonrpc\":\"2.0\"}}\r\n")
    };
    let mut text: String = (0..100).map(|id| request(id, "fdb.show")).collect();
    text += "{\"jsonrpc\":\"2.0\",\"method\":\"version\"}\n";
    text += &request(100, "version");
    raw.send(text);
    for id in 0..100 {
        let line = raw.line();
        assert_eq!(
            (&line["id"], &line["result"]),
            (&id.into(), &serde_json::json!([]))
        );
    }
    let line = raw.line();
    assert_eq!(
        line["id"], 100,
        "the notification before it is not answered"
    );
}

#[test]
fn a_full_queue_is_an_error_and_not_a_wait() {
    let bench = Bench::start(Settings::default(), 1);
    let mut first = bench.raw();
    first.send(VERSION);
    while bench.requests.is_empty() {
        std::thread::yield_now();
    }
    assert_eq!(rpc_code(bench.client().version()), RpcError::BUSY);
    bench
        .requests
        .recv()
        .unwrap()
        .answer(Reply::Version(version()));
    assert_eq!(first.line()["result"]["name"], "overpath");
}

#[test]
fn a_state_thread_that_does_not_answer_is_an_error() {
    let settings = Settings {
        answer_timeout: Duration::from_millis(20),
        ..Settings::default()
    };
    let bench = Bench::start(settings, 16);
    assert_eq!(rpc_code(bench.client().version()), RpcError::TIMEOUT);
    let Bench { requests, .. } = &bench;
    requests
        .try_recv()
        .unwrap()
        .answer(Reply::Version(version()));
}

#[test]
fn a_state_thread_that_stops_is_an_error() {
    let bench = Bench::start(Settings::default(), 16);
    let requests = bench.requests.clone();
    let drops_one = std::thread::spawn(move || drop(requests.recv()));
    assert_eq!(rpc_code(bench.client().version()), RpcError::STOPPING);
    drops_one.join().unwrap();

    let Bench {
        folder,
        server,
        requests,
    } = bench;
    drop(requests);
    let mut client = Client::connect(&folder.path().join("sock")).unwrap();
    assert_eq!(rpc_code(client.version()), RpcError::STOPPING);
    server.shutdown();
}

#[test]
fn shutdown_waits_for_nobody() {
    let bench = Bench::start(Settings::default(), 16);
    let (mut asks, mut idles) = (bench.raw(), bench.raw());
    asks.send(VERSION);
    let asked = bench.requests.recv().unwrap();
    bench.server.shutdown();
    drop(asked);
    assert!(asks.is_closed() && idles.is_closed());
}
