//! That somebody looks may not be noticed, and what is seen is so.

use super::straight::{burst, long_way, other};
use super::*;
use crate::action::Verdict;
use crate::testing::Rig;
use crate::trace::note::Side;
use crate::trace::tap::{Limits, TapReader, tap};
use crate::trace::wish::{PortSet, Wish};

/// What was copied: of received packets the verdict, of sent ones the port.
#[derive(Default)]
struct Copies {
    received: Vec<(Vec<u8>, Option<Verdict>)>,
    sent: Vec<Vec<Vec<u8>>>,
}

fn copies(reader: &mut TapReader, ports: usize) -> Copies {
    let mut copies = Copies {
        sent: vec![Vec::new(); ports],
        ..Copies::default()
    };
    let mut bytes = Vec::new();
    while let Some(note) = reader.read(&mut bytes) {
        match note.moment.side {
            Side::Received => copies.received.push((bytes.clone(), note.moment.verdict)),
            Side::Sent => copies.sent[note.moment.port.index()].push(bytes.clone()),
        }
    }
    copies
}

proptest! {
    /// The verdicts are those of the long way, packet by packet, in the order in which they came.
    #[test]
    fn watched_and_not_forward_alike(
        differs in prop::array::uniform6(prop::bool::weighted(0.3)),
        steps in prop::collection::vec((burst(), (0..2usize, station(), 0..6usize)), 1..20),
    ) {
        let mut sites = [0, 1].map(|_| Site::with_all(64, other(differs)));
        let mut rig = Rig::new();
        (rig.snapshot, rig.pool) = (other(differs), HeapPool::new(512));
        let (tap, mut reader) = tap(Wish::everything(PortSet::ALL), Limits::default());
        prop_assert!(sites[1].commands[0].push(Command::Watch(Box::new(tap))).is_ok());
        for (frames, (number, station, to)) in steps {
            let entry = learned(number, mac(station), destination(to));
            sites.iter_mut().for_each(|site| site.learn(entry));
            rig.know(entry);
            let mut ends = Vec::new();
            for frame in &frames {
                sites.iter().for_each(|site| frame.arrive(site));
                ends.push((frame.bytes(), Some(long_way(&mut rig, frame).0)));
            }
            let [plain, watched] = sites.each_mut().map(|site| seen(site, 0));
            let copies = copies(&mut reader, plain.0.len());
            let sent: Vec<Vec<_>> = plain.0.iter().map(|port| {
                port.iter().map(|(_, bytes)| bytes.clone()).collect()
            }).collect();
            prop_assert_eq!(plain, watched, "{:?}", frames);
            prop_assert_eq!(copies.received, ends, "{:?}", frames);
            prop_assert_eq!(copies.sent, sent, "{:?}", frames);
        }
        let [plain, watched] = sites.map(counters);
        prop_assert_eq!(plain, watched);
    }
}
