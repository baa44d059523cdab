//! A NIC in plain Rust, which refuses what drivers refuse, in their errors, and can be told to fail.
//!
//! A [`Model`] is the NIC; [`ModelNic`] is what a started port of it gives the agent. What drivers
//! leave to their users to get right is an assertion here: a call after the port was closed or its
//! device was gone, a handle that is not good any more, a UDP port that is told twice, or one that
//! would take the place of another.

mod chip;
mod dialect;
mod packet;
mod profile;

pub use chip::{Call, Chip};
pub use packet::Seen;
pub use profile::{Duplicate, Profile, Register, Table, UdpPorts};

use super::Target;
use super::nic::{Nic, NicError, NicFacts};
use fastpath::offload::Rule;
use fastpath::snapshot::EndPoint;
use fastpath::wire::Vni;
use nix::errno::Errno;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A NIC. Clones are the same NIC.
#[derive(Clone)]
pub struct Model(Arc<Mutex<Chip>>);

impl Model {
    /// One that was not started yet, with so many receive queues.
    pub fn new(profile: Profile, queues: u16) -> Self {
        Model(Arc::new(Mutex::new(Chip::new(profile, queues))))
    }

    /// What it is made of, to be looked at, or to be told to fail.
    pub fn chip(&self) -> MutexGuard<'_, Chip> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts its port.
    pub fn start(&self) -> ModelNic {
        let start = self.chip().start();
        ModelNic {
            model: self.clone(),
            start,
        }
    }

    /// What it makes of a packet that arrives.
    pub fn receive(&self, frame: &[u8]) -> Seen {
        self.chip().receive(frame)
    }
}

/// A started port of a [`Model`].
pub struct ModelNic {
    model: Model,
    start: u64,
}

/// What the model knows a rule by.
#[derive(Debug, PartialEq, Eq)]
pub struct Handle {
    life: u64,
    id: u64,
}

impl Nic for ModelNic {
    type Handle = Handle;

    fn facts(&self) -> NicFacts {
        self.model.chip().facts()
    }

    fn add_udp_port(&mut self, port: u16) -> Result<(), NicError> {
        let mut chip = self.model.chip();
        chip.call(self.start, Call::Add(port))?;
        chip.add(port)
    }

    fn del_udp_port(&mut self, port: u16) -> Result<(), NicError> {
        let mut chip = self.model.chip();
        let failed = chip.call(self.start, Call::Del(port));
        chip.del(port, failed)
    }

    fn validate(&mut self, rule: &Rule) -> Result<(), NicError> {
        let mut chip = self.model.chip();
        chip.call(self.start, Call::Validate(*rule))?;
        chip.judge(rule)
    }

    fn create(&mut self, rule: &Rule) -> Result<Handle, NicError> {
        let mut chip = self.model.chip();
        chip.call(self.start, Call::Create(*rule))?;
        let (life, id) = chip.create(rule)?;
        Ok(Handle { life, id })
    }

    fn destroy(&mut self, handle: Handle) -> Result<(), (Handle, NicError)> {
        let mut chip = self.model.chip();
        let rule = chip.rule(handle.life, handle.id);
        if let Err(error) = chip.call(self.start, Call::Destroy(rule)) {
            return Err((handle, error));
        }
        chip.destroy(handle.id);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), NicError> {
        let mut chip = self.model.chip();
        let failed = chip.call(self.start, Call::Flush);
        chip.flush(failed)
    }

    fn hits(&mut self, handle: &Handle) -> Result<u64, NicError> {
        let mut chip = self.model.chip();
        let rule = chip.rule(handle.life, handle.id);
        chip.call(self.start, Call::Hits(rule))?;
        chip.hits(handle.id)
    }
}

/// An error without words.
pub(crate) const fn bare(errno: Errno) -> NicError {
    NicError {
        errno,
        message: None,
    }
}

/// An end point of 192.0.2.1 for tests: untagged, with the VNI cut to 24 bits.
pub const fn target(udp_port: u16, vni: u32) -> Target {
    let [_, a, b, c] = vni.to_be_bytes();
    Target {
        vlan: None,
        end_point: EndPoint {
            local: std::net::Ipv4Addr::new(192, 0, 2, 1),
            udp_port,
            vni: Vni::from_bytes([a, b, c]),
        },
        remote: None,
    }
}

#[cfg(test)]
mod tests;
