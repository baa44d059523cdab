//! A store that is moved, deleted or replaced while it is open.

use super::disk::{Disk, Rng};
use super::*;
use std::fs;
use std::io::ErrorKind;

fn refused(store: &mut Store) {
    let error = store.commit(&state(1), &state(2)).unwrap_err();
    assert!(matches!(error.problem(), Problem::Gone), "{error}");
    let text = error.to_string();
    assert!(text.contains("deleted under the running overpathd: move it back") && !error.is_left());
    assert_eq!(store.load().unwrap(), saved(1), "what it has can be had");
    assert_eq!(store.previous().unwrap(), None);
}

#[test]
fn nothing_is_acknowledged_that_would_be_gone() {
    let folder = tempfile::tempdir().unwrap();
    let (path, away) = (folder.path().join("store"), folder.path().join("away"));
    let mut store = Store::open(&path).unwrap();
    store.commit(&Wanted::default(), &state(1)).unwrap();

    fs::rename(&path, &away).unwrap();
    refused(&mut store);
    // Somebody brings a copy back. It is his.
    fs::copy(&away, &path).unwrap();
    let copy = fs::read(&path).unwrap();
    refused(&mut store);
    assert_eq!(fs::read(&path).unwrap(), copy);

    fs::rename(&away, &path).unwrap();
    assert_eq!(store.commit(&state(1), &state(2)).unwrap(), 2);
    fs::remove_file(&path).unwrap();
    let error = store.commit(&state(2), &state(3)).unwrap_err();
    assert!(matches!(error.problem(), Problem::Gone), "{error}");
    drop(store);
    assert_eq!(Store::open(&path).unwrap().load().unwrap(), None);
}

#[test]
fn a_file_that_somebody_put_there_is_not_replaced() {
    let disk = Disk::new();
    drop(chain(&disk, 7));
    let theirs = b"theirs".to_vec();
    // Each sync that fails has the store look for a new file.
    for after in 0..40 {
        let disk = Disk::of(disk.bytes());
        let mut store = disk.store().unwrap();
        disk.fail(after, usize::MAX, ErrorKind::Other);
        let _ = store.commit(&state(7), &state(8));
        disk.mend();
        disk.replace(Some(theirs.clone()));
        let error = store.commit(&state(7), &state(8)).unwrap_err();
        assert!(matches!(error.problem(), Problem::Gone), "{error}");
        let _ = store.previous();
        assert_eq!(disk.bytes(), theirs, "after {after}");
    }
}

/// A store that can only be read is opened again to be written: by then it may be another one.
#[test]
fn what_was_only_read_is_written_if_it_is_still_the_same() {
    let disk = Disk::new();
    drop(chain(&disk, 7));
    disk.mount(true);
    let mut store = disk.store().unwrap();
    disk.mount(false);
    let other = Disk::new();
    drop(chain(&other, 7));
    disk.replace(Some(other.bytes()));
    assert!(matches!(
        store.previous().unwrap_err().problem(),
        Problem::Gone
    ));
    assert_eq!(disk.bytes(), other.bytes());
}

/// The first start, cut off anywhere: there is no store or a whole one, and what was acknowledged is in it.
#[test]
fn a_power_cut_while_a_store_is_made() {
    let (mut rng, mut cuts, mut made) = (Rng(11), 0, 0);
    for at in 0.. {
        let mut whole = true;
        for _ in 0..8 {
            let disk = Disk::without();
            disk.fail(at, usize::MAX, ErrorKind::Other);
            let acknowledged = disk
                .store()
                .is_ok_and(|mut store| store.commit(&Wanted::default(), &state(1)).is_ok());
            let after = disk.power_cut(&mut rng);
            made += usize::from(after.files() > 0);
            let found = after.store().unwrap().load().unwrap();
            let fits = found == saved(1) || !acknowledged && found.is_none();
            assert!(fits, "cut at {at}");
            whole &= disk.mend();
        }
        if !whole {
            break;
        }
        cuts += 1;
    }
    assert!(
        cuts > 10 && made > 20,
        "only {cuts} operations, {made} files"
    );
}
