//! Why a store cannot be used, and what to do about it.

use super::format::FORMAT;
use crate::config::ConfigErrors;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// What is said of a change that is refused and may come back.
const LEFT: &str =
    "; until the store can be written again, a restart may bring the refused change back";

/// A store cannot be opened, read or written. Shown it says which one, why, and what to do.
#[derive(Debug)]
pub struct StoreError {
    path: PathBuf,
    problem: Problem,
    left: bool,
}

impl StoreError {
    pub(super) fn new(path: &Path, problem: Problem) -> Self {
        StoreError {
            path: path.to_path_buf(),
            problem,
            left: false,
        }
    }

    /// A commit that failed, and could not be taken back either.
    pub(super) fn left(self) -> Self {
        StoreError { left: true, ..self }
    }

    /// Why.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// Whether the change that was refused may be what a daemon finds that starts now. The next call of
    /// the store that succeeds takes it back. If not, the store has what it had before.
    pub fn is_left(&self) -> bool {
        self.left
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "store {}: {}", self.path.display(), self.problem)?;
        if self.left {
            f.write_str(LEFT)?;
        }
        Ok(())
    }
}

impl std::error::Error for StoreError {}

/// What is wrong with a store.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The disk or a quota is full.
    #[error("the disk is full: make room and try again")]
    Full,
    /// The file system is mounted read-only.
    #[error("its file system is read-only: mount it writable, or place the store elsewhere")]
    ReadOnly,
    /// The daemon may not read and write it.
    #[error(
        "no permission: overpathd must be allowed to read and write the file and its directory"
    )]
    Permission,
    /// The file that is open has its name no more: what is written to it is not there at the next
    /// start.
    #[error(
        "moved, replaced or deleted under the running overpathd: move it back and try again; if it is \
         gone, keep what `overpath config export` says, and start overpathd anew with that as --config"
    )]
    Gone,
    /// Another process has it.
    #[error("another overpathd has it open: stop that one, or give this one a store of its own")]
    InUse,
    /// A newer version wrote it.
    #[error(
        "written in format {0}, this overpathd reads up to {max}: run the version that wrote it, or \
         move the file away and start from a configuration",
        max = FORMAT
    )]
    Newer(u64),
    /// It is no store, or not whole.
    #[error(
        "damaged, or no store: {0}. It was left as it is: move it away, then bring back a copy or \
         start from a configuration"
    )]
    Damaged(String),
    /// It is whole, and holds what this version refuses.
    #[error("holds a configuration that is refused:\n{0}")]
    Refused(ConfigErrors),
    /// Anything else that the system refuses.
    #[error("{0}")]
    Io(io::Error),
}

impl Problem {
    /// It lies with the disk and not with the store: it passes when somebody makes room or mounts it to
    /// be written. A daemon can start meanwhile, and changes nothing.
    pub fn may_pass(&self) -> bool {
        matches!(self, Problem::Full | Problem::ReadOnly)
    }

    pub(super) fn damaged(what: impl ToString) -> Self {
        Problem::Damaged(what.to_string())
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Problem::Full
            }
            ErrorKind::ReadOnlyFilesystem => Problem::ReadOnly,
            ErrorKind::PermissionDenied => Problem::Permission,
            ErrorKind::WouldBlock => Problem::InUse,
            ErrorKind::IsADirectory => Problem::damaged("it is a directory"),
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof => Problem::damaged(error),
            _ => Problem::Io(error),
        }
    }
}

impl From<redb::Error> for Problem {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Io(error) => error.into(),
            redb::Error::DatabaseAlreadyOpen => Problem::InUse,
            redb::Error::Corrupted(what) => Problem::Damaged(what),
            redb::Error::PreviousIo => Problem::Io(io::Error::other(error)),
            other => Problem::damaged(other),
        }
    }
}

/// redb has an error for each kind of call; all mean the same to us.
macro_rules! from_redb {
    ($($error:ident)*) => {$(
        impl From<redb::$error> for Problem {
            fn from(error: redb::$error) -> Self {
                redb::Error::from(error).into()
            }
        }
    )*};
}

from_redb!(DatabaseError TransactionError TableError StorageError CommitError SetDurabilityError);
