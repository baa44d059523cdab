//! What is known of one neighbour, and how that changes.

use crate::api::messages::NeighbourState;

/// Requests that an unknown neighbour gets before it has failed.
pub(super) const REQUESTS: u8 = 3;
/// Requests in unicast that a silent neighbour gets.
pub(super) const UNICAST_PROBES: u8 = 3;
/// All requests that a silent neighbour gets before it has failed; the later ones are broadcast,
/// since its address may have moved to another station.
pub(super) const PROBES: u8 = UNICAST_PROBES + 3;

/// Milliseconds between requests to one neighbour: RFC 1122, section 2.3.2.1 wants them at least a
/// second apart.
pub(super) const REQUEST_INTERVAL: u64 = 1_000;
/// Milliseconds for which an answer is good.
pub(super) const REACHABLE_TIME: u64 = 30_000;
/// Milliseconds after which an old answer that nobody needs is forgotten.
pub(super) const STALE_TIME: u64 = 60_000;
/// Milliseconds between requests to a neighbour that has failed.
pub(super) const FAILED_INTERVAL: u64 = 5_000;

/// What is known of a neighbour.
///
/// ```text
///         needed                   3 requests unanswered
///  (new) -------> Incomplete ---------------------------> Failed --+ 5 s: ask again
///     |               ^                                   |  ^  ^  |
///     |               +-----------------------------------+  |  +--+
///     |                               needed                 |
///     |                                                      | 6 requests unanswered
///     |  answered             30 s                           |
///     +----------> Reachable ------> Probe ------------------+
///     |                 |             ^ |
///     |   30 s, unwanted|      needed | | 1 s, unwanted
///     |                 v             | v
///     +------------------------------> Stale ---> (forgotten)
///     |  claimed                             60 s     ^
///     |                                               | unset
///     +------------------------------> Permanent -----+
///        set, from everywhere
/// ```
///
/// An answer leads from everywhere to `Reachable`; a claim, which is a link address that nobody
/// asked for and that differs from what was known, from everywhere to `Probe`, or to `Stale` if
/// the neighbour is unwanted: it is used at once and then verified. A doubt, which is a reply to no
/// question and with another link address, leads to `Probe` too, without being believed: the station
/// that is known is asked first, and everybody only if it is silent. An unwanted neighbour is asked
/// nothing: its timer leads to `Stale`, or to oblivion if its link address is not known.
///
/// A link address that is set by hand leads from everywhere to `Permanent`, and nothing but its being
/// unset leads out of there: no timer, no need, and nothing that anybody says (Linux's
/// NUD_PERMANENT). Then nothing is known any more, and who is wanted begins anew.
///
/// The link address is known in `Reachable`, `Stale`, `Probe` and `Permanent`, and in no other state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Asked, and not answered yet.
    Incomplete {
        /// Requests so far.
        asked: u8,
    },
    /// Answered a short time ago.
    Reachable,
    /// Said something once, and nobody needs to know whether it still holds.
    Stale,
    /// Said something once, and is asked whether it still holds.
    Probe {
        /// Requests so far.
        asked: u8,
    },
    /// Asked, and did not answer.
    Failed,
    /// Set by hand: never asked, and nobody is believed who says otherwise.
    Permanent,
}

/// What happens to a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The time of its state is over.
    Expired,
    /// Somebody wants to send to it.
    Needed,
    /// It answered a request of ours.
    Answered,
    /// It said unasked that it has a link address that we did not know.
    Claimed,
    /// Somebody answered in its name what was not asked, with a link address that we did not know.
    Doubted,
    /// Its link address is set by hand.
    Set,
    /// It is not set by hand any more.
    Unset,
}

/// A request to a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// To everybody.
    Broadcast,
    /// To the link address that is known.
    Unicast,
}

/// What follows from an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// The new state; `None`: the neighbour is forgotten.
    pub(super) state: Option<State>,
    /// A request to send.
    pub(super) ask: Option<Ask>,
}

impl State {
    /// Of a neighbour that nothing has happened to yet.
    pub(super) const NEW: State = State::Failed;

    /// What follows from `event`. `wanted`: somebody needs this neighbour.
    pub(super) const fn next(self, event: Event, wanted: bool) -> Step {
        match event {
            Event::Set => quiet(State::Permanent),
            Event::Unset if self.is_permanent() => FORGET,
            Event::Unset => quiet(self),
            _ if self.is_permanent() => quiet(self),
            Event::Expired => self.expired(wanted),
            Event::Needed => self.needed(),
            Event::Answered => quiet(State::Reachable),
            Event::Claimed if wanted => PROBE,
            Event::Claimed => quiet(State::Stale),
            Event::Doubted => self.doubted(wanted),
        }
    }

    const fn expired(self, wanted: bool) -> Step {
        if !wanted {
            return match self {
                State::Reachable | State::Probe { .. } => quiet(State::Stale),
                State::Incomplete { .. } | State::Stale | State::Failed => FORGET,
                State::Permanent => quiet(self),
            };
        }
        match self {
            State::Incomplete { asked } if asked < REQUESTS => {
                let asked = asked + 1;
                ask(State::Incomplete { asked }, Ask::Broadcast)
            }
            State::Reachable | State::Stale => PROBE,
            State::Probe { asked } if asked < UNICAST_PROBES => {
                ask(State::Probe { asked: asked + 1 }, Ask::Unicast)
            }
            State::Probe { asked } if asked < PROBES => {
                ask(State::Probe { asked: asked + 1 }, Ask::Broadcast)
            }
            State::Incomplete { .. } | State::Probe { .. } => quiet(State::Failed),
            State::Failed => ask(State::Failed, Ask::Broadcast),
            State::Permanent => quiet(self),
        }
    }

    /// A doubt in the midst of a question does not begin it anew.
    const fn doubted(self, wanted: bool) -> Step {
        match self {
            State::Reachable | State::Stale if wanted => PROBE,
            _ => quiet(self),
        }
    }

    const fn needed(self) -> Step {
        match self {
            State::Stale => PROBE,
            State::Failed => ask(State::Incomplete { asked: 1 }, Ask::Broadcast),
            State::Incomplete { .. }
            | State::Reachable
            | State::Probe { .. }
            | State::Permanent => quiet(self),
        }
    }

    /// Milliseconds until [`Event::Expired`].
    pub(super) const fn patience(self) -> u64 {
        match self {
            State::Incomplete { .. } | State::Probe { .. } => REQUEST_INTERVAL,
            State::Reachable => REACHABLE_TIME,
            State::Stale => STALE_TIME,
            State::Failed => FAILED_INTERVAL,
            State::Permanent => u64::MAX,
        }
    }

    /// Set by hand.
    pub(super) const fn is_permanent(self) -> bool {
        matches!(self, State::Permanent)
    }

    /// A request is out that an answer may be to.
    pub(super) const fn is_asking(self) -> bool {
        match self {
            State::Incomplete { .. } | State::Probe { .. } | State::Failed => true,
            State::Reachable | State::Stale | State::Permanent => false,
        }
    }

    /// The last request went to the link address that is known: nobody else was asked.
    pub(super) const fn asks_one(self) -> bool {
        matches!(self, State::Probe { asked } if asked <= UNICAST_PROBES)
    }

    /// The link address is known.
    pub(super) const fn is_resolved(self) -> bool {
        match self {
            State::Reachable | State::Stale | State::Probe { .. } | State::Permanent => true,
            State::Incomplete { .. } | State::Failed => false,
        }
    }
}

impl From<State> for NeighbourState {
    fn from(state: State) -> Self {
        match state {
            State::Incomplete { .. } => NeighbourState::Incomplete,
            State::Reachable => NeighbourState::Reachable,
            State::Stale | State::Probe { .. } => NeighbourState::Stale,
            State::Failed => NeighbourState::Failed,
            State::Permanent => NeighbourState::Permanent,
        }
    }
}

const PROBE: Step = ask(State::Probe { asked: 1 }, Ask::Unicast);

const FORGET: Step = Step {
    state: None,
    ask: None,
};

const fn quiet(state: State) -> Step {
    Step {
        state: Some(state),
        ask: None,
    }
}

const fn ask(state: State, ask: Ask) -> Step {
    Step {
        state: Some(state),
        ask: Some(ask),
    }
}

#[cfg(test)]
mod tests {
    use super::Ask::{Broadcast, Unicast};
    use super::Event::{Answered, Claimed, Doubted, Expired, Needed, Set, Unset};
    use super::State::{Failed, Incomplete, Permanent, Probe, Reachable, Stale};
    use super::*;

    const EVENTS: [Event; 7] = [Expired, Needed, Answered, Claimed, Doubted, Set, Unset];

    fn incomplete(asked: u8) -> State {
        Incomplete { asked }
    }

    fn probe(asked: u8) -> State {
        Probe { asked }
    }

    /// Every state, and what follows from the timer if it is wanted and if not, and from being
    /// needed. The other events lead to the same from everywhere, but for `Permanent`.
    fn table() -> [(State, Step, Step, Step); 13] {
        let new = ask(incomplete(1), Broadcast);
        let probing = ask(probe(1), Unicast);
        let stay = quiet;
        [
            // state, expired wanted, expired unwanted, needed
            (
                incomplete(1),
                ask(incomplete(2), Broadcast),
                FORGET,
                stay(incomplete(1)),
            ),
            (
                incomplete(2),
                ask(incomplete(3), Broadcast),
                FORGET,
                stay(incomplete(2)),
            ),
            (incomplete(3), quiet(Failed), FORGET, stay(incomplete(3))),
            (Reachable, probing, quiet(Stale), stay(Reachable)),
            (Stale, probing, FORGET, probing),
            (
                probe(1),
                ask(probe(2), Unicast),
                quiet(Stale),
                stay(probe(1)),
            ),
            (
                probe(2),
                ask(probe(3), Unicast),
                quiet(Stale),
                stay(probe(2)),
            ),
            (
                probe(3),
                ask(probe(4), Broadcast),
                quiet(Stale),
                stay(probe(3)),
            ),
            (
                probe(4),
                ask(probe(5), Broadcast),
                quiet(Stale),
                stay(probe(4)),
            ),
            (
                probe(5),
                ask(probe(6), Broadcast),
                quiet(Stale),
                stay(probe(5)),
            ),
            (probe(6), quiet(Failed), quiet(Stale), stay(probe(6))),
            (Failed, ask(Failed, Broadcast), FORGET, new),
            (Permanent, stay(Permanent), stay(Permanent), stay(Permanent)),
        ]
    }

    #[test]
    fn every_transition() {
        for (state, wanted, unwanted, needed) in table() {
            assert_eq!(state.next(Expired, true), wanted, "{state:?}");
            assert_eq!(state.next(Expired, false), unwanted, "{state:?}");
            for by in [true, false] {
                assert_eq!(state.next(Needed, by), needed, "{state:?}");
                assert_eq!(state.next(Set, by), quiet(Permanent), "{state:?}");
            }
            if state == Permanent {
                continue;
            }
            for by in [true, false] {
                assert_eq!(state.next(Answered, by), quiet(Reachable), "{state:?}");
                assert_eq!(state.next(Unset, by), quiet(state), "{state:?}");
            }
            assert_eq!(
                state.next(Claimed, true),
                ask(probe(1), Unicast),
                "{state:?}"
            );
            assert_eq!(state.next(Claimed, false), quiet(Stale), "{state:?}");
            let doubt = match state {
                Reachable | Stale => ask(probe(1), Unicast),
                _ => quiet(state),
            };
            assert_eq!(state.next(Doubted, true), doubt, "{state:?}");
            assert_eq!(state.next(Doubted, false), quiet(state), "{state:?}");
        }
    }

    #[test]
    fn only_who_set_it_leads_out_of_permanent() {
        for wanted in [true, false] {
            for event in EVENTS.into_iter().filter(|event| *event != Unset) {
                let step = Permanent.next(event, wanted);
                assert_eq!(step, quiet(Permanent), "{event:?}");
            }
            assert_eq!(Permanent.next(Unset, wanted), FORGET);
        }
    }

    #[test]
    fn the_table_has_every_state_that_can_be_reached() {
        let listed: Vec<State> = table().iter().map(|row| row.0).collect();
        let mut reached = vec![State::NEW];
        let mut at = 0;
        while let Some(state) = reached.get(at).copied() {
            at += 1;
            for (event, wanted) in EVENTS.iter().flat_map(|e| [(*e, true), (*e, false)]) {
                let next = state.next(event, wanted).state;
                reached.extend(next.filter(|state| !reached.contains(state)));
            }
        }
        assert_eq!(reached.len(), listed.len());
        assert!(
            reached.iter().all(|state| listed.contains(state)),
            "{reached:?}"
        );
    }

    #[test]
    fn unicast_only_where_the_link_address_is_known() {
        for (state, ..) in table() {
            for event in EVENTS {
                let step = state.next(event, true);
                if step.ask == Some(Unicast) {
                    assert!(
                        step.state.is_some_and(State::is_resolved),
                        "{state:?} {event:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_a_state_means() {
        use NeighbourState as Shown;
        for (state, patience, asking, resolved, shown) in [
            (incomplete(1), 1_000, true, false, Shown::Incomplete),
            (Reachable, 30_000, false, true, Shown::Reachable),
            (Stale, 60_000, false, true, Shown::Stale),
            (probe(1), 1_000, true, true, Shown::Stale),
            (Failed, 5_000, true, false, Shown::Failed),
            (Permanent, u64::MAX, false, true, Shown::Permanent),
        ] {
            assert_eq!(state.patience(), patience);
            assert_eq!((state.is_asking(), state.is_resolved()), (asking, resolved));
            assert_eq!(NeighbourState::from(state), shown);
        }
    }
}
