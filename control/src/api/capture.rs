//! A capture on its way to a client: the rest of a connection carries its file.
//!
//! It is a task like any other. What the client does not take in time waits in the rings of the
//! taps, and what finds no room there is lost and counted.

use super::ending::Awaited;
use crate::trace::recording::{Feed, Next, Recording};
use std::io;
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::{sleep, timeout};

/// Between two looks at rings that were empty.
const PAUSE: Duration = Duration::from_millis(10);

/// Writes the file until the client sends no more, is gone, or takes nothing for as long as
/// `patience` lasts; until as many packets are written as were asked for; or until the server ends, or
/// there are no workers any more.
pub(super) async fn serve(
    feed: Feed,
    mut awaited: Awaited,
    reader: impl AsyncRead + Unpin,
    writer: impl AsyncWrite + Unpin,
    patience: Duration,
) {
    let of = feed.of.clone();
    if let Err(error) = write(feed, &mut awaited, reader, writer, patience).await {
        tracing::debug!("the capture of {of} broke off: {error}");
    }
}

async fn write(
    feed: Feed,
    awaited: &mut Awaited,
    reader: impl AsyncRead + Unpin,
    mut writer: impl AsyncWrite + Unpin,
    patience: Duration,
) -> io::Result<()> {
    let mut recording = Recording::new(feed)?;
    let mut end = pin!(awaited.end_of(reader));
    let mut stopping = false;
    loop {
        let next = recording.fill()?;
        drain(recording.buffer(), &mut writer, patience).await?;
        let pause = async {
            match next {
                Next::Wait => sleep(PAUSE).await,
                // Others have a turn.
                _ => tokio::task::yield_now().await,
            }
        };
        if next == Next::Finish {
            break;
        }
        tokio::select! {
            biased;
            who = &mut end, if !stopping => {
                stopping = true;
                recording.stop(who);
            }
            () = pause => {}
        }
    }
    recording.finish()?;
    drain(recording.buffer(), &mut writer, patience).await
}

/// Writes everything out. The client may take its time, but not `patience` without taking anything.
pub(super) async fn drain(
    bytes: &mut Vec<u8>,
    mut writer: impl AsyncWrite + Unpin,
    patience: Duration,
) -> io::Result<()> {
    let mut left = &bytes[..];
    while !left.is_empty() {
        let written = timeout(patience, writer.write(left)).await??;
        left = left.get(written..).unwrap_or_default();
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
    }
    bytes.clear();
    Ok(())
}
