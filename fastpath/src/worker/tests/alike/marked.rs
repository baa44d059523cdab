//! What a NIC says of packets may not be noticed, be it true or not.

use super::*;
use crate::offload::{Expected, Hints, Mark, Width};
use crate::snapshot::EndPoint;
use crate::testing::vtep;
use crate::wire::vxlan;

/// Slot 1 is for the first tunnel and slot 2 for the second; slot 3 for one that is not there.
fn hints() -> Arc<Hints> {
    let mut hints = Hints::new(Width::Bits16);
    for (slot, vni) in [(1, 10), (2, 20), (3, 30)] {
        let end_point = EndPoint {
            local: vtep(2).1,
            udp_port: vxlan::PORT,
            vni: Vni::new(vni).unwrap(),
        };
        let mark = Mark::first(Width::Bits16, slot).unwrap();
        assert!(hints.insert(Arc::new(Expected::new(mark, end_point, None))));
    }
    Arc::new(hints)
}

/// Right for the frame; or that of another tunnel, of a rule that is gone, out of bounds, none.
fn said(frame: &Frame, which: u8) -> Option<u32> {
    let mark = |slot| Mark::first(Width::Bits16, slot).unwrap();
    let right = frame.via.map(|(_, vni)| mark(usize::from(vni) / 10));
    match which {
        0..8 => right.map(Mark::get),
        8 => Some(mark(1).get()),
        9 => Some(mark(2).get()),
        10 => Some(mark(1).renewed(Width::Bits16).get()),
        11 => Some(mark(9).get()),
        12 => Some(u32::MAX),
        _ => None,
    }
}

fn with_hints(mut snapshot: Snapshot, hints: &Arc<Hints>) -> Snapshot {
    snapshot.hints = vec![Some(Arc::clone(hints)); snapshot.ports.len()];
    snapshot
}

/// But for what is said of the NIC itself.
fn seen_of_packets(site: &mut Site) -> Seen {
    let (sent, mut events) = seen(site, 0);
    events.retain(|event| !matches!(event, Event::Lied { .. }));
    (sent, events)
}

proptest! {
    #[test]
    fn marked_and_not_forward_alike(
        entries in prop::sample::select(vec![0, 3, 64]),
        steps in prop::collection::vec(step(), 1..100),
        marks in prop::collection::vec(0..16u8, 100),
        // Proved rules are believed unseen.
        proved in any::<bool>(),
    ) {
        let hints = hints();
        if proved {
            for expected in hints.expected() {
                (0..crate::offload::hints::PROVING).for_each(|_| expected.prove());
            }
        }
        let plain = Site::with_all(entries, switch());
        let mut sites = [plain, Site::with_all(entries, with_hints(switch(), &hints))];
        let mut marks = marks.iter().cycle();
        for (step, generation) in steps.iter().zip(2..) {
            match step {
                Step::Frames(frames) => for frame in frames {
                    frame.arrive(&sites[0]);
                    let mark = said(frame, *marks.next().unwrap());
                    let packet = frame.packet(&sites[1].pool).with_mark(mark);
                    prop_assert!(sites[1].rx[frame.at].push(packet).is_ok());
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
        prop_assert_eq!(&counters[0], &counters[1]);
    }
}
