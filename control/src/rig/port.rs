//! A port of a rig, as its device would be.

use super::Rig;
use crate::config;
use crate::device::{DriverCounters, Opened, PortInfo, Report};
use crate::offload::Offload;
use crate::offload::selftest::Known;
use fastpath::ids::{PortId, QueueId};
use fastpath::io::heap::{HeapIo, HeapQueue};
use fastpath::snapshot::{Inside, TxChecksums};
use fastpath::wire::Mac;

const QUEUE: usize = 4096;
/// What the name of a device ends with that cannot be opened.
const BROKEN: &str = "broken";
/// What the name of a device has in it whose MTU cannot be changed while it runs.
const FIXED_MTU: &str = "fixed";
/// What the name of a device has in it whose driver opens it only once.
const ONCE: &str = "once";
/// What the name of a device has in it whose NIC makes all checksums, and cuts packets, also in tunnels.
const CUTS: &str = "cuts";
/// What the name of a device has in it whose NIC makes checksums that are left to it.
const SUMS: &str = "sums";

/// What the name of a device has in it that offers to make some and refuses.
const REFUSES: &str = "refuses";
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
    /// Its driver opens it only once.
    opens_once: bool,
    /// It has done so.
    spent: bool,
    /// What it was given instead of its own.
    pub(super) mac: Option<Mac>,
    /// The device that it was opened with last.
    device: String,
    /// It has that now.
    pub(super) is_open: bool,
    /// The most that it was asked to do for tunnels: when it was opened, and since.
    pub(super) caps: Vec<Offload>,
    /// What the driver counted since.
    pub(super) counters: DriverCounters,
}

impl RigPort {
    pub(super) fn new(id: PortId, wanted: &config::Port) -> Self {
        let mut port = RigPort {
            id,
            place: 0,
            name: wanted.name.to_string(),
            rx: Vec::new(),
            tx: Vec::new(),
            fixed_mtu: false,
            opens_once: false,
            spent: false,
            broken: false,
            mac: None,
            device: String::new(),
            is_open: false,
            caps: Vec::new(),
            counters: DriverCounters::default(),
        };
        port.take(wanted);
        port
    }

    /// Its device is another one.
    fn take(&mut self, wanted: &config::Port) {
        let device = wanted.device.devargs();
        self.place = place(&wanted.device).unwrap_or(self.id.get() as u8);
        self.fixed_mtu = device.contains(FIXED_MTU);
        (self.opens_once, self.spent) = (device.contains(ONCE), false);
        self.broken = device.ends_with(BROKEN);
        self.device = device.to_owned();
    }

    /// Whether it has this device.
    pub(super) fn has(&self, wanted: &config::Port) -> bool {
        self.is_open && self.device == wanted.device.devargs()
    }

    /// What its NIC makes.
    fn sums(&self) -> TxChecksums {
        let cuts = self.device.contains(CUTS);
        TxChecksums {
            udp: self.device.contains(SUMS) || cuts,
            tcp: cuts,
            segments: cuts,
            inside: if cuts { Inside::Always } else { Inside::Never },
            inside_segments: cuts,
        }
    }

    fn wire(&self) -> HeapQueue {
        HeapQueue::new(self.id, QUEUE).making(self.sums())
    }

    /// Its queues are new ones if it has another number of them.
    pub(super) fn open(
        &mut self,
        wanted: &config::Port,
        workers: usize,
        rig: u8,
    ) -> Report<HeapIo> {
        let (id, mtu) = (self.id, wanted.mtu);
        if self.device != wanted.device.devargs() {
            self.take(wanted);
        }
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
            self.tx = (0..tx).map(|_| self.wire()).collect();
        }
        if self.broken || self.spent {
            let reason = "no such device".to_owned();
            return Report::Failed { id, reason };
        }
        self.spent = self.opens_once;
        self.caps = vec![wanted.offload];
        (self.is_open, self.counters) = (true, DriverCounters::default());
        Report::Opened(Box::new(Opened {
            id,
            info: PortInfo {
                driver: "heap".to_owned(),
                mac: Rig::mac_of(rig, self.place),
                mtu,
                link: true,
                may_chain: true,
                tx: self.sums(),
                tx_refused: self.device.contains(REFUSES),
                rx_open: false,
                rx_limit: Some(LONGEST),
                opens_once: self.opens_once,
                may_loop: false,
                notes: Vec::new(),
            },
            rx: self.rx.clone(),
            tx: self.tx.clone(),
            tested: None,
            known: Known::default(),
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
