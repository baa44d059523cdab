//! `overpath man`: the manual pages, one for each command, made of what `--help` says.

use crate::args::Arguments;
use clap::CommandFactory;
use std::path::Path;

/// Writes them into `folder`, which is made if need be.
///
/// # Errors
/// Those of the system.
pub(crate) fn write(folder: &Path) -> Result<String, String> {
    let fault = |error: std::io::Error| format!("{}: {error}", folder.display());
    std::fs::create_dir_all(folder).map_err(fault)?;
    clap_mangen::generate_to(Arguments::command(), folder).map_err(fault)?;
    Ok(String::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_noun_and_verb_has_a_page() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("man");
        write(&folder).unwrap();
        for page in ["overpath", "overpath-vxlan", "overpath-config-apply"] {
            let text = std::fs::read_to_string(folder.join(format!("{page}.1"))).unwrap();
            assert!(text.contains(".TH") && text.contains("socket"), "{page}");
        }
        assert!(
            !folder.join("overpath-man.1").exists(),
            "it is for packagers"
        );
    }
}
