//! What is wanted as a file that a person might have written, and that is read as the same again.
//!
//! What is at its default is left out. Static entries are lines of one list, since there may be very
//! many, and the list stands before the first header, since behind one it would be a key of that table.

use super::model::{Address, Bridge, FdbEntry, FdbTarget, Port, Remote, Tunnel, Wanted};
use super::neighbour::Neighbour;
use super::route::Route;
use super::written::{Setting, Written};
use std::fmt::{self, Display, Formatter, Write};

/// The longest line in characters, if a list can be broken there.
const LINE: usize = 100;
/// Bytes of a line of the longest usual kind.
const ENTRY_BYTES: usize = 96;

impl Wanted {
    /// The text of a file that [`Wanted::parse`] reads as `self`.
    pub fn to_toml(&self) -> String {
        join(&self.fdb, &self.things_to_toml())
    }

    /// The same without the static entries.
    pub(crate) fn things_to_toml(&self) -> String {
        Things(self).to_string()
    }
}

/// The text of a file with these static entries, and all other things as [`Wanted::things_to_toml`]
/// has them.
pub(crate) fn join(fdb: &[FdbEntry], things: &str) -> String {
    let mut out = String::with_capacity(fdb.len() * ENTRY_BYTES + things.len());
    if !fdb.is_empty() {
        // A `String` takes whatever is written to it.
        let _ = write!(out, "{}", Entries(fdb));
        out.push_str(if things.is_empty() { "" } else { "\n" });
    }
    out + things
}

struct Entries<'a>(&'a [FdbEntry]);

impl Display for Entries<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Tables { f, first: true }.lines("fdb", self.0, entry)
    }
}

struct Things<'a>(&'a Wanted);

impl Display for Things<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Things(wanted) = self;
        let mut out = Tables { f, first: true };
        let switch = wanted.switch.settings();
        if !switch.is_empty() {
            out.header("[switch]")?;
            out.settings(switch)?;
        }
        wanted
            .ports
            .iter()
            .try_for_each(|item| port(&mut out, item))?;
        wanted
            .routes
            .iter()
            .try_for_each(|item| route(&mut out, item))?;
        wanted
            .neighbours
            .iter()
            .try_for_each(|item| neighbour(&mut out, item))?;
        wanted
            .bridges
            .iter()
            .try_for_each(|item| bridge(&mut out, item))?;
        wanted
            .tunnels
            .iter()
            .try_for_each(|item| tunnel(&mut out, item))
    }
}

/// Tables, with an empty line between two of them.
struct Tables<'f, 'a> {
    f: &'f mut Formatter<'a>,
    first: bool,
}

impl Tables<'_, '_> {
    fn header(&mut self, header: &str) -> fmt::Result {
        let between = if self.first { "" } else { "\n" };
        self.first = false;
        writeln!(self.f, "{between}{header}")
    }

    fn key(&mut self, key: &str, value: impl Display) -> fmt::Result {
        writeln!(self.f, "{key} = {value}")
    }

    fn settings(&mut self, settings: Vec<Setting>) -> fmt::Result {
        settings
            .iter()
            .try_for_each(|(key, value)| self.key(key, Value(value)))
    }

    /// A list, if there is anything in it: in one line if it is short.
    fn list<T>(
        &mut self,
        key: &str,
        items: &[T],
        write: impl Fn(&T, &mut dyn Write) -> fmt::Result,
    ) -> fmt::Result {
        if items.is_empty() {
            return Ok(());
        }
        let mut line = String::new();
        for item in items {
            if line.len() > LINE {
                return self.lines(key, items, |item, f| write(item, f));
            }
            line.push_str(if line.is_empty() { "" } else { ", " });
            write(item, &mut line)?;
        }
        if key.len() + " = []".len() + line.len() > LINE {
            return self.lines(key, items, |item, f| write(item, f));
        }
        self.key(key, format_args!("[{line}]"))
    }

    /// A list, each item in a line of its own.
    fn lines<T>(
        &mut self,
        key: &str,
        items: &[T],
        write: impl Fn(&T, &mut dyn Write) -> fmt::Result,
    ) -> fmt::Result {
        writeln!(self.f, "{key} = [")?;
        for item in items {
            self.f.write_str("    ")?;
            write(item, self.f)?;
            self.f.write_str(",\n")?;
        }
        self.f.write_str("]\n")
    }
}

/// A value as a file has it.
struct Value<'a>(&'a Written);

impl Display for Value<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Written::Text(text) => Quoted(text).fmt(f),
            Written::Range(first, last) => write!(f, "[{first}, {last}]"),
            Written::Number(_) | Written::Bool(_) => self.0.fmt(f),
        }
    }
}

/// Text between quotes. None of ours has control characters; see [`super::Device`].
struct Quoted<T>(T);

impl<T: AsRef<str>> Display for Quoted<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for part in self.0.as_ref().split_inclusive(['"', '\\']) {
            match part.strip_suffix(['"', '\\']) {
                None => f.write_str(part)?,
                Some(plain) => write!(f, "{plain}\\{}", &part[plain.len()..])?,
            }
        }
        f.write_char('"')
    }
}

fn port(out: &mut Tables<'_, '_>, port: &Port) -> fmt::Result {
    out.header("[[port]]")?;
    out.key("name", Quoted(port.name.as_str()))?;
    out.settings(port.settings())?;
    out.list(
        "addresses",
        &port.addresses,
        |Address { prefix, vlan }, f| match vlan {
            None => write!(f, "\"{prefix}\""),
            Some(vlan) => write!(f, "{{ address = \"{prefix}\", vlan = {} }}", vlan.get()),
        },
    )
}

fn route(out: &mut Tables<'_, '_>, route: &Route) -> fmt::Result {
    out.header("[[route]]")?;
    match route.to.length() {
        0 => out.key("to", "\"default\"")?,
        _ => out.key("to", format_args!("\"{}\"", route.to))?,
    }
    match route.via[..] {
        [via] => out.key("via", format_args!("\"{via}\"")),
        _ => out.list("via", &route.via, |via, f| write!(f, "\"{via}\"")),
    }
}

fn neighbour(out: &mut Tables<'_, '_>, neighbour: &Neighbour) -> fmt::Result {
    out.header("[[neighbour]]")?;
    out.key("port", Quoted(neighbour.port.as_str()))?;
    if let Some(vlan) = neighbour.vlan {
        out.key("vlan", vlan.get())?;
    }
    out.key("address", format_args!("\"{}\"", neighbour.address))?;
    out.key("mac", format_args!("\"{}\"", neighbour.mac))
}

fn bridge(out: &mut Tables<'_, '_>, bridge: &Bridge) -> fmt::Result {
    out.header("[[bridge]]")?;
    out.key("name", Quoted(bridge.name.as_str()))?;
    out.list("ports", &bridge.ports, |port, f| write!(f, "\"{port}\""))?;
    out.settings(bridge.settings())
}

fn tunnel(out: &mut Tables<'_, '_>, tunnel: &Tunnel) -> fmt::Result {
    out.header("[[tunnel]]")?;
    out.key("name", Quoted(tunnel.name.as_str()))?;
    out.settings(tunnel.settings())?;
    out.list(
        "remotes",
        &tunnel.remotes,
        |Remote {
             address,
             reserved_bits,
         },
         f| {
            if *reserved_bits == tunnel.reserved_bits {
                return write!(f, "\"{address}\"");
            }
            let bits = reserved_bits.word();
            write!(
                f,
                "{{ address = \"{address}\", reserved_bits = \"{bits}\" }}"
            )
        },
    )
}

fn entry(entry: &FdbEntry, f: &mut dyn Write) -> fmt::Result {
    let FdbEntry {
        bridge,
        mac,
        target,
    } = entry;
    write!(f, "{{ bridge = \"{bridge}\", mac = \"{mac}\", ")?;
    match target {
        FdbTarget::Port(port) => write!(f, "port = \"{port}\" }}"),
        FdbTarget::Remote { tunnel, remote } => {
            write!(f, "tunnel = \"{tunnel}\", remote = \"{remote}\" }}")
        }
    }
}
