//! The store: what is wanted, kept so that it survives a crash, a power cut and a full disk.
//!
//! ```text
//! keeper --commit(before, after)--> change: which rows --> write: one transaction --> redb --> file
//!        <--------revision---------                        rows: their bytes
//!        <---load, previous-------- read <-- format: tables, versions, what is damaged
//! ```
//!
//! A commit writes what differs and is on the disk when it returns. It costs what changed: each static
//! entry is a row, and all other things are one text, which is written if one of them changed. What
//! was before the last commit can be had too ([`Store::previous`]).
//!
//! A store is judged on a copy in memory first (`format`), so that a file which is damaged, or
//! written by a newer version, is left as it is.
//!
//! ```
//! use control::{config::Wanted, store::Store};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("store");
//! let wanted = Wanted::parse("port = [{ name = 'a', device = 'net_null0' }]", "example")?;
//! let mut store = Store::open(&path)?;
//! assert_eq!(store.load()?, None);
//! assert_eq!(store.commit(&Wanted::default(), &wanted)?, 1);
//! drop(store);
//! assert_eq!(Store::open(&path)?.load()?.map(|saved| saved.wanted), Some(wanted));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod change;
mod error;
mod format;
mod medium;
mod migrate;
mod read;
mod rows;
mod write;

pub use error::{Problem, StoreError};

use crate::config::Wanted;
use medium::{File, Place};
use redb::Database;
use std::path::{Path, PathBuf};

/// What a store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// What is wanted.
    pub wanted: Wanted,
    /// How many commits led there; the first one is 1.
    pub revision: u64,
}

/// The store of a daemon. One thread has it; each call blocks until the disk has answered.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    place: Box<dyn Place>,
    /// `None` after a failure, of which redb does not recover: it is opened anew. Also if there was no
    /// room when it was opened first, or it could only be read.
    database: Option<Database>,
    /// The last revision that was acknowledged.
    revision: u64,
    /// What was read when it was judged, until something is committed.
    judged: Option<Saved>,
}

impl Store {
    /// Opens the store at `path`, or makes an empty one there. No other process can open it meanwhile.
    /// A store of an older format is brought to the present one.
    ///
    /// # Errors
    /// It cannot be opened or is not whole; then the file was not changed.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        medium::create(path).map_err(|problem| StoreError::new(path, problem))?;
        Self::at(Box::new(File(path.to_path_buf())), path)
    }

    fn at(place: Box<dyn Place>, path: &Path) -> Result<Self, StoreError> {
        let opened = || {
            let (medium, writable) = match place.open() {
                Err(Problem::ReadOnly | Problem::Permission) => (place.open_to_read()?, false),
                medium => (medium?, true),
            };
            let (judged, revision) = format::judge(&medium)?;
            if !writable {
                return Ok((judged, revision, None));
            }
            let here = format::open(medium).and_then(|database| {
                format::migrate(&database)?;
                Ok(database)
            });
            match here {
                Ok(database) => Ok((judged, revision, Some(database))),
                // What it holds is known all the same, and a daemon can start with it.
                Err(Problem::Full | Problem::ReadOnly) => Ok((judged, revision, None)),
                Err(problem) => Err(problem),
            }
        };
        let (judged, revision, database) =
            opened().map_err(|problem| StoreError::new(path, problem))?;
        Ok(Store {
            path: path.to_path_buf(),
            place,
            database,
            revision,
            judged,
        })
    }

    /// What was committed last; `None` before the first commit.
    ///
    /// # Errors
    /// It cannot be read, or is no legal wanted state.
    pub fn load(&mut self) -> Result<Option<Saved>, StoreError> {
        match &self.judged {
            Some(saved) => Ok(Some(saved.clone())),
            None if self.revision == 0 => Ok(None),
            None => self.with(|database| read::read(database, 0)),
        }
    }

    /// What was there before the last commit; `None` if that is not known.
    ///
    /// # Errors
    /// As those of [`Store::load`].
    pub fn previous(&mut self) -> Result<Option<Saved>, StoreError> {
        self.with(|database| read::read(database, 1))
    }

    /// Makes `after` what is stored, and says its revision. It is on the disk by then. `before` is what
    /// was committed last; before the first commit it is not looked at.
    ///
    /// # Errors
    /// It cannot be written; then the store holds what it held, and the next commit may succeed.
    pub fn commit(&mut self, before: &Wanted, after: &Wanted) -> Result<u64, StoreError> {
        let (nothing, revision) = (Wanted::default(), self.revision + 1);
        let before = if self.revision == 0 { &nothing } else { before };
        self.with(|database| write::commit(database, before, after, revision))?;
        self.revision = revision;
        self.judged = None;
        Ok(revision)
    }

    /// Works with the database. One that fails is given up, and opened anew at once, so that what was
    /// refused is undone before a crash can bring it back; if that fails too, the next call tries again.
    fn with<T>(
        &mut self,
        work: impl FnOnce(&Database) -> Result<T, Problem>,
    ) -> Result<T, StoreError> {
        let result = self.database().and_then(work);
        if result.is_err() {
            self.database = None;
            let _ = self.database();
        }
        result.map_err(|problem| StoreError::new(&self.path, problem))
    }

    fn database(&mut self) -> Result<&Database, Problem> {
        let database = match self.database.take() {
            Some(database) => database,
            None => {
                let database = format::open(self.place.open()?)?;
                format::migrate(&database)?;
                write::undo_beyond(&database, self.revision)?;
                database
            }
        };
        Ok(self.database.insert(database))
    }
}

#[cfg(test)]
mod tests;
