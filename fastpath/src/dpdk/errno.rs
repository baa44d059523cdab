//! Error numbers of C.

#![expect(
    unsafe_code,
    reason = "reads DPDK's error number of the calling thread"
)]

use std::fmt;
use std::io;

/// An error number as C returned it, without its sign. Shown as its text and number. DPDK often
/// returns 1 for an error that only its log tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(i32);

impl Errno {
    /// From a return value of a DPDK function, which is a negative error number.
    pub(super) fn of(returned: i32) -> Self {
        Errno(returned.saturating_abs())
    }

    /// What DPDK stored for the calling thread.
    pub(super) fn last() -> Self {
        // SAFETY: reads a variable that DPDK keeps per thread; it has no preconditions.
        Errno::of(unsafe { dpdk_sys::shim_errno() })
    }

    /// `Ok` for a return value that is not negative.
    pub(super) fn check(returned: i32) -> Result<i32, Self> {
        if returned < 0 {
            Err(Errno::of(returned))
        } else {
            Ok(returned)
        }
    }

    /// The number, as in `errno.h`.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The device or its driver does not have what was asked for.
    pub const fn is_unsupported(self) -> bool {
        matches!(self.0, libc::ENOTSUP | libc::ENOSYS)
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            // Many functions of DPDK return -1 for whatever it was.
            1 => f.write_str("no reason given, or operation not permitted (error 1)"),
            number => io::Error::from_raw_os_error(number).fmt(f),
        }
    }
}

impl std::error::Error for Errno {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_text_and_number() {
        assert_eq!(
            Errno::of(-libc::ENODEV).to_string(),
            "No such device (os error 19)"
        );
        assert_eq!(Errno::check(3), Ok(3));
        assert_eq!(Errno::check(-libc::EBUSY), Err(Errno(libc::EBUSY)));
        assert!(Errno::of(-libc::ENOTSUP).is_unsupported());
    }
}
