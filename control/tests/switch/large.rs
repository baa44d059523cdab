//! The largest tables that can be wanted, as clients see them: each answer is one line, and far from
//! what a client reads at most.

use crate::reports::report;
use control::api::messages::{Method, Reply, Stats};
use control::config::Wanted;
use control::offload::report::PortReport;
use control::rig::Rig;
use fastpath::ids::PortId;
use fastpath::offload::Rule;
use fastpath::wire::Vni;
use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::time::Instant;

/// What the client of this crate reads of an answer.
const READ: usize = 256 << 20;
/// Bytes that the longest of them may have.
const MOST: usize = 24 << 20;

/// As many bridges, tunnels and remotes as there are numbers, and names as long as they may be.
fn config() -> String {
    let mut text = "[[port]]\nname = \"uplink\"\ndevice = \"heap0\"\n\
                    addresses = [\"192.0.2.2/24\"]\n"
        .to_owned();
    for number in 0..4096_u32 {
        let name = format!("name-as-lo{number:05}");
        let remotes: Vec<String> = (0..4)
            .map(|remote| {
                let [_, a, b, c] = (number * 4 + remote + 1).to_be_bytes();
                format!("\"10.{a}.{b}.{c}\"")
            })
            .collect();
        let remotes = remotes.join(",");
        write!(
            text,
            "[[bridge]]\nname = \"{name}\"\n[[tunnel]]\nname = \"{name}\"\nbridge = \"{name}\"\n\
             vni = {number}\nlocal = \"192.0.2.2\"\nremotes = [{remotes}]\n"
        )
        .unwrap();
    }
    text
}

/// A NIC with a rule for each tunnel, and for each remote.
fn all_rules(port: PortId) -> PortReport {
    let mut report = report(port);
    let nic = &mut report.members[0];
    let like = nic.tunnels.remove(0);
    nic.tunnels.clear();
    for number in 0..4096 {
        let mut one = like.clone();
        one.target.end_point.vni = Vni::new(number).unwrap();
        let remotes = (1..=4).map(|last| Some(Ipv4Addr::new(10, 255, 255, last)));
        for remote in [None].into_iter().chain(remotes) {
            one.target.remote = remote;
            one.rule = one.rule.map(|rule| Rule {
                end_point: one.target.end_point,
                strip: remote,
                ..rule
            });
            nic.tunnels.push(one.clone());
        }
    }
    report
}

#[test]
fn the_largest_answers_are_far_from_too_long() {
    let mut rig = Rig::new(Wanted::parse(&config(), "t").unwrap(), 1);
    let uplink = rig.port_id("uplink");
    rig.tell_offload(Vec::new(), Some(vec![all_rules(uplink)]));
    for (method, least) in [
        (Method::VxlanShow, 16_384),
        (Method::StatsShow, 4 * 4096 + 16_384),
        (Method::NeighShow, 0),
        (Method::RouteShow, 0),
        (Method::DropsShow(None), 0),
        (Method::OffloadShow(None), 4096 * 5),
    ] {
        let name = method.name();
        let began = Instant::now();
        let reply = rig.ask(method).unwrap();
        let asked = began.elapsed();
        let text = serde_json::to_vec(&reply).unwrap();
        println!(
            "{name}: {} bytes, {asked:?} to ask, {:?} to write",
            text.len(),
            began.elapsed() - asked
        );
        assert!(text.len() < MOST && MOST < READ / 8, "{name}");
        let listed = match &reply {
            Reply::Tunnels(all) => all.iter().map(|tunnel| tunnel.remotes.len()).sum(),
            Reply::Stats(stats) => {
                let Stats {
                    bridges,
                    tunnels,
                    remotes,
                    ..
                } = &**stats;
                2 * bridges.len() + 2 * tunnels.len() + remotes.len()
            }
            Reply::Offload(all) => all[0].nics[0].tunnels.len(),
            _ => 0,
        };
        assert!(listed >= least, "{name}: {listed}");
    }
    rig.received("uplink");
    rig.close();
}
