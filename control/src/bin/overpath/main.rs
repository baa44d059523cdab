//! `overpath`, the command line: asks the daemon and prints its answer.

mod addr;
mod args;
mod bridge;
mod cache;
mod capture;
mod change;
mod completion;
mod config;
mod dash_w;
mod drops;
mod explain;
mod fdb;
mod frame;
mod help;
mod man;
mod monitor;
mod neigh;
mod port;
mod route;
mod stats;
mod table;
mod version;
mod vxlan;
mod watch;

use args::{Arguments, Noun};
use change::FdbVerb;
use clap::error::ErrorKind as Wrong;
use clap::{CommandFactory, FromArgMatches};
use control::api::RpcError;
use control::api::client::{Client, ClientError};
use control::api::messages::Method;
use dash_w::DashW;
use std::io::{self, ErrorKind, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// There if the package was installed.
const UNIT: &str = "/usr/lib/systemd/system/overpathd.service";

fn main() -> ExitCode {
    let said = help::command().get_matches();
    let arguments = Arguments::from_arg_matches(&said).unwrap_or_else(|wrong| wrong.exit());
    let method = arguments.method().unwrap_or_else(|wrong| {
        Arguments::command()
            .error(Wrong::ValueValidation, wrong)
            .exit()
    });
    let turn = |before: &str| turn(&arguments, &method, before);
    let done = match (&method, &arguments.watch) {
        (Method::CaptureStart(wanted), to) => capture::run(&arguments.socket, wanted, to.as_ref()),
        (Method::ExplainNext(wanted), None) => {
            explain::next::run(&arguments.socket, wanted, arguments.json)
        }
        (Method::EventsSubscribe(_), _) => match &arguments.noun {
            Noun::Monitor(words) => monitor::run(&arguments.socket, words, arguments.json),
            _ => Ok(()),
        },
        (_, Some(DashW::Every(seconds))) => {
            watch::repeat(Duration::from_secs((*seconds).into()), turn)
        }
        _ => turn("").map(drop),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => fail(&message),
    }
}

/// Asks once, and prints the answer behind what is `before` it. Breaks if nobody reads any more.
fn turn(arguments: &Arguments, method: &Method, before: &str) -> Result<ControlFlow<()>, String> {
    let text = if arguments.noun.is_done_here() {
        here(arguments)?
    } else {
        let text = ask(arguments, method);
        text.map_err(|error| complaint(&error, &arguments.socket))?
    };
    print(&format!("{before}{text}")).map_err(|error| format!("cannot write the answer: {error}"))
}

/// What is done without the daemon, or by more than one question.
fn here(arguments: &Arguments) -> Result<String, String> {
    match &arguments.noun {
        Noun::Completion { shell } => Ok(completion::script(*shell)),
        Noun::Man { folder } => man::write(folder),
        Noun::Config { verb } => verb.here(arguments.json),
        Noun::Fdb {
            verb: Some(FdbVerb::Load { file }),
        } => {
            let complain = |error: &ClientError| complaint(error, &arguments.socket);
            let changed = change::load(|| Client::connect(&arguments.socket), file, complain)?;
            Ok(match arguments.json {
                true => format!("{}\n", serde_json::json!(changed)),
                false => change::text(&changed),
            })
        }
        _ => Ok(String::new()),
    }
}

/// The daemon's answer as it is printed.
fn ask(arguments: &Arguments, method: &Method) -> Result<String, ClientError> {
    let answer = Client::connect(&arguments.socket)?.call(method)?;
    let answer = answer.get();
    if arguments.json {
        return Ok(format!("{answer}\n"));
    }
    Ok(match method {
        Method::Version => version::text(&serde_json::from_str(answer)?),
        Method::PortShow => port::text(&serde_json::from_str::<Vec<_>>(answer)?),
        Method::FdbShow(_) => fdb::text(&serde_json::from_str::<Vec<_>>(answer)?),
        Method::NeighShow => neigh::text(&serde_json::from_str::<Vec<_>>(answer)?),
        Method::RouteShow => route::text(&serde_json::from_str::<Vec<_>>(answer)?),
        Method::RouteAdd(_)
        | Method::RouteDel(_)
        | Method::RouteReplace(_)
        | Method::Edit(_)
        | Method::FdbFlush(_)
        | Method::ConfigApply { .. }
        | Method::ConfigConfirm
        | Method::ConfigRollback => change::text(&serde_json::from_str(answer)?),
        Method::BridgeShow => bridge::text(&serde_json::from_str::<Vec<_>>(answer)?),
        Method::ConfigCheck(_) => config::checked(&serde_json::from_str(answer)?),
        Method::ConfigDiff(_) => config::differing(&serde_json::from_str(answer)?),
        Method::ConfigExport => config::exported(&serde_json::from_str(answer)?),
        Method::AddrShow => addr::text(&serde_json::from_str::<Vec<_>>(answer)?),
        Method::VxlanShow => vxlan::text(&serde_json::from_str::<Vec<_>>(answer)?),
        Method::DropsShow(_) => drops::text(&serde_json::from_str::<Vec<_>>(answer)?),
        Method::StatsShow => {
            stats::text(&serde_json::from_str(answer)?, &arguments.noun.sections())
        }
        Method::CacheShow(_) => {
            let details =
                matches!(&arguments.noun, Noun::Cache { verb: Some(verb) } if verb.details());
            cache::text(&serde_json::from_str(answer)?, details)
        }
        Method::CacheFlush => cache::flushed(&serde_json::from_str(answer)?),
        Method::ExplainEntry(_) => explain::behind::entry(&serde_json::from_str(answer)?),
        Method::ExplainDrop(_) => explain::behind::drop(&serde_json::from_str(answer)?),
        Method::ExplainFdb(_) => {
            explain::behind::stations(&serde_json::from_str::<Vec<_>>(answer)?)
        }
        Method::Explain(_) => explain::text(&serde_json::from_str(answer)?),
        // More follows, and it is done elsewhere.
        Method::CaptureStart(_) | Method::ExplainNext(_) | Method::EventsSubscribe(_) => {
            String::new()
        }
    })
}

/// A reader that has seen enough, such as `head`, is no error.
fn print(text: &str) -> io::Result<ControlFlow<()>> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(error) => Err(error),
    }
}

fn fail(message: &str) -> ExitCode {
    // There is nobody left to tell if this fails.
    let _ = writeln!(io::stderr(), "overpath: {message}");
    ExitCode::FAILURE
}

/// The unit of the package serves the default socket.
fn how_to_start(socket: &Path, unit: bool) -> String {
    let option = match socket.to_str() {
        Some(args::SOCKET) if unit => {
            return "start it with: systemctl start overpathd\n\
                    why it ended: systemctl status overpathd, journalctl -u overpathd"
                .to_owned();
        }
        Some(args::SOCKET) => String::new(),
        _ => format!(" --socket {}", socket.display()),
    };
    format!("start it with: overpathd -l 0,1 -- --config /etc/overpath/overpath.toml{option}")
}

/// The error, and what can be done about it.
fn complaint(error: &ClientError, socket: &Path) -> String {
    match error {
        ClientError::NotListening(_) => {
            let start = how_to_start(socket, Path::new(UNIT).exists());
            format!("{error}: the daemon does not run, or has another --socket\n{start}")
        }
        ClientError::Connect(_, cause) if cause.kind() == ErrorKind::PermissionDenied => {
            format!(
                "{error}\nthe socket is for the daemon's user and group (overpathd --socket-group): try as root"
            )
        }
        ClientError::Rpc(error) if matches!(error.code, RpcError::REFUSED | RpcError::DENIED) => {
            error.message.clone()
        }
        ClientError::Rpc(error) if error.code == RpcError::METHOD_NOT_FOUND => {
            format!("{error}\nthe daemon is of another version: see overpath version")
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_daemon_one_is_told_how_to_start_it() {
        let told = |path: &str| complaint(&ClientError::NotListening(path.into()), Path::new(path));
        let default = told(args::SOCKET);
        assert!(
            default.starts_with("nothing listens on /run/overpath/overpath.sock"),
            "{default}"
        );
        let start = how_to_start(Path::new(args::SOCKET), false);
        assert!(
            start.ends_with("--config /etc/overpath/overpath.toml"),
            "{start}"
        );
        assert!(told("/tmp/s").ends_with(" --socket /tmp/s"));
    }

    #[test]
    fn where_there_is_a_unit_it_is_to_be_started() {
        let start = how_to_start(Path::new(args::SOCKET), true);
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
        let told = complaint(&ClientError::Connect("/s".into(), cause), Path::new("/s"));
        assert!(
            told.contains("/s: cannot connect") && told.ends_with("try as root"),
            "{told}"
        );
    }
}
