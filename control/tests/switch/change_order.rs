//! What is wanted is said again and again, with differences and without, under traffic.

use crate::change::with;
use crate::common::{Switch, from_peer, from_to, station, vxlan};
use control::change::Done;
use control::config::Wanted;

const D: &str = "[[port]]\nname = \"d\"\ndevice = \"heap3\"\n";

/// Frames in order, in each of two flows, while what is wanted is said again and again.
#[test]
fn unchanged_paths_lose_and_reorder_nothing() {
    for workers in [1, 2] {
        let config = vxlan("remotes = [\"192.0.2.1\"]");
        let mut switch = Switch::cold(Wanted::parse(&config, "test").unwrap(), workers);
        switch.answer_all();
        switch.probe_all();
        switch.pass("b", &from_to(2, 1));
        switch.pass("uplink", &from_peer(1, &from_to(7, 2)));
        switch.settle();
        let variants: Vec<_> = (0..4).map(|n| variant(&config, n)).collect();
        let (mut sent, mut seen) = (0_u32, [0_u32; 2]);
        for round in 0..1_200_usize {
            let next = match round % 6 {
                5 => &variants[round / 6 % 4],
                _ => &config,
            };
            let answer = switch.rig.apply_later(Wanted::parse(next, "test").unwrap());
            while answer.is_empty() {
                sent += 1;
                assert!(switch.rig.send("a", &numbered(&from_to(1, 7), sent)));
                assert!(
                    switch
                        .rig
                        .send("uplink", &from_peer(1, &numbered(&from_to(7, 2), sent)))
                );
                switch.rig.run(1);
                for (port, frame) in switch.out() {
                    let (flow, inner, to) = match port.as_str() {
                        "uplink" => (0, frame.get(50..).unwrap_or_default(), station(7)),
                        "b" => (1, &frame[..], station(2)),
                        _ => continue,
                    };
                    if !inner.starts_with(&to.0.bytes()) {
                        continue;
                    }
                    seen[flow] += 1;
                    assert_eq!(number_of(inner), seen[flow], "flow {flow}, round {round}");
                }
            }
            assert_eq!(answer.recv().unwrap(), Ok(Done::default()), "{next}");
        }
        assert_eq!(seen, [sent; 2]);
        assert!(sent >= 1_200);
        switch.settle();
        switch.close();
    }
}

/// The same with something else beside.
fn variant(config: &str, number: usize) -> String {
    match number {
        0 => format!("{config}[[bridge]]\nname = \"br0\"\n"),
        1 => with(config, r#"["192.0.2.1"]"#, r#"["192.0.2.1", "192.0.2.9"]"#),
        2 => format!("{D}{config}"),
        _ => format!(
            "{config}[[fdb]]\nbridge = \"br10\"\nmac = \"02:00:00:00:02:aa\"\nport = \"b\"\n"
        ),
    }
}

/// The frame with a number in its last bytes.
fn numbered(frame: &[u8], number: u32) -> Vec<u8> {
    [&frame[..frame.len() - 4], &number.to_be_bytes()].concat()
}

fn number_of(frame: &[u8]) -> u32 {
    let at = frame.len() - 4;
    u32::from_be_bytes(frame[at..].try_into().unwrap())
}
