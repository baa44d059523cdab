//! Remotes behind gateways: kernels that forward between the switch's network and that of a kernel
//! VTEP. Routes are changed by the real command line while frames go on.

use overpath_tests::account::counters_moved;
use overpath_tests::lab::{HOST_END, Link};
use overpath_tests::routed::{Arrivals, FAR, FAR_END, REMOTE, Routed, gateway};
use overpath_tests::site::{SWITCH, VTEP_DEVICE, host_ip, vtep_ip};
use overpath_tests::traffic;
use overpath_tests::{Result, need, skip, wait};
use serde_json::Value;
use std::collections::BTreeSet;
use std::ops::Range;
use std::thread;

/// A `[[route]]` to the VTEP's network by these gateways.
fn route(by: &[u8]) -> String {
    let via: Vec<String> = by.iter().map(|n| gateway(*n)).collect();
    format!("[[route]]\nto = \"{FAR}\"\nvia = {via:?}\n")
}

/// Waits until all these flows have arrived, and gives what arrived.
fn wait_flows(seen: &Arrivals, flows: &Range<u16>) -> Result<Vec<u16>> {
    wait::until(&format!("flows {flows:?}"), wait::LONG, || {
        let all = seen.flows()?;
        let there: BTreeSet<u16> = all.iter().copied().collect();
        Ok(flows
            .clone()
            .all(|flow| there.contains(&flow))
            .then_some(all))
    })
}

/// By which gateways these flows came.
fn ways(seen: &Arrivals, flows: Range<u16>) -> Result<BTreeSet<u8>> {
    let ways = seen.ways()?;
    let ways = ways.into_iter().filter(|(flow, _)| flows.contains(flow));
    Ok(ways.map(|(_, gateway)| gateway).collect())
}

/// What `overpath vxlan show` says of the one remote.
fn remote(site: &Routed) -> Result<Value> {
    let tunnel = site.daemon()?.find("vxlan.show", "name", "vx10")?;
    Ok(tunnel.ok_or("no tunnel")?["remotes"][0].clone())
}

#[test]
fn a_remote_behind_a_gateway_is_reached() -> Result {
    need!(
        skip::LAB,
        skip::VXLAN,
        "ethtool",
        "iperf3",
        "ping",
        "bridge"
    );
    let site = Routed::new(&route(&[1]))?;
    site.warm_up()?;
    let before = site.daemon()?.stats()?;
    let largest = Link::AfPacket.mtus().1 - 28;
    for payload in [64, largest] {
        traffic::ping(&site.host, &vtep_ip(1), 3, payload)?.all()?;
        traffic::ping(&site.vtep, &host_ip(1), 3, payload)?.all()?;
    }
    traffic::iperf3(&site.host, &site.vtep, &vtep_ip(1), &["-t", "1"])?;
    let moved = counters_moved(&before, &site.daemon()?.wait_quiet()?)?;
    assert!(moved.keys().all(|name| name == "other_host"), "{moved:?}");
    let shown = site.route("show")?;
    let line = shown.lines().find(|line| line.starts_with(FAR));
    let line = line.ok_or_else(|| format!("no route: {shown}"))?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let expected = format!(
        "{FAR} via {} port uplink lladdr 02:00:00:00:05:11 static",
        gateway(1)
    );
    assert_eq!(words.join(" "), expected);
    assert_eq!(remote(&site)?["way"][0]["mac"], "02:00:00:00:05:11");
    site.finish()
}

/// Frames go on while a route is replaced: each arrives once, by the old gateway or by the new.
#[test]
fn a_route_is_replaced_deleted_and_added_under_traffic() -> Result {
    need!(
        skip::LAB,
        skip::VXLAN,
        "ethtool",
        "ping",
        "bridge",
        "tcpdump"
    );
    need!("python3");
    let site = Routed::new(&route(&[1]))?;
    site.warm_up()?;
    traffic::reach(&site.gateways[1], SWITCH)?;
    let seen = Arrivals::watch(&site)?;
    let before = site.daemon()?.wait_quiet()?;
    let (all, after) = (0..300, 300..310);
    thread::scope(|scope| -> Result {
        let sender = scope.spawn(|| site.send(all.clone(), 5));
        wait_flows(&seen, &(0..20))?;
        site.route(&format!("replace {FAR} via {}", gateway(2)))?;
        sender.join().map_err(|_| "the sender panicked")?
    })?;
    assert_eq!(wait_flows(&seen, &all)?.len(), all.len());
    site.send(after.clone(), 1)?;
    wait_flows(&seen, &after)?;
    assert_eq!(ways(&seen, all)?, BTreeSet::from([1, 2]));
    assert_eq!(ways(&seen, after)?, BTreeSet::from([2]));
    let middle = site.daemon()?.wait_quiet()?;
    let moved = counters_moved(&before, &middle)?;
    assert!(moved.keys().all(|name| name == "other_host"), "{moved:?}");

    site.route(&format!("del {FAR}"))?;
    site.send(400..410, 1)?;
    let gone = wait::until("frames to be dropped", wait::LONG, || {
        let stats = site.daemon()?.wait_quiet()?;
        let moved = counters_moved(&middle, &stats)?;
        Ok((moved.get("no_route") >= Some(&10)).then_some(moved))
    })?;
    // The host's kernel may ask for its neighbours meanwhile.
    let known = |name: &String| ["no_route", "other_host"].contains(&&**name);
    assert!(gone.keys().all(known), "{gone:?}");
    let tunnels = site.daemon()?.client(&["vxlan", "show"])?;
    assert!(
        tunnels.contains(&format!("remote {REMOTE} unreachable")),
        "{tunnels}"
    );
    let again = site.route(&format!("del {FAR}")).unwrap_err().to_string();
    assert!(again.contains("there is no route to"), "{again}");

    site.route(&format!("add {FAR} via {}", gateway(2)))?;
    site.send(500..510, 1)?;
    let flows = wait_flows(&seen, &(500..510))?;
    assert!(!flows.iter().any(|flow| (400..410).contains(flow)));
    traffic::reach(&site.host, &vtep_ip(1))?;
    site.finish()
}

/// Flows are spread over two gateways; when one falls silent the other carries all of them.
#[test]
fn two_gateways_share_the_flows_until_one_is_silent() -> Result {
    need!(
        skip::LAB,
        skip::VXLAN,
        "ethtool",
        "ping",
        "bridge",
        "tcpdump"
    );
    need!("python3");
    let site = Routed::new(&route(&[1, 2]))?;
    site.warm_up()?;
    wait::until_true("both ways to be known", || {
        let remote = remote(&site)?;
        let ways = remote["way"].as_array().cloned().unwrap_or_default();
        Ok(ways.len() == 2 && ways.iter().all(|way| way["mac"].is_string()))
    })?;
    let seen = Arrivals::watch(&site)?;
    site.send(0..64, 1)?;
    site.send(0..64, 1)?;
    wait::until_true("each flow twice", || Ok(seen.flows()?.len() == 128))?;
    let first = seen.ways()?;
    let by_one = first.values().filter(|way| **way == 1).count();
    assert!((8..=56).contains(&by_one), "{first:?}");

    site.answer_by(2)?;
    site.gateways[0].ip(&format!("link set {HOST_END} down"))?;
    let mut next = 1000;
    wait::until("all flows by gateway 2", wait::LONG, || {
        let batch = next..next + 64;
        next += 64;
        site.send(batch.clone(), 1)?;
        thread::sleep(std::time::Duration::from_secs(1));
        let there: BTreeSet<u16> = seen.flows()?.into_iter().collect();
        Ok(batch
            .clone()
            .all(|flow| there.contains(&flow))
            .then_some(()))
    })?;
    assert_eq!(ways(&seen, next - 64..next)?, BTreeSet::from([2]));
    traffic::ping(&site.host, &vtep_ip(1), 5, 64)?.all()?;
    let shown = site.daemon()?.client(&["neigh", "show"])?;
    assert!(
        shown.contains(&gateway(1)) && shown.contains("failed"),
        "{shown}"
    );
    site.finish()
}

/// Nobody listens at the remote: its kernel says so, by way of the gateway.
#[test]
fn a_remote_that_does_not_listen_is_shown() -> Result {
    need!(
        skip::LAB,
        skip::VXLAN,
        "ethtool",
        "ping",
        "bridge",
        "python3"
    );
    let site = Routed::new(&route(&[1]))?;
    site.warm_up()?;
    assert!(remote(&site)?["last_error"].is_null());
    site.vtep.ip(&format!("link del {VTEP_DEVICE}"))?;
    let error = wait::until("the error to be shown", wait::LONG, || {
        site.send(0..1, 0)?;
        let error = remote(&site)?["last_error"].clone();
        Ok((error["count"].as_u64() >= Some(2)).then_some(error))
    })?;
    assert_eq!(error["from"], REMOTE, "{error}");
    assert!(error["mtu"].is_null(), "{error}");
    let tunnels = site.daemon()?.client(&["vxlan", "show"])?;
    let expected = format!("error port unreachable from {REMOTE} count ");
    assert!(tunnels.contains(&expected), "{tunnels}");
    let log = site.daemon()?.log();
    assert_eq!(log.matches("ICMP: port unreachable").count(), 1, "{log}");
    site.finish()
}

/// The network behind the gateway takes less than the switch sends, which says "don't fragment".
#[test]
fn a_smaller_mtu_behind_the_gateway_is_shown() -> Result {
    need!(skip::LAB, skip::VXLAN, "ethtool", "ping", "bridge");
    let site = Routed::new(&route(&[1]))?;
    site.warm_up()?;
    site.gateways[0].ip(&format!("link set {FAR_END} mtu 1400"))?;
    let lost = traffic::ping_with(&site.host, &vtep_ip(1), 2, &["-s", "1400", "-W", "1"])?;
    lost.none()?;
    let error = wait::until("the error to be shown", wait::LONG, || {
        let error = remote(&site)?["last_error"].clone();
        Ok((!error.is_null()).then_some(error))
    })?;
    assert_eq!(
        (&error["mtu"], &error["from"]),
        (&1400.into(), &gateway(1).into())
    );
    let tunnels = site.daemon()?.client(&["vxlan", "show"])?;
    let expected = format!(
        "error fragmentation needed mtu 1400 from {} count ",
        gateway(1)
    );
    assert!(tunnels.contains(&expected), "{tunnels}");
    // What fits goes on.
    traffic::ping(&site.host, &vtep_ip(1), 3, 1300)?.all()?;
    site.finish()
}
