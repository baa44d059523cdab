//! The actions of a program one by one, each run on the frame as the one before has left it.

use super::bench::Bench;
use super::{End, Fate, MAX_ENDS, Step, Work, World};
use fastpath::action::{Action, Inlet, Target};
use fastpath::cpu::ticks;
use fastpath::drop::DropReason;
use fastpath::fdb::{Destination, FdbKey};
use fastpath::ids::{BridgeId, PortId};
use fastpath::io::Pool;
use fastpath::io::heap::HeapPool;
use fastpath::parse::Layout;
use fastpath::recompute::recompute;
use fastpath::snapshot::{Member, Port, RxChecksum, Snapshot};
use fastpath::wire::Mac;
use std::sync::Arc;

pub(super) struct Walk<'a> {
    world: World<'a>,
    bench: Bench<'a>,
    ingress: PortId,
    layout: Layout,
    frame: Vec<u8>,
    steps: Vec<Step>,
}

impl<'a> Walk<'a> {
    /// With `frame` as it was received.
    pub(super) fn new(world: World<'a>, ingress: PortId, layout: Layout, frame: &[u8]) -> Self {
        Walk {
            world,
            bench: Bench::new(world, ingress, layout),
            ingress,
            layout,
            frame: frame.to_vec(),
            steps: Vec::new(),
        }
    }

    /// The frame as it is now.
    pub(super) fn frame(&self) -> &[u8] {
        &self.frame
    }

    pub(super) fn into_steps(self) -> Vec<Step> {
        self.steps
    }

    /// What a port does to checksums that is told to compute them anew. Returns how long it took, in
    /// [`ticks`].
    pub(super) fn recompute(&mut self) -> u64 {
        let port = self.world.snapshot.port(self.ingress);
        if port.is_none_or(|port| port.rx_checksum != RxChecksum::Recompute) {
            return 0;
        }
        let pool = HeapPool::with_data_room(1, self.frame.len());
        let Some(mut packet) = pool.alloc(&self.frame) else {
            return 0;
        };
        let began = ticks();
        recompute(&mut packet, &self.layout);
        let took = ticks().saturating_sub(began);
        let after = packet.bytes();
        if after != self.frame {
            self.go_on(Work::Recompute, after);
        }
        took
    }

    /// Does one action. `false` if nothing is left for others.
    pub(super) fn act(&mut self, action: Action) -> bool {
        let snapshot = self.world.snapshot;
        let (ends, more) = match action {
            Action::Decap(_) => match self.decap(action) {
                Fate::Sent { frame, .. } => {
                    let front = usize::from(self.layout.inner_at);
                    let back = (self.frame.len() - front).saturating_sub(frame.len());
                    self.go_on(Work::Decap { front, back }, frame);
                    return true;
                }
                fate => (vec![End { to: None, fate }], 0),
            },
            Action::Bridge(inlet) => self.bridge(&inlet),
            Action::Output(target) => {
                let fate = self.bench.fate(snapshot, &[action], &self.frame);
                let to = Some(target);
                (vec![End { to, fate }], 0)
            }
            Action::Punt | Action::Drop(_) | Action::DropFault(_) => {
                let fate = self.bench.fate(snapshot, &[action], &self.frame);
                (vec![End { to: None, fate }], 0)
            }
        };
        self.steps.push(Step {
            work: Work::Act(action),
            before: self.frame.clone(),
            after: None,
            ends,
            more,
        });
        !matches!(action, Action::Decap(_))
    }

    fn go_on(&mut self, work: Work, after: Vec<u8>) {
        self.steps.push(Step {
            work,
            before: std::mem::replace(&mut self.frame, after.clone()),
            after: Some(after),
            ends: Vec::new(),
            more: 0,
        });
    }

    /// What `action` leaves of the frame leaves by a port that takes everything.
    fn decap(&mut self, action: Action) -> Fate {
        let Some(port) = self.world.snapshot.port(self.ingress) else {
            return Fate::Dropped(DropReason::PortDown);
        };
        let anything = Port {
            mtu: u16::MAX,
            up: true,
            tx_queues: 1,
            ..port.clone()
        };
        let mut ports = vec![None; self.ingress.index()];
        ports.push(Some(Arc::new(anything)));
        let snapshot = Snapshot {
            ports,
            ..Snapshot::default()
        };
        let world = World {
            snapshot: &snapshot,
            ..self.world
        };
        let output = Action::Output(Target::Port(self.ingress));
        Bench::new(world, self.ingress, self.layout).fate(&snapshot, &[action, output], &self.frame)
    }

    /// A frame that is flooded is so to each member by itself: then one is known from the other.
    fn bridge(&mut self, inlet: &Inlet) -> (Vec<End>, usize) {
        let action = [Action::Bridge(*inlet)];
        let mut snapshot = self.world.snapshot.clone();
        let members = set_members(&mut snapshot, inlet.bridge, Vec::new());
        let fate = self.bench.fate(&snapshot, &action, &self.frame);
        // Only what is flooded finds nobody.
        let nobody = Fate::Dropped(DropReason::NoDestination);
        if fate != nobody {
            let to = self.known(inlet, &fate);
            return (vec![End { to, fate }], 0);
        }
        let (mut ends, mut more) = (Vec::new(), 0);
        for (at, member) in members.iter().enumerate() {
            if ends.len() == MAX_ENDS {
                more = members.len() - at;
                break;
            }
            set_members(&mut snapshot, inlet.bridge, vec![*member]);
            let fate = self.bench.fate(&snapshot, &action, &self.frame);
            // It came from there.
            if fate != nobody {
                let to = Some(target(*member));
                ends.push(End { to, fate });
            }
        }
        if ends.is_empty() {
            ends.push(End {
                to: None,
                fate: nobody,
            });
        }
        (ends, more)
    }

    /// Where the forwarding table says that the destination is, if it was asked.
    fn known(&self, inlet: &Inlet, fate: &Fate) -> Option<Target> {
        let before = [
            DropReason::FrameRunt,
            DropReason::SourceInvalid,
            DropReason::InnerSource,
            DropReason::LinkLocal,
            DropReason::StaticElsewhere,
        ];
        if let Fate::Dropped(reason) = fate
            && before.contains(reason)
        {
            return None;
        }
        let dst = Mac::new(*self.frame.first_chunk()?);
        let (_, value) = self.world.fdb.lookup(FdbKey::new(inlet.bridge, dst))?;
        Some(match value.to {
            Destination::Port(port) => Target::Port(port),
            Destination::Remote(remote) => Target::Remote(remote),
        })
    }
}

/// Gives a bridge other members to flood to. Returns those that it had.
fn set_members(snapshot: &mut Snapshot, id: BridgeId, members: Vec<Member>) -> Vec<Member> {
    let bridge = snapshot.bridges.get_mut(id.index()).map(Arc::make_mut);
    bridge.map_or_else(Vec::new, |bridge| {
        std::mem::replace(&mut bridge.flood, members)
    })
}

fn target(member: Member) -> Target {
    match member {
        Member::Port(port) => Target::Port(port),
        Member::Remote(_, remote) => Target::Remote(remote),
    }
}
