//! Events on their way to a client: the rest of a connection carries a line for each.

use super::capture::drain;
use super::ending::Awaited;
use super::messages::Event;
use super::subscription::Subscription;
use std::io;
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// Bytes that are written at once: what is there when there is something.
const PIECE: usize = 1 << 16;

/// Writes a line for each event until the client sends no more, is gone, or takes nothing for as long
/// as `patience` lasts; or until the server or the state thread ends.
pub(super) async fn serve(
    subscription: Subscription,
    mut awaited: Awaited,
    reader: impl AsyncRead + Unpin,
    writer: impl AsyncWrite + Unpin,
    patience: Duration,
) {
    if let Err(error) = write(subscription, &mut awaited, reader, writer, patience).await {
        tracing::debug!("a client hears of events no more: {error}");
    }
}

async fn write(
    mut subscription: Subscription,
    awaited: &mut Awaited,
    reader: impl AsyncRead + Unpin,
    mut writer: impl AsyncWrite + Unpin,
    patience: Duration,
) -> io::Result<()> {
    let mut end = pin!(awaited.end_of(reader));
    let mut text = Vec::new();
    let events = &mut subscription.events;
    loop {
        let event = tokio::select! {
            biased;
            _ = &mut end => return Ok(()),
            event = events.recv() => event,
        };
        let Some(event) = event else { return Ok(()) };
        put(&mut text, &event)?;
        while text.len() < PIECE
            && let Ok(event) = events.try_recv()
        {
            put(&mut text, &event)?;
        }
        drain(&mut text, &mut writer, patience).await?;
    }
}

fn put(text: &mut Vec<u8>, event: &Event) -> io::Result<()> {
    serde_json::to_writer(&mut *text, event)?;
    text.push(b'\n');
    Ok(())
}
