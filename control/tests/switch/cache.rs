//! What is shown of the flow caches is what decides, and a flush has all of it decided anew.

use crate::common::{LAN, Switch, broadcast, from_peer, from_to, peer, us, vni, vxlan};
use control::api::messages::{
    CacheAction, CacheEntry, Caches, Entries, EntryNumber, Flushed, Method, Reply,
};
use control::config::Wanted;
use control::rig::Rig;
use fastpath::wire::craft::{Pair, tagged};
use fastpath::wire::{EtherType, Tag};

pub(crate) fn caches(rig: &mut Rig, entries: Entries) -> Caches {
    match rig.change(Method::CacheShow(entries)) {
        Some(Reply::Caches(caches)) => *caches,
        other => panic!("no caches: {other:?}"),
    }
}

pub(crate) fn of_port(port: &str) -> Entries {
    Entries::Port(port.parse().unwrap())
}

/// A configuration with a cache that is looked over in a few rounds.
pub(crate) fn small(config: &str) -> String {
    format!("[switch]\ncache_entries = 64\n{config}")
}

/// A tunnel with one known remote, after some packets each way.
pub(crate) fn tunnelled() -> Switch {
    let mut switch = Switch::new(&small(&vxlan("remotes = [\"192.0.2.1\"]")));
    for _ in 0..3 {
        switch.pass("a", &from_to(1, 2));
        switch.pass("uplink", &from_peer(1, &from_to(3, 1)));
    }
    let other_vni = Pair::new(peer(1), us()).vxlan(50_000, vni(11), &from_to(3, 1));
    switch.pass("uplink", &other_vni);
    switch
}

fn named<'a>(entry: &'a CacheEntry, field: &str) -> Option<&'a str> {
    let mut fields = entry.fields.iter();
    let found = fields.find(|found| found.name == field)?;
    assert!(found.decided);
    Some(&found.value)
}

/// The entry of the tunnel.
pub(crate) fn decap(caches: &Caches) -> &CacheEntry {
    let mut entries = caches.entries.iter();
    entries
        .find(|entry| entry.actions.contains(&CacheAction::Decap))
        .unwrap()
}

#[test]
fn an_entry_is_shown_with_the_names_of_what_it_was_derived_from() {
    let mut switch = tunnelled();
    let caches = caches(&mut switch.rig, of_port("uplink"));
    let bridge = CacheAction::Bridge {
        bridge: "br10".into(),
        learning: true,
    };
    let decap = decap(&caches);
    assert_eq!(decap.actions, [CacheAction::Decap, bridge.clone()]);
    assert_eq!((decap.packets, decap.current), (3, true));
    let behind = (decap.tunnel.as_deref(), decap.remote);
    assert_eq!(behind, (Some("vx10"), Some(peer(1).1)));
    assert_eq!(named(decap, "vni"), Some("10"));
    assert_eq!(named(decap, "tagged"), Some("no"));
    assert_eq!(named(decap, "inner_source_mac"), None, "it did not decide");
    let vnis = caches.entries.iter().map(|entry| named(entry, "vni"));
    assert!(vnis.clone().any(|vni| vni == Some("11")));
    assert!(caches.entries.iter().all(|entry| entry.port == "uplink"));

    let of_a = self::caches(&mut switch.rig, of_port("a")).entries;
    assert_eq!(of_a.len(), 1);
    assert_eq!((&of_a[0].actions[..], of_a[0].packets), (&[bridge][..], 3));
    switch.close();
}

#[test]
fn what_is_shown_of_a_worker_agrees_with_its_counters() {
    let mut switch = tunnelled();
    let caches = caches(&mut switch.rig, Entries::All);
    let stats = switch.rig.stats().workers[0].cache;
    let [cache] = &caches.workers[..] else {
        panic!("{caches:?}");
    };
    assert_eq!((cache.counters, cache.limit), (stats, 64));
    assert_eq!(caches.entries.len() as u64, stats.entries);
    let packets: u64 = caches.entries.iter().map(|entry| entry.packets).sum();
    assert_eq!(packets + cache.gone, stats.hits + stats.inserted);
    let sum = |count: fn(&control::api::messages::CacheMask) -> u64| {
        cache.masks.iter().map(count).sum::<u64>()
    };
    let in_use = cache.masks.iter().filter(|mask| mask.entries > 0);
    assert_eq!(in_use.count() as u64, stats.masks);
    assert_eq!(sum(|mask| mask.entries), stats.entries);
    assert_eq!(sum(|mask| mask.hits) + cache.other_hits, stats.hits);
    assert!(cache.masks.iter().all(|mask| mask.fields[0] == "port"));
    let mut sorted = caches.entries.clone();
    sorted.sort_by_key(|entry| std::cmp::Reverse(entry.packets));
    assert_eq!(sorted, caches.entries, "those of most packets first");
    switch.close();
}

/// A sender who becomes a remote changes what is decided about packets of the underlay.
#[test]
fn an_entry_of_an_older_state_is_stale_and_makes_way() {
    let config = small(&vxlan("accept = \"any\""));
    let mut switch = Switch::new(&config);
    switch.pass("a", &from_to(1, 2));
    switch.pass("uplink", &from_peer(9, &from_to(3, 1)));
    let mut current = |port| {
        let entries = caches(&mut switch.rig, of_port(port)).entries.into_iter();
        let current = entries.map(|entry| (entry.current, entry.packets));
        current.collect::<Vec<_>>()
    };
    assert_eq!(
        (current("uplink"), current("a")),
        (vec![(false, 1)], vec![(true, 1)])
    );
    switch.pass("uplink", &from_peer(9, &from_to(3, 1)));
    let after = caches(&mut switch.rig, of_port("uplink"));
    let entry = decap(&after);
    assert_eq!(
        (entry.current, entry.packets, after.entries.len()),
        (true, 1, 1)
    );
    switch.close();
}

#[test]
fn one_entry_is_shown_by_its_number() {
    let mut switch = tunnelled();
    let all = caches(&mut switch.rig, Entries::All);
    for entry in &all.entries {
        let one = caches(&mut switch.rig, Entries::Entry(entry.entry));
        assert_eq!(one.entries, std::slice::from_ref(entry));
    }
    let nowhere = EntryNumber {
        worker: 0,
        place: 63,
    };
    let none = caches(&mut switch.rig, Entries::Entry(nowhere));
    assert_eq!(none.entries, []);
    switch.close();
}

/// Of a tunnel on a VLAN, and of tagged frames for another station.
#[test]
fn an_entry_of_tagged_packets_names_their_vlan_if_it_decided() {
    let tagged_address = "{ address = \"192.0.2.2/24\", vlan = 7 }";
    let config = vxlan("remotes = [\"192.0.2.1\"]").replace("\"192.0.2.2/24\"", tagged_address);
    let mut switch = Switch::cold(Wanted::parse(&small(&config), "test").unwrap(), 1);
    let on_vlan = |frame: &[u8]| tagged(frame, EtherType::VLAN, Tag::from_bits(7));
    switch.pass("uplink", &on_vlan(&from_peer(1, &from_to(3, 1))));
    let mut other = from_to(1, 2);
    other[..6].copy_from_slice(&peer(9).0.bytes());
    switch.pass("uplink", &on_vlan(&other));
    let shown = caches(&mut switch.rig, of_port("uplink"));
    let entry = decap(&shown);
    let behind = (entry.vlan, entry.tunnel.as_deref());
    assert_eq!(behind, (Some(7), Some("vx10")));
    let vlans = shown.entries.iter().map(|entry| entry.vlan);
    assert_eq!(vlans.filter(Option::is_none).count(), 1);
    switch.close();
}

#[test]
fn what_there_is_not_is_refused() {
    let mut switch = Switch::new(&small(LAN));
    let mut refused = |entries| switch.rig.refusal(Method::CacheShow(entries)).unwrap();
    assert!(refused(of_port("lan")).starts_with("port: there is no port lan"));
    let entry = "1:0".parse().unwrap();
    let why = "entry: there is no worker 1, but 1, from 0";
    assert_eq!(refused(Entries::Entry(entry)), why);
    switch.close();
}

#[test]
fn after_a_flush_the_next_packet_is_decided_anew_at_every_worker() {
    let mut switch = Switch::cold(Wanted::parse(&small(LAN), "test").unwrap(), 3);
    for port in ["a", "b", "c"] {
        for _ in 0..2 {
            switch.pass(port, &broadcast(port.as_bytes()[0]));
        }
    }
    let shown = caches(&mut switch.rig, Entries::All);
    let workers = shown.workers.iter().map(|cache| cache.worker);
    assert_eq!(workers.collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(shown.entries.len(), 3);
    for entry in &shown.entries {
        let one = caches(&mut switch.rig, Entries::Entry(entry.entry));
        let workers = one.workers.iter().map(|cache| cache.worker);
        assert!(workers.eq([entry.entry.worker]), "no other is asked");
        assert_eq!(one.entries, std::slice::from_ref(entry));
    }
    let Some(Reply::Flushed(Flushed { entries })) = switch.rig.change(Method::CacheFlush) else {
        panic!("no answer");
    };
    assert_eq!(entries, 3);
    let counters = |switch: &mut Switch| switch.rig.stats().workers.into_iter().map(|w| w.cache);
    assert!(counters(&mut switch).all(|cache| (cache.flushed, cache.entries) == (1, 0)));
    for cache in caches(&mut switch.rig, Entries::All).workers {
        let [mask] = &cache.masks[..] else {
            panic!("{cache:?}")
        };
        let hits = cache.counters.hits;
        assert_eq!((mask.entries, mask.hits, hits > 0), (0, hits, true));
    }
    let misses = |switch: &mut Switch| counters(switch).map(|cache| cache.misses).sum::<u64>();
    let before = misses(&mut switch);
    switch.pass("a", &broadcast(1));
    assert_eq!(misses(&mut switch), before + 1);
    switch.close();
}

/// Nobody polls, so the first one waits.
#[test]
fn clients_are_served_in_turn_and_too_many_are_refused() {
    let mut switch = Switch::new(&small(LAN));
    let mut answers = Vec::new();
    for _ in 0..18 {
        let show = Method::CacheShow(Entries::All);
        answers.push(switch.rig.ask_later(show).unwrap());
        switch.rig.step();
    }
    let refused = answers[17].try_recv().unwrap().unwrap_err().to_string();
    assert!(refused.contains("too many clients"), "{refused}");
    assert!(answers[..17].iter_mut().all(|a| a.try_recv().is_err()));
    switch.rig.run(60);
    for answer in &mut answers[..17] {
        assert!(matches!(answer.try_recv(), Ok(Ok(Reply::Caches(_)))));
    }
    switch.close();
}

#[test]
fn a_survey_that_is_under_way_ends_with_the_switch() {
    let mut switch = Switch::new(&small(LAN));
    let mut answer = switch.rig.ask_later(Method::CacheFlush).unwrap();
    switch.rig.step();
    switch.rig.poll(0);
    // Not by what asks for counters before.
    switch.rig.close();
    assert!(answer.try_recv().is_err());
}
