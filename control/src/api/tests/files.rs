//! The socket as a file.

use super::*;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

fn start(path: &std::path::Path) -> Result<Server, ApiError> {
    Server::start(path, requests(1).0, Settings::default())
}

#[test]
fn the_socket_is_for_user_and_group_and_goes_with_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made/on/the/way/sock");
    let server = start(&path).unwrap();
    assert_eq!(server.path(), path);
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o660
    );
    server.shutdown();
    assert!(!path.exists());
    drop(start(&path).unwrap());
    assert!(!path.exists());
}

#[test]
fn a_socket_that_nobody_listens_on_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sock");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    start(&path).unwrap();
}

#[test]
fn a_socket_in_use_is_left_alone() {
    let bench = Bench::answering(Settings::default());
    let error = start(&bench.path()).unwrap_err();
    assert!(matches!(error, ApiError::InUse(_)), "{error}");
    assert!(
        error.to_string().contains("another process listens here"),
        "{error}"
    );
    assert_eq!(bench.client().version().unwrap(), version());
}

#[test]
fn a_listener_too_busy_to_accept_is_a_listener() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sock");
    let listener = UnixListener::bind(&path).unwrap();
    // Connections until one would have to wait: the backlog is full then.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut waiting = Vec::new();
    runtime.block_on(async {
        while let Ok(stream) = tokio::net::UnixStream::connect(&path).await {
            waiting.push(stream);
        }
    });
    assert!(matches!(start(&path), Err(ApiError::InUse(_))));
    drop((listener, waiting));
}

#[test]
fn a_file_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("precious");
    std::fs::write(&path, "data").unwrap();
    assert!(matches!(start(&path), Err(ApiError::NotASocket(_))));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "data");

    let below = start(&path.join("sock")).unwrap_err();
    assert!(matches!(below, ApiError::Folder(..)), "{below}");
    let long = start(&folder.path().join("x".repeat(200))).unwrap_err();
    assert!(matches!(long, ApiError::Bind(..)), "{long}");
}

#[test]
fn somebody_elses_socket_is_not_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sock");
    let server = start(&path).unwrap();
    std::fs::rename(&path, folder.path().join("moved")).unwrap();
    let _other = UnixListener::bind(&path).unwrap();
    server.shutdown();
    assert!(path.exists());
}

#[test]
fn without_a_daemon_the_client_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sock");
    assert!(matches!(
        Client::connect(&path),
        Err(ClientError::NotListening(_))
    ));
    drop(UnixListener::bind(&path).unwrap());
    let error = Client::connect(&path).unwrap_err().to_string();
    assert_eq!(error, format!("nothing listens on {}", path.display()));
}
