//! What goes in comes out, and what it costs.

mod broken;
mod disk;
mod full;
mod gone;
mod kill;
mod mounted;
mod overlay;
mod power;
mod rows;

use super::*;
use crate::config::tests::any::wanted;
use crate::config::{FdbEntry, FdbTarget};
use disk::Disk;
use fastpath::wire::Mac;
use proptest::collection::vec;
use proptest::prelude::*;

/// Two ports in a bridge, and `entries` static entries that lead to one of them.
fn entries(entries: impl IntoIterator<Item = (u64, bool)>) -> Wanted {
    let mut wanted = Wanted::parse(
        "switch = { fdb_entries = 1000000 }
        port = [{ name = 'a', device = 'd0' }, { name = 'b', device = 'd1' }]
        bridge = [{ name = 'br0', ports = ['a', 'b'] }]",
        "test",
    )
    .unwrap();
    let entry = |(mac, second)| FdbEntry {
        bridge: "br0".parse().unwrap(),
        mac: Mac::from_u64(mac),
        target: FdbTarget::Port(if second { "b" } else { "a" }.parse().unwrap()),
    };
    wanted.fdb = entries.into_iter().map(entry).collect();
    wanted
}

/// What is stored at a revision of a chain: 40 entries that change at both ends and in the middle, and
/// every third time something else too.
fn state(revision: u64) -> Wanted {
    let macs = (revision..revision + 40).map(|mac| (2 + mac, mac % 7 == revision % 7));
    let mut wanted = entries(macs);
    wanted.ports[0].mtu = 1400 + (revision / 3) as u16 % 100;
    wanted
}

fn saved(revision: u64) -> Option<Saved> {
    let wanted = state(revision);
    (revision > 0).then_some(Saved { wanted, revision })
}

/// A store at `revision` of the chain.
fn chain(disk: &Disk, revision: u64) -> Store {
    let mut store = disk.store().unwrap();
    for next in 1..=revision {
        assert_eq!(store.commit(&state(next - 1), &state(next)).unwrap(), next);
    }
    store
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn what_was_committed_is_loaded_in_its_order(all in vec(wanted(), 1..6)) {
        let disk = Disk::new();
        let mut store = disk.store().unwrap();
        assert_eq!((store.load().unwrap(), store.previous().unwrap()), (None, None));
        let (mut last, mut before) = (Wanted::default(), None);
        for (wanted, revision) in all.into_iter().zip(1..) {
            assert_eq!(store.commit(&last, &wanted).unwrap(), revision);
            last = wanted;
            let now = Some(Saved { wanted: last.clone(), revision });
            assert_eq!((store.load().unwrap(), store.previous().unwrap()), (now.clone(), before));
            drop(store);
            store = disk.store().unwrap();
            assert_eq!(store.load().unwrap(), now);
            before = now;
        }
    }
}

#[test]
fn only_what_is_needed_for_the_previous_state_is_kept() {
    let disk = Disk::new();
    let mut store = chain(&disk, 20);
    let (_, undo) = store.with(read::kept).unwrap();
    for next in 21..=100 {
        store.commit(&state(next - 1), &state(next)).unwrap();
        assert_eq!(store.previous().unwrap(), saved(next - 1));
        let (texts, rows) = store.with(read::kept).unwrap();
        assert!(texts <= 3 && rows <= 2 * undo, "{texts} texts, {rows} rows");
    }
}

#[test]
fn a_change_of_one_kind_of_things_is_stored() {
    let text = |neighbour: &str| {
        format!(
            "port = [{{ name = 'up', device = 'd0', addresses = ['192.0.2.2/24'] }}]
            neighbour = [{neighbour}]"
        )
    };
    let wanted = |mac: &str| {
        let set = format!("{{ port = 'up', address = '192.0.2.1', mac = '{mac}' }}");
        Wanted::parse(&text(&set), "test").unwrap()
    };
    let none = Wanted::parse(&text(""), "test").unwrap();
    let disk = Disk::new();
    let mut last = Wanted::default();
    for next in [
        none.clone(),
        wanted("02:00:00:00:00:01"),
        wanted("02:00:00:00:00:02"),
        none,
    ] {
        let revision = disk.store().unwrap().commit(&last, &next).unwrap();
        let saved = disk.store().unwrap().load().unwrap().unwrap();
        assert_eq!((&saved.wanted, saved.revision), (&next, revision));
        last = next;
    }
}

#[test]
fn a_commit_writes_what_changed() {
    let macs = |count: u64| (1..=count).map(|mac| (mac, false));
    let (disk, all) = (Disk::new(), entries(macs(20_000)));
    let mut store = disk.store().unwrap();
    store.commit(&Wanted::default(), &all).unwrap();
    let written = disk.written();
    assert!(written > 1_000_000, "{written}");
    store.commit(&all, &entries(macs(20_001))).unwrap();
    let one = disk.written() - written;
    assert!(one < 150_000, "{one} bytes for one entry");
}

#[test]
fn a_file_is_one_process_s_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let mut store = Store::open(&path).unwrap();
    store.commit(&Wanted::default(), &state(1)).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error.problem(), Problem::InUse), "{error}");
    assert_eq!(store.commit(&state(1), &state(2)).unwrap(), 2);
    drop(store);
    assert_eq!(Store::open(&path).unwrap().load().unwrap(), saved(2));
    let files = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, 1, "nothing is left beside the store");
}

#[test]
fn a_file_is_judged_that_is_open_to_be_read_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let mut store = Store::open(&path).unwrap();
    store.commit(&Wanted::default(), &state(1)).unwrap();
    let file = File(path);
    assert!(matches!(file.open_to_read(), Err(Problem::InUse)));
    drop(store);
    let medium = file.open_to_read().unwrap();
    assert_eq!(format::judge(&medium).unwrap(), (saved(1), 1));
    assert!(redb::StorageBackend::write(&medium, 0, b"x").is_err());
}

#[test]
fn who_says_wrongly_what_was_is_refused_and_nothing_changes() {
    let disk = Disk::new();
    let mut store = chain(&disk, 3);
    let error = store.commit(&state(30), &state(31)).unwrap_err();
    assert!(error.to_string().contains("an entry is missing"), "{error}");
    assert_eq!(store.load().unwrap(), saved(3));
    assert_eq!(store.commit(&state(3), &state(4)).unwrap(), 4);
}
