//! A file system that is really full, and then really read-only: a small tmpfs in a mount namespace.

use super::*;
use std::fs;
use std::io::Write;
use std::process::Command;

const FOLDER: &str = "OVERPATH_TEST_MOUNT";
const DONE: &str = "all was tried";

fn mount(words: &[&str], folder: &Path) {
    let mount = Command::new("mount").args(words).arg(folder).status();
    assert!(mount.unwrap().success(), "mount {words:?}");
}

/// Alone in a namespace, where the variable names a folder.
#[test]
#[ignore = "the other half of the test below, which runs it"]
fn in_a_namespace_of_its_own() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let folder = Path::new(&folder);
    mount(&["-t", "tmpfs", "-o", "size=8m", "none"], folder);
    let (path, filler) = (folder.join("store"), folder.join("filler"));
    let mut store = Store::open(&path).unwrap();
    store.commit(&Wanted::default(), &state(1)).unwrap();

    let mut file = fs::File::create(&filler).unwrap();
    while file.write_all(&[1; 4096]).is_ok() {}
    drop(file);
    let macs = |count: u64| entries((1..=count).map(|mac| (mac, false)));
    let error = store.commit(&state(1), &macs(100_000)).unwrap_err();
    assert!(matches!(error.problem(), Problem::Full), "{error}");
    // It starts on the full disk, too.
    drop(store);
    let mut store = Store::open(&path).unwrap();
    assert_eq!(store.load().unwrap(), saved(1));
    fs::remove_file(&filler).unwrap();
    assert_eq!(store.commit(&state(1), &state(2)).unwrap(), 2);
    drop(store);

    mount(&["-o", "remount,ro"], folder);
    let mut store = Store::open(&path).unwrap();
    assert_eq!(store.load().unwrap(), saved(2));
    let error = store.commit(&state(2), &state(3)).unwrap_err();
    assert!(matches!(error.problem(), Problem::ReadOnly), "{error}");
    mount(&["-o", "remount,rw"], folder);
    assert_eq!(store.commit(&state(2), &state(3)).unwrap(), 3);
    assert_eq!(store.previous().unwrap(), saved(2));
    drop(store);
    assert_eq!(Store::open(&path).unwrap().load().unwrap(), saved(3));
    println!("{DONE}");
}

#[test]
fn a_file_system_is_full_and_then_read_only() {
    let folder = tempfile::tempdir().unwrap();
    let may = Command::new("unshare").args(["-m", "true"]).status();
    if !may.is_ok_and(|status| status.success()) {
        return eprintln!("SKIPPED: no mount namespace to be had: root and unshare are needed");
    }
    let tried = Command::new("unshare")
        .arg("-m")
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture"])
        .arg("store::tests::mounted::in_a_namespace_of_its_own")
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&tried.stdout);
    let why = String::from_utf8_lossy(&tried.stderr);
    assert!(tried.status.success() && said.contains(DONE), "{said}{why}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
