//! A disk that can be watched, cut off from power, and made to fail.

use crate::store::Store;
use crate::store::error::{Problem, StoreError};
use crate::store::format;
use crate::store::medium::{Medium, Place};
use redb::StorageBackend;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const SECTOR: usize = 512;

/// Clones are the same disk.
#[derive(Clone, Debug)]
pub(super) struct Disk(Arc<Mutex<State>>);

#[derive(Clone, Debug, Default)]
struct State {
    /// What is read.
    bytes: Vec<u8>,
    /// What survives a power cut for sure.
    synced: Vec<u8>,
    /// What was done since, of which any part may survive.
    unsynced: Vec<Step>,
    written: usize,
    trouble: Option<Trouble>,
    read_only: bool,
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
        let synced = bytes.clone();
        Disk(Arc::new(Mutex::new(State {
            bytes,
            synced,
            ..State::default()
        })))
    }

    pub(super) fn store(&self) -> Result<Store, StoreError> {
        Store::at(Box::new(self.clone()), Path::new("disk"))
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.state().bytes.clone()
    }

    /// Bytes written so far.
    pub(super) fn written(&self) -> usize {
        self.state().written
    }

    /// From now on `count` operations fail, after `after` that do not.
    pub(super) fn fail(&self, after: usize, count: usize, kind: io::ErrorKind) {
        self.state().trouble = Some(Trouble { after, count, kind });
    }

    /// From now on it can only be opened to be read, or also to be written.
    pub(super) fn mount(&self, read_only: bool) {
        self.state().read_only = read_only;
    }

    /// All is well again; says whether anything failed meanwhile.
    pub(super) fn mend(&self) -> bool {
        self.state()
            .trouble
            .take()
            .is_some_and(|trouble| trouble.after == 0)
    }

    /// A disk with what may be found after a power cut now: of what was not synced a part, in which
    /// writes may be torn.
    pub(super) fn power_cut(&self, rng: &mut Rng) -> Disk {
        let state = self.state();
        let mut bytes = state.synced.clone();
        let first_lost = rng.below(state.unsynced.len() + 1);
        let in_order = rng.below(2) == 0;
        for (number, step) in state.unsynced.iter().enumerate() {
            let torn = match in_order {
                true if number < first_lost => false,
                true if number == first_lost => true,
                true => break,
                false if rng.below(3) == 0 => continue,
                false => rng.below(4) == 0,
            };
            match step {
                Step::Length(length) => bytes.resize(*length, 0),
                Step::Write(at, data) if torn => tear(&mut bytes, *at, data, rng),
                Step::Write(at, data) => put(&mut bytes, *at, data),
            }
        }
        Disk::of(bytes)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn may_change(&mut self) -> io::Result<()> {
        match &mut self.trouble {
            Some(Trouble { after, .. }) if *after > 0 => *after -= 1,
            Some(Trouble { count, kind, .. }) if *count > 0 => {
                *count -= 1;
                return Err((*kind).into());
            }
            _ => {}
        }
        Ok(())
    }
}

impl Place for Disk {
    fn open(&self) -> Result<Medium, Problem> {
        match self.state().read_only {
            true => Err(Problem::ReadOnly),
            false => self.open_to_read(),
        }
    }

    fn open_to_read(&self) -> Result<Medium, Problem> {
        Ok(Medium(Box::new(self.clone())))
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let (state, at) = (self.state(), offset as usize);
        let there = state.bytes.get(at..at + out.len());
        out.copy_from_slice(there.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state();
        state.may_change()?;
        state.bytes.resize(len as usize, 0);
        state.unsynced.push(Step::Length(len as usize));
        Ok(())
    }

    /// One that fails may have done its work.
    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state();
        state.may_change()?;
        state.synced = state.bytes.clone();
        state.unsynced.clear();
        Ok(())
    }

    /// One that fails may have done half of its work.
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        let result = state.may_change();
        let done = if result.is_ok() {
            data
        } else {
            &data[..data.len() / 2]
        };
        put(&mut state.bytes, offset as usize, done);
        state
            .unsynced
            .push(Step::Write(offset as usize, done.to_vec()));
        state.written += done.len();
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
