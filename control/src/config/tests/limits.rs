//! Lists that are longer than the switch has ids for.

use super::rows::{BASE, FDB, PORT, TUNNEL};
use super::*;

#[test]
fn limits() {
    let one = |key: &str, errors: ConfigErrors, line: usize, problem: &str| {
        let [error] = errors.errors() else {
            panic!("more than one error: {errors}")
        };
        assert_eq!((&*error.key, &*error.problem), (key, problem), "{errors}");
        assert_eq!(error.place.as_ref().unwrap().line, line, "{errors}");
    };
    let ports = |n| {
        (0..n)
            .map(|i| format!("[[port]]\nname='p{i}'\ndevice='d{i}'\n"))
            .collect()
    };
    let text: String = ports(257);
    let errors = Wanted::parse(&text, "t").unwrap_err();
    one("port", errors, 256 * 3 + 1, "is one of more than 256 ports");
    good(&ports(256));

    let bridges: String = (0..4097)
        .map(|i| format!("[[bridge]]\nname='b{i}'\n"))
        .collect();
    let errors = Wanted::parse(&bridges, "t").unwrap_err();
    one(
        "bridge",
        errors,
        4096 * 2 + 1,
        "is one of more than 4096 bridges",
    );

    let tunnel = |i: usize| {
        format!(
            "[[tunnel]]\nname='t{i}'\nbridge='br10'\nvni={}\nlocal='192.0.2.2'\n",
            100 + i
        )
    };
    let tunnels: String = (0..4096).map(tunnel).collect();
    let errors = Wanted::parse(&format!("{BASE}{tunnels}"), "t").unwrap_err();
    one(
        "tunnel",
        errors,
        23 + 4095 * 5,
        "is one of more than 4096 tunnels",
    );

    let addresses: Vec<String> = (1..=9).map(|i| format!("'10.0.{i}.1/24'")).collect();
    let text = format!("{PORT}addresses = [{}]", addresses.join(", "));
    let errors = Wanted::parse(&text, "t").unwrap_err();
    one(
        "port.addresses",
        errors,
        4,
        "is one of more than 8 addresses of one port",
    );

    let text = format!("[switch]\nfdb_entries = 1\n{BASE}{FDB}port = 'lan'");
    let errors = Wanted::parse(&text, "t").unwrap_err();
    let what = "is one of more than 1 entries, the value of switch.fdb_entries";
    one("fdb", errors, 25, what);
}

#[test]
fn a_limit_for_the_remotes_of_all_tunnels() {
    let remotes = |from: u32, to: u32| -> String {
        (from..to)
            .map(|i| format!("'{}',", std::net::Ipv4Addr::from(0x0a00_0000 + i)))
            .collect()
    };
    let entry = FDB.replace("br10", "br20");
    let text = |last: u32| {
        let list = format!(
            "remotes = [\n{}\n{}]\n",
            remotes(0, 65_534),
            remotes(65_534, last)
        );
        format!("{BASE}{TUNNEL}{list}{entry}tunnel = 't'\nremote = '10.0.0.0'\n")
    };
    good(&text(65_535));
    let errors = Wanted::parse(&text(65_536), "t").unwrap_err();
    let error = &errors.errors()[0];
    let problem = "is one of more than 65535 remotes of all tunnels and static entries";
    assert_eq!((&*error.key, &*error.problem), ("remote", problem));
    let other = "[[fdb]]\nbridge = 'br20'\nmac = '02:00:00:00:00:0a'\ntunnel = 't'\n";
    let text = format!("{}{other}remote = '10.9.0.0'", text(65_535));
    let errors = Wanted::parse(&text, "t").unwrap_err();
    assert_eq!(errors.errors()[0].problem, problem);
}
