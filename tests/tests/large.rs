//! A large switch forwards again soon after it was killed: 100,000 static entries and 1,000 tunnels.
//! The goal is 2 s from the start to the first frame; what it takes is printed.

use overpath_tests::daemon::{Daemon, Setup};
use overpath_tests::lab::{HOST_END, Lab, Link, kernel_vxlan};
use overpath_tests::netns::Netns;
use overpath_tests::numbered::{End, Receiver, Sender};
use overpath_tests::{Result, frame, need, skip, wait};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

const TUNNELS: u32 = 1_000;
const ENTRIES: u32 = 100_000;
/// The tunnel by which frames go.
const ONE: u32 = 7;
/// Ten times the goal.
const LIMIT: Duration = Duration::from_secs(20);

/// The station of an entry.
fn station(number: u32) -> frame::Mac {
    let [a, b, c, d] = number.to_be_bytes();
    [2, 0, a, b, c, d]
}

fn config(lab: &Lab) -> Result<String> {
    let mut text = "fdb = [\n".to_owned();
    for number in 0..ENTRIES {
        let [a, b, c, d, e, f] = station(number);
        let (tunnel, remote) = (number % TUNNELS, 1 + number / TUNNELS % 8);
        writeln!(
            text,
            "{{ bridge = \"br{tunnel}\", mac = \"{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}\", \
             tunnel = \"vx{tunnel}\", remote = \"192.0.2.{remote}\" }},"
        )?;
    }
    text += "]\n[switch]\nfdb_entries = 262144\n";
    text += &lab.ports_toml(|name| match name {
        "up" => "addresses = [\"192.0.2.254/24\"]",
        _ => "",
    });
    for tunnel in 0..TUNNELS {
        let ports = if tunnel == ONE { "\"guest\"" } else { "" };
        writeln!(
            text,
            "[[bridge]]\nname = \"br{tunnel}\"\nports = [{ports}]\n[[tunnel]]\nname = \"vx{tunnel}\"\n\
             bridge = \"br{tunnel}\"\nvni = {tunnel}\nlocal = \"192.0.2.254\"\n\
             remotes = [\"192.0.2.1\"]"
        )?;
    }
    Ok(text)
}

fn assert_whole(daemon: &Daemon) -> Result {
    let stats = daemon.stats()?;
    let tunnels = stats["tunnels"].as_array().map_or(0, Vec::len);
    assert_eq!(stats["fdb"]["static_entries"], ENTRIES);
    assert_eq!(tunnels, TUNNELS as usize);
    Ok(())
}

/// Waits until a frame beyond the first `sent` has crossed.
fn wait_frame(receiver: &Receiver, sent: u32) -> Result {
    wait::until("a frame at the other end", LIMIT, || {
        let last = receiver.numbers()?.last().copied();
        Ok(last.filter(|last| *last > sent).map(drop))
    })
}

#[test]
fn a_large_switch_forwards_soon_after_a_kill() -> Result {
    need!(skip::LAB, skip::VXLAN, "ethtool", "bridge", "python3");
    let dir = tempfile::tempdir()?;
    let mut lab = Lab::new(Link::AfPacket)?;
    let (up, guest) = (lab.port("up", 1600)?, lab.port("guest", 1500)?);
    let (host, vtep) = (Netns::new("host")?, Netns::new("vtep")?);
    lab.plug(&guest, &host, "02:00:00:ff:00:01", None)?;
    lab.plug(&up, &vtep, "02:00:00:ff:00:02", Some("192.0.2.1/24"))?;
    let ends = ("192.0.2.1", &["192.0.2.254"][..]);
    kernel_vxlan(&vtep, ONE, ends, "02:00:00:ff:00:03", "10.0.0.1/24")?;
    let receiver = Receiver::start(&vtep, &format!("vx{ONE}"))?;
    let from = End {
        host: &host,
        device: HOST_END,
        mac: [2, 0, 0, 0xff, 0, 1],
    };
    let mut sender = Sender::start(from, station(ONE), &[])?;

    let setup = Setup::new(&config(&lab)?).inside(lab.switch());
    let setup = setup.store(&dir.path().join("store"));
    let daemon = setup.start()?;
    assert_whole(&daemon)?;
    wait_frame(&receiver, sender.count()?)?;
    daemon.signal("KILL")?;
    daemon.wait_end()?;
    // What is under way is past, and nothing crosses.
    let sent = sender.count()?;
    let began = Instant::now();
    let mut daemon = setup.spawn()?;
    wait_frame(&receiver, sent)?;
    println!("forwards again after {} ms", began.elapsed().as_millis());
    daemon.wait_forwarding()?;
    assert_whole(&daemon)?;
    sender.stop()?;
    daemon.wait_quiet()?;
    daemon.stop()?.check().map(drop)
}
