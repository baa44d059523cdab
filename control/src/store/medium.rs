//! Where the bytes of a store are: a file, or what stands for one in a test.

use super::error::Problem;
use redb::StorageBackend;
use redb::backends::FileBackend;
use std::fmt::Debug;
use std::fs::{self, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Where a store has its name.
pub(super) trait Place: Debug + Send {
    fn open(&self) -> Result<Medium, Problem>;

    /// The same, to be read only.
    fn open_to_read(&self) -> Result<Medium, Problem>;

    /// The file that has the name now, if there is one.
    fn leads_to(&self) -> Result<Option<FileId>, Problem>;

    /// Makes a file, and gives it the name when it is whole and on the disk; so is the name when this
    /// returns. It takes the place of the file `over`. If none is said, and the name is taken
    /// meanwhile, it is not needed.
    ///
    /// An error may come after the file has the name, which a power cut may take from it then.
    fn put(&self, over: Option<FileId>, make: &mut Make<'_>) -> Result<(), Problem>;
}

/// Fills an empty file.
pub(super) type Make<'a> = dyn FnMut(Medium) -> Result<(), Problem> + 'a;

/// A file, whatever its name: its device and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId(pub(super) u64, pub(super) u64);

/// What redb reads and writes; clones are the same file. The lock is ours and held before the first
/// byte is read until the last clone is gone, so redb is told that there are none.
#[derive(Clone, Debug)]
pub(super) struct Medium {
    backend: Arc<dyn StorageBackend>,
    id: FileId,
    doubtful: Arc<AtomicBool>,
}

impl StorageBackend for Medium {
    fn len(&self) -> io::Result<u64> {
        self.backend.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.backend.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.backend.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.backend.sync_data().inspect_err(|_| self.doubt())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.backend.write(offset, data)
    }
}

impl Medium {
    pub(super) fn new(backend: impl StorageBackend, id: FileId) -> Self {
        Medium {
            backend: Arc::new(backend),
            id,
            doubtful: Arc::default(),
        }
    }

    pub(super) fn id(&self) -> FileId {
        self.id
    }

    /// A sync has failed. Linux may take pages that it could not write for clean: they are read as they
    /// were written until they are needed for something else, no later sync writes them, and all of
    /// them succeed. So nothing that is stored may rest on this file any more.
    pub(super) fn is_doubtful(&self) -> bool {
        self.doubtful.load(Ordering::Relaxed)
    }

    pub(super) fn doubt(&self) {
        self.doubtful.store(true, Ordering::Relaxed);
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

    fn leads_to(&self) -> Result<Option<FileId>, Problem> {
        match fs::metadata(&self.0) {
            Ok(metadata) => Ok(Some(FileId(metadata.dev(), metadata.ino()))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn put(&self, over: Option<FileId>, make: &mut Make<'_>) -> Result<(), Problem> {
        self.has(over)?;
        // A link goes on leading to the store.
        let path = match over {
            Some(_) => fs::canonicalize(&self.0)?,
            None => self.0.clone(),
        };
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        fs::create_dir_all(folder)?;
        let new = tempfile::Builder::new()
            .prefix(".store-")
            .tempfile_in(folder)?;
        if over.is_some() {
            let permissions = fs::metadata(&path)?.permissions();
            new.as_file().set_permissions(permissions)?;
        }
        make(locked(new.reopen()?)?)?;
        new.as_file().sync_all()?;
        if over.is_some() {
            self.has(over)?;
            new.persist(&path).map_err(|error| error.error)?;
        } else {
            match new.persist_noclobber(&path) {
                // Another daemon was faster, and has it.
                Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error.error.into()),
                Ok(_) => {}
            }
        }
        Ok(fs::File::open(folder)?.sync_all()?)
    }
}

impl File {
    /// What is to be replaced must be what we know: whoever put another file there wants that one.
    fn has(&self, file: Option<FileId>) -> Result<(), Problem> {
        match file.is_none() || self.leads_to()? == file {
            true => Ok(()),
            false => Err(Problem::Gone),
        }
    }
}

fn locked(file: fs::File) -> Result<Medium, Problem> {
    match file.try_lock() {
        Ok(()) => {
            let metadata = file.metadata()?;
            let id = FileId(metadata.dev(), metadata.ino());
            Ok(Medium::new(FileBackend::new(file)?, id))
        }
        Err(TryLockError::WouldBlock) => Err(Problem::InUse),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}
