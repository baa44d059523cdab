//! What is told of a failure, and how.

use super::*;
use crate::args::SOCKET;
use clap::CommandFactory;

fn rpc(code: i32, message: &str) -> ClientError {
    let error = json!({"code": code, "message": message});
    ClientError::Rpc(serde_json::from_value(error).unwrap())
}

#[test]
fn without_a_daemon_one_is_told_how_to_start_it() {
    let told = |path: &str| complaint(&ClientError::NotListening(path.into()), Path::new(path));
    let default = told(SOCKET);
    assert!(
        default.starts_with("nothing listens on /run/overpath/overpath.sock"),
        "{default}"
    );
    let start = how_to_start(Path::new(SOCKET), false);
    assert!(
        start.ends_with("--config /etc/overpath/overpath.toml"),
        "{start}"
    );
    assert!(told("/tmp/s").ends_with(" --socket /tmp/s"));
}

#[test]
fn where_there_is_a_unit_it_is_to_be_started() {
    let start = how_to_start(Path::new(SOCKET), true);
    assert!(
        start.starts_with("start it with: systemctl start overpathd\n"),
        "{start}"
    );
    let other = how_to_start(Path::new("/tmp/s"), true);
    assert!(other.ends_with(" --socket /tmp/s"), "{other}");
}

#[test]
fn without_rights_one_is_told_who_has_them() {
    let cause = io::Error::from(ErrorKind::PermissionDenied);
    let error = ClientError::Connect("/s".into(), cause);
    let told = Failure::of_call(&error, Path::new("/s"));
    assert!(
        told.message.contains("/s: cannot connect") && told.message.ends_with("try as root"),
        "{told:?}"
    );
    assert_eq!((told.kind, told.kind.status()), (Kind::Denied, 1));
}

#[test]
fn a_status_tells_words_a_refusal_and_a_daemon_that_is_not_there_apart() {
    let of = |error: &ClientError| {
        let kind = Failure::of_call(error, Path::new("/s")).kind;
        (kind.code(), kind.status())
    };
    let gone = io::Error::from(ErrorKind::BrokenPipe);
    for (error, told) in [
        (ClientError::NotListening("/s".into()), ("not_running", 3)),
        (ClientError::Io(gone), ("gone", 3)),
        (rpc(RpcError::STOPPING, "stopping"), ("gone", 3)),
        (rpc(RpcError::TIMEOUT, "no answer"), ("gone", 3)),
        (rpc(RpcError::BUSY, "ask again"), ("busy", 1)),
        (rpc(RpcError::DENIED, "no"), ("denied", 1)),
        (rpc(RpcError::REFUSED, "no"), ("refused", 1)),
        (rpc(RpcError::INVALID_PARAMS, "no"), ("refused", 1)),
        (rpc(RpcError::METHOD_NOT_FOUND, "no"), ("version", 1)),
    ] {
        assert_eq!(of(&error), told, "{error:?}");
    }
    assert_eq!(Failure::usage("x").kind.status(), 2);
    assert_eq!(Failure::failed("x").kind.status(), 1);
}

#[test]
fn json_has_what_the_message_says() {
    let said = "port.name: there is no port `lam`\n  allowed: lan\n  did you mean `lan`?";
    let refused = Failure::of_call(&rpc(RpcError::REFUSED, said), Path::new("/s"));
    let told = json!({"code": "refused", "message": said, "field": "port.name",
        "allowed": "lan", "nearest": "lan"});
    assert_eq!(refused.json(), told);
    let plain = Failure::gone().json();
    let told = json!({"code": "gone", "message": "the daemon went away", "field": null,
        "allowed": null, "nearest": null});
    assert_eq!(plain, told);
    let two = Failure::new(
        Kind::Refused,
        "a.b: x\n  allowed: y\n\nc.d: z\n\n2 errors in f",
    )
    .json();
    assert_eq!(two["field"], "a.b");
    assert_eq!(two["problems"][0]["allowed"], "y");
    assert_eq!(two["problems"][1]["field"], "c.d");
    assert_eq!(two["problems"].as_array().map(Vec::len), Some(2));
}

#[test]
fn what_clap_says_is_told_apart() {
    let wrong = |line: &str| {
        let wrong = crate::args::Arguments::command().try_get_matches_from(line.split(' '));
        Failure::of_words(&wrong.unwrap_err()).json()
    };
    let told = wrong("overpath prot show");
    assert_eq!(
        (&told["field"], &told["nearest"]),
        (&"prot".into(), &"port".into())
    );
    assert_eq!(told["code"], "usage");
    let message = told["message"].as_str().unwrap();
    assert!(
        message.starts_with("unrecognized subcommand 'prot'") && !message.contains("Usage"),
        "{message}"
    );
    assert_eq!(wrong("overpath")["message"], "a command is missing");
    let alias = &wrong("overpath port st")["nearest"];
    assert_eq!(alias, &Value::Null, "of one letter");
    let told = wrong("overpath explain --drop tx_ful");
    assert_eq!(told["nearest"], "tx_full");
    let allowed = told["allowed"].as_str().unwrap();
    assert!(allowed.contains("tx_full, "), "{allowed}");
}
