//! The model of a NIC that a daemon preloads.

use crate::Result;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The model in front of DPDK's functions, built once by this process.
///
/// # Errors
/// If it cannot be built.
pub fn library() -> Result<&'static Path> {
    static LIBRARY: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();
    let built = LIBRARY.get_or_init(|| {
        let test = std::env::current_exe().map_err(|error| error.to_string())?;
        // Tests of another file may build theirs meanwhile.
        let library = test.with_extension("nic-model.so");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/nic-model");
        let status = Command::new(script).arg(&library).status();
        match status.map(|status| status.success()) {
            Ok(true) => Ok(library),
            other => Err(format!("{script}: {other:?}")),
        }
    });
    Ok(built.as_deref().map_err(Clone::clone)?)
}
