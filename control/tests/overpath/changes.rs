//! Words that change what is wanted.

use super::*;
use control::api::messages::{Changed, Checked, Differing, Exported};
use control::config::{Command as Verb, Edit};

/// What the played daemon says of a change. It has no routes, and one port, `lan`.
pub(super) fn played(method: &Method) -> Result<Reply, Refused> {
    Ok(match method {
        Method::RouteReplace(_) => Reply::Changed(Changed {
            lagging: vec![1],
            ..Changed::default()
        }),
        Method::RouteDel(to) => return Err(Refused(format!("there is no route to {to}"))),
        Method::Edit(Edit::Do(Verb::PortDel, _)) => {
            let why = "port.name: there is no port `lam`\n  allowed: lan";
            return Err(Refused(why.to_owned()));
        }
        Method::Edit(Edit::Load(entries)) => Reply::Changed(Changed {
            revision: entries.matches("mac").count() as u64,
            ..Changed::default()
        }),
        Method::ConfigApply { confirm, .. } => Reply::Changed(Changed {
            unconfirmed: confirm.is_some(),
            ..Changed::default()
        }),
        Method::BridgeShow => Reply::Bridges(Vec::new()),
        Method::ConfigCheck(_) => Reply::Checked(Checked { steps: 0 }),
        Method::ConfigDiff(file) => Reply::Differing(Differing {
            steps: file.text.lines().map(str::to_owned).collect(),
        }),
        Method::ConfigExport => Reply::Exported(Exported {
            text: "[switch]\n".to_owned(),
            revision: 7,
            store_trouble: None,
        }),
        _ => Reply::Changed(Changed::default()),
    })
}

#[test]
fn what_is_wanted_is_changed_by_words() {
    let folder = tempfile::tempdir().unwrap();
    let _server = serve(folder.path(), 1);
    let words = |line: &str| -> Vec<String> { line.split(' ').map(str::to_owned).collect() };
    let output = |line: &str| {
        let words = words(line);
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let output = run(folder.path(), &words);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    let silent = (Some(0), String::new(), String::new());
    for line in [
        "port add lan device net_tap0 mtu 1450",
        "vxlan a vx10 bridge br10 vni 10 local 192.0.2.2 remote 192.0.2.3",
        "bridge set br10 ageing default",
        "fdb flush",
        "config confirm",
    ] {
        assert_eq!(output(line), silent, "{line}");
    }
    let refused = "overpath: port.name: there is no port `lam`\n  allowed: lan\n";
    let told = (Some(1), String::new(), refused.to_owned());
    assert_eq!(output("port del lam"), told);
    let (code, _, told) = output("port add lan mttu 1500");
    assert_eq!(code, Some(2));
    assert!(
        told.contains("did you mean `mtu`?; allowed: device, mtu"),
        "{told}"
    );
    let (code, json, _) = output("addr add 192.0.2.2/24 port lan --json");
    assert!(
        code == Some(0) && json.starts_with("{\"lagging\":[]"),
        "{json}"
    );
    let (code, _, told) = output("port set lan mtu 1400 -w");
    assert!(
        code == Some(2) && told.contains("--watch is for what is shown"),
        "{told}"
    );
}

#[test]
fn a_file_is_compared_applied_and_exported() {
    let folder = tempfile::tempdir().unwrap();
    let _server = serve(folder.path(), 1);
    let says = |words: &[&str]| printed(folder.path(), words);
    let file = folder.path().join("new.toml");
    std::fs::write(&file, "[[bridge]]\nname = 'b'\n").unwrap();
    let file = file.to_str().unwrap();
    assert_eq!(
        says(&["config", "check", file]),
        "ports 0 routes 0 bridges 1 tunnels 0 fdb 0\n"
    );
    assert_eq!(says(&["config", "diff", file]), "[[bridge]]\nname = 'b'\n");
    assert_eq!(says(&["config", "apply", file]), "");
    let tried = says(&["conf", "apply", file, "--confirm", "60"]);
    assert!(
        tried.starts_with("not kept until it is confirmed"),
        "{tried}"
    );
    assert_eq!(says(&["config", "rollback"]), "");
    assert_eq!(says(&["config", "export"]), "[switch]\n");
    let json = says(&["config", "export", "--json"]);
    assert_eq!(
        json,
        "{\"text\":\"[switch]\\n\",\"revision\":7,\"store_trouble\":null}\n"
    );

    std::fs::write(file, "[[bridge]]\n").unwrap();
    let wrong = run(folder.path(), &["config", "check", file]);
    let told = String::from_utf8(wrong.stderr).unwrap();
    assert_eq!(wrong.status.code(), Some(1));
    assert!(
        told.contains("new.toml:1:1: bridge.name: is missing"),
        "{told}"
    );
    let absent = run(folder.path(), &["config", "apply", "/absent"]);
    let told = String::from_utf8(absent.stderr).unwrap();
    assert!(told.contains("/absent: No such file"), "{told}");
}

#[test]
fn entries_are_loaded_from_a_file_or_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let _server = serve(folder.path(), 1);
    let lines = "# of rack 7\n02:00:00:00:00:01 bridge br10 port lan\n\n\
        del 02:00:00:00:00:02 bridge br10\n";
    let file = folder.path().join("entries");
    std::fs::write(&file, lines).unwrap();
    let load = |file: &str| printed(folder.path(), &["fdb", "load", file, "--json"]);
    let two = load(file.to_str().unwrap());
    assert!(two.contains("\"revision\":2"), "{two}");
    let mut command = overpath(folder.path(), &["fdb", "load", "-", "--json"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(lines.as_bytes())
        .unwrap();
    let piped = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(piped.stdout).unwrap(), two);
    std::fs::write(&file, format!("{lines}02:00:00:00:00:03 brige br10\n")).unwrap();
    let wrong = run(folder.path(), &["fdb", "load", file.to_str().unwrap()]);
    let told = String::from_utf8(wrong.stderr).unwrap();
    assert!(
        told.contains("entries: line 5: \"brige\" is not understood here"),
        "{told}"
    );
    let many: String = (0..100_001_u32)
        .map(|n| {
            let [a, b, c, d] = n.to_be_bytes();
            format!("02:01:{a:02x}:{b:02x}:{c:02x}:{d:02x} bridge br10 port lan\n")
        })
        .collect();
    std::fs::write(&file, many).unwrap();
    let last = load(file.to_str().unwrap());
    assert!(
        last.contains("\"revision\":1,"),
        "the second chunk has one: {last}"
    );
}

#[test]
fn manual_pages_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let man = folder.path().join("man");
    assert_eq!(printed(folder.path(), &["man", man.to_str().unwrap()]), "");
    let page = |name| std::fs::read_to_string(man.join(name)).unwrap();
    let load = page("man1/overpath-fdb-load.1");
    assert!(load.contains("standard input"), "{load}");
    let daemon = page("man8/overpathd.8");
    assert!(daemon.contains("EAL"), "{daemon}");
}
