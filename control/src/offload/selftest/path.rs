//! The loop over a model of a NIC.

use super::exchange::{Heard, Loop};
use crate::offload::model::Model;
use fastpath::io::{NicWord, RxChecksums};
use std::collections::VecDeque;

/// A port whose packets go through a model, and then through something that may do with them what it
/// likes.
pub(crate) struct Path<'a, F> {
    model: &'a Model,
    way: F,
    queue: VecDeque<Heard>,
}

impl<'a, F: FnMut(Heard) -> Vec<Heard>> Path<'a, F> {
    pub(crate) const fn new(model: &'a Model, way: F) -> Self {
        Path {
            model,
            way,
            queue: VecDeque::new(),
        }
    }
}

impl<F: FnMut(Heard) -> Vec<Heard>> Loop for Path<'_, F> {
    fn send(&mut self, frame: &[u8]) -> bool {
        let seen = self.model.receive(frame);
        let none = RxChecksums::default();
        // As drivers tell it: there is one pair of flags, of inner headers once a tunnel is seen.
        let (checksums, inner) = match seen.tunnel {
            true => (none, seen.checksums),
            false => (seen.checksums, none),
        };
        let word = NicWord {
            tunnel: seen.tunnel,
            checksums,
            inner,
            mark: seen.mark,
        };
        let heard = Heard {
            bytes: seen.bytes,
            word,
        };
        self.queue.extend((self.way)(heard));
        true
    }

    fn receive(&mut self) -> Option<Heard> {
        self.queue.pop_front()
    }

    fn pause(&mut self) {}
}
