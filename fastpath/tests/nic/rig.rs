//! A process with a NIC for each test.

use fastpath::dpdk::Eal;
use std::any::type_name;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Tells a process which test is run in it.
const CHILD: &str = "NICMODEL_TEST";

/// Devices that the EAL has from the start, separated by commas.
pub(crate) const ATTACHED: &str = "NICMODEL_TEST_ATTACHED";

/// The model as a driver of its own, built by `scripts/nic-model --driver`, instead of in front of
/// DPDK's functions.
const DRIVER: &str = "OVERPATH_NIC_DRIVER";

/// A process in which virtual devices are NICs.
pub(crate) struct Bench {
    pub(crate) eal: Eal,
    journal: PathBuf,
}

impl Bench {
    /// The name of a device that is a NIC.
    pub(crate) fn device(&self, name: &str) -> String {
        device(name)
    }

    /// What the NICs of this process were asked, in order, a line each.
    pub(crate) fn journal(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.journal).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Those lines of the journal that begin so, of whichever NIC.
    pub(crate) fn asked(&self, what: &str) -> Vec<String> {
        let of = |line: &String| {
            line.split_once(' ')
                .is_some_and(|(_, call)| call.starts_with(what))
        };
        self.journal().into_iter().filter(of).collect()
    }
}

/// The name of a device that is a NIC.
pub(crate) fn device(name: &str) -> String {
    match driver() {
        Some(_) => format!("net_nicmodel_{name}"),
        None => format!("net_ring_{name}"),
    }
}

/// Runs a test with NICs of a dialect, in a process of its own.
pub(crate) fn under<F: FnOnce(&Bench)>(dialect: &str, test: F) {
    with(&[("NICMODEL", dialect)], test);
}

/// The same, with variables of the model. A test may do this several times with different ones.
pub(crate) fn with<F: FnOnce(&Bench)>(model: &[(&str, &str)], test: F) {
    // The path of the function that the closure stands in, which is that of the test.
    let name = type_name::<F>().split("::").skip(1);
    let name: Vec<_> = name.take_while(|part| !part.starts_with("{{")).collect();
    let name = name.join("::");
    let run = format!("{name} {model:?}");
    match std::env::var(CHILD) {
        Ok(mine) if mine == run => test(&bench()),
        // Another part of the test that this process is for.
        Ok(_) => {}
        Err(_) => spawn(&name, &run, model),
    }
}

fn bench() -> Bench {
    let mut args = vec![
        "--no-huge",
        "--no-shconf",
        "-m",
        "64",
        "--no-pci",
        "--no-telemetry",
    ];
    let attached = std::env::var(ATTACHED).unwrap_or_default();
    for device in attached.split_terminator(',') {
        args.extend(["--vdev", device]);
    }
    Bench {
        eal: Eal::init(&args).unwrap(),
        journal: std::env::var_os("NICMODEL_JOURNAL").unwrap().into(),
    }
}

fn spawn(name: &str, run: &str, model: &[(&str, &str)]) {
    let file: String = run
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    let journal = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("nic-{file}.journal"));
    drop(fs::remove_file(&journal));
    let output = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--include-ignored"])
        .env("LD_PRELOAD", library())
        .env(CHILD, run)
        .env("NICMODEL_JOURNAL", &journal)
        .envs(model.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{run}: {}\n{said}\n{complained}\n{}",
        output.status,
        fs::read_to_string(&journal).unwrap_or_default(),
    );
}

/// The model as a driver, if these tests are to use that.
fn driver() -> Option<PathBuf> {
    std::env::var_os(DRIVER).map(PathBuf::from)
}

/// The model, built once by this process.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        if let Some(driver) = driver() {
            return driver;
        }
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nic-model.so");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/nic-model");
        let status = Command::new(script).arg(&library).status().unwrap();
        assert!(status.success(), "{script} failed");
        library
    })
}
