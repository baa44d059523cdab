//! What tunnels rest on: the uplink's link and our address on it. Both go and come back, and tunnels
//! with them, by name.
//!
//! ```text
//!   host -- [lan  switch  uplink] -- tap0 -- br0 --+-- VTEP 192.0.2.1
//!                                                  +-- thief, with the switch's address
//! ```
//!
//! The kernel's end of the tap stays in the namespace of the switch: net_tap sees its link there.

use overpath_tests::account::counters_moved;
use overpath_tests::lab::{self, HOST_END, Lab, Link};
use overpath_tests::netns::Netns;
use overpath_tests::site::{
    SWITCH, VNI, host_ip, host_mac, mac, marked, underlay, vtep_ip, vtep_mac,
};
use overpath_tests::testpmd::{self, Testpmd};
use overpath_tests::traffic::{self, Capture};
use overpath_tests::{Result, need, skip, wait};
use serde_json::Value;

const BROADCAST: &str = "ff:ff:ff:ff:ff:ff";
const THIEF: &str = "02:00:00:00:01:66";
/// Of the tap's end in the kernel, which starts with that of the switch's port.
const TAP: &str = "02:00:00:00:fe:00";

struct Place {
    lab: Lab,
    host: Netns,
    vtep: Netns,
}

impl Place {
    /// The switch with its host, and the kernel's VTEP; nothing is plugged into the uplink yet.
    /// `uplink` is its `[[port]]` table, if it is not to be a tap.
    fn new(uplink: Option<&str>) -> Result<Self> {
        let mut lab = Lab::new(Link::Tap)?;
        let tap = match uplink {
            None => lab.port("uplink", 1500)?.toml(),
            Some(table) => table.to_owned(),
        };
        let lan = lab.port("lan", 1450)?;
        let remote = underlay(1);
        lab.start_with(&format!(
            "{tap}addresses = [\"{SWITCH}/24\"]\n{}\
             [[bridge]]\nname = \"br10\"\nports = [\"lan\"]\n\
             [[tunnel]]\nname = \"vx10\"\nbridge = \"br10\"\nvni = {VNI}\n\
             local = \"{SWITCH}\"\nremotes = [\"{remote}\"]\n",
            lan.toml()
        ))?;
        let (host, vtep) = (Netns::new("host")?, Netns::new("vtep")?);
        lab.plug(&lan, &host, &host_mac(1), Some(&(host_ip(1) + "/24")))?;
        Ok(Self { lab, host, vtep })
    }

    /// Connects a station to the bridge that the tap is to be in.
    fn station(&self, ns: &Netns, name: &str, mac: &str, address: &str) -> Result {
        let (switch, to) = (self.lab.switch(), ns.name());
        if switch.ip("link show br0").is_err() {
            switch.ip("link add br0 type bridge")?;
            switch.ip("link set br0 up")?;
        }
        switch.ip(&format!(
            "link add {name} type veth peer name {HOST_END} netns {to} address {mac}"
        ))?;
        switch.ip(&format!("link set {name} master br0 up"))?;
        ns.finish_frames(HOST_END)?;
        ns.ip(&format!("addr add {address}/24 dev {HOST_END}"))?;
        ns.ip(&format!("link set {HOST_END} up")).map(drop)
    }

    /// The VTEP's device of the overlay.
    fn kernel_vxlan(&self) -> Result {
        let (local, address) = (underlay(1), vtep_ip(1) + "/24");
        lab::kernel_vxlan(&self.vtep, VNI, (&local, &[SWITCH]), &vtep_mac(1), &address)
    }

    /// Puts the kernel's end of the tap into the bridge.
    fn connect(&self) -> Result {
        self.link("down")?;
        let set = format!("link set tap0 address {TAP} master br0");
        self.lab.switch().ip(&set)?;
        self.link("up")
    }

    /// Sets the link of the tap, and waits until the switch has seen it.
    fn link(&self, state: &str) -> Result {
        self.lab.switch().ip(&format!("link set tap0 {state}"))?;
        self.wait_port(state)
    }

    fn wait_port(&self, state: &str) -> Result {
        let daemon = self.lab.daemon()?;
        wait::until_true(&format!("the uplink to be {state}"), || {
            let port = daemon.find("port.show", "name", "uplink")?;
            Ok(port.is_some_and(|port| port["state"] == state))
        })
    }

    /// Waits until the tunnel is up or down, and gives the reason.
    fn wait_tunnel(&self, state: &str) -> Result<Value> {
        let daemon = self.lab.daemon()?;
        wait::until(&format!("the tunnel to be {state}"), wait::LONG, || {
            let tunnel = daemon.find("vxlan.show", "name", "vx10")?;
            let there = tunnel.filter(|tunnel| tunnel["state"] == state);
            Ok(there.map(|tunnel| tunnel["reason"].clone()))
        })
    }

    /// Frames for the tunnel are dropped because it is down, and for no other reason.
    fn check_down(&self) -> Result {
        let daemon = self.lab.daemon()?;
        let before = daemon.wait_quiet()?;
        let frame = marked(BROADCAST, &host_mac(1), 1);
        self.host.send_frames(HOST_END, &vec![frame; 3], 1)?;
        let moved = wait::until("frames to be dropped", wait::LONG, || {
            let moved = counters_moved(&before, &daemon.wait_quiet()?)?;
            Ok((moved.get("tunnel_down") >= Some(&3)).then_some(moved))
        })?;
        let others = moved.keys().filter(|name| *name != "tunnel_down");
        // What is on the segment for others.
        let usual = ["not_for_us", "other_host"];
        let strange: Vec<_> = others.filter(|name| !usual.contains(&&***name)).collect();
        assert!(strange.is_empty(), "{moved:?}");
        Ok(())
    }

    fn check_up(&self) -> Result {
        traffic::reach(&self.host, &vtep_ip(1))?;
        traffic::ping(&self.host, &vtep_ip(1), 3, 64)?
            .all()
            .map(drop)
    }

    fn finish(mut self) -> Result {
        self.lab.stop()?.check().map(drop)
    }
}

#[test]
fn a_tunnel_goes_down_and_up_with_the_link_of_its_port() -> Result {
    need!(
        skip::LAB,
        skip::TAP,
        skip::VXLAN,
        "ethtool",
        "ping",
        "bridge"
    );
    need!("python3");
    let place = Place::new(None)?;
    place.station(&place.vtep, "v1", "02:00:00:00:01:01", &underlay(1))?;
    place.kernel_vxlan()?;
    place.connect()?;
    for _ in 0..2 {
        place.wait_tunnel("up")?;
        place.check_up()?;
        place.link("down")?;
        assert_eq!(place.wait_tunnel("down")?, "port uplink has no link");
        place.check_down()?;
        place.link("up")?;
    }
    assert!(place.wait_tunnel("up")?.is_null());
    place.check_up()?;
    let log = place.lab.daemon()?.log();
    let down = log.matches("tunnel down: port uplink has no link").count();
    assert_eq!(down, 3, "{log}");
    place.finish()
}

/// The other side of a vhost socket dies, and another one comes.
#[test]
fn a_tunnel_goes_down_and_up_with_the_peer_of_its_vhost_port() -> Result {
    need!(
        skip::LAB,
        skip::TAP,
        skip::VXLAN,
        testpmd::PROGRAM,
        "ethtool",
        "ping"
    );
    need!("bridge", "python3");
    let dir = tempfile::tempdir()?;
    let socket = dir.path().join("uplink.sock");
    let socket = socket.display();
    let place = Place::new(Some(&format!(
        "[[port]]\nname = \"uplink\"\ndevice = \"net_vhost0,iface={socket},queues=1\"\n"
    )))?;
    let (wire, to) = (Netns::new("wire")?, place.vtep.name());
    wire.ip(&format!(
        "link add w0 type veth peer name {HOST_END} netns {to} address 02:00:00:00:01:01"
    ))?;
    wire.ip("link set w0 up")?;
    place.vtep.finish_frames(HOST_END)?;
    place
        .vtep
        .ip(&format!("addr add {}/24 dev {HOST_END}", underlay(1)))?;
    place.vtep.ip(&format!("link set {HOST_END} up"))?;
    place.kernel_vxlan()?;
    for _ in 0..2 {
        assert_eq!(place.wait_tunnel("down")?, "port uplink has no link");
        place.check_down()?;
        let guest = format!("net_virtio_user0,path={socket},queues=1");
        let mut peer = Testpmd::start(Some(&wire), &[&guest, "net_af_packet0,iface=w0"], "io")?;
        peer.tell("start")?;
        place.wait_tunnel("up")?;
        place.check_up()?;
        drop(peer);
        place.wait_port("down")?;
    }
    assert_eq!(place.wait_tunnel("down")?, "port uplink has no link");
    place.finish()
}

/// A kernel on the segment has the switch's address already, and answers its probes.
#[test]
fn a_tunnel_is_down_while_another_station_has_its_address() -> Result {
    need!(
        skip::LAB,
        skip::TAP,
        skip::VXLAN,
        "ethtool",
        "ping",
        "bridge"
    );
    need!("python3");
    let place = Place::new(None)?;
    place.station(&place.vtep, "v1", "02:00:00:00:01:01", &underlay(1))?;
    place.kernel_vxlan()?;
    let thief = Netns::new("thief")?;
    place.station(&thief, "t1", THIEF, SWITCH)?;
    place.connect()?;
    let reason = place.wait_tunnel("down")?;
    assert_eq!(reason, format!("{THIEF} has the address {SWITCH} too"));
    let daemon = place.lab.daemon()?;
    let shown = daemon.client(&["addr", "show"])?;
    let expected = format!("{SWITCH}/24 port uplink duplicate taken-by {THIEF}");
    assert_eq!(shown.trim(), expected);
    let shown = daemon.client(&["vxlan", "show"])?;
    let expected = format!("reason {THIEF} has the address {SWITCH} too");
    assert!(shown.contains(&expected), "{shown}");
    place.check_down()?;
    // The switch does not answer for it any more: only the other station does.
    let answers = Capture::start(&place.vtep, HOST_END, "-Q in arp[6:2] = 2")?;
    place.vtep.ip(&format!("neigh flush dev {HOST_END}"))?;
    traffic::reach(&place.vtep, SWITCH)?;
    let answers = answers.settle()?;
    assert!(answers.iter().all(|frame| frame[6..12] == mac(THIEF)));
    assert!(!answers.is_empty());

    drop(thief);
    place.link("down")?;
    place.link("up")?;
    wait::until_true("the address to be ours", || {
        let own = daemon.find("addr.show", "address", SWITCH)?;
        Ok(own.is_some_and(|own| own["state"] == "preferred"))
    })?;
    assert!(place.wait_tunnel("up")?.is_null());
    place.check_up()?;
    let log = daemon.log();
    let words = [
        format!("{THIEF} has our address {SWITCH}: it is not used"),
        format!("nobody else has our address {SWITCH} any more: it is used"),
    ];
    assert!(words.iter().all(|word| log.contains(word)), "{log}");
    place.finish()
}
