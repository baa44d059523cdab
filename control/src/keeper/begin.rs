//! What is wanted when the daemon starts: what the store has, or else what a file says.

use super::Kept;
use crate::config::{ConfigErrors, Wanted};
use crate::reconcile::steps;
use crate::store::{Problem, Store, StoreError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tracing::{info, warn};

/// Where what is wanted can come from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sources<'a> {
    /// A file.
    pub config: Option<&'a Path>,
    /// The store; none: nothing is kept.
    pub store: Option<&'a Path>,
    /// The file counts, whatever the store has.
    pub replace: bool,
}

/// What there is at the start.
#[derive(Debug)]
pub struct Begun {
    /// What is wanted.
    pub wanted: Arc<Wanted>,
    /// What was before the last change, if that is known.
    pub previous: Option<Arc<Wanted>>,
    /// The number of changes so far.
    pub revision: u64,
    /// Where it is kept.
    pub kept: Kept,
    /// A file says so, which is not stored yet.
    pub(crate) due: bool,
}

impl Begun {
    /// Stores what a file says, if it counts. To be done when the switch has what it takes from the
    /// start on: what cannot be had is not to be what each later start begins with. Blocks.
    ///
    /// # Errors
    /// It cannot be stored, and takes the place of something; or the disk is not what is wrong.
    pub fn keep(mut self) -> Result<Self, KeeperError> {
        if let Kept::Store(store) = &mut self.kept
            && self.due
        {
            self.revision = match &self.previous {
                None => first(store, &self.wanted)?,
                Some(saved) => store.commit(saved, &self.wanted)?,
            };
        }
        self.due = false;
        Ok(self)
    }
}

/// Why it is not known what is wanted.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// The file is wrong, and it counts.
    #[error("the configuration is not usable:\n{0}")]
    Config(#[from] ConfigErrors),
    /// The store cannot be used.
    #[error("{0}\n--store PATH names another one, --store none does without")]
    Store(#[from] StoreError),
    /// The folder of the store cannot be made.
    #[error("the folder of the store, {}: {}", .0.display(), .1)]
    Folder(PathBuf, #[source] Problem),
}

/// Finds out what is wanted. After the first start the store is the truth, and a file is only
/// compared with it; a first file that wants nothing is not stored, so that it can be written later. A
/// first file that finds no room, or a file system that is read-only, counts all the same: to forward
/// matters more than to change, and the next start reads the same file. Nothing is stored before
/// [`Begun::keep`]. Blocks while they are read.
///
/// # Errors
/// [`KeeperError`]; a file that does not count is no error.
pub fn begin(sources: Sources<'_>) -> Result<Begun, KeeperError> {
    let file = sources.config.map(Wanted::load);
    let Some(path) = sources.store else {
        return Ok(Begun {
            wanted: Arc::new(choose(None, file, sources.replace)?.unwrap_or_default()),
            previous: None,
            revision: 0,
            kept: Kept::Nothing,
            due: false,
        });
    };
    if let Some(folder) = path.parent()
        && let Err(error) = std::fs::create_dir_all(folder)
    {
        match Problem::from(error) {
            // The store knows what to do then.
            problem if problem.may_pass() => {}
            problem => return Err(KeeperError::Folder(folder.into(), problem)),
        }
    }
    with_store(Store::open(path)?, file, sources.replace)
}

/// The same, of a store that is open. It may be one that can only be read.
pub(crate) fn with_store(
    mut store: Store,
    file: Option<Result<Wanted, ConfigErrors>>,
    replace: bool,
) -> Result<Begun, KeeperError> {
    let saved = store.load()?;
    let revision = saved.as_ref().map_or(0, |saved| saved.revision);
    let saved = saved.map(|saved| saved.wanted);
    let Some(wanted) = choose(saved.as_ref(), file, replace)? else {
        // To forward matters more than to know what was before.
        let previous = store.previous().unwrap_or_else(|error| {
            warn!("what was before the last change is not known: {error}");
            None
        });
        return Ok(Begun {
            wanted: Arc::new(saved.unwrap_or_default()),
            previous: previous.map(|previous| Arc::new(previous.wanted)),
            revision,
            kept: Kept::Store(Box::new(store)),
            due: false,
        });
    };
    // A first file that wants nothing is nothing to keep yet, and the next start reads it again.
    let due = saved.is_some() || !wants_nothing(&wanted);
    Ok(Begun {
        wanted: Arc::new(wanted),
        previous: saved.map(Arc::new),
        revision,
        kept: Kept::Store(Box::new(store)),
        due,
    })
}

/// Stores what a first file says, and returns its revision: 0 if that has to wait.
fn first(store: &mut Store, wanted: &Wanted) -> Result<u64, StoreError> {
    match store.commit(&Wanted::default(), wanted) {
        Err(error) if error.problem().may_pass() => {
            warn!(
                "the configuration file counts and is not stored, and changes are refused until \
                 there is a store: {error}"
            );
            Ok(0)
        }
        stored => stored,
    }
}

/// What the file says, if that counts; else it is what the store has, or nothing.
fn choose(
    saved: Option<&Wanted>,
    file: Option<Result<Wanted, ConfigErrors>>,
    replace: bool,
) -> Result<Option<Wanted>, ConfigErrors> {
    match (saved, file) {
        (None, None) => {
            info!("nothing is configured yet: see overpath port add, overpath config apply");
            Ok(None)
        }
        (None, Some(file)) => {
            let file = file?;
            if wants_nothing(&file) {
                info!(
                    "the configuration file wants nothing yet; it is read again at the next start"
                );
            }
            Ok(Some(file))
        }
        // What is so already is no change.
        (Some(saved), Some(file)) if replace => {
            let file = file?;
            match steps(saved, &file).len() {
                0 => {}
                count => warn!(
                    "--replace: the configuration file takes the place of what the store had, in \
                     {count} steps; overpath config rollback goes back. Without --replace the next \
                     start keeps what is changed until then"
                ),
            }
            Ok(Some(file).filter(|file| file != saved))
        }
        (Some(saved), Some(Ok(file))) => {
            match steps(saved, &file).len() {
                0 => {}
                count => warn!(
                    "the store counts, from which the configuration file differs by {count} steps: \
                     see overpath config diff; --replace makes the file count"
                ),
            }
            Ok(None)
        }
        (Some(_), Some(Err(errors))) => {
            warn!("the store counts; the configuration file is not usable:\n{errors}");
            Ok(None)
        }
        (Some(_), None) => Ok(None),
    }
}

/// Whether it has settings at most. Those of the switch alone forward nothing.
pub(super) fn wants_nothing(wanted: &Wanted) -> bool {
    let Wanted {
        switch: _,
        ports,
        routes,
        neighbours,
        bridges,
        tunnels,
        fdb,
    } = wanted;
    ports.is_empty()
        && routes.is_empty()
        && neighbours.is_empty()
        && bridges.is_empty()
        && tunnels.is_empty()
        && fdb.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::changes;
    use crate::keeper::Keeper;

    fn text(bridge: &str) -> String {
        format!("bridge = [{{ name = '{bridge}' }}]\n")
    }

    fn with(bridge: &str) -> Wanted {
        Wanted::parse(&text(bridge), "t").unwrap()
    }

    /// A folder with a store that may be there, and a file.
    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            Place(tempfile::tempdir().unwrap())
        }

        fn store(&self) -> PathBuf {
            self.0.path().join("new").join("store")
        }

        fn begin(&self, file: Option<&str>, replace: bool) -> Result<Begun, KeeperError> {
            let path = self.0.path().join("c.toml");
            if let Some(text) = file {
                std::fs::write(&path, text).unwrap();
            }
            self.decide(&path, file.is_some(), replace)?.keep()
        }

        /// The same, and the daemon goes no further.
        fn decide(&self, path: &Path, has: bool, replace: bool) -> Result<Begun, KeeperError> {
            begin(Sources {
                config: has.then_some(path),
                store: Some(&self.store()),
                replace,
            })
        }

        fn wanted(&self, file: Option<&str>, replace: bool) -> (Wanted, u64) {
            let begun = self.begin(file, replace).unwrap();
            (Wanted::clone(&begun.wanted), begun.revision)
        }
    }

    #[test]
    fn a_file_counts_at_the_first_start_only() {
        let place = Place::new();
        assert_eq!(place.wanted(None, false), (Wanted::default(), 0));
        assert_eq!(place.wanted(Some(&text("one")), false), (with("one"), 1));
        assert_eq!(place.wanted(Some(&text("two")), false), (with("one"), 1));
        assert_eq!(place.wanted(None, false), (with("one"), 1));
    }

    /// A file that asks for more than there is can be mended, and is read again.
    #[test]
    fn what_cannot_be_had_from_the_start_on_is_not_stored() {
        let place = Place::new();
        let path = place.0.path().join("c.toml");
        for (file, replace, kept) in [("one", false, None), ("two", true, Some("one"))] {
            std::fs::write(&path, text("much")).unwrap();
            let begun = place.decide(&path, true, replace).unwrap();
            assert_eq!(begun.revision, u64::from(kept.is_some()));
            drop(begun);
            let revision = u64::from(kept.is_some()) + 1;
            assert_eq!(
                place.wanted(Some(&text(file)), replace),
                (with(file), revision)
            );
        }
    }

    /// As in the package: a file of comments at first, which is written then.
    #[test]
    fn a_file_that_wants_nothing_is_read_again_until_it_wants_something() {
        let place = Place::new();
        for text in [include_str!("../../../packaging/overpath.toml"), "[switch]"] {
            assert_eq!(place.wanted(Some(text), false), (Wanted::default(), 0));
        }
        let settings = "[switch]\nmbufs = 32768";
        let (wanted, revision) = place.wanted(Some(settings), false);
        assert_eq!((wanted.switch.mbufs, revision), (32768, 0));
        assert_eq!(place.wanted(Some(&text("one")), false), (with("one"), 1));
        assert_eq!(place.wanted(Some(settings), false), (with("one"), 1));
    }

    /// Who took everything away wants that, whatever the file says.
    #[test]
    fn nothing_is_kept_if_it_comes_after_something() {
        let place = Place::new();
        place.wanted(Some(&text("one")), false);
        assert_eq!(place.wanted(Some(""), true), (Wanted::default(), 2));
        assert_eq!(
            place.wanted(Some(&text("one")), false),
            (Wanted::default(), 2)
        );
    }

    #[test]
    fn a_file_counts_if_it_is_told_to_and_can_be_undone() {
        let place = Place::new();
        place.wanted(Some(&text("one")), false);
        assert_eq!(place.wanted(Some(&text("two")), true), (with("two"), 2));
        assert_eq!(place.wanted(Some(&text("two")), true), (with("two"), 2));
        let begun = place.begin(None, true).unwrap();
        assert_eq!((&*begun.wanted, begun.revision), (&with("two"), 2));
        assert_eq!(begun.previous.as_deref(), Some(&with("one")));
    }

    #[test]
    fn a_wrong_file_is_an_error_only_where_it_counts() {
        let place = Place::new();
        let error = place.begin(Some("x"), false).unwrap_err().to_string();
        assert!(
            error.starts_with("the configuration is not usable:\n"),
            "{error}"
        );
        place.wanted(Some(&text("one")), false);
        assert_eq!(place.wanted(Some("x"), false), (with("one"), 1));
        assert!(place.begin(Some("x"), true).is_err());
        assert_eq!(place.wanted(None, false), (with("one"), 1));
    }

    #[test]
    fn a_store_that_cannot_be_used_is_told_with_a_way_out() {
        let place = Place::new();
        let first = place.begin(Some(&text("one")), false).unwrap();
        let error = place.begin(None, false).unwrap_err().to_string();
        assert!(error.contains("another overpathd has it open"), "{error}");
        drop(first);
        std::fs::write(place.store(), "no store").unwrap();
        let error = place
            .begin(Some(&text("two")), true)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("damaged") && error.ends_with("--store none does without"),
            "{error}"
        );
        assert_eq!(std::fs::read(place.store()).unwrap(), b"no store");
        std::fs::remove_dir_all(place.store().parent().unwrap()).unwrap();
        std::fs::write(place.store().parent().unwrap(), "a file").unwrap();
        let error = place.begin(None, false).unwrap_err().to_string();
        assert!(error.starts_with("the folder of the store, "), "{error}");
    }

    #[test]
    fn without_a_store_the_file_is_read_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.toml");
        for bridge in ["one", "two"] {
            std::fs::write(&file, text(bridge)).unwrap();
            let config = Some(&*file);
            let begun = begin(Sources {
                config,
                ..Sources::default()
            })
            .unwrap();
            assert_eq!((&*begun.wanted, begun.revision), (&with(bridge), 0));
        }
    }

    /// What is changed is there at the next start, and what was before it too.
    #[test]
    fn a_change_is_there_at_the_next_start() {
        let place = Place::new();
        let begun = place.begin(Some(&text("one")), false).unwrap();
        let (sender, receiver) = changes();
        let state = std::thread::spawn(move || {
            let change: crate::change::Change = receiver.recv().unwrap();
            change.answer(Ok(crate::change::Done::default()));
        });
        let mut keeper = Keeper::new(begun, sender);
        keeper.change(with("two")).unwrap();
        state.join().unwrap();
        drop(keeper);
        let begun = place.begin(Some(&text("one")), false).unwrap();
        assert_eq!((&*begun.wanted, begun.revision), (&with("two"), 2));
        assert_eq!(begun.previous.as_deref(), Some(&with("one")));
    }
}
