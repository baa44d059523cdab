//! A whole switch over models of NICs.

mod lies;
mod selftest;
mod stripping;
mod wanting;

use crate::api::messages::HintStats;
use crate::config::Wanted;
use crate::offload::Tier;
use crate::offload::model::{Model, Profile};
use crate::rig::Rig;
use fastpath::io::{Checksum, RxChecksums};
use fastpath::wire::craft::{Pair, tagged};
use fastpath::wire::{EtherType, Mac, Tag, Vni};
use std::net::Ipv4Addr;

const US: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const REMOTE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);

/// An underlay port, two guests, and two tunnels.
const SWITCH: &str = r#"
[[port]]
name = "uplink"
device = "nic0"
addresses = ["192.0.2.2/24"]
[[port]]
name = "a"
device = "heap1"
[[port]]
name = "b"
device = "heap2"
[[bridge]]
name = "br10"
ports = ["a"]
[[bridge]]
name = "br20"
ports = ["b"]
[[tunnel]]
name = "vx10"
bridge = "br10"
vni = 10
local = "192.0.2.2"
remotes = ["192.0.2.9"]
"#;

const SECOND: &str = r#"
[[tunnel]]
name = "vx20"
bridge = "br20"
vni = 20
local = "192.0.2.2"
remotes = ["192.0.2.9"]
"#;

fn wanted(text: &str) -> Wanted {
    Wanted::parse(text, "test").unwrap()
}

/// A switch whose underlay port is such a NIC.
struct Site {
    rig: Rig,
    nic: Model,
}

impl Site {
    fn new(profile: Profile, text: &str) -> Self {
        let nic = Model::new(profile, 1);
        let mut rig = Rig::with_nics(wanted(text), 1, &[("nic0", &nic)]);
        rig.run(300);
        Site { rig, nic }
    }

    fn two_tunnels() -> Self {
        Site::new(Profile::MLX5, &format!("{SWITCH}{SECOND}"))
    }

    /// A frame for everybody in a bridge, that a guest of the remote sends.
    fn inner(number: u8) -> Vec<u8> {
        let guest = (Mac::new([2, 0, 0, 0, 9, number]), REMOTE);
        let all = (Mac::BROADCAST, Ipv4Addr::BROADCAST);
        Pair::new(guest, all).udp(1, 2, &[number; 30])
    }

    /// The same as it arrives.
    fn outer(vni: u32, number: u8) -> Vec<u8> {
        let remote = (Mac::new([2, 0, 0, 0, 1, 9]), REMOTE);
        let vni = Vni::new(vni).unwrap();
        let pair = Pair::new(remote, (Rig::mac(0), US));
        pair.vxlan(50_000 + u16::from(number), vni, &Site::inner(number))
    }

    /// The NIC receives a packet, and says of it what it says.
    fn arrive(&mut self, frame: &[u8]) {
        let mark = self.nic.receive(frame).mark;
        self.arrive_marked(frame, mark);
    }

    fn arrive_marked(&mut self, frame: &[u8], mark: Option<u32>) {
        assert!(self.rig.send_marked("uplink", frame, mark));
        self.rig.run(1);
    }

    /// The mark that it writes for a tunnel.
    fn mark(&self, vni: u32) -> u32 {
        self.nic.receive(&Site::outer(vni, 0)).mark.unwrap()
    }

    fn hints(&mut self) -> HintStats {
        self.rig.stats().hints.pop().unwrap_or_default()
    }

    fn tier(&self) -> Tier {
        let mut reports = self.rig.offload().values();
        reports.next().unwrap().tier
    }

    fn rules(&self) -> usize {
        self.nic.chip().rules().len()
    }

    /// Closes the account.
    fn finish(self) {
        self.rig.close();
    }
}

#[test]
fn packets_that_the_nic_marked_are_forwarded_and_their_marks_confirmed() {
    let mut site = Site::two_tunnels();
    assert_eq!((site.tier(), site.rules()), (Tier::Rule, 2));
    for number in 0..100 {
        site.arrive(&Site::outer(10, number));
        site.arrive(&Site::outer(20, number));
        assert_eq!(site.rig.received("a"), [Site::inner(number)]);
        assert_eq!(site.rig.received("b"), [Site::inner(number)]);
    }
    let hints = site.hints();
    assert_eq!(hints.port, "uplink");
    // Until its rule is proved each packet is read, and then those that nobody remembers.
    assert!(hints.confirmed >= 128, "{hints:?}");
    assert!(hints.inspected >= 128, "{hints:?}");
    assert_eq!((hints.differed, hints.unknown, hints.lies), (0, 0, 0));

    site.rig.run(2_000);
    let report = site.rig.offload().values().next().unwrap().clone();
    let hits: Vec<_> = report.members[0].tunnels.iter().map(|it| it.hits).collect();
    assert_eq!(hits, [Some(100), Some(100)]);
    site.finish();
}

#[test]
fn a_tunnel_takes_its_mark_along_in_the_snapshot_without_it() {
    let mut site = Site::two_tunnels();
    let mark = site.mark(20);
    // The rule is there still, and marks on.
    site.rig.set_busy(true);
    site.rig.apply(wanted(SWITCH)).unwrap();
    assert_eq!(site.rules(), 2);
    site.arrive_marked(&Site::outer(20, 1), Some(mark));
    assert_eq!(site.rig.received("b"), [] as [Vec<u8>; 0]);
    let hints = site.hints();
    assert_eq!((hints.unknown, hints.confirmed), (1, 0));
    assert_eq!(site.rig.stats().drops.get("vni_unknown"), Some(&1));

    site.rig.set_busy(false);
    site.rig.run(10);
    assert_eq!(site.rules(), 1);
    site.arrive(&Site::outer(10, 2));
    assert_eq!(site.rig.received("a"), [Site::inner(2)]);
    site.finish();
}

#[test]
fn a_port_that_is_lost_comes_back_with_its_rules() {
    let mut site = Site::two_tunnels();
    let before = site.mark(10);
    site.nic.chip().unplug();
    site.rig.remove_device("uplink");
    site.rig.run(10);
    assert_eq!(site.tier(), Tier::Software);
    site.rig.leap(1_500);
    site.rig.run(300);
    assert_eq!((site.tier(), site.rules()), (Tier::Rule, 2));
    // Slots rest; a packet of before would not be taken for one of now.
    assert_ne!(site.mark(10), before);
    site.arrive(&Site::outer(10, 1));
    assert_eq!(site.rig.received("a"), [Site::inner(1)]);
    assert_eq!(site.hints().confirmed, 1);
    site.finish();
}

#[test]
fn packets_of_a_vlan_are_marked_where_the_address_is_in_it() {
    let text = SWITCH.replace(
        "addresses = [\"192.0.2.2/24\"]",
        "addresses = [{ address = \"192.0.2.2/24\", vlan = 7 }]",
    );
    let mut site = Site::new(Profile::MLX5, &text);
    assert_eq!((site.tier(), site.rules()), (Tier::Rule, 1));
    let frame = |tag| tagged(&Site::outer(10, 1), EtherType::VLAN, Tag::from_bits(tag));
    site.arrive(&frame(7));
    assert_eq!(site.rig.received("a"), [Site::inner(1)]);
    assert_eq!(site.hints().confirmed, 1);
    // Not for us in another VLAN, whatever a NIC says that does not look at tags.
    let mark = site.nic.receive(&frame(7)).mark;
    site.arrive_marked(&frame(8), mark);
    assert_eq!(site.rig.received("a"), [] as [Vec<u8>; 0]);
    assert_eq!(site.hints().differed, 1);
    site.finish();
}

/// With those of ports that are there they are all that was ever counted.
#[test]
fn what_was_counted_of_a_nic_that_is_gone_is_told_with_what_is_gone() {
    let mut site = Site::two_tunnels();
    for number in 0..5 {
        site.arrive(&Site::outer(10, number));
        site.rig.received("a");
    }
    let before = site.hints();
    // The first packet of all is looked at twice.
    assert_eq!((before.confirmed, before.inspected), (5, 6));
    assert_eq!(site.rig.stats().gone.hints, HintStats::default());
    let guests = SWITCH.find("[[tunnel]]").unwrap();
    let uplink = SWITCH.find("[[port]]\nname = \"a\"").unwrap();
    site.rig.apply(wanted(&SWITCH[uplink..guests])).unwrap();
    let stats = site.rig.stats();
    assert_eq!(stats.hints, []);
    let port = String::new();
    assert_eq!(stats.gone.hints, HintStats { port, ..before });
    site.finish();
}
