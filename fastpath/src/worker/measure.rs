//! What packets of a burst come to, before it is known what is done with them.

use crate::cpu::Work;
use crate::io::Packet;

/// What packets of a burst come to.
pub(super) struct Measures {
    pub(super) bytes: u64,
    /// None has more bytes.
    pub(super) longest: usize,
    /// Not zero if some have more than their first segment.
    pub(super) behind: usize,
}

/// Measures packets. A pass of its own, so that all of it is in registers.
pub(super) struct Measure<'a, P>(pub(super) &'a [P]);

impl<P: Packet> Work for Measure<'_, P> {
    type Output = Measures;

    #[inline(always)]
    fn work(self) -> Measures {
        let (mut bytes, mut longest, mut behind) = (0, 0, 0);
        for packet in self.0 {
            let len = packet.len();
            bytes += len as u64;
            longest = longest.max(len);
            behind |= len ^ packet.head().len();
        }
        Measures {
            bytes,
            longest,
            behind,
        }
    }
}
