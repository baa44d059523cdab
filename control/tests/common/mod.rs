//! What the tests of a whole switch share: stations, frames, and a switch that tells what moved.

pub(crate) mod arbitrary;
mod setup;
pub(crate) mod sums;

use control::api::Refused;
use control::api::messages::{FdbEntry, Method, Neighbour, Port, Reply, Stats};
use control::change::Done;
use control::config::Wanted;
use control::rig::Rig;
use fastpath::wire::arp::{self, Arp};
use fastpath::wire::craft::Pair;
use fastpath::wire::ethernet::{EtherType, Ethernet};
use fastpath::wire::{Mac, Vni};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// Seconds until a switch has probed for its addresses and announced them.
const PROBING: u64 = 7;

/// A link address and an IPv4 address.
pub(crate) type Station = (Mac, Ipv4Addr);

/// Three ports in one bridge.
pub(crate) const LAN: &str = r#"
[[port]]
name = "a"
device = "heap0"
[[port]]
name = "b"
device = "heap1"
[[port]]
name = "c"
device = "heap2"
[[bridge]]
name = "br0"
ports = ["a", "b", "c"]
"#;

/// An underlay port and two local ports; `tunnel` is what the tunnel says beside the usual, and what
/// follows it.
pub(crate) fn vxlan(tunnel: &str) -> String {
    format!(
        r#"
[[port]]
name = "uplink"
device = "heap0"
mtu = 1600
addresses = ["192.0.2.2/24"]
[[port]]
name = "a"
device = "heap1"
[[port]]
name = "b"
device = "heap2"
[[bridge]]
name = "br10"
ports = ["a", "b"]
[[tunnel]]
name = "vx10"
bridge = "br10"
vni = 10
local = "192.0.2.2"
{tunnel}
"#
    )
}

/// A station of the overlay.
pub(crate) const fn station(number: u8) -> Station {
    (
        Mac::new([2, 0, 0, 0, 2, number]),
        Ipv4Addr::new(10, 0, 0, number),
    )
}

/// A station of the underlay.
pub(crate) const fn peer(number: u8) -> Station {
    (
        Mac::new([2, 0, 0, 0, 1, number]),
        Ipv4Addr::new(192, 0, 2, number),
    )
}

/// The underlay side of the switch of [`vxlan`].
pub(crate) fn us() -> Station {
    (Rig::mac(0), Ipv4Addr::new(192, 0, 2, 2))
}

pub(crate) fn vni(number: u32) -> Vni {
    Vni::new(number).unwrap()
}

/// A UDP packet from one station of the overlay to another.
pub(crate) fn from_to(from: u8, to: u8) -> Vec<u8> {
    Pair::new(station(from), station(to)).udp(1000, 2000, &[from, to, 3, 4])
}

/// A frame from a station to whatever address.
pub(crate) fn to_mac(from: u8, to: Mac) -> Vec<u8> {
    let to = (to, Ipv4Addr::BROADCAST);
    Pair::new(station(from), to).ethernet(EtherType(0x88b5), &[from; 46])
}

pub(crate) fn broadcast(from: u8) -> Vec<u8> {
    to_mac(from, Mac::BROADCAST)
}

/// `inner` as a peer sends it to us, in VNI 10.
pub(crate) fn from_peer(number: u8, inner: &[u8]) -> Vec<u8> {
    Pair::new(peer(number), us()).vxlan(50_000, vni(10), inner)
}

/// Outer destination address and inner frame of an encapsulated frame.
pub(crate) fn opened(frame: &[u8]) -> (Ipv4Addr, &[u8]) {
    let to: [u8; 4] = frame[30..34].try_into().unwrap();
    (to.into(), &frame[50..])
}

/// What changed between two looks at the counters: those of the account, drops as `drop.NAME`, and
/// events.
pub(crate) fn moved(before: &Stats, after: &Stats) -> BTreeMap<String, i64> {
    let (before, after) = (numbers(before), numbers(after));
    let names = before.keys().chain(after.keys()).cloned();
    let delta = |name: &String| {
        let value = |numbers: &BTreeMap<String, u64>| numbers.get(name).copied().unwrap_or(0);
        value(&after) as i64 - value(&before) as i64
    };
    let all = names.map(|name| (delta(&name), name));
    all.filter(|(delta, _)| *delta != 0)
        .map(|(delta, name)| (name, delta))
        .collect()
}

fn numbers(stats: &Stats) -> BTreeMap<String, u64> {
    let account = stats.account;
    let account = [
        ("received", account.received),
        ("originated", account.originated),
        ("copied", account.copied),
        ("sent", account.sent),
        ("dropped", account.dropped),
        ("consumed", account.consumed),
        ("held", account.held),
    ];
    let account = account.map(|(name, n)| (name.to_owned(), n));
    let drops = stats
        .drops
        .iter()
        .map(|(name, n)| (format!("drop.{name}"), *n));
    let events = stats.events.iter().map(|(name, n)| (name.clone(), *n));
    account.into_iter().chain(drops).chain(events).collect()
}

/// `"received copied=2"` as a map; no number means 1.
pub(crate) fn parse_moved(text: &str) -> BTreeMap<String, i64> {
    let word = |word: &str| match word.split_once('=') {
        Some((name, count)) => (name.to_owned(), count.parse().unwrap()),
        None => (word.to_owned(), 1),
    };
    text.split_whitespace().map(word).collect()
}

/// A rig that knows which counters the test has already spoken of.
pub(crate) struct Switch {
    pub(crate) rig: Rig,
    names: Vec<String>,
    before: Stats,
    /// A port of it belongs to the kernel of the host.
    kernel: bool,
}

impl Switch {
    /// A switch with one worker, its remotes resolved, its addresses known to be its own.
    pub(crate) fn new(config: &str) -> Self {
        let mut switch = Self::cold(Wanted::parse(config, "test").unwrap(), 1);
        switch.answer_all();
        switch.probe_all();
        switch
    }

    /// Waits until the switch knows that its addresses are its own, and forgets what moved.
    pub(crate) fn probe_all(&mut self) {
        for _ in 0..PROBING {
            self.rig.leap(1_000);
        }
        self.settle();
    }

    /// A switch on which nothing has happened yet.
    pub(crate) fn cold(wanted: Wanted, workers: usize) -> Self {
        Self::numbered(wanted, workers, 0)
    }

    /// The same, as [`Rig::numbered`].
    pub(crate) fn numbered(wanted: Wanted, workers: usize, number: u8) -> Self {
        let names = wanted.ports.iter().map(|port| port.name.to_string());
        let names = names.collect();
        let kernel = wanted.ports.iter().any(|port| port.local.is_some());
        let rig = Rig::numbered(wanted, workers, number);
        let before = Stats::default();
        let mut switch = Switch {
            rig,
            names,
            before,
            kernel,
        };
        switch.rig.run(3);
        switch.before = switch.rig.stats();
        switch
    }

    /// Has something else wanted from now on, which is acknowledged or refused.
    pub(crate) fn apply(&mut self, config: &str) -> Result<Done, Refused> {
        let wanted = Wanted::parse(config, "test").unwrap();
        let names = wanted.ports.iter().map(|port| port.name.to_string());
        let names: Vec<_> = names.collect();
        let kernel = wanted.ports.iter().any(|port| port.local.is_some());
        let done = self.rig.apply(wanted)?;
        // What left by ports that are gone was thrown away with them.
        (self.names, self.kernel) = (names, self.kernel || kernel);
        Ok(done)
    }

    /// The same while `meanwhile` happens in each millisecond. What has left by ports that go is to be
    /// looked at there.
    pub(crate) fn apply_while(
        &mut self,
        config: &str,
        mut meanwhile: impl FnMut(&mut Self),
    ) -> Result<Done, Refused> {
        let wanted = Wanted::parse(config, "test").unwrap();
        let names = wanted.ports.iter().map(|port| port.name.to_string());
        let names = names.collect();
        let answer = self.rig.apply_later(wanted);
        loop {
            meanwhile(self);
            if !answer.is_empty() {
                break;
            }
            self.rig.run(1);
        }
        self.names = names;
        answer.recv().unwrap()
    }

    /// Answers every ARP request of the switch as the [`peer`] of that number, and forgets what
    /// moved.
    pub(crate) fn answer_all(&mut self) {
        for (port, frame) in self.out() {
            if let Some(number) = asked(&frame).filter(|_| !is_probe(&frame)) {
                let own = Arp::new(&frame[14..]).unwrap();
                let asker = (own.sender_mac(), own.sender_ip());
                self.rig
                    .send(&port, &Pair::new(peer(number), asker).arp_reply());
            }
        }
        self.settle();
    }

    /// Lets everybody finish, throws away what came out, and forgets what moved.
    pub(crate) fn settle(&mut self) {
        self.rig.run(3);
        self.out();
        self.before = self.rig.stats();
    }

    /// All that came out, by port in the order of the configuration.
    pub(crate) fn out(&mut self) -> Vec<(String, Vec<u8>)> {
        let mut out = Vec::new();
        for name in &self.names {
            let frames = self.rig.received(name);
            out.extend(frames.into_iter().map(|frame| (name.clone(), frame)));
        }
        out
    }

    /// Sends a frame into a port and returns what came out.
    pub(crate) fn pass(&mut self, port: &str, frame: &[u8]) -> Vec<(String, Vec<u8>)> {
        assert!(self.rig.send(port, frame));
        self.rig.run(3);
        self.out()
    }

    /// Counters that moved since the last look.
    pub(crate) fn moved(&mut self) -> BTreeMap<String, i64> {
        let after = self.rig.stats();
        let before = std::mem::replace(&mut self.before, after);
        moved(&before, &self.before)
    }

    /// Exactly these counters moved since the last look.
    #[track_caller]
    pub(crate) fn expect_moved(&mut self, expected: &str) {
        assert_eq!(self.moved(), parse_moved(expected));
    }

    /// A frame sent into `port` comes out as it is at `to`, in their order, and moves these counters.
    #[track_caller]
    pub(crate) fn bridges(&mut self, port: &str, frame: &[u8], to: &[&str], moved: &str) {
        let expected: Vec<_> = to
            .iter()
            .map(|name| ((*name).to_owned(), frame.to_vec()))
            .collect();
        assert_eq!(self.pass(port, frame), expected);
        self.expect_moved(moved);
    }

    /// A frame sent into `port` is dropped by this name, and nothing else happens.
    #[track_caller]
    pub(crate) fn drops(&mut self, port: &str, frame: &[u8], reason: &str) {
        self.bridges(port, frame, &[], &format!("received dropped drop.{reason}"));
    }

    /// The same, but its source is learned.
    #[track_caller]
    pub(crate) fn drops_learning(&mut self, port: &str, frame: &[u8], reason: &str) {
        let moved = format!("received dropped drop.{reason} fdb_learned");
        self.bridges(port, frame, &[], &moved);
    }

    /// A frame sent into `port` comes out as it is at the local ports of `to`, and encapsulated to
    /// the peers of these numbers, in their order.
    #[track_caller]
    pub(crate) fn tunnels(
        &mut self,
        port: &str,
        frame: &[u8],
        peers: &[u8],
        to: &[&str],
        moved: &str,
    ) {
        let out = self.pass(port, frame);
        let (outer, local): (Vec<_>, Vec<_>) = out.iter().partition(|(name, _)| name == "uplink");
        let outer: Vec<_> = outer.iter().map(|(_, frame)| opened(frame)).collect();
        let wanted: Vec<_> = peers.iter().map(|n| (peer(*n).1, frame)).collect();
        assert_eq!(outer, wanted);
        let local: Vec<_> = local
            .iter()
            .map(|(name, frame)| (name.as_str(), &frame[..]))
            .collect();
        let wanted: Vec<_> = to.iter().map(|name| (*name, frame)).collect();
        assert_eq!(local, wanted);
        self.expect_moved(moved);
    }

    /// The forwarding table, in the order of its addresses.
    pub(crate) fn fdb(&mut self) -> Vec<FdbEntry> {
        let mut entries = self.rig.fdb();
        entries.sort_by(|a, b| (&a.bridge, a.mac).cmp(&(&b.bridge, b.mac)));
        entries
    }

    /// Where a station is: `a`, or `vx10 192.0.2.1`, or nothing.
    pub(crate) fn place(&mut self, station: u8) -> String {
        let mac = self::station(station).0;
        let entry = self.fdb().into_iter().find(|entry| entry.mac == mac);
        let place = |entry: FdbEntry| {
            let remote = entry.remote.map(|remote| format!(" {remote}"));
            entry.port.or(entry.tunnel).unwrap() + &remote.unwrap_or_default()
        };
        entry.map(place).unwrap_or_default()
    }

    pub(crate) fn neighbours(&mut self) -> Vec<Neighbour> {
        let Some(Reply::Neighbours(neighbours)) = self.rig.ask(Method::NeighShow) else {
            panic!("no answer")
        };
        neighbours
    }

    pub(crate) fn port(&mut self, name: &str) -> Port {
        let Some(Reply::Ports(ports)) = self.rig.ask(Method::PortShow) else {
            panic!("no answer")
        };
        ports.into_iter().find(|port| port.name == name).unwrap()
    }

    /// Stops; every packet is accounted for, and all sums close.
    #[track_caller]
    pub(crate) fn close(mut self) {
        self.rig.run(3);
        sums::assert_closed(&self.rig.stats(), self.kernel);
        self.rig.close();
    }
}

/// An ARP request that asks whether an address is free (RFC 5227).
pub(crate) fn is_probe(frame: &[u8]) -> bool {
    asked(frame).is_some() && frame[28..32] == [0; 4]
}

/// The last number of the address that an ARP request asks for.
pub(crate) fn asked(frame: &[u8]) -> Option<u8> {
    let frame = Ethernet::new(frame).filter(|frame| frame.ethertype() == EtherType::ARP)?;
    let packet = arp::Repr::parse(&Arp::new(frame.payload())?).ok()?;
    let request = packet.operation == arp::Operation::REQUEST;
    request.then_some(packet.target_ip.octets()[3])
}
