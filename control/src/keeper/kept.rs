//! Where what is wanted is kept.

use crate::config::Wanted;
use crate::store::Store;

/// What survives the daemon.
#[derive(Debug)]
pub enum Kept {
    /// Nothing.
    Nothing,
    /// What the store has.
    Store(Box<Store>),
    /// What a test wants to see.
    #[cfg(test)]
    Played(Played),
}

/// A store that is played: what it has, and whether it takes more.
#[cfg(test)]
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// What was stored.
    pub saved: std::sync::Arc<std::sync::Mutex<Vec<Wanted>>>,
    /// What it has.
    pub now: Option<Wanted>,
    /// There is no room for more.
    pub full: std::sync::Arc<std::sync::atomic::AtomicBool>,
    /// It can be seen before that nothing can be stored.
    pub shut: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Kept {
    /// Whether a change can be stored, as far as can be seen before.
    pub(crate) fn ready(&mut self) -> Result<(), String> {
        match self {
            Kept::Nothing => Ok(()),
            Kept::Store(store) => store.ready().map_err(|error| error.to_string()),
            #[cfg(test)]
            Kept::Played(played) => {
                let shut = played.shut.load(std::sync::atomic::Ordering::Relaxed);
                (!shut).then_some(()).ok_or_else(|| "read-only".to_owned())
            }
        }
    }

    /// Stores durably that `after` is wanted, where `before` was, and returns its revision. The one
    /// before was `revision`.
    pub(crate) fn commit(
        &mut self,
        before: &Wanted,
        after: &Wanted,
        revision: u64,
    ) -> Result<u64, String> {
        match self {
            Kept::Nothing => Ok(revision + 1),
            Kept::Store(store) => store.commit(before, after).map_err(|e| e.to_string()),
            #[cfg(test)]
            Kept::Played(played) => {
                if played.full.load(std::sync::atomic::Ordering::Relaxed) {
                    return Err("no room".to_owned());
                }
                let had = played.now.replace(after.clone());
                if had.is_some_and(|had| had != *before) {
                    return Err("it has something else".to_owned());
                }
                let mut saved = played.saved.lock().map_err(|e| e.to_string())?;
                saved.push(after.clone());
                Ok(revision + 1)
            }
        }
    }
}
