//! Sends the frames and hears what comes back, a bounded number of times.

use super::frames::Frame;
use super::id::Id;
use fastpath::io::NicWord;

/// A port that receives what it sends: since its device loops, by a cable, or because a peer
/// reflects it.
///
/// Frames may be lost, come late, twice or in another order, and those of others may come between.
pub trait Loop {
    /// Sends a frame. `false`: not now.
    fn send(&mut self, frame: &[u8]) -> bool;

    /// The next packet that came in, whoever sent it.
    fn receive(&mut self) -> Option<Heard>;

    /// Lets about a millisecond pass.
    fn pause(&mut self);
}

/// A packet that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What the NIC said of it.
    pub word: NicWord,
}

/// How often a frame is sent that does not come back.
const ROUNDS: usize = 3;
/// Pauses in one round: to send, and to wait for what was sent.
const PAUSES: usize = 200;
/// Pauses in which no frame of the test comes in: no more are on their way.
const QUIET: usize = 50;
/// Packets taken between two pauses.
const TAKE: usize = 4096;
/// Frames sent before something is taken: fewer than the smallest queue holds.
const BURST: usize = 32;
/// Times that one frame is looked at.
const LOOKS: usize = 4;

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Exchange {
    /// Frames that were sent, those sent again included.
    pub(super) sent: usize,
    /// What came back of each, as long as [`LOOKS`] at most.
    pub(super) heard: Vec<Vec<Heard>>,
    /// Packets that came back although the same had before.
    pub(super) doubled: usize,
    /// Packets of others.
    pub(super) foreign: usize,
}

/// Sends each frame until it came back, [`ROUNDS`] times at most, and waits until no more come: who gets the
/// queues next is to find none.
pub(super) fn exchange<L: Loop>(looped: &mut L, frames: &[Frame], run: u32) -> Exchange {
    let mut exchange = Exchange {
        heard: vec![Vec::new(); frames.len()],
        ..Exchange::default()
    };
    for _ in 0..ROUNDS {
        if exchange.is_whole() {
            break;
        }
        exchange.round(looped, frames, run);
    }
    exchange.drain(looped, run);
    exchange
}

impl Exchange {
    fn is_whole(&self) -> bool {
        self.heard.iter().all(|heard| !heard.is_empty())
    }

    fn round<L: Loop>(&mut self, looped: &mut L, frames: &[Frame], run: u32) {
        let mut pauses = 0;
        for (place, frame) in frames.iter().enumerate() {
            if self.heard[place].is_empty() {
                while !looped.send(&frame.bytes) {
                    if pauses == PAUSES {
                        return;
                    }
                    self.take(looped, run);
                    looped.pause();
                    pauses += 1;
                }
                self.sent += 1;
            }
            if place % BURST == BURST - 1 {
                self.take(looped, run);
            }
        }
        self.take(looped, run);
        while !self.is_whole() && pauses < PAUSES {
            looped.pause();
            pauses += 1;
            self.take(looped, run);
        }
    }

    /// [`PAUSES`] at most: a peer may never stop.
    fn drain<L: Loop>(&mut self, looped: &mut L, run: u32) {
        let mut quiet = 0;
        for _ in 0..PAUSES {
            looped.pause();
            let before = self.came();
            self.take(looped, run);
            quiet = if self.came() == before { quiet + 1 } else { 0 };
            if quiet == QUIET {
                return;
            }
        }
    }

    /// Frames of the test that came in, as far as it can be told whether there are more of them.
    fn came(&self) -> usize {
        self.doubled + self.heard.iter().filter(|heard| !heard.is_empty()).count()
    }

    fn take<L: Loop>(&mut self, looped: &mut L, run: u32) {
        for _ in 0..TAKE {
            let Some(heard) = looped.receive() else {
                return;
            };
            let place = Id::find(run, &heard.bytes);
            let Some(of_place) = place.and_then(|place| self.heard.get_mut(place)) else {
                self.foreign += 1;
                continue;
            };
            self.doubled += usize::from(!of_place.is_empty());
            if of_place.len() < LOOKS {
                of_place.push(heard);
            }
        }
    }
}

#[cfg(test)]
mod tests;
