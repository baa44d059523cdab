//! What it is worth that a guest leaves segments to be cut.

use super::place::Place;
use super::{SEGMENT, tunnel};
use overpath_tests::lab::Link;
use overpath_tests::netns::Netns;
use overpath_tests::site::host_ip;
use overpath_tests::{Result, need, skip, testpmd, traffic};

/// Of each, in turn: what else the machine does meanwhile comes upon both.
const TURNS: usize = 5;

/// TCP between guests and hosts of one switch. What a worker needs for a byte says more than how many
/// come in a second, as all share CPUs. net_tap and net_af_packet make the kernel take a frame in the
/// worker's own time, net_vhost does not.
fn measure(place: &Place, what: &str, from: &Netns, to: &Netns) -> Result {
    traffic::reach(from, &host_ip(1))?;
    let ticks = || -> Result<u64> {
        let stats = place.daemon()?.stats()?;
        let ticks = stats["workers"][0]["busy_ticks"].as_u64();
        Ok(ticks.ok_or("no worker")?)
    };
    let before = ticks()?;
    let sum = traffic::iperf3(from, to, &host_ip(1), &["-t", "2"])?;
    let ticks = 10 * (ticks()? - before) / sum.bytes;
    println!(
        "{what}: {} Mbit/s, {}.{} cycles of the worker for a byte",
        sum.bytes * 8 / 2_000_000,
        ticks / 10,
        ticks % 10
    );
    Ok(())
}

fn to_a_tunnel(link: Link, arguments: &str, segment: Option<u16>) -> Result {
    let guests = [("guest", arguments, "")];
    let place = Place::new(link, &["uplink"], &guests, &tunnel(""))?;
    let vtep = place.vtep(1)?;
    let guest = place.guest("guest", 2, 1450, segment)?;
    let what = format!("{arguments}, tunnel over {link:?}");
    measure(&place, &what, &guest.ns, &vtep)?;
    place.finish()
}

fn to_a_guest(arguments: &str, segment: Option<u16>) -> Result {
    let guests = [("guest1", arguments, ""), ("guest2", arguments, "")];
    let place = Place::new(Link::Tap, &[], &guests, "")?;
    let to = place.guest("guest1", 1, 1450, segment)?;
    let from = place.guest("guest2", 2, 1450, segment)?;
    let what = format!("{arguments}, another guest");
    measure(&place, &what, &from.ns, &to.ns)?;
    place.finish()
}

#[test]
#[ignore = "measures time"]
fn what_it_is_worth() -> Result {
    need!(
        skip::LAB,
        skip::VXLAN,
        "ethtool",
        "bridge",
        "iperf3",
        "ping"
    );
    need!(skip::TAP, testpmd::PROGRAM);
    for _ in 0..TURNS {
        for (arguments, segment) in [("tso=1", Some(SEGMENT)), ("tso=0", None)] {
            to_a_tunnel(Link::AfPacket, arguments, segment)?;
            to_a_tunnel(Link::Tap, arguments, segment)?;
            to_a_guest(arguments, segment)?;
        }
    }
    Ok(())
}
