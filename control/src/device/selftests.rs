//! Which NICs are tested when their ports are opened, and what is known of each from then on.

use crate::offload::Offload;
use crate::offload::agent::Agent;
use crate::offload::nic::Nic;
use crate::offload::selftest::{Known, Tested};
use fastpath::ids::PortId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Tests at starts of a device of which nothing came back: no more are made.
const TRIES: u8 = 3;

/// The self-tests of a device thread, which alone remembers what they found: state is told with each
/// port that is opened. A port that is removed and comes back has what was known of its device, whatever
/// number it gets. A device is behind one port at a time.
#[derive(Debug, Default)]
pub struct SelfTests {
    ports: BTreeMap<PortId, OfPort>,
    number: u32,
}

/// Of a port number.
#[derive(Debug, Default)]
struct OfPort {
    /// The device that was opened last.
    opened: Option<OfDevice>,
    /// Another one, that was tested since, and was not opened yet.
    tried: Option<OfDevice>,
}

#[derive(Debug, Default)]
struct OfDevice {
    device: String,
    known: Known,
    /// State was not told of it yet.
    untold: Option<Arc<Tested>>,
    /// It was heard by its own loop, so that no start has to be delayed again.
    is_done: bool,
    vain: u8,
}

/// What state is told of a port that is opened.
pub struct ToldOf {
    /// A test that it was not told of yet.
    pub tested: Option<Arc<Tested>>,
    /// All of them together.
    pub known: Known,
}

impl SelfTests {
    /// Tests are numbered from here. Frames of a daemon that ran before may still be on their way, so it
    /// is to be another number each time.
    pub const fn numbered(from: u32) -> Self {
        SelfTests {
            ports: BTreeMap::new(),
            number: from,
        }
    }

    /// Whether the NIC of a port that is being opened is to be tested though nobody asked for it, if it
    /// loops: once for each device, since what is found holds as long as that is behind the port. It takes
    /// the port longer to start.
    pub fn is_due(&self, device: &str, cap: Offload) -> bool {
        let mut all = self.ports.values().filter_map(|port| port.of(device));
        cap.is_on() && !all.any(|of| of.is_done || of.vain >= TRIES)
    }

    /// A test begins. Returns its number.
    pub fn begin(&mut self) -> u32 {
        self.number = self.number.wrapping_add(1);
        self.number
    }

    /// A test is over. Whatever becomes of the port now, it is heeded when its device is opened.
    pub fn found(&mut self, id: PortId, device: &str, tested: Tested) {
        self.gather(id, device);
        let of = self.ports.entry(id).or_default().at(device);
        let tested = Arc::new(tested);
        if tested.report.is_conclusive() {
            of.is_done |= tested.looped;
        } else if !tested.asked {
            of.vain = of.vain.saturating_add(1);
        }
        of.known.add(Arc::clone(&tested));
        of.untold = Some(tested);
    }

    /// A port was opened with this device: its NIC is to do no more than what was found to be so, and than
    /// it was told before, unless that was another one.
    pub fn opened<N: Nic>(&mut self, agent: &mut Agent<N>, id: PortId, device: &str) -> ToldOf {
        self.gather(id, device);
        let port = self.ports.entry(id).or_default();
        let is_this = |of: &OfDevice| of.device == device;
        if port.opened.as_ref().is_some_and(|of| !is_this(of)) {
            agent.other_device(id);
            port.opened = None;
        }
        let tried = port.tried.take_if(|of| is_this(of));
        let of = port.opened.get_or_insert_with(|| tried.unwrap_or_default());
        device.clone_into(&mut of.device);
        if let Some((to, why)) = &of.known.demotion {
            agent.demote(id, *to, why);
        }
        ToldOf {
            tested: of.untold.take(),
            known: of.known.clone(),
        }
    }
}

impl SelfTests {
    /// What is known of a device from when it was behind another number is this one's.
    fn gather(&mut self, id: PortId, device: &str) {
        let others = self.ports.iter_mut().filter(|(other, _)| **other != id);
        let mut others = others.flat_map(|(_, port)| port.opened.iter_mut().chain(&mut port.tried));
        let known = |of: &&mut OfDevice| of.device == device && of.known.test.is_some();
        let Some(known) = others.find(known) else {
            return;
        };
        // That it was behind that number is still so.
        let empty = OfDevice {
            device: device.to_owned(),
            ..OfDevice::default()
        };
        let known = std::mem::replace(known, empty);
        *self.ports.entry(id).or_default().at(device) = known;
    }
}

impl OfPort {
    fn of(&self, device: &str) -> Option<&OfDevice> {
        let mut all = self.opened.iter().chain(&self.tried);
        all.find(|of| of.device == device)
    }

    fn at(&mut self, device: &str) -> &mut OfDevice {
        match &mut self.opened {
            Some(of) if of.device == device => of,
            _ => {
                let of = self.tried.take().filter(|of| of.device == device);
                let of = self.tried.insert(of.unwrap_or_default());
                device.clone_into(&mut of.device);
                of
            }
        }
    }
}

#[cfg(test)]
mod tests;
