//! Initialisation, lcores, clock.

use crate::rig::on_eal;
use fastpath::dpdk::{Clock, Eal, EalError, LaunchError};
use std::env;
use std::process::Command;
use std::sync::mpsc::channel;
use std::thread;

#[test]
fn a_second_start_is_refused() {
    on_eal(|_| {
        let refused = Eal::init(&["--no-huge"]);
        assert!(matches!(refused, Err(EalError::AlreadyInitialised)));
        let refused = Eal::init(&["a\0b"]);
        assert!(matches!(refused, Err(EalError::Argument(text)) if text == "a\0b"));
    });
}

#[test]
fn says_its_release_and_its_lcores() {
    on_eal(|eal| {
        assert!(eal.version().starts_with("DPDK "), "{}", eal.version());
        assert_eq!(eal.main_lcore().number(), 0);
        let workers: Vec<_> = eal
            .worker_lcores()
            .iter()
            .map(|lcore| lcore.number())
            .collect();
        assert_eq!(workers, [1]);
        assert!(eal.main_lcore().cpu().is_some());
        assert_eq!(eal.main_lcore().cpu(), eal.worker_lcores()[0].cpu());
    });
}

#[test]
fn a_closure_runs_on_a_worker_and_returns() {
    on_eal(|eal| {
        let lcore = eal.worker_lcores()[0];
        let (release, wait) = channel();
        let running = eal.launch(lcore, move || wait.recv().map(|()| thread::current().id()));
        let running = running.unwrap();
        let busy = eal.launch(lcore, || ());
        assert!(matches!(&busy, Err(LaunchError::Launch { errno, .. }) if errno.number() == 16));
        release.send(()).unwrap();
        assert_ne!(running.join().unwrap().unwrap(), thread::current().id());
        assert!(eal.launch(lcore, || ()).unwrap().join().is_ok());
        let main = eal.launch(eal.main_lcore(), || ());
        assert!(matches!(main, Err(LaunchError::NotAWorker(_))));
    });
}

#[test]
fn a_panic_on_a_worker_is_handed_to_whoever_joins() {
    on_eal(|eal| {
        let panic = eal
            .launch(eal.worker_lcores()[0], || panic!("on purpose"))
            .unwrap()
            .join();
        assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"on purpose"));
    });
}

#[test]
fn the_clock_runs() {
    on_eal(|eal| {
        let clock = Clock::new(eal);
        assert!(clock.hz() > 1_000_000);
        let before = clock.now();
        while clock.now() == before {}
        assert!(clock.now() > before);
    });
}

/// DPDK can be initialised once in a process, so this needs others.
#[test]
fn a_start_that_fails_says_why() {
    for (args, expected) in [
        (
            "--no-huge --no-shconf --no-pci -m 64 stray words",
            "unknown to the EAL: stray words\n",
        ),
        (
            "--no-huge --no-shconf --no-pci --bogus",
            "DPDK cannot start: ",
        ),
        ("--no-huge --no-shconf --no-pci -m 64", "started\n"),
    ] {
        let child = Command::new(env::current_exe().unwrap())
            .args([
                "--exact",
                "--ignored",
                "--nocapture",
                "eal::start_with_arguments",
            ])
            .env("EAL_ARGUMENTS", args)
            .output()
            .unwrap();
        let output = String::from_utf8_lossy(&child.stdout);
        assert!(
            child.status.success() && output.contains(expected),
            "{args}: {output}"
        );
    }
}

#[test]
#[ignore = "a_start_that_fails_says_why runs it in processes of its own"]
fn start_with_arguments() {
    let args = env::var("EAL_ARGUMENTS").unwrap();
    let args: Vec<_> = args.split(' ').collect();
    match Eal::init(&args) {
        Ok(_) => println!("started"),
        Err(error) => println!("{error}"),
    }
}
