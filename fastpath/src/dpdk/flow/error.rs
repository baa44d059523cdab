//! A rule that was refused.

#![expect(unsafe_code, reason = "reads a foreign string")]

use crate::dpdk::Errno;
use dpdk_sys as sys;
use std::ffi::CStr;
use std::fmt;

/// A device did not do with a rule as it was told. Often that is no fault: drivers take few of all
/// rules that can be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowError {
    pub(super) device: String,
    pub(super) what: &'static str,
    pub(super) errno: Errno,
    pub(super) message: Option<String>,
}

impl FlowError {
    /// Why.
    pub fn errno(&self) -> Errno {
        self.errno
    }

    /// The same in the words of the driver, if it said anything.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }
}

impl fmt::Display for FlowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FlowError {
            device,
            what,
            errno,
            message,
        } = self;
        write!(f, "cannot {what} of port {device}: ")?;
        match message {
            Some(message) => write!(f, "{message} ({errno})"),
            None => errno.fmt(f),
        }
    }
}

impl std::error::Error for FlowError {}

/// The words of a driver, copied: they may lie in memory of the rule or of the device, which go.
///
/// # Safety
///
/// `error` was all zero before a call that failed and was given it, and nothing was asked of the
/// device since.
pub(super) unsafe fn message(error: &sys::rte_flow_error) -> Option<String> {
    if error.message.is_null() {
        return None;
    }
    // SAFETY: the driver set it in that call (contract), to a string that is still there.
    let message = unsafe { CStr::from_ptr(error.message) };
    let message = message.to_string_lossy().into_owned();
    (!message.is_empty()).then_some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_device_and_has_the_words_of_the_driver() {
        let said = c"mask not supported".to_owned();
        let error = sys::rte_flow_error {
            message: said.as_ptr(),
            ..Default::default()
        };
        // SAFETY: as if a driver had been asked just now.
        let message = unsafe { message(&error) };
        drop(said);
        let mut error = FlowError {
            device: "net_x0".to_owned(),
            what: "install a rule",
            errno: Errno::of(-libc::ENOTSUP),
            message,
        };
        assert_eq!(error.message(), Some("mask not supported"));
        assert_eq!(
            error.to_string(),
            "cannot install a rule of port net_x0: mask not supported (Operation not supported (os \
             error 95))"
        );
        error.message = None;
        assert_eq!(
            error.to_string(),
            "cannot install a rule of port net_x0: Operation not supported (os error 95)"
        );
        // SAFETY: as above; it said nothing.
        let nothing = unsafe { super::message(&sys::rte_flow_error::default()) };
        assert_eq!(nothing, None);
    }
}
