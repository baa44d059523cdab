//! Each kind of error, from `errors.txt`: where it is reported, under which key, in which words.

use super::*;

/// Two ports, two bridges, a tunnel, two entries. Ends within no table that a row could extend.
pub(super) const BASE: &str = r#"
[[port]]
name = "up"
device = "0000:0a:00.0"
addresses = ["192.0.2.2/24"]
[[port]]
name = "lan"
device = "net_tap1"
[[bridge]]
name = "br10"
ports = ["lan"]
[[bridge]]
name = "br20"
[[tunnel]]
name = "vx10"
bridge = "br10"
vni = 10
local = "192.0.2.2"
[[fdb]]
bridge = "br10"
mac = "02:00:00:00:00:01"
port = "lan"
"#;

pub(super) const PORT: &str = "[[port]]\nname = 'p'\ndevice = 'net_null0'\n";
pub(super) const ROUTE: &str = "[[route]]\nto = '203.0.113.0/24'\n";
pub(super) const NEIGHBOUR: &str =
    "[[neighbour]]\nport = 'up'\naddress = '192.0.2.9'\nmac = '02:00:00:00:00:01'\n";
pub(super) const TUNNEL: &str =
    "[[tunnel]]\nname = 't'\nbridge = 'br20'\nvni = 7\nlocal = '192.0.2.2'\n";
pub(super) const FDB: &str = "[[fdb]]\nbridge = 'br10'\nmac = '02:00:00:00:00:09'\n";

/// What `block` must give, one line for each part, as `errors.txt` has it.
fn told(errors: &ConfigErrors, expected: &str) -> String {
    let [error] = errors.errors() else {
        panic!("more than one error: {errors}")
    };
    let colon = if error.key.is_empty() { "" } else { ": " };
    let mut told = format!("{}{colon}{}", error.key, error.problem);
    let allowed = error.allowed.as_deref().unwrap_or_default();
    let part = expected
        .lines()
        .find_map(|line| line.strip_prefix("   allowed: "));
    match part {
        Some(part) if allowed.contains(part) => told += &format!("\n   allowed: {part}"),
        _ if allowed.is_empty() => {}
        _ => told += &format!("\n   allowed: {allowed}"),
    }
    if let Some(nearest) = &error.nearest {
        told += &format!("\n   nearest: {nearest}");
    }
    told
}

fn check(head: &str, block: &str) {
    let (lines, expected) = block.split_once("\n=> ").unwrap();
    let marked = format!("{BASE}{head}{lines}\n");
    let (before, behind) = marked
        .split_once('§')
        .unwrap_or_else(|| panic!("no mark in {block}"));
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    let errors = match Wanted::parse(&format!("{before}{behind}"), "t.toml") {
        Ok(_) => panic!("no error from {block}"),
        Err(errors) => errors,
    };
    assert_eq!(told(&errors, expected), expected, "{errors}");
    let place = errors.errors()[0].place.as_ref().unwrap();
    assert_eq!((place.line, place.column), (line, column), "{errors}");
}

#[test]
fn each_error_is_told_with_its_place_and_what_is_allowed() {
    let groups = include_str!("errors.txt")
        .trim_end()
        .split("=== after ")
        .skip(1);
    let mut count = 0;
    for group in groups {
        let (name, blocks) = group.split_once("\n\n").unwrap();
        let head = match name {
            "nothing" => "",
            "a port" => PORT,
            "a route" => ROUTE,
            "a neighbour" => NEIGHBOUR,
            "a tunnel" => TUNNEL,
            "an entry without a target" => FDB,
            _ => panic!("no such group: {name}"),
        };
        for block in blocks.trim_end().split("\n\n") {
            check(head, block);
            count += 1;
        }
    }
    assert!(count > 115, "only {count} blocks");
}

#[test]
fn the_base_of_all_rows_is_good() {
    for head in ["", PORT, NEIGHBOUR, TUNNEL] {
        good(&format!("{BASE}{head}"));
    }
    good(&format!("{BASE}{FDB}port = 'lan'"));
}

#[test]
fn what_looks_like_an_error_and_is_none() {
    let other = TUNNEL.replace("vni = 7", "vni = 10\nudp_port = 8472");
    good(&format!("{BASE}{other}"));
    good(&format!("{BASE}{other}zero_checksum = 'refuse'"));
    let bridge = BASE.replace("\"br20\"\n[", "\"br20\"\nports = ['up']\n[");
    let entry = "[[fdb]]\nbridge = 'br20'\nmac = '02:00:00:00:00:01'\nport = 'up'";
    good(&format!("{bridge}{entry}"));
    good(&format!("{BASE}{TUNNEL}remotes = ['192.0.3.255']"));
}

#[test]
fn where_nothing_is_configured_nothing_is_allowed() {
    let errors = Wanted::parse("[[bridge]]\nname='b'\nports=['x']", "t.toml").unwrap_err();
    let allowed = errors.errors()[0].allowed.as_deref();
    assert_eq!(allowed, Some("none, as no port is configured"));
}

#[test]
fn all_errors_are_told_at_once_in_the_order_of_the_file() {
    let text = format!(
        "{BASE}[[bridge]]\nname = 'br 30'\nports = ['nosuch']\nage = 1\n[switch]\nmbufs = 1\n\
         {PORT}addresses = ['192.0.2.2/24']\nlocal = 'lan'\n{ROUTE}via = ['192.0.2.2', 'x']\n\
         {}zero_checksum = 'refuse'",
        TUNNEL.replace("vni = 7", "vni = 10")
    );
    let errors = Wanted::parse(&text, "t.toml").unwrap_err();
    let told: Vec<(usize, &str)> = errors
        .errors()
        .iter()
        .map(|error| (error.place.as_ref().unwrap().line, error.key.as_str()))
        .collect();
    let expected = [
        (24, "bridge.name"),
        (25, "bridge.ports"),
        (26, "bridge.age"),
        (28, "switch.mbufs"),
        (32, "port.addresses"),
        (33, "port.local"),
        (36, "route.via"),
        (36, "route.via"),
        (40, "tunnel.vni"),
        (42, "tunnel.zero_checksum"),
    ];
    assert_eq!(told, expected, "{errors}");
}

#[test]
fn a_wrong_name_is_reported_where_it_is_given_and_not_where_it_is_used() {
    let text = "[[port]]\nname='l n'\ndevice='d'\nmtu=1\n[[bridge]]\nname='b'\nports=['l n']";
    let errors = Wanted::parse(text, "t.toml").unwrap_err();
    let keys: Vec<&str> = errors
        .errors()
        .iter()
        .map(|error| error.key.as_str())
        .collect();
    assert_eq!(keys, ["port.name", "port.mtu"], "{errors}");
}

#[test]
fn errors_are_told_beside_bad_syntax() {
    let text = "[[port]]\nname = 'p'\ndevice = \nmtu = 1\n[[bridge]]\nname = 'b'\nports = ['q']";
    let errors = Wanted::parse(text, "t.toml").unwrap_err();
    let told: Vec<usize> = errors
        .errors()
        .iter()
        .map(|error| error.place.as_ref().unwrap().line)
        .collect();
    assert_eq!(told, [3, 4], "{errors}");
}

#[test]
fn only_so_many_errors_are_shown() {
    let errors = Wanted::parse(&"[[bridge]]\n".repeat(150), "t.toml").unwrap_err();
    assert_eq!((errors.errors().len(), errors.more()), (100, 50));
}
