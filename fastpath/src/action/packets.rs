//! The packets of a burst that were not taken yet.

use crate::io::Burst;

/// A burst is taken whole if it can be, for that costs nothing for each packet.
pub(super) struct Packets<P> {
    /// All of them, as long as none was taken.
    burst: Burst<P>,
    /// What is left, from then on.
    rest: <Burst<P> as IntoIterator>::IntoIter,
}

impl<P> Packets<P> {
    #[inline(always)]
    pub(super) fn new(burst: Burst<P>) -> Self {
        Packets {
            burst,
            rest: Burst::new().into_iter(),
        }
    }

    #[inline(always)]
    pub(super) fn as_mut_slice(&mut self) -> &mut [P] {
        if self.burst.is_empty() {
            self.rest.as_mut_slice()
        } else {
            &mut self.burst
        }
    }

    /// The burst, if these are all of its packets.
    #[inline(always)]
    pub(super) fn whole(&mut self, count: usize) -> Option<&mut Burst<P>> {
        (self.burst.len() == count).then_some(&mut self.burst)
    }

    /// To take them one by one.
    #[inline]
    pub(super) fn each(&mut self) -> &mut impl Iterator<Item = P> {
        if !self.burst.is_empty() {
            self.rest = std::mem::take(&mut self.burst).into_iter();
        }
        &mut self.rest
    }
}
