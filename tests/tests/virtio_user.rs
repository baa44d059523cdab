//! net_virtio_user against a real vhost-user back end: testpmd, in a process of its own.

use overpath_tests::account::Account;
use overpath_tests::daemon::Setup;
use overpath_tests::lab::{Lab, Link};
use overpath_tests::netns::Netns;
use overpath_tests::testpmd::{self, Testpmd};
use overpath_tests::{Result, need, skip, traffic};
use std::path::Path;

/// A back end that forwards once it is told `start`.
fn vhost(socket: &Path, mode: &str) -> Result<Testpmd> {
    let device = format!("net_vhost0,iface={},queues=1", socket.display());
    Testpmd::start(None, &[&device], mode)
}

fn guest_port(socket: &Path) -> String {
    format!(
        "[[port]]\nname = \"guest\"\n\
         device = \"net_virtio_user0,path={},queues=1,mac=02:00:00:00:00:01\"\n",
        socket.display()
    )
}

/// testpmd answers ARP and echo requests to any address; a kernel host pings it through overpath.
#[test]
fn a_host_pings_a_vhost_peer() -> Result {
    need!(skip::LAB, skip::TAP, testpmd::PROGRAM, "ping");
    let dir = tempfile::tempdir()?;
    let socket = dir.path().join("vhost");
    let mut testpmd = vhost(&socket, "icmpecho")?;
    testpmd.tell("start")?;
    let mut lab = Lab::new(Link::Tap)?;
    let lan = lab.port("lan", 1500)?;
    let bridge = "[[bridge]]\nname = \"br\"\nports = [\"lan\", \"guest\"]\n";
    lab.start(&(guest_port(&socket) + bridge))?;
    let host = Netns::new("host")?;
    lab.plug(&lan, &host, "02:00:00:00:0b:01", Some("10.0.0.101/24"))?;
    traffic::reach(&host, "10.0.0.9")?;
    traffic::ping(&host, "10.0.0.9", 20, 1400)?.all()?;
    lab.stop()?.check()?;
    drop(testpmd);
    Ok(())
}

/// As many packets as the ring takes, into a port that swallows them.
#[test]
fn a_flood_from_a_vhost_peer_is_counted_to_the_last() -> Result {
    need!(skip::LAB, skip::TAP, testpmd::PROGRAM);
    let dir = tempfile::tempdir()?;
    let socket = dir.path().join("vhost");
    let mut testpmd = vhost(&socket, "txonly")?;
    let config = guest_port(&socket)
        + "[[port]]\nname = \"sink\"\ndevice = \"net_null0,no-rx=1\"\n\
           [[bridge]]\nname = \"br\"\nports = [\"guest\", \"sink\"]\n";
    let daemon = Setup::new(&config).start()?;
    // Not before the port has started: what a peer puts into the ring while the driver still sets
    // it up is lost with the ring's old state, and no counter of ours can know of it.
    testpmd.tell("start")?;
    daemon.wait_received(10_000)?;
    testpmd.tell("stop")?;
    // What is still in the ring when the peer stops is received too.
    daemon.wait_received(testpmd.counter(0, "TX-packets")?)?;
    let stats = daemon.wait_quiet()?;
    let account = Account::from_stats(&stats)?;
    assert_eq!(account.sent, account.received, "{stats}");
    assert_eq!(
        testpmd.counter(0, "TX-packets")?,
        account.received,
        "{stats}"
    );
    daemon.stop()?.check().map(drop)
}
