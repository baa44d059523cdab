//! The socket on which a service manager hears of its service: sd_notify(3).

use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// A way to the service manager. What is told never waits for it.
#[derive(Debug)]
pub struct Notifier {
    socket: UnixDatagram,
    address: SocketAddr,
}

impl Notifier {
    /// To `name`, as `NOTIFY_SOCKET` has it: a path, or `@` and an abstract name.
    ///
    /// # Errors
    /// If it is neither, or too long, or there are no sockets to be had.
    pub fn new(name: &OsStr) -> io::Result<Self> {
        let address = match name.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            [b'/', ..] => SocketAddr::from_pathname(name)?,
            _ => {
                let text = "neither a path nor an abstract name, which begins with @";
                return Err(io::Error::new(ErrorKind::InvalidInput, text));
            }
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Notifier { socket, address })
    }

    /// Tells lines of the form `NAME=value`. Addressed anew each time: a manager that is replaced is
    /// found again.
    ///
    /// # Errors
    /// [`ErrorKind::WouldBlock`] if the manager does not read at the moment; others if it is gone.
    pub fn tell(&self, lines: &str) -> io::Result<()> {
        self.socket
            .send_to_addr(lines.as_bytes(), &self.address)
            .map(drop)
    }
}

/// The watchdog's time, of `WATCHDOG_USEC` and `WATCHDOG_PID`: none if there is no watchdog, or if it
/// is meant for another process than `own`.
pub fn watchdog(usec: Option<&OsStr>, pid: Option<&OsStr>, own: u32) -> Option<Duration> {
    let usec = usec?.to_str()?.parse().ok().filter(|usec| *usec > 0)?;
    let meant = match pid {
        Some(pid) => pid.to_str()?.parse::<u32>().ok()? == own,
        None => true,
    };
    meant.then_some(Duration::from_micros(usec))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    fn hear(socket: &UnixDatagram) -> String {
        let mut bytes = [0; 1024];
        let len = socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..len].to_vec()).unwrap()
    }

    #[test]
    fn a_path_and_an_abstract_name_are_reached() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        Notifier::new(path.as_os_str())
            .unwrap()
            .tell("READY=1")
            .unwrap();
        assert_eq!(hear(&socket), "READY=1");

        let name = format!("overpath-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        let notifier = Notifier::new(&OsString::from(format!("@{name}"))).unwrap();
        notifier.tell("A=1\nB=2").unwrap();
        assert_eq!(hear(&socket), "A=1\nB=2");
    }

    #[test]
    fn other_names_are_refused() {
        let long = "/x".repeat(200);
        for name in ["", "relative", "vsock:2:1234", &long] {
            assert!(Notifier::new(OsStr::new(name)).is_err(), "{name}");
        }
    }

    #[test]
    fn a_manager_that_does_not_read_is_not_waited_for_and_a_new_one_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let deaf = UnixDatagram::bind(&path).unwrap();
        let notifier = Notifier::new(path.as_os_str()).unwrap();
        let refused = (0..100_000).find_map(|_| notifier.tell("WATCHDOG=1").err());
        assert_eq!(refused.unwrap().kind(), ErrorKind::WouldBlock);
        drop(deaf);
        std::fs::remove_file(&path).unwrap();
        assert!(notifier.tell("WATCHDOG=1").is_err());
        let next = UnixDatagram::bind(&path).unwrap();
        notifier.tell("WATCHDOG=1").unwrap();
        assert_eq!(hear(&next), "WATCHDOG=1");
    }

    #[test]
    fn the_watchdog_is_ours_or_nobodys() {
        let read = |usec: &str, pid: Option<&str>| {
            watchdog(Some(OsStr::new(usec)), pid.map(OsStr::new), 7)
        };
        let ten = Some(Duration::from_secs(10));
        assert_eq!(read("10000000", None), ten);
        assert_eq!(read("10000000", Some("7")), ten);
        assert_eq!(read("10000000", Some("8")), None);
        assert_eq!(read("10000000", Some("x")), None);
        for bad in ["", "0", "-1", "10s", "99999999999999999999999"] {
            assert_eq!(read(bad, None), None, "{bad}");
        }
        assert_eq!(watchdog(None, None, 7), None);
    }
}
