//! The power goes at every point of a commit, and the store has wholly the old or wholly the new.

use super::disk::{Disk, Rng};
use super::*;
use std::io::ErrorKind;

/// Opens a store with `before`, commits `after` and closes it, while the power goes after so many
/// operations. False if there were not so many.
fn cut(image: &[u8], at: usize, before: &Saved, after: &Wanted, rng: &mut Rng) -> bool {
    let disk = Disk::of(image.to_vec());
    disk.fail(at, usize::MAX, ErrorKind::Other);
    let revision = disk
        .store()
        .and_then(|mut store| store.commit(&before.wanted, after));
    let acknowledged = revision.is_ok();
    if let Ok(revision) = revision {
        assert_eq!(revision, before.revision + 1);
    }
    let now = disk.power_cut(rng);
    let whole = disk.mend();
    let (old, new) = (
        before,
        Saved {
            wanted: after.clone(),
            revision: before.revision + 1,
        },
    );
    let mut store = now
        .store()
        .unwrap_or_else(|error| panic!("cut at {at}: {error}"));
    let found = store
        .load()
        .unwrap_or_else(|error| panic!("cut at {at}: {error}"))
        .unwrap();
    assert!(
        found == new || !acknowledged && found == *old,
        "cut at {at}: revision {}",
        found.revision
    );
    let revision = found.revision;
    assert_eq!(
        store.commit(&found.wanted, &before.wanted).unwrap(),
        revision + 1,
        "cut at {at}"
    );
    assert_eq!(store.previous().unwrap(), Some(found), "cut at {at}");
    whole
}

/// Cuts at every operation, a few times each.
fn cut_everywhere(
    image: &[u8],
    before: &Saved,
    after: &Wanted,
    each: usize,
    rng: &mut Rng,
) -> usize {
    let cuts =
        |at: &usize| (0..each).fold(true, |some, _| cut(image, *at, before, after, rng) && some);
    (0..).take_while(cuts).count()
}

#[test]
fn a_power_cut_leaves_the_old_or_the_new() {
    let disk = Disk::new();
    drop(chain(&disk, 7));
    let (mut rng, before) = (Rng(1), saved(7).unwrap());
    let cuts = cut_everywhere(&disk.bytes(), &before, &state(8), 12, &mut rng);
    assert!(cuts > 10, "only {cuts} operations");
}

/// The file of a daemon that was killed: it has to be mended first, and that is cut off too.
#[test]
fn a_power_cut_while_an_unclean_store_is_opened() {
    let disk = Disk::new();
    let store = chain(&disk, 7);
    let (mut rng, before, image) = (Rng(2), saved(7).unwrap(), disk.bytes());
    drop(store);
    let cuts = cut_everywhere(&image, &before, &state(8), 8, &mut rng);
    assert!(cuts > 10, "only {cuts} operations");
}

#[test]
fn a_power_cut_during_a_big_commit() {
    let macs =
        |from: u64| entries((from..from + 3_000).map(|mac| (mac * 977 % 1_000_003, mac % 2 == 0)));
    let (disk, first) = (Disk::new(), macs(1));
    let mut store = disk.store().unwrap();
    store.commit(&Wanted::default(), &first).unwrap();
    drop(store);
    let before = Saved {
        wanted: first,
        revision: 1,
    };
    let (image, after, mut rng) = (disk.bytes(), macs(1_500), Rng(3));
    let count = (0..)
        .step_by(16)
        .take_while(|at| cut(&image, *at, &before, &after, &mut rng))
        .count();
    assert!(count > 3, "only {count} cuts");
    for _ in 0..20 {
        let at = rng.below(count * 16);
        cut(&image, at, &before, &after, &mut rng);
    }
}
