//! Lists that are longer than the switch has ids for.

use super::rows::{BASE, FDB, PORT, ROUTE, TUNNEL};
use super::*;
use fastpath::ids::{BridgeId, PortId, RemoteId, TunnelId};
use fastpath::snapshot::UdpPorts;
use fastpath::worker::MAX_RX_QUEUES;
use std::net::Ipv4Addr;

/// `text` has one error: about `key`, in `line`, for more than `limit` of `what`.
fn beyond(text: &str, key: &str, line: usize, limit: usize, what: &str) {
    let errors = Wanted::parse(text, "t.toml").unwrap_err();
    let [error] = errors.errors() else {
        panic!("more than one error: {errors}")
    };
    let problem = format!("is one of more than {limit} {what}");
    assert_eq!((&*error.key, &*error.problem), (key, &*problem), "{errors}");
    assert_eq!(error.place.as_ref().unwrap().line, line, "{errors}");
}

fn ports(count: usize) -> String {
    (0..count)
        .map(|i| format!("[[port]]\nname='p{i}'\ndevice='d{i}'\n"))
        .collect()
}

fn bridges(count: usize) -> String {
    (0..count)
        .map(|i| format!("[[bridge]]\nname='b{i}'\n"))
        .collect()
}

/// Behind [`BASE`], which has one tunnel too.
fn tunnels(count: usize) -> String {
    let end = "bridge='br10'\nlocal='192.0.2.2'";
    let tunnel = |i: usize| format!("[[tunnel]]\nname='t{i}'\nvni={}\n{end}\n", 100 + i);
    format!("{BASE}{}", (0..count).map(tunnel).collect::<String>())
}

#[test]
fn as_many_things_as_there_are_ids() {
    good(&ports(PortId::LIMIT));
    beyond(
        &ports(PortId::LIMIT + 1),
        "port",
        PortId::LIMIT * 3 + 1,
        PortId::LIMIT,
        "ports",
    );

    let limit = BridgeId::LIMIT;
    good(&bridges(limit));
    beyond(
        &bridges(limit + 1),
        "bridge",
        limit * 2 + 1,
        limit,
        "bridges",
    );

    let limit = TunnelId::LIMIT;
    good(&tunnels(limit - 1));
    let line = BASE.lines().count() + (limit - 1) * 5 + 1;
    beyond(&tunnels(limit), "tunnel", line, limit, "tunnels");
}

#[test]
fn so_many_addresses_of_a_port_and_entries_of_a_table() {
    let text = |count: usize| {
        let addresses: Vec<String> = (1..=count).map(|i| format!("'10.0.{i}.1/24'")).collect();
        format!("{PORT}addresses = [{}]", addresses.join(", "))
    };
    let limit = Port::MAX_ADDRESSES;
    good(&text(limit));
    beyond(
        &text(limit + 1),
        "port.addresses",
        4,
        limit,
        "addresses of one port",
    );

    let text = format!("[switch]\nfdb_entries = 1\n{BASE}{FDB}port = 'lan'");
    let line = 2 + BASE.lines().count() + 1;
    beyond(
        &text,
        "fdb",
        line,
        1,
        "entries, the value of switch.fdb_entries",
    );
}

#[test]
fn so_many_routes_and_gateways_of_a_route() {
    let via = "via = '192.0.2.254'\n";
    let route = |i: usize| format!("[[route]]\nto = '10.{}.{}.0/24'\n{via}", i / 256, i % 256);
    let text = |count: usize| format!("{BASE}{}", (0..count).map(route).collect::<String>());
    good(&text(MAX_ROUTES));
    let line = text(MAX_ROUTES).lines().count() + 1;
    beyond(&text(MAX_ROUTES + 1), "route", line, MAX_ROUTES, "routes");

    let gateway = |i: usize| format!("'192.0.2.{}'", 10 + i);
    let all: Vec<String> = (0..MAX_GATEWAYS).map(gateway).collect();
    let wanted = good(&format!("{BASE}{ROUTE}via = [{}]", all.join(", ")));
    assert_eq!(wanted.routes[0].via.len(), MAX_GATEWAYS);
}

#[test]
fn so_many_neighbours() {
    let base = BASE.replace("192.0.2.2/24", "192.0.2.2/16");
    let end = "port = 'up'\nmac = '02:00:00:00:00:01'\n";
    let one = |i: usize| {
        let address = Ipv4Addr::from(0xc000_0300 + u32::try_from(i).unwrap());
        format!("[[neighbour]]\naddress = '{address}'\n{end}")
    };
    let text = |count: usize| format!("{base}{}", (0..count).map(one).collect::<String>());
    good(&text(MAX_NEIGHBOURS));
    let line = text(MAX_NEIGHBOURS).lines().count() + 1;
    let all = text(MAX_NEIGHBOURS + 1);
    beyond(&all, "neighbour", line, MAX_NEIGHBOURS, "neighbours");
}

#[test]
fn as_many_receive_queues_as_one_worker_polls() {
    let (limit, what) = (MAX_RX_QUEUES, "receive queues of all ports");
    let queues = |each: usize| ports(each).replace("'\nd", "'\nrx_queues=64\nd");
    good(&queues(limit / 64));
    let text = format!("{}[[port]]\nname='q'\ndevice='q'", queues(limit / 64));
    let line = text.lines().count() - 2;
    beyond(&text, "port.rx_queues", line, limit, what);
}

/// A tunnel with `count` remotes, and a static entry to the first of them.
fn remotes(count: usize) -> String {
    let address = |i: usize| Ipv4Addr::from(0x0a00_0000 + u32::try_from(i).unwrap());
    let list: String = (0..count).map(|i| format!("'{}',", address(i))).collect();
    let entry = FDB.replace("br10", "br20");
    format!("{BASE}{TUNNEL}remotes = [{list}]\n{entry}tunnel = 't'\nremote = '10.0.0.0'\n")
}

#[test]
fn as_many_remotes_as_there_are_records() {
    let (limit, what) = (RemoteId::LIMIT, "remotes of all tunnels and static entries");
    let full = remotes(limit);
    good(&full);
    let line = format!("{BASE}{TUNNEL}").lines().count() + 1;
    beyond(&remotes(limit + 1), "remote", line, limit, what);

    let other = "[[fdb]]\nbridge = 'br20'\nmac = '02:00:00:00:00:0a'\ntunnel = 't'\n";
    let text = format!("{full}{other}remote = '11.0.0.0'");
    beyond(&text, "remote", text.lines().count(), limit, what);
}

/// The tunnel of [`BASE`] has a port of its own.
#[test]
fn as_many_udp_ports_as_the_parser_looks_at() {
    let (limit, what) = (UdpPorts::LIMIT, "UDP ports of all tunnels");
    let end = "bridge='br10'\nlocal='192.0.2.2'\nvni=7";
    let tunnel = |i: usize| format!("[[tunnel]]\nname='t{i}'\nudp_port={i}\n{end}\n");
    let text = |count: usize| (1..=count).map(tunnel).collect::<String>();
    let text = |count: usize| format!("{BASE}{}", text(count));
    good(&text(limit - 1));
    let line = text(limit - 1).lines().count() + 1;
    beyond(&text(limit), "tunnel.udp_port", line, limit, what);
}

/// Entries that are wrong, or too many, are read up to a limit.
#[test]
fn a_text_with_very_many_entries_is_not_read_to_its_end() {
    let list = |item: &str, count| format!("fdb = [{}]", item.repeat(count));
    let errors = Wanted::parse(&list("{},", 50_000), "t").unwrap_err();
    // Three are missing or not said in each, of which the first thousand end it.
    assert!(errors.more() < 5_000, "{}", errors.more());
    let item = "{bridge='b',mac='02:00:00:00:00:01',port='p'},";
    let errors = Wanted::parse(&list(item, 70_000), "t").unwrap_err();
    let all = errors.errors().len() + errors.more();
    // No bridge, no port, the same address again, for each entry up to the limit and one more.
    let limit = SwitchSettings::default().fdb_entries as usize;
    assert!(all <= 3 * (limit + 1) + 1, "{all}");
    let load = Edit::Load(format!("[{}{{}}]", "{},".repeat(50_000)).into());
    let errors = Wanted::default().edited(&load).unwrap_err();
    assert!(errors.more() < 5_000, "{}", errors.more());
}
