//! Where the bytes of a store are: a file, or what stands for one in a test.

use super::error::Problem;
use super::format;
use redb::StorageBackend;
use redb::backends::FileBackend;
use std::fmt::Debug;
use std::fs::{self, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Where a store is found again after a failure.
pub(super) trait Place: Debug + Send {
    fn open(&self) -> Result<Medium, Problem>;

    /// The same, to be read only.
    fn open_to_read(&self) -> Result<Medium, Problem>;
}

/// What redb reads and writes. The lock is ours and held before the first byte is read, so redb is told
/// that there are none.
#[derive(Debug)]
pub(super) struct Medium(pub(super) Box<dyn StorageBackend>);

impl StorageBackend for Medium {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.0.close()
    }
}

impl Medium {
    fn file(file: fs::File) -> Result<Self, Problem> {
        Ok(Medium(Box::new(FileBackend::new(file)?)))
    }
}

/// A file.
#[derive(Debug)]
pub(super) struct File(pub(super) PathBuf);

impl Place for File {
    fn open(&self) -> Result<Medium, Problem> {
        locked(OpenOptions::new().read(true).write(true).open(&self.0)?)
    }

    fn open_to_read(&self) -> Result<Medium, Problem> {
        locked(fs::File::open(&self.0)?)
    }
}

fn locked(file: fs::File) -> Result<Medium, Problem> {
    match file.try_lock() {
        Ok(()) => Medium::file(file),
        Err(TryLockError::WouldBlock) => Err(Problem::InUse),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Makes an empty store at `path` if nothing is there. It gets its name when it is whole and on the
/// disk, so a store without content is always damage and never a beginning.
pub(super) fn create(path: &Path) -> Result<(), Problem> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
        Ok(_) => return Ok(()),
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let new = tempfile::Builder::new()
        .prefix(".store-")
        .tempfile_in(folder)?;
    format::create(Medium::file(new.reopen()?)?)?;
    new.as_file().sync_all()?;
    match new.persist_noclobber(path) {
        // Another daemon was faster, and has it.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error.error.into()),
        Ok(_) => {}
    }
    Ok(fs::File::open(folder)?.sync_all()?)
}
