//! Requests that bring much, and changes that take long.

use super::*;
use crate::api::access::{Access, Gate, Pass, Right};
use crate::api::connection;
use crate::api::ending::Ending;
use crate::api::messages::ConfigText;
use crate::api::waiting::Connections;
use crate::config::Edit;
use std::rc::Rc;

/// A request of this method, so many bytes long.
fn long(method: &str, bytes: usize) -> String {
    let head = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{method}\",\"params\":{{\"entries\":[\""
    );
    let tail = "\"]}}";
    let filling = "x".repeat(bytes - head.len() - tail.len());
    format!("{head}{filling}{tail}\n")
}

/// The code of the refusal of a request; 0 if there is an answer.
fn code(bench: &Bench, request: &str) -> i64 {
    let mut raw = bench.raw();
    // The server may stop reading before all of it is there.
    let _ = raw.0.get_mut().write_all(request.as_bytes());
    let answer = raw.line();
    answer["error"]["code"].as_i64().unwrap_or_default()
}

#[test]
fn what_brings_entries_may_be_long_and_nothing_else() {
    let bench = Bench::answering(Settings::default());
    let invalid = i64::from(RpcError::INVALID_REQUEST);
    assert_eq!(code(&bench, &long("fdb.load", MAX_LONG_REQUEST)), 0);
    assert_eq!(
        code(&bench, &long("fdb.load", MAX_LONG_REQUEST + 1)),
        invalid
    );
    assert_eq!(code(&bench, &long("fdb.add", MAX_REQUEST + 1)), invalid);
    // One that only looks like it is read, and then refused.
    let other = long("fdb.add", MAX_REQUEST + 1).replace("\"id\":1", "\"id\":\"fdb.load\"");
    assert_eq!(code(&bench, &other), invalid);
    let edit = Edit::Load(format!("[\"{}\"]", "x".repeat(2 * MAX_REQUEST)).into());
    assert_eq!(bench.client().edit(edit).unwrap(), Changed::default());
}

#[test]
fn one_client_at_a_time_sends_much() {
    let bench = Bench::start(Settings::default(), 16);
    let request = long("fdb.load", 2 * MAX_REQUEST);
    let (mut first, mut second) = (bench.raw(), bench.raw());
    first.send(&request);
    let waiting = bench.requests.recv_timeout(LONG).unwrap();
    assert!(matches!(waiting.method, Method::Edit(Edit::Load(_))));
    let _ = second.0.get_mut().write_all(request.as_bytes());
    assert_eq!(second.error(), i64::from(RpcError::BUSY));
    assert!(second.is_closed());

    waiting.answer(Reply::Changed(Changed::default()));
    assert_eq!(first.line()["id"], 1);
    let mut third = bench.raw();
    third.send(&request);
    let waiting = bench.requests.recv_timeout(LONG).unwrap();
    // Who goes makes room too.
    drop((first, third));
    drop(waiting);
    let mut fourth = bench.raw();
    fourth.send(&request);
    let waiting = bench.requests.recv_timeout(LONG).unwrap();
    waiting.answer(Reply::Changed(Changed::default()));
    assert_eq!(fourth.line()["id"], 1);
}

/// Its text is in memory for as long as the keeper has it in its queue.
#[test]
fn a_long_request_whose_client_has_gone_is_the_only_one_until_it_is_forgotten() {
    let bench = Bench::start(Settings::default(), 16);
    let request = long("fdb.load", 2 * MAX_REQUEST);
    let mut goes = bench.raw();
    goes.send(&request);
    let waiting = bench.requests.recv_timeout(LONG).unwrap();
    drop(goes);
    while !waiting.reply.is_closed() {
        std::thread::sleep(Duration::from_millis(1));
    }
    for _ in 0..3 {
        assert_eq!(code(&bench, &request), i64::from(RpcError::BUSY));
    }
    drop(waiting);
    let mut next = bench.raw();
    next.send(&request);
    let waiting = bench.requests.recv_timeout(LONG).unwrap();
    waiting.answer(Reply::Changed(Changed::default()));
    assert_eq!(next.line()["id"], 1);
    // Who has its answer may send the next one at once.
    next.send(&request);
    let waiting = bench.requests.recv_timeout(LONG).unwrap();
    waiting.answer(Reply::Changed(Changed::default()));
    assert_eq!(next.line()["id"], 1);
}

/// An answer longer than what sockets hold.
fn export(bytes: usize) -> Reply {
    Reply::Exported(Exported {
        text: "x".repeat(bytes),
        revision: 0,
        store_trouble: None,
    })
}

/// Whether they are made, or only wait to be taken.
#[test]
fn four_long_answers_at_a_time_are_in_memory() {
    let settings = Settings {
        write_timeout: 10 * LONG,
        ..Settings::default()
    };
    let bench = Bench::start(settings, 16);
    let ask = || {
        let mut raw = bench.raw();
        raw.send(VERSION.replace("version", "config.export"));
        raw
    };
    let asked = || bench.requests.recv_timeout(LONG).unwrap();
    let mut all: Vec<(Raw, Request)> = (0..4).map(|_| (ask(), asked())).collect();
    assert_eq!(ask().error(), i64::from(RpcError::BUSY));
    assert!(bench.requests.is_empty());
    // Who asks for something short is not held up.
    let mut other = bench.raw();
    other.send(VERSION);
    asked().answer(Reply::Version(version()));
    assert_eq!(other.line()["id"], 1);

    // A short answer makes room, and a long one once it is taken.
    let (mut slow, request) = all.pop().unwrap();
    request.answer(export(8 << 20));
    let mut some = [0; 100];
    slow.0.read_exact(&mut some).unwrap();
    let (mut quick, request) = all.pop().unwrap();
    request.answer(export(1));
    assert_eq!(quick.line()["id"], 1);
    all.push((ask(), asked()));
    assert_eq!(ask().error(), i64::from(RpcError::BUSY));
    assert_eq!(slow.line_of(&some)["id"], 1);
    all.push((ask(), asked()));
    assert_eq!(all.len(), 4);
}

#[test]
fn a_change_that_takes_long_holds_up_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sock");
    let ((state, asked), (keeper, edits)) = (requests(16), requests(16));
    let _server = Server::start(&path, Ways { state, keeper }, Settings::default()).unwrap();
    let mut slow = Raw(BufReader::new(UnixStream::connect(&path).unwrap()));
    slow.send("{\"jsonrpc\":\"2.0\",\"method\":\"config.rollback\",\"id\":7}\n");
    let waiting = edits.recv_timeout(LONG).unwrap();
    assert_eq!(waiting.method, Method::ConfigRollback);

    std::thread::spawn(move || {
        let request = asked.recv_timeout(LONG).unwrap();
        assert_eq!(request.method, Method::Version);
        request.answer(Reply::Version(version()));
    });
    assert_eq!(
        Client::connect(&path).unwrap().version().unwrap(),
        version()
    );
    waiting.answer(Reply::Changed(Changed::default()));
    assert_eq!(slow.line()["id"], 7);
}

#[test]
fn a_file_is_checked_and_a_change_is_kept_or_taken_back() {
    let bench = Bench::answering(Settings::default());
    let mut client = bench.client();
    let (text, name) = (String::new(), "c.toml".to_owned());
    let checked = client.config_check(ConfigText { text, name }).unwrap();
    assert_eq!(checked, Checked { steps: 0 });
    assert_eq!(client.config_confirm().unwrap(), Changed::default());
    assert_eq!(client.config_rollback().unwrap(), Changed::default());
}

#[test]
fn a_change_that_takes_too_long_may_still_be_made() {
    let settings = Settings {
        change_timeout: Duration::from_millis(50),
        ..Settings::default()
    };
    let bench = Bench::start(settings, 16);
    for (method, said) in [
        ("config.rollback", "may still be made: see config diff"),
        ("config.export", "the keeper did not answer in time"),
    ] {
        let mut raw = bench.raw();
        raw.send(VERSION.replace("version", method));
        let _waiting = bench.requests.recv_timeout(LONG).unwrap();
        let line = raw.line();
        assert_eq!(line["error"]["code"], RpcError::TIMEOUT);
        let message = line["error"]["message"].as_str().unwrap();
        assert!(message.contains(said), "{message}");
        let change = method == "config.rollback";
        assert_eq!(message.contains("may still be made"), change, "{message}");
    }
}

#[test]
fn who_may_only_look_does_not_take_the_place_of_who_sends_much() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let client = std::thread::spawn(|| {
        let mut raw = Raw(BufReader::new(ours));
        let request = long("config.check", 2 * MAX_REQUEST);
        let _ = raw.0.get_mut().write_all(request.as_bytes());
        raw.error()
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        theirs.set_nonblocking(true).unwrap();
        let theirs = tokio::net::UnixStream::from_std(theirs).unwrap();
        let connections = Connections::new(2);
        let admit = || connections.admit(Right::Everything).unwrap();
        let ticket = admit();
        let _other = ticket.room().request().unwrap();
        let gate = Rc::new(Gate::new(Access::default(), 0));
        let pass = Pass {
            gate: Rc::clone(&gate),
            right: Right::Look,
        };
        let (ways, ending) = (requests(1).0.into(), Rc::new(Ending::new()));
        connection::serve(theirs, (pass, ticket), Settings::default(), ways, ending).await;
        assert_eq!(gate.denied(), 1);
    });
    assert_eq!(client.join().unwrap(), i64::from(RpcError::DENIED));
}
