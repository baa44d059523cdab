//! A client that has gone while its answer is made.

use std::time::Duration;
use tokio::net::UnixStream;
use tokio::time::sleep;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// Returns when the client has closed its end, or is dead. Who has only said that it sends no more, or
/// sends the next request already, still wants its answer.
///
/// The system has no event for it: what it tells of a stream that is closed it tells of one that is
/// half closed too, or only once. But no byte can be written to a client that is gone, not even none at
/// all (EPIPE), while to one that does not read nothing can always be written.
pub(super) async fn gone(stream: &UnixStream) {
    loop {
        sleep(PAUSE).await;
        match stream.try_write(&[]) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}
