//! A switch whose uplink is a NIC that marks packets, and says of them what is so or what is not: what
//! guests get is what they get without it.

use overpath_tests::account;
use overpath_tests::frame::{self, Outer};
use overpath_tests::lab::{HOST_END, Lab, Link};
use overpath_tests::netns::Netns;
use overpath_tests::nicmodel::library;
use overpath_tests::site::{MARKED, SWITCH, host_mac, mac, underlay};
use overpath_tests::traffic::Capture;
use overpath_tests::turn::turn;
use overpath_tests::{Result, need, skip, wait};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::MutexGuard;
use std::time::Duration;

const REMOTE: &str = "02:00:00:00:01:01";
/// What the log says when rules are in place.
const MARKS: &str = "offload: the NIC marks packets with their tunnel";
const STRIPS: &str = "offload: the NIC takes outer headers off";
/// What it says of a NIC that was caught.
const CAUGHT: &str = "the NIC is not believed any more";
const WRONG_MARK: &str = "it marked a packet as one of another tunnel";
const WRAPPED: &str = "it said of a packet that its outer headers are off, and they are not";
const OF_NO_RULE: &str = "it takes outer headers off, and writes marks that it was not given";
const UNMARKED: &str = "it takes outer headers off, and packets come without a mark";
/// Between what is sent again until it is noticed.
const PAUSE: Duration = Duration::from_millis(400);
/// Offsets in a frame with plain IPv4 outside.
const IP: usize = 14;
const UDP: usize = IP + 20;

/// One switch with two tunnels, each to a guest of its own, and a remote that sends whatever it likes.
struct Place {
    lab: Lab,
    remote: Netns,
    guests: [Netns; 2],
    _turn: MutexGuard<'static, ()>,
}

/// What guests got, in the order in which they got it, and the drops by reason.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    guests: [Vec<Vec<u8>>; 2],
    drops: BTreeMap<String, u64>,
}

impl Place {
    /// With such variables of the model; without any there is no NIC.
    fn new(model: &[(&str, &str)]) -> Result<Self> {
        Place::asking(model, "auto", MARKS)
    }

    /// The same of a NIC that takes outer headers off.
    fn stripping(lies: &str) -> Result<Self> {
        let model = [
            ("NICMODEL", "mlx5"),
            // It is asked only of drivers that may be able to.
            ("NICMODEL_DRIVER", "mlx5_pci"),
            ("NICMODEL_LIES", lies),
        ];
        Place::asking(&model, "t3", STRIPS)
    }

    /// The same that is asked for so much, and of which the log is to say this.
    fn asking(model: &[(&str, &str)], offload: &str, said: &str) -> Result<Self> {
        let turn = turn();
        let mut lab = Lab::new(Link::AfPacket)?;
        if !model.is_empty() {
            let preload = format!("LD_PRELOAD={}", library()?.display());
            let mut wrapper = vec!["env".to_owned(), preload];
            wrapper.push("NICMODEL_DEVICES=net_af_packet0".to_owned());
            wrapper.extend(model.iter().map(|(name, value)| format!("{name}={value}")));
            lab = lab.under(&wrapper);
        }
        let uplink = lab.port("uplink", 1600)?;
        let lans = [lab.port("lan1", 1500)?, lab.port("lan2", 1500)?];
        let tunnel = |n: u32| {
            format!(
                "[[bridge]]\nname = \"br{n}0\"\nports = [\"lan{n}\"]\n\
                 [[tunnel]]\nname = \"vx{n}0\"\nbridge = \"br{n}0\"\nvni = {n}0\n\
                 local = \"{SWITCH}\"\nremotes = [\"{}\"]\n",
                underlay(1)
            )
        };
        let address = format!("addresses = [\"{SWITCH}/24\"]\noffload = \"{offload}\"\n");
        let ports = [
            uplink.toml() + &address,
            lans[0].toml(),
            lans[1].toml(),
            tunnel(1),
            tunnel(2),
        ];
        lab.start_with(&ports.concat())?;
        let remote = Netns::new("remote")?;
        lab.plug(&uplink, &remote, REMOTE, None)?;
        let guests = [Netns::new("guest")?, Netns::new("guest")?];
        for (n, (lan, guest)) in (1..).zip(lans.iter().zip(&guests)) {
            lab.plug(lan, guest, &host_mac(n), None)?;
        }
        let place = Place {
            lab,
            remote,
            guests,
            _turn: turn,
        };
        if !model.is_empty() {
            wait::until_true("rules", || Ok(place.log()?.contains(said)))?;
        }
        Ok(place)
    }

    fn log(&self) -> Result<String> {
        Ok(self.lab.daemon()?.log())
    }

    fn wait_caught(&self, at: &str) -> Result {
        wait::until_true("the NIC to be caught", || {
            let log = self.log()?;
            Ok(log
                .lines()
                .any(|line| line.contains(CAUGHT) && line.contains(at)))
        })
    }

    /// Until the NIC has no rules any more.
    fn wait_parser(&self) -> Result {
        wait::until_true("its rules to go", || {
            let shown = self.lab.daemon()?.find("offload.show", "port", "uplink")?;
            Ok(shown.ok_or("no uplink")?["tier"] == "t1")
        })
    }

    /// Good headers from the remote to the switch.
    fn outer(&self, vni: u32) -> Result<Outer> {
        let uplink = self.lab.daemon()?.find("port.show", "name", "uplink")?;
        let ours = uplink.ok_or("no uplink")?["mac"].as_str().map(mac);
        let ips = (SWITCH.parse()?, underlay(1).parse()?);
        Ok(Outer::new((ours.ok_or("no MAC")?, mac(REMOTE)), ips, vni))
    }

    /// Sends frames from the remote until it is quiet, and says what became of them.
    fn pass(&self, frames: &[Vec<u8>]) -> Result<Outcome> {
        let filter = format!("ether proto {MARKED:#x}");
        let capture = |guest| Capture::start(guest, HOST_END, &filter);
        let captures = [capture(&self.guests[0])?, capture(&self.guests[1])?];
        let before = self.lab.daemon()?.wait_quiet()?;
        self.remote.send_frames(HOST_END, frames, 1)?;
        let after = self.lab.daemon()?.wait_quiet()?;
        let guests = [captures[0].settle()?, captures[1].settle()?];
        let mut drops = account::counters_moved(&before, &after)?;
        // Of the kernel's own frames, which come as they like.
        drops.retain(|reason, _| !matches!(reason.as_str(), "other_host" | "ethertype" | "ipv6"));
        Ok(Outcome { guests, drops })
    }

    /// What became of the NIC's word.
    fn hints(&self) -> Result<Value> {
        let stats = self.lab.daemon()?.stats()?;
        let hints = stats["hints"].as_array().and_then(|all| all.first());
        Ok(hints.cloned().unwrap_or_default())
    }

    fn finish(mut self) -> Result {
        self.lab.stop()?.check().map(drop)
    }
}

/// A frame for everybody in a bridge, with a number.
fn inner(number: u8) -> Vec<u8> {
    frame::ethernet(frame::BROADCAST, frame::mac(0x77), MARKED, &[number; 46])
}

/// Of both tunnels more than are looked at before a rule is believed; and what is not good, in ways that
/// can be seen without outer headers.
fn visible(place: &Place) -> Result<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    for number in 0..100 {
        for vni in [10, 20] {
            let mut outer = place.outer(vni)?;
            outer.ports.0 += u16::from(number);
            all.push(outer.emit(&inner(number)));
        }
    }
    let good = place.outer(10)?;
    let emit = |change: &dyn Fn(&mut Outer)| {
        let mut outer = good.clone();
        change(&mut outer);
        outer.emit(&inner(200))
    };
    let mut summed = good.clone();
    let plain = summed.emit(&inner(201));
    summed.udp_checksum = frame::udp_checksum(summed.ip.src, summed.ip.dst, &plain[UDP..]);
    all.extend([
        summed.emit(&inner(201)),
        emit(&|outer| outer.vni = 30),
        emit(&|outer| outer.flags = 0),
        emit(&|outer| outer.ports.1 = 4790),
        emit(&|outer| outer.ip.fragment = 0x2000),
        emit(&|outer| outer.ip.src = [192, 0, 2, 77].into()),
        emit(&|outer| outer.ip.dst = [192, 0, 2, 78].into()),
    ]);
    let mut tagged = good.emit(&inner(203));
    tagged.splice(12..12, [0x81, 0, 0, 7]);
    let mut short = good.emit(&inner(204));
    short.truncate(60);
    all.extend([tagged, short]);
    // And back to what is good.
    let back = (210..220).map(|number| good.emit(&inner(number)));
    all.extend(back);
    Ok(all)
}

/// The same, and what is wrong in ways that cannot.
fn frames(place: &Place) -> Result<Vec<Vec<u8>>> {
    let mut all = visible(place)?;
    let good = place.outer(10)?;
    let mut damaged = good.clone();
    damaged.udp_checksum = 0x1234;
    let mut broken = good.emit(&inner(202));
    broken[IP + 10] ^= 0xff;
    all.extend([damaged.emit(&inner(200)), broken]);
    let back = (220..230).map(|number| good.emit(&inner(number)));
    all.extend(back);
    Ok(all)
}

/// What becomes of all that without a NIC.
fn without() -> Result<Outcome> {
    let place = Place::new(&[])?;
    let outcome = place.pass(&frames(&place)?)?;
    assert_eq!(place.hints()?, Value::Null);
    place.finish()?;
    let [one, two] = &outcome.guests;
    assert_eq!((one.len(), two.len()), (121, 100), "{outcome:?}");
    assert!(outcome.drops.len() >= 5, "{:?}", outcome.drops);
    Ok(outcome)
}

#[test]
fn guests_get_the_same_with_a_nic_of_any_kind() -> Result {
    need!(skip::LAB, "ethtool", "tcpdump", "python3", "pkg-config");
    let expected = without()?;
    for dialect in ["mlx5", "any", "ice", "sfc", "keeping"] {
        let place = Place::new(&[("NICMODEL", dialect)])?;
        let outcome = place.pass(&frames(&place)?)?;
        assert_eq!(outcome, expected, "{dialect}");
        let hints = place.hints()?;
        assert_eq!(hints["lies"], 0, "{dialect}: {hints}");
        assert_eq!(hints["unknown"], 0, "{dialect}: {hints}");
        // ice marks packets with inner IPv4 alone.
        let confirmed = hints["confirmed"].as_u64();
        let least = if dialect == "ice" { 0 } else { 128 };
        assert!(confirmed >= Some(least), "{dialect}: {hints}");
        assert!(!place.log()?.contains(CAUGHT), "{dialect}");
        place.finish()?;
    }
    Ok(())
}

/// What a rule has matched is shown beside its tunnel, and grows with the tunnel's packets alone.
#[test]
fn hits_of_a_rule_rise_with_the_packets_of_its_tunnel() -> Result {
    need!(skip::LAB, "ethtool", "tcpdump", "python3", "pkg-config");
    let place = Place::new(&[("NICMODEL", "mlx5")])?;
    let hits = |tunnel: &str| -> Result<Option<u64>> {
        let uplink = place.lab.daemon()?.find("offload.show", "port", "uplink")?;
        let uplink = uplink.ok_or("no uplink")?;
        let tunnels = uplink["nics"][0]["tunnels"]
            .as_array()
            .ok_or("no tunnels")?;
        let mut of = tunnels.iter().filter(|it| it["tunnel"] == tunnel);
        Ok(of.next().ok_or("no such tunnel")?["hits"].as_u64())
    };
    let reach = |tunnel: &str, count: u64| {
        let what = format!("{count} hits of {tunnel}");
        wait::until_true(&what, || Ok(hits(tunnel)? == Some(count)))
    };
    reach("vx10", 0)?;
    let frames = |vni: u32, count: u8| -> Result<Vec<Vec<u8>>> {
        let outer = place.outer(vni)?;
        Ok((0..count)
            .map(|number| outer.emit(&inner(number)))
            .collect())
    };
    place.pass(&frames(10, 30)?)?;
    reach("vx10", 30)?;
    reach("vx20", 0)?;
    place.pass(&frames(20, 7)?)?;
    place.pass(&frames(10, 12)?)?;
    reach("vx20", 7)?;
    reach("vx10", 42)?;
    let text = place.lab.daemon()?.client(&["offload", "show", "uplink"])?;
    let line = text.lines().find(|line| line.contains(" tunnel vx10 "));
    assert!(
        line.is_some_and(|line| line.ends_with(" hits 42")),
        "{text}"
    );
    place.finish()
}

#[test]
fn guests_get_the_same_with_a_nic_whose_marks_are_wrong() -> Result {
    need!(skip::LAB, "ethtool", "tcpdump", "python3", "pkg-config");
    let expected = without()?;
    for (lie, every, caught) in [
        ("wrong", "1", true),
        ("wrong", "7", true),
        ("stray", "1", true),
        ("stale", "1", false),
        ("range", "1", false),
        ("zero", "3", false),
        ("missing", "1", false),
    ] {
        let model = [
            ("NICMODEL", "mlx5"),
            ("NICMODEL_LIES", lie),
            ("NICMODEL_LIE_EVERY", every),
        ];
        let place = Place::new(&model)?;
        let outcome = place.pass(&frames(&place)?)?;
        assert_eq!(outcome, expected, "{lie}");
        let hints = place.hints()?;
        if caught {
            place.wait_caught(WRONG_MARK)?;
            assert!(hints["lies"].as_u64() >= Some(1), "{lie}: {hints}");
            let said = place.log()?.matches(CAUGHT).count();
            assert_eq!(said, 1, "{lie}: it is said once");
        } else {
            assert_eq!(hints["lies"], 0, "{lie}: {hints}");
            assert!(!place.log()?.contains(CAUGHT), "{lie}");
        }
        // Nothing is believed that is not so: what was confirmed was.
        let again = place.pass(&frames(&place)?)?;
        assert_eq!(again, expected, "{lie}, again");
        place.finish()?;
    }
    Ok(())
}

/// What becomes of what can be seen without outer headers, without a NIC.
fn visible_without() -> Result<Outcome> {
    let place = Place::new(&[])?;
    let outcome = place.pass(&visible(&place)?)?;
    place.finish()?;
    assert_eq!(outcome.guests[0].len(), 111, "{outcome:?}");
    Ok(outcome)
}

#[test]
fn guests_get_the_same_with_a_nic_that_takes_outer_headers_off() -> Result {
    need!(skip::LAB, "ethtool", "tcpdump", "python3", "pkg-config");
    let expected = visible_without()?;
    let place = Place::stripping("")?;
    let shown = place.lab.daemon()?.find("offload.show", "port", "uplink")?;
    let shown = shown.ok_or("no uplink")?;
    assert_eq!(shown["tier"], "t3", "{shown}");
    assert!(shown.to_string().contains("vxlan_decap"), "{shown}");
    let outcome = place.pass(&visible(&place)?)?;
    assert_eq!(outcome, expected);
    let hints = place.hints()?;
    let said = ["stripped", "unknown", "lies"].map(|name| hints[name].as_u64());
    assert_eq!(said, [Some(211), Some(0), Some(0)], "{hints}");
    place.finish()
}

#[test]
fn a_nic_that_leaves_outer_headers_is_caught_and_takes_none_off_any_more() -> Result {
    need!(skip::LAB, "ethtool", "tcpdump", "python3", "pkg-config");
    let expected = without()?;
    let place = Place::stripping("wrapped")?;
    let first = place.pass(&[place.outer(10)?.emit(&inner(1))])?;
    assert!(first.guests.concat().is_empty(), "{first:?}");
    assert_eq!(first.drops.get("headers_in_doubt"), Some(&1), "{first:?}");
    place.wait_caught(WRAPPED)?;
    place.wait_parser()?;
    assert_eq!(place.pass(&frames(&place)?)?, expected);
    place.finish()
}

/// Whose it is nobody can tell. Before long the NIC takes none off any more.
#[test]
fn what_has_no_outer_headers_and_no_good_mark_gets_to_no_guest() -> Result {
    need!(skip::LAB, "ethtool", "tcpdump", "python3", "pkg-config");
    let without = without()?;
    for lie in ["stale", "range", "zero", "missing"] {
        let place = Place::stripping(lie)?;
        let outcome = place.pass(&visible(&place)?)?;
        assert!(outcome.guests.concat().is_empty(), "{lie}");
        let doubts = outcome.drops.get("headers_in_doubt").copied();
        let expected = (lie != "missing").then_some(211);
        assert_eq!(doubts, expected, "{lie}: {:?}", outcome.drops);
        let all = visible(&place)?;
        wait::until_true("the NIC to be caught", || {
            place.remote.send_frames(HOST_END, &all, 1)?;
            std::thread::sleep(PAUSE);
            Ok(place.log()?.contains(CAUGHT))
        })?;
        place.wait_caught(if lie == "missing" {
            UNMARKED
        } else {
            OF_NO_RULE
        })?;
        place.wait_parser()?;
        assert_eq!(place.pass(&frames(&place)?)?, without, "{lie}");
        place.finish()?;
    }
    Ok(())
}

/// A NIC that was caught has no rules any more, and keeps none when it stops.
#[test]
fn rules_of_a_nic_that_was_caught_are_taken_away() -> Result {
    need!(skip::LAB, "ethtool", "tcpdump", "python3", "pkg-config");
    let dir = tempfile::tempdir()?;
    let journal = dir.path().join("journal");
    let path = journal.display().to_string();
    let model = [
        ("NICMODEL", "mlx5"),
        ("NICMODEL_LIES", "wrong"),
        ("NICMODEL_JOURNAL", &*path),
    ];
    let place = Place::new(&model)?;
    // Probes create rules and destroy them.
    let there = || -> Result<i64> {
        let text = std::fs::read_to_string(&journal)?;
        let count = |what: &str| text.lines().filter(|line| line.contains(what)).count() as i64;
        Ok(count("create ") - count("destroy "))
    };
    assert_eq!(there()?, 2);
    place.pass(&frames(&place)?)?;
    place.wait_caught(WRONG_MARK)?;
    wait::until_true("no rules", || Ok(there()? == 0))?;
    place.finish()?;
    let text = std::fs::read_to_string(&journal)?;
    assert!(text.contains("stop with 0 rules"), "{text}");
    Ok(())
}

/// Once it was caught at verdicts on checksums, damage is found as without a NIC.
#[test]
fn verdicts_of_a_nic_that_was_caught_are_not_heeded() -> Result {
    need!(skip::LAB, "ethtool", "tcpdump", "python3", "pkg-config");
    let expected = without()?;
    let model = [("NICMODEL", "any"), ("NICMODEL_LIES", "good")];
    let place = Place::new(&model)?;
    let mut outer = place.outer(10)?;
    outer.udp_checksum = 0x1234;
    // While its rule is not proved yet, each is looked at in full.
    let bad: Vec<_> = (0..10).map(|number| outer.emit(&inner(number))).collect();
    place.pass(&bad)?;
    place.wait_caught("checksum")?;
    let outcome = place.pass(&frames(&place)?)?;
    assert_eq!(outcome, expected);
    // Its marks are as good as before.
    let hints = place.hints()?;
    assert!(hints["confirmed"].as_u64() > Some(100), "{hints}");
    place.finish()
}

/// Tunnels seen where there are none, and none where there are.
#[test]
fn guests_get_the_same_with_a_nic_that_is_wrong_about_tunnels() -> Result {
    need!(skip::LAB, "ethtool", "tcpdump", "python3", "pkg-config");
    let expected = without()?;
    for lie in ["tunnel", "blind"] {
        let model = [("NICMODEL", "mlx5"), ("NICMODEL_LIES", lie)];
        let place = Place::new(&model)?;
        let outcome = place.pass(&frames(&place)?)?;
        assert_eq!(outcome.guests, expected.guests, "{lie}");
        place.finish()?;
    }
    Ok(())
}
