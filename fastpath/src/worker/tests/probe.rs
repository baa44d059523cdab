//! What a worker tells of a packet that is not there.

use super::survey::{forwarding, open, strangers, survey};
use super::*;
use crate::cache::Task;
use crate::parse::parse;
use crate::probe::Probe;
use crate::testing::udp_ports;

/// What would decide a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// An entry: its number, whether a memo remembers it, and its packets if it is not gone.
    Hit {
        place: u32,
        remembered: bool,
        packets: Option<u64>,
    },
    /// None: the one of this number is stale.
    Stale { place: u32 },
    /// None at all.
    Miss,
}

pub(super) fn ask(site: &mut Site, number: usize, frame: &[u8]) -> Told {
    let key = parse(port(number), frame, frame.len(), &udp_ports()).key;
    let probe = Probe::new(port(number), key, frame);
    let (survey, rounds) = survey(site, Task::Find(probe));
    assert_eq!(rounds, 1);
    let (finding, record) = (survey.finding(), survey.records().first());
    assert_eq!(survey.found(), usize::from(record.is_some()));
    match (finding.entry, record) {
        (Some(place), record) => {
            assert!(record.is_none_or(|record| record.place == place));
            Told::Hit {
                place,
                remembered: finding.remembered,
                packets: record.map(|record| record.packets),
            }
        }
        (None, Some(record)) => Told::Stale {
            place: record.place,
        },
        (None, None) => Told::Miss,
    }
}

fn hit(place: u32, remembered: bool, packets: u64) -> Told {
    Told::Hit {
        place,
        remembered,
        packets: Some(packets),
    }
}

/// Of A the port alone decides. Memos of others are of packets without a checksum.
#[test]
fn it_is_told_which_entry_decides_and_how_many_packets_it_has_decided() {
    let mut site = forwarding(16, 5);
    let frame = tunnelled(1, 10, &inner(1, 2, 0));
    let mut checked = frame.clone();
    checked[40..42].copy_from_slice(&[0x12, 0x34]);
    for _ in 0..2 {
        assert_eq!(ask(&mut site, A, &inner(7, 8, 9)), hit(2, true, 20));
        assert_eq!(
            ask(&mut site, A, &[0; 13]),
            Told::Miss,
            "no Ethernet header"
        );
        assert_eq!(ask(&mut site, UPLINK, &frame), hit(0, true, 10));
        let other = tunnelled(9, 10, &inner(1, 2, 0));
        assert_eq!(ask(&mut site, UPLINK, &other), hit(1, true, 10));
        assert_eq!(ask(&mut site, UPLINK, &checked), hit(0, false, 10));
        let unknown = tunnelled(1, 20, &inner(1, 2, 0));
        assert_eq!(ask(&mut site, UPLINK, &unknown), Told::Miss);
    }
    site.arrive(UPLINK, &frame);
    site.poll(0, 0);
    assert_eq!(ask(&mut site, UPLINK, &frame), hit(0, true, 11));
    let counters = moved(&site.stop()[0]);
    let expected = "hits 38, misses 3, inserted 3";
    assert!(counters.ends_with(expected), "{counters}");
}

#[test]
fn a_worker_tells_what_it_would_do_by_the_snapshot_that_it_has_now() {
    let mut site = forwarding(16, 5);
    let frame = tunnelled(1, 10, &inner(1, 2, 0));
    site.publisher.publish(switch());
    assert_eq!(ask(&mut site, UPLINK, &frame), hit(0, false, 10));
    let mut snapshot = switch();
    edit_port(&mut snapshot, UPLINK, |port| port.generation += 1);
    site.publisher.publish(snapshot);
    assert_eq!(ask(&mut site, UPLINK, &frame), Told::Stale { place: 0 });
    site.arrive(UPLINK, &frame);
    site.poll(0, 0);
    assert_eq!(
        ask(&mut site, UPLINK, &frame),
        hit(0, true, 11),
        "it holds on"
    );
    survey(&mut site, Task::Flush);
    assert_eq!(ask(&mut site, UPLINK, &frame), Told::Miss);
    site.stop();
}

/// A full cache gives up what a memo remembers if there is nothing else: it is recalled all the same.
#[test]
fn an_entry_that_is_gone_decides_as_long_as_it_is_remembered() {
    let mut site = open(1);
    site.arrive(A, &inner(1, 2, 0));
    site.poll(0, 0);
    strangers(&mut site, 1);
    let gone = Told::Hit {
        place: 0,
        remembered: true,
        packets: None,
    };
    assert_eq!(ask(&mut site, A, &inner(1, 2, 0)), gone);
    site.arrive(A, &inner(1, 2, 0));
    site.poll(0, 0);
    let counters = moved(&site.stop()[0]);
    assert!(counters.contains("hits 2, misses 2"), "{counters}");
}

#[test]
fn where_every_packet_is_parsed_no_memo_is_asked() {
    let mut snapshot = switch();
    edit_port(&mut snapshot, A, |port| {
        port.rx_checksum = RxChecksum::Recompute;
    });
    let mut site = Site::with_all(16, snapshot);
    assert_eq!(ask(&mut site, A, &inner(1, 2, 0)), Told::Miss);
    for _ in 0..2 {
        site.arrive(A, &inner(1, 2, 0));
        site.poll(0, 0);
    }
    assert_eq!(ask(&mut site, A, &inner(1, 2, 0)), hit(0, false, 2));
    site.stop();
}

#[test]
fn a_cache_that_is_turned_off_has_nothing() {
    let mut site = forwarding(0, 2);
    assert_eq!(ask(&mut site, A, &inner(1, 2, 0)), Told::Miss);
    site.stop();
}
