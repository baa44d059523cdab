//! How answers and errors look: colours, counters, JSON.

use super::*;
use serde_json::Value;

/// What it prints with this in its environment, and no more of `TERM` and `NO_COLOR`.
fn coloured(folder: &Path, words: &[&str], environment: &[(&str, &str)]) -> String {
    let mut command = overpath(folder, words);
    command.env_remove("NO_COLOR").env("TERM", "xterm");
    let output = command.envs(environment.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn colours_are_for_terminals_or_for_who_asks() {
    let folder = tempfile::tempdir().unwrap();
    let _server = serve(folder.path(), 1);
    let shown =
        |words: &[&str], environment: &[(&str, &str)]| coloured(folder.path(), words, environment);
    assert_eq!(shown(&["fdb"], &[]), LINE, "a pipe");
    assert_eq!(shown(&["fdb", "--color", "never"], &[]), LINE);
    let painted = "\u{1b}[33m02:00:00:00:00:01\u{1b}[0m bridge \u{1b}[36mbr10\u{1b}[0m \
        tunnel \u{1b}[36mvx10\u{1b}[0m dst \u{1b}[35m192.0.2.1\u{1b}[0m learned age 3\n";
    assert_eq!(shown(&["--color=always", "fdb"], &[]), painted);
    let no_color = [("NO_COLOR", "1")];
    assert_eq!(shown(&["--color=always", "fdb"], &no_color), painted);
    assert_eq!(shown(&["fdb", "--json", "--color=always"], &[]), JSON);
    let help = shown(&["--help", "--color=always"], &[]);
    assert!(help.contains("\u{1b}["), "{help}");
    assert!(!shown(&["--help"], &[]).contains('\u{1b}'));
}

/// script(1) makes a terminal, where there is one.
#[test]
fn a_terminal_gets_colours_unless_no_color_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let _server = serve(folder.path(), 1);
    let shown = |environment: &[(&str, &str)], words: &str| {
        let line = format!(
            "{} --socket {} {words}",
            env!("CARGO_BIN_EXE_overpath"),
            folder.path().join("sock").display()
        );
        let mut script = Command::new("script");
        script
            .args(["-qec", &line, "/dev/null"])
            .stdin(Stdio::null());
        script.env_remove("NO_COLOR").env("TERM", "xterm");
        let output = script.envs(environment.iter().copied()).output().ok()?;
        Some(String::from_utf8(output.stdout).unwrap())
    };
    let Some(text) = shown(&[], "fdb") else {
        eprintln!("there is no script(1): not tested");
        return;
    };
    assert!(text.contains("\u{1b}[36mbr10\u{1b}[0m"), "{text:?}");
    for environment in [[("NO_COLOR", "1")], [("TERM", "dumb")]] {
        let text = shown(&environment, "fdb").unwrap();
        assert_eq!(text.trim_end(), LINE.trim_end(), "{environment:?}");
    }
    let text = shown(&[("NO_COLOR", "")], "fdb").unwrap();
    assert!(text.contains("\u{1b}[36mbr10"), "{text:?}");
}

#[test]
fn counters_stand_below_or_beside() {
    let folder = tempfile::tempdir().unwrap();
    let _server = serve(folder.path(), 1);
    let shown = |words: &[&str]| printed(folder.path(), words);
    for noun in ["port", "bridge", "vxlan", "route", "neigh"] {
        assert_eq!(shown(&["-s", noun]), "", "there is none");
    }
    assert_eq!(shown(&["fdb", "-s"]), LINE);
    for (noun, names) in [
        ("port", &["port.show", "stats.show", "drops.show"][..]),
        ("bridge", &["bridge.show", "stats.show"]),
        ("vxlan", &["vxlan.show", "stats.show"]),
        ("fdb", &["fdb.show", "stats.show"]),
        ("route", &["route.show", "vxlan.show"]),
        ("neigh", &["neigh.show", "route.show", "vxlan.show"]),
    ] {
        let json: Value = serde_json::from_str(&shown(&[noun, "-s", "--json"])).unwrap();
        let mut found: Vec<_> = json.as_object().unwrap().keys().collect();
        let mut names = names.to_vec();
        found.sort();
        names.sort_unstable();
        assert_eq!(found, names, "{noun}");
    }
    let wrong = run(folder.path(), &["addr", "-s"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn errors_are_json_where_answers_are() {
    let folder = tempfile::tempdir().unwrap();
    let told = |words: &[&str]| {
        let output = run(folder.path(), words);
        assert!(output.stdout.is_empty(), "{output:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        let json: Value = serde_json::from_str(&text).unwrap();
        (output.status.code(), json)
    };
    let (status, json) = told(&["fdb", "--json"]);
    assert_eq!((status, &json["code"]), (Some(3), &"not_running".into()));
    let _server = serve(folder.path(), 1);
    let (status, json) = told(&["port", "del", "lam", "--json"]);
    assert_eq!((status, &json["code"]), (Some(1), &"refused".into()));
    assert_eq!(
        (&json["field"], &json["allowed"]),
        (&"port.name".into(), &"lan".into())
    );
    let (status, json) = told(&["--json", "port", "add", "lan", "mttu", "9"]);
    assert_eq!((status, &json["code"]), (Some(2), &"usage".into()));
    assert_eq!(
        (&json["field"], &json["nearest"]),
        (&"mttu".into(), &"mtu".into())
    );
    let (status, json) = told(&["prot", "show", "--json"]);
    assert_eq!((status, &json["nearest"]), (Some(2), &"port".into()));
    let file = folder.path().join("new.toml");
    std::fs::write(&file, "[[bridge]]\n[[bridge]]\n").unwrap();
    let (status, json) = told(&["config", "check", file.to_str().unwrap(), "--json"]);
    assert_eq!((status, &json["code"]), (Some(1), &"refused".into()));
    assert_eq!(json["problems"].as_array().unwrap().len(), 2, "{json}");
    let (status, json) = told(&["config", "apply", "/absent", "--json"]);
    assert_eq!((status, &json["code"]), (Some(1), &"failed".into()));
    let output = run(folder.path(), &["port", "add", "lan", "mttu", "9"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.ends_with("\nsee: overpath port add --help\n"),
        "{text}"
    );
}
