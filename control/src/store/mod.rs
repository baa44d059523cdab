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
//! A store is judged first, with all that this writes in memory (`overlay`), so that a file which is
//! damaged, or written by a newer version, is left as it is.
//!
//! A file of which a sync has failed is not written to any more: what is stored goes to a new one, which
//! takes its name (`Store::renew`).
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
mod overlay;
mod read;
mod rows;
mod write;

pub use error::{Problem, StoreError};

use crate::config::Wanted;
use medium::{File, FileId, Medium, Place};
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
    /// The file, which has this name as long as nobody moves it; `None` while none could be made.
    file: Option<FileId>,
    /// The same, open, with its lock; `None` while it can only be read.
    medium: Option<Medium>,
    /// `None` after a failure, of which redb does not recover: it is opened anew. Also if there was no
    /// room when it was opened first, or it could only be read, or could not even be made.
    database: Option<Database>,
    /// The last revision that was acknowledged.
    revision: u64,
    /// What was read when it was judged, until something is committed.
    judged: Option<Saved>,
}

impl Store {
    /// Opens the store at `path`, or makes an empty one there, and its folder. No other process can open
    /// it meanwhile. A store of an older format is brought to the present one. Where there is none, and
    /// no room for one or a file system that is read-only, the store is empty until it can be made.
    ///
    /// # Errors
    /// It cannot be opened or is not whole; then the file was not changed.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::at(Box::new(File(path.to_path_buf())), path)
    }

    fn at(place: Box<dyn Place>, path: &Path) -> Result<Self, StoreError> {
        Self::judged(place, path)
            .and_then(Self::begun)
            .map_err(|problem| StoreError::new(path, problem))
    }

    /// The store there, which was read and not written to yet. If there is none, an empty one is made: it
    /// gets its name when it is whole and on the disk, so a file without content is always damage and
    /// never a beginning.
    fn judged(place: Box<dyn Place>, path: &Path) -> Result<Self, Problem> {
        if place.leads_to()?.is_none() {
            match place.put(None, &mut format::create) {
                Err(problem) if problem.may_pass() => return Ok(Self::unmade(place, path)),
                made => made?,
            }
        }
        let (medium, writable) = match place.open() {
            Err(Problem::ReadOnly | Problem::Permission) => (place.open_to_read()?, false),
            medium => (medium?, true),
        };
        let (judged, revision) = format::judge(&medium)?;
        Ok(Store {
            path: path.to_path_buf(),
            place,
            file: Some(medium.id()),
            medium: Some(medium).filter(|_| writable),
            database: None,
            revision,
            judged,
        })
    }

    fn unmade(place: Box<dyn Place>, path: &Path) -> Self {
        Store {
            path: path.to_path_buf(),
            place,
            file: None,
            medium: None,
            database: None,
            revision: 0,
            judged: None,
        }
    }

    /// Makes it ready to be written, if it can be. What it holds is known all the same, and a daemon can
    /// start with it: where there is no room, or where it is in doubt what is on the disk.
    fn begun(mut self) -> Result<Self, Problem> {
        if self.medium.is_none() {
            return Ok(self);
        }
        match self.database().map(|_| ()) {
            Ok(()) => {}
            Err(problem) if problem.may_pass() => {}
            Err(_) if self.is_doubtful() => {
                let _ = self.database();
            }
            Err(problem) => return Err(problem),
        }
        Ok(self)
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
        if self.revision == 0 {
            return Ok(None);
        }
        self.with(|database| read::read(database, 1))
    }

    /// Makes `after` what is stored, and says its revision. It is on the disk by then. `before` is what
    /// was committed last; before the first commit it is not looked at.
    ///
    /// # Errors
    /// It cannot be written; then the store holds what it held, unless the error says that the change is
    /// left ([`StoreError::is_left`]), and the next commit may succeed.
    pub fn commit(&mut self, before: &Wanted, after: &Wanted) -> Result<u64, StoreError> {
        self.has_its_name()
            .map_err(|problem| StoreError::new(&self.path, problem))?;
        let (nothing, revision) = (Wanted::default(), self.revision + 1);
        let before = if self.revision == 0 { &nothing } else { before };
        let mut begun = false;
        let result = self.with(|database| {
            begun = true;
            write::commit(database, before, after, revision)
        });
        if let Err(error) = result {
            let left = begun && self.database.is_none();
            return Err(if left { error.left() } else { error });
        }
        self.revision = revision;
        self.judged = None;
        Ok(revision)
    }

    /// Whether something can be stored, as far as can be seen without it: there may still be no room.
    ///
    /// # Errors
    /// Why not.
    pub fn ready(&mut self) -> Result<(), StoreError> {
        self.has_its_name()
            .map_err(|problem| StoreError::new(&self.path, problem))?;
        self.with(|_| Ok(()))
    }

    /// What is written to a file without a name is gone with the daemon.
    fn has_its_name(&self) -> Result<(), Problem> {
        match self.file.is_none() || self.place.leads_to()? == self.file {
            true => Ok(()),
            false => Err(Problem::Gone),
        }
    }

    /// Works with the database. One that fails is given up, and opened anew at once, so that what was
    /// refused is undone before a crash can bring it back; if that fails too, there is none, and the next
    /// call tries again.
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
            None => self.opened()?,
        };
        Ok(self.database.insert(database))
    }

    fn opened(&mut self) -> Result<Database, Problem> {
        let medium = match &self.medium {
            Some(medium) => medium.clone(),
            None => {
                let medium = self.made()?;
                self.medium.insert(medium).clone()
            }
        };
        if medium.is_doubtful() {
            return self.renew(&medium);
        }
        let database = format::open(medium)?;
        format::migrate(&database)?;
        write::undo_beyond(&database, self.revision)?;
        Ok(database)
    }

    /// The file, made now if none could be before. One that somebody else put there meanwhile, and that
    /// holds anything, is not ours.
    fn made(&mut self) -> Result<Medium, Problem> {
        let Some(file) = self.file else {
            if self.place.leads_to()?.is_none() {
                self.place.put(None, &mut format::create)?;
            }
            let medium = self.place.open()?;
            let (_, revision) = format::judge(&medium)?;
            if revision != 0 {
                return Err(Problem::Gone);
            }
            self.file = Some(medium.id());
            return Ok(medium);
        };
        let medium = self.place.open()?;
        match medium.id() == file {
            true => Ok(medium),
            false => Err(Problem::Gone),
        }
    }

    fn is_doubtful(&self) -> bool {
        self.medium.as_ref().is_some_and(Medium::is_doubtful)
    }

    /// Makes a new file of what was acknowledged, which takes the place of the one in doubt. That one is
    /// read, and every page of it checked, but not written to: on the disk it has what was
    /// acknowledged until the other one has its name.
    fn renew(&mut self, doubtful: &Medium) -> Result<Database, Problem> {
        let from = format::look(doubtful)?;
        write::undo_beyond(&from, self.revision)?;
        let mut made = None;
        let put = self.place.put(self.file, &mut |medium| {
            made = Some((medium.clone(), format::copy(&from, medium)?));
            Ok(())
        });
        let Some((medium, database)) = made else {
            return Err(put.err().unwrap_or(Problem::Gone));
        };
        if put.is_ok() || self.place.leads_to()? == Some(medium.id()) {
            self.file = Some(medium.id());
            self.medium = Some(medium.clone());
        }
        // It has the name, which a power cut may take from it: nothing may rest on it either.
        put.inspect_err(|_| medium.doubt())?;
        Ok(database)
    }
}

#[cfg(test)]
mod tests;
