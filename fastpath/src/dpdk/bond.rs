//! What belongs to a bond: its driver passes rules on to its members, but not what they are told of
//! UDP ports, so that each is told by itself.
//!
//! The driver is a plug-in, which the EAL may have loaded or not, and whose functions the linker
//! does not see. It is looked for among what is loaded, and never loaded for this.

#![expect(unsafe_code, reason = "looks up and calls a function of a plug-in")]

use super::claim::Devices;
use super::port::driver_name;
use super::{Device, PortIndex};
use dpdk_sys as sys;
use std::ffi::{CStr, CString, c_int, c_void};
use std::mem::transmute;
use std::ptr::NonNull;

const DRIVER: &str = "net_bonding";
const LIBRARY: &[u8] = b"librte_net_bond.so";
/// From 23.11 on, and before.
const NAMES: [&CStr; 2] = [c"rte_eth_bond_members_get", c"rte_eth_bond_slaves_get"];
/// More libraries of that name are not looked at.
const LIBRARIES: usize = 4;

/// Writes the members of a bond, as far as there is room for all; returns how many there are.
type MembersGet = unsafe extern "C" fn(u16, *mut u16, u16) -> c_int;

impl Device {
    /// Finds the members of a bond that was just started, once.
    pub(super) fn find_members(&self) {
        let members = self.members.get_or_init(|| self.look_for_members());
        for member in members {
            member.calls().runs = true;
        }
    }

    fn look_for_members(&self) -> Vec<Device> {
        let driver = self.raw_info().map(|info| driver_name(&info));
        if !driver.is_ok_and(|driver| driver == DRIVER) {
            return Vec::new();
        }
        let Some(function) = members_get() else {
            tracing::warn!(
                device = self.name(),
                "the members of the bond cannot be found"
            );
            return Vec::new();
        };
        let mut members = [0; sys::K_MAX_ETHPORTS as usize];
        let calls = self.calls();
        let (bond, room) = (self.index().get(), sys::K_MAX_ETHPORTS);
        // SAFETY: the port is one of the driver that the function is of; it writes as many as there
        // is room for, which is for all ports that there can be.
        let count = unsafe { function(bond, members.as_mut_ptr(), room) };
        drop(calls);
        let count = usize::try_from(count).unwrap_or(0);
        let mut devices = Devices::lock();
        let claim = |index: &PortIndex| {
            let claimed = devices.claim(*index);
            if !claimed {
                let device = self.name();
                tracing::warn!(device, %index, "a member of the bond is a port of its own: it is not told for the bond");
            }
            claimed
        };
        let indices = members.iter().take(count).map(|index| PortIndex(*index));
        let claimed: Vec<_> = indices.filter(claim).collect();
        claimed
            .into_iter()
            .map(|index| self.member(index))
            .collect()
    }

    /// Before the bond stops its members: their rules go first, as with any port.
    pub(super) fn members_stop(&self) {
        for member in self.members.get().into_iter().flatten() {
            member.drop_flows(&mut member.calls());
        }
    }

    /// The bond has stopped its members.
    pub(super) fn members_stopped(&self) {
        for member in self.members.get().into_iter().flatten() {
            let mut told = member.calls();
            told.runs = false;
            member.drop_vxlan_ports(&mut told);
        }
    }

    /// A member of a bond is not to be called any more: its number may be that of another device
    /// soon. Nothing is taken back from it.
    pub fn leave_alone(&self) {
        let mut told = self.calls();
        told.left = true;
        told.forget_rules();
        told.vxlan_ports.clear();
        told.doubtful.clear();
    }
}

/// The function of the plug-in that tells members.
fn members_get() -> Option<MembersGet> {
    let found = look_up(libc::RTLD_DEFAULT).or_else(|| {
        let mut handles = loaded().into_iter().map(|name| {
            // SAFETY: the name is a string. Nothing is loaded; what is loaded already stays so, as
            // the handle is never closed.
            unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_NOLOAD) }
        });
        handles.find_map(|handle| (!handle.is_null()).then(|| look_up(handle)).flatten())
    });
    // SAFETY: all releases that have one of the two names have it with this type, and the library
    // stays loaded.
    found.map(|function| unsafe { transmute::<NonNull<c_void>, MembersGet>(function) })
}

/// `library` is a handle that is open, or stands for all that is visible.
fn look_up(library: *mut c_void) -> Option<NonNull<c_void>> {
    let mut found = NAMES.iter().map(|name| {
        // SAFETY: the handle is as said above, and the name a string.
        unsafe { libc::dlsym(library, name.as_ptr()) }
    });
    found.find_map(NonNull::new)
}

/// Names of the libraries that are loaded and called as the plug-in is, whatever its version.
fn loaded() -> Vec<CString> {
    let mut names: Vec<CString> = Vec::new();
    // SAFETY: the callback is called during this call only, with what it is given here.
    unsafe { libc::dl_iterate_phdr(Some(on_library), (&raw mut names).cast()) };
    names
}

/// Adds the name of a library to the [`Vec`] that `names` is, if it is one of those looked for.
unsafe extern "C" fn on_library(
    info: *mut libc::dl_phdr_info,
    _size: usize,
    names: *mut c_void,
) -> c_int {
    // SAFETY: it is the list that `loaded` gave, which nobody else uses meanwhile.
    let names = unsafe { &mut *names.cast::<Vec<CString>>() };
    // SAFETY: the linker gives a description that lives during the call.
    let name = unsafe { (*info).dlpi_name };
    if name.is_null() {
        return 0;
    }
    // SAFETY: a string of the linker's.
    let name = unsafe { CStr::from_ptr(name) };
    let mut parts = name.to_bytes().rsplit(|byte| *byte == b'/');
    if parts.next().is_some_and(|file| file.starts_with(LIBRARY)) {
        names.push(name.to_owned());
    }
    c_int::from(names.len() >= LIBRARIES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plug_in_that_is_not_loaded_is_not_loaded_for_this() {
        assert!(loaded().is_empty());
        assert!(members_get().is_none());
    }
}
