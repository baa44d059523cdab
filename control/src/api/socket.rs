//! The socket's file: made where nobody listens, removed by the one who made it.

use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::{UnixListener, UnixSocket, UnixStream};

/// Who reaches it: the daemon's user, and the group of the file.
const MODE: u32 = 0o660;
/// Clients that may wait to be accepted.
const BACKLOG: u32 = 128;

/// Why the API cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Another daemon serves there.
    #[error("{}: another process listens here; stop it, or choose another --socket", .0.display())]
    InUse(PathBuf),
    /// What is there is not ours to replace.
    #[error("{}: exists and is not a socket; remove it, or choose another --socket", .0.display())]
    NotASocket(PathBuf),
    /// The folder of the socket cannot be made.
    #[error("{}: cannot make this folder for the socket: {}", .0.display(), .1)]
    Folder(PathBuf, #[source] io::Error),
    /// The socket cannot be made. A path has at most 107 bytes.
    #[error("{}: cannot listen here: {}", .0.display(), .1)]
    Bind(PathBuf, #[source] io::Error),
    /// The socket cannot be given to that group.
    #[error("{}: cannot give the socket to group {}: {}", .0.display(), .1, .2)]
    Group(PathBuf, u32, #[source] io::Error),
    /// The thread that serves it cannot be started.
    #[error("cannot start the api thread: {0}")]
    Thread(#[source] io::Error),
}

/// A socket's file, to be removed at the end.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    /// Device and inode: by them it is known whether the file is still ours.
    identity: (u64, u64),
    /// The daemon's user.
    pub(super) owner: u32,
}

impl SocketFile {
    /// Listens at `path`. Between being made and having its mode the socket refuses connections.
    /// `group` is who it is given to.
    pub(super) async fn listen(
        path: &Path,
        group: Option<u32>,
    ) -> Result<(Self, UnixListener), ApiError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|e| ApiError::Folder(folder.into(), e))?;
        }
        remove_stale(path).await?;
        let failed = |e: io::Error| match e.kind() {
            io::ErrorKind::AddrInUse => ApiError::InUse(path.into()),
            _ => ApiError::Bind(path.into(), e),
        };
        let socket = UnixSocket::new_stream().map_err(failed)?;
        socket.bind(path).map_err(failed)?;
        let file = SocketFile::made(path).map_err(failed)?;
        if let Some(group) = group {
            std::os::unix::fs::chown(path, None, Some(group))
                .map_err(|e| ApiError::Group(path.into(), group, e))?;
        }
        let mode = std::fs::Permissions::from_mode(MODE);
        std::fs::set_permissions(path, mode).map_err(failed)?;
        Ok((file, socket.listen(BACKLOG).map_err(failed)?))
    }

    fn made(path: &Path) -> io::Result<Self> {
        let file = std::fs::symlink_metadata(path)?;
        Ok(SocketFile {
            path: path.into(),
            identity: (file.dev(), file.ino()),
            owner: file.uid(),
        })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let ours = std::fs::symlink_metadata(&self.path)
            .is_ok_and(|file| (file.dev(), file.ino()) == self.identity);
        if ours && let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!("{}: cannot remove the socket: {error}", self.path.display());
        }
    }
}

/// Removes a socket that nobody listens on, as a daemon that was killed leaves it.
async fn remove_stale(path: &Path) -> Result<(), ApiError> {
    let failed = |e| ApiError::Bind(path.into(), e);
    match std::fs::symlink_metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(failed(e)),
        Ok(file) if !file.file_type().is_socket() => return Err(ApiError::NotASocket(path.into())),
        Ok(_) => {}
    }
    // A listener whose backlog is full does not refuse: only a refusal says that nobody is there.
    match tokio::time::timeout(Duration::from_secs(1), UnixStream::connect(path)).await {
        Ok(Err(e)) if e.kind() == io::ErrorKind::ConnectionRefused => {
            tracing::info!(
                "{}: replacing a socket that nobody listens on",
                path.display()
            );
            std::fs::remove_file(path).map_err(failed)
        }
        Ok(Err(e)) if e.kind() == io::ErrorKind::PermissionDenied => Err(failed(e)),
        _ => Err(ApiError::InUse(path.into())),
    }
}
