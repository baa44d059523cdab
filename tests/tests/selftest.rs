//! A switch whose NICs are tested, at their start and by command: what is not so is switched off before
//! the first packet, and no packet of a test is anybody's.

use overpath_tests::frame::{self, Outer};
use overpath_tests::lab::{HOST_END, Lab, Link, Port};
use overpath_tests::netns::Netns;
use overpath_tests::nicmodel::library;
use overpath_tests::site::{MARKED, SWITCH, host_mac, mac, underlay};
use overpath_tests::traffic::Capture;
use overpath_tests::turn::turn;
use overpath_tests::{Result, need, skip, wait};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::MutexGuard;
use tempfile::TempDir;

/// Names the model as a driver, built by `scripts/nic-model --driver`.
const DRIVER: &str = "OVERPATH_NIC_DRIVER";
/// What the log says of every test.
const SAID: &str = "self-test: ";

/// A switch with an uplink that is a NIC, one tunnel, and two guests in one bridge.
struct Place {
    lab: Lab,
    guests: [Netns; 2],
    dir: TempDir,
    _turn: MutexGuard<'static, ()>,
}

/// What the uplink is.
enum Uplink {
    /// net_ring as a NIC that loops by mode, in the name of a driver that is known to.
    Looping,
    /// net_af_packet, at whose other end is this host.
    Wire(Netns),
    /// The model as a driver of its own, of which nobody knows that it loops.
    Driver,
}

impl Place {
    /// With such variables of the model.
    fn new(uplink: &Uplink, model: &[(&str, &str)]) -> Result<Self> {
        let turn = turn();
        let dir = tempfile::tempdir()?;
        let journal = dir.path().join("journal").display().to_string();
        let preload = match uplink {
            Uplink::Driver => std::env::var(DRIVER)?,
            Uplink::Looping | Uplink::Wire(_) => library()?.display().to_string(),
        };
        let mut wrapper = vec!["env".to_owned()];
        let mut set = |name: &str, value: &str| wrapper.push(format!("{name}={value}"));
        set("LD_PRELOAD", &preload);
        set("NICMODEL_JOURNAL", &journal);
        match uplink {
            Uplink::Looping => {
                set("NICMODEL_DEVICES", "net_ring0");
                set("NICMODEL_DRIVER", "net_i40e");
                set("NICMODEL_LOOP", "mode");
            }
            Uplink::Wire(_) => set("NICMODEL_DEVICES", "net_af_packet0"),
            Uplink::Driver => {}
        }
        // The last one of a name counts.
        for (name, value) in model {
            set(name, value);
        }
        let mut lab = Lab::new(Link::AfPacket)?.under(&wrapper);
        let first = lab.port("first", 1600)?;
        let lans = [lab.port("lan1", 1500)?, lab.port("lan2", 1500)?];
        lab.start_with(&config(uplink, &first, &lans))?;
        let guests = [Netns::new("guest")?, Netns::new("guest")?];
        for (n, (lan, guest)) in (1..).zip(lans.iter().zip(&guests)) {
            lab.plug(lan, guest, &host_mac(n), None)?;
        }
        if let Uplink::Wire(host) = uplink {
            lab.plug(&first, host, "02:00:00:00:01:01", None)?;
        }
        Ok(Place {
            lab,
            guests,
            dir,
            _turn: turn,
        })
    }

    /// What the API says of the uplink.
    fn shown(&self) -> Result<Value> {
        let shown = self.lab.daemon()?.find("offload.show", "port", "uplink")?;
        Ok(shown.ok_or("no uplink")?)
    }

    fn wait_tier(&self, tier: &str) -> Result {
        wait::until_true(tier, || Ok(self.shown()?["tier"] == tier))
    }

    fn log(&self) -> Result<String> {
        Ok(self.lab.daemon()?.log())
    }

    fn client(&self, words: &[&str]) -> Result<String> {
        self.lab.daemon()?.client(words)
    }

    fn test(&self) -> Result<Value> {
        let told = self.client(&["offload", "selftest", "uplink", "--json"])?;
        Ok(serde_json::from_str(&told)?)
    }

    /// Packets that came in by the uplink, and that the switch sent by it.
    fn passed(&self) -> Result<[u64; 2]> {
        let uplink = self.lab.daemon()?.find("port.show", "name", "uplink")?;
        let uplink = uplink.ok_or("no uplink")?;
        let packets = |way: &str| uplink[way]["packets"].as_u64().ok_or("no packets");
        Ok([packets("rx")?, packets("tx")?])
    }

    /// What the NIC was asked, without the number of its port.
    fn journal(&self) -> Result<Vec<String>> {
        let path: PathBuf = self.dir.path().join("journal");
        let text = std::fs::read_to_string(path)?;
        let calls = text.lines().filter_map(|line| line.split_once(' '));
        Ok(calls.map(|(_, call)| call.to_owned()).collect())
    }

    /// Rules that were installed since the port was started last.
    fn rules_since_start(&self) -> Result<usize> {
        let journal = self.journal()?;
        let start = journal.iter().rposition(|call| call == "start");
        let since = journal.iter().skip(start.ok_or("it never started")?);
        Ok(since.filter(|call| call.starts_with("create ")).count())
    }

    /// No packet of a test was counted, and none is missed.
    fn finish(mut self) -> Result {
        let uplink = self.lab.daemon()?.find("port.show", "name", "uplink")?;
        let uplink = uplink.ok_or("no uplink")?;
        let losses = ["missed", "no_mbuf", "errors"].map(|key| uplink["rx"][key].as_u64());
        assert_eq!(losses, [Some(0); 3], "{uplink}");
        self.lab.stop()?.check().map(drop)
    }
}

fn config(uplink: &Uplink, first: &Port, lans: &[Port; 2]) -> String {
    let head = match uplink {
        Uplink::Looping => "[[port]]\nname = \"uplink\"\ndevice = \"net_ring0\"\n".to_owned(),
        Uplink::Wire(_) => first.toml().replace("\"first\"", "\"uplink\""),
        Uplink::Driver => {
            "[[port]]\nname = \"uplink\"\ndevice = \"net_nicmodel0\"\nrx_queues = 4\n".to_owned()
        }
    };
    format!(
        "{head}addresses = [\"{SWITCH}/24\"]\n{}{}\
         [[bridge]]\nname = \"br10\"\nports = [\"lan1\", \"lan2\"]\n\
         [[tunnel]]\nname = \"vx10\"\nbridge = \"br10\"\nvni = 10\n\
         local = \"{SWITCH}\"\nremotes = [\"{}\"]\n",
        lans[0].toml(),
        lans[1].toml(),
        underlay(1)
    )
}

/// A frame from the first guest to the second.
fn between_guests(number: u8) -> Vec<u8> {
    let [from, to] = [1, 2].map(|n| mac(&host_mac(n)));
    frame::ethernet(to, from, MARKED, &[number; 46])
}

#[test]
fn an_honest_nic_is_tested_alone_and_then_does_all_it_can() -> Result {
    need!(skip::LAB, "ethtool", "tcpdump", "python3", "pkg-config");
    // What comes back late would come in.
    let model = [("NICMODEL", "any"), ("NICMODEL_LOOP", "peer")];
    let place = Place::new(&Uplink::Looping, &model)?;
    place.wait_tier("t2")?;
    let shown = place.shown()?;
    let test = &shown["selftest"];
    assert_eq!(test["looped"], true, "{shown}");
    assert_eq!(test["asked"], false, "{shown}");
    assert_eq!(test["heard"], test["frames"], "{shown}");
    assert_eq!(test["marks"]["allowed"], true, "{shown}");
    assert_eq!(test["checksums"]["allowed"], true, "{shown}");
    assert_eq!(shown["demoted"], Value::Null, "{shown}");
    // By now the wire is back, and nothing of the test is there.
    let journal = place.journal()?;
    let at = |call: &str| journal.iter().position(|it| it == call);
    let (looping, not) = (at("loopback 1: 0"), at("loopback 0: 0"));
    assert!(looping.is_some() && looping < not, "{journal:?}");
    let between = &journal[looping.unwrap_or_default()..not.unwrap_or_default()];
    let count = |what: &str| between.iter().filter(|it| it.starts_with(what)).count();
    assert!(
        count("create ") >= 2 && count("create ") == count("destroy "),
        "{between:?}"
    );
    assert_eq!(
        (count("start"), count("stop with 0 rules")),
        (1, 1),
        "{between:?}"
    );
    assert_eq!(
        place.rules_since_start()?,
        2,
        "that of the probe, and one: {journal:?}"
    );
    let log = place.log()?;
    let said: Vec<_> = log.lines().filter(|line| line.contains(SAID)).collect();
    assert_eq!(said.len(), 1, "{log}");
    assert!(
        said[0].contains("INFO") && said[0].contains("marks on: "),
        "{}",
        said[0]
    );
    let text = place.client(&["offload", "show", "uplink"])?;
    assert!(text.contains("uplink selftest start heard "), "{text}");
    // All that the switch itself sends comes back by the wire, and nothing else is there to come.
    let [before, _] = place.passed()?;
    // A frame of a guest goes to the tunnel, whose remote is asked for.
    place.guests[0].send_frames(HOST_END, &[between_guests(1)], 1)?;
    wait::until_true("packets by the wire", || {
        let [received, sent] = place.passed()?;
        Ok(received > before && received == sent)
    })?;
    place.finish()
}

#[test]
fn a_nic_that_marks_wrongly_gets_no_rule_of_a_tunnel() -> Result {
    need!(skip::LAB, "ethtool", "tcpdump", "python3", "pkg-config");
    for lie in ["wrong", "stray", "missing"] {
        let model = [("NICMODEL", "any"), ("NICMODEL_LIES", lie)];
        let place = Place::new(&Uplink::Looping, &model)?;
        place.wait_tier("t1")?;
        let shown = place.shown()?;
        assert_eq!(shown["demoted"]["tier"], "t1", "{lie}: {shown}");
        let why = shown["demoted"]["reason"].as_str().unwrap_or_default();
        assert!(why.starts_with(SAID), "{lie}: {shown}");
        assert_eq!(shown["reason"], shown["demoted"]["reason"], "{lie}");
        assert_eq!(
            shown["selftest"]["checksums"]["allowed"], true,
            "{lie}: {shown}"
        );
        assert_eq!(
            place.rules_since_start()?,
            0,
            "{lie}: {:?}",
            place.journal()?
        );
        let log = place.log()?;
        let warned = |line: &str| line.contains("WARN") && line.contains("marks off: ");
        assert!(log.lines().any(warned), "{lie}: {log}");
        place.finish()?;
    }
    Ok(())
}

#[test]
fn a_nic_that_calls_all_checksums_right_is_not_heeded() -> Result {
    need!(skip::LAB, "ethtool", "tcpdump", "python3", "pkg-config");
    let model = [("NICMODEL", "any"), ("NICMODEL_LIES", "good")];
    let place = Place::new(&Uplink::Looping, &model)?;
    place.wait_tier("t2")?;
    let test = &place.shown()?["selftest"];
    let why = test["distrusted"].as_str().unwrap_or_default();
    assert!(why.starts_with("self-test: outer "), "{test}");
    assert_eq!(test["demoted"], Value::Null, "{test}");
    place.finish()
}

/// It works as one that nobody can test.
#[test]
fn a_nic_that_cannot_loop_after_all_starts_without() -> Result {
    need!(skip::LAB, "ethtool", "tcpdump", "python3", "pkg-config");
    for how in ["refuse", "queues", "stall"] {
        let model = [("NICMODEL", "any"), ("NICMODEL_LOOP", how)];
        let place = Place::new(&Uplink::Looping, &model)?;
        place.wait_tier("t2")?;
        assert_eq!(place.shown()?["selftest"], Value::Null, "{how}");
        let journal = place.journal()?;
        let log = place.log()?;
        assert!(
            log.contains("it is not tested, as it does not loop"),
            "{how}: {log}"
        );
        let looped = journal.iter().any(|call| call.starts_with("loopback 1"));
        assert!(looped, "{how}: it was tried: {journal:?}");
        place.finish()?;
    }
    let model = [("NICMODEL", "any"), ("NICMODEL_LOOP", "deaf")];
    let place = Place::new(&Uplink::Looping, &model)?;
    place.wait_tier("t2")?;
    let shown = place.shown()?;
    assert_eq!(shown["selftest"]["conclusive"], false, "{shown}");
    assert_eq!(shown["demoted"], Value::Null, "{shown}");
    assert!(place.log()?.contains("self-test: no frame came back: "));
    place.finish()
}

/// The test is not made again, and what it found holds.
#[test]
fn a_nic_that_does_not_start_after_its_test_is_what_it_was_found_to_be() -> Result {
    need!(skip::LAB, "ethtool", "tcpdump", "python3", "pkg-config");
    for (lies, tier) in [("wrong", "t1"), ("good", "t2")] {
        let model = [
            ("NICMODEL", "any"),
            ("NICMODEL_LIES", lies),
            ("NICMODEL_LOOP", "once"),
        ];
        let place = Place::new(&Uplink::Looping, &model)?;
        place.wait_tier(tier)?;
        let shown = place.shown()?;
        assert_eq!(shown["demoted"].is_null(), lies == "good", "{shown}");
        assert_eq!(shown["distrusted"].is_null(), lies == "wrong", "{shown}");
        assert_eq!(shown["selftest"]["conclusive"], true, "{shown}");
        let journal = place.journal()?;
        let looped = journal.iter().filter(|call| *call == "loopback 1: 0");
        assert_eq!(looped.count(), 1, "{lies}: {journal:?}");
        let log = place.log()?;
        let said = log.lines().filter(|line| line.contains(SAID));
        assert_eq!(said.count(), 1, "{log}");
        assert!(log.contains("Input/output error"), "it failed once: {log}");
        place.finish()?;
    }
    Ok(())
}

/// A test takes its port from the workers, and from nobody else.
#[test]
fn other_ports_forward_while_one_is_tested_by_command() -> Result {
    need!(skip::LAB, "ethtool", "tcpdump", "python3", "pkg-config");
    let place = Place::new(&Uplink::Looping, &[("NICMODEL", "any")])?;
    place.wait_tier("t2")?;
    let filter = format!("ether proto {MARKED:#x}");
    let capture = Capture::start(&place.guests[1], HOST_END, &filter)?;
    let frames: Vec<_> = (0..200).map(between_guests).collect();
    let (tests, sent) = std::thread::scope(|scope| {
        let send = || {
            let sent = place.guests[0].send_frames(HOST_END, &frames, 5);
            sent.map_err(|error| error.to_string())
        };
        let sending = scope.spawn(send);
        let tests: Vec<Result<Value>> = (0..3).map(|_| place.test()).collect();
        (tests, sending.join())
    });
    sent.map_err(|_| "nobody sent")??;
    for test in tests {
        let test = test?;
        assert_eq!(test["found"]["asked"], true, "{test}");
        assert_eq!(test["tier"], "t2", "{test}");
        assert_eq!(test["report"]["heard"], test["report"]["frames"], "{test}");
        let cases = test["report"]["cases"].as_array().ok_or("no cases")?;
        assert!(
            cases.iter().all(|case| case["outcome"] != "wrong"),
            "{test}"
        );
    }
    assert_eq!(capture.wait(frames.len())?, frames);
    place.wait_tier("t2")?;
    assert_eq!(place.shown()?["selftest"]["asked"], true);
    let text = place.client(&["offload", "selftest", "uplink"])?;
    for part in [
        "uplink may do T2 frames ",
        "uplink marks on reason ",
        "uplink case equal tunnel, ",
    ] {
        let squeezed = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(squeezed.contains(part), "{part}: {text}");
    }
    place.finish()
}

#[test]
fn why_there_is_no_test_is_told() -> Result {
    need!(skip::LAB, "ethtool", "tcpdump", "python3", "pkg-config");
    let place = Place::new(&Uplink::Looping, &[("NICMODEL", "any")])?;
    let refused = |port: &str| -> Result<String> {
        let refused = place.client(&["offload", "selftest", port]);
        Ok(refused.err().ok_or("it was tested")?.to_string())
    };
    let why = refused("zz")?;
    assert!(why.contains("there is no port zz"), "{why}");
    place.client(&["port", "set", "lan1", "offload", "off"])?;
    let why = refused("lan1")?;
    assert!(why.contains("overpath port set lan1 offload auto"), "{why}");
    place.finish()
}

/// Sends back what comes in, as it is, or does so no more: a bridge that may send by the port that a frame
/// came in by.
fn reflect(host: &Netns, on: bool) -> Result {
    if !on {
        return host.ip("link del mirror").map(drop);
    }
    host.ip("link add mirror type bridge")?;
    host.ip(&format!("link set {HOST_END} master mirror"))?;
    host.ip(&format!("link set {HOST_END} type bridge_slave hairpin on"))?;
    host.ip("link set mirror up")?;
    Ok(())
}

#[test]
fn a_port_with_a_wire_is_tested_by_a_peer_that_reflects() -> Result {
    need!(
        skip::LAB,
        "ethtool",
        "tcpdump",
        "python3",
        "pkg-config",
        "tc"
    );
    for (lies, tier) in [("", "t2"), ("wrong", "t1")] {
        let host = Netns::new("peer")?;
        let uplink = Uplink::Wire(host);
        let place = Place::new(&uplink, &[("NICMODEL", "any"), ("NICMODEL_LIES", lies)])?;
        let Uplink::Wire(host) = &uplink else {
            return Err("no host".into());
        };
        place.wait_tier("t2")?;
        assert_eq!(place.shown()?["selftest"], Value::Null, "it does not loop");
        let test = place.test()?;
        assert_eq!(test["found"]["conclusive"], false, "{test}");
        let advice = test["advice"].as_str().unwrap_or_default();
        assert!(advice.contains("the peer has to send back"), "{test}");
        place.wait_tier("t2")?;
        reflect(host, true)?;
        let test = place.test()?;
        reflect(host, false)?;
        assert_eq!(test["found"]["conclusive"], true, "{test}");
        assert_eq!(test["found"]["looped"], false, "{test}");
        assert_eq!(test["tier"], tier, "{test}");
        place.wait_tier(tier)?;
        // All that came back was taken by the test, but for what the switch says of itself.
        let [before, sent] = place.passed()?;
        assert!(before <= sent && sent < 10, "{before} of {sent}");
        // And packets of others pass as before.
        let macs = (uplink_mac(&place)?, mac("02:00:00:00:01:01"));
        let outer = Outer::new(macs, (SWITCH.parse()?, underlay(1).parse()?), 10);
        let inner = frame::ethernet(frame::BROADCAST, frame::mac(0x77), MARKED, &[7; 46]);
        let capture = Capture::start(
            &place.guests[0],
            HOST_END,
            &format!("ether proto {MARKED:#x}"),
        )?;
        host.send_frames(HOST_END, &[outer.emit(&inner)], 1)?;
        assert_eq!(capture.wait(1)?, [inner]);
        assert_eq!(place.passed()?[0], before + 1);
        // No frame of a test leaves by the port of a guest.
        let refused = place.client(&["offload", "selftest", "lan1"]);
        let why = refused.err().ok_or("it was tested")?.to_string();
        assert!(why.contains("its device does not loop by itself"), "{why}");
        place.finish()?;
    }
    Ok(())
}

fn uplink_mac(place: &Place) -> Result<frame::Mac> {
    let uplink = place.lab.daemon()?.find("port.show", "name", "uplink")?;
    let ours = uplink.ok_or("no uplink")?["mac"].as_str().map(mac);
    Ok(ours.ok_or("no MAC")?)
}

/// Its packets come in by queues of their hash, and have their marks before they wait there.
#[test]
#[ignore = "needs the model as a driver: scripts/test nic"]
fn a_nic_of_several_queues_is_tested_by_command() -> Result {
    need!(skip::LAB, "ethtool", "tcpdump", "python3", "pkg-config");
    for (lies, tier) in [("", "t2"), ("wrong", "t1")] {
        let model = [("NICMODEL", "any"), ("NICMODEL_LIES", lies)];
        let place = Place::new(&Uplink::Driver, &model)?;
        place.wait_tier("t2")?;
        let test = place.test()?;
        assert_eq!(test["found"]["looped"], false, "{test}");
        assert_eq!(test["report"]["heard"], test["report"]["frames"], "{test}");
        assert_eq!(test["tier"], tier, "{test}");
        assert_eq!(test["found"]["distrusted"], Value::Null, "{test}");
        place.wait_tier(tier)?;
        place.finish()?;
    }
    Ok(())
}
