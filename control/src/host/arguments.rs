//! The arguments that EAL was given, as far as they have to do with memory and devices.

/// A command line, read as EAL reads it.
///
/// Abbreviations of long options, which `getopt_long` takes, are not understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// `--no-huge`.
    pub no_huge: bool,
    /// `--in-memory`.
    pub in_memory: bool,
    /// `--huge-unlink`.
    pub huge_unlink: bool,
    /// Megabytes of `-m`.
    pub memory_mb: Option<u64>,
    /// Megabytes of `--socket-mem`, of all sockets together.
    pub socket_mb: Option<u64>,
    /// `--huge-dir`.
    pub huge_dir: Option<String>,
    /// `--iova-mode`.
    pub iova_mode: Option<String>,
    /// The words before the first `--`, by option.
    eal: Vec<Given>,
    /// The first `--` and all that follows.
    ours: Vec<String>,
    program: String,
}

/// An option as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Given {
    /// Without dashes; empty for a word that belongs to no option.
    name: String,
    value: String,
    words: Vec<String>,
}

impl Arguments {
    /// Reads a command line, the name of the program first, up to the first `--`.
    pub fn parse(words: impl IntoIterator<Item = String>) -> Self {
        let mut words = words.into_iter();
        let program = words.next().unwrap_or_else(|| "overpathd".to_owned());
        let words: Vec<String> = words.collect();
        let end = words
            .iter()
            .position(|word| word == "--")
            .unwrap_or(words.len());
        let (eal, ours) = words.split_at(end);
        let mut arguments = Arguments {
            program,
            eal: options(eal),
            ours: ours.to_vec(),
            ..Arguments::default()
        };
        for given in arguments.eal.clone() {
            arguments.take(given);
        }
        arguments
    }

    fn take(&mut self, Given { name, value, .. }: Given) {
        match name.as_str() {
            "no-huge" => self.no_huge = true,
            "in-memory" => self.in_memory = true,
            "huge-unlink" => self.huge_unlink = true,
            "m" => self.memory_mb = value.parse().ok(),
            "socket-mem" => {
                let sockets = value.split(',').filter_map(|mb| mb.parse::<u64>().ok());
                self.socket_mb = Some(sockets.fold(0, u64::saturating_add));
            }
            "huge-dir" => self.huge_dir = Some(value),
            "iova-mode" => self.iova_mode = Some(value),
            _ => {}
        }
    }

    /// Devices of `-a` and `--vdev`, with devargs.
    pub fn devices(&self) -> impl Iterator<Item = &str> {
        let devices = self.eal.iter();
        devices
            .filter(|given| matches!(&*given.name, "a" | "vdev"))
            .map(|given| &*given.value)
    }

    /// The program, for a shell.
    pub(super) fn program(&self) -> String {
        if self.program.contains('/') {
            quoted(&self.program)
        } else {
            format!("\"$(command -v {})\"", quoted(&self.program))
        }
    }

    /// The whole command line for a shell, without the options named in `drop` and with the words
    /// `add` for EAL.
    pub(super) fn command(&self, drop: &[&str], add: &[String]) -> String {
        let kept = self
            .eal
            .iter()
            .filter(|given| !drop.contains(&&*given.name));
        let kept = kept.flat_map(|given| &given.words).map(|word| quoted(word));
        let ours = self.ours.iter().map(|word| quoted(word));
        let program = std::iter::once(quoted(&self.program));
        let words = program.chain(kept).chain(add.iter().cloned()).chain(ours);
        words.collect::<Vec<_>>().join(" ")
    }
}

/// Short options of EAL with a value.
const SHORT: &str = "abcdlmnrsS";
/// Long options of EAL with a value that may stand in a word of its own.
const LONG: [&str; 27] = [
    "allow",
    "base-virtaddr",
    "block",
    "file-prefix",
    "force-max-simd-bitwidth",
    "huge-dir",
    "iova-mode",
    "lcores",
    "log-level",
    "main-lcore",
    "mbuf-pool-ops-name",
    "memory-channels",
    "memory-ranks",
    "memory-size",
    "numa-limit",
    "numa-mem",
    "proc-type",
    "socket-limit",
    "socket-mem",
    "syslog",
    "trace",
    "trace-bufsz",
    "trace-dir",
    "trace-mode",
    "vdev",
    "vfio-intr",
    "vfio-vf-token",
];

/// One name for options that have several.
fn one_name(name: &str) -> &str {
    match name {
        "allow" => "a",
        "memory-size" => "m",
        "numa-mem" => "socket-mem",
        _ => name,
    }
}

fn options(words: &[String]) -> Vec<Given> {
    let mut options = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let (name, inline, valued) = split(word);
        let mut given = Given {
            name: one_name(name).to_owned(),
            value: inline.unwrap_or_default().to_owned(),
            words: vec![word.clone()],
        };
        if valued && inline.is_none() {
            given.value = words.next().cloned().unwrap_or_default();
            given.words.push(given.value.clone());
        }
        options.push(given);
    }
    options
}

/// The name of an option, the value in the same word, and whether it has one at all.
fn split(word: &str) -> (&str, Option<&str>, bool) {
    if let Some(long) = word.strip_prefix("--") {
        return match long.split_once('=') {
            Some((name, value)) => (name, Some(value), true),
            None => (long, None, LONG.contains(&long)),
        };
    }
    let short = word
        .strip_prefix('-')
        .and_then(|rest| Some((rest, rest.chars().next()?)));
    match short {
        Some((rest, letter)) => {
            let (name, value) = rest.split_at(letter.len_utf8());
            (
                name,
                (!value.is_empty()).then_some(value),
                SHORT.contains(letter),
            )
        }
        None => ("", None, false),
    }
}

/// Whether a device is named by its PCI address, as in `0000:01:00.0` or `01:00.0`.
pub(super) fn is_pci(device: &str) -> bool {
    let address = device.split(',').next().unwrap_or_default();
    let hex = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
    let Some((front, function)) = address.rsplit_once('.') else {
        return false;
    };
    let parts: Vec<&str> = front.split(':').collect();
    matches!(parts.len(), 2 | 3) && parts.iter().all(|part| hex(part)) && hex(function)
}

/// `word`, so that a shell takes it as one word and as it is.
pub(super) fn quoted(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-./:=,@%+".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Arguments {
        Arguments::parse(line.split(' ').map(str::to_owned))
    }

    #[test]
    fn options_are_read_however_they_are_spelt() {
        for line in [
            "od -m 512 --huge-dir /mnt/h --iova-mode va --no-huge -- --config c",
            "od -m512 --huge-dir=/mnt/h --iova-mode=va --no-huge -- --in-memory",
            "od --memory-size=512 --huge-dir=/mnt/h --no-huge --iova-mode=va",
        ] {
            let read = parse(line);
            assert_eq!(read.memory_mb, Some(512), "{line}");
            assert_eq!(read.huge_dir.as_deref(), Some("/mnt/h"), "{line}");
            assert_eq!(read.iova_mode.as_deref(), Some("va"), "{line}");
            assert_eq!(
                (read.no_huge, read.in_memory, read.huge_unlink),
                (true, false, false)
            );
        }
        let read =
            parse("od --in-memory --huge-unlink=always --socket-mem 256,512 --file-prefix -m");
        assert_eq!(
            (read.no_huge, read.in_memory, read.huge_unlink),
            (false, true, true)
        );
        assert_eq!((read.memory_mb, read.socket_mb), (None, Some(768)));
        assert_eq!(parse("od --numa-mem=1,2").socket_mb, Some(3));
    }

    #[test]
    fn devices_are_found() {
        let read = parse("od -a 01:00.0,x=1 --allow=02:00.0 -a03:00.0 --vdev net_tap0 -b 04:00.0");
        let devices: Vec<&str> = read.devices().collect();
        assert_eq!(devices, ["01:00.0,x=1", "02:00.0", "03:00.0", "net_tap0"]);
        let pci: Vec<bool> = devices.iter().map(|device| is_pci(device)).collect();
        assert_eq!(pci, [true, true, true, false]);
        assert!(
            is_pci("0000:0a:1f.7") && !is_pci("net_tap0.1") && !is_pci("auxiliary:mlx5_core.sf.4")
        );
    }

    #[test]
    fn a_command_line_is_put_together_again() {
        let read = parse("od -m 512 --in-memory -l 0-1 -- --config my$file -m");
        assert_eq!(
            read.command(&[], &[]),
            "od -m 512 --in-memory -l 0-1 -- --config 'my$file' -m"
        );
        let changed = read.command(&["m", "in-memory"], &["--no-huge".to_owned()]);
        assert_eq!(changed, "od -l 0-1 --no-huge -- --config 'my$file' -m");
        assert_eq!(read.program(), "\"$(command -v od)\"");
        assert_eq!(parse("/x/od").program(), "/x/od");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
