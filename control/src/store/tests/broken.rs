//! Files that are damaged, no store, or of another version: told, and left as they are.

use super::disk::{Disk, Rng};
use super::*;
use crate::store::{format, migrate};
use redb::{Database, TableDefinition};
use std::fs;

/// What is wrong with these bytes; the file is not changed by it.
fn refused(bytes: &[u8]) -> String {
    let disk = Disk::of(bytes.to_vec());
    let error = disk.store().unwrap_err();
    assert_eq!(disk.bytes(), bytes, "{error}");
    error.to_string()
}

fn image(revision: u64) -> Vec<u8> {
    let disk = Disk::new();
    drop(chain(&disk, revision));
    disk.bytes()
}

/// Each is what was committed, or damage that is told.
fn judge(bytes: Vec<u8>, what: &str) -> bool {
    let disk = Disk::of(bytes);
    match disk.store() {
        Ok(mut store) => {
            assert_eq!(store.load().unwrap(), saved(7), "{what}");
            false
        }
        Err(error) => {
            assert!(
                matches!(error.problem(), Problem::Damaged(_)),
                "{what}: {error}"
            );
            true
        }
    }
}

#[test]
fn a_bit_that_is_flipped_is_told_or_means_nothing() {
    let (image, mut rng, mut told) = (image(7), Rng(4), 0);
    let mut flip = |at: usize, bit: usize| {
        let mut bytes = image.clone();
        bytes[at] ^= 1 << bit;
        told += usize::from(judge(bytes, &format!("bit {bit} of byte {at}")));
    };
    // What comes before the slots of commits has no checksum.
    (0..64).for_each(|at| (0..8).for_each(|bit| flip(at, bit)));
    let used: Vec<usize> = (0..image.len()).filter(|at| image[*at] != 0).collect();
    for _ in 0..600 {
        flip(used[rng.below(used.len())], rng.below(8));
        flip(rng.below(image.len()), rng.below(8));
    }
    assert!(told > 300, "only {told} were noticed");
}

/// A damaged commit is no commit that was cut off, though the file was not closed. Only the byte that
/// says which commit is the last one has nothing beside it.
#[test]
fn a_bit_that_is_flipped_is_not_taken_for_a_crash() {
    const LAST: usize = 9;
    let disk = Disk::new();
    let store = chain(&disk, 7);
    let (image, mut rng, mut told) = (disk.bytes(), Rng(9), 0);
    drop(store);
    let used: Vec<usize> = (0..image.len()).filter(|at| image[*at] != 0).collect();
    for _ in 0..1_000 {
        let (at, mut bytes) = (used[rng.below(used.len())], image.clone());
        bytes[at] ^= 1 << rng.below(8);
        told += usize::from(at != LAST && judge(bytes, &format!("a bit of byte {at}")));
    }
    assert!(told > 100, "only {told} were noticed");
}

#[test]
fn a_stretch_of_noise_or_zeros_is_told_or_means_nothing() {
    let (image, mut rng, mut told) = (image(7), Rng(5), 0);
    for round in 0..300 {
        let (at, length) = (rng.below(image.len()), 1 + rng.below(5_000));
        let mut bytes = image.clone();
        for byte in bytes.iter_mut().skip(at).take(length) {
            *byte = if round % 2 == 0 {
                0
            } else {
                rng.below(256) as u8
            };
        }
        told += usize::from(judge(bytes, &format!("{length} bytes at {at}")));
    }
    assert!(told > 100, "only {told} were noticed");
}

#[test]
fn a_file_that_is_cut_short_or_longer_is_told() {
    let (image, mut rng) = (image(7), Rng(6));
    for _ in 0..100 {
        refused(&image[..rng.below(image.len())]);
    }
    judge([&image[..], &[0; 4096]].concat(), "longer");
}

#[test]
fn what_is_no_store_is_told_in_words() {
    for (bytes, words) in [
        (
            &b""[..],
            "damaged, or no store: it is 0 bytes long. It was left as it is",
        ),
        (b"[[port]]\nname = 'a'", "damaged, or no store"),
        (&[0; 8192], "damaged, or no store"),
    ] {
        let error = refused(bytes);
        assert!(error.contains(words), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let error = Store::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("it is a directory"), "{error}");
    let path = folder.path().join("text");
    fs::write(&path, "[[port]]").unwrap();
    let error = Store::open(&path.join("store")).unwrap_err().to_string();
    assert!(error.contains("Not a directory"), "{error}");
    let error = Store::open(&path).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("store {}: damaged", path.display())),
        "{error}"
    );
    assert_eq!(fs::read(&path).unwrap(), b"[[port]]");
}

/// However long it is: neither is it read nor does it take memory.
#[test]
fn what_is_no_store_is_told_by_its_first_bytes() {
    let disk = Disk::of([b"[[port]]".to_vec(), vec![0; 1 << 20]].concat());
    let error = disk.store().unwrap_err();
    assert!(matches!(error.problem(), Problem::Damaged(_)), "{error}");
    assert!(disk.read() < 1 << 16, "{} bytes were read", disk.read());

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let file = fs::File::create(&path).unwrap();
    for (length, words) in [(15 << 30, "magic"), (17 << 30, "bytes long")] {
        file.set_len(length).unwrap();
        let error = Store::open(&path).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

/// A file of redb, made by hand.
fn made(make: impl FnOnce(&redb::WriteTransaction)) -> Vec<u8> {
    let disk = Disk::of(Vec::new());
    let database = Database::builder()
        .create_with_backend(disk.open().unwrap())
        .unwrap();
    let txn = format::begin(&database).unwrap();
    make(&txn);
    txn.commit().unwrap();
    drop(database);
    disk.bytes()
}

const META: TableDefinition<'_, &[u8], u64> = TableDefinition::new("meta");

fn meta(txn: &redb::WriteTransaction, all: &[(&[u8], u64)]) {
    let mut meta = txn.open_table(META).unwrap();
    for (key, value) in all {
        meta.insert(key, value).unwrap();
    }
}

#[test]
fn a_newer_format_is_told_with_both_numbers() {
    let newer = made(|txn| meta(txn, &[(b"format", 3), (b"revision", 9)]));
    let error = refused(&newer);
    assert!(
        error.contains("written in format 3, this overpathd reads up to 1"),
        "{error}"
    );
}

#[test]
fn a_database_of_somebody_else_is_no_store() {
    const TABLE: TableDefinition<'_, u64, u64> = TableDefinition::new("theirs");
    const OTHER: TableDefinition<'_, u64, u64> = TableDefinition::new("meta");
    for table in [TABLE, OTHER] {
        let error = refused(&made(|txn| drop(txn.open_table(table).unwrap())));
        assert!(error.contains("damaged, or no store"), "{error}");
    }
    let error = refused(&made(|txn| meta(txn, &[(b"format", 1)])));
    assert!(error.contains("it has no revision"), "{error}");
}

#[test]
fn rows_that_are_no_rules_are_refused() {
    let text = |text: &[u8]| {
        made(|txn| {
            meta(txn, &[(b"format", 0), (b"revision", 4)]);
            txn.open_table(migrate::WANTED)
                .unwrap()
                .insert(migrate::TOML, text)
                .unwrap();
        })
    };
    let error = refused(&text(b"[[prot]]"));
    assert!(
        error.contains("holds a configuration that is refused") && error.contains("port"),
        "{error}"
    );
    assert!(refused(&text(b"\xff")).contains("damaged"));
}

/// Format 0 had one text for everything.
#[test]
fn an_older_format_is_brought_to_this_one() {
    let wanted = state(5);
    let old = made(|txn| {
        meta(txn, &[(b"format", 0), (b"revision", 5)]);
        let text = wanted.to_toml();
        txn.open_table(migrate::WANTED)
            .unwrap()
            .insert(migrate::TOML, text.as_bytes())
            .unwrap();
    });
    let disk = Disk::of(old);
    let mut store = disk.store().unwrap();
    assert_eq!(
        (store.load().unwrap(), store.previous().unwrap()),
        (saved(5), None)
    );
    assert_eq!(store.commit(&wanted, &state(6)).unwrap(), 6);
    assert_eq!(store.previous().unwrap(), saved(5));
    drop(store);
    assert_eq!(disk.store().unwrap().load().unwrap(), saved(6));
}

#[test]
fn a_power_cut_leaves_an_old_format_or_the_new_one() {
    let old = made(|txn| {
        meta(txn, &[(b"format", 0), (b"revision", 5)]);
        let text = state(5).to_toml();
        txn.open_table(migrate::WANTED)
            .unwrap()
            .insert(migrate::TOML, text.as_bytes())
            .unwrap();
    });
    let (mut rng, mut cuts) = (Rng(7), 0);
    loop {
        let disk = Disk::of(old.clone());
        disk.fail(cuts, usize::MAX, std::io::ErrorKind::Other);
        drop(disk.store());
        let after = disk.power_cut(&mut rng);
        assert_eq!(
            after.store().unwrap().load().unwrap(),
            saved(5),
            "cut at {cuts}"
        );
        if !disk.mend() {
            break;
        }
        cuts += 1;
    }
    assert!(cuts > 10, "only {cuts} operations");
}
