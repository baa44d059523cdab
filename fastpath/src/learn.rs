//! What a worker tells control: MACs that are new or moved, neighbours that are wanted.
//!
//! One event for each fact and interval. An event that finds the queue full is lost, and asked
//! again by the next packet that needs it. What control did meanwhile is not asked: a station that
//! moves away, as another worker sees, and back within one interval is learned in the next.

use crate::event::{Event, EventSender};
use crate::fdb::FdbKey;
use crate::ids::RemoteId;

/// Milliseconds in which the same event is not sent again.
const INTERVAL: u64 = 100;
/// Facts that are remembered as told. Two that share a place repeat each other, no more.
const RECENT: usize = 1024;

/// One worker's voice towards control, and its clock.
pub struct Learner {
    events: EventSender,
    recent: Box<[Option<(u64, Event)>]>,
    now: u64,
    tick: u32,
}

impl Learner {
    /// A learner that has told nothing.
    pub fn new(events: EventSender) -> Self {
        Learner {
            events,
            recent: vec![None; RECENT].into(),
            now: 0,
            tick: 0,
        }
    }

    /// Sets the time for all that follows: milliseconds since any fixed point.
    pub fn set_now(&mut self, milliseconds: u64) {
        self.now = milliseconds;
        self.tick = (milliseconds / 1000) as u32;
    }

    /// The second that it is now, as the forwarding table wants it.
    #[inline]
    pub fn tick(&self) -> u32 {
        self.tick
    }

    /// Asks for the next hop of a remote. `false` if the event was lost.
    pub fn unresolved(&mut self, remote: RemoteId) -> bool {
        self.tell(Event::Unresolved { remote })
    }

    /// Sends an event, unless the same was sent in this interval. `false` if it was lost.
    pub fn tell(&mut self, event: Event) -> bool {
        let place = &mut self.recent[place(word(&event))];
        let interval = self.now / INTERVAL;
        if *place == Some((interval, event)) {
            return true;
        }
        let sent = self.events.send(event);
        if sent {
            *place = Some((interval, event));
        }
        sent
    }
}

/// The FDB key of a station, or else a number that tells one event from another.
fn word(event: &Event) -> u64 {
    match event {
        Event::Seen { bridge, mac, .. } => FdbKey::new(*bridge, *mac).to_u64(),
        Event::Unresolved { remote } => u64::from(remote.get()),
        Event::Lied { port, .. } => u64::from(port.get()),
    }
}

fn place(word: u64) -> usize {
    (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize % RECENT
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests;
