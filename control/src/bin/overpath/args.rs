//! What can be said on the command line.

use crate::capture::CaptureWords;
use crate::change::{AddrVerb, BridgeVerb, FdbVerb, NeighVerb, PortVerb, SwitchVerb, VxlanVerb};
use crate::dash_w::{DashW, seconds};
use crate::explain::ExplainWords;
use crate::failure::Failure;
use crate::monitor::MonitorWords;
use crate::show::has_statistics;
use crate::{cache, config, help, offload, route, stats};
use clap::{ColorChoice, Parser, Subcommand};
use clap_complete::Shell;
use control::api::messages::{Method, Stations};
use control::config::Name;
use std::path::PathBuf;

/// Where the daemon listens if nothing else is said.
pub(crate) const SOCKET: &str = "/run/overpath/overpath.sock";

/// Heading of options that stand anywhere.
const GLOBAL: &str = "Options of all commands";

/// Show and change the VXLAN switch of this host, while it forwards.
#[derive(Debug, Parser)]
#[command(name = "overpath", version, infer_subcommands = true, after_help = help::EXAMPLES)]
pub(crate) struct Arguments {
    /// Where the daemon listens
    #[arg(long, global = true, help_heading = GLOBAL)]
    #[arg(value_name = "PATH", default_value = SOCKET)]
    pub(crate) socket: PathBuf,

    /// Print the daemon's answer as it is, as JSON, and errors too
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(crate) json: bool,

    /// Show it again every so many seconds, 1 if none are said, until Ctrl-C
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    #[arg(value_name = "SECONDS", num_args = 0..=1)]
    #[arg(default_missing_value = "1", value_parser = seconds)]
    pub(crate) watch: Option<DashW>,

    /// Show counters too: port, bridge, vxlan, fdb, route, neigh
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pub(crate) statistics: bool,

    /// Colour names, addresses and states; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, help_heading = GLOBAL)]
    #[arg(value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorChoice,

    #[command(subcommand)]
    pub(crate) noun: Noun,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Noun {
    /// Versions of the daemon and of DPDK
    Version,
    /// Ports, which are NICs and guests: show, add, set, del
    #[command(infer_subcommands = true)]
    Port {
        #[command(subcommand)]
        verb: Option<PortVerb>,
    },
    /// Bridges of ports and tunnels: show, add, set, del
    #[command(infer_subcommands = true, visible_alias = "br")]
    Bridge {
        #[command(subcommand)]
        verb: Option<BridgeVerb>,
    },
    /// Which MAC is where: show, get, add, set, replace, append, del, flush, load
    #[command(infer_subcommands = true)]
    Fdb {
        #[command(subcommand)]
        verb: Option<FdbVerb>,
    },
    /// Neighbours on underlay links: show, add, set, replace, del
    #[command(infer_subcommands = true, alias = "neighbour")]
    Neigh {
        #[command(subcommand)]
        verb: Option<NeighVerb>,
    },
    /// Routes of the underlay: show, add, set, replace, del
    #[command(infer_subcommands = true)]
    Route {
        #[command(subcommand)]
        verb: Option<route::Verb>,
    },
    /// The switch's own addresses on the underlay: show, add, set, del
    #[command(infer_subcommands = true, alias = "address")]
    Addr {
        #[command(subcommand)]
        verb: Option<AddrVerb>,
    },
    /// VXLAN tunnels and their remotes: show, add, set, append, del
    #[command(infer_subcommands = true)]
    Vxlan {
        #[command(subcommand)]
        verb: Option<VxlanVerb>,
    },
    /// Settings of the switch as a whole: set
    #[command(infer_subcommands = true)]
    Switch {
        #[command(subcommand)]
        verb: SwitchVerb,
    },
    /// All that is wanted, as a file: check, diff, apply, confirm, rollback, export
    #[command(infer_subcommands = true)]
    Config {
        #[command(subcommand)]
        verb: config::Verb,
    },
    /// Dropped packets: why, where, how many, and what to do about it
    Drops {
        /// The port whose drops are shown; all, if none is said. `show` may stand before it
        #[arg(value_name = "PORT")]
        words: Vec<Name>,
    },
    /// Counters: where every packet went, what workers and caches do
    Stats {
        /// What is shown: account, drop, port, queue, bridge, vxlan, link, offload, fdb, worker,
        /// cache, event; all, if nothing is said. `show` may stand before it
        #[arg(value_name = "SECTION")]
        words: Vec<String>,
    },
    /// Flow caches, the decisions in them and their packets: show, flush
    #[command(infer_subcommands = true)]
    Cache {
        #[command(subcommand)]
        verb: Option<cache::Verb>,
    },
    /// What NICs do for tunnels, by which rules, and why not more: show, selftest
    #[command(infer_subcommands = true)]
    Offload {
        #[command(subcommand)]
        verb: Option<offload::Verb>,
    },
    /// What becomes of a frame, or of packets to come, and why; what is behind a drop
    ///
    /// overpath explain lan 02000000000202000000000108060001...
    /// overpath explain lan --next 3 --filter "icmp or arp"
    /// overpath explain --next --dropped udp_checksum
    #[command(verbatim_doc_comment)]
    Explain(ExplainWords),
    /// Capture packets, each with what became of it, as a pcapng file
    ///
    /// overpath capture uplink udp port 4789 -w uplink.pcapng
    /// overpath capture drops | tcpdump -n -r -
    #[command(verbatim_doc_comment)]
    Capture(CaptureWords),
    /// Events as they happen: ports, stations, neighbours, changes, tunnels, offload
    ///
    /// overpath monitor
    /// overpath monitor fdb neigh -t
    #[command(verbatim_doc_comment)]
    Monitor(MonitorWords),
    /// A script for a shell, so that it completes these words
    Completion {
        /// Which shell
        shell: Shell,
    },
    /// Write the manual pages, with that of the daemon, into a folder: man1, man8
    #[command(hide = true)]
    Man {
        /// The folder
        folder: PathBuf,
    },
}

impl Arguments {
    /// What to ask the daemon.
    ///
    /// # Errors
    /// What is wrong with the words.
    pub(crate) fn method(&self) -> Result<Method, Failure> {
        let method = self.noun.method()?;
        let once = method.is_change() || self.noun.is_done_here();
        let once = once || matches!(method, Method::ExplainNext(_) | Method::EventsSubscribe(_));
        if matches!(self.watch, Some(DashW::Every(_))) && once {
            return Err(Failure::usage("--watch is for what is shown"));
        }
        let counted = has_statistics(&method) || matches!(method, Method::CacheShow(_));
        if self.statistics && !counted {
            let nouns = "port, bridge, vxlan, fdb, route and neigh";
            let why = format!("--statistics is for what {nouns} show; more is in overpath stats");
            return Err(Failure::usage(why));
        }
        Ok(method)
    }
}

impl Noun {
    fn method(&self) -> Result<Method, Failure> {
        match self {
            // It may be a file that is wrong, and no word.
            Noun::Config { verb } => verb.method(),
            noun => noun.words().map_err(Failure::usage),
        }
    }

    fn words(&self) -> Result<Method, String> {
        Ok(match self {
            Noun::Version | Noun::Completion { .. } | Noun::Man { .. } | Noun::Config { .. } => {
                Method::Version
            }
            Noun::Port { verb } => verb.as_ref().unwrap_or(&PortVerb::Show).method()?,
            Noun::Bridge { verb } => verb.as_ref().unwrap_or(&BridgeVerb::Show).method()?,
            Noun::Fdb { verb: None } => Method::FdbShow(Stations::default()),
            Noun::Fdb { verb: Some(verb) } => verb.method()?,
            Noun::Neigh { verb } => verb.as_ref().unwrap_or(&NeighVerb::Show).method()?,
            Noun::Addr { verb } => verb.as_ref().unwrap_or(&AddrVerb::Show).method()?,
            Noun::Vxlan { verb } => verb.as_ref().unwrap_or(&VxlanVerb::Show).method()?,
            Noun::Switch { verb } => verb.method()?,
            Noun::Drops { words } => Method::DropsShow(one_port(words)?),
            Noun::Stats { words } => stats::sections(words).map(|_| Method::StatsShow)?,
            Noun::Cache { verb } => cache::method(verb.as_ref()),
            Noun::Offload { verb } => offload::method(verb.as_ref()),
            Noun::Explain(words) => words.method()?,
            Noun::Capture(words) => Method::CaptureStart(words.capture()?),
            Noun::Monitor(words) => Method::EventsSubscribe(words.kinds()),
            Noun::Route { verb } => route::method(verb.as_ref())?,
        })
    }
}

impl Noun {
    /// Whether no single question to the daemon answers it.
    pub(crate) fn is_done_here(&self) -> bool {
        match self {
            Noun::Completion { .. } | Noun::Man { .. } => true,
            Noun::Config { verb } => verb.is_done_here(),
            Noun::Fdb { verb } => matches!(verb, Some(FdbVerb::Load { .. })),
            _ => false,
        }
    }

    /// The sections of counters that are to be shown; none of another noun.
    pub(crate) fn sections(&self) -> Vec<stats::Section> {
        match self {
            Noun::Stats { words } => stats::sections(words).unwrap_or_default(),
            _ => Vec::new(),
        }
    }
}

/// The port of `[show] [PORT]`. The verb is not one of clap's, which would take the first letters
/// of it from a port of that name.
fn one_port(words: &[Name]) -> Result<Option<Name>, String> {
    match words {
        [] => Ok(None),
        [show] if show.as_str() == "show" => Ok(None),
        [port] => Ok(Some(*port)),
        [show, port] if show.as_str() == "show" => Ok(Some(*port)),
        _ => Err("drops are of one port or of all".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use std::path::Path;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn words_can_be_shortened_and_the_verb_left_out() {
        for line in [
            "overpath fdb show",
            "overpath f s",
            "overpath fdb",
            "overpath f --json",
        ] {
            assert!(
                matches!(parse(line).unwrap().noun, Noun::Fdb { .. }),
                "{line}"
            );
        }
        assert!(parse("overpath fdb add").unwrap().method().is_err());
        assert!(parse("overpath").is_err());
    }

    #[test]
    fn routes_are_said_as_to_ip() {
        let method = |line: &str| parse(line).unwrap().noun.method().unwrap();
        for line in ["overpath route", "overpath route show", "overpath r s"] {
            assert_eq!(method(line), Method::RouteShow, "{line}");
        }
        let Method::RouteAdd(route) = method("overpath r a default via 192.0.2.1 --json") else {
            panic!("another method");
        };
        assert_eq!(route.to.to_string(), "0.0.0.0/0");
        assert_eq!(
            route.via.as_slice(),
            [std::net::Ipv4Addr::new(192, 0, 2, 1)]
        );
        let line = "overpath route replace default nexthop via 192.0.2.1";
        assert_eq!(method(line), Method::RouteReplace(route.clone()));
        for line in ["overpath r d default", "overpath route delete 0.0.0.0/0"] {
            assert_eq!(method(line), Method::RouteDel(route.to), "{line}");
        }
        assert_eq!(method("overpath a"), Method::AddrShow);
        assert_eq!(method("overpath address show"), Method::AddrShow);
        assert_eq!(method("overpath vx s"), Method::VxlanShow);
    }

    #[test]
    fn drops_are_of_all_ports_or_of_one() {
        let method = |line: &str| parse(line).unwrap().noun.method().unwrap();
        let of = |port: &str| Method::DropsShow(Some(port.parse().unwrap()));
        for line in ["overpath drops", "overpath d", "overpath drops show"] {
            assert_eq!(method(line), Method::DropsShow(None), "{line}");
        }
        for line in ["overpath drops lan", "overpath drops show lan"] {
            assert_eq!(method(line), of("lan"), "{line}");
        }
        assert_eq!(method("overpath drops s"), of("s"), "a port of that name");
        assert_eq!(method("overpath drops show show"), of("show"));
        assert!(parse("overpath drops a/b").is_err());
        for line in ["overpath drops a b", "overpath drops show a b"] {
            assert!(parse(line).unwrap().method().is_err(), "{line}");
        }
    }

    #[test]
    fn counters_are_shown_by_section() {
        for line in [
            "overpath stats",
            "overpath st s",
            "overpath stats show port worker",
            "overpath stats b --json",
        ] {
            let method = parse(line).unwrap().noun.method();
            assert_eq!(method, Ok(Method::StatsShow), "{line}");
        }
        let wrong = parse("overpath stats lan").unwrap().noun.method();
        assert!(wrong.is_err());
    }

    #[test]
    fn what_is_shown_can_be_watched() {
        let watch = |line: &str| {
            let arguments = parse(line).unwrap();
            arguments.method().map(|_| arguments.watch)
        };
        assert_eq!(watch("overpath stats"), Ok(None));
        let every = |seconds| Ok(Some(DashW::Every(seconds)));
        for line in [
            "overpath stats -w",
            "overpath drops lan -w",
            "overpath drops -w 1 lan",
            "overpath fdb show --watch --json",
        ] {
            assert_eq!(watch(line), every(1), "{line}");
        }
        assert_eq!(watch("overpath -w 5 drops"), every(5));
        for line in [
            "overpath route del default -w",
            "overpath completion bash -w",
            "overpath monitor -w",
        ] {
            assert!(watch(line).is_err(), "{line}");
        }
        for line in ["overpath stats -w 0", "overpath stats -w x"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn what_is_counted_is_shown_too_if_that_is_said() {
        for line in [
            "overpath -s port",
            "overpath port show -s",
            "overpath b -s",
            "overpath vxlan show --statistics --json",
            "overpath f s -s bridge br10",
            "overpath r -s",
            "overpath n s -s -w",
            "overpath cache show -s",
        ] {
            let arguments = parse(line).unwrap();
            assert!(arguments.statistics && arguments.method().is_ok(), "{line}");
        }
        for line in [
            "overpath addr -s",
            "overpath -s stats",
            "overpath p d lan -s",
        ] {
            let told = parse(line).unwrap().method().unwrap_err();
            assert!(
                told.message.contains("--statistics is for"),
                "{line}: {told:?}"
            );
        }
    }

    #[test]
    fn colours_are_wanted_or_not() {
        let color = |line: &str| parse(line).map(|arguments| arguments.color).ok();
        assert_eq!(color("overpath port"), Some(ColorChoice::Auto));
        assert_eq!(
            color("overpath --color never port"),
            Some(ColorChoice::Never)
        );
        assert_eq!(
            color("overpath port --color=always"),
            Some(ColorChoice::Always)
        );
        assert_eq!(color("overpath port --color sometimes"), None);
    }

    #[test]
    fn a_route_that_is_none_is_refused_before_it_is_asked_for() {
        for line in [
            "overpath route add",
            "overpath route add default",
            "overpath route add 203.0.113.7/24 via 192.0.2.1",
            "overpath route del",
            "overpath route del default via 192.0.2.1",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
        let arguments = parse("overpath route add default dev uplink").unwrap();
        assert!(arguments.noun.method().is_err());
    }

    #[test]
    fn options_stand_anywhere() {
        for line in [
            "overpath --json --socket /s port show",
            "overpath p s --socket /s --json",
        ] {
            let arguments = parse(line).unwrap();
            assert!(
                arguments.json && arguments.socket == Path::new("/s"),
                "{line}"
            );
        }
        assert_eq!(
            parse("overpath version").unwrap().socket,
            PathBuf::from(SOCKET)
        );
    }
}
