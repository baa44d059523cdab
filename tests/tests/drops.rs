//! A user who asks about drops: counter, capture and explanation agree, and with the kernel's own tools.

use overpath_tests::capture::{Capture, with};
use overpath_tests::daemon::Daemon;
use overpath_tests::frame::{self, Ipv4, Outer};
use overpath_tests::lab::Link;
use overpath_tests::netns::Netns;
use overpath_tests::site::{
    self, HOST_DEVICE, Plan, SWITCH, Site, VNI, host_mac, underlay, vtep_mac,
};
use overpath_tests::{Result, need, skip, wait};
use serde_json::Value;

/// What a daemon counts of drops of one reason.
fn drops(daemon: &Daemon, reason: &str) -> Result<Option<Value>> {
    daemon.find("drops.show", "reason", reason)
}

/// A frame that is dropped.
struct Bad<'a> {
    /// Where it comes in.
    port: &'static str,
    /// Who sends it.
    sender: &'a Netns,
    reason: &'static str,
    frame: Vec<u8>,
    /// What tcpdump finds in it.
    seen: String,
}

fn bad_frames(site: &Site) -> Result<Vec<Bad<'_>>> {
    let said = site.vtep(1).ip(&format!("neigh show {SWITCH}"))?;
    let mut ours = said.split_whitespace().skip_while(|word| *word != "lladdr");
    let ours = site::mac(ours.nth(1).ok_or("the VTEP does not know us")?);
    let (host, vtep) = (site::mac(&host_mac(1)), site::mac(&vtep_mac(1)));
    let ip = Ipv4::new([10, 9, 9, 9].into(), [10, 9, 9, 8].into(), 17);
    let datagram = |to, from| frame::udp_frame(to, from, ip, (1000, 2000), b"nobody");
    // From a group address, which no station has.
    let group = datagram(vtep, [3, 0, 0, 0, 0, 9]);
    let inner = datagram(host, vtep);
    let ips = (SWITCH.parse()?, underlay(1).parse()?);
    let outer = |vni| Outer::new((ours, vtep), ips, vni);
    let mut broken = outer(VNI).emit(&inner);
    // A byte of the IPv4 header checksum.
    broken[24] ^= 1;
    let without = Outer {
        flags: 0,
        ..outer(VNI)
    };
    let from_group = datagram(host, [1, 0, 0, 0, 0, 7]);
    let remote = format!("{}.50000 > {SWITCH}.4789", underlay(1));
    let (lan, uplink) = (("lan1", site.host(1)), ("uplink", site.vtep(1)));
    let bad = |(port, sender), reason, frame, seen: &str| Bad {
        port,
        sender,
        reason,
        frame,
        seen: seen.to_owned(),
    };
    Ok(vec![
        bad(
            lan,
            "source_invalid",
            group,
            "10.9.9.9.1000 > 10.9.9.8.2000",
        ),
        bad(uplink, "vni_unknown", outer(4711).emit(&inner), "vni 4711"),
        bad(uplink, "ip_checksum", broken, &remote),
        bad(uplink, "vxlan_no_vni", without.emit(&inner), &remote),
        bad(
            uplink,
            "inner_source",
            outer(VNI).emit(&from_group),
            &remote,
        ),
    ])
}

#[test]
fn counter_capture_and_explanation_of_a_drop_agree() -> Result {
    need!(skip::LAB, skip::VXLAN, "ethtool", "tcpdump", "tshark");
    let site = Site::new(Plan::new(Link::AfPacket))?;
    site.warm_up()?;
    let daemon = site.lab.daemon()?;
    let bad = bad_frames(&site)?;
    let mut all = Capture::start(daemon, &["drops"])?;
    let mut other = Capture::start(daemon, &["drops", "tx_full"])?;
    for Bad {
        port,
        sender,
        reason,
        frame,
        seen,
    } in &bad
    {
        let mut one = Capture::start(daemon, &["drops", reason])?;
        sender.send_frames(HOST_DEVICE, &vec![frame.clone(); 3], 1)?;
        wait::until_true(&format!("three drops as {reason}"), || {
            Ok(drops(daemon, reason)?.is_some_and(|drop| drop["packets"] == 3))
        })?;
        all_say(daemon, port, reason, frame)?;
        one.wait(3)?;
        one.stop()?;
        let verdict = format!("verdict dropped, reason {reason}");
        let (notes, found) = (one.tshark()?, one.tcpdump()?);
        assert_eq!(with(&notes, &[port, &verdict]).len(), 3, "{notes:?}");
        assert_eq!(with(&found, &[seen]).len(), 3, "{found:?}");
    }
    all.wait(3 * bad.len())?;
    all.stop()?;
    let notes = all.tshark()?;
    for Bad { reason, .. } in &bad {
        let verdict = format!("verdict dropped, reason {reason}");
        assert_eq!(with(&notes, &[&verdict]).len(), 3, "{notes:?}");
    }
    let said = other.stop()?;
    assert!(said.contains("0 packets, 0 lost"), "{said}");
    site.finish()
}

/// The counter, the last packet, and the explanations of the frame and of the reason.
fn all_say(daemon: &Daemon, port: &str, reason: &str, frame: &[u8]) -> Result {
    let drop = drops(daemon, reason)?.ok_or("no such drop")?;
    assert_eq!(
        (&drop["port"], &drop["place"]),
        (&port.into(), &"dropped".into())
    );
    let hex: String = frame.iter().map(|byte| format!("{byte:02x}")).collect();
    let head = drop["last"]["head"].as_str().unwrap_or_default();
    assert!(
        !head.is_empty() && hex.starts_with(&head[..head.len().min(hex.len())]),
        "{drop}"
    );
    let said = daemon.client(&["explain", port, &hex])?;
    assert!(
        said.contains(&format!("verdict dropped, reason {reason}")),
        "{said}"
    );
    // Three of them have come in, so a worker has an entry.
    assert!(said.contains(": hit, entry "), "{said}");
    let said = daemon.client(&["drops"])?;
    assert!(said.contains(&format!("{reason}: the last one")), "{said}");
    let said = daemon.client(&["explain", "--drop", reason])?;
    assert!(said.contains(port), "{said}");
    Ok(())
}
