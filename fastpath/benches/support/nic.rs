//! The NIC in front of the worker: what it says of the packets of a case.

use super::frames::{Case, TAGGED, bare, remote_of};
use super::switch::UPLINK;
use fastpath::io::{Checksum, NicWord, RxChecksums};
use fastpath::offload::{Expected, Hints, Mark, Width};
use fastpath::snapshot::{EndPoint, Snapshot};
use fastpath::wire::VlanId;
use std::sync::Arc;

/// What a NIC does of a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nic {
    /// Nothing.
    Plain,
    /// It knows the UDP port, and verifies the outer UDP checksum.
    Parser,
    /// It has a rule, whose mark it writes beside each packet.
    Rule,
    /// It has a rule for each remote, and takes outer headers off.
    Decap,
}

/// Remotes of the cases.
const REMOTES: [u8; 2] = [1, 3];

impl Nic {
    /// What is left of the frames of a case.
    pub(super) fn frames(self, case: Case) -> Vec<Vec<u8>> {
        let frames = case.frames();
        match self {
            Nic::Decap => frames.iter().map(|frame| bare(frame)).collect(),
            _ => frames,
        }
    }

    /// What it says of each of them, but for marks that differ, and has the switch believe it.
    pub(super) fn word(self, snapshot: &mut Snapshot, case: Case) -> NicWord {
        if self == Nic::Plain {
            return NicWord::default();
        }
        let end_point = snapshot.end_points.keys().next().copied().unwrap();
        let vlan = (case == Case::DecapTagged).then_some(TAGGED);
        snapshot.hints = vec![None; UPLINK + 1];
        snapshot.hints[UPLINK] = Some(Arc::new(self.hints(end_point, vlan)));
        NicWord {
            tunnel: self != Nic::Decap,
            checksums: RxChecksums {
                ip: Checksum::Unknown,
                l4: Checksum::Good,
            },
            mark: (self == Nic::Rule).then(|| slot_mark(1).get()),
            ..NicWord::default()
        }
    }

    /// The marks of the frames of a case, if they differ.
    pub(super) fn marks(self, case: Case) -> Vec<Option<u32>> {
        if self != Nic::Decap {
            return Vec::new();
        }
        let mark = |frame: &Vec<u8>| {
            let from = |host: &u8| frame.windows(4).any(|it| it == remote_of(*host).octets());
            let slot = REMOTES.iter().position(from)?;
            Some(slot_mark(slot + 1).get())
        };
        case.frames().iter().map(mark).collect()
    }

    fn hints(self, end_point: EndPoint, vlan: Option<VlanId>) -> Hints {
        let mut hints = Hints::new(Width::Bits16);
        let new = |slot| Expected::new(slot_mark(slot), end_point, vlan);
        let expected = match self {
            Nic::Plain | Nic::Parser => Vec::new(),
            Nic::Rule => vec![new(1)],
            Nic::Decap => {
                let slots = (1..).zip(REMOTES);
                let of = |(slot, host)| new(slot).stripped(remote_of(host));
                slots.map(of).collect()
            }
        };
        for expected in expected {
            assert!(hints.insert(Arc::new(expected)));
        }
        hints
    }
}

fn slot_mark(slot: usize) -> Mark {
    Mark::first(Width::Bits16, slot).unwrap()
}
