//! What becomes of look-ups as the table fills.

use super::{Destination, Fdb, FdbKey, FdbReader, FdbValue, FdbWriter, Kind};
use crate::ids::{BridgeId, PortId};
use crate::wire::Mac;
use std::collections::BTreeSet;

const FULL: usize = 1 << 14;

/// MACs as racks, hypervisors and address plans give them out.
const PLANS: [fn(u64) -> (u64, u64); 6] = [
    |n| (0, n),
    |n| (0, n << 16),
    |n| (0, n << 30),
    |n| (n % 4096, n / 4096),
    |n| (n % 128, (n / 128) << 8),
    |n| (0, ((n % 128) << 40) | (n / 128)),
];

fn key((bridge, mac): (u64, u64)) -> FdbKey {
    let bridge = BridgeId::new(bridge as usize).unwrap();
    FdbKey::new(bridge, Mac::from_u64(0x0200_0000_0000 ^ mac))
}

fn value(number: usize) -> FdbValue {
    FdbValue {
        to: Destination::Port(PortId::new(number % 99).unwrap()),
        kind: Kind::Learned,
    }
}

/// The keys of a plan in a table of a bucket for each. Returns how many are not in their first one.
fn fill(plan: fn(u64) -> (u64, u64), seed: u64) -> (FdbWriter, FdbReader, usize) {
    let (mut fdb, reader) = Fdb::with(FULL, FULL, seed);
    let mut displaced = 0;
    for number in 0..FULL {
        let key = key(plan(number as u64));
        let slot = fdb.insert(key, value(number)).unwrap().slot;
        displaced += usize::from(slot.bucket() != reader.table.first(reader.place(key)));
    }
    (fdb, reader, displaced)
}

/// At the highest load that the sizes allow. By the odds 71 of 16384 are not in their first bucket.
#[test]
fn full_capacity_is_reached_and_nearly_all_keys_are_in_their_first_bucket() {
    assert_eq!(Fdb::new(FULL).0.slots(), 4 * FULL);
    assert_eq!(Fdb::new(FULL + 1).0.slots(), 8 * FULL);
    assert_eq!(Fdb::new(1).0.slots(), 16);
    for plan in PLANS {
        for seed in 0..16 {
            let (fdb, reader, displaced) = fill(plan, seed);
            assert_eq!(fdb.iter().count(), FULL);
            assert!(displaced < 142, "{displaced} under seed {seed}");
            for number in 0..FULL {
                let found = reader.lookup(key(plan(number as u64))).unwrap();
                assert_eq!(found.1, value(number));
            }
        }
    }
}

/// The buckets that send look-ups on are those that must, whatever comes and goes.
#[test]
fn who_is_unknown_costs_one_bucket_again_once_the_displaced_have_gone() {
    let (mut fdb, reader, displaced) = fill(PLANS[0], 1);
    let first = |key| reader.table.first(reader.place(key));
    let marked = || reader.table.elsewhere();
    let all = (0..FULL).map(|number| key(PLANS[0](number as u64)));
    let (near, far): (Vec<_>, Vec<_>) =
        all.partition(|key| fdb.get(*key).unwrap().slot.bucket() == first(*key));
    let must = far.iter().map(|key| first(*key)).collect::<BTreeSet<_>>();
    assert_eq!((far.len(), marked()), (displaced, must.len()));
    for key in near.iter().take(FULL / 2) {
        fdb.insert(*key, value(1)).unwrap();
        fdb.remove(*key).unwrap();
    }
    assert_eq!(marked(), must.len(), "they were where they belong");
    for key in &far {
        assert!(reader.lookup(*key).is_some());
        fdb.remove(*key).unwrap();
    }
    assert_eq!(marked(), 0);
    fdb.insert(far[0], value(2)).unwrap();
    let found = reader.lookup(far[0]).unwrap();
    assert_eq!(
        (found.1, marked()),
        (value(2), 1),
        "in the slot that it left"
    );
}
