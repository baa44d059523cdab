//! The answer to `explain`: the life of a frame, with the names of what it meets.

use super::State;
use crate::api::Refused;
use crate::api::messages::{self as api, Bytes, Question};
use crate::explain::{Cycles, End, Fate, Step, Work, World, explain, fields};
use fastpath::action::{Action, Inlet, Target, Verdict};
use fastpath::event::{Event, Origin};
use fastpath::ids::{BridgeId, RemoteId, TunnelId};
use fastpath::io::Io;
use fastpath::key::{Field, FlowKey, Mask};
use fastpath::snapshot::EndPoint;
use fastpath::wire::{Mac, Vni};
use std::net::Ipv4Addr;

impl<I: Io> State<I> {
    /// What workers would do with a frame now; none of them is asked. Takes about half a
    /// millisecond, and longer if it is flooded to thousands.
    pub(super) fn explain(&self, question: &Question) -> Result<api::Explanation, Refused> {
        let ingress = self.port_of_that_name(question.port)?;
        let frame = question.frame.as_slice();
        let life = explain(self.as_it_is(), ingress, frame);
        let (tunnel, remote) = self.end_point(&life.parsed.key, &life.mask);
        let routes = self.show_routes();
        let found = fields::fields(&life.parsed.key, &life.mask).into_iter();
        Ok(api::Explanation {
            port: question.port.to_string(),
            len: frame.len(),
            fields: found
                .map(|found| api::Field {
                    name: found.name.to_owned(),
                    value: found.value,
                    decided: found.decided,
                })
                .collect(),
            fault: life.parsed.layout.fault.map(api::Reason::from),
            tunnel,
            remote,
            steps: life
                .steps
                .into_iter()
                .map(|s| self.show_step(s, &routes))
                .collect(),
            verdict: match life.verdict {
                Verdict::Forwarded => api::Verdict::Forwarded,
                Verdict::Consumed => api::Verdict::Consumed,
                Verdict::Waiting => api::Verdict::Waiting,
                Verdict::Dropped(why) => api::Verdict::Dropped(why.into()),
            },
            told: life
                .events
                .iter()
                .filter_map(|e| self.show_told(e))
                .collect(),
            pollers: Vec::new(),
            cycles: life.cycles.as_ref().map(show_cycles),
        })
    }

    /// What workers decide by now.
    pub(super) fn as_it_is(&self) -> World<'_> {
        World {
            snapshot: self.world.current(),
            fdb: self.fdb.reader(),
            unread: &self.explaining.unread,
        }
    }

    /// The tunnel that a frame names and the remote that it is from, if anybody asked.
    pub(super) fn end_point(
        &self,
        key: &FlowKey,
        mask: &Mask,
    ) -> (Option<String>, Option<Ipv4Addr>) {
        let asked = |field| fields::decides(mask, field);
        let address = |field| Ipv4Addr::from_bits(key.get(field) as u32);
        if !asked(Field::VNI) {
            return (None, None);
        }
        let snapshot = self.world.current();
        let end_point = Vni::new(key.get(Field::VNI) as u32).map(|vni| EndPoint {
            local: address(Field::DST_IP),
            udp_port: key.get(Field::DST_PORT) as u16,
            vni,
        });
        let found = end_point.and_then(|end_point| snapshot.end_points.get(&end_point));
        let Some(tunnel) = found.and_then(|id| snapshot.tunnel(*id)) else {
            return (None, None);
        };
        let source = address(Field::SRC_IP);
        let known = asked(Field::SRC_IP) && tunnel.known.contains_key(&source);
        (self.tunnel_name(tunnel.id), known.then_some(source))
    }

    fn show_step(&self, step: Step, routes: &[api::Route]) -> api::Step {
        let action = match step.work {
            Work::Recompute => api::Action::Recompute,
            Work::Decap { front, back } => api::Action::Decap(api::Stripped { front, back }),
            Work::Act(Action::Decap(_)) => api::Action::Decap(api::Stripped::default()),
            Work::Act(Action::Bridge(inlet)) => {
                api::Action::Bridge(Box::new(self.bridging(&inlet, &step.before)))
            }
            Work::Act(Action::Output(_)) => api::Action::Output,
            Work::Act(Action::Punt) => api::Action::Punt,
            Work::Act(Action::Drop(_) | Action::DropFault(_)) => api::Action::Drop,
        };
        api::Step {
            action,
            before: Bytes(step.before),
            after: step.after.map(Bytes),
            ends: step
                .ends
                .into_iter()
                .map(|end| self.show_end(end, routes))
                .collect(),
            more: step.more,
        }
    }

    fn bridging(&self, inlet: &Inlet, frame: &[u8]) -> api::Bridging {
        let mac = |at: usize| Some(Mac::new(*frame.get(at..)?.first_chunk()?));
        let entry = |mac| self.show_entry(&self.fdb.get(inlet.bridge, mac)?);
        let (destination_mac, source_mac) = (mac(0), mac(6));
        api::Bridging {
            bridge: self.bridge_name(inlet.bridge),
            learning: inlet.learning,
            source_mac,
            source: source_mac.and_then(entry),
            destination_mac,
            destination: destination_mac.and_then(entry),
        }
    }

    pub(super) fn show_end(&self, end: End, routes: &[api::Route]) -> api::End {
        let to = end.to.and_then(|to| match to {
            Target::Port(id) => {
                let port = self.port_name(id)?;
                Some(api::Target::Port { port })
            }
            Target::Remote(id) => {
                let road = self.road(id, &end.fate, routes)?;
                Some(api::Target::Remote(Box::new(road)))
            }
        });
        let fate = match end.fate {
            Fate::Sent { port, frame } => api::Fate::Sent {
                port: self.port_name(port).unwrap_or_default(),
                frame: Bytes(frame),
            },
            Fate::Waiting => api::Fate::Waiting,
            Fate::Consumed => api::Fate::Consumed,
            Fate::Dropped(why) => api::Fate::Dropped(why.into()),
        };
        api::End { to, fate }
    }

    /// What leads to a remote. The neighbour is read from what is sent there.
    fn road(&self, id: RemoteId, fate: &Fate, routes: &[api::Route]) -> Option<api::Road> {
        let remote = self.tunnels.remote(id)?;
        let neighbour = match fate {
            Fate::Sent { port, frame } => Some(api::Way {
                port: self.port_name(*port)?,
                vlan: vlan(frame),
                mac: frame.first_chunk().copied().map(Mac::new),
            }),
            _ => None,
        };
        let to = self.neighbours.route_to(remote.address);
        let route = routes
            .iter()
            .find(|route| Some(route.to.prefix()) == to && route.via.iter().any(|via| via.alive));
        Some(api::Road {
            tunnel: self.tunnel_name(remote.tunnel)?,
            remote: remote.address,
            route: route.cloned(),
            neighbour,
        })
    }

    fn show_told(&self, event: &Event) -> Option<api::Told> {
        match event {
            Event::Unresolved { remote } => {
                let remote = self.tunnels.remote(*remote)?;
                Some(api::Told::Resolve {
                    tunnel: self.tunnel_name(remote.tunnel)?,
                    remote: remote.address,
                })
            }
            Event::Seen { bridge, mac, from } => self.seen_from(*bridge, *mac, *from),
            // A frame that is played comes from no NIC.
            Event::Lied { .. } => None,
        }
    }

    fn seen_from(&self, bridge: BridgeId, mac: Mac, from: Origin) -> Option<api::Told> {
        let (port, remote) = match from {
            Origin::Port(id) => (self.port_name(id), None),
            Origin::Remote(id) => (None, Some(self.tunnels.remote(id)?)),
            Origin::Unknown { tunnel, address } => {
                let tunnel = self.tunnel_name(tunnel)?;
                return Some(api::Told::Remote { tunnel, address });
            }
        };
        let entry = api::FdbEntry {
            bridge: self.bridge_name(bridge),
            mac,
            port,
            tunnel: remote.and_then(|remote| self.tunnel_name(remote.tunnel)),
            remote: remote.map(|remote| remote.address),
            kind: api::FdbKind::Learned,
            age: Some(0),
        };
        Some(match self.fdb.get(bridge, mac) {
            None => api::Told::Learn(entry),
            Some(_) => api::Told::Move(entry),
        })
    }

    pub(super) fn bridge_name(&self, id: BridgeId) -> String {
        let bridge = self.bridges.get(id);
        bridge.map_or_else(String::new, |bridge| bridge.name.to_string())
    }

    pub(super) fn tunnel_name(&self, id: TunnelId) -> Option<String> {
        let (name, _) = self.tunnels.describe(id)?;
        Some(name.to_string())
    }
}

fn show_cycles(cycles: &Cycles) -> api::FrameCycles {
    let Cycles {
        parse,
        resolve,
        act,
    } = *cycles;
    let short = |ticks: u64| ticks.try_into().unwrap_or(u32::MAX);
    api::FrameCycles {
        decide: short(parse + resolve),
        parse: short(parse),
        resolve: short(resolve),
        act: short(act),
    }
}

/// The VLAN of a frame that we have tagged ourselves.
fn vlan(frame: &[u8]) -> Option<u16> {
    let [0x81, 0x00, high, low] = frame.get(12..)?.first_chunk()? else {
        return None;
    };
    Some(u16::from_be_bytes([*high, *low]))
}
