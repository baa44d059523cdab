//! Why nothing came of it: for a human, as JSON, and as the exit status.

mod said;

use clap::error::{ContextKind, ContextValue, ErrorKind as Wrong};
use control::api::RpcError;
use control::api::client::ClientError;
use said::Problem;
use serde_json::{Value, json};
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

/// There if the package was installed.
const UNIT: &str = "/usr/lib/systemd/system/overpathd.service";

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The words were not understood.
    Usage,
    /// What was asked for cannot be done, or the file is wrong.
    Refused,
    /// Who asks may not.
    Denied,
    /// There is no daemon, or it cannot be reached.
    NotRunning,
    /// The daemon went away, or did not answer.
    Gone,
    /// The daemon has too much to do: ask again.
    Busy,
    /// The daemon is of another version.
    Version,
    /// A file could not be read, or the answer not be written.
    Failed,
}

impl Kind {
    /// For programs.
    const fn code(self) -> &'static str {
        match self {
            Kind::Usage => "usage",
            Kind::Refused => "refused",
            Kind::Denied => "denied",
            Kind::NotRunning => "not_running",
            Kind::Gone => "gone",
            Kind::Busy => "busy",
            Kind::Version => "version",
            Kind::Failed => "failed",
        }
    }

    /// For a shell.
    pub(crate) const fn status(self) -> u8 {
        match self {
            Kind::Usage => 2,
            Kind::NotRunning | Kind::Gone => 3,
            Kind::Refused | Kind::Denied | Kind::Busy | Kind::Version | Kind::Failed => 1,
        }
    }
}

/// Why nothing came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    /// For a human.
    pub(crate) message: String,
    /// What the message is about, where that is known apart from it.
    problem: Option<Box<Problem>>,
    /// Which help to read, for a human.
    help: Option<String>,
}

impl Failure {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Failure {
            kind,
            message: message.into(),
            problem: None,
            help: None,
        }
    }

    /// Words that are not understood.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Failure::new(Kind::Usage, message)
    }

    /// Something of the system.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Failure::new(Kind::Failed, message)
    }

    /// The daemon went away while something followed its answer.
    pub(crate) fn gone() -> Self {
        Failure::new(Kind::Gone, "the daemon went away")
    }

    /// What a call came to, and what can be done about it.
    pub(crate) fn of_call(error: &ClientError, socket: &Path) -> Self {
        Failure::new(kind(error), complaint(error, socket))
    }

    /// What clap did not understand.
    pub(crate) fn of_words(wrong: &clap::Error) -> Self {
        let text = |kind| match wrong.get(kind)? {
            ContextValue::String(text) => Some(text.clone()),
            ContextValue::Strings(texts) if !texts.is_empty() => Some(texts.join(", ")),
            _ => None,
        };
        // The likeliest is the last one.
        let last = |kind| match wrong.get(kind)? {
            // Nobody means an alias of one letter.
            ContextValue::Strings(texts) => texts.iter().rfind(|text| text.len() > 1).cloned(),
            _ => text(kind),
        };
        let first = |kinds: &[ContextKind]| kinds.iter().find_map(|kind| text(*kind));
        let whole = wrong.to_string();
        let said = whole.split("\n\n").next().unwrap_or_default();
        let message = match wrong.kind() {
            // All of the help stands there.
            Wrong::DisplayHelpOnMissingArgumentOrSubcommand => "a command is missing",
            _ => said.strip_prefix("error: ").unwrap_or(said),
        };
        Failure {
            kind: Kind::Usage,
            message: message.trim_end().to_owned(),
            problem: Some(Box::new(Problem {
                field: first(&[ContextKind::InvalidArg, ContextKind::InvalidSubcommand]),
                allowed: first(&[ContextKind::ValidValue, ContextKind::ValidSubcommand]),
                nearest: last(ContextKind::SuggestedArg)
                    .or_else(|| last(ContextKind::SuggestedSubcommand))
                    .or_else(|| last(ContextKind::SuggestedValue)),
                text: message.lines().next().unwrap_or_default().to_owned(),
            })),
            help: None,
        }
    }

    /// The same. If words were not understood, the help of `command` is named.
    pub(crate) fn with_help(self, command: &str) -> Self {
        let help = (self.kind == Kind::Usage).then(|| command.to_owned());
        Failure { help, ..self }
    }

    /// The same, and `more` behind it.
    pub(crate) fn and(self, more: &str) -> Self {
        let message = self.message + more;
        Failure { message, ..self }
    }

    /// One object: `code`, `message`, and as far as they are known `field`, `allowed` and `nearest`
    /// of the first problem; `problems` has all of them, if there are several.
    fn json(&self) -> Value {
        let found = match &self.problem {
            Some(problem) => vec![problem.as_ref().clone()],
            None => said::problems(&self.message),
        };
        let first = found.first().cloned().unwrap_or_default();
        let mut told = json!({
            "code": self.kind.code(),
            "message": self.message,
            "field": first.field,
            "allowed": first.allowed,
            "nearest": first.nearest,
        });
        if found.len() > 1 {
            told["problems"] = found.iter().map(Problem::json).collect();
        }
        told
    }

    /// Tells it on standard error.
    pub(crate) fn tell(&self, json: bool) -> ExitCode {
        let text = match json {
            true => self.json().to_string(),
            false => {
                let help = self.help.as_ref();
                let help = help.map(|command| format!("\nsee: {command} --help"));
                format!("overpath: {}{}", self.message, help.unwrap_or_default())
            }
        };
        // There is nobody left to tell if this fails.
        let _ = writeln!(io::stderr(), "{text}");
        ExitCode::from(self.kind.status())
    }
}

fn kind(error: &ClientError) -> Kind {
    match error {
        ClientError::NotListening(_) => Kind::NotRunning,
        ClientError::Connect(_, cause) if cause.kind() == ErrorKind::PermissionDenied => {
            Kind::Denied
        }
        ClientError::Connect(..) => Kind::NotRunning,
        ClientError::Io(_) => Kind::Gone,
        ClientError::Answer(_) => Kind::Version,
        ClientError::Rpc(error) => match error.code {
            RpcError::DENIED => Kind::Denied,
            RpcError::METHOD_NOT_FOUND => Kind::Version,
            RpcError::BUSY => Kind::Busy,
            RpcError::STOPPING | RpcError::TIMEOUT => Kind::Gone,
            _ => Kind::Refused,
        },
    }
}

/// The unit of the package serves the default socket.
fn how_to_start(socket: &Path, unit: bool) -> String {
    let option = match socket.to_str() {
        Some(crate::args::SOCKET) if unit => {
            return "start it with: systemctl start overpathd\n\
                    why it ended: systemctl status overpathd, journalctl -u overpathd"
                .to_owned();
        }
        Some(crate::args::SOCKET) => String::new(),
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
mod tests;
