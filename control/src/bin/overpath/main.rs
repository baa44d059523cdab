//! `overpath`, the command line: asks the daemon and prints its answer.

mod addr;
mod args;
mod bridge;
mod cache;
mod capture;
mod change;
mod colour;
mod completion;
mod config;
mod dash_w;
mod drops;
mod early;
mod explain;
mod failure;
mod fdb;
mod frame;
mod help;
mod man;
mod monitor;
mod neigh;
mod offload;
mod port;
mod progress;
mod route;
mod show;
mod stats;
mod table;
mod users;
mod version;
mod vxlan;
mod watch;
mod words;

use args::{Arguments, Noun};
use change::FdbVerb;
use clap::FromArgMatches;
use control::api::client::Client;
use control::api::messages::Method;
use dash_w::DashW;
use early::Early;
use failure::Failure;
use std::io::{self, ErrorKind, Write};
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let early = Early::of(std::env::args_os());
    let parsed = help::command()
        .color(early.color)
        .try_get_matches()
        .and_then(|said| {
            let arguments = Arguments::from_arg_matches(&said)?;
            Ok((arguments, help::path(&said)))
        });
    let done = match parsed {
        Ok((arguments, path)) => {
            table::set_coloured(colour::is_wanted(arguments.color));
            run(&arguments).map_err(|failure| failure.with_help(&path))
        }
        // Help is no failure.
        Err(said) if early.json && said.use_stderr() => Err(Failure::of_words(&said)),
        Err(said) => said.exit(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(early.json),
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let method = arguments.method()?;
    let turn = |before: &str| turn(arguments, &method, before);
    match (&method, &arguments.watch) {
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
    }
}

/// Asks once, and prints the answer behind what is `before` it. Breaks if nobody reads any more.
fn turn(arguments: &Arguments, method: &Method, before: &str) -> Result<ControlFlow<()>, Failure> {
    let text = if arguments.noun.is_done_here() {
        here(arguments)?
    } else {
        show::answer(arguments, method)?
    };
    print(&format!("{before}{text}"))
}

/// What is done without the daemon, or by more than one question.
fn here(arguments: &Arguments) -> Result<String, Failure> {
    match &arguments.noun {
        Noun::Completion { shell } => Ok(completion::script(*shell)),
        Noun::Man { folder } => man::write(folder).map_err(Failure::failed),
        Noun::Config { verb } => verb.here(arguments.json),
        Noun::Fdb {
            verb: Some(FdbVerb::Load { file }),
        } => {
            let complain = |error: &_| Failure::of_call(error, &arguments.socket);
            let changed = change::load(|| Client::connect(&arguments.socket), file, complain)?;
            Ok(match arguments.json {
                true => format!("{}\n", serde_json::json!(changed)),
                false => change::text(&changed),
            })
        }
        _ => Ok(String::new()),
    }
}

/// Prints a piece of an answer. Breaks if nobody reads any more: a reader that has seen enough, such
/// as `head`, is no error.
///
/// # Errors
/// Of the system.
fn print(text: &str) -> Result<ControlFlow<()>, Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(error) => Err(Failure::failed(format!("cannot write the answer: {error}"))),
    }
}
