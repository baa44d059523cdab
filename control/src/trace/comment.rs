//! The line of text on a copy: on which side it was made, what became of the packet, why, what decided
//! it, and who had it.

use fastpath::action::Verdict;
use fastpath::ids::{QueueId, WorkerId};
use fastpath::offload::Front;
use fastpath::trace::note::{Decided, Note, Side};
use std::fmt;

/// What is known of a copy, as text:
/// `received, verdict dropped, reason udp_checksum, decided by entry 0:7, queue 2, worker 0`.
#[derive(Clone, Copy, Debug)]
pub struct Comment<'a> {
    /// What its worker said of it.
    pub note: &'a Note,
    /// Who made the copy, and whose flow cache the entry is in; none if it was control.
    pub worker: Option<WorkerId>,
}

impl Comment<'_> {
    /// Where an entry is: each worker has a cache of its own.
    fn at(&self, entry: u32) -> String {
        match self.worker {
            Some(worker) => format!("{worker}:{entry}"),
            None => entry.to_string(),
        }
    }
}

impl fmt::Display for Comment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = &self.note.moment;
        f.write_str(match moment.side {
            Side::Received => "received",
            Side::Sent => "sent",
        })?;
        if matches!(moment.front, Front::Bare(_)) {
            f.write_str(", outer headers taken off by the NIC")?;
        }
        match moment.verdict {
            None => {}
            Some(Verdict::Forwarded) => f.write_str(", verdict forwarded")?,
            Some(Verdict::Consumed) => f.write_str(", verdict consumed")?,
            Some(Verdict::Waiting) => f.write_str(", verdict waiting")?,
            Some(Verdict::Dropped(reason)) => {
                write!(f, ", verdict dropped, reason {}", reason.name())?;
            }
        }
        for reason in moment.copies_dropped.iter() {
            write!(f, ", a copy dropped, reason {}", reason.name())?;
        }
        match moment.decided {
            None => {}
            Some(Decided::Entry(entry)) => write!(f, ", decided by entry {}", self.at(entry))?,
            Some(Decided::Made(entry)) => {
                write!(
                    f,
                    ", decided by resolving, kept as entry {}",
                    self.at(entry)
                )?;
            }
            Some(Decided::Resolved) => f.write_str(", decided by resolving")?,
        }
        if let Some(queue) = moment.queue.map(QueueId::get) {
            write!(f, ", queue {queue}")?;
        }
        if let Some(worker) = self.worker {
            write!(f, ", worker {worker}")?;
        }
        match self.note.lost {
            0 => Ok(()),
            lost => write!(f, ", {lost} copies lost before it"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fastpath::drop::DropReason;
    use fastpath::ids::PortId;
    use fastpath::trace::note::Moment;

    /// Of the second worker.
    fn note(verdict: Option<Verdict>, decided: Option<Decided>) -> Note {
        let moment = Moment {
            verdict,
            decided,
            ..Moment::new(0, PortId::new(0).unwrap(), Side::Received)
        };
        Note {
            moment,
            len: 60,
            kept: 60,
            lost: 0,
        }
    }

    fn said(note: &Note) -> String {
        let worker = WorkerId::new(1);
        Comment { note, worker }.to_string()
    }

    #[test]
    fn what_is_known_is_said_in_words_that_can_be_searched_for() {
        let dropped = Some(Verdict::Dropped(DropReason::UdpChecksum));
        let cases = [
            (None, None, "received"),
            (
                Some(Verdict::Forwarded),
                None,
                "received, verdict forwarded",
            ),
            (Some(Verdict::Consumed), None, "received, verdict consumed"),
            (Some(Verdict::Waiting), None, "received, verdict waiting"),
            (
                None,
                Some(Decided::Resolved),
                "received, decided by resolving",
            ),
            (
                None,
                Some(Decided::Made(3)),
                "received, decided by resolving, kept as entry 1:3",
            ),
            (
                dropped,
                Some(Decided::Entry(7)),
                "received, verdict dropped, reason udp_checksum, decided by entry 1:7",
            ),
        ];
        for (verdict, decided, expected) in cases {
            let expected = format!("{expected}, worker 1");
            assert_eq!(said(&note(verdict, decided)), expected);
        }
    }

    #[test]
    fn the_other_side_dropped_copies_and_what_was_lost_are_said_too() {
        let mut note = note(Some(Verdict::Forwarded), Some(Decided::Entry(7)));
        note.moment.side = Side::Sent;
        note.moment.copies_dropped = [DropReason::PortDown, DropReason::NoRoute]
            .into_iter()
            .collect();
        note.moment.queue = QueueId::new(2);
        note.lost = 3;
        note.moment.front = Front::Bare(None);
        assert_eq!(
            said(&note),
            "sent, outer headers taken off by the NIC, verdict forwarded, a copy dropped, reason port_down, a copy dropped, \
             reason no_route, decided by entry 1:7, queue 2, worker 1, 3 copies lost before it"
        );
        let worker = None;
        let of_control = Comment {
            note: &note,
            worker,
        };
        let text = of_control.to_string();
        assert!(
            text.contains("decided by entry 7, queue 2, 3 copies"),
            "{text}"
        );
    }
}
