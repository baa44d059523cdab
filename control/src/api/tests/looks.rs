//! Clients that may only look, and what they leave to who may do everything.

use super::*;
use crate::api::access::{Access, Gate, Pass, Right};
use crate::api::connection;
use crate::api::ending::Ending;
use crate::api::messages::EventKinds;
use crate::api::waiting::Connections;
use std::rc::Rc;
use tokio::task::LocalSet;

/// Clients with these rights, on connections of one server that ends with the last of them.
fn connected(rights: &[Right], requests: RequestSender) -> Vec<Raw> {
    let pairs = rights.iter().map(|right| {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_read_timeout(Some(LONG)).unwrap();
        theirs.set_nonblocking(true).unwrap();
        (Raw(BufReader::new(ours)), (*right, theirs))
    });
    let (clients, ends): (Vec<_>, Vec<_>) = pairs.unzip();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let tasks = LocalSet::new();
        runtime.block_on(tasks.run_until(async {
            let connections = Connections::new(ends.len() + 4);
            let gate = Rc::new(Gate::new(Access::default(), 0));
            let ending = Rc::new(Ending::new());
            let mut all = Vec::new();
            for (right, stream) in ends {
                let stream = tokio::net::UnixStream::from_std(stream).unwrap();
                let ticket = connections.admit(right).unwrap();
                let gate = Rc::clone(&gate);
                let served = connection::serve(
                    stream,
                    (Pass { gate, right }, ticket),
                    Settings::default(),
                    requests.clone().into(),
                    Rc::clone(&ending),
                );
                all.push(tokio::task::spawn_local(served));
            }
            for served in all {
                served.await.unwrap();
            }
        }));
    });
    clients
}

#[test]
fn they_leave_two_places_among_those_who_listen() {
    let (sender, asked) = requests(16);
    std::thread::spawn(move || {
        let mut listening = Vec::new();
        for request in asked {
            let (subscriber, told) = subscription(EventKinds::all(), 1);
            listening.push(subscriber);
            request.answer(Reply::Subscribed(Box::new(told)));
        }
    });
    let mut all = connected(&[Right::Look; LISTENERS], sender);
    let mut listen = |number: usize| {
        all[number].send(VERSION.replace("version", "events.subscribe"));
        all[number].line()
    };
    for number in 0..LISTENERS - 2 {
        assert!(listen(number)["result"]["kinds"].is_array());
    }
    let refused = listen(LISTENERS - 2);
    assert_eq!(refused["error"]["code"], RpcError::REFUSED, "{refused}");
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("6 clients that may only look"),
        "{message}"
    );
    // Who goes makes room.
    let first = all.remove(0);
    drop(first);
    let last = &mut all[LISTENERS - 2];
    let deadline = std::time::Instant::now() + LONG;
    loop {
        last.send(VERSION.replace("version", "events.subscribe"));
        if last.line()["result"]["kinds"].is_array() {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "there is no room");
    }
}

#[test]
fn they_leave_two_long_answers() {
    let (sender, asked) = requests(16);
    let rights = [Right::Look, Right::Look, Right::Look, Right::Everything];
    let mut all = connected(&rights, sender);
    let export = VERSION.replace("version", "config.export");
    let asked = || asked.recv_timeout(LONG);
    let mut requests = Vec::new();
    for raw in &mut all[..2] {
        raw.send(&export);
        requests.push(asked().unwrap());
    }
    all[2].send(&export);
    assert_eq!(all[2].error(), i64::from(RpcError::BUSY));
    all[3].send(&export);
    requests.push(asked().unwrap());
}
