//! The switch as one who asks for next hops: right, wrong, late and unasked answers, next hops that
//! change under traffic, and floods of answers.

use overpath_tests::account::counters_moved;
use overpath_tests::arp_peer::ArpPeer;
use overpath_tests::frame::{self, BROADCAST, Mac};
use overpath_tests::lab::{self, HOST_END, Lab, Link};
use overpath_tests::netns::Netns;
use overpath_tests::site::{
    MARKED, SWITCH, VNI, VTEP_DEVICE, host_mac, mac, underlay, vtep_ip, vtep_mac,
};
use overpath_tests::traffic::Capture;
use overpath_tests::turn::turn;
use overpath_tests::{Result, need, skip, wait};
use serde_json::Value;
use std::net::Ipv4Addr;
use std::sync::MutexGuard;
use std::thread;
use std::time::{Duration, Instant};

/// The remote's MAC, and the one it changes to.
const FIRST: Mac = [2, 0, 0, 0, 1, 1];
const SECOND: Mac = [2, 0, 0, 0, 1, 0x99];
/// Of a station that has nothing to do with it.
const OTHER: Mac = [2, 0, 0, 0, 1, 0x55];
const OTHER_IP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);

/// How long frames wait for an answer at most.
const PATIENCE: Duration = Duration::from_secs(3);

/// One switch with one host and one remote that does not exist yet.
struct Place {
    lab: Lab,
    host: Netns,
    remote: Netns,
    _turn: MutexGuard<'static, ()>,
}

impl Place {
    fn new() -> Result<Self> {
        let turn = turn();
        let link = Link::AfPacket;
        let mut lab = Lab::new(link)?;
        let (uplink, lan) = (lab.port("uplink", 1600)?, lab.port("lan", 1500)?);
        let (host, remote) = (Netns::new("host")?, Netns::new("remote")?);
        lab.start_with(&format!(
            "{}addresses = [\"{SWITCH}/24\"]\n{}\
             [[bridge]]\nname = \"br10\"\nports = [\"lan\"]\n\
             [[tunnel]]\nname = \"vx10\"\nbridge = \"br10\"\nvni = 10\n\
             local = \"{SWITCH}\"\nremotes = [\"{}\"]\n",
            uplink.toml(),
            lan.toml(),
            underlay(1)
        ))?;
        lab.plug(&uplink, &remote, "02:00:00:00:01:77", None)?;
        lab.plug(&lan, &host, &host_mac(1), None)?;
        Ok(Self {
            lab,
            host,
            remote,
            _turn: turn,
        })
    }

    fn peer(&self) -> Result<ArpPeer<'_>> {
        ArpPeer::start(&self.remote, underlay(1).parse()?, SWITCH.parse()?)
    }

    /// Sends so many frames from the host, numbered from `first`, some milliseconds apart.
    fn send(&self, first: u16, count: u16, pause_ms: u32) -> Result {
        let frames: Vec<_> = (first..first + count).map(numbered).collect();
        self.host.send_frames(HOST_END, &frames, pause_ms)
    }

    /// Waits until so many frames were dropped for want of a next hop, and none is on its way.
    fn wait_unresolved(&self, count: u64) -> Result<Value> {
        wait::until("frames to be given up", wait::LONG, || {
            let stats = self.stats()?;
            let dropped = stats["drops"]["neighbour_unresolved"].as_u64();
            Ok((dropped >= Some(count)).then_some(stats))
        })
    }

    fn stats(&self) -> Result<Value> {
        self.lab.daemon()?.wait_quiet()
    }

    /// The next hop that the switch has for the remote, as its text.
    fn next_hop(&self) -> Result<Option<String>> {
        let neighbour = self
            .lab
            .daemon()?
            .find("neigh.show", "address", &underlay(1))?;
        Ok(neighbour.and_then(|n| n["mac"].as_str().map(str::to_owned)))
    }

    /// Sends `frames` as the peer until the switch has this next hop. What it says too early after
    /// an answer need not be heard.
    fn convince(&self, peer: &ArpPeer, hop: Mac, frames: &[Vec<u8>]) -> Result {
        wait::until_true("the next hop to be believed", || {
            peer.send(frames)?;
            let now = self.next_hop()?;
            Ok(now.is_some_and(|text| mac(&text) == hop))
        })
    }

    /// Answers the open question rightly.
    fn resolve(&self, peer: &ArpPeer) -> Result<Mac> {
        let ours = peer.wait_question(0)?;
        self.convince(peer, FIRST, &[peer.answer(FIRST, ours)])?;
        Ok(ours)
    }

    fn finish(mut self) -> Result {
        self.lab.stop()?.check().map(drop)
    }
}

/// A flooded frame with a number.
fn numbered(number: u16) -> Vec<u8> {
    let mut payload = [0; 46];
    payload[..2].copy_from_slice(&number.to_be_bytes());
    frame::ethernet(BROADCAST, mac(&host_mac(1)), MARKED, &payload)
}

/// Number of an inner frame, and the next hop it was sent to.
fn arrivals(peer: &ArpPeer) -> Result<Vec<(u16, Mac)>> {
    let number = |inner: &[u8]| u16::from_be_bytes([inner[14], inner[15]]);
    let frames = peer.tunnelled()?.into_iter();
    Ok(frames.map(|(to, inner)| (number(&inner), to)).collect())
}

/// Waits for so many frames at the peer. Says what came and what the switch made of the rest if they
/// do not all come.
fn wait_arrivals(place: &Place, peer: &ArpPeer, count: usize) -> Result<Vec<(u16, Mac)>> {
    wait::until(&format!("{count} frames"), wait::LONG, || {
        Ok(Some(arrivals(peer)?).filter(|all| all.len() >= count))
    })
    .map_err(|error| match (arrivals(peer), place.stats()) {
        (Ok(came), Ok(stats)) => format!("{error}: came {came:?}, counted {stats}").into(),
        _ => error,
    })
}

fn names(moved: &std::collections::BTreeMap<String, u64>) -> Vec<&str> {
    moved.keys().map(String::as_str).collect()
}

fn event(stats: &Value, name: &str) -> u64 {
    stats["events"][name].as_u64().unwrap_or(0)
}

#[test]
fn only_the_answer_to_the_question_is_believed() -> Result {
    need!(skip::LAB, "ethtool", "tcpdump", "python3");
    let place = Place::new()?;
    let peer = place.peer()?;
    let ours = peer.wait_question(0)?;
    let before = place.stats()?;
    let (own, switch): (Ipv4Addr, Ipv4Addr) = (underlay(1).parse()?, SWITCH.parse()?);
    let mut astray = peer.answer(FIRST, ours);
    astray[..6].copy_from_slice(&OTHER);
    peer.send(&[
        // Of somebody else; for somebody else, to us; to somebody else, for us.
        frame::arp(2, (OTHER, OTHER_IP), (ours, switch)),
        frame::arp(2, (FIRST, own), (ours, OTHER_IP)),
        astray,
        // From those who cannot be: a group, nobody, ourselves.
        peer.answer(BROADCAST, ours),
        peer.answer([0; 6], ours),
        peer.answer(ours, ours),
    ])?;
    place.send(1, 3, 1)?;
    // They wait for the right answer, in vain.
    let after = place.wait_unresolved(3)?;
    assert_eq!(place.next_hop()?, None);
    assert_eq!(arrivals(&peer)?, []);
    let moved = counters_moved(&before, &after)?;
    let expected = ["neighbour_unresolved", "other_host"];
    assert_eq!(names(&moved), expected, "{moved:?}");
    assert_eq!(moved["neighbour_unresolved"], 3);
    let refused = |name| event(&after, name) - event(&before, name);
    assert_eq!(refused("neigh_arp_unasked"), 2, "{after}");

    let question = peer.questions()?.len();
    let ours = peer.wait_question(question)?;
    place.convince(&peer, FIRST, &[peer.answer(FIRST, ours)])?;
    place.send(4, 2, 1)?;
    assert_eq!(wait_arrivals(&place, &peer, 2)?, [(4, FIRST), (5, FIRST)]);
    drop(peer);
    place.finish()
}

/// They go in their order once the answer is there.
#[test]
fn frames_wait_for_the_first_answer() -> Result {
    need!(skip::LAB, "ethtool", "tcpdump", "python3");
    let place = Place::new()?;
    let peer = place.peer()?;
    let ours = peer.wait_question(0)?;
    let before = place.stats()?;
    let start = Instant::now();
    place.send(1, 6, 0)?;
    place.convince(&peer, FIRST, &[peer.answer(FIRST, ours)])?;
    let late = start.elapsed() >= PATIENCE;
    place.send(7, 1, 0)?;
    let all = wait::until("the last frame", wait::LONG, || {
        Ok(Some(arrivals(&peer)?).filter(|all| all.last() == Some(&(7, FIRST))))
    })?;
    let moved = counters_moved(&before, &place.stats()?)?;
    let lost = moved.get("neighbour_unresolved").copied().unwrap_or(0);
    assert!(all.is_sorted(), "{all:?}");
    assert_eq!(all.len() as u64 + lost, 7, "{all:?} {moved:?}");
    // On a busy machine the answer may come too late.
    assert!(late || lost == 0, "{moved:?}");
    assert_eq!(waited(&place)?, 6, "{moved:?}");
    drop(peer);
    place.finish()
}

/// How many frames of the host have waited for a next hop.
fn waited(place: &Place) -> Result<u64> {
    let stats = place.stats()?;
    let ports = stats["ports"].as_array().ok_or("no ports")?;
    let lan = ports.iter().find(|port| port["port"] == "lan");
    Ok(lan.and_then(|lan| lan["waited"].as_u64()).unwrap_or(0))
}

/// The remote was not there for so long that the switch has given it up. It comes up, and the first
/// frame to it is not lost: it waits for the answer of the remote's kernel.
#[test]
fn the_first_frame_to_a_remote_that_came_up_arrives() -> Result {
    need!(
        skip::LAB,
        skip::VXLAN,
        "ethtool",
        "tcpdump",
        "python3",
        "bridge"
    );
    let place = Place::new()?;
    wait::until_true("the neighbour to fail", || {
        let daemon = place.lab.daemon()?;
        let neighbour = daemon.find("neigh.show", "address", &underlay(1))?;
        Ok(neighbour.is_some_and(|n| n["state"] == "failed"))
    })?;
    let own = underlay(1);
    place
        .remote
        .ip(&format!("addr add {own}/24 dev {HOST_END}"))?;
    let address = vtep_ip(1) + "/24";
    lab::kernel_vxlan(
        &place.remote,
        VNI,
        (&own, &[SWITCH]),
        &vtep_mac(1),
        &address,
    )?;
    let filter = format!("-Q in ether proto {MARKED:#x}");
    let seen = Capture::start(&place.remote, VTEP_DEVICE, &filter)?;
    let before = place.stats()?;
    place.send(1, 1, 0)?;
    assert_eq!(seen.wait(1)?, [numbered(1)]);
    let moved = counters_moved(&before, &place.stats()?)?;
    assert!(moved.is_empty(), "{moved:?}");
    place.finish()
}

#[test]
fn an_answer_that_comes_after_the_failure_counts() -> Result {
    need!(skip::LAB, "ethtool", "tcpdump", "python3");
    let place = Place::new()?;
    let peer = place.peer()?;
    wait::until_true("the neighbour to fail", || {
        let daemon = place.lab.daemon()?;
        let neighbour = daemon.find("neigh.show", "address", &underlay(1))?;
        Ok(neighbour.is_some_and(|n| n["state"] == "failed"))
    })?;
    let known = peer.questions()?.len();
    // Asked again by its timer, or by a packet that needs the way, and waits for the answer.
    place.send(1, 1, 0)?;
    let ours = peer.wait_question(known)?;
    place.convince(&peer, FIRST, &[peer.answer(FIRST, ours)])?;
    place.send(2, 1, 0)?;
    let last = wait::until("the second frame", wait::LONG, || {
        Ok(Some(arrivals(&peer)?).filter(|all| all.last() == Some(&(2, FIRST))))
    })?;
    // The first is among them unless the answer was slow on a busy machine.
    assert!(
        last.len() <= 2 && last.iter().all(|(_, to)| *to == FIRST),
        "{last:?}"
    );
    drop(peer);
    place.finish()
}

/// Frames go on without a gap: to the old place until the new one is known, then there only.
#[test]
fn a_next_hop_changes_under_traffic() -> Result {
    need!(skip::LAB, "ethtool", "tcpdump", "python3");
    const FRAMES: u16 = 400;
    // The last of them are sent when the new place is known, however long that took.
    const AFTER: u16 = 20;
    let place = Place::new()?;
    let peer = place.peer()?;
    let ours = place.resolve(&peer)?;
    let before = place.stats()?;
    thread::scope(|scope| -> Result {
        let traffic = scope.spawn(|| place.send(0, FRAMES - AFTER, 5));
        wait_arrivals(&place, &peer, 20)?;
        place.convince(&peer, SECOND, &[peer.announcement(SECOND)])?;
        // It is asked whether that is so.
        peer.send(&[peer.answer(SECOND, ours)])?;
        traffic.join().map_err(|_| "the sender panicked")?
    })?;
    place.send(FRAMES - AFTER, AFTER, 5)?;
    let all = wait_arrivals(&place, &peer, FRAMES.into())?;
    let numbers: Vec<u16> = all.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (0..FRAMES).collect::<Vec<_>>());
    let turn = all.iter().position(|(_, to)| *to == SECOND);
    let (old, new) = all.split_at(turn.ok_or("nothing went to the new place")?);
    assert!(old.len() >= 20 && old.iter().all(|(_, to)| *to == FIRST));
    assert!(new.iter().all(|(_, to)| *to == SECOND), "it went back");
    let after = place.stats()?;
    assert!(counters_moved(&before, &after)?.is_empty(), "{after}");
    let changes = event(&after, "neigh_neighbour_moved");
    assert_eq!(changes - event(&before, "neigh_neighbour_moved"), 1);
    drop(peer);
    place.finish()
}

/// Thousands of answers that nobody asked for, of the remote and of strangers, move nothing, fill
/// nothing, and hold up no frame.
#[test]
fn a_flood_of_answers_changes_nothing() -> Result {
    need!(skip::LAB, "ethtool", "tcpdump", "python3");
    const FRAMES: u16 = 200;
    let place = Place::new()?;
    let peer = place.peer()?;
    let ours = place.resolve(&peer)?;
    let before = place.stats()?;
    let switch = SWITCH.parse()?;
    let flood: Vec<_> = (0..2000_u16)
        .map(|n| match n % 4 {
            0 => peer.answer(FIRST, ours),
            _ => {
                let stranger = Ipv4Addr::new(192, 0, 2, 10 + (n % 200) as u8);
                frame::arp(2, (OTHER, stranger), (ours, switch))
            }
        })
        .collect();
    thread::scope(|scope| -> Result {
        let traffic = scope.spawn(|| place.send(0, FRAMES, 5));
        peer.send(&flood)?;
        traffic.join().map_err(|_| "the sender panicked")?
    })?;
    let all = wait_arrivals(&place, &peer, FRAMES.into())?;
    let expected: Vec<_> = (0..FRAMES).map(|number| (number, FIRST)).collect();
    assert_eq!(all, expected);
    let after = place.stats()?;
    let moved = counters_moved(&before, &after)?;
    // What control does not keep up with is dropped by that name.
    assert!(names(&moved).iter().all(|name| *name == "punt_full"));
    let full = moved.get("punt_full").copied().unwrap_or(0);
    let refused = event(&after, "neigh_arp_unasked") - event(&before, "neigh_arp_unasked");
    assert!(refused > 0 && refused + full >= 1500, "{refused} {full}");
    let table = place.lab.daemon()?.call("neigh.show")?;
    assert_eq!(table.as_array().map(Vec::len), Some(1), "{table}");
    drop(peer);
    place.finish()
}

/// Who sends an answer into a question that is long answered may not take the frames away.
#[test]
fn an_unasked_answer_takes_no_frames_away() -> Result {
    need!(skip::LAB, "ethtool", "tcpdump", "python3");
    let place = Place::new()?;
    let peer = place.peer()?;
    let ours = place.resolve(&peer)?;
    for number in 0..20 {
        // The switch asks who it was, and does not wait long for the answer.
        let round = [SECOND, FIRST].map(|mac| peer.answer(mac, ours));
        peer.send(&[&round[..], &round].concat())?;
        place.send(number, 1, 0)?;
    }
    let all = wait_arrivals(&place, &peer, 20)?;
    assert!(all.iter().all(|(_, to)| *to == FIRST), "{all:?}");
    drop(peer);
    place.finish()
}
