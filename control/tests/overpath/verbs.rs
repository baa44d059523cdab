//! Every noun with every verb that it has, before a server that takes all of them.

use super::*;

/// What can be said. A daemon that is played takes it without a word.
const TAKEN: &[&str] = &[
    "port",
    "port show",
    "port add lan device net_tap0",
    "port set lan mtu 1400",
    "port del gone",
    "addr show",
    "addr add 192.0.2.2/24 port lan",
    "addr set 192.0.2.2/25 port lan",
    "addr del 192.0.2.2/24 port lan",
    "route show",
    "route add default via 192.0.2.1",
    "route set default via 192.0.2.1",
    "route replace default via 192.0.2.1",
    "route del 203.0.113.0/24",
    "neigh show",
    "neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev lan",
    "neigh set 192.0.2.9 lladdr 02:00:00:00:00:09 dev lan",
    "neigh replace 192.0.2.9 lladdr 02:00:00:00:00:09 dev lan",
    "neigh del 192.0.2.9 dev lan",
    "bridge show",
    "bridge add br10",
    "bridge set br10 ageing 60",
    "bridge del br10",
    "vxlan show",
    "vxlan add vx10 bridge br10 vni 10 local 192.0.2.2",
    "vxlan set vx10 ttl 9",
    "vxlan append vx10 remote 192.0.2.3",
    "vxlan del vx10 remote 192.0.2.3",
    "vxlan del vx10",
    "fdb show",
    "fdb get 02:00:00:00:00:01",
    "fdb add 02:00:00:00:00:01 bridge br10 port lan",
    "fdb set 02:00:00:00:00:01 bridge br10 port lan",
    "fdb replace 02:00:00:00:00:01 bridge br10 port lan",
    "fdb append 00:00:00:00:00:00 tunnel vx10 dst 192.0.2.3",
    "fdb del 02:00:00:00:00:01 bridge br10",
    "fdb flush",
    "fdb flush static",
    "switch set mbufs 2048",
    "config check FILE",
    "config diff FILE",
    "config apply FILE",
    "config apply FILE --confirm 60",
    "config confirm",
    "config rollback",
    "config export",
    "version",
    "stats",
    "drops",
    "cache",
    "cache flush",
    "offload",
    "offload show",
    "offload show lan",
    "offload selftest lan",
    "explain lan 00",
    "completion bash",
];

#[test]
fn every_verb_of_every_noun_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let _server = serve(folder.path(), 1);
    let file = folder.path().join("new.toml");
    std::fs::write(&file, "[[bridge]]\nname = 'b'\n").unwrap();
    let file = file.to_str().unwrap();
    for line in TAKEN {
        let line = line.replace("FILE", file);
        let words: Vec<&str> = line.split(' ').collect();
        let output = run(folder.path(), &words);
        let told = String::from_utf8_lossy(&output.stderr);
        // Of these the daemon that is played knows none.
        let refused = ["port del", "route del"]
            .iter()
            .any(|verb| line.starts_with(verb));
        let status = if refused { Some(1) } else { Some(0) };
        assert_eq!(output.status.code(), status, "{line}: {told}");
        let mut json = words.clone();
        json.push("--json");
        let output = run(folder.path(), &json);
        let json = if refused {
            &output.stderr
        } else {
            &output.stdout
        };
        let is_json = serde_json::from_slice::<serde_json::Value>(json).is_ok();
        assert!(
            is_json || line.starts_with("completion"),
            "{line}: {output:?}"
        );
    }
}

/// What is asked for again and again is shown again and again, in one way for all nouns.
#[test]
fn all_that_is_shown_has_help_and_can_be_shortened() {
    let folder = tempfile::tempdir().unwrap();
    let _server = serve(folder.path(), 1);
    for noun in [
        "port", "addr", "route", "neigh", "bridge", "vxlan", "fdb", "offload",
    ] {
        for words in [&[noun, "help"][..], &[noun, "--help"], &["help", noun]] {
            let help = printed(folder.path(), words);
            assert!(help.contains("show"), "{words:?}: {help}");
        }
        let whole = printed(folder.path(), &[noun, "show"]);
        assert_eq!(printed(folder.path(), &[noun, "s"]), whole, "{noun}");
    }
}
