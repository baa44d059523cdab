//! `overpathd`: joins the configuration, DPDK, the workers and the control side into a daemon.

mod account;
mod daemon;
mod device;
mod lcores;

use control::args::CommandLine;
use std::io::IsTerminal;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let line = match CommandLine::parse(std::env::args_os()) {
        Ok(line) => line,
        Err(error) => error.exit(),
    };
    let filter = match EnvFilter::builder().parse(&line.options.log) {
        Ok(filter) => filter,
        Err(error) => {
            eprintln!("overpathd: --log {}: {error}", line.options.log);
            return ExitCode::from(2);
        }
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match daemon::run(&line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("overpathd: {error}");
            ExitCode::FAILURE
        }
    }
}
