//! The forwarding table shown in pages, while it changes.

use control::api::messages::{FdbEntry, Method, Reply, Stations};
use control::config::Wanted;
use control::rig::Rig;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const PORTS: &str = r#"
    port = [
        { name = "a", device = "heap0" },
        { name = "b", device = "heap1" },
        { name = "c", device = "heap2" },
    ]
    bridge = [
        { name = "br0", ports = ["a", "b", "c"] },
    ]
"#;

fn frame(station: u32) -> Vec<u8> {
    let [_, x, y, z] = station.to_be_bytes();
    let head = [2, 0, 0, x, y, z, 0x88, 0xb5];
    [&[0xff; 6][..], &head, &[0; 46]].concat()
}

fn rig_ports(rig: &mut Rig) -> Vec<String> {
    match rig.ask(Method::PortShow) {
        Some(Reply::Ports(ports)) => ports.into_iter().map(|port| port.name).collect(),
        other => panic!("{other:?}"),
    }
}

/// Stations of these numbers send by a port.
fn speak(rig: &mut Rig, port: &str, stations: impl IntoIterator<Item = u32>) {
    let stations: Vec<_> = stations.into_iter().collect();
    for some in stations.chunks(512) {
        for station in some {
            assert!(rig.send(port, &frame(*station)));
        }
        rig.run(2);
        for other in rig_ports(rig) {
            rig.received(&other);
        }
    }
}

fn page(rig: &mut Rig, stations: Stations) -> (Vec<FdbEntry>, Option<usize>) {
    match rig.ask(Method::FdbShow(stations)) {
        Some(Reply::Fdb(page)) => (page.entries, page.next),
        other => panic!("{other:?}"),
    }
}

fn number(entry: &FdbEntry) -> u32 {
    let [.., x, y, z] = entry.mac.bytes();
    u32::from_be_bytes([0, x, y, z])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Stations come, move and go between any two pages.
    #[test]
    fn who_is_there_throughout_is_seen_once(
        staying in 1..3_000_u32,
        moves in prop::collection::vec((0..3_000_u32, 0..3_000_u32, any::<bool>()), 0..40),
    ) {
        let mut rig = Rig::new(Wanted::parse(PORTS, "test").unwrap(), 1);
        speak(&mut rig, "a", 0..staying);
        speak(&mut rig, "c", 10_000..11_000);
        let mut seen = BTreeMap::<u32, u32>::new();
        let (mut next, mut moves) = (Some(0), moves.into_iter());
        let mut newcomer = 20_000;
        while let Some(from) = next {
            let (entries, rest) = page(&mut rig, Stations { from, ..Stations::default() });
            prop_assert!(entries.len() <= 512);
            for entry in &entries {
                *seen.entry(number(entry)).or_default() += 1;
            }
            prop_assert!(rest.is_none_or(|rest| rest > from));
            next = rest;
            if let Some((first, last, flush)) = moves.next() {
                speak(&mut rig, "b", first.min(staying)..last.min(staying));
                speak(&mut rig, "b", newcomer..newcomer + 30);
                newcomer += 30;
                rig.set_link("c", !flush);
            }
        }
        for station in 0..staying {
            prop_assert_eq!(seen.get(&station), Some(&1), "station {}", station);
        }
        rig.close();
    }
}

#[test]
fn entries_are_chosen_by_bridge_port_tunnel_and_station() {
    let text = r#"
    port = [
        { name = "a", device = "heap0" },
        { name = "b", device = "heap1" },
        { name = "d", device = "heap2" },
        { name = "up", device = "heap3", addresses = ["192.0.2.2/24"] },
    ]
    bridge = [
        { name = "br0", ports = ["a", "b"] },
        { name = "br1", ports = ["d"] },
    ]
    [[tunnel]]
    name = "vx"
    bridge = "br1"
    vni = 7
    local = "192.0.2.2"
    remotes = ["192.0.2.1"]
    [[fdb]]
    bridge = "br1"
    mac = "02:00:00:00:00:07"
    tunnel = "vx"
    remote = "192.0.2.1"
    "#;
    let mut rig = Rig::new(Wanted::parse(text, "test").unwrap(), 1);
    speak(&mut rig, "a", [1, 7]);
    speak(&mut rig, "b", [2]);
    speak(&mut rig, "d", [3]);
    let mut shown = |stations: Stations| {
        let (mut all, mut next) = (Vec::new(), Some(0));
        while let Some(from) = next {
            let (entries, rest) = page(&mut rig, Stations { from, ..stations });
            all.extend(entries.iter().map(number));
            next = rest;
        }
        all.sort_unstable();
        all
    };
    let name = |text: &str| Some(text.parse().unwrap());
    let all = Stations::default();
    assert_eq!(shown(all), [1, 2, 3, 7, 7]);
    let bridge = name("br1");
    assert_eq!(shown(Stations { bridge, ..all }), [3, 7]);
    let port = name("a");
    assert_eq!(shown(Stations { port, ..all }), [1, 7]);
    let tunnel = name("vx");
    assert_eq!(shown(Stations { tunnel, ..all }), [7]);
    let mac = Some("02:00:00:00:00:07".parse().unwrap());
    assert_eq!(shown(Stations { mac, ..all }), [7, 7]);
    assert_eq!(shown(Stations { mac, port, ..all }), [7]);
    assert_eq!(
        shown(Stations {
            bridge,
            port,
            ..all
        }),
        [0; 0]
    );
    for wrong in [
        Stations {
            bridge: name("br2"),
            ..all
        },
        Stations {
            port: name("br0"),
            ..all
        },
        Stations {
            tunnel: name("a"),
            ..all
        },
    ] {
        let why = rig.refusal(Method::FdbShow(wrong)).unwrap();
        let (field, rest) = why.split_once(": ").unwrap();
        assert!(rest.starts_with(&format!("there is no {field} ")), "{why}");
    }
    rig.close();
}

/// Prints how long state is held up by a page, and would be by all of them.
#[test]
#[ignore = "measures"]
fn how_long_a_page_takes() {
    let text = format!("{PORTS}\n[switch]\nfdb_entries = 131072\n");
    let wanted = Wanted::parse(&text, "test");
    let mut rig = Rig::new(wanted.unwrap(), 1);
    speak(&mut rig, "a", 0..100_000);
    let (mut next, mut longest, mut sum) = (Some(0), Duration::ZERO, Duration::ZERO);
    let (mut pages, mut entries) = (0, 0);
    while let Some(from) = next {
        let begin = Instant::now();
        let (some, rest) = page(
            &mut rig,
            Stations {
                from,
                ..Stations::default()
            },
        );
        let took = begin.elapsed();
        (longest, sum) = (longest.max(took), sum + took);
        (pages, entries, next) = (pages + 1, entries + some.len(), rest);
    }
    println!("{entries} entries, {pages} pages: {sum:?} in all, {longest:?} the longest");
    rig.close();
}
