//! What is wanted when the daemon starts: what the store has, or else what a file says.

use super::Kept;
use crate::config::{ConfigErrors, Wanted};
use crate::reconcile::steps;
use std::path::Path;
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
}

/// Why it is not known what is wanted.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// The file is wrong, and it counts.
    #[error("the configuration is not usable:\n{0}")]
    Config(#[from] ConfigErrors),
}

/// Finds out what is wanted. After the first start the store is the truth, and a file is only
/// compared with it.
///
/// # Errors
/// [`KeeperError`]; a file that does not count is no error.
pub fn begin(sources: Sources<'_>) -> Result<Begun, KeeperError> {
    let file = sources.config.map(Wanted::load);
    let (wanted, _) = choose(None, file, sources.replace)?;
    Ok(Begun {
        wanted: Arc::new(wanted),
        previous: None,
        revision: 0,
        kept: Kept::Nothing,
    })
}

/// What is wanted, and whether that is news for the store.
fn choose(
    saved: Option<Wanted>,
    file: Option<Result<Wanted, ConfigErrors>>,
    replace: bool,
) -> Result<(Wanted, bool), ConfigErrors> {
    match (saved, file) {
        (None, None) => {
            info!("nothing is configured yet: see overpath port add, overpath config apply");
            Ok((Wanted::default(), false))
        }
        (None, Some(file)) => Ok((file?, true)),
        (Some(_), Some(file)) if replace => Ok((file?, true)),
        (Some(saved), Some(Ok(file))) => {
            match steps(&saved, &file).len() {
                0 => {}
                count => warn!(
                    "the store counts, from which the configuration file differs by {count} steps: \
                     see overpath config diff; --replace makes the file count"
                ),
            }
            Ok((saved, false))
        }
        (Some(saved), Some(Err(errors))) => {
            warn!("the store counts; the configuration file is not usable:\n{errors}");
            Ok((saved, false))
        }
        (Some(saved), None) => Ok((saved, false)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(bridge: &str) -> Wanted {
        Wanted::parse(&format!("bridge = [{{ name = '{bridge}' }}]"), "t").unwrap()
    }

    fn broken() -> ConfigErrors {
        Wanted::parse("x", "t").unwrap_err()
    }

    #[test]
    fn a_file_counts_at_the_first_start_only() {
        let file = || Some(Ok(with("file")));
        let saved = || Some(with("saved"));
        assert_eq!(choose(None, file(), false), Ok((with("file"), true)));
        assert_eq!(choose(saved(), file(), false), Ok((with("saved"), false)));
        assert_eq!(choose(saved(), None, false), Ok((with("saved"), false)));
        assert_eq!(choose(None, None, false), Ok((Wanted::default(), false)));
    }

    #[test]
    fn a_file_counts_if_it_is_told_to() {
        let file = Some(Ok(with("file")));
        assert_eq!(
            choose(Some(with("saved")), file, true),
            Ok((with("file"), true))
        );
        let told = choose(Some(with("saved")), Some(Err(broken())), true);
        assert_eq!(told, Err(broken()));
        assert_eq!(
            choose(Some(with("saved")), None, true),
            Ok((with("saved"), false))
        );
    }

    #[test]
    fn a_wrong_file_is_an_error_only_where_it_counts() {
        let wrong = || Some(Err(broken()));
        assert_eq!(choose(None, wrong(), false), Err(broken()));
        assert_eq!(
            choose(Some(with("saved")), wrong(), false),
            Ok((with("saved"), false))
        );
    }
}
