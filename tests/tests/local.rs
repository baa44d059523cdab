//! The kernel of the host beside the switch on one uplink: what is not for the switch goes to a tap,
//! behind which the kernel has the address of the switch and one of its own.
//!
//! ```text
//!   host -- [lan  switch  uplink] == peer 192.0.2.1, a VTEP too
//!                 host -- up0, kernel 192.0.2.254 and 192.0.2.253
//! ```

use overpath_tests::account::counters_moved;
use overpath_tests::lab::{self, HOST_END, Lab, Link};
use overpath_tests::netns::Netns;
use overpath_tests::site::{SWITCH, VNI, host_ip, host_mac, mac, underlay, vtep_ip, vtep_mac};
use overpath_tests::traffic::{self, Capture};
use overpath_tests::{Result, need, skip, wait};
use std::thread;

/// The tap's end in the kernel.
const TAP: &str = "up0";
/// An address of the kernel alone.
const OWN: &str = "192.0.2.253";

struct Place {
    lab: Lab,
    host: Netns,
    peer: Netns,
}

impl Place {
    fn new() -> Result<Self> {
        let (underlay_mtu, overlay_mtu) = Link::AfPacket.mtus();
        let mut lab = Lab::new(Link::AfPacket)?;
        let uplink = lab.port("uplink", underlay_mtu)?;
        let lan = lab.port("lan", overlay_mtu)?;
        let switch = lab.switch();
        // The driver shares the interface with the kernel, which is to hear the tap alone: it does
        // not answer here, and takes nothing whose way back leads elsewhere.
        switch.write_proc("net/ipv4/conf/p0/arp_ignore", "8")?;
        switch.write_proc("net/ipv4/conf/p0/rp_filter", "1")?;
        let remote = underlay(1);
        lab.start_with(&format!(
            "{}addresses = [\"{SWITCH}/24\"]\nlocal = \"host\"\n\
             [[port]]\nname = \"host\"\ndevice = \"net_tap9,iface={TAP}\"\n{}\
             [[bridge]]\nname = \"br10\"\nports = [\"lan\"]\n\
             [[tunnel]]\nname = \"vx10\"\nbridge = \"br10\"\nvni = {VNI}\n\
             local = \"{SWITCH}\"\nremotes = [\"{remote}\"]\n",
            uplink.toml(),
            lan.toml()
        ))?;
        let (host, peer) = (Netns::new("host")?, Netns::new("peer")?);
        let address = format!("{remote}/24");
        lab.plug(&uplink, &peer, "02:00:00:00:01:01", Some(&address))?;
        lab.plug(&lan, &host, &host_mac(1), Some(&(host_ip(1) + "/24")))?;
        let (mac, address) = (vtep_mac(1), vtep_ip(1) + "/24");
        lab::kernel_vxlan(&peer, VNI, (&remote, &[SWITCH]), &mac, &address)?;
        for own in [SWITCH, OWN] {
            lab.switch().ip(&format!("addr add {own}/24 dev {TAP}"))?;
        }
        traffic::reach(&host, &vtep_ip(1))?;
        traffic::reach(&peer, &host_ip(1))?;
        Ok(Self { lab, host, peer })
    }

    fn kernel(&self) -> &Netns {
        self.lab.switch()
    }

    /// The uplink's MAC, as the switch says it.
    fn uplink_mac(&self) -> Result<String> {
        let port = self.lab.daemon()?.find("port.show", "name", "uplink")?;
        let mac = port.ok_or("no uplink")?["mac"].clone();
        Ok(mac.as_str().ok_or("no MAC")?.to_owned())
    }
}

/// Both have one MAC, both are asked by ARP, and each gets its own.
#[test]
fn the_kernel_answers_beside_the_switch() -> Result {
    need!(
        skip::LAB,
        skip::TAP,
        skip::VXLAN,
        "ethtool",
        "ping",
        "bridge"
    );
    need!("tcpdump");
    let mut place = Place::new()?;
    let uplink = place.uplink_mac()?;
    let path = format!("/sys/class/net/{TAP}/address");
    let tap = place.kernel().run("cat", &[&path])?;
    assert_eq!(tap.trim(), uplink);

    let answers = Capture::start(&place.peer, HOST_END, "-Q in arp[6:2] = 2")?;
    for address in [OWN, SWITCH] {
        place.peer.ip(&format!("neigh flush dev {HOST_END}"))?;
        traffic::reach(&place.peer, address)?;
        traffic::ping(&place.peer, address, 3, 64)?.all()?;
        let neighbour = place.peer.ip(&format!("neigh show {address}"))?;
        assert!(neighbour.contains(&uplink), "{neighbour}");
    }
    let answers = answers.settle()?;
    assert!(answers.iter().all(|frame| frame[6..12] == mac(&uplink)));
    // The kernel asks as well, and its answers come back to it.
    place.kernel().ip(&format!("neigh flush dev {TAP}"))?;
    traffic::reach(place.kernel(), &underlay(1))?;
    traffic::ping(place.kernel(), &underlay(1), 3, 64)?.all()?;
    let stats = place.lab.daemon()?.wait_quiet()?;
    let echoes = stats["events"]["neigh_echo_answered"].as_u64();
    assert!(
        echoes >= Some(4),
        "the switch answers for its address: {stats}"
    );
    place.lab.stop()?.check().map(drop)
}

/// A session of the kernel and frames of a tunnel share the uplink, and neither sees the other.
#[test]
fn sessions_of_the_kernel_and_tunnels_share_the_uplink() -> Result {
    need!(
        skip::LAB,
        skip::TAP,
        skip::VXLAN,
        "ethtool",
        "iperf3",
        "ping"
    );
    need!("bridge", "tcpdump");
    let mut place = Place::new()?;
    let before = place.lab.daemon()?.wait_quiet()?;
    let tunnel = Capture::start(place.kernel(), TAP, "udp port 4789")?;
    let session = Capture::start(place.kernel(), TAP, "tcp and greater 1000")?;
    let host = &place.host;
    thread::scope(|scope| -> Result {
        // One after the other, for as long as the sessions last.
        let args = ["-s", "1000", "-i", "0.05", "-l", "1"];
        let pings = scope.spawn(move || traffic::ping_with(host, &vtep_ip(1), 40, &args));
        for address in [SWITCH, OWN] {
            traffic::iperf3(
                &place.peer,
                place.kernel(),
                address,
                &["-t", "1", "-b", "20M"],
            )?;
        }
        traffic::iperf3(
            place.kernel(),
            &place.peer,
            &underlay(1),
            &["-t", "1", "-b", "20M"],
        )?;
        let pings = pings.join().map_err(|_| "ping panicked")??;
        // Frames that find the driver's ring full are lost without a count.
        assert!(pings.received >= 30 && pings.duplicates == 0, "{pings:?}");
        Ok(())
    })?;
    session.wait(3)?;
    assert_eq!(tunnel.settle()?.len(), 0);
    let moved = counters_moved(&before, &place.lab.daemon()?.wait_quiet()?)?;
    // A session fills the ring of the slower end now and then.
    assert!(moved.keys().all(|name| name == "tx_full"), "{moved:?}");
    place.lab.stop()?.check().map(drop)
}

/// The kernel's session ends with the tap; the switch and its tunnels go on.
#[test]
fn tunnels_live_on_without_the_kernel() -> Result {
    need!(
        skip::LAB,
        skip::TAP,
        skip::VXLAN,
        "ethtool",
        "ping",
        "bridge"
    );
    let mut place = Place::new()?;
    let before = place.lab.daemon()?.wait_quiet()?;
    place.kernel().ip(&format!("link set {TAP} down"))?;
    wait::until_true("the port to be down", || {
        let port = place.lab.daemon()?.find("port.show", "name", "host")?;
        Ok(port.is_some_and(|port| port["state"] == "down"))
    })?;
    traffic::ping(&place.host, &vtep_ip(1), 3, 64)?.all()?;
    traffic::ping(&place.peer, SWITCH, 3, 64)?.all()?;
    traffic::ping_with(&place.peer, OWN, 2, &["-W", "1"])?.none()?;
    let moved = counters_moved(&before, &place.lab.daemon()?.wait_quiet()?)?;
    let names: Vec<_> = moved.keys().map(String::as_str).collect();
    assert_eq!(names, ["port_down"], "{moved:?}");
    place.kernel().ip(&format!("link set {TAP} up"))?;
    traffic::reach(&place.peer, OWN)?;
    place.lab.stop()?.check().map(drop)
}
