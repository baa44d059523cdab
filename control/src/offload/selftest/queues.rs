//! The loop over a port's own queues, before workers have them.

use super::exchange::{Heard, Loop};
use fastpath::io::{Burst, Io, Packet, Pool, RxQueue, TxQueue};
use std::collections::VecDeque;
use std::time::Duration;

/// A port that was started and whose queues nobody else polls. Borrows them; packets go back to the
/// pool.
pub struct Queues<'a, I: Io> {
    rx: &'a mut [I::Rx],
    tx: &'a mut I::Tx,
    pool: &'a I::Pool,
    /// What came in and was not looked at yet: a burst of each queue at most.
    waiting: VecDeque<Heard>,
}

impl<'a, I: Io> Queues<'a, I> {
    /// All receive queues of the port, one of its transmit queues, and a pool for frames that are
    /// sent.
    pub fn new(rx: &'a mut [I::Rx], tx: &'a mut I::Tx, pool: &'a I::Pool) -> Self {
        Queues {
            rx,
            tx,
            pool,
            waiting: VecDeque::new(),
        }
    }
}

impl<I: Io> Loop for Queues<'_, I> {
    fn send(&mut self, frame: &[u8]) -> bool {
        let Some(packet) = self.pool.alloc(frame) else {
            return false;
        };
        let mut burst: Burst<I::Packet> = Burst::from_iter([packet]);
        self.tx.transmit(&mut burst) == 1
    }

    fn receive(&mut self) -> Option<Heard> {
        if self.waiting.is_empty() {
            for rx in &mut *self.rx {
                let mut burst = Burst::new();
                rx.receive(&mut burst);
                self.waiting.extend(burst.iter().map(heard));
            }
        }
        self.waiting.pop_front()
    }

    fn pause(&mut self) {
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn heard<P: Packet>(packet: &P) -> Heard {
    let mut bytes = Vec::with_capacity(packet.len());
    packet.for_each_segment(0, |segment| bytes.extend_from_slice(segment));
    let word = packet.nic_says();
    Heard { bytes, word }
}

#[cfg(test)]
mod tests;
