//! Tests that cannot run on this host say so loudly, and only for something the host lacks.

use crate::command;
use crate::netns::Netns;
use std::fs::OpenOptions;
use std::io::Write;
use std::process::Command;

/// Ends a test early because the host lacks something: `skip!("no iperf3")`.
#[macro_export]
macro_rules! skip {
    ($($reason:tt)*) => {{
        $crate::skip::note(&format!($($reason)*));
        return Ok(());
    }};
}

/// Ends a test early unless the host has what it needs: `need!(skip::LAB, "iperf3")`.
#[macro_export]
macro_rules! need {
    ($($what:expr),+) => {
        for what in [$($what),+] {
            if let Some(reason) = $crate::skip::missing(what) {
                $crate::skip!("{reason}");
            }
        }
    };
}

/// For [`need!`](crate::need): root, and network namespaces.
pub const LAB: &str = "lab";

/// For [`need!`](crate::need): tap devices.
pub const TAP: &str = "tap";

/// For [`need!`](crate::need): VXLAN in the kernel.
pub const VXLAN: &str = "vxlan";

/// For [`need!`](crate::need): XDP on one end of a veth pair, through sockets, and ethtool.
pub const XDP: &str = "xdp";

/// Why `what` (a program, or one of the words above) is not to be had on this host.
#[must_use]
pub fn missing(what: &str) -> Option<String> {
    match what {
        LAB => missing_lab(),
        TAP => {
            let there = std::path::Path::new("/dev/net/tun").exists();
            (!there).then(|| "no /dev/net/tun: the kernel has no tap devices".into())
        }
        VXLAN => {
            let add = "link add vx1 type vxlan id 1 dstport 4789 local 127.0.0.1";
            let made = Netns::new("try").and_then(|ns| ns.ip(add));
            made.err()
                .map(|error| format!("no VXLAN in the kernel: {error}"))
        }
        XDP => missing_xdp(),
        program if command::found(program) => None,
        program => Some(format!(
            "{program} is not installed: scripts/install-deps lab test"
        )),
    }
}

fn missing_lab() -> Option<String> {
    if !command::found("ip") {
        return Some("ip is not installed: scripts/install-deps lab".into());
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if !status.lines().any(|line| line.starts_with("Uid:\t0\t")) {
        return Some("namespaces need root: run this as root, or scripts/test e2e".into());
    }
    let made = Netns::new("try");
    made.err()
        .map(|error| format!("no network namespaces: {error}"))
}

/// A kernel without the address family answers so before it looks at anything else.
fn missing_xdp() -> Option<String> {
    const TRY: &str = "import socket; socket.socket(44, socket.SOCK_RAW).close()";
    if !command::found("ethtool") {
        return missing("ethtool");
    }
    let made = command::run(Command::new("python3").args(["-c", TRY]));
    made.err()
        .map(|error| format!("no XDP sockets in the kernel: {error}"))
}

/// Says that a test is skipped: on the real standard error, past the test runner's capture, and
/// into the file that OVERPATH_SKIPS names, from which scripts/test makes its summary.
pub fn note(reason: &str) {
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    let line = format!("SKIPPED: {name}: {reason}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(path) = std::env::var_os("OVERPATH_SKIPS")
        && let Ok(mut file) = OpenOptions::new().append(true).create(true).open(path)
    {
        let _ = file.write_all(line.as_bytes());
    }
}
