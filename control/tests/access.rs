//! Users who are not root, before a server whose state thread is only played.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test that cannot go on fails the test"
)]

use control::api::client::Client;
use control::api::messages::{Changed, FdbPage, Method, Reply};
use control::api::{Access, Refused, Server, Settings, requests};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// A server that takes any route.
fn serve(access: Access, socket: &Path) -> Server {
    let (sender, receiver) = requests(16);
    std::thread::spawn(move || {
        for request in receiver {
            match &request.method {
                Method::FdbShow(_) => request.answer(Reply::Fdb(FdbPage::default())),
                Method::RouteAdd(_) => request.answer(Reply::Changed(Changed::default())),
                Method::StatsShow => request.answer(Reply::Stats(Box::default())),
                _ => request.refuse(Refused("not here".to_owned())),
            }
        }
    });
    Server::start_for(access, socket, sender, Settings::default()).unwrap()
}

/// What users hear who are not root. They can be played only by root.
#[test]
fn others_may_do_what_the_daemon_was_started_for() {
    const MEMBERS: u32 = 42_001;
    let folder = tempfile::tempdir().unwrap();
    if folder.path().metadata().unwrap().uid() != 0 {
        return eprintln!("SKIPPED: other users can be played only by root");
    }
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(folder.path(), 0o755);
    let program = folder.path().join("overpath");
    std::fs::copy(env!("CARGO_BIN_EXE_overpath"), &program).unwrap();
    let socket = folder.path().join("sock");
    let say = |uid: u32, gid: u32, words: &[&str]| {
        let mut command = Command::new(&program);
        command.arg("--socket").arg(&socket).args(words);
        let output = command.uid(uid).gid(gid).output().unwrap();
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8(output.stderr).unwrap()),
        }
    };
    let (look, change) = (
        ["fdb", "show"],
        ["route", "add", "default", "via", "192.0.2.1"],
    );

    let access = Access {
        uids: vec![42_002],
        gids: Vec::new(),
        group: Some(MEMBERS),
    };
    let server = serve(access, &socket);
    let file = socket.metadata().unwrap();
    assert_eq!((file.mode() & 0o777, file.gid()), (0o660, MEMBERS));
    assert_eq!(say(42_003, MEMBERS, &look), Ok(()));
    let denied = say(42_003, MEMBERS, &change).unwrap_err();
    assert!(
        denied.contains("you may look, but route.add is for root"),
        "{denied}"
    );
    let denied = say(42_003, MEMBERS, &["capture", "all"]).unwrap_err();
    assert!(denied.contains("capture.start is for root"), "{denied}");
    // It takes a port from everybody for seconds.
    let denied = say(42_003, MEMBERS, &["offload", "selftest", "lan"]).unwrap_err();
    assert!(denied.contains("offload.selftest is for root"), "{denied}");
    assert_eq!(say(42_002, MEMBERS, &change), Ok(()));
    let unreached = say(42_003, 42_003, &look).unwrap_err();
    assert!(unreached.contains("Permission denied"), "{unreached}");
    let counted = Client::connect(&socket).unwrap().stats_show().unwrap();
    assert_eq!(counted.events.get("api_denied"), Some(&3));
    drop(server);

    let _server = serve(Access::default(), &socket);
    // Somebody has opened the file to all.
    mode(&socket, 0o666);
    let denied = say(42_003, MEMBERS, &look).unwrap_err();
    assert!(
        denied.contains("start it with --allow-uid 42003"),
        "{denied}"
    );
}
