//! What is said of a frame is what the switch does with it, and saying it changes nothing.

use crate::common::arbitrary::{Step, World, answers, world};
use crate::common::{LAN, Switch, broadcast, from_peer, from_to, peer, station, to_mac, vxlan};
use control::api::Answer;
use control::api::messages::{
    Action, Entries, Explanation, Fate, Frame, Method, Question, Reason, Reply, Stats, Target,
    Told, Verdict,
};
use control::config::Wanted;
use control::rig::Rig;
use fastpath::drop::DropReason;
use fastpath::ids::PortId;
use proptest::prelude::*;
use std::collections::BTreeMap;

pub(crate) fn question(port: &str, frame: &[u8], ask_workers: bool) -> Method {
    Method::Explain(Question {
        port: port.parse().unwrap(),
        frame: Frame::new(frame.to_vec()).unwrap(),
        ask_workers,
    })
}

pub(crate) fn explain(rig: &mut Rig, port: &str, frame: &[u8]) -> Explanation {
    match rig.ask_workers(question(port, frame, true)) {
        Some(Reply::Explanation(life)) => *life,
        other => panic!("no explanation: {other:?}"),
    }
}

/// The same, whatever it took.
fn timeless(life: &Explanation) -> Explanation {
    let mut life = life.clone();
    life.cycles = None;
    life.pollers
        .iter_mut()
        .for_each(|poller| poller.look_up = 0);
    life
}

/// Asks state alone, and gives it a turn.
fn asks(rig: &mut Rig) -> Answer {
    let question = question("a", &from_to(1, 2), false);
    let answer = rig.ask_later(question).unwrap();
    rig.step();
    answer
}

fn is_explained(answer: &mut Answer) -> bool {
    matches!(answer.try_recv(), Ok(Ok(Reply::Explanation(_))))
}

#[test]
fn who_asks_without_end_waits_and_holds_up_nobody_else() {
    let mut rig = Rig::new(Wanted::parse(LAN, "test").unwrap(), 1);
    let at_once = (0..1000).take_while(|_| is_explained(&mut asks(&mut rig)));
    assert_eq!(at_once.count(), 64);
    // Nobody waits for what was asked for last.
    let mut waiting: Vec<_> = (0..16).map(|_| asks(&mut rig)).collect();
    let refused = asks(&mut rig).try_recv().unwrap().unwrap_err().to_string();
    assert!(refused.contains("too many clients"), "{refused}");
    assert!(rig.ask(Method::Version).is_some());
    assert!(!waiting.iter_mut().any(is_explained));
    // One each 10 ms, in their order.
    for _ in 0..2 {
        rig.wait(9);
        rig.step();
        assert!(!is_explained(&mut waiting[0]));
        rig.wait(1);
        (0..3).for_each(|_| rig.step());
        assert!(is_explained(&mut waiting.remove(0)));
        assert!(!waiting.iter_mut().any(is_explained));
    }
    // However long nobody asked, one in a turn.
    rig.wait(60_000);
    rig.step();
    let explained = waiting.iter_mut().map(is_explained);
    assert_eq!(explained.filter(|one| *one).count(), 1);
}

/// All of a switch that can be seen, but for the turns that workers had and how long they were.
#[derive(Debug, PartialEq)]
struct Seen {
    stats: Stats,
    caches: String,
    others: String,
    frames: Vec<Vec<Vec<u8>>>,
}

fn see(rig: &mut Rig, ports: &[String]) -> Seen {
    let others = [
        Method::PortShow,
        Method::NeighShow,
        Method::RouteShow,
        Method::AddrShow,
        Method::VxlanShow,
    ];
    let fdb = rig.fdb();
    let others = others.map(|method| format!("{:?}\n", rig.ask(method)));
    let caches = rig.ask_workers(Method::CacheShow(Entries::All));
    let mut stats = rig.stats();
    for worker in &mut stats.workers {
        (worker.rounds, worker.idle_rounds, worker.idle_ticks) = (0, 0, 0);
    }
    Seen {
        stats,
        caches: format!("{caches:?}"),
        others: format!("{}{fdb:?}", others.concat()),
        frames: ports.iter().map(|port| rig.received(port)).collect(),
    }
}

/// What became of a frame, or of what was said of one: what left by which port, in its order there,
/// and how often it was dropped by which name; the verdict.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    left: BTreeMap<String, Vec<Vec<u8>>>,
    drops: BTreeMap<&'static str, u64>,
    verdict: String,
    /// Packets that an entry decided, and that were resolved.
    cache: [u64; 2],
}

fn said(life: &Explanation) -> Outcome {
    let mut outcome = Outcome::default();
    let named = |why: &Reason| {
        let mut all = DropReason::ALL.iter().map(|reason| reason.name());
        all.find(|name| *name == why.reason).unwrap()
    };
    for end in life.steps.iter().flat_map(|step| &step.ends) {
        match &end.fate {
            Fate::Sent { port, frame } => {
                let left = outcome.left.entry(port.clone()).or_default();
                left.push(forget_ident(frame.0.clone()));
            }
            Fate::Dropped(why) => *outcome.drops.entry(named(why)).or_default() += 1,
            Fate::Waiting | Fate::Consumed => {}
        }
    }
    let verdict = match &life.verdict {
        Verdict::Forwarded => "forwarded",
        Verdict::Consumed => "consumed",
        Verdict::Waiting => "waiting",
        Verdict::Dropped(why) => {
            if life.steps.is_empty() {
                outcome.drops.insert(named(why), 1);
            }
            "dropped"
        }
    };
    outcome.verdict = verdict.to_owned();
    for poller in &life.pollers {
        outcome.cache[usize::from(poller.decided.unwrap().resolved)] += 1;
    }
    outcome
}

/// A worker counts its IPv4 identifications.
fn forget_ident(mut frame: Vec<u8>) -> Vec<u8> {
    if frame.len() >= 50 && frame[12..14] == [8, 0] {
        frame[18..20].fill(0);
        frame[24..26].fill(0);
    }
    frame
}

/// Verdicts and drops, as the worker counts them.
fn counted(rig: &Rig, ports: usize) -> ([u64; 4], BTreeMap<&'static str, u64>) {
    let stats = &rig.worker_stats()[0];
    let (mut verdicts, mut drops) = ([0; 4], BTreeMap::new());
    for port in (0..ports).filter_map(PortId::new).map(|id| stats.port(id)) {
        let of_port = [
            port.forwarded.get(),
            port.consumed.get(),
            port.waited.get(),
            port.dropped.total(),
        ];
        for (sum, count) in verdicts.iter_mut().zip(of_port) {
            *sum += count;
        }
        for reason in DropReason::ALL {
            let all = port.all_drops().map(|drops| drops.get(*reason));
            *drops.entry(reason.name()).or_default() += all.iter().sum::<u64>();
        }
    }
    (verdicts, drops)
}

fn poll(rig: &mut Rig) {
    while rig.poll(0) > 0 {}
}

/// Sends a frame, gives the worker alone a turn, and sees what it does.
fn done(rig: &mut Rig, ports: &[String], port: &str, frame: &[u8]) -> Outcome {
    poll(rig);
    ports.iter().for_each(|port| drop(rig.received(port)));
    let cache = |rig: &Rig| {
        let stats = &rig.worker_stats()[0].cache;
        [stats.hits.get(), stats.misses.get()]
    };
    let (before, cache_before) = (counted(rig, ports.len()), cache(rig));
    assert!(rig.send(port, frame));
    poll(rig);
    let (after, cache_after) = (counted(rig, ports.len()), cache(rig));
    let verdicts = ["forwarded", "consumed", "waiting", "dropped"];
    let mut changed = verdicts.iter().zip(before.0.iter().zip(after.0));
    let verdict = changed.find(|(_, (before, after))| *before < after);
    let moved = after
        .1
        .into_iter()
        .map(|(name, n)| (name, n - before.1[name]));
    let left = ports.iter().map(|port| {
        let frames = rig.received(port).into_iter().map(forget_ident);
        (port.clone(), frames.collect::<Vec<_>>())
    });
    Outcome {
        left: left.filter(|(_, frames)| !frames.is_empty()).collect(),
        drops: moved.filter(|(_, n)| *n > 0).collect(),
        verdict: verdict
            .map(|(name, _)| (*name).to_owned())
            .unwrap_or_default(),
        cache: [0, 1].map(|at| cache_after[at] - cache_before[at]),
    }
}

fn places(rig: &mut Rig) -> Vec<String> {
    let fdb = rig.fdb();
    let place = |entry: &control::api::messages::FdbEntry| {
        let to = (&entry.port, &entry.tunnel, &entry.remote);
        format!("{} {} {to:?}", entry.bridge, entry.mac)
    };
    let mut places: Vec<_> = fdb.iter().map(place).collect();
    places.sort();
    places
}

/// Asks, sees that nothing has changed, and that the switch does what it said.
#[track_caller]
fn agrees(rig: &mut Rig, ports: &[String], port: &str, frame: &[u8]) -> Explanation {
    // After as long there is a turn for each of the questions.
    rig.wait(20);
    rig.run(2);
    rig.step();
    poll(rig);
    rig.step();
    let (before, places_before) = (see(rig, ports), places(rig));
    let life = explain(rig, port, frame);
    let again = explain(rig, port, frame);
    assert_eq!(timeless(&life), timeless(&again));
    let after = see(rig, ports);
    let silent = after.frames.iter().all(Vec::is_empty);
    assert!(silent, "it was sent");
    assert_eq!((after.stats, after.others), (before.stats, before.others));
    assert_eq!(after.caches, before.caches);
    let open = is_open(rig, port);
    let outcome = said(&life);
    if open {
        assert_eq!(done(rig, ports, port, frame), outcome, "{life:#?}");
        rig.step();
        if life.told.is_empty() {
            assert_eq!(places(rig), places_before, "learned, but not told");
        }
    } else {
        assert_eq!(outcome.drops, BTreeMap::from([("port_down", 1)]));
    }
    life
}

fn is_open(rig: &mut Rig, name: &str) -> bool {
    let Some(Reply::Ports(ports)) = rig.ask(Method::PortShow) else {
        panic!("no answer")
    };
    ports
        .iter()
        .any(|port| port.name == name && port.mac.is_some())
}

fn happens(rig: &mut Rig, world: &World, ports: &[String], step: &Step, serial: &mut u32) {
    let name = |port: usize| &ports[port % ports.len()];
    match step {
        Step::Frames(numbers) => {
            // A few of them are enough.
            for number in numbers.iter().take(4) {
                let flow = &world.flows[number % world.flows.len()];
                let port = flow.port % ports.len();
                *serial += 1;
                let frame = flow.frame(port, *serial);
                if !frame.is_empty() {
                    agrees(rig, ports, name(port), &frame);
                }
            }
        }
        Step::Answer => answer(rig),
        Step::Run(time) => rig.run(*time),
        Step::Leap(time) => rig.leap(*time),
        Step::Link(port, up) => rig.set_link(name(*port), *up),
        Step::Remove(port) => rig.remove_device(name(*port)),
    }
}

fn answer(rig: &mut Rig) {
    for answer in answers() {
        assert!(rig.send("p0", &answer.frame(0, 0)));
    }
    rig.run(1);
}

#[test]
fn what_is_said_of_any_frame_is_what_is_done_with_it() {
    let config = ProptestConfig {
        cases: 128,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(world in world())| {
        let wanted = Wanted::parse(&world.setup.text(), "test").unwrap();
        let ports: Vec<_> = (0..world.setup.ports()).map(|at| format!("p{at}")).collect();
        let mut rig = Rig::new(wanted, 1);
        answer(&mut rig);
        let mut serial = 0;
        for step in &world.steps {
            happens(&mut rig, &world, &ports, step, &mut serial);
        }
        rig.close();
    });
}

/// Two remotes; nobody has said that he is the second.
fn switch() -> (Switch, Vec<String>) {
    let ports = ["uplink", "a", "b"].map(str::to_owned).to_vec();
    let config = vxlan("remotes = [\"192.0.2.1\", \"192.0.2.3\"]");
    (Switch::new(&config), ports)
}

#[test]
fn a_frame_out_of_a_tunnel_is_told_from_its_outer_headers_to_the_port() {
    let (mut switch, ports) = switch();
    let known = from_to(1, 2);
    switch.pass("a", &known);
    let inner = from_to(2, 1);
    let mut frame = from_peer(1, &inner);
    frame.extend([0; 7]);
    let life = agrees(&mut switch.rig, &ports, "uplink", &frame);
    assert_eq!(life.tunnel.as_deref(), Some("vx10"));
    assert_eq!(life.remote, Some(peer(1).1));
    let vni = life
        .fields
        .iter()
        .find(|field| field.name == "vni")
        .unwrap();
    assert_eq!((vni.value.as_str(), vni.decided), ("10", true));
    let inside = |field: &&control::api::messages::Field| field.name == "inner_source_mac";
    assert!(!life.fields.iter().find(inside).unwrap().decided);
    let [decap, bridge] = &life.steps[..] else {
        panic!("{life:#?}");
    };
    let Action::Decap(stripped) = decap.action else {
        panic!("{decap:#?}");
    };
    assert_eq!((stripped.front, stripped.back), (50, 7));
    assert_eq!(decap.after.as_ref().unwrap().0, inner);
    assert_eq!(bridge.before.0, inner);
    let Action::Bridge(bridging) = &bridge.action else {
        panic!("{bridge:#?}");
    };
    assert_eq!(bridging.bridge, "br10");
    assert_eq!(bridging.source, None);
    let destination = bridging.destination.as_ref().unwrap();
    assert_eq!(destination.port.as_deref(), Some("a"));
    let to_a = Some(Target::Port { port: "a".into() });
    assert_eq!((bridge.ends.len(), &bridge.ends[0].to), (1, &to_a));
    let Told::Learn(seen) = &life.told[..][0] else {
        panic!("{life:#?}");
    };
    assert_eq!((seen.mac, seen.remote), (station(2).0, Some(peer(1).1)));
    assert_eq!(switch.place(2), "vx10 192.0.2.1");
    switch.close();
}

#[test]
fn a_flood_is_told_by_each_who_gets_it_and_how() {
    let (mut switch, ports) = switch();
    switch.rig.set_link("b", false);
    let life = agrees(&mut switch.rig, &ports, "a", &broadcast(1));
    let ends = &life.steps[0].ends;
    let target = |at: usize| match ends[at].to.as_ref().unwrap() {
        Target::Port { port } => port.clone(),
        Target::Remote(road) => road.remote.to_string(),
    };
    let targets = [target(0), target(1), target(2)];
    assert_eq!(targets, ["b", "192.0.2.1", "192.0.2.3"]);
    let Fate::Dropped(why) = &ends[0].fate else {
        panic!("{ends:#?}");
    };
    let down = DropReason::PortDown;
    assert_eq!((&*why.reason, &*why.meaning), (down.name(), down.meaning()));
    let Some(Target::Remote(road)) = &ends[1].to else {
        panic!("{ends:#?}");
    };
    let neighbour = road.neighbour.as_ref().unwrap();
    assert_eq!(
        (neighbour.port.as_str(), neighbour.mac),
        ("uplink", Some(peer(1).0))
    );
    let route = road.route.as_ref().unwrap();
    assert_eq!(route.to.to_string(), "192.0.2.0/24");
    switch.close();
}

#[test]
fn who_moves_is_told_and_where_from() {
    let (mut switch, ports) = switch();
    switch.pass("a", &broadcast(1));
    let life = agrees(&mut switch.rig, &ports, "b", &to_mac(1, station(1).0));
    let Action::Bridge(bridging) = &life.steps[0].action else {
        panic!("{life:#?}");
    };
    let source = bridging.source.as_ref().unwrap();
    assert_eq!(source.port.as_deref(), Some("a"));
    let Told::Move(seen) = &life.told[0] else {
        panic!("{life:#?}");
    };
    assert_eq!(seen.port.as_deref(), Some("b"));
    assert_eq!(switch.place(1), "b");
    switch.close();
}

#[test]
fn what_waits_and_what_is_for_the_switch_is_said_so() {
    let ports = ["uplink", "a", "b"].map(str::to_owned).to_vec();
    let wanted = Wanted::parse(&vxlan("remotes = [\"192.0.2.1\"]"), "test").unwrap();
    let mut switch = Switch::cold(wanted, 1);
    switch.settle();
    switch.rig.set_link("b", false);
    let life = agrees(&mut switch.rig, &ports, "a", &broadcast(1));
    assert_eq!(life.verdict, Verdict::Waiting);
    let arp = answers().next().unwrap().frame(0, 0);
    let life = agrees(&mut switch.rig, &ports, "uplink", &arp);
    assert_eq!(
        (&life.steps[0].action, &life.verdict),
        (&Action::Punt, &Verdict::Consumed)
    );
    switch.rig.run(4_000);
    switch.close();
}

#[test]
fn a_long_frame_is_told_whole_or_said_to_be_cut() {
    let long = [&broadcast(1)[..], &[7; 3000]].concat();
    let mut switch = Switch::new(LAN);
    let ports = ["a", "b", "c"].map(str::to_owned);
    let life = agrees(&mut switch.rig, &ports, "a", &long[..2047]);
    assert!(matches!(life.verdict, Verdict::Dropped(why) if why.reason == "mtu_exceeded"));
    let life = explain(&mut switch.rig, "a", &long);
    assert!(matches!(life.verdict, Verdict::Dropped(why) if why.reason == "frame_truncated"));
    assert_eq!(life.steps, []);
    switch.close();
}

#[test]
fn a_port_that_is_not_there_is_told_the_nearest() {
    let mut switch = Switch::new(&vxlan(""));
    let refusal = |rig: &mut Rig, port| rig.refusal(question(port, &[0], false)).unwrap();
    let said = refusal(&mut switch.rig, "upling");
    assert_eq!(said, "port: there is no port upling; did you mean uplink?");
    let said = refusal(&mut switch.rig, "elsewhere");
    assert_eq!(said, "port: there is no port elsewhere");
    switch.close();
}
