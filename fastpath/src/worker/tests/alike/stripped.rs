//! That outer headers are taken off before a packet comes may not be noticed; what may or may not have
//! them goes nowhere.

use super::*;
use crate::offload::hints::PROVING;
use crate::offload::{Expected, Hints, Mark, Width};
use crate::snapshot::EndPoint;
use crate::testing::vtep;
use crate::wire::vxlan;
use std::collections::BTreeMap;

/// Bytes of the outer headers.
const OUTER: usize = 50;
/// Whose packets come without them: hosts and VNIs, of which one has no tunnel and one no record.
const FROM: [(u8, u8); 5] = [(1, 10), (9, 10), (1, 20), (7, 20), (1, 30)];

fn mark(slot: usize) -> Mark {
    Mark::first(Width::Bits16, slot + 1).unwrap()
}

fn hints(proved: bool) -> Arc<Hints> {
    let mut hints = Hints::new(Width::Bits16);
    for (slot, (host, vni)) in FROM.into_iter().enumerate() {
        let end_point = EndPoint {
            local: vtep(2).1,
            udp_port: vxlan::PORT,
            vni: Vni::from_bytes([0, 0, vni]),
        };
        let expected = Expected::new(mark(slot), end_point, None).stripped(vtep(host).1);
        if proved {
            (0..PROVING).for_each(|_| expected.prove());
        }
        assert!(hints.insert(Arc::new(expected)));
    }
    Arc::new(hints)
}

fn with_hints(mut snapshot: Snapshot, hints: &Arc<Hints>) -> Snapshot {
    snapshot.hints = vec![None; UPLINK];
    snapshot.hints.push(Some(Arc::clone(hints)));
    snapshot
}

/// What one port gets, in place of what another does.
enum Pair {
    /// The same bytes, without a mark.
    Same,
    /// What was sent, and what comes with a mark.
    Bare(Vec<u8>, Vec<u8>, u32),
    /// What is dropped anyway, and these bytes with a mark by which nobody can tell.
    Doubt(Vec<u8>, u32),
}

/// How a frame comes.
fn pair(frame: &Frame, which: u8, other: usize, proved: bool) -> Pair {
    let slot = frame
        .via
        .and_then(|via| FROM.iter().position(|from| *from == via));
    let usual = frame.tag.is_none() && frame.cut.is_none() && !frame.chained;
    let outside = frame.broken.is_some_and(|(at, _)| at < OUTER);
    let (Some(slot), UPLINK, true, false) = (slot, frame.at, usual, outside) else {
        return Pair::Same;
    };
    let whole = frame.bytes();
    let (right, bare) = (mark(slot).get(), whole[OUTER..].to_vec());
    let (host, vni) = FROM[slot];
    let again = |host, vni, bare: Vec<u8>, mark: Mark| {
        Pair::Bare(tunnelled(host, vni, &bare), bare, mark.get())
    };
    match which {
        0..8 => Pair::Bare(whole, bare, right),
        // Nobody can see that the mark is another's.
        8 => again(FROM[other].0, FROM[other].1, bare, mark(other)),
        9 => again(host, vni, bare[..other * 3].to_vec(), mark(slot)),
        // What is inside is a packet of the underlay, as it may come from others.
        10 => again(host, vni, tunnelled(host ^ 8, 10, &bare), mark(slot)),
        11 => Pair::Doubt(bare, mark(slot).renewed(Width::Bits16).get()),
        12 => Pair::Doubt(whole, mark(40 + other).get()),
        13 => Pair::Doubt(bare, u32::MAX),
        14 if !proved => Pair::Doubt(whole, right),
        _ => Pair::Same,
    }
}

fn numbers(counters: &str) -> BTreeMap<&str, u64> {
    let words = counters.split(", ").filter_map(|word| word.split_once(' '));
    words
        .map(|(name, value)| (name, value.parse().unwrap()))
        .collect()
}

/// But for what is said of the NIC itself.
fn seen_of_packets(site: &mut Site) -> Seen {
    let (sent, mut events) = seen(site, 0);
    events.retain(|event| !matches!(event, Event::Lied { .. }));
    (sent, events)
}

proptest! {
    #[test]
    fn stripped_and_not_forward_alike(
        entries in prop::sample::select(vec![0, 3, 64]),
        steps in prop::collection::vec(step(), 1..100),
        ways in prop::collection::vec((0..20u8, 0..FROM.len()), 100),
        // Proved rules are believed unseen.
        proved in any::<bool>(),
    ) {
        let hints = hints(proved);
        let plain = Site::with_all(entries, switch());
        let mut sites = [plain, Site::with_all(entries, with_hints(switch(), &hints))];
        let mut ways = ways.iter().cycle();
        let mut doubts = 0;
        for (step, generation) in steps.iter().zip(2..) {
            match step {
                Step::Frames(frames) => for frame in frames {
                    let (which, other) = *ways.next().unwrap();
                    let put = |site: &Site, bytes: &[u8], mark| {
                        let packet = site.pool.alloc(bytes).unwrap().with_mark(mark);
                        assert!(site.rx[frame.at].push(packet).is_ok());
                    };
                    match pair(frame, which, other, proved) {
                        Pair::Same => sites.iter().for_each(|site| frame.arrive(site)),
                        Pair::Bare(whole, bare, mark) => {
                            put(&sites[0], &whole, None);
                            put(&sites[1], &bare, Some(mark));
                        }
                        Pair::Doubt(bytes, mark) => {
                            doubts += 1;
                            put(&sites[0], &[], None);
                            put(&sites[1], &bytes, Some(mark));
                        }
                    }
                },
                Step::Publish(wanted) => {
                    let changed = || changed(*wanted, generation);
                    sites[0].publisher.publish(changed());
                    sites[1].publisher.publish(with_hints(changed(), &hints));
                }
                other => sites.iter_mut().for_each(|site| carry_out(site, other, generation)),
            }
            let seen = sites.each_mut().map(seen_of_packets);
            prop_assert_eq!(&seen[0], &seen[1], "{:?}", step);
        }
        let counters = sites.map(counters);
        let [mut plain, stripped] = counters.each_ref().map(|(moved, carried)| {
            [numbers(moved), numbers(carried)]
        });
        let runts = plain[0].entry("2.dropped.frame_runt").or_default();
        *runts -= doubts;
        plain[0].insert("2.dropped.headers_in_doubt", doubts);
        plain[0].retain(|_, count| *count > 0);
        prop_assert_eq!(plain, stripped);
    }
}
