//! A file that is read, and written to in memory only.

use super::medium::Medium;
use redb::StorageBackend;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes of a block: what redb mostly writes at once.
const BLOCK: usize = 4096;

/// What a file would be if all that is written here were written there. Memory is taken for what is
/// written, whatever the length of the file.
#[derive(Debug)]
pub(super) struct Overlay {
    below: Medium,
    above: Mutex<Above>,
}

#[derive(Debug)]
struct Above {
    /// In bytes.
    length: u64,
    /// So many bytes of the file are still seen; behind them are zeros.
    seen: u64,
    /// By their number.
    blocks: BTreeMap<u64, Box<[u8; BLOCK]>>,
}

impl Overlay {
    pub(super) fn new(below: Medium) -> io::Result<Self> {
        let length = below.len()?;
        let above = Mutex::new(Above {
            length,
            seen: length,
            blocks: BTreeMap::new(),
        });
        Ok(Overlay { below, above })
    }

    fn above(&self) -> MutexGuard<'_, Above> {
        self.above.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the file has there, and zeros behind what is seen of it.
    fn read_below(&self, seen: u64, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let there = seen.saturating_sub(offset).min(out.len() as u64) as usize;
        let (file, zeros) = out.split_at_mut(there);
        zeros.fill(0);
        if file.is_empty() {
            return Ok(());
        }
        self.below.read(offset, file)
    }
}

/// The part of block `number` that lies in `length` bytes at `offset`: from where to where in the block, and
/// where that begins in the bytes.
fn part(number: u64, offset: u64, length: usize) -> (usize, usize, usize) {
    let start = number * BLOCK as u64;
    let from = offset.saturating_sub(start) as usize;
    let to = ((offset + length as u64 - start) as usize).min(BLOCK);
    (from, to, start.saturating_sub(offset) as usize)
}

/// The numbers of the blocks that `length` bytes at `offset` lie in.
fn blocks(offset: u64, length: usize) -> std::ops::Range<u64> {
    let block = BLOCK as u64;
    offset / block..(offset + length as u64).div_ceil(block)
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.above().length)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let above = self.above();
        let end = offset.checked_add(out.len() as u64);
        if end.is_none_or(|end| end > above.length) {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.read_below(above.seen, offset, out)?;
        for (number, block) in above.blocks.range(blocks(offset, out.len())) {
            let (from, to, at) = part(*number, offset, out.len());
            out[at..at + to - from].copy_from_slice(&block[from..to]);
        }
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut above = self.above();
        above.length = length;
        above.seen = above.seen.min(length);
        above.blocks.split_off(&length.div_ceil(BLOCK as u64));
        let rest = (length % BLOCK as u64) as usize;
        if let Some(block) = above.blocks.get_mut(&(length / BLOCK as u64)) {
            block[rest..].fill(0);
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut above = self.above();
        let end = offset.checked_add(data.len() as u64);
        above.length = above.length.max(end.ok_or(ErrorKind::FileTooLarge)?);
        let seen = above.seen;
        for number in blocks(offset, data.len()) {
            let (from, to, at) = part(number, offset, data.len());
            let mut block = match above.blocks.remove(&number) {
                Some(block) => block,
                None => {
                    let mut block = Box::new([0; BLOCK]);
                    self.read_below(seen, number * BLOCK as u64, &mut block[..])?;
                    block
                }
            };
            block[from..to].copy_from_slice(&data[at..at + to - from]);
            above.blocks.insert(number, block);
        }
        Ok(())
    }
}
