//! A disk that is full, fails once, or must not be written to.

use super::disk::Disk;
use super::*;
use crate::keeper::{Begun, with_store};
use std::io::ErrorKind;

/// Commits while operations fail after `after`, then again when all is well. False if none failed.
/// Counts into `lefts` if what was refused would be there after a crash.
fn refused(
    image: &[u8],
    after: usize,
    (count, kind): (usize, ErrorKind),
    lefts: &mut usize,
) -> bool {
    let disk = Disk::of(image.to_vec());
    let mut store = disk.store().unwrap();
    disk.fail(after, count, kind);
    let result = store.commit(&state(7), &state(8));
    let crashed = Disk::of(disk.bytes()).store().unwrap().load().unwrap();
    let failed = disk.mend();
    let last = match result {
        Ok(revision) => revision,
        Err(error) => {
            let full = matches!(error.problem(), Problem::Full);
            assert!(full || kind != ErrorKind::StorageFull, "{error}");
            // One trouble that is over was mended at once, even if the process dies now.
            assert!(count > 1 || !error.is_left(), "after {after}");
            let left = error.is_left() && crashed == saved(8);
            assert!(left || crashed == saved(7), "after {after}: {error}");
            *lefts += usize::from(left);
            7
        }
    };
    assert_eq!(store.load().unwrap(), saved(last), "after {after}");
    assert_eq!(store.previous().unwrap(), saved(last - 1), "after {after}");
    let next = last + 1;
    assert_eq!(
        store.commit(&state(last), &state(next)).unwrap(),
        next,
        "after {after}"
    );
    drop(store);
    let mut store = disk.store().unwrap();
    assert_eq!(store.load().unwrap(), saved(next), "after {after}");
    assert_eq!(store.previous().unwrap(), saved(last), "after {after}");
    failed
}

#[test]
fn a_commit_that_fails_changes_nothing_and_the_next_one_works() {
    let disk = Disk::new();
    drop(chain(&disk, 7));
    let image = disk.bytes();
    for trouble in [(usize::MAX, ErrorKind::StorageFull), (1, ErrorKind::Other)] {
        let mut lefts = 0;
        let failures = (0..)
            .take_while(|after| refused(&image, *after, trouble, &mut lefts))
            .count();
        assert!(failures > 5, "only {failures} operations");
        assert_eq!(lefts > 0, trouble.0 > 1, "{lefts} were left");
    }
}

#[test]
fn a_store_on_a_full_disk_is_read_and_written_when_there_is_room() {
    let disk = Disk::new();
    drop(chain(&disk, 7));
    disk.fail(0, usize::MAX, ErrorKind::StorageFull);
    let mut store = disk.store().unwrap();
    for _ in 0..2 {
        assert_eq!(store.load().unwrap(), saved(7));
        let error = store.commit(&state(7), &state(8)).unwrap_err();
        assert!(matches!(error.problem(), Problem::Full), "{error}");
    }
    disk.mend();
    assert_eq!(store.commit(&state(7), &state(8)).unwrap(), 8);
    assert_eq!(store.load().unwrap(), saved(8));
    drop(store);
    assert_eq!(disk.store().unwrap().load().unwrap(), saved(8));
}

#[test]
fn what_the_system_says_is_told_with_what_to_do() {
    let told = |kind: ErrorKind| {
        let disk = Disk::new();
        let mut store = disk.store().unwrap();
        disk.fail(0, usize::MAX, kind);
        store.commit(&state(0), &state(1)).unwrap_err().to_string()
    };
    let full = "store disk: the disk is full: make room and try again; until the store can be written \
                again, a restart may bring the refused change back";
    assert_eq!(told(ErrorKind::StorageFull), full);
    assert_eq!(told(ErrorKind::QuotaExceeded), full);
    assert!(told(ErrorKind::ReadOnlyFilesystem).contains("read-only: mount it writable"));
    assert!(told(ErrorKind::PermissionDenied).contains("no permission: overpathd must"));
}

#[test]
fn a_daemon_starts_on_a_full_disk() {
    let disk = Disk::new();
    drop(chain(&disk, 7));
    disk.fail(0, usize::MAX, ErrorKind::StorageFull);
    let begun = with_store(disk.store().unwrap(), None, false).unwrap();
    assert_eq!((&*begun.wanted, begun.revision), (&state(7), 7));
    assert_eq!(begun.previous, None);
    let file = Some(Ok(state(8)));
    let error = with_store(disk.store().unwrap(), file, true)
        .and_then(Begun::keep)
        .unwrap_err();
    assert!(error.to_string().contains("the disk is full"), "{error}");
}

#[test]
fn a_daemon_starts_on_a_file_system_that_can_only_be_read() {
    for revision in [0, 7] {
        let disk = Disk::new();
        drop(chain(&disk, revision));
        disk.mount(true);
        let bytes = disk.bytes();
        let mut begun = with_store(disk.store().unwrap(), None, false).unwrap();
        assert_eq!(begun.revision, revision);
        let next = state(revision + 1);
        let commit = |begun: &mut Begun| {
            let before = Wanted::clone(&begun.wanted);
            begun.kept.commit(&before, &next, revision)
        };
        let error = commit(&mut begun).unwrap_err();
        assert!(error.contains("its file system is read-only"), "{error}");
        assert!(bytes == disk.bytes(), "nothing was written");
        disk.mount(false);
        assert_eq!(commit(&mut begun), Ok(revision + 1));
    }
}

/// As at the first start of a system whose disk is full or read-only: nothing is left behind, and the
/// first change that can be stored stores all of it.
#[test]
fn where_no_store_can_be_made_a_file_counts_until_one_can() {
    for kind in [ErrorKind::ReadOnlyFilesystem, ErrorKind::StorageFull] {
        let disk = Disk::without();
        disk.fail(0, usize::MAX, kind);
        for next_start in [false, true] {
            let file = Some(Ok(state(1)));
            let begun = with_store(disk.store().unwrap(), file, next_start)
                .unwrap()
                .keep()
                .unwrap();
            assert_eq!((&*begun.wanted, begun.revision), (&state(1), 0));
            assert_eq!((begun.previous, disk.bytes().len()), (None, 0));
        }
        let mut store = disk.store().unwrap();
        assert!(store.ready().unwrap_err().problem().may_pass());
        assert_eq!(
            (store.load().unwrap(), store.previous().unwrap()),
            (None, None)
        );
        disk.mend();
        store.ready().unwrap();
        assert_eq!(store.commit(&state(1), &state(2)).unwrap(), 1);
        drop(store);
        let mut store = disk.store().unwrap();
        assert_eq!(store.load().unwrap().unwrap().wanted, state(2));
    }
}

/// A file that takes the place of a store is an error where it cannot be stored: the next start would
/// go back without a word.
#[test]
fn what_replaces_a_store_has_to_be_stored() {
    let disk = Disk::new();
    drop(chain(&disk, 7));
    disk.mount(true);
    let error = with_store(disk.store().unwrap(), Some(Ok(state(8))), true)
        .and_then(Begun::keep)
        .unwrap_err();
    assert!(error.to_string().contains("read-only"), "{error}");
    let same = with_store(disk.store().unwrap(), Some(Ok(state(7))), true).unwrap();
    assert_eq!(same.revision, 7);
}
