//! Network namespaces with names that nobody else uses, gone when dropped.

use crate::{Result, command};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A name that no other process of this machine and no other call uses: `op<pid>-<count>-<role>`.
#[must_use]
pub fn unique(role: &str) -> String {
    format!(
        "op{}-{}-{role}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

/// A network namespace of our own: lo is up, IPv6 is off so that nothing talks unasked.
#[derive(Debug)]
pub struct Netns {
    name: String,
}

impl Netns {
    /// Makes a namespace.
    ///
    /// # Errors
    /// Without root, or if the kernel has no namespaces.
    pub fn new(role: &str) -> Result<Self> {
        let name = unique(role);
        command::run(Command::new("ip").args(["netns", "add", &name]))?;
        let ns = Self { name };
        for scope in ["default", "all"] {
            // A kernel without IPv6 has no such file, and needs none.
            let _ = ns.write_proc(&format!("net/ipv6/conf/{scope}/disable_ipv6"), "1");
        }
        ns.ip("link set lo up")?;
        Ok(ns)
    }

    /// Its name, for `ip netns exec`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A command that will run inside. `ip netns exec` becomes the program itself, so the process
    /// id of a child is the program's.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }

    /// Runs a program inside, to its end, and gives its standard output.
    ///
    /// # Errors
    /// If it fails, with what it said.
    pub fn run(&self, program: &str, args: &[&str]) -> Result<String> {
        command::run(self.command(program).args(args))
    }

    /// Runs `ip` on this namespace; the words of `line` are its arguments.
    ///
    /// # Errors
    /// If it fails, with what it said.
    pub fn ip(&self, line: &str) -> Result<String> {
        command::run(
            Command::new("ip")
                .args(["-n", &self.name])
                .args(line.split_whitespace()),
        )
    }

    /// Writes a value below /proc/sys.
    ///
    /// # Errors
    /// If the kernel has no such setting.
    pub fn write_proc(&self, path: &str, value: &str) -> Result {
        self.run("sh", &["-c", &format!("echo {value} >/proc/sys/{path}")])
            .map(drop)
    }

    /// Turns off what lets a kernel hand out frames that are not finished: open checksums and
    /// segments above the MTU. A reader of raw frames on the other end of a veth needs that.
    ///
    /// # Errors
    /// If ethtool fails.
    pub fn finish_frames(&self, device: &str) -> Result {
        self.run("ethtool", &["-K", device, "tx", "off"]).map(drop)
    }

    /// Sends raw frames from a device, one after the other, `pause_ms` apart.
    ///
    /// # Errors
    /// If python3 or the kernel refuses.
    pub fn send_frames(&self, device: &str, frames: &[Vec<u8>], pause_ms: u32) -> Result {
        const SEND: &str = "import socket, sys, time\n\
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)\n\
            s.bind((sys.argv[1], 0))\n\
            for frame in sys.argv[3:]:\n\
            \x20   s.send(bytes.fromhex(frame)); time.sleep(int(sys.argv[2]) / 1000)\n";
        let hex = frames
            .iter()
            .map(|frame| frame.iter().map(|b| format!("{b:02x}")).collect());
        let hex: Vec<String> = hex.collect();
        let mut command = self.command("python3");
        command
            .args(["-c", SEND, device, &pause_ms.to_string()])
            .args(hex);
        command::run(&mut command).map(drop)
    }
}

impl Drop for Netns {
    fn drop(&mut self) {
        let _ = command::run(Command::new("ip").args(["netns", "del", &self.name]));
    }
}
