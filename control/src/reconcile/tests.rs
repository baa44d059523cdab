use super::*;

const BEFORE: &str = r#"
    [[port]]
    name = "up"
    device = "d0"
    addresses = ["192.0.2.2/24", { address = "192.0.3.2/24", vlan = 7 }]
    [[port]]
    name = "a"
    device = "d1"
    [[port]]
    name = "b"
    device = "d2"
    [[route]]
    to = "default"
    via = ["192.0.2.1"]
    [[neighbour]]
    port = "up"
    address = "192.0.2.1"
    mac = "02:00:00:00:01:01"
    [[neighbour]]
    port = "up"
    address = "192.0.3.1"
    mac = "02:00:00:00:01:02"
    vlan = 7
    [[bridge]]
    name = "br0"
    ports = ["a", "b"]
    [[tunnel]]
    name = "vx0"
    bridge = "br0"
    vni = 10
    local = "192.0.2.2"
    remotes = ["192.0.2.9", "192.0.2.8"]
    [[fdb]]
    bridge = "br0"
    mac = "02:00:00:00:00:01"
    port = "a"
    [[fdb]]
    bridge = "br0"
    mac = "02:00:00:00:00:02"
    tunnel = "vx0"
    remote = "192.0.2.9"
"#;

fn wanted(text: &str) -> Wanted {
    Wanted::parse(text, "test").unwrap()
}

fn words(from: &str, to: &str) -> Vec<String> {
    let steps = steps(&wanted(from), &wanted(to));
    steps.iter().map(ToString::to_string).collect()
}

#[test]
fn nothing_is_to_be_done_for_the_same() {
    assert_eq!(words(BEFORE, BEFORE), Vec::<String>::new());
    let other_order = BEFORE.replace(
        r#"["192.0.2.2/24", { address = "192.0.3.2/24", vlan = 7 }]"#,
        r#"[{ address = "192.0.3.2/24", vlan = 7 }, "192.0.2.2/24"]"#,
    );
    assert_eq!(words(BEFORE, &other_order), Vec::<String>::new());
}

#[test]
fn all_comes_before_what_rests_on_it_and_goes_after() {
    assert_eq!(
        words("", BEFORE),
        [
            "port add up device d0",
            "port add a device d1",
            "port add b device d2",
            "addr add 192.0.2.2/24 port up",
            "addr add 192.0.3.2/24 port up vlan 7",
            "neigh add 192.0.2.1 lladdr 02:00:00:00:01:01 port up",
            "neigh add 192.0.3.1 lladdr 02:00:00:00:01:02 port up vlan 7",
            "bridge add br0",
            "port set a bridge br0",
            "port set b bridge br0",
            "vxlan add vx0 bridge br0 vni 10 local 192.0.2.2",
            "vxlan append vx0 remote 192.0.2.9",
            "vxlan append vx0 remote 192.0.2.8",
            "route add 0.0.0.0/0 via 192.0.2.1",
            "fdb add 02:00:00:00:00:01 bridge br0 port a",
            "fdb add 02:00:00:00:00:02 bridge br0 tunnel vx0 dst 192.0.2.9",
        ]
    );
    assert_eq!(
        words(BEFORE, ""),
        [
            "fdb del 02:00:00:00:00:01 bridge br0",
            "fdb del 02:00:00:00:00:02 bridge br0",
            "route del 0.0.0.0/0",
            "vxlan del vx0 remote 192.0.2.9",
            "vxlan del vx0 remote 192.0.2.8",
            "vxlan del vx0",
            "port set a nobridge",
            "port set b nobridge",
            "neigh del 192.0.2.1 port up",
            "neigh del 192.0.3.1 port up vlan 7",
            "addr del 192.0.2.2/24 port up",
            "addr del 192.0.3.2/24 port up vlan 7",
            "bridge del br0",
            "port del up",
            "port del a",
            "port del b",
        ]
    );
}

#[test]
fn what_changes_is_set_and_what_stays_is_left_alone() {
    let changes: [(&str, &str, &[&str]); 10] = [
        (
            r#"device = "d1""#,
            "device = \"d9\"\nmtu = 1400",
            &["port set a device d9 mtu 1400"],
        ),
        (
            r#"name = "br0""#,
            "name = \"br0\"\nageing = 5",
            &["bridge set br0 ageing 5"],
        ),
        (
            r#"["a", "b"]"#,
            r#"["b"]"#,
            &[
                "fdb del 02:00:00:00:00:01 bridge br0",
                "port set a nobridge",
            ],
        ),
        (
            "vni = 10",
            "vni = 11\nttl = \"inherit\"",
            &["vxlan set vx0 vni 11 ttl inherit"],
        ),
        (
            r#", "192.0.2.8""#,
            r#", { address = "192.0.2.8", reserved_bits = "lenient" }"#,
            &[
                "vxlan del vx0 remote 192.0.2.8",
                "vxlan append vx0 remote 192.0.2.8 reserved_bits lenient",
            ],
        ),
        (
            r#"via = ["192.0.2.1"]"#,
            r#"via = ["192.0.2.1", "192.0.2.3"]"#,
            &["route replace 0.0.0.0/0 via 192.0.2.1 via 192.0.2.3"],
        ),
        (
            r#"port = "a""#,
            r#"port = "b""#,
            &["fdb replace 02:00:00:00:00:01 bridge br0 port b"],
        ),
        (
            "vlan = 7",
            "vlan = 8",
            &[
                "neigh del 192.0.3.1 port up vlan 7",
                "addr del 192.0.3.2/24 port up vlan 7",
                "addr add 192.0.3.2/24 port up vlan 8",
                "neigh add 192.0.3.1 lladdr 02:00:00:00:01:02 port up vlan 8",
            ],
        ),
        (
            "02:00:00:00:01:02",
            "02:00:00:00:01:09",
            &["neigh replace 192.0.3.1 lladdr 02:00:00:00:01:09 port up vlan 7"],
        ),
        (
            "[[port]]\n    name = \"up\"",
            "[switch]\ncache_entries = 16\n[[port]]\nname = \"up\"",
            &["switch set cache_entries 16"],
        ),
    ];
    for (old, new, expected) in changes {
        let mut after = match old {
            "vlan = 7" => BEFORE.replace(old, new),
            _ => BEFORE.replacen(old, new, 1),
        };
        if old == r#"["a", "b"]"# {
            let entry = "[[fdb]]\n    bridge = \"br0\"\n    mac = \"02:00:00:00:00:01\"\n    port = \"a\"\n";
            after = after.replace(entry, "");
        }
        assert_eq!(words(BEFORE, &after), expected, "{old}");
    }
}

/// What is back at its default has a word for it, or `nolocal`; a local port is taken when both ports
/// are there.
#[test]
fn what_is_taken_back_is_said() {
    let set = BEFORE.replace(
        "device = \"d1\"",
        "device = \"d1\"\nmtu = 1400\nrx_queues = 2",
    );
    let steps = ["port set a mtu default rx_queues default"];
    assert_eq!(words(&set, BEFORE), steps);
    assert_eq!(
        words(&set, &set.replace("1400", "1500")),
        ["port set a mtu default"]
    );
    let free =
        "port = [{ name = 'p', device = 'd9', ADDRESSES LOCAL }, { name = 'q', device = 'd8' }]";
    let own = "addresses = ['10.0.0.1/8'],";
    let bare = free.replace("ADDRESSES LOCAL", "");
    let whole = free
        .replace("ADDRESSES", own)
        .replace("LOCAL", "local = 'q'");
    let there = [
        "port add p device d9",
        "port add q device d8",
        "addr add 10.0.0.1/8 port p",
        "port set p local q",
    ];
    assert_eq!(words("", &whole), there);
    let gone = ["port set p nolocal", "addr del 10.0.0.1/8 port p"];
    assert_eq!(words(&whole, &bare), gone);
    let lenient = BEFORE.replace("vni = 10", "vni = 10\nreserved_bits = 'lenient'");
    let strict = lenient.replace(
        "\"192.0.2.8\"",
        "{ address = '192.0.2.8', reserved_bits = 'strict' }",
    );
    let apart = [
        "vxlan del vx0 remote 192.0.2.8",
        "vxlan append vx0 remote 192.0.2.8 reserved_bits strict",
    ];
    assert_eq!(words(&lenient, &strict), apart);
}

/// Wherever in a list something comes, goes or changes, what is around it is left alone.
#[test]
fn few_of_many_entries_are_steps() {
    let list = |entries: &[(u8, &str)]| {
        let entry = |(mac, port): &(u8, &str)| {
            format!("[[fdb]]\nbridge = 'br0'\nmac = '02:00:00:00:01:{mac:02x}'\nport = '{port}'\n")
        };
        let entries: String = entries.iter().map(entry).collect();
        format!("{BEFORE}{entries}")
    };
    let to = |number: u8, port: &str| format!("02:00:00:00:01:{number:02x} bridge br0 port {port}");
    let del = |number: u8| format!("fdb del 02:00:00:00:01:{number:02x} bridge br0");
    let all = [(1, "a"), (2, "b"), (3, "a"), (4, "b")];
    for at in 0..all.len() {
        let number = all[at].0;
        let mut fewer = all.to_vec();
        fewer.remove(at);
        assert_eq!(words(&list(&all), &list(&fewer)), [del(number)]);
        let added = format!("fdb add {}", to(number, all[at].1));
        assert_eq!(words(&list(&fewer), &list(&all)), [added]);
        let mut other = all;
        other[at].1 = if all[at].1 == "a" { "b" } else { "a" };
        let replaced = format!("fdb replace {}", to(number, other[at].1));
        assert_eq!(words(&list(&all), &list(&other)), [replaced]);
    }
    let swapped = [(4, "b"), (2, "b"), (3, "a"), (1, "a")];
    assert!(words(&list(&all), &list(&swapped)).is_empty());
    assert_eq!(
        words(&list(&[(1, "a")]), &list(&[(1, "a"), (2, "a")])).len(),
        1
    );
}
