//! net_vhost ports of overpath with a real guest side: testpmd on net_virtio_user. What the guest
//! sends goes into a tunnel to the kernel, and back.
//!
//! ```text
//!   testpmd 02:..:0d:01 == vhost socket == [guest  br10  vx10  uplink] == kernel VTEP 10.0.0.1
//! ```

use overpath_tests::account::{Account, counters_moved, of_port};
use overpath_tests::lab::{self, Lab, Link};
use overpath_tests::netns::Netns;
use overpath_tests::site::{SWITCH, VNI, VTEP_DEVICE, marked, underlay, vtep_ip, vtep_mac};
use overpath_tests::testpmd::{self, Testpmd};
use overpath_tests::traffic::{self, Capture};
use overpath_tests::{Result, need, skip, wait};
use serde_json::Value;
use tempfile::TempDir;

const GUEST: &str = "02:00:00:00:0d:01";
/// Any address of the overlay: testpmd answers for all of them.
const GUEST_IP: &str = "10.0.0.77";
/// Packets that testpmd sends at once.
const BURST: u64 = 32;

struct Place {
    lab: Lab,
    vtep: Netns,
    dir: TempDir,
}

impl Place {
    /// The switch, its vhost socket and the kernel's VTEP; nobody is connected to the socket yet.
    fn new() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let mut lab = Lab::new(Link::Tap)?;
        let uplink = lab.port("uplink", 1500)?;
        let socket = dir.path().join("guest.sock");
        let remote = underlay(1);
        lab.start_with(&format!(
            "{}addresses = [\"{SWITCH}/24\"]\n\
             [[port]]\nname = \"guest\"\ndevice = \"net_vhost0,iface={},queues=1\"\n\
             [[bridge]]\nname = \"br10\"\nports = [\"guest\"]\n\
             [[tunnel]]\nname = \"vx10\"\nbridge = \"br10\"\nvni = {VNI}\n\
             local = \"{SWITCH}\"\nremotes = [\"{remote}\"]\n",
            uplink.toml(),
            socket.display()
        ))?;
        let vtep = Netns::new("vtep")?;
        let address = format!("{remote}/24");
        lab.plug(&uplink, &vtep, "02:00:00:00:01:01", Some(&address))?;
        let (mac, address) = (vtep_mac(1), vtep_ip(1) + "/24");
        lab::kernel_vxlan(&vtep, VNI, (&remote, &[SWITCH]), &mac, &address)?;
        traffic::reach(&vtep, SWITCH)?;
        Ok(Self { lab, vtep, dir })
    }

    /// Connects a guest, and waits until its port is up.
    fn guest(&self, mode: &str) -> Result<Testpmd> {
        let socket = self.dir.path().join("guest.sock");
        let device = format!(
            "net_virtio_user0,path={},queues=1,mac={GUEST}",
            socket.display()
        );
        let guest = Testpmd::start(None, &[&device], mode)?;
        self.wait_port("up")?;
        Ok(guest)
    }

    fn wait_port(&self, state: &str) -> Result {
        let daemon = self.lab.daemon()?;
        wait::until_true(&format!("the guest's port to be {state}"), || {
            let port = daemon.find("port.show", "name", "guest")?;
            Ok(port.is_some_and(|port| port["state"] == state))
        })
    }

    fn finish(mut self) -> Result {
        self.lab.stop()?.check().map(drop)
    }
}

/// What the guest counts is what the switch counts, to the packet.
#[test]
fn a_guest_answers_through_a_tunnel() -> Result {
    need!(skip::LAB, skip::TAP, skip::VXLAN, testpmd::PROGRAM);
    need!("ping", "bridge");
    let place = Place::new()?;
    let mut guest = place.guest("icmpecho")?;
    guest.tell("start")?;
    traffic::reach(&place.vtep, GUEST_IP)?;
    for payload in [64, 700, 1400] {
        traffic::ping(&place.vtep, GUEST_IP, 5, payload)?.all()?;
    }
    let stats = place.lab.daemon()?.wait_quiet()?;
    let sides = [
        (
            guest.counter(0, "RX-packets")?,
            of_port(&stats, "guest", "sent")?,
        ),
        (
            guest.counter(0, "TX-packets")?,
            of_port(&stats, "guest", "received")?,
        ),
    ];
    assert!(sides[0].0 >= 16, "{sides:?}");
    assert!(sides.iter().all(|(guest, ours)| guest == ours), "{sides:?}");
    let entry = place.lab.daemon()?.find("fdb.show", "mac", GUEST)?;
    assert_eq!(entry.ok_or("not learned")?["port"], "guest");
    place.finish()
}

/// Whole bursts of a guest go into the tunnel, and come out of it at the kernel.
#[test]
fn bursts_of_a_guest_come_out_at_the_remote() -> Result {
    need!(skip::LAB, skip::TAP, skip::VXLAN, testpmd::PROGRAM);
    need!("ping", "tcpdump", "bridge", "python3");
    let place = Place::new()?;
    let mut guest = place.guest("rxonly")?;
    let before = place.lab.daemon()?.wait_quiet()?;
    let seen = Capture::start(
        &place.vtep,
        VTEP_DEVICE,
        &format!("-Q in ether src {GUEST}"),
    )?;
    // One after the other, so that a slow machine fills no ring.
    let sent = 4 * BURST;
    for so_far in (BURST..=sent).step_by(BURST as usize) {
        guest.tell("stop")?;
        guest.tell("start tx_first 1")?;
        seen.wait(so_far as usize).map_err(|error| {
            let stats = place.lab.daemon().and_then(|daemon| daemon.stats());
            format!("{error}; {}; {stats:?}", guest.output())
        })?;
    }
    let frames = seen.frames()?;
    assert!(frames.iter().all(|frame| frame == &frames[0]));
    let back = marked(GUEST, &vtep_mac(1), 1);
    place.vtep.send_frames(VTEP_DEVICE, &vec![back; 10], 1)?;
    let stats = place.lab.daemon()?.wait_quiet()?;
    assert_eq!(guest.counter(0, "TX-packets")?, sent);
    let received = |stats: &Value| of_port(stats, "guest", "received");
    assert_eq!(received(&stats)? - received(&before)?, sent);
    wait::until_true("ten frames at the guest", || {
        Ok(guest.counter(0, "RX-packets")? >= 10)
    })?;
    let moved = counters_moved(&before, &stats)?;
    assert!(moved.is_empty(), "{moved:?}");
    assert_eq!(seen.settle()?.len() as u64, sent);
    place.finish()
}

/// A guest that dies takes its port down and nothing else; the next one has it up again.
#[test]
fn a_guest_dies_and_another_comes() -> Result {
    need!(skip::LAB, skip::TAP, skip::VXLAN, testpmd::PROGRAM);
    need!("ping", "bridge");
    let place = Place::new()?;
    for _ in 0..2 {
        let mut guest = place.guest("icmpecho")?;
        guest.tell("start")?;
        traffic::reach(&place.vtep, GUEST_IP)?;
        traffic::ping(&place.vtep, GUEST_IP, 3, 64)?.all()?;
        drop(guest);
        place.wait_port("down")?;
        let entry = place.lab.daemon()?.find("fdb.show", "mac", GUEST)?;
        assert!(entry.is_none(), "{entry:?}");
        let before = place.lab.daemon()?.wait_quiet()?;
        traffic::ping_with(&place.vtep, GUEST_IP, 2, &["-W", "1"])?.none()?;
        traffic::ping(&place.vtep, SWITCH, 2, 64)?.all()?;
        let after = place.lab.daemon()?.wait_quiet()?;
        // With the port gone there is nobody in the bridge to flood to.
        let moved = counters_moved(&before, &after)?;
        let names: Vec<_> = moved.keys().map(String::as_str).collect();
        assert_eq!(names, ["port_down"], "{moved:?}");
        assert!(Account::from_stats(&after)?.dropped >= 2);
    }
    place.finish()
}
