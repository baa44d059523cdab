//! That somebody asks what would decide a packet may not be noticed, and what is told is so.

use super::*;
use crate::cache::{Task, Which};
use crate::trace::note::{Decided, Side};
use crate::trace::tap::{Limits, TapReader, tap};
use crate::trace::wish::{PortSet, Wish};
use crate::worker::tests::probe::{Told, ask};
use crate::worker::tests::survey::survey;

/// By what the one packet was decided that came in.
fn decided(reader: &mut TapReader) -> Decided {
    let mut bytes = Vec::new();
    let notes = std::iter::from_fn(|| reader.read(&mut bytes));
    let mut received = notes.filter(|note| note.moment.side == Side::Received);
    received.next().unwrap().moment.decided.unwrap()
}

/// What was told is so; `then` is what is told afterwards.
fn assert_so(told: Told, decided: Decided, then: Told) {
    let Told::Hit { place, packets, .. } = told else {
        let resolved = !matches!(decided, Decided::Entry(_));
        return assert!(resolved, "{told:?}: {decided:?}");
    };
    assert_eq!(decided, Decided::Entry(place));
    let Told::Hit { remembered, .. } = then else {
        panic!("{told:?}, then {then:?}");
    };
    let packets = packets.map(|packets| packets + 1);
    let expected = Told::Hit {
        place,
        remembered,
        packets,
    };
    assert_eq!(then, expected);
}

/// The copies of all entries, and what the cache is as a whole.
fn kept(site: &mut Site) -> String {
    let (survey, _) = survey(site, Task::Show(Which::All));
    format!("{:?} {:?}", survey.records(), survey.totals())
}

proptest! {
    #[test]
    fn asked_and_not_decide_alike(
        entries in prop::sample::select(vec![0, 1, 3, 64]),
        recompute in any::<bool>(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut sites = [0, 1].map(|_| {
            let mut snapshot = switch();
            if recompute {
                edit_port(&mut snapshot, UPLINK, |port| port.rx_checksum = RxChecksum::Recompute);
            }
            Site::with_all(entries, snapshot)
        });
        let (tap, mut reader) = tap(Wish::everything(PortSet::ALL), Limits::default());
        prop_assert!(sites[1].commands[0].push(Command::Watch(Box::new(tap))).is_ok());
        for (step, generation) in steps.iter().zip(2..) {
            let Step::Frames(frames) = step else {
                sites.iter_mut().for_each(|site| carry_out(site, step, generation));
                continue;
            };
            for frame in frames {
                let told = ask(&mut sites[1], frame.at, &frame.bytes());
                let seen = sites.each_mut().map(|site| {
                    frame.arrive(site);
                    seen(site, 0)
                });
                prop_assert_eq!(&seen[0], &seen[1], "{:?}", frame);
                let then = ask(&mut sites[1], frame.at, &frame.bytes());
                assert_so(told, decided(&mut reader), then);
            }
        }
        let [plain, asked] = sites.each_mut().map(kept);
        prop_assert_eq!(plain, asked);
        let [plain, asked] = sites.map(|site| moved(&site.stop()[0]));
        prop_assert_eq!(plain, asked);
    }
}
