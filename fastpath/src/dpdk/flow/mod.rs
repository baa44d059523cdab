//! Rules in the NIC: a [`Rule`] becomes rte_flow, and what the driver gives for it a [`Flow`].
//!
//! All that is installed goes when the port is stopped:
//! [`StartedPort::stop`](super::StartedPort::stop) has the driver take its rules back first, as drivers
//! differ in what a stop makes of them, and some die of a handle from before it. So a handle is only
//! good in the run, and since the last flush, that it is from. Any other is forgotten, not given to the
//! driver.

#![expect(unsafe_code, reason = "gives rules to foreign devices")]

mod actions;
mod error;
#[cfg(test)]
mod guest;
mod items;
#[cfg(test)]
mod samples;

pub use error::FlowError;

use super::told::{Era, Told};
use super::{Device, Errno, PortIndex};
use crate::offload::Rule;
use actions::Steps;
use dpdk_sys as sys;
use items::Layers;
use std::ffi::c_int;
use std::ptr::NonNull;

/// A rule that was installed. Dropping it leaves the rule where it is, until the port is flushed or
/// stopped.
#[must_use = "the rule stays installed, and cannot be taken back alone any more"]
#[derive(Debug)]
pub struct Flow {
    handle: NonNull<sys::rte_flow>,
    port: PortIndex,
    era: Era,
}

// SAFETY: a handle is only read by the driver of its port, in calls that hold the lock of the port;
// no driver binds it to the thread that installed the rule.
unsafe impl Send for Flow {}

/// Packets that arrive, in the group that all packets pass.
fn attributes() -> sys::rte_flow_attr {
    let mut attributes = sys::rte_flow_attr::default();
    attributes.set_ingress(1);
    attributes
}

impl Device {
    /// Whether the driver would take a rule now. Nothing is changed. Drivers answer wrongly in both
    /// directions at times. A slow call.
    ///
    /// # Errors
    /// What the driver says.
    pub fn validate_flow(&self, rule: &Rule) -> Result<(), FlowError> {
        let (device, attributes, what) = (self, attributes(), "validate a rule");
        let (layers, steps) = (Layers::of(rule), Steps::of(rule));
        let (items, actions) = (layers.items(), steps.actions());
        let mut error = sys::rte_flow_error::default();
        let told = device.calls();
        device.runs(&told, what)?;
        // SAFETY: the port is ours, and runs. Attributes, items and actions are ended as they have
        // to be, and live as long as the call, which reads them.
        let returned = unsafe {
            sys::rte_flow_validate(
                device.index().get(),
                &raw const attributes,
                items.as_ptr(),
                actions.as_ptr(),
                &raw mut error,
            )
        };
        device.judge(what, returned, &error)
    }

    /// Installs a rule. A slow call: thousands of microseconds on some NICs.
    ///
    /// # Errors
    /// What the driver says.
    pub fn create_flow(&self, rule: &Rule) -> Result<Flow, FlowError> {
        let (layers, steps) = (Layers::of(rule), Steps::of(rule));
        // SAFETY: both are ended as they have to be, and refer to what lives here.
        unsafe { self.install(&layers.items(), &steps.actions()) }
    }

    /// # Safety
    ///
    /// Items and actions have an end, and what they refer to is what their types say.
    unsafe fn install(
        &self,
        items: &[sys::rte_flow_item],
        actions: &[sys::rte_flow_action],
    ) -> Result<Flow, FlowError> {
        let (device, attributes, what) = (self, attributes(), "install a rule");
        let mut error = sys::rte_flow_error::default();
        let mut told = device.calls();
        device.runs(&told, what)?;
        // SAFETY: the port is ours, and runs. What is referred to is as it has to be (contract), and
        // lives as long as the call, which reads it.
        let handle = unsafe {
            sys::rte_flow_create(
                device.index().get(),
                &raw const attributes,
                items.as_ptr(),
                actions.as_ptr(),
                &raw mut error,
            )
        };
        let Some(handle) = NonNull::new(handle) else {
            let errno = match Errno::last() {
                nothing if nothing.number() == 0 => Errno::of(1),
                errno => errno,
            };
            return Err(device.refusal(what, errno, &error));
        };
        told.rules += 1;
        Ok(Flow {
            handle,
            port: device.index(),
            era: told.era,
        })
    }

    /// Takes a rule back. One from before the last flush or stop of the port is gone already, and
    /// only forgotten. A slow call.
    ///
    /// # Errors
    /// What the driver says; the rule is still there, and is given back. So is one of another port.
    pub fn destroy_flow(&self, flow: Flow) -> Result<(), (Flow, FlowError)> {
        let (device, what) = (self, "remove a rule");
        if flow.port != device.index() {
            return Err((flow, device.misplaced(what)));
        }
        let mut told = device.calls();
        if flow.era != told.era {
            return Ok(());
        }
        let mut error = sys::rte_flow_error::default();
        // SAFETY: the port is ours, and runs, and the handle is one of it that was neither
        // destroyed, as that takes it, nor flushed, as then its era would be over.
        let returned = unsafe {
            sys::rte_flow_destroy(device.index().get(), flow.handle.as_ptr(), &raw mut error)
        };
        match device.judge(what, returned, &error) {
            Ok(()) => {
                told.rules = told.rules.saturating_sub(1);
                Ok(())
            }
            Err(error) => Err((flow, error)),
        }
    }

    /// Takes all rules back. A slow call.
    ///
    /// # Errors
    /// What the driver says. The rules may be there or not; their handles are not good any more in
    /// any case.
    pub fn flush_flows(&self) -> Result<(), FlowError> {
        let mut told = self.calls();
        self.runs(&told, "remove the rules")?;
        self.flush(&mut told)
    }

    /// Packets that a rule which counts has matched since it was installed. A slow call.
    ///
    /// # Errors
    /// What the driver says, if only that the rule does not count. `ENOENT` for a rule that is gone.
    pub fn flow_hits(&self, flow: &Flow) -> Result<u64, FlowError> {
        let (device, what) = (self, "read the count of a rule");
        if flow.port != device.index() {
            return Err(device.misplaced(what));
        }
        let conf = sys::rte_flow_action_count::default();
        let action = Steps::count(&conf);
        let mut count = sys::rte_flow_query_count::default();
        let mut error = sys::rte_flow_error::default();
        let told = device.calls();
        if flow.era != told.era {
            return Err(device.refusal(what, Errno::of(libc::ENOENT), &error));
        }
        // SAFETY: as in `destroy_flow`; the query of a count writes this struct.
        let returned = unsafe {
            sys::rte_flow_query(
                device.index().get(),
                flow.handle.as_ptr(),
                action.as_ptr(),
                (&raw mut count).cast(),
                &raw mut error,
            )
        };
        device.judge(what, returned, &error)?;
        match count.hits_set() {
            0 => Err(device.refusal(what, Errno::of(libc::ENOTSUP), &error)),
            _ => Ok(count.hits),
        }
    }
}

impl Device {
    /// Drivers may not know what to do with rules of a port that does not run.
    fn runs(&self, told: &Told, what: &'static str) -> Result<(), FlowError> {
        let errno = match told {
            Told { left: true, .. } => libc::ENODEV,
            Told { runs: false, .. } => libc::EBUSY,
            _ => return Ok(()),
        };
        Err(self.refusal(what, Errno::of(errno), &sys::rte_flow_error::default()))
    }

    /// Before a stop. Whether it works or not, no handle is used again.
    pub(super) fn drop_flows(&self, told: &mut Told) {
        if told.rules == 0 {
            told.forget_rules();
        } else if let Err(error) = self.flush(told) {
            tracing::warn!(%error, "the driver may keep rules of a port that stops");
        }
    }

    fn flush(&self, told: &mut Told) -> Result<(), FlowError> {
        told.forget_rules();
        let mut error = sys::rte_flow_error::default();
        // SAFETY: the port is ours, and runs; handles of before are forgotten.
        let returned = unsafe { sys::rte_flow_flush(self.index().get(), &raw mut error) };
        self.judge("remove the rules", returned, &error)
    }

    /// `error` was just given to a call that returned this.
    fn judge(
        &self,
        what: &'static str,
        returned: c_int,
        error: &sys::rte_flow_error,
    ) -> Result<(), FlowError> {
        match Errno::check(returned) {
            Ok(_) => Ok(()),
            Err(errno) => Err(self.refusal(what, errno, error)),
        }
    }

    /// `error` is as it was made, or was just given to a call that failed.
    fn refusal(&self, what: &'static str, errno: Errno, error: &sys::rte_flow_error) -> FlowError {
        FlowError {
            device: self.name().to_owned(),
            what,
            errno,
            // SAFETY: whoever calls this made it of zeros, and holds the lock of the port since before
            // it gave it to the driver.
            message: unsafe { error::message(error) },
        }
    }

    fn misplaced(&self, what: &'static str) -> FlowError {
        FlowError {
            device: self.name().to_owned(),
            what,
            errno: Errno::of(libc::EINVAL),
            message: Some("the rule is one of another port".to_owned()),
        }
    }
}
