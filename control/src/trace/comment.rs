//! The line of text on a copy: what became of the packet, why, and what decided it.

use fastpath::action::Verdict;
use fastpath::trace::note::{Decided, Moment};
use std::fmt;

/// What is known of a packet, as text: `verdict dropped, reason udp_checksum, decided by entry 7`.
/// Empty if nothing is.
#[derive(Clone, Copy, Debug)]
pub struct Comment<'a>(pub &'a Moment);

impl fmt::Display for Comment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.verdict {
            None => {}
            Some(Verdict::Forwarded) => f.write_str("verdict forwarded")?,
            Some(Verdict::Consumed) => f.write_str("verdict consumed")?,
            Some(Verdict::Waiting) => f.write_str("verdict waiting")?,
            Some(Verdict::Dropped(reason)) => {
                write!(f, "verdict dropped, reason {}", reason.name())?;
            }
        }
        if let Some(reason) = self.0.copy_dropped {
            write!(f, ", a copy dropped, reason {}", reason.name())?;
        }
        let Some(decided) = self.0.decided else {
            return Ok(());
        };
        if self.0.verdict.is_some() {
            f.write_str(", ")?;
        }
        match decided {
            Decided::Made(entry) => write!(f, "decided by resolving, kept as entry {entry}"),
            Decided::Entry(entry) => write!(f, "decided by entry {entry}"),
            Decided::Resolved => f.write_str("decided by resolving"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fastpath::drop::DropReason;
    use fastpath::ids::PortId;
    use fastpath::trace::note::Side;

    #[test]
    fn what_is_known_is_said_in_words_that_can_be_searched_for() {
        let said = |verdict, decided| {
            let moment = Moment {
                verdict,
                decided,
                ..Moment::new(0, PortId::new(0).unwrap(), Side::Received)
            };
            Comment(&moment).to_string()
        };
        let dropped = Some(Verdict::Dropped(DropReason::UdpChecksum));
        let cases = [
            (None, None, ""),
            (Some(Verdict::Forwarded), None, "verdict forwarded"),
            (Some(Verdict::Consumed), None, "verdict consumed"),
            (Some(Verdict::Waiting), None, "verdict waiting"),
            (
                None,
                Some(Decided::Made(3)),
                "decided by resolving, kept as entry 3",
            ),
            (None, Some(Decided::Resolved), "decided by resolving"),
            (
                dropped,
                Some(Decided::Entry(7)),
                "verdict dropped, reason udp_checksum, decided by entry 7",
            ),
        ];
        for (verdict, decided, expected) in cases {
            assert_eq!(said(verdict, decided), expected);
        }
    }
}
