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

/// A commit of which operations fail that `troubles` say, each `after` others and so many; then as many as it
/// takes until one succeeds. What is acknowledged survives a power cut, and what is not only if the error
/// says so. False if nothing failed.
fn fails(image: &[u8], troubles: &[(usize, usize)], rng: &mut Rng) -> bool {
    let disk = Disk::of(image.to_vec());
    let mut store = disk.store().unwrap();
    for (after, count) in troubles {
        disk.fail(*after, *count, ErrorKind::Other);
    }
    let (mut last, mut survives) = (7, vec![saved(7)]);
    for _ in 0..30 {
        match store.commit(&state(last), &state(last + 1)) {
            Ok(revision) => {
                last = revision;
                survives = vec![saved(last)];
            }
            Err(error) if error.is_left() => survives = vec![saved(last), saved(last + 1)],
            Err(_) => {}
        }
        for _ in 0..4 {
            let found = disk.power_cut(rng).store().unwrap().load().unwrap();
            assert!(survives.contains(&found), "{troubles:?}, after {last}");
        }
        if last == 9 {
            break;
        }
    }
    assert_eq!(last, 9, "{troubles:?}");
    assert_eq!(store.previous().unwrap(), saved(8));
    assert_eq!(
        disk.in_doubt(),
        0,
        "{troubles:?}: a file in doubt was written"
    );
    disk.mend()
}

/// Linux takes pages for clean that it could not write.
#[test]
fn what_is_acknowledged_after_a_failed_sync_survives_a_power_cut() {
    let disk = Disk::new();
    drop(chain(&disk, 7));
    let (image, mut rng) = (disk.bytes(), Rng(12));
    for count in [1, 2, 3, 5, 8] {
        let failures = (0..)
            .take_while(|after| fails(&image, &[(*after, count)], &mut rng))
            .count();
        assert!(failures > 10, "only {failures} operations");
    }
}

/// The one that is made in its place is cut off too, or fails anywhere.
#[test]
fn a_store_in_doubt_is_made_anew_or_stays_as_it_is() {
    let disk = Disk::new();
    drop(chain(&disk, 7));
    let (image, mut rng) = (disk.bytes(), Rng(13));
    let syncs: Vec<usize> = (0..40).filter(|after| renews(&image, *after)).collect();
    assert!(syncs.len() >= 2, "{syncs:?}");
    for sync in syncs {
        let failures = (0..)
            .take_while(|then| fails(&image, &[(sync, 1), (*then, 1)], &mut rng))
            .count();
        assert!(failures > 10, "only {failures} operations");
    }
}

/// Whether a commit makes a new file if this operation fails.
fn renews(image: &[u8], after: usize) -> bool {
    let disk = Disk::of(image.to_vec());
    let mut store = disk.store().unwrap();
    disk.fail(after, 1, ErrorKind::Other);
    store.commit(&state(7), &state(8)).is_err() && disk.files() > 1
}

/// What cannot be synced when it is opened is read all the same, and stored elsewhere when that can be.
#[test]
fn a_daemon_starts_though_a_sync_fails() {
    let disk = Disk::new();
    let store = chain(&disk, 7);
    let image = disk.bytes();
    drop(store);
    let mut started = 0;
    for after in 0..20 {
        let disk = Disk::of(image.clone());
        disk.fail(after, usize::MAX, ErrorKind::Other);
        let store = disk.store();
        if !disk.mend() {
            break;
        }
        let Ok(mut store) = store else {
            continue;
        };
        started += 1;
        assert_eq!(store.load().unwrap(), saved(7));
        assert_eq!(store.commit(&state(7), &state(8)).unwrap(), 8);
        let found = disk.power_cut(&mut Rng(14)).store().unwrap().load();
        assert_eq!(found.unwrap(), saved(8), "after {after}");
    }
    assert!(started > 0);
}
