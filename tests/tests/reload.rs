//! The running daemon is given configurations again and again, while numbered frames pass.

use overpath_tests::daemon::Daemon;
use overpath_tests::lab::Link;
use overpath_tests::numbered::{self, End, Receiver, Sender};
use overpath_tests::rpc::Connection;
use overpath_tests::site::{self, HOST_DEVICE, Plan, Site, VTEP_DEVICE, underlay};
use overpath_tests::{Result, need, skip, traffic, wait};
use serde_json::json;
use std::collections::BTreeSet;

const UNCHANGED: usize = 1_000;
const CHANGED: usize = 200;
/// Where a station is put in turns.
const TURNS: usize = 40;
/// A station that is only where it is put.
const STATION: &str = "02:00:00:00:99:01";

fn host(site: &Site) -> End<'_> {
    End {
        host: site.host(1),
        device: HOST_DEVICE,
        mac: site::mac(&site::host_mac(1)),
    }
}

/// A file is applied, which is answered when it is done.
fn apply(connection: &mut Connection, text: &str) -> Result {
    let answer = connection.ask("config.apply", &json!({"text": text}))?;
    match answer["error"].is_null() {
        true => Ok(()),
        false => Err(format!("config.apply: {answer}").into()),
    }
}

fn reload(daemon: &Daemon) -> Result {
    let config = daemon.client(&["config", "export"])?;
    let other = format!("{config}\n[[bridge]]\nname = \"other\"\n");
    let mut connection = Connection::open(daemon.socket())?;
    for _ in 0..UNCHANGED {
        apply(&mut connection, &config)?;
    }
    for text in [&other, &config].into_iter().cycle().take(CHANGED) {
        apply(&mut connection, text)?;
    }
    assert_eq!(daemon.client(&["config", "export"])?, config);
    Ok(())
}

#[test]
fn what_does_not_change_does_not_notice_a_thousand_reloads() -> Result {
    need!(
        skip::LAB,
        skip::VXLAN,
        "ethtool",
        "ping",
        "tcpdump",
        "bridge",
        "python3"
    );
    let site = Site::new(Plan::new(Link::AfPacket).workers(2))?;
    site.warm_up()?;
    let to = End {
        host: site.vtep(1),
        device: VTEP_DEVICE,
        mac: site::mac(&site::vtep_mac(1)),
    };
    let ((), frames) = numbered::during(host(&site), to, || site.lab.daemon().and_then(reload))?;
    println!("{frames} frames passed");
    site.finish()
}

/// As of the answer to a change each frame goes the new way: none of those sent after it is where the
/// station was before, and none is lost or doubled meanwhile.
#[test]
fn a_frame_that_is_sent_after_the_answer_goes_the_new_way() -> Result {
    need!(
        skip::LAB,
        skip::VXLAN,
        "ethtool",
        "ping",
        "tcpdump",
        "bridge",
        "python3"
    );
    let site = Site::new(Plan::new(Link::AfPacket).vteps(2).workers(2))?;
    site.warm_up()?;
    traffic::reach(site.vtep(2), &site::host_ip(1))?;
    let daemon = site.lab.daemon()?;
    let put = |verb: &str, n: u8| {
        let remote = underlay(n);
        let words = [
            "fdb", verb, STATION, "bridge", "br10", "tunnel", "vx10", "dst", &remote,
        ];
        // It says so if a worker that got no turn may still decide as before.
        daemon.client(&words).map(|told| told.is_empty())
    };
    put("add", 1)?;
    wait::until_true("all workers to pass a change in time", || {
        put("replace", 2)?;
        put("replace", 1)
    })?;
    let seen = [1, 2].map(|n| Receiver::start(site.vtep(n), VTEP_DEVICE));
    let [first, second] = seen;
    let (first, second) = (first?, second?);
    let mut sender = Sender::start(host(&site), site::mac(STATION), &[&first, &second])?;
    // Frames beyond the first number and up to the second one go to this VTEP.
    let (mut sure, mut from) = (Vec::new(), Some(sender.count()?));
    for turn in 0..TURNS {
        let (here, next) = if turn % 2 == 0 { (1, 2) } else { (2, 1) };
        if let Some(from) = from {
            sure.push((here, from, sender.count()?));
        }
        let passed = put("replace", next)?;
        from = passed.then(|| sender.count()).transpose()?;
    }
    let sent = sender.stop()?;
    sure.extend(from.map(|from| (1, from, sent)));
    println!(
        "{} of {TURNS} changes were passed by all in time",
        sure.len()
    );
    assert!(sure.len() > TURNS / 4, "workers got too few turns");
    wait::until("all frames", wait::LONG, || {
        let count = first.numbers()?.len() + second.numbers()?.len();
        Ok((count >= sent as usize).then_some(()))
    })?;
    let came = [first.all(0)?, second.all(0)?];
    let sets = came
        .each_ref()
        .map(|numbers| numbers.iter().copied().collect::<BTreeSet<_>>());
    for (numbers, set) in came.iter().zip(&sets) {
        assert_eq!(numbers.len(), set.len(), "a frame came twice");
        assert!(numbers.is_sorted(), "frames were overtaken");
    }
    assert!(sets[0].is_disjoint(&sets[1]), "a frame went both ways");
    assert_eq!(
        came[0].len() + came[1].len(),
        sent as usize,
        "frames were lost"
    );
    for (n, after, last) in sure {
        let wrong: Vec<_> = sets[2 - n]
            .iter()
            .filter(|n| (after + 1..=last).contains(n))
            .collect();
        assert!(
            wrong.is_empty(),
            "sent after the answer, the old way: {wrong:?}"
        );
    }
    site.finish()
}
