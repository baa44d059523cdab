//! Clients that do not behave. Others are served meanwhile.

use super::*;
use std::net::Shutdown;

#[test]
fn what_is_no_request_is_answered_and_the_next_one_too() {
    let bench = Bench::answering(Settings::default());
    let mut raw = bench.raw();
    for (line, code) in [
        (&b"{"[..], RpcError::PARSE),
        (b"", RpcError::PARSE),
        (b"\0", RpcError::PARSE),
        (
            b"{\"jsonrpc\":\"2.0\",\"method\":\"\xc3\x28\",\"id\":1}",
            RpcError::PARSE,
        ),
        (b"[]", RpcError::INVALID_REQUEST),
        (
            br#"{"jsonrpc":"2.0","method":"reboot","id":1}"#,
            RpcError::METHOD_NOT_FOUND,
        ),
        (
            br#"{"jsonrpc":"2.0","method":"version","id":1,"params":{"a":1}}"#,
            RpcError::INVALID_PARAMS,
        ),
    ] {
        raw.send([line, b"\n"].concat());
        assert_eq!(
            raw.error(),
            i64::from(code),
            "{}",
            String::from_utf8_lossy(line)
        );
    }
    raw.send(VERSION);
    assert_eq!(raw.line()["result"]["name"], "overpath");
}

#[test]
fn deep_json_does_no_harm() {
    let bench = Bench::answering(Settings::default());
    let mut raw = bench.raw();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    raw.send(format!("{deep}\n"));
    raw.error();
    raw.send(VERSION.replace("\"id\"", &format!("\"params\":{deep},\"id\"")));
    assert_eq!(raw.error(), i64::from(RpcError::INVALID_PARAMS));
}

#[test]
fn a_line_may_be_so_long_and_no_longer() {
    let bench = Bench::answering(Settings::default());
    let padded = |bytes: usize| {
        let request = VERSION.trim_end();
        format!("{request}{}\n", " ".repeat(bytes - request.len()))
    };
    let mut raw = bench.raw();
    raw.send(padded(MAX_REQUEST));
    assert_eq!(raw.line()["id"], 1);

    let mut raw = bench.raw();
    let too_long = padded(MAX_REQUEST + 1);
    raw.send(&too_long[..=MAX_REQUEST]);
    assert_eq!(raw.error(), i64::from(RpcError::INVALID_REQUEST));
    assert!(raw.is_closed());
}

#[test]
fn an_endless_line_ends_the_connection() {
    let bench = Bench::answering(Settings::default());
    let mut raw = bench.raw();
    let piece = vec![b'x'; 1 << 16];
    let mut sent = 0;
    while raw.0.get_mut().write_all(&piece).is_ok() {
        sent += piece.len();
        assert!(sent < 100 << 20, "the server still reads");
    }
    assert_eq!(raw.error(), i64::from(RpcError::INVALID_REQUEST));
    assert_eq!(bench.client().version().unwrap(), version());
}

#[test]
fn a_client_that_only_listens_gets_its_answers() {
    let bench = Bench::answering(Settings::default());
    let mut raw = bench.raw();
    raw.send([VERSION, VERSION].concat());
    raw.0.get_mut().shutdown(Shutdown::Write).unwrap();
    assert_eq!(raw.line()["id"], 1);
    assert_eq!(raw.line()["id"], 1);
    assert!(raw.is_closed());

    let mut torn = bench.raw();
    torn.send(VERSION.trim_end());
    torn.0.get_mut().shutdown(Shutdown::Write).unwrap();
    assert_eq!(torn.error(), i64::from(RpcError::PARSE));
    assert!(torn.is_closed());
}

#[test]
fn a_client_that_does_not_end_its_request_is_cut_off() {
    let settings = Settings {
        read_timeout: Duration::from_millis(50),
        ..Settings::default()
    };
    let bench = Bench::answering(settings);
    let (mut slow, mut idle) = (bench.raw(), bench.client());
    slow.send("{");
    assert_eq!(bench.client().version().unwrap(), version());
    assert_eq!(slow.error(), i64::from(RpcError::TIMEOUT));
    assert!(slow.is_closed());
    assert_eq!(
        idle.version().unwrap(),
        version(),
        "idling before a request is no fault"
    );
}

#[test]
fn a_client_that_does_not_take_its_answer_is_cut_off() {
    let settings = Settings {
        write_timeout: Duration::from_millis(50),
        ..Settings::default()
    };
    let bench = Bench::answering(settings);
    let mut slow = bench.raw();
    slow.send(VERSION.replace("version", "port.show"));
    assert_eq!(bench.client().version().unwrap(), version());
    // Its socket breaks when the server gives up, and not before all was tried.
    while slow.0.get_mut().write_all(b" ").is_ok() {
        std::thread::yield_now();
    }
    let mut answer = Vec::new();
    let _ = slow.0.read_to_end(&mut answer);
    assert!(!answer.ends_with(b"\n"), "it was cut");
    assert_eq!(bench.client().version().unwrap(), version());
}

#[test]
fn idle_clients_make_room_for_others() {
    let bench = Bench::answering(Settings {
        connections: 8,
        ..Settings::default()
    });
    let mut idle: Vec<Raw> = (0..200)
        .map(|_| {
            let mut raw = bench.raw();
            raw.send(VERSION);
            assert_eq!(raw.line()["id"], 1);
            raw
        })
        .collect();
    assert_eq!(bench.client().version().unwrap(), version());
    assert_eq!(
        idle[0].error(),
        i64::from(RpcError::BUSY),
        "the longest idle one is told"
    );
    assert!(idle[0].is_closed());
    let last = idle.last_mut().unwrap();
    last.send(VERSION);
    assert_eq!(last.line()["id"], 1, "the latest one is still connected");
}

#[test]
fn more_busy_clients_than_places_are_turned_away() {
    let bench = Bench::start(
        Settings {
            connections: 2,
            ..Settings::default()
        },
        16,
    );
    let mut busy = [bench.raw(), bench.raw()];
    for raw in &mut busy {
        raw.send(VERSION);
    }
    let asked = [
        bench.requests.recv().unwrap(),
        bench.requests.recv().unwrap(),
    ];
    assert_eq!(rpc_code(bench.client().version()), RpcError::BUSY);
    for request in asked {
        request.answer(Reply::Version(version()));
    }
    for raw in &mut busy {
        assert_eq!(raw.line()["id"], 1);
    }
    let last = std::thread::spawn({
        let mut client = bench.client();
        move || client.version()
    });
    bench
        .requests
        .recv()
        .unwrap()
        .answer(Reply::Version(version()));
    assert_eq!(last.join().unwrap().unwrap(), version());
}

#[test]
fn many_clients_at_once_are_all_served() {
    let bench = Bench::answering(Settings::default());
    let path = bench.path();
    let work = |_| {
        let path = path.clone();
        std::thread::spawn(move || {
            let mut client = Client::connect(&path).unwrap();
            for _ in 0..50 {
                // A full queue is told; asking again is the client's part.
                while let Err(error) = client.version() {
                    assert_eq!(rpc_code::<()>(Err(error)), RpcError::BUSY);
                }
            }
        })
    };
    let threads: Vec<_> = (0..32).map(work).collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn a_client_that_dies_in_the_middle_of_an_answer_is_forgotten() {
    let bench = Bench::answering(Settings {
        connections: 2,
        ..Settings::default()
    });
    for _ in 0..20 {
        let mut raw = bench.raw();
        raw.send(VERSION.replace("version", "port.show"));
        let mut some = [0; 100];
        raw.0.read_exact(&mut some).unwrap();
    }
    assert_eq!(bench.client().version().unwrap(), version());
}
