//! The command line as a process, before a server whose state thread is only played.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test that cannot go on fails the test"
)]

use control::api::messages::{
    CacheAction, CacheEntry, Caches, ConfigEvent, DropBehind, DropCount, DropPlace, Entries, Event,
    Explanation, FdbEntry, FdbKind, FdbPage, Flushed, Method, Question, Reason, Reply, Verdict,
    Version, What,
};
use control::api::{Refused, Server, Settings, requests, subscription};
use control::config::Name;
use fastpath::drop::DropReason;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::Arc;

#[path = "overpath/changes.rs"]
mod changes;
#[path = "overpath/looks.rs"]
mod looks;
#[path = "overpath/nics.rs"]
mod nics;
#[path = "overpath/verbs.rs"]
mod verbs;

/// A server that knows one forwarding entry, or so many, and takes any route but has none.
fn serve(folder: &Path, entries: usize) -> Server {
    let (sender, receiver) = requests(16);
    let entry = FdbEntry {
        bridge: "br10".into(),
        mac: "02:00:00:00:00:01".parse().unwrap(),
        port: None,
        tunnel: Some("vx10".into()),
        remote: Some([192, 0, 2, 1].into()),
        kind: FdbKind::Learned,
        age: Some(3),
    };
    std::thread::spawn(move || {
        for request in receiver {
            let reply = match &request.method {
                Method::Version => Reply::Version(Version {
                    name: "overpath".into(),
                    version: "0.1.0".into(),
                    api: "1.0.0".into(),
                    dpdk: "DPDK 22.11.11".into(),
                }),
                Method::PortShow => Reply::Ports(Vec::new()),
                Method::FdbShow(_) => Reply::Fdb(FdbPage {
                    entries: vec![entry.clone(); entries],
                    next: None,
                }),
                Method::NeighShow => Reply::Neighbours(Vec::new()),
                Method::RouteShow => Reply::Routes(Vec::new()),
                Method::AddrShow => Reply::Addresses(Vec::new()),
                Method::VxlanShow => Reply::Tunnels(Vec::new()),
                Method::DropsShow(port) => Reply::Drops(drops(port.as_ref())),
                Method::OffloadShow(port) => Reply::Offload(nics::offload(port.as_ref())),
                Method::OffloadSelftest(port) => Reply::SelfTest(Box::new(nics::tested(port))),
                Method::StatsShow => Reply::Stats(Box::default()),
                Method::CacheShow(entries) => Reply::Caches(Box::new(caches(entries))),
                Method::CacheFlush => Reply::Flushed(Flushed { entries: 3 }),
                Method::ExplainEntry(number) => {
                    let why = Refused(format!("there is no entry {number}"));
                    request.refuse(why);
                    continue;
                }
                Method::ExplainDrop(reason) => Reply::DropBehind(Box::new(behind(*reason))),
                Method::ExplainFdb(_) => Reply::StationsBehind(Vec::new()),
                Method::Explain(question) => Reply::Explanation(Box::new(explained(question))),
                Method::CaptureStart(capture) | Method::ExplainNext(capture) => {
                    let why = Refused(format!("there is no {}", capture.of));
                    request.refuse(why);
                    continue;
                }
                Method::EventsSubscribe(kinds) => {
                    let (mut subscriber, subscription) = subscription(*kinds, 16);
                    request.answer(Reply::Subscribed(Box::new(subscription)));
                    for revision in 7..9 {
                        let steps = vec!["route del default".to_owned()];
                        let change = ConfigEvent {
                            revision,
                            steps,
                            more: 0,
                        };
                        subscriber.tell(&Arc::new(Event::now(What::Config(change))));
                    }
                    continue;
                }
                change => match changes::played(change) {
                    Ok(reply) => reply,
                    Err(why) => {
                        request.refuse(why);
                        continue;
                    }
                },
            };
            request.answer(reply);
        }
    });
    Server::start(&folder.join("sock"), sender, Settings::default()).unwrap()
}

/// One, at the port that is asked for.
fn drops(port: Option<&Name>) -> Vec<DropCount> {
    vec![DropCount {
        reason: "tx_full".into(),
        port: port.map_or("any".into(), Name::to_string),
        place: DropPlace::TxDropped,
        packets: 7,
        rate: 3,
        meaning: "The port did not accept it.".into(),
        advice: "Wait.".into(),
        last: None,
    }]
}

/// One entry, if all are asked for.
fn caches(entries: &Entries) -> Caches {
    let entry = CacheEntry {
        entry: "0:17".parse().unwrap(),
        port: "lan".into(),
        fields: Vec::new(),
        packets: 7,
        current: true,
        actions: vec![CacheAction::Punt],
        vlan: None,
        tunnel: None,
        remote: None,
    };
    Caches {
        workers: Vec::new(),
        entries: match entries {
            Entries::All => vec![entry],
            _ => Vec::new(),
        },
    }
}

/// It has never occurred.
fn behind(reason: DropReason) -> DropBehind {
    DropBehind {
        reason: Reason {
            reason: reason.name().into(),
            meaning: "It is so.".into(),
            advice: "Wait.".into(),
        },
        counters: Vec::new(),
        causes: Vec::new(),
        entries: Vec::new(),
        more: 0,
    }
}

/// Whatever it is, it is dropped.
fn explained(question: &Question) -> Explanation {
    Explanation {
        port: question.port.to_string(),
        len: question.frame.as_slice().len(),
        fields: Vec::new(),
        fault: None,
        tunnel: None,
        remote: None,
        steps: Vec::new(),
        verdict: Verdict::Dropped(Reason {
            reason: "no_bridge".into(),
            meaning: "It is in none.".into(),
            advice: "Put it in one.".into(),
        }),
        told: Vec::new(),
        pollers: Vec::new(),
        cycles: None,
    }
}

fn overpath(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_overpath"));
    command
        .arg("--socket")
        .arg(folder.join("sock"))
        .args(words)
        .stdin(Stdio::null());
    command
}

fn run(folder: &Path, words: &[&str]) -> Output {
    overpath(folder, words).output().unwrap()
}

/// What it prints; it must succeed.
fn printed(folder: &Path, words: &[&str]) -> String {
    let output = run(folder, words);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && complaint.is_empty(),
        "{words:?}: {complaint}"
    );
    String::from_utf8(output.stdout).unwrap()
}

const LINE: &str = "02:00:00:00:00:01 bridge br10 tunnel vx10 dst 192.0.2.1 learned age 3\n";
const JSON: &str = concat!(
    r#"[{"bridge":"br10","mac":"02:00:00:00:00:01","port":null,"tunnel":"vx10","#,
    r#""remote":"192.0.2.1","kind":"learned","age":3}]"#,
    "\n"
);

#[test]
fn each_noun_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let _server = serve(folder.path(), 1);
    let show = |words: &[&str]| printed(folder.path(), words);
    assert_eq!(show(&["version"]), "overpath 0.1.0, DPDK 22.11.11\n");
    assert_eq!(show(&["port", "show"]), "");
    assert_eq!(show(&["fdb", "show"]), LINE);
    assert_eq!(show(&["f", "s"]), LINE);
    assert_eq!(show(&["neigh", "show"]), "");
    assert_eq!(show(&["route"]), "");
    assert_eq!(show(&["addr", "show", "--json"]), "[]\n");
    assert_eq!(show(&["vxlan", "show"]), "");
    assert_eq!(show(&["drops"]), dropped("any"));
    assert_eq!(show(&["drops", "show", "lan"]), dropped("lan"));
    assert!(show(&["drops", "lan", "--json"]).starts_with(r#"[{"reason":"tx_full","port":"lan""#));
    let idle = |port: &str| format!("{port} offload auto tier T0 reason the port is not started\n");
    assert_eq!(show(&["offload"]), idle("any"));
    assert_eq!(show(&["o", "s", "lan"]), idle("lan"));
    assert!(
        show(&["offload", "--json"]).starts_with(r#"[{"port":"any","offload":"auto","tier":"t0""#)
    );
    assert!(show(&["stats", "show"]).starts_with("account received 0 originated 0"));
    assert_eq!(show(&["fdb", "show", "--json"]), JSON);
    assert_eq!(show(&["--json", "port", "show"]), "[]\n");
}

#[test]
fn a_cache_is_shown_and_flushed() {
    let folder = tempfile::tempdir().unwrap();
    let _server = serve(folder.path(), 1);
    let says = |words: &[&str]| printed(folder.path(), words);
    let line = "0:17 port(lan), packets:7, current, actions:punt\n";
    assert_eq!(says(&["cache"]), line);
    let details = format!("{line}  from port lan\n");
    assert_eq!(says(&["cache", "show", "--details"]), details);
    assert_eq!(says(&["cache", "show", "lan"]), "");
    assert_eq!(says(&["cache", "show", "--entry", "0:17"]), "");
    assert!(says(&["cache", "--json"]).starts_with(r#"{"workers":[],"entries":[{"entry":"0:17""#));
    assert_eq!(says(&["cache", "flush"]), "entries removed: 3\n");
    assert_eq!(says(&["cache", "flush", "--json"]), "{\"entries\":3}\n");
}

#[test]
fn what_is_behind_something_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let _server = serve(folder.path(), 1);
    let says = |words: &[&str]| printed(folder.path(), words);
    let drop = says(&["explain", "--drop", "tx_full"]);
    let expected = "tx_full was not counted since the start\ntx_full: It is so. Wait.\n";
    assert_eq!(drop, expected);
    let json = says(&["explain", "--drop", "tx_full", "--json"]);
    assert!(json.starts_with(r#"{"reason":"tx_full""#), "{json}");
    let station = says(&["explain", "--fdb", "02:00:00:00:00:01"]);
    assert!(station.starts_with("no bridge knows it"), "{station}");
    let output = run(folder.path(), &["explain", "--entry", "0:17"]);
    let told = (output.status.code(), output.stderr);
    assert_eq!(
        told,
        (Some(1), b"overpath: there is no entry 0:17\n".to_vec())
    );
}

fn dropped(port: &str) -> String {
    format!(
        "tx_full port {port} tx-dropped packets 7 rate 3/s\n\
         tx_full: The port did not accept it. Wait.\n"
    )
}

/// A command that prints without end, with the first lines of what it printed.
fn watching(
    folder: &Path,
    words: &[&str],
    lines: usize,
) -> (Child, BufReader<ChildStdout>, String) {
    let mut command = overpath(folder, words);
    let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    for _ in 0..lines {
        reader.read_line(&mut text).unwrap();
    }
    (child, reader, text)
}

#[test]
fn what_is_watched_is_printed_anew_until_nobody_reads() {
    let folder = tempfile::tempdir().unwrap();
    let _server = serve(folder.path(), 1);
    for (words, answer) in [(["fdb", "-w"], LINE), (["drops", "-w"], &*dropped("any"))] {
        let lines = 2 * answer.lines().count() + 1;
        let (child, reader, text) = watching(folder.path(), &words, lines);
        assert_eq!(text, format!("{answer}\n{answer}"));
        drop(reader);
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
    }
}

#[test]
fn a_watch_ends_with_an_interrupt_without_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let _server = serve(folder.path(), 1);
    for signal in ["INT", "TERM"] {
        let (child, _reader, text) = watching(folder.path(), &["fdb", "-w", "3600"], 1);
        assert_eq!(text, LINE);
        let kill = format!("kill -{signal} {}", child.id());
        let killed = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(killed.success());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
    }
}

#[test]
fn a_watch_ends_with_the_daemon_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path(), 1);
    let (child, _reader, _) = watching(folder.path(), &["fdb", "-w"], 1);
    drop(server);
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.starts_with("overpath: "), "{text}");
}

#[test]
fn a_route_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let _server = serve(folder.path(), 1);
    let words = |line: &str| -> Vec<String> { line.split(' ').map(str::to_owned).collect() };
    let output = |line: &str| {
        let words = words(line);
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        run(folder.path(), &words)
    };
    let says = |line: &str| {
        let output = output(line);
        assert_eq!(output.status.code(), Some(0), "{line}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(says("r a default via 192.0.2.1 via 192.0.2.2"), "");
    let json = says("route add default nexthop via 192.0.2.1 --json");
    assert!(json.starts_with("{\"lagging\":[],\"revision\":"), "{json}");
    let late = says("route replace 203.0.113.0/24 via 192.0.2.1");
    assert_eq!(late, "done, but not yet seen by workers: 1\n");

    let complains = |line: &str, code: i32, part: &str| {
        let output = output(line);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{line}: {text}");
        assert!(text.contains(part), "{line}: {text}");
    };
    let refused = "overpath: there is no route to 0.0.0.0/0\n";
    complains("route del default", 1, refused);
    let host = "203.0.113.7/24 has host bits: the network is 203.0.113.0/24";
    complains("route del 203.0.113.7/24", 2, host);
    complains("route add default", 2, "via GATEWAY");
    complains("route del default -w", 2, "--watch is for what is shown");
    complains("route add default dev up0", 2, "say via GATEWAY");
}

#[test]
fn what_happens_is_printed_until_the_daemon_goes() {
    let folder = tempfile::tempdir().unwrap();
    let _server = serve(folder.path(), 1);
    let output = run(folder.path(), &["monitor", "config"]);
    let lines =
        "config revision 7\n    route del default\nconfig revision 8\n    route del default\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), lines);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        (output.status.code(), &*complaint),
        (Some(3), "overpath: the daemon went away\n")
    );
    let json = run(folder.path(), &["mon", "--json"]).stdout;
    let first = String::from_utf8(json).unwrap();
    let first: serde_json::Value = serde_json::from_str(first.lines().next().unwrap()).unwrap();
    assert_eq!(first["config"]["revision"], 7);
}

#[test]
fn a_frame_is_explained_that_is_given_or_read() {
    let folder = tempfile::tempdir().unwrap();
    let _server = serve(folder.path(), 1);
    let words = ["explain", "lan", "02:00", "0102"];
    let text = printed(folder.path(), &words);
    assert!(
        text.starts_with("frame of 4 bytes into port lan\n"),
        "{text}"
    );
    let end = "verdict dropped, reason no_bridge\n   It is in none.\n   Put it in one.\n";
    assert!(text.ends_with(end), "{text}");
    let json = printed(folder.path(), &["explain", "lan", "00", "--json"]);
    assert!(
        json.contains(r#""verdict":"dropped","reason":"no_bridge""#),
        "{json}"
    );
    let mut child = overpath(folder.path(), &["explain", "lan", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"02 00\n01\n")
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.stdout.starts_with(b"frame of 3 bytes "));

    let output = run(folder.path(), &["explain", "lan", "020"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    let problem = "the frame is not hex at byte 1; allowed: 1 to 9216 bytes in hex";
    assert!(text.contains(problem), "{text}");
}

#[test]
fn without_a_daemon_it_says_how_to_start_one() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["fdb", "show"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(output.stdout.is_empty());
    let socket = folder.path().join("sock").display().to_string();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.starts_with(&format!("overpath: nothing listens on {socket}")),
        "{text}"
    );
    let start = "start it with: overpathd -l 0,1 -- --config /etc/overpath/overpath.toml";
    assert!(
        text.ends_with(&format!("{start} --socket {socket}\n")),
        "{text}"
    );
    assert!(printed(folder.path(), &["completion", "bash"]).contains("neigh"));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let _server = serve(folder.path(), 10_000);
    let lines = [
        &["fdb", "show"][..],
        &["fdb", "show", "--json"],
        &["completion", "zsh"],
        &["help"],
    ];
    for words in lines {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = overpath(folder.path(), words)
            .stdout(writer)
            .output()
            .unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && complaint.is_empty(),
            "{words:?}: {complaint}"
        );
    }
}

#[test]
fn a_mistyped_word_is_told_the_nearest() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["prot", "show"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("'port'"), "{text}");
}
