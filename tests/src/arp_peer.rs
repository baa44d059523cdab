//! A remote that is nothing but frames: it answers ARP only as a test says, and sees what it gets.

use crate::frame::{self, Mac, Outer};
use crate::lab::HOST_END;
use crate::netns::Netns;
use crate::traffic::Capture;
use crate::{Result, wait};
use std::net::Ipv4Addr;

/// A namespace's [`HOST_END`] without a kernel's address behind it.
#[derive(Debug)]
pub struct ArpPeer<'a> {
    ns: &'a Netns,
    capture: Capture,
    own: Ipv4Addr,
    switch: Ipv4Addr,
}

impl<'a> ArpPeer<'a> {
    /// The remote with address `own`, that the switch at `switch` is to ask for.
    ///
    /// # Errors
    /// If the capture does not start.
    pub fn start(ns: &'a Netns, own: Ipv4Addr, switch: Ipv4Addr) -> Result<Self> {
        let capture = Capture::start(ns, HOST_END, "-Q in arp or udp dst port 4789")?;
        Ok(Self {
            ns,
            capture,
            own,
            switch,
        })
    }

    /// The MACs from which the switch has asked for us so far, one for each question.
    ///
    /// # Errors
    /// If the capture is broken.
    pub fn questions(&self) -> Result<Vec<Mac>> {
        let asked = |frame: Vec<u8>| {
            // EtherType ARP, operation 1, from the switch, for us (RFC 826).
            let fits = frame.len() >= 42
                && frame[12..14] == [8, 6]
                && frame[20..22] == [0, 1]
                && frame[28..32] == self.switch.octets()
                && frame[38..42] == self.own.octets();
            fits.then(|| std::array::from_fn(|at| frame[22 + at]))
        };
        Ok(self
            .capture
            .frames()?
            .into_iter()
            .filter_map(asked)
            .collect())
    }

    /// Waits for a question beyond the first `known`, and gives the MAC of who asks.
    ///
    /// # Errors
    /// If none comes.
    pub fn wait_question(&self, known: usize) -> Result<Mac> {
        wait::until("a question", wait::LONG, || {
            Ok(self.questions()?.get(known).copied())
        })
    }

    /// What an answer says: sender `mac` has our address.
    #[must_use]
    pub fn answer(&self, mac: Mac, asker: Mac) -> Vec<u8> {
        frame::arp(2, (mac, self.own), (asker, self.switch))
    }

    /// An announcement to all: our address is at `mac` (RFC 5227, section 3).
    #[must_use]
    pub fn announcement(&self, mac: Mac) -> Vec<u8> {
        frame::arp(1, (mac, self.own), ([0; 6], self.own))
    }

    /// Sends frames, as fast as it goes.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn send(&self, frames: &[Vec<u8>]) -> Result {
        // A command line has room for so many.
        for some in frames.chunks(500) {
            self.ns.send_frames(HOST_END, some, 0)?;
        }
        Ok(())
    }

    /// The VXLAN frames so far: the MAC each was sent to, and the inner frame.
    ///
    /// # Errors
    /// If the capture is broken, or one of them is no VXLAN frame.
    pub fn tunnelled(&self) -> Result<Vec<(Mac, Vec<u8>)>> {
        let frames = self.capture.frames()?.into_iter();
        let frames = frames.filter(|frame| frame.get(12..14) == Some(&[8, 0]));
        frames
            .map(|frame| {
                let (outer, inner) = Outer::parse(&frame)?;
                Ok((outer.dst, inner.to_vec()))
            })
            .collect()
    }
}
