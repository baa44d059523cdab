//! Which rows differ between two lists of static entries.
//!
//! The list has an order, and a row has its place in it as a number: less than those behind it. There
//! is room between the numbers, so that a list which changes at one place costs one row.

use super::error::Problem;
use super::rows::{Key, key};
use crate::config::FdbEntry;
use std::collections::{HashMap, HashSet};

/// The room behind the last entry: 2^24 entries, the most of a switch, leave 2^8 times as much.
const STEP: u64 = 1 << 32;

/// What is to be done with the rows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes<'a> {
    /// Those that go.
    pub(super) removed: Vec<&'a FdbEntry>,
    /// Those that come or differ, with their positions.
    pub(super) written: Vec<(&'a FdbEntry, u64)>,
}

/// What makes `after` of `before`, whose rows have the positions that `position` says.
pub(super) fn changes<'a>(
    before: &'a [FdbEntry],
    after: &'a [FdbEntry],
    position: impl Fn(&FdbEntry) -> Result<u64, Problem>,
) -> Result<Changes<'a>, Problem> {
    let front = same(before.iter(), after.iter());
    let (old, new) = (&before[front..], &after[front..]);
    let back = same(old.iter().rev(), new.iter().rev());
    let (old, behind) = old.split_at(old.len() - back);
    let new = &new[..new.len() - back];

    let places = Places {
        new,
        kept: kept(old, new),
        front: before[..front].last(),
        behind: behind.first(),
        position,
    };
    let removed = gone(old, new);
    let written = match places.assign()? {
        Some(written) => written,
        None => after.iter().zip((1..).map(|n| n * STEP)).collect(),
    };
    Ok(Changes { removed, written })
}

fn same<'a>(a: impl Iterator<Item = &'a FdbEntry>, b: impl Iterator<Item = &'a FdbEntry>) -> usize {
    a.zip(b).take_while(|(a, b)| a == b).count()
}

fn gone<'a>(old: &'a [FdbEntry], new: &[FdbEntry]) -> Vec<&'a FdbEntry> {
    let stay: HashSet<Key> = new.iter().map(key).collect();
    old.iter()
        .filter(|entry| !stay.contains(&key(entry)))
        .collect()
}

/// For each of `new`, what it was if it keeps its position: it was there, behind all before it that
/// keep theirs.
fn kept<'a>(old: &'a [FdbEntry], new: &[FdbEntry]) -> Vec<Option<&'a FdbEntry>> {
    let at: HashMap<Key, usize> = old.iter().enumerate().map(|(at, e)| (key(e), at)).collect();
    let mut next = 0;
    let keeps = |entry: &FdbEntry| {
        let at = at.get(&key(entry)).filter(|at| **at >= next)?;
        next = at + 1;
        old.get(*at)
    };
    new.iter().map(keeps).collect()
}

/// Entries whose positions are looked for.
struct Places<'a, P> {
    new: &'a [FdbEntry],
    /// What each of them was, if it keeps its position.
    kept: Vec<Option<&'a FdbEntry>>,
    /// The entries before and behind all of them.
    front: Option<&'a FdbEntry>,
    behind: Option<&'a FdbEntry>,
    position: P,
}

impl<'a, P: Fn(&FdbEntry) -> Result<u64, Problem>> Places<'a, P> {
    /// The rows to write; `None` if there is no room somewhere.
    fn assign(&self) -> Result<Option<Vec<(&'a FdbEntry, u64)>>, Problem> {
        let (mut written, mut at) = (Vec::new(), 0);
        while let Some(entry) = self.new.get(at) {
            if let Some(was) = self.kept[at] {
                if was != entry {
                    written.push((entry, (self.position)(was)?));
                }
                at += 1;
                continue;
            }
            let run = self.kept[at..]
                .iter()
                .take_while(|kept| kept.is_none())
                .count();
            let Some(places) = self.room(at, at + run)? else {
                return Ok(None);
            };
            written.extend(self.new[at..at + run].iter().zip(places));
            at += run;
        }
        Ok(Some(written))
    }

    /// Positions for the entries from `start` to before `end`, between those of their neighbours.
    fn room(
        &self,
        start: usize,
        end: usize,
    ) -> Result<Option<impl Iterator<Item = u64> + use<'a, P>>, Problem> {
        let of = |entry: Option<&FdbEntry>| entry.map(&self.position).transpose();
        let low = match start {
            0 => of(self.front)?,
            _ => of(self.kept[start - 1])?,
        };
        let high = match self.kept.get(end) {
            Some(next) => of(*next)?,
            None => of(self.behind)?,
        };
        let (low, count) = (low.unwrap_or(0), (end - start) as u64);
        let step = high.map_or(STEP, |high| high.saturating_sub(low) / (count + 1));
        let fits = step > 0
            && step
                .checked_mul(count)
                .is_some_and(|all| low.checked_add(all).is_some());
        Ok(fits.then(|| (1..=count).map(move |n| low + n * step)))
    }
}
