//! A port of a rig, as its device would be.

use super::Rig;
use crate::config;
use crate::device::{Opened, PortInfo, Report};
use fastpath::ids::{PortId, QueueId};
use fastpath::io::heap::{HeapIo, HeapQueue};
use fastpath::wire::Mac;

const QUEUE: usize = 4096;
/// What the name of a device ends with that cannot be opened.
const BROKEN: &str = "broken";
/// What the name of a device has in it whose MTU cannot be changed while it runs.
const FIXED_MTU: &str = "fixed";
/// Bytes from which on a frame counts as cut: as long as a packet on the heap can be.
const LONGEST: u16 = 2048;

/// One port of a rig: what the test pushes and what it finds.
pub(super) struct RigPort {
    pub(super) id: PortId,
    /// What its MAC ends with.
    pub(super) place: u8,
    pub(super) name: String,
    pub(super) rx: Vec<HeapQueue>,
    pub(super) tx: Vec<HeapQueue>,
    pub(super) broken: bool,
    /// The MTU cannot be changed while it runs.
    pub(super) fixed_mtu: bool,
    /// What it was given instead of its own.
    pub(super) mac: Option<Mac>,
}

impl RigPort {
    pub(super) fn new(id: PortId, wanted: &config::Port) -> Self {
        RigPort {
            id,
            place: place(&wanted.device).unwrap_or(id.get() as u8),
            name: wanted.name.to_string(),
            rx: Vec::new(),
            tx: Vec::new(),
            fixed_mtu: wanted.device.devargs().contains(FIXED_MTU),
            broken: wanted.device.devargs().ends_with(BROKEN),
            mac: None,
        }
    }

    /// Its queues are new ones if it has another number of them.
    pub(super) fn open(
        &mut self,
        wanted: &config::Port,
        workers: usize,
        rig: u8,
    ) -> Report<HeapIo> {
        let (id, mtu) = (self.id, wanted.mtu);
        let (rx, tx) = (
            usize::from(wanted.rx_queues),
            wanted.tx_queues.map_or(workers, usize::from),
        );
        let tx = tx.clamp(1, workers.max(1));
        if self.rx.len() != rx {
            let numbers = (0..rx).filter_map(QueueId::new);
            self.rx = numbers
                .map(|number| HeapQueue::numbered(id, number, QUEUE))
                .collect();
        }
        if self.tx.len() != tx {
            self.tx = (0..tx).map(|_| HeapQueue::new(id, QUEUE)).collect();
        }
        if self.broken {
            let reason = "no such device".to_owned();
            return Report::Failed { id, reason };
        }
        Report::Opened(Box::new(Opened {
            id,
            info: PortInfo {
                driver: "heap".to_owned(),
                mac: Rig::mac_of(rig, self.place),
                mtu,
                link: true,
                may_chain: true,
                rx_limit: Some(LONGEST),
                notes: Vec::new(),
            },
            rx: self.rx.clone(),
            tx: self.tx.clone(),
        }))
    }
}

/// The number at the end of a device's name.
fn place(device: &config::Device) -> Option<u8> {
    let digits = device
        .name()
        .trim_start_matches(|c: char| !c.is_ascii_digit());
    digits.parse().ok()
}
