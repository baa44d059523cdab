//! An XDP program that passes every frame.
//!
//! What sends into a veth hands over segments far above the MTU, because nothing is to leave the
//! host. A driver with fixed buffers cuts them. While a program is attached to one end, the kernel
//! takes segmentation offload from the other (`veth_fix_features`), so that frames come as they
//! would from a wire.

#![expect(unsafe_code, reason = "asks the kernel by bpf(2) and ioctl(2)")]

use super::{Device, Errno, PortError};
use std::ffi::c_int;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Numbers of linux/bpf.h, linux/if_link.h and linux/ethtool.h.
mod linux {
    pub(super) const PROG_LOAD: i64 = 5;
    pub(super) const LINK_CREATE: i64 = 28;
    pub(super) const PROG_TYPE_XDP: u32 = 6;
    pub(super) const ATTACH_XDP: u32 = 37;
    /// In the driver, not on copies that the kernel makes behind it.
    pub(super) const DRIVER_MODE: u32 = 1 << 2;
    /// The program does not mind packets in pieces: without it the MTU is at most about 3500.
    pub(super) const HAS_FRAGS: u32 = 1 << 5;
    pub(super) const GET_DRIVER: u32 = 3;
}

/// `r0 = XDP_PASS; exit`, as the kernel has its instructions in memory.
#[cfg(target_endian = "little")]
static PROGRAM: [[u8; 8]; 2] = [[0xb7, 0, 0, 0, 2, 0, 0, 0], [0x95, 0, 0, 0, 0, 0, 0, 0]];
/// The same, with the other order of bytes.
#[cfg(target_endian = "big")]
static PROGRAM: [[u8; 8]; 2] = [[0xb7, 0, 0, 0, 0, 0, 0, 2], [0x95, 0, 0, 0, 0, 0, 0, 0]];

/// The part of `union bpf_attr` that loads a program.
#[repr(C)]
#[derive(Default)]
struct ProgLoad {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
    kern_version: u32,
    prog_flags: u32,
}

/// The part of `union bpf_attr` that attaches one.
#[repr(C)]
#[derive(Default)]
struct LinkCreate {
    prog_fd: u32,
    target_ifindex: u32,
    attach_type: u32,
    flags: u32,
}

/// `struct ethtool_drvinfo`.
#[repr(C)]
struct DriverInfo {
    command: u32,
    driver: [u8; 32],
    rest: [u8; 160],
}

/// The program could not be attached.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// The port does not say what is behind it.
    #[error(transparent)]
    Port(#[from] PortError),
    /// No right (`CAP_NET_ADMIN` and `CAP_BPF`), or a kernel without BPF.
    #[error("cannot load an XDP program: {0}")]
    Load(Errno),
    /// The kernel refuses this interface: another program is attached, or its MTU is too large.
    #[error("cannot attach an XDP program: {0}")]
    Attach(Errno),
}

/// The program, attached to the interface behind a port. Dropping it detaches it, and so does the
/// end of the process.
#[derive(Debug)]
pub struct PassProgram {
    _link: OwnedFd,
}

impl PassProgram {
    /// Attaches the program to the interface of `device`. `None` if that is no veth: other
    /// interfaces have nothing to gain from it. A slow call, to be made in the network namespace of
    /// the interface.
    pub fn attach(device: &Device) -> Result<Option<Self>, PassError> {
        let index = device.raw_info()?.if_index;
        if interface_driver(index).as_deref() != Some(b"veth") {
            return Ok(None);
        }
        // Kernels before 5.18 know nothing of packets in pieces.
        let program = load(linux::HAS_FRAGS)
            .or_else(|_| load(0))
            .map_err(PassError::Load)?;
        let attributes = LinkCreate {
            prog_fd: program.as_raw_fd() as u32,
            target_ifindex: index,
            attach_type: linux::ATTACH_XDP,
            flags: linux::DRIVER_MODE,
        };
        let link = bpf(linux::LINK_CREATE, &attributes).map_err(PassError::Attach)?;
        Ok(Some(PassProgram { _link: link }))
    }
}

fn load(flags: u32) -> Result<OwnedFd, Errno> {
    let attributes = ProgLoad {
        prog_type: linux::PROG_TYPE_XDP,
        insn_cnt: PROGRAM.len() as u32,
        insns: PROGRAM.as_ptr().expose_provenance() as u64,
        license: c"Dual MIT/GPL".as_ptr().expose_provenance() as u64,
        prog_flags: flags,
        ..ProgLoad::default()
    };
    bpf(linux::PROG_LOAD, &attributes)
}

/// A call that returns a descriptor. What `attributes` refers to has to live as long as the call.
fn bpf<T>(command: i64, attributes: &T) -> Result<OwnedFd, Errno> {
    // SAFETY: the kernel reads as many bytes as it is told, and what these point to: a program and its
    // licence, which are static. Anything else it refuses.
    let returned = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            std::ptr::from_ref(attributes),
            size_of::<T>(),
        )
    };
    let fd = check(returned)?;
    // SAFETY: both commands return a new descriptor, which is ours.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn check(returned: i64) -> Result<c_int, Errno> {
    if returned < 0 {
        let number = io::Error::last_os_error().raw_os_error();
        return Err(Errno::of(number.unwrap_or(libc::EINVAL)));
    }
    c_int::try_from(returned).map_err(|_| Errno::of(libc::EINVAL))
}

/// The name of the driver behind an interface of our network namespace, if it has one.
fn interface_driver(index: u32) -> Option<Vec<u8>> {
    let mut info = DriverInfo {
        command: linux::GET_DRIVER,
        driver: [0; 32],
        rest: [0; 160],
    };
    // SAFETY: all of it are numbers and pointers, which may be zero.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    // SAFETY: the name has the length that the call writes at most.
    if unsafe { libc::if_indextoname(index, request.ifr_name.as_mut_ptr()) }.is_null() {
        return None;
    }
    request.ifr_ifru.ifru_data = (&raw mut info).cast();
    // SAFETY: makes a descriptor or fails.
    let socket = check(unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0) }.into()).ok()?;
    // SAFETY: it is new, so it is ours.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    // SAFETY: the request names an interface and points to the struct that this command fills.
    let returned =
        unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL as _, &raw mut request) };
    check(returned.into()).ok()?;
    info.driver
        .split(|byte| *byte == 0)
        .next()
        .map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_structs_are_as_long_as_the_kernels() {
        assert_eq!((size_of::<ProgLoad>(), size_of::<LinkCreate>()), (48, 16));
        assert_eq!(size_of::<DriverInfo>(), 196);
    }

    #[test]
    fn an_interface_that_is_not_there_has_no_driver() {
        assert_eq!(interface_driver(u32::MAX), None);
        // Loopback has none either.
        assert_eq!(interface_driver(1), None);
    }
}
