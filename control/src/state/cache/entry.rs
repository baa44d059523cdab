//! An entry of a flow cache, with the names of what it was derived from and of what is done.

use crate::api::messages::{self as api, CacheAction, CacheEntry, CacheMask, EntryNumber};
use crate::explain::fields;
use crate::state::State;
use fastpath::action::{Action, Target};
use fastpath::cache::{MaskUse, Record};
use fastpath::ids::PortId;
use fastpath::io::Io;
use fastpath::key::{Field, Mask};

impl<I: Io> State<I> {
    pub(super) fn show_record(&self, worker: usize, record: &Record) -> Option<CacheEntry> {
        let (key, mask) = (&record.key, &record.mask);
        let ingress = PortId::new(key.get(Field::INGRESS) as usize)?;
        let port = self.world.current().port(ingress);
        let (tunnel, remote) = self.end_point(key, mask);
        let has_vlan = key.get(Field::HAS_VLAN) != 0 && fields::decides(mask, Field::VLAN_ID);
        let found = fields::fields(key, mask).into_iter();
        Some(CacheEntry {
            entry: EntryNumber {
                worker: worker.try_into().ok()?,
                place: record.place,
            },
            port: self.port_name(ingress)?,
            fields: found
                .filter(|found| found.decided)
                .map(show_field)
                .collect(),
            packets: record.packets,
            current: port.map_or(0, |port| port.generation) == record.generation,
            actions: self.show_actions(record),
            vlan: has_vlan.then_some(key.get(Field::VLAN_ID) as u16),
            tunnel,
            remote,
        })
    }

    fn show_actions(&self, record: &Record) -> Vec<CacheAction> {
        let actions = record.program.actions();
        actions
            .filter_map(|action| self.show_action(action))
            .collect()
    }

    fn show_action(&self, action: Action) -> Option<CacheAction> {
        Some(match action {
            Action::Decap(_) => CacheAction::Decap,
            Action::Bridge(inlet) => CacheAction::Bridge {
                bridge: self.bridge_name(inlet.bridge),
                learning: inlet.learning,
            },
            Action::Output(Target::Port(port)) => CacheAction::Output {
                port: self.port_name(port)?,
            },
            Action::Output(Target::Remote(remote)) => {
                let remote = self.tunnels.remote(remote)?;
                CacheAction::Encap {
                    tunnel: self.tunnel_name(remote.tunnel)?,
                    remote: remote.address,
                }
            }
            Action::Punt => CacheAction::Punt,
            Action::Drop(why) => CacheAction::Drop(why.into()),
            Action::DropFault(why) => CacheAction::Fault(why.into()),
        })
    }
}

pub(super) fn show_mask(one: &MaskUse) -> CacheMask {
    CacheMask {
        fields: mask_fields(&one.mask),
        entries: u64::from(one.entries),
        hits: one.hits,
    }
}

fn mask_fields(mask: &Mask) -> Vec<String> {
    let port = fields::decides(mask, Field::INGRESS).then_some("port");
    let names = port.into_iter().chain(fields::names(mask));
    names.map(str::to_owned).collect()
}

fn show_field(found: fields::Found) -> api::Field {
    api::Field {
        name: found.name.to_owned(),
        value: found.value,
        decided: found.decided,
    }
}
