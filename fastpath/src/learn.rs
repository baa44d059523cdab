//! What a worker tells control: MACs that are new or moved, neighbours that are wanted.
//!
//! One event for each fact and interval. An event that finds the queue full is lost, and asked
//! again by the next packet that needs it.

use crate::event::{Event, EventSender};
use crate::fdb::{FdbKey, FdbReader};
use crate::ids::RemoteId;
use crate::resolve::Source;

/// Milliseconds in which the same event is not sent again.
const INTERVAL: u64 = 100;
/// Facts that are remembered as told. Two that share a place repeat each other, no more.
const RECENT: usize = 1024;

/// One worker's voice towards control, and its stamps on the FDB.
pub struct Learner {
    events: EventSender,
    fdb: FdbReader,
    recent: Box<[Option<(u64, Event)>]>,
    now: u64,
}

impl Learner {
    /// A learner that has told nothing.
    pub fn new(events: EventSender, fdb: FdbReader) -> Self {
        Learner {
            events,
            fdb,
            recent: vec![None; RECENT].into(),
            now: 0,
        }
    }

    /// Sets the time for all that follows: milliseconds since any fixed point.
    pub fn set_now(&mut self, milliseconds: u64) {
        self.now = milliseconds;
    }

    /// Does what [`Source`] says. `false` if an event was lost.
    pub fn learn(&mut self, source: &Source) -> bool {
        match source {
            Source::Ignored => true,
            Source::Known(slot) => {
                if let Some(found) = self.fdb.at(*slot) {
                    self.fdb.touch(&found, (self.now / 1000) as u32);
                }
                true
            }
            Source::Ask(event) => self.tell(*event),
        }
    }

    /// Asks for the next hop of a remote. `false` if the event was lost.
    pub fn unresolved(&mut self, remote: RemoteId) -> bool {
        self.tell(Event::Unresolved { remote })
    }

    /// What the FDB says of a station changed: what was told of it before may be told again. A
    /// station that moves away, as another worker sees, and comes back is not missed.
    pub fn forget(&mut self, key: FdbKey) {
        let place = &mut self.recent[place(key.to_u64())];
        let told = |(_, event): &(u64, Event)| word(event) == key.to_u64();
        if place.as_ref().is_some_and(told) {
            *place = None;
        }
    }

    fn tell(&mut self, event: Event) -> bool {
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
    }
}

fn place(word: u64) -> usize {
    (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize % RECENT
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests;
