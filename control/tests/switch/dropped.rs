//! What is shown of drops: each counter under its reason, port and place, and how fast it grows; and
//! that all counters together leave no packet out.

use crate::common::{
    Station, Switch, broadcast, from_peer, from_to, peer, station, us, vni, vxlan,
};
use control::api::messages::{DropCount, DropPlace, LastDrop, Method, Reply, Stats};
use control::config::Wanted;
use control::waiting::Waiting;
use fastpath::drop::DropReason::{self, *};
use fastpath::ids::PortId;
use fastpath::wire::Mac;
use fastpath::wire::craft::Pair;

/// One remote answers, and one never does.
const CONFIG: &str = r#"remotes = ["192.0.2.1"]
[[fdb]]
bridge = "br10"
mac = "02:00:00:00:02:05"
port = "b"
[[fdb]]
bridge = "br10"
mac = "02:00:00:00:02:06"
tunnel = "vx10"
remote = "192.0.2.77"
"#;

const PORTS: [&str; 3] = ["uplink", "a", "b"];

fn switch(workers: usize) -> Switch {
    let text = vxlan(CONFIG).replace("mtu = 1600", "mtu = 1600\ntx_queues = 1");
    let wanted = Wanted::parse(&text, "test").unwrap();
    let mut switch = Switch::cold(wanted, workers);
    for _ in 0..10 {
        switch.rig.leap(1_000);
    }
    let answer = Pair::new(peer(1), us()).arp_reply();
    switch.rig.send("uplink", &answer);
    switch.settle();
    switch
}

/// Drops of several reasons, at each place.
fn drop_some(switch: &mut Switch) {
    let other = Pair::new(peer(1), us()).vxlan(50_000, vni(11), &from_to(1, 2));
    for _ in 0..3 {
        switch.pass("uplink", &other);
    }
    switch.pass("uplink", &from_peer(9, &from_to(1, 2)));
    switch.pass("a", &broadcast(1)[..13]);
    switch.pass("b", &from_to(4, 4)[..13]);
    // Too long for port b, and not for the tunnel.
    let all: Station = (Mac::BROADCAST, [255; 4].into());
    for _ in 0..2 {
        switch.pass("a", &Pair::new(station(1), all).udp(1, 2, &[0; 1500]));
    }
    switch.pass("a", &from_to(1, 6));
    switch.rig.leap(Waiting::<()>::PATIENCE + 1);
    for number in 0..4100 {
        assert!(switch.rig.send("a", &from_to(1, 5)));
        if number % 50 == 49 {
            switch.rig.run(1);
        }
    }
    switch.out();
}

pub(crate) fn shown(switch: &mut Switch, port: Option<&str>) -> Vec<DropCount> {
    let port = port.map(|port| port.parse().unwrap());
    match switch.rig.ask(Method::DropsShow(port)) {
        Some(Reply::Drops(drops)) => drops,
        other => panic!("{other:?}"),
    }
}

type Row = (&'static str, String, DropPlace, u64);

fn rows(drops: &[DropCount]) -> Vec<Row> {
    let name = |drop: &DropCount| {
        let mut all = DropReason::ALL.iter().map(|reason| reason.name());
        all.find(|name| *name == drop.reason).unwrap()
    };
    let row = |drop: &DropCount| (name(drop), drop.port.clone(), drop.place, drop.packets);
    drops.iter().map(row).collect()
}

#[test]
fn every_drop_is_shown_where_it_is_counted_most_first() {
    let mut switch = switch(1);
    drop_some(&mut switch);
    let all = shown(&mut switch, None);
    let expected = [
        (TxFull, "b", DropPlace::TxDropped, 4),
        (VniUnknown, "uplink", DropPlace::Dropped, 3),
        (MtuExceeded, "a", DropPlace::CopiesDropped, 2),
        (RemoteUnknown, "uplink", DropPlace::Dropped, 1),
        (FrameRunt, "a", DropPlace::Dropped, 1),
        (NeighbourUnresolved, "a", DropPlace::WaitDropped, 1),
        (FrameRunt, "b", DropPlace::Dropped, 1),
    ];
    let expected =
        expected.map(|(reason, port, place, n)| (reason.name(), port.to_owned(), place, n));
    assert_eq!(rows(&all), expected);
    for drop in &all {
        assert_eq!(drop.packets, counted(&switch, drop), "{drop:?}");
        let reason = reason(drop);
        assert_eq!(drop.advice, reason.advice());
        assert_eq!(drop.meaning, reason.meaning());
    }
    let last: Vec<_> = all.iter().map(|drop| drop.last.as_ref()).collect();
    let at = |place: usize| last[place].map(|last| (last.age, last.len));
    // A frame of 46 bytes in 50 of outer headers.
    assert_eq!(at(1), Some((0, 96)));
    assert!(field(last[1], "vni") == Some("11") && field(last[1], "source_address").is_some());
    assert_eq!(field(last[0], "destination_mac"), Some("02:00:00:00:02:05"));
    assert_eq!(field(last[2], "destination_mac"), Some("ff:ff:ff:ff:ff:ff"));
    assert_eq!(at(5), Some((0, 46)), "it had waited");
    // Of two ports the one that was the last.
    assert_eq!((at(4), at(6)), (None, Some((0, 13))));
    let of_b: Vec<_> = all.into_iter().filter(|drop| drop.port == "b").collect();
    assert_eq!(shown(&mut switch, Some("b")), of_b);
    switch.close();
}

fn field<'a>(last: Option<&'a LastDrop>, name: &str) -> Option<&'a str> {
    let field = last?.fields.iter().find(|field| field.name == name)?;
    Some(&field.value)
}

fn reason(drop: &DropCount) -> DropReason {
    let mut all = DropReason::ALL.iter();
    *all.find(|reason| reason.name() == drop.reason).unwrap()
}

/// What workers and state counted themselves.
fn counted(switch: &Switch, drop: &DropCount) -> u64 {
    let place = PORTS.iter().position(|name| *name == drop.port).unwrap();
    let id = PortId::new(place).unwrap();
    let all = switch.rig.worker_stats();
    let of_one = all.iter().map(|stats| {
        let port = stats.port(id);
        let drops = match drop.place {
            DropPlace::Dropped => &port.dropped,
            DropPlace::CopiesDropped => &port.copies_dropped,
            DropPlace::WaitDropped => &port.wait_dropped,
            DropPlace::TxDropped => &port.tx_dropped,
        };
        drops.get(reason(drop))
    });
    of_one.sum()
}

#[test]
fn a_port_that_there_is_not_is_told_the_nearest() {
    let mut switch = switch(1);
    let mut refusal = |port: &str| {
        let method = Method::DropsShow(Some(port.parse().unwrap()));
        switch.rig.refusal(method).unwrap()
    };
    let near = refusal("uplnik");
    assert_eq!(near, "port: there is no port uplnik; did you mean uplink?");
    assert_eq!(refusal("zzzz"), "port: there is no port zzzz");
    switch.close();
}

#[test]
fn rates_are_of_the_last_whole_second() {
    let mut switch = switch(1);
    let runt = &broadcast(1)[..13];
    let now = |switch: &mut Switch| {
        let drops = shown(switch, Some("a"));
        drops
            .iter()
            .map(|d| (d.packets, d.rate))
            .collect::<Vec<_>>()
    };
    let age = |switch: &mut Switch| {
        shown(switch, Some("a"))[0]
            .last
            .as_ref()
            .map(|last| last.age)
    };
    for _ in 0..5 {
        switch.pass("a", runt);
    }
    assert_eq!(now(&mut switch), [(5, 0)], "the second is not over");
    switch.rig.leap(1_000);
    assert_eq!(now(&mut switch), [(5, 5)]);
    switch.pass("a", runt);
    assert_eq!(now(&mut switch), [(6, 5)]);
    switch.rig.leap(1_000);
    assert_eq!(now(&mut switch), [(6, 1)]);
    assert_eq!(age(&mut switch), Some(0), "it was noticed now");
    switch.rig.leap(1_000);
    assert_eq!(now(&mut switch), [(6, 0)]);
    assert_eq!(age(&mut switch), Some(1));
    switch.pass("a", runt);
    assert_eq!(age(&mut switch), Some(0), "another one");
    switch.close();
}

fn sum<T>(of: &[T], number: impl Fn(&T) -> u64) -> u64 {
    of.iter().map(number).sum()
}

/// Each number that is shown twice is the same, and each sum closes.
fn expect_closed(stats: &Stats, drops: &[DropCount]) {
    let (account, ports) = (stats.account, &stats.ports);
    assert_eq!(sum(ports, |port| port.originated), account.originated);
    assert_eq!(sum(ports, |port| port.copied), account.copied);
    assert_eq!(sum(drops, |drop| drop.packets), account.dropped);
    assert_eq!(stats.drops.values().sum::<u64>(), account.dropped);
    for (place, counted) in [
        (DropPlace::Dropped, sum(ports, |port| port.dropped)),
        (
            DropPlace::CopiesDropped,
            sum(ports, |port| port.copies_dropped),
        ),
        (DropPlace::WaitDropped, sum(ports, |port| port.wait_dropped)),
        (DropPlace::TxDropped, sum(ports, |port| port.tx_dropped)),
    ] {
        let here = drops.iter().filter(|drop| drop.place == place);
        let shown: u64 = here.map(|drop| drop.packets).sum();
        assert_eq!(shown, counted, "{place:?}");
    }
    for worker in &stats.workers {
        let cache = worker.cache;
        let entries = cache.inserted - cache.replaced - cache.evictions - cache.flushed;
        assert_eq!(cache.entries, entries, "{worker:?}");
        assert!(cache.masks > 0 || cache.entries == 0, "{worker:?}");
        assert!(worker.idle_rounds <= worker.rounds && worker.rounds > 0);
    }
    let of_workers = sum(&stats.workers, |worker| worker.handed_off);
    assert_eq!(of_workers, stats.events["handed_off"]);
    let of_workers = sum(&stats.workers, |worker| worker.events_lost);
    assert_eq!(of_workers, stats.events["events_lost"]);
    let fdb = stats.fdb;
    assert_eq!(
        fdb.entries,
        fdb.static_entries + fdb.learned - fdb.aged - fdb.flushed
    );
    assert_eq!(fdb.learned, stats.events["fdb_learned"]);
}

#[test]
fn every_sum_closes() {
    for workers in [1, 2] {
        let mut switch = switch(workers);
        drop_some(&mut switch);
        for number in 1..5 {
            switch.pass("uplink", &from_peer(1, &from_to(10 + number, 5)));
            switch.pass("a", &from_to(1, 10 + number));
        }
        switch.rig.set_link("a", false);
        switch.settle();
        let (stats, drops) = (switch.rig.stats(), shown(&mut switch, None));
        expect_closed(&stats, &drops);
        let second = stats.workers.get(1);
        assert!(second.is_none_or(|worker| worker.handed_off > 0));
        let fdb = stats.fdb;
        assert_eq!((fdb.entries, fdb.static_entries, fdb.flushed), (6, 2, 1));
        assert_eq!((fdb.learned, fdb.limit), (5, 65_536));
        let [silent, remote] = [77, 1].map(|last| {
            let mut remotes = stats.remotes.iter();
            let here = remotes.find(|one| one.remote == peer(last).1);
            here.cloned().unwrap()
        });
        assert_eq!((silent.rx.packets, silent.tx.packets), (0, 0));
        // Two floods and the four stations behind it.
        assert_eq!((remote.rx.packets, remote.tx.packets), (4, 6));
        assert_eq!((&*remote.tunnel, stats.remotes.len()), ("vx10", 2));
        assert_eq!(remote.rx.bytes, 4 * from_to(1, 2).len() as u64);
        switch.close();
    }
}
