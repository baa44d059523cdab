//! A disk that can be watched, cut off from power, and made to fail. A sync that fails loses what it should
//! have written, as on Linux: it is read on, and no later sync writes it.

use crate::store::Store;
use crate::store::error::{Problem, StoreError};
use crate::store::format;
use crate::store::medium::{FileId, Make, Medium, Place};
use redb::StorageBackend;
use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const SECTOR: usize = 512;

/// Clones are the same disk.
#[derive(Clone, Debug)]
pub(super) struct Disk(Arc<Mutex<State>>);

#[derive(Clone, Debug, Default)]
struct State {
    files: Vec<Content>,
    /// The files that had the name of the store since the folder was synced, the last one now. Any may
    /// have it after a power cut.
    names: Vec<Option<usize>>,
    written: usize,
    /// What was done to stores of which a sync had failed.
    in_doubt: usize,
    read: usize,
    troubles: VecDeque<Trouble>,
    /// Something has failed.
    failed: bool,
    read_only: bool,
}

#[derive(Clone, Debug, Default)]
struct Content {
    /// What is read.
    bytes: Vec<u8>,
    /// What survives a power cut for sure.
    synced: Vec<u8>,
    /// What was done since.
    since: Vec<(Fate, Step)>,
    /// A sync of it has failed.
    doubtful: bool,
}

/// What comes of something that was done before a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Any part of it may survive.
    Open,
    /// It survives.
    Synced,
    /// Any part of it may have survived when its sync failed, and no other sync writes it.
    Lost,
}

#[derive(Clone, Debug)]
enum Step {
    Write(usize, Vec<u8>),
    Length(usize),
}

/// What fails: `count` operations that change something, after `after` of them.
#[derive(Clone, Copy, Debug)]
struct Trouble {
    after: usize,
    count: usize,
    kind: io::ErrorKind,
}

impl Disk {
    /// With an empty store.
    pub(super) fn new() -> Self {
        let disk = Self::of(Vec::new());
        format::create(disk.open().unwrap()).unwrap();
        disk
    }

    /// With these bytes, all of them synced.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        let disk = Self::without();
        {
            let mut state = disk.state();
            state.names = vec![Some(0)];
            state.files.push(Content {
                synced: bytes.clone(),
                bytes,
                ..Content::default()
            });
        }
        disk
    }

    /// Without a store.
    pub(super) fn without() -> Self {
        let names = vec![None];
        Disk(Arc::new(Mutex::new(State {
            names,
            ..State::default()
        })))
    }

    pub(super) fn store(&self) -> Result<Store, StoreError> {
        Store::at(Box::new(self.clone()), Path::new("disk"))
    }

    /// What the store has; nothing if there is none.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let state = self.state();
        let now = state.now().and_then(|file| state.files.get(file));
        now.map(|content| content.bytes.clone()).unwrap_or_default()
    }

    /// How many files had the name of the store so far, and some that did not get it.
    pub(super) fn files(&self) -> usize {
        self.state().files.len()
    }

    /// Bytes written so far.
    pub(super) fn written(&self) -> usize {
        self.state().written
    }

    /// How often a file that had the name of the store was changed after a sync of it had failed.
    pub(super) fn in_doubt(&self) -> usize {
        self.state().in_doubt
    }

    /// Bytes read so far.
    pub(super) fn read(&self) -> usize {
        self.state().read
    }

    /// From now on `count` operations fail, after `after` that do not. What was said before comes first.
    pub(super) fn fail(&self, after: usize, count: usize, kind: io::ErrorKind) {
        let trouble = Trouble { after, count, kind };
        self.state().troubles.push_back(trouble);
    }

    /// From now on it can only be opened to be read, or also to be written.
    pub(super) fn mount(&self, read_only: bool) {
        self.state().read_only = read_only;
    }

    /// Somebody takes the store away, or puts another one there.
    pub(super) fn replace(&self, with: Option<Vec<u8>>) {
        let other = with.map(|bytes| self.file(bytes));
        self.state().names.push(other);
    }

    /// All is well again; says whether every trouble that was said has begun.
    pub(super) fn mend(&self) -> bool {
        let mut state = self.state();
        let begun = state.troubles.len() < 2 && state.failed;
        let last = state.troubles.back();
        let begun = begun && last.is_none_or(|trouble| trouble.after == 0);
        state.troubles.clear();
        state.failed = false;
        begun
    }

    /// A disk with what may be found after a power cut now: of what was not synced a part, in which
    /// writes may be torn.
    pub(super) fn power_cut(&self, rng: &mut Rng) -> Disk {
        let state = self.state();
        let name = state.names[rng.below(state.names.len())];
        match name.and_then(|file| state.files.get(file)) {
            Some(content) => Disk::of(content.power_cut(rng)),
            None => Disk::without(),
        }
    }

    fn file(&self, bytes: Vec<u8>) -> usize {
        let mut state = self.state();
        state.files.push(Content {
            bytes,
            ..Content::default()
        });
        state.files.len() - 1
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn power_cut(&self, rng: &mut Rng) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        let first_lost = rng.below(self.since.len() + 1);
        let in_order = rng.below(2) == 0;
        let all_lost = rng.below(2) == 0;
        for (number, (fate, step)) in self.since.iter().enumerate() {
            let torn = match fate {
                Fate::Synced => false,
                Fate::Lost if all_lost => continue,
                Fate::Open if in_order && number < first_lost => false,
                Fate::Open if in_order && number == first_lost => true,
                Fate::Open if in_order => continue,
                _ if rng.below(3) == 0 => continue,
                _ => rng.below(4) == 0,
            };
            match step {
                Step::Length(length) => bytes.resize(*length, 0),
                Step::Write(at, data) if torn => tear(&mut bytes, *at, data, rng),
                Step::Write(at, data) => put(&mut bytes, *at, data),
            }
        }
        bytes
    }

    fn sync(&mut self, fate: Fate) {
        let open = self.since.iter_mut().filter(|(was, _)| *was == Fate::Open);
        open.for_each(|(was, _)| *was = fate);
        if self.since.iter().all(|(was, _)| *was == Fate::Synced) {
            self.synced = self.bytes.clone();
            self.since.clear();
        }
    }
}

/// A write of which some sectors arrive, or all bytes up to one.
fn tear(bytes: &mut Vec<u8>, at: usize, data: &[u8], rng: &mut Rng) {
    if rng.below(2) == 0 {
        return put(bytes, at, &data[..rng.below(data.len() + 1)]);
    }
    for (number, sector) in data.chunks(SECTOR).enumerate() {
        if rng.below(2) == 0 {
            put(bytes, at + number * SECTOR, sector);
        }
    }
}

/// A file grows with a write behind its end.
fn put(bytes: &mut Vec<u8>, at: usize, data: &[u8]) {
    if bytes.len() < at + data.len() {
        bytes.resize(at + data.len(), 0);
    }
    bytes[at..at + data.len()].copy_from_slice(data);
}

impl State {
    fn now(&self) -> Option<usize> {
        self.names.last().copied().flatten()
    }

    fn count_doubt(&mut self, file: usize) {
        let named = self.now() == Some(file);
        self.in_doubt += usize::from(named && self.files[file].doubtful);
    }

    fn may_change(&mut self) -> io::Result<()> {
        while self.troubles.front().is_some_and(|next| next.count == 0) {
            self.troubles.pop_front();
        }
        match self.troubles.front_mut() {
            Some(Trouble { after, .. }) if *after > 0 => *after -= 1,
            Some(Trouble { count, kind, .. }) => {
                *count -= 1;
                self.failed = true;
                return Err((*kind).into());
            }
            None => {}
        }
        Ok(())
    }
}

impl Place for Disk {
    fn open(&self) -> Result<Medium, Problem> {
        let read_only = self.state().read_only;
        match read_only {
            true => Err(Problem::ReadOnly),
            false => self.open_to_read(),
        }
    }

    fn open_to_read(&self) -> Result<Medium, Problem> {
        let now = self.state().now();
        let file = now.ok_or(Problem::Io(io::ErrorKind::NotFound.into()))?;
        Ok(Handle(self.clone(), file).medium())
    }

    fn leads_to(&self) -> Result<Option<FileId>, Problem> {
        Ok(self.state().now().map(|file| FileId(0, file as u64)))
    }

    /// A folder's sync that fails leaves open which name survives.
    fn put(&self, over: Option<FileId>, make: &mut Make<'_>) -> Result<(), Problem> {
        if self.state().read_only {
            return Err(Problem::ReadOnly);
        }
        let handle = Handle(self.clone(), self.file(Vec::new()));
        make(handle.medium())?;
        handle.sync_data()?;
        if self.leads_to()? != over {
            return Err(Problem::Gone);
        }
        let mut state = self.state();
        state.may_change()?;
        state.names.push(Some(handle.1));
        state.may_change()?;
        state.names = vec![Some(handle.1)];
        Ok(())
    }
}

/// A file of a disk.
#[derive(Debug)]
struct Handle(Disk, usize);

impl Handle {
    fn medium(&self) -> Medium {
        let Handle(disk, file) = self;
        Medium::new(Handle(disk.clone(), *file), FileId(0, *file as u64))
    }
}

impl StorageBackend for Handle {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.state().files[self.1].bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let (mut state, at) = (self.0.state(), offset as usize);
        state.read += out.len();
        let there = state.files[self.1].bytes.get(at..at + out.len());
        out.copy_from_slice(there.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.0.state();
        state.may_change()?;
        state.count_doubt(self.1);
        let content = &mut state.files[self.1];
        content.bytes.resize(len as usize, 0);
        let step = Step::Length(len as usize);
        content.since.push((Fate::Open, step));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.0.state();
        let result = state.may_change();
        let fate = match result {
            Ok(()) => Fate::Synced,
            Err(_) => Fate::Lost,
        };
        state.files[self.1].sync(fate);
        state.files[self.1].doubtful |= fate == Fate::Lost;
        result
    }

    /// One that fails may have done half of its work.
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.0.state();
        let result = state.may_change();
        let done = if result.is_ok() {
            data
        } else {
            &data[..data.len() / 2]
        };
        state.written += done.len();
        state.count_doubt(self.1);
        let content = &mut state.files[self.1];
        put(&mut content.bytes, offset as usize, done);
        let step = Step::Write(offset as usize, done.to_vec());
        content.since.push((Fate::Open, step));
        result
    }
}

/// The same numbers for the same seed: splitmix64.
pub(super) struct Rng(pub(super) u64);

impl Rng {
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}
