//! The NIC itself: a parser, a table of rules, and what is to go wrong.

use super::bare;
use super::profile::{Duplicate, Profile, UdpPorts};
use crate::offload::nic::{Meaning, NicError, NicFacts};
use fastpath::offload::Rule;
use nix::errno::Errno;
use std::collections::{BTreeMap, BTreeSet};

/// A call that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// A UDP port was told.
    Add(u16),
    /// A UDP port was taken back.
    Del(u16),
    /// A rule was shown.
    Validate(Rule),
    /// A rule was to be installed.
    Create(Rule),
    /// A rule was taken away.
    Destroy(Rule),
    /// All rules were.
    Flush,
    /// A rule was asked for what it matched.
    Hits(Rule),
}

/// The state of a [`Model`](super::Model).
pub struct Chip {
    profile: Profile,
    queues: u16,
    /// How often it was started, while it runs.
    running: Option<u64>,
    starts: u64,
    /// Handles of an older life are good for nothing.
    life: u64,
    /// UDP ports, and whether somebody else told them.
    ports: BTreeMap<u16, bool>,
    /// UDP ports that it was asked to forget since they were told.
    taken_back: BTreeSet<u16>,
    pub(super) rules: BTreeMap<u64, (Rule, u64)>,
    ids: u64,
    gone: bool,
    gone_told: bool,
    recovering: bool,
    faults: BTreeMap<u64, Errno>,
    create_error: Option<Errno>,
    calls: u64,
    log: Vec<Call>,
}

impl Chip {
    pub(super) fn new(profile: Profile, queues: u16) -> Self {
        let mut chip = Chip {
            profile,
            queues,
            running: None,
            starts: 0,
            life: 0,
            ports: BTreeMap::new(),
            taken_back: BTreeSet::new(),
            rules: BTreeMap::new(),
            ids: 0,
            gone: false,
            gone_told: false,
            recovering: false,
            faults: BTreeMap::new(),
            create_error: None,
            calls: 0,
            log: Vec::new(),
        };
        chip.power_on();
        chip
    }

    /// What it does and does not, to be changed.
    pub const fn profile(&mut self) -> &mut Profile {
        &mut self.profile
    }

    /// The `nth` call from now on, the first being 0, fails with that.
    pub fn fail(&mut self, nth: u64, errno: Errno) {
        self.faults.insert(self.calls + nth, errno);
    }

    /// No call fails any more that was told to.
    pub fn heal(&mut self) {
        self.faults.clear();
        self.create_error = None;
    }

    /// No rule can be installed any more, whatever it says of it before.
    pub const fn fail_creates(&mut self, errno: Option<Errno>) {
        self.create_error = errno;
    }

    /// Somebody else tells it a UDP port.
    pub fn told_by_others(&mut self, port: u16) {
        self.ports.insert(port, true);
    }

    /// Whoever starts it tells it UDP ports before, and no others if there are any.
    pub fn tell_before(&mut self, ports: &[u16]) {
        if self.profile.tell_before {
            self.ports.retain(|_, others| *others);
        }
        self.ports.extend(ports.iter().map(|port| (*port, false)));
    }

    pub(super) fn start(&mut self) -> u64 {
        assert!(self.running.is_none(), "it runs already");
        self.starts += 1;
        self.running = Some(self.starts);
        (self.gone, self.gone_told, self.recovering) = (false, false, false);
        self.starts
    }

    /// The port is stopped. What it keeps then depends on its kind.
    pub fn stop(&mut self) {
        self.running = None;
        let here = !self.gone && !self.gone_told;
        self.lose(
            self.profile.keeps_rules && here,
            self.profile.keeps_ports && here,
        );
    }

    /// It was reset, and goes on.
    pub fn reset(&mut self) {
        self.recovering = false;
        self.lose(false, false);
    }

    /// It meets an error, and must not be called until it has recovered.
    pub const fn suspend(&mut self) {
        self.recovering = true;
    }

    /// It has recovered, with or without what it had.
    pub fn recover(&mut self, keeps: bool) {
        self.recovering = false;
        self.lose(keeps, keeps);
    }

    /// It is pulled out.
    pub const fn unplug(&mut self) {
        self.gone = true;
    }

    fn lose(&mut self, keeps_rules: bool, keeps_ports: bool) {
        self.life += 1;
        if !keeps_rules {
            self.rules.clear();
        }
        if !keeps_ports {
            self.ports.retain(|_, others| *others);
            self.taken_back.clear();
            self.power_on();
        }
    }

    /// A register that nobody wrote holds what it held at first.
    fn power_on(&mut self) {
        if let UdpPorts::Register(register) = self.profile.udp_ports
            && self.ports.is_empty()
        {
            self.ports.extend(register.first.map(|first| (first, true)));
        }
    }

    /// UDP ports that it was told, those of others not among them.
    pub fn ports(&self) -> BTreeSet<u16> {
        let ours = self.ports.iter().filter(|(_, others)| !**others);
        ours.map(|(port, _)| *port).collect()
    }

    /// Whether its parser looks behind a UDP port.
    pub fn knows(&self, port: u16) -> bool {
        let fixed = match self.profile.udp_ports {
            UdpPorts::Stub(fixed) | UdpPorts::Fixed(fixed) => fixed == port,
            UdpPorts::None | UdpPorts::Table(_) | UdpPorts::Register(_) => false,
        };
        fixed || self.ports.contains_key(&port)
    }

    /// Whether it was pulled out.
    pub const fn is_gone(&self) -> bool {
        self.gone
    }

    /// Rules that are installed, in the order in which they were.
    pub fn rules(&self) -> Vec<Rule> {
        self.rules.values().map(|(rule, _)| *rule).collect()
    }

    /// Calls since this was last asked.
    pub fn log(&mut self) -> Vec<Call> {
        std::mem::take(&mut self.log)
    }

    pub(super) fn facts(&self) -> NicFacts {
        NicFacts {
            device: None,
            driver: self.profile.driver.to_owned(),
            rx_queues: self.queues,
            marks: self.profile.delivery,
            keeps_rules: self.profile.keeps_rules,
        }
    }

    /// A call arrives: it fails here if it was told to.
    pub(super) fn call(&mut self, start: u64, call: Call) -> Result<(), NicError> {
        assert_eq!(
            self.running,
            Some(start),
            "{call:?} after the port was closed"
        );
        assert!(!self.recovering, "{call:?} while it recovers");
        assert!(!self.gone_told, "{call:?} after it was gone");
        self.log.push(call);
        let fault = self.faults.remove(&self.calls);
        self.calls += 1;
        // That it cannot count says nothing of the rest.
        let counts = matches!(call, Call::Hits(_));
        if self.gone {
            self.gone_told |= !counts;
            return Err(bare(Errno::ENODEV));
        }
        let Some(errno) = fault else {
            return Ok(());
        };
        let error = bare(errno);
        // It says that it is, and goes on with what it has.
        self.gone_told |= error.meaning() == Meaning::Gone && !counts;
        Err(error)
    }

    pub(super) fn add(&mut self, port: u16) -> Result<(), NicError> {
        let again = self.ports.get(&port) == Some(&false) && !self.taken_back.contains(&port);
        assert!(!again, "UDP port {port} is told twice");
        let known = self.ports.contains_key(&port);
        let (room, duplicate, full) = match self.profile.udp_ports {
            UdpPorts::None | UdpPorts::Fixed(_) => return Err(bare(Errno::ENOTSUP)),
            UdpPorts::Stub(fixed) if fixed == port => return Ok(()),
            UdpPorts::Stub(_) => return Err(bare(Errno::ENOTSUP)),
            UdpPorts::Table(table) => (table.room, table.duplicate, Some(table.full)),
            UdpPorts::Register(register) => (1, register.duplicate, register.full),
        };
        match duplicate {
            Duplicate::Refused(errno) if known => return Err(bare(errno)),
            _ => {}
        }
        if !known && self.ports.len() >= room {
            if let Some(full) = full {
                return Err(bare(full));
            }
            // What it would not forget when it was asked to is nobody's.
            let mut ours = self.ports();
            ours.retain(|port| !self.taken_back.contains(port));
            assert!(
                ours.is_empty(),
                "UDP port {port} takes the place of {ours:?}"
            );
            self.ports.clear();
        }
        self.taken_back.remove(&port);
        self.ports.insert(port, false);
        Ok(())
    }

    pub(super) fn del(&mut self, port: u16, failed: Result<(), NicError>) -> Result<(), NicError> {
        self.taken_back.insert(port);
        failed?;
        match self.profile.udp_ports {
            UdpPorts::None | UdpPorts::Stub(_) | UdpPorts::Fixed(_) => {
                return Err(bare(Errno::ENOTSUP));
            }
            UdpPorts::Table(_) | UdpPorts::Register(_) => {}
        }
        self.ports.remove(&port).ok_or(bare(Errno::EINVAL))?;
        self.power_on();
        Ok(())
    }

    pub(super) fn judge(&self, rule: &Rule) -> Result<(), NicError> {
        self.profile.judge(rule, self.queues)
    }

    pub(super) fn create(&mut self, rule: &Rule) -> Result<(u64, u64), NicError> {
        self.judge(rule)?;
        if let Some(errno) = self.create_error {
            return Err(bare(errno));
        }
        if self.rules.len() >= self.profile.room {
            return Err(bare(Errno::ENOSPC));
        }
        self.ids += 1;
        self.rules.insert(self.ids, (*rule, 0));
        Ok((self.life, self.ids))
    }

    /// The rule behind a handle.
    pub(super) fn rule(&self, life: u64, id: u64) -> Rule {
        assert_eq!(life, self.life, "a handle from before the rules were lost");
        let rule = self.rules.get(&id).map(|(rule, _)| *rule);
        assert!(rule.is_some(), "a handle without a rule");
        rule.unwrap_or_else(|| unreachable!("it was just looked at"))
    }

    pub(super) fn destroy(&mut self, id: u64) {
        self.rules.remove(&id);
    }

    /// Handles are of no use any more, even if that fails.
    pub(super) fn flush(&mut self, failed: Result<(), NicError>) -> Result<(), NicError> {
        self.life += 1;
        failed?;
        if !self.profile.has_rules {
            return Err(bare(Errno::ENOSYS));
        }
        self.rules.clear();
        Ok(())
    }

    pub(super) fn hits(&self, id: u64) -> Result<u64, NicError> {
        let rule = self.rules.get(&id).filter(|(rule, _)| rule.count);
        rule.map(|(_, hits)| *hits).ok_or(bare(Errno::ENOTSUP))
    }
}
