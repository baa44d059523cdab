//! The command line of the daemon: what is EAL's, and what is ours.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};
use nix::unistd::{Group, User};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use tracing_subscriber::EnvFilter;

/// The name of the program where the caller gives none.
const PROGRAM: &str = "overpathd";

const USAGE: &str = "overpathd [EAL arguments] -- [--config FILE] [--store PATH] [--replace]
                                    [--socket PATH] [--log FILTER]
                                    [--socket-group NAME] [--allow-uid NAME]... [--allow-gid NAME]...
       overpathd --help | --version";

const EAL_HELP: &str = "\
EAL arguments:
  All that stands before the first `--` goes to DPDK's environment abstraction layer (EAL) as it
  is. It chooses CPUs, memory and devices:
  -l CORES               CPUs: the first one is the control plane's, each other runs a worker
  -a PCI_ADDRESS         Use this NIC, may be repeated; without it EAL takes all it can
  --vdev DEVICE          Add a virtual device, as in net_tap0,iface=tap0
  --no-pci               Leave NICs alone
  --file-prefix NAME     Tell several DPDK processes of a host apart
  --in-memory            Leave no files behind
  --no-huge -m MEGABYTES Do without huge pages, to try things out
  DPDK's guide has them all: https://doc.dpdk.org/guides/linux_gsg/linux_eal_parameters.html

Examples:
  Two NICs, a control plane on CPU 1, workers on CPUs 2 and 3:
    overpathd -l 1-3 -a 0000:01:00.0 -a 0000:01:00.1 -- --config /etc/overpath/overpath.toml
  No NIC and no huge pages:
    overpathd -l 0,1 --no-pci --no-huge -m 256 -- --config lab.toml --socket /tmp/lab.sock --store none";

/// A software VXLAN switch on DPDK.
///
/// Bridges ports and VXLAN tunnels as its configuration says, and answers the `overpath` command on
/// a socket. Ends on SIGTERM, SIGINT and SIGHUP, and then prints where every packet went.
/// Tells a service manager (NOTIFY_SOCKET, WATCHDOG_USEC) that it is ready and that every thread goes
/// on.
#[derive(Parser, Clone, Debug, PartialEq, Eq)]
#[command(name = PROGRAM, version, override_usage = USAGE, after_help = EAL_HELP)]
pub struct Options {
    /// The wanted state, in TOML: ports, addresses, bridges, tunnels. It counts at the first start;
    /// after that the store does, and it is only compared
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Where changes are kept; `none` keeps nothing
    #[arg(
        long,
        value_name = "PATH",
        default_value = "/var/lib/overpath/overpath.redb"
    )]
    pub store: PathBuf,

    /// Have the file count, whatever the store has
    #[arg(long, requires = "config")]
    pub replace: bool,

    /// Where to answer the `overpath` command
    #[arg(
        long,
        value_name = "PATH",
        default_value = "/run/overpath/overpath.sock"
    )]
    pub socket: PathBuf,

    /// The group that the socket is given to: its members may ask for what is shown
    #[arg(long, value_name = "NAME", value_parser = group)]
    pub socket_group: Option<u32>,

    /// A user who may change things too, if the socket lets him in; may be repeated
    #[arg(long, value_name = "NAME", value_parser = user)]
    pub allow_uid: Vec<u32>,

    /// A group whose members may: those who have it as their first one, or all of it if it is also
    /// that of the socket; may be repeated
    #[arg(long, value_name = "NAME", value_parser = group)]
    pub allow_gid: Vec<u32>,

    /// What to log on stderr: a level (error, warn, info, debug, trace), or levels by module, as in
    /// info,control=debug
    #[arg(long, value_name = "FILTER", default_value = "info", value_parser = log_filter)]
    pub log: String,
}

impl Options {
    /// The store, if there is to be one.
    pub fn store(&self) -> Option<&Path> {
        (self.store.as_os_str() != "none").then_some(&*self.store)
    }
}

/// A command line, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    /// For EAL: the name of the program, then its arguments as they were given.
    pub eal: Vec<OsString>,
    /// For the daemon.
    pub options: Options,
}

impl CommandLine {
    /// Takes `args`, the name of the program first, apart at the first `--`. Without one they are
    /// all ours.
    ///
    /// The error is a request for help or for the version, or says what is wrong;
    /// [`clap::Error::exit`] prints it and ends the process with the right status.
    pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let mut args = args.into_iter();
        let program = args.next().unwrap_or_else(|| PROGRAM.into());
        let args: Vec<OsString> = args.collect();
        let (eal, ours) = match args.iter().position(|arg| arg == "--") {
            Some(at) => (&args[..at], &args[at + 1..]),
            None if args.iter().any(|arg| looks_like_eal(arg)) => return Err(no_divider(&args)),
            None => (&args[..0], &args[..]),
        };
        if let Some(stray) = eal.iter().find(|arg| long_name(arg) == Some("config")) {
            return Err(before_divider(stray));
        }
        let command = std::iter::once(&program);
        let options = Options::try_parse_from(command.clone().chain(ours)).map_err(explain)?;
        Ok(CommandLine {
            eal: command.chain(eal).cloned().collect(),
            options,
        })
    }
}

/// The number of a user, by name or as it is.
fn user(text: &str) -> Result<u32, String> {
    let known = || User::from_name(text).map(|user| user.map(|user| user.uid.as_raw()));
    number(text, known, "user")
}

/// The number of a group.
fn group(text: &str) -> Result<u32, String> {
    let known = || Group::from_name(text).map(|group| group.map(|group| group.gid.as_raw()));
    number(text, known, "group")
}

fn number(
    text: &str,
    known: impl FnOnce() -> nix::Result<Option<u32>>,
    kind: &str,
) -> Result<u32, String> {
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    match known() {
        Ok(Some(number)) => Ok(number),
        Ok(None) => Err(format!("there is no {kind} of this name")),
        Err(error) => Err(format!("cannot look up the {kind}: {error}")),
    }
}

fn log_filter(text: &str) -> Result<String, String> {
    match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// `name` of `--name` and `--name=value`.
fn long_name(arg: &OsStr) -> Option<&str> {
    let name = arg.to_str()?.strip_prefix("--")?;
    Some(name.split_once('=').map_or(name, |(name, _)| name))
}

/// Whether only EAL could understand `arg`: it has a long option of this name, or it is any short
/// option, of which we have but `-h` and `-V`.
fn looks_like_eal(arg: &OsStr) -> bool {
    match long_name(arg) {
        Some(name) => EAL_LONG.contains(&name),
        None => {
            let text = arg.to_string_lossy();
            text.len() > 1 && text.starts_with('-') && !matches!(&*text, "-h" | "-V")
        }
    }
}

/// EAL's long options that are not ours, of DPDK 22.11 to 25.11.
const EAL_LONG: [&str; 42] = [
    "allow",
    "base-virtaddr",
    "block",
    "create-uio-dev",
    "file-prefix",
    "force-max-simd-bitwidth",
    "huge-dir",
    "huge-unlink",
    "huge-worker-stack",
    "in-memory",
    "iova-mode",
    "lcores",
    "legacy-mem",
    "log-color",
    "log-level",
    "log-timestamp",
    "main-lcore",
    "match-allocations",
    "mbuf-pool-ops-name",
    "memory-channels",
    "memory-ranks",
    "memory-size",
    "no-hpet",
    "no-huge",
    "no-pci",
    "no-shconf",
    "no-telemetry",
    "numa-limit",
    "numa-mem",
    "proc-type",
    "remap-lcore-ids",
    "service-corelist",
    "single-file-segments",
    "socket-limit",
    "socket-mem",
    "syslog",
    "telemetry",
    "trace",
    "trace-dir",
    "vdev",
    "vfio-intr",
    "vfio-vf-token",
];

fn error(kind: ErrorKind, text: String) -> clap::Error {
    Options::command().error(kind, text)
}

fn no_divider(args: &[OsString]) -> clap::Error {
    let eal = args.iter().find(|arg| looks_like_eal(arg));
    let eal = eal.map(|arg| arg.to_string_lossy()).unwrap_or_default();
    error(
        ErrorKind::UnknownArgument,
        format!("'{eal}' is an EAL argument, but there is no '--' after the EAL arguments"),
    )
}

fn before_divider(stray: &OsStr) -> clap::Error {
    let stray = stray.to_string_lossy();
    error(
        ErrorKind::UnknownArgument,
        format!("'{stray}' stands before the '--', among the EAL arguments; move it behind"),
    )
}

/// Says where an EAL argument belongs that came behind the `--`.
fn explain(mut error: clap::Error) -> clap::Error {
    let Some(ContextValue::String(arg)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    if error.kind() == ErrorKind::UnknownArgument && looks_like_eal(OsStr::new(arg)) {
        let tip = format!("'{arg}' is an EAL argument: put it before the '--'");
        error.insert(
            ContextKind::Suggested,
            ContextValue::StyledStrs(vec![tip.into()]),
        );
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<CommandLine, clap::Error> {
        CommandLine::parse(line.split(' ').map(OsString::from))
    }

    fn refusal(line: &str) -> (ErrorKind, String) {
        let error = parse(line).expect_err(line);
        (error.kind(), error.to_string())
    }

    #[test]
    fn clap_finds_no_fault() {
        Options::command().debug_assert();
    }

    #[test]
    fn the_first_divider_parts_eal_from_us() {
        let line = parse("/bin/od -l 0-1 --vdev=net_null0 -- --config c --socket s --log debug");
        let line = line.unwrap();
        assert_eq!(line.eal, ["/bin/od", "-l", "0-1", "--vdev=net_null0"]);
        assert_eq!(
            line.options,
            Options {
                config: Some("c".into()),
                store: "/var/lib/overpath/overpath.redb".into(),
                replace: false,
                socket: "s".into(),
                log: "debug".into(),
                socket_group: None,
                allow_uid: Vec::new(),
                allow_gid: Vec::new(),
            }
        );
    }

    #[test]
    fn users_and_groups_are_said_by_name_or_number() {
        let line = "od --config c --socket-group root --allow-uid 1000 --allow-uid root \
                    --allow-gid 7";
        let options = parse(line).unwrap().options;
        assert_eq!(options.socket_group, Some(0));
        assert_eq!(
            (options.allow_uid, options.allow_gid),
            (vec![1000, 0], vec![7])
        );
        for wrong in [
            "--allow-uid no-such-user",
            "--socket-group 1x",
            "--allow-gid a:b",
        ] {
            let (kind, _) = refusal(&format!("od --config c {wrong}"));
            assert_eq!(kind, ErrorKind::ValueValidation, "{wrong}");
        }
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        for line in ["od -- --config=c", "od --config c", "od -- --config c --"] {
            let line = parse(line).unwrap();
            assert_eq!(line.eal, ["od"]);
            assert_eq!(
                line.options.socket,
                PathBuf::from("/run/overpath/overpath.sock")
            );
            assert_eq!(line.options.log, "info");
        }
        let bare = parse("od").unwrap().options;
        let store = Path::new("/var/lib/overpath/overpath.redb");
        assert_eq!((bare.config.clone(), bare.store()), (None, Some(store)));
        let none = parse("od -- --config c --store none --replace").unwrap();
        assert_eq!((none.options.store(), none.options.replace), (None, true));
    }

    #[test]
    fn eal_gets_its_part_untouched() {
        let line = parse("od --help -h -v nonsense --log=x --socket=1 -- --config c").unwrap();
        let eal = [
            "od",
            "--help",
            "-h",
            "-v",
            "nonsense",
            "--log=x",
            "--socket=1",
        ];
        assert_eq!(line.eal, eal);
    }

    #[test]
    fn help_and_version_need_no_divider() {
        for line in ["od --help", "od -h", "od -- --help"] {
            let (kind, text) = refusal(line);
            assert_eq!(kind, ErrorKind::DisplayHelp, "{line}");
            for part in ["Usage: overpathd [EAL arguments] --", "--vdev", "Examples:"] {
                assert!(text.contains(part), "{part} in {text}");
            }
        }
        for line in ["od --version", "od -V", "od -- --version"] {
            let (kind, text) = refusal(line);
            assert_eq!(kind, ErrorKind::DisplayVersion, "{line}");
            assert_eq!(text, concat!("overpathd ", env!("CARGO_PKG_VERSION"), "\n"));
        }
    }

    #[test]
    fn a_missing_divider_is_named() {
        for (line, eal) in [
            ("od -l 0-1 --config c", "'-l'"),
            ("od --config c -l0-1", "'-l0-1'"),
            ("od --vdev=net_null0 --config c", "'--vdev=net_null0'"),
            ("od --no-huge --help", "'--no-huge'"),
            ("od -v", "'-v'"),
        ] {
            let (kind, text) = refusal(line);
            assert_eq!(kind, ErrorKind::UnknownArgument, "{line}");
            assert!(text.contains(eal) && text.contains("no '--'"), "{text}");
            assert!(text.contains("Usage: overpathd"), "{text}");
        }
    }

    #[test]
    fn an_option_on_the_wrong_side_is_named() {
        for line in ["od -l 0 --config c --", "od --config=c -- --log info"] {
            let (kind, text) = refusal(line);
            assert_eq!(kind, ErrorKind::UnknownArgument, "{line}");
            assert!(text.contains("stands before the '--'"), "{text}");
        }
        for line in ["od -- --config c -l 0", "od -- --config c --no-huge"] {
            let (kind, text) = refusal(line);
            assert_eq!(kind, ErrorKind::UnknownArgument, "{line}");
            assert!(text.contains("put it before the '--'"), "{text}");
        }
    }

    #[test]
    fn a_missing_or_bad_option_is_named() {
        let (kind, text) = refusal("od -- --replace");
        assert_eq!(kind, ErrorKind::MissingRequiredArgument);
        assert!(text.contains("--config <FILE>"), "{text}");
        let (kind, text) = refusal("od -- --config c --log a=b=c");
        assert_eq!(kind, ErrorKind::ValueValidation);
        assert!(text.contains("--log <FILTER>"), "{text}");
        let (kind, text) = refusal("od -- --confg c");
        assert_eq!(kind, ErrorKind::UnknownArgument);
        assert!(text.contains("'--config'"), "{text}");
    }
}
