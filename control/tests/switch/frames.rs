//! Frames by underlay link: each is counted for its VLAN, whatever becomes of it.

use crate::common::{Switch, broadcast, from_peer, from_to, peer, us, vxlan};
use control::api::messages::{Frames, Stats};
use control::config::Wanted;
use fastpath::wire::craft::{Pair, tagged};
use fastpath::wire::{EtherType, Tag};
use std::net::Ipv4Addr;

/// An underlay port with a link in untagged frames and one on VLAN 7, and a port b with a small MTU.
fn config() -> String {
    let both = "[\"192.0.2.2/24\", { address = \"198.51.100.2/24\", vlan = 7 }]";
    vxlan("remotes = [\"192.0.2.1\"]")
        .replace("[\"192.0.2.2/24\"]", both)
        .replace("\"heap2\"\n", "\"heap2\"\nmtu = 600\n")
}

fn on_vlan(vlan: u16, frame: &[u8]) -> Vec<u8> {
    tagged(frame, EtherType::VLAN, Tag::from_bits(vlan))
}

/// Of the untagged link, of that on VLAN 7, of what is on neither.
fn of_links(stats: &Stats) -> [Frames; 3] {
    let [untagged, seven] = &stats.links[..] else {
        panic!("{:?}", stats.links)
    };
    assert_eq!((untagged.vlan, seven.vlan), (None, Some(7)));
    let [strays] = &stats.strays[..] else {
        panic!("{:?}", stats.strays)
    };
    assert_eq!(strays.port, "uplink");
    [untagged.frames, seven.frames, strays.frames]
}

/// What is counted for a link, in the order of the names: received, forwarded, consumed, waited,
/// dropped, enqueued.
type Counts = [u64; 6];

const NOTHING: Counts = [0; 6];

struct Bench {
    switch: Switch,
    before: [Frames; 3],
}

impl Bench {
    /// With all known: peer 1 behind the tunnel with station 4, a with station 1, b with station 2.
    fn new(config: &str) -> Self {
        let mut switch = Switch::cold(Wanted::parse(config, "test").unwrap(), 1);
        switch
            .rig
            .send("uplink", &Pair::new(peer(1), us()).arp_reply());
        switch.settle();
        switch.probe_all();
        switch.pass("a", &broadcast(1));
        switch.pass("b", &broadcast(2));
        switch.pass("uplink", &from_peer(1, &from_to(4, 1)));
        let before = of_links(&switch.rig.stats());
        Bench { switch, before }
    }

    /// How counters moved when frames arrived together at a port.
    fn arrive(&mut self, port: &str, frames: &[Vec<u8>]) -> [Counts; 3] {
        for frame in frames {
            assert!(self.switch.rig.send(port, frame));
        }
        self.switch.settle();
        let after = of_links(&self.switch.rig.stats());
        let before = std::mem::replace(&mut self.before, after);
        let moved = after.iter().zip(before).map(|(after, before)| {
            [
                after.received - before.received,
                after.forwarded - before.forwarded,
                after.consumed - before.consumed,
                after.waited - before.waited,
                after.dropped - before.dropped,
                after.enqueued - before.enqueued,
            ]
        });
        let moved: Vec<_> = moved.collect();
        moved.try_into().unwrap()
    }
}

#[test]
fn every_verdict_is_that_of_a_link() {
    let mut bench = Bench::new(&config());
    // Out of the tunnel and on; with a wrong checksum; for nobody's VNI; too long for b.
    let good = from_peer(1, &from_to(4, 1));
    let mut broken = good.clone();
    broken[24] ^= 1;
    let mut no_vni = good.clone();
    no_vni[46] ^= 1;
    let mut long = from_to(4, 2);
    long.resize(700, 0);
    let long = from_peer(1, &long);
    let mixed = [good.clone(), broken, good.clone(), no_vni, long];
    assert_eq!(
        bench.arrive("uplink", &mixed),
        [[5, 2, 0, 0, 3, 0], NOTHING, NOTHING]
    );
    // A tunnel's packet may come by any link, here with a priority.
    let mixed = [on_vlan(0x6007, &good), good.clone(), on_vlan(0x6000, &good)];
    assert_eq!(
        bench.arrive("uplink", &mixed),
        [[2, 2, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0], NOTHING]
    );
    // On a VLAN of nobody's.
    assert_eq!(
        bench.arrive("uplink", &[on_vlan(9, &good), on_vlan(8, &good)]),
        [NOTHING, NOTHING, [2, 0, 0, 0, 2, 0]]
    );
    // A question for us, which is answered where it was asked.
    let seven = (us().0, Ipv4Addr::new(198, 51, 100, 2));
    let asker = (peer(9).0, Ipv4Addr::new(198, 51, 100, 9));
    let question = Pair::new(asker, seven).arp_request();
    assert_eq!(
        bench.arrive("uplink", &[on_vlan(7, &question)]),
        [NOTHING, [1, 0, 1, 0, 0, 1], NOTHING]
    );
    // Into the tunnel, many in one burst and one in copies.
    let frames = vec![from_to(1, 4); 40];
    assert_eq!(
        bench.arrive("a", &frames),
        [[0, 0, 0, 0, 0, 40], NOTHING, NOTHING]
    );
    assert_eq!(
        bench.arrive("a", &[broadcast(1)]),
        [[0, 0, 0, 0, 0, 1], NOTHING, NOTHING]
    );
    bench.switch.close();
}

/// The underlay port is in the bridge too: what passes it is of all VLANs.
#[test]
fn bridged_frames_are_those_of_their_link() {
    let mut bench = Bench::new(&config().replace("[\"a\", \"b\"]", "[\"a\", \"b\", \"uplink\"]"));
    // For a station on the uplink's segment, and for all.
    let learned = bench.arrive("uplink", &[on_vlan(9, &from_to(8, 1))]);
    assert_eq!(learned, [NOTHING, NOTHING, [1, 1, 0, 0, 0, 0]]);
    let to_uplink = |vlan| on_vlan(vlan, &from_to(1, 8));
    let mut frames = vec![to_uplink(7); 40];
    frames.extend([to_uplink(9), from_to(1, 8), to_uplink(0x2000)]);
    assert_eq!(
        bench.arrive("a", &frames),
        [[0, 0, 0, 0, 0, 2], [0, 0, 0, 0, 0, 40], [0, 0, 0, 0, 0, 1]]
    );
    // By the tunnel, to all of the bridge and so by the uplink again.
    let flooded = on_vlan(7, &broadcast(1));
    assert_eq!(
        bench.arrive("a", &[flooded]),
        [[0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 1], NOTHING]
    );
    let mut long = to_uplink(7);
    long.resize(1700, 0);
    assert_eq!(
        bench.arrive("a", &[long.clone(), to_uplink(7), long]),
        [NOTHING, [0, 0, 0, 0, 0, 1], NOTHING],
        "what is too long does not leave"
    );
    // What enters by the uplink.
    let frames = [7, 9, 7, 0].map(|vlan| on_vlan(vlan, &from_to(8, 1)));
    assert_eq!(
        bench.arrive("uplink", &frames),
        [[1, 1, 0, 0, 0, 0], [2, 2, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0]]
    );
    bench.switch.close();
}

/// Nobody on the way to the remote, who alone would get it, is known.
#[test]
fn what_waits_is_of_the_link_that_it_came_by() {
    let config = config().replace("[\"a\", \"b\"]", "[\"uplink\"]");
    let mut switch = Switch::cold(Wanted::parse(&config, "test").unwrap(), 1);
    switch.settle();
    switch.pass("uplink", &on_vlan(7, &broadcast(8)));
    let [untagged, seven, strays] = of_links(&switch.rig.stats());
    assert_eq!((seven.received, seven.waited, seven.forwarded), (1, 1, 0));
    assert_eq!((untagged.received, strays.received), (0, 0));
    assert!(untagged.enqueued > 0, "the question for it");
    switch.close();
}
