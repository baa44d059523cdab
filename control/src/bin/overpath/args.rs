//! What can be said on the command line.

use crate::capture::CaptureWords;
use crate::change::{AddrVerb, BridgeVerb, FdbVerb, PortVerb, SwitchVerb, VxlanVerb};
use crate::dash_w::{DashW, seconds};
use crate::explain::behind::BehindWords;
use crate::explain::next::NextWords;
use crate::monitor::MonitorWords;
use crate::{cache, config, frame, help, route, stats};
use clap::{Parser, Subcommand};
use clap_complete::Shell;
use control::api::messages::{Method, Question, Stations};
use control::config::Name;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Where the daemon listens if nothing else is said.
pub(crate) const SOCKET: &str = "/run/overpath/overpath.sock";

/// Show and change the VXLAN switch of this host, while it forwards.
#[derive(Debug, Parser)]
#[command(name = "overpath", version, infer_subcommands = true, after_help = help::EXAMPLES)]
pub(crate) struct Arguments {
    /// Where the daemon listens
    #[arg(long, global = true, value_name = "PATH", default_value = SOCKET)]
    pub(crate) socket: PathBuf,

    /// Print the daemon's answer as it is, as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Show it anew every so many seconds, 1 if none are said; Ctrl-C ends it
    #[arg(short, long, global = true, value_name = "SECONDS", num_args = 0..=1)]
    #[arg(default_missing_value = "1", value_parser = seconds)]
    pub(crate) watch: Option<DashW>,

    #[command(subcommand)]
    pub(crate) noun: Noun,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Noun {
    /// The versions of the daemon and of DPDK
    Version,
    /// Ports: NICs and guests, their state; add, set, del
    #[command(infer_subcommands = true)]
    Port {
        #[command(subcommand)]
        verb: Option<PortVerb>,
    },
    /// Bridges of ports and tunnels; add, set, del
    #[command(infer_subcommands = true, visible_alias = "br")]
    Bridge {
        #[command(subcommand)]
        verb: Option<BridgeVerb>,
    },
    /// Forwarding tables: which MAC is where; add, replace, del, flush, load
    #[command(infer_subcommands = true)]
    Fdb {
        #[command(subcommand)]
        verb: Option<FdbVerb>,
    },
    /// Neighbours on underlay links
    #[command(infer_subcommands = true)]
    Neigh {
        #[command(subcommand)]
        verb: Option<Verb>,
    },
    /// Routes of the underlay: gateways to networks; add, replace, del
    #[command(infer_subcommands = true)]
    Route {
        #[command(subcommand)]
        verb: Option<route::Verb>,
    },
    /// The switch's own addresses, and whether others have them too; add, del
    #[command(infer_subcommands = true, alias = "address")]
    Addr {
        #[command(subcommand)]
        verb: Option<AddrVerb>,
    },
    /// Tunnels: state, and the way to each remote; add, set, append, del
    #[command(infer_subcommands = true)]
    Vxlan {
        #[command(subcommand)]
        verb: Option<VxlanVerb>,
    },
    /// Settings of the switch as a whole; set
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
    /// What is dropped: why, where, how many, and what to do about it
    Drops {
        /// The port whose drops are shown; all, if none is said. `show` may stand before it
        #[arg(value_name = "PORT")]
        words: Vec<Name>,
    },
    /// Counters: where every packet went
    Stats {
        /// What is shown: account, drop, port, queue, bridge, vxlan, link, fdb, worker, cache,
        /// event; all, if nothing is said. `show` may stand before it
        #[arg(value_name = "SECTION")]
        words: Vec<String>,
    },
    /// Flow caches: which decisions are kept, how many packets each decided; flush
    #[command(infer_subcommands = true)]
    Cache {
        #[command(subcommand)]
        verb: Option<cache::Verb>,
    },
    /// Why: what becomes of a frame, or of packets to come; what is behind a drop
    ///
    /// overpath explain lan 02000000000202000000000108060001...
    /// overpath explain lan --next 3 --filter "icmp or arp"
    /// overpath explain --next --dropped udp_checksum
    #[command(verbatim_doc_comment)]
    Explain(ExplainWords),
    /// Copies of packets, each with what became of it, as a pcapng file
    ///
    /// overpath capture uplink udp port 4789 -w uplink.pcapng
    /// overpath capture drops | tcpdump -n -r -
    #[command(verbatim_doc_comment)]
    Capture(CaptureWords),
    /// What happens: ports, stations, neighbours, changes, tunnels
    ///
    /// overpath monitor
    /// overpath monitor fdb neigh -t
    #[command(verbatim_doc_comment)]
    Monitor(MonitorWords),
    /// A script that teaches a shell to complete these words
    Completion {
        /// Which shell
        shell: Shell,
    },
    /// Write the manual pages into a folder
    #[command(hide = true)]
    Man {
        /// The folder
        folder: PathBuf,
    },
}

/// What to do with a noun; show it, if nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show all of them
    Show,
}

/// What is to be explained.
#[derive(Debug, clap::Args)]
pub(crate) struct ExplainWords {
    #[command(flatten)]
    frame: FrameWords,
    #[command(flatten)]
    behind: BehindWords,
    #[command(flatten)]
    next: NextWords,
}

impl ExplainWords {
    fn method(&self) -> Result<Method, String> {
        let frame = || self.frame.question().map(Method::Explain);
        let next = || self.next.method(self.frame.port);
        let other = self.behind.method().or_else(next);
        other.map_or_else(frame, Ok)
    }
}

/// A frame, and where it comes in.
#[derive(Debug, clap::Args)]
pub(crate) struct FrameWords {
    /// The port that it comes in by
    #[arg(required_unless_present_any = ["behind", "next"], conflicts_with = "behind")]
    port: Option<Name>,
    /// The frame in hex, spaces and colons at will; - reads it from standard input
    #[arg(required_unless_present_any = ["pcap", "behind", "next"])]
    #[arg(conflicts_with_all = ["pcap", "next"])]
    hex: Vec<String>,
    /// Take the frame out of a capture of Ethernet, pcap or pcapng
    #[arg(long, value_name = "FILE", conflicts_with_all = ["behind", "next"])]
    pcap: Option<PathBuf>,
    /// Which frame of the capture
    #[arg(long, value_name = "N", conflicts_with = "hex", default_value = "1")]
    frame: NonZeroUsize,
}

impl FrameWords {
    fn question(&self) -> Result<Question, String> {
        let port = self.port.ok_or("say which port the frame comes in by")?;
        let frame = match &self.pcap {
            Some(path) => frame::of_capture(path, self.frame.get())?,
            None => frame::of_words(&self.hex)?,
        };
        let ask_workers = true;
        Ok(Question {
            port,
            frame,
            ask_workers,
        })
    }
}

impl Arguments {
    /// What to ask the daemon.
    ///
    /// # Errors
    /// What is wrong with the words.
    pub(crate) fn method(&self) -> Result<Method, String> {
        let method = self.noun.method()?;
        let once = method.is_change() || self.noun.is_done_here();
        let once = once || matches!(method, Method::ExplainNext(_) | Method::EventsSubscribe(_));
        if matches!(self.watch, Some(DashW::Every(_))) && once {
            return Err("--watch is for what is shown".to_owned());
        }
        Ok(method)
    }
}

impl Noun {
    fn method(&self) -> Result<Method, String> {
        Ok(match self {
            Noun::Version | Noun::Completion { .. } | Noun::Man { .. } => Method::Version,
            Noun::Port { verb } => verb.as_ref().unwrap_or(&PortVerb::Show).method()?,
            Noun::Bridge { verb } => verb.as_ref().unwrap_or(&BridgeVerb::Show).method()?,
            Noun::Fdb { verb: None } => Method::FdbShow(Stations::default()),
            Noun::Fdb { verb: Some(verb) } => verb.method()?,
            Noun::Neigh { .. } => Method::NeighShow,
            Noun::Addr { verb } => verb.as_ref().unwrap_or(&AddrVerb::Show).method()?,
            Noun::Vxlan { verb } => verb.as_ref().unwrap_or(&VxlanVerb::Show).method()?,
            Noun::Switch { verb } => verb.method()?,
            Noun::Config { verb } => verb.method()?,
            Noun::Drops { words } => Method::DropsShow(one_port(words)?),
            Noun::Stats { words } => stats::sections(words).map(|_| Method::StatsShow)?,
            Noun::Cache { verb } => cache::method(verb.as_ref()),
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
    fn a_frame_is_said_in_hex_or_taken_out_of_a_capture() {
        let question = |line: &str| parse(line).unwrap().noun.method();
        for line in [
            "overpath explain uplink 02:ff 0001",
            "overpath ex uplink 02 ff 00 01 --json",
        ] {
            let Ok(Method::Explain(question)) = question(line) else {
                panic!("{line}");
            };
            assert_eq!(question.port.as_str(), "uplink");
            assert_eq!(question.frame.as_slice(), [2, 0xff, 0, 1]);
        }
        assert!(question("overpath explain uplink 02f").is_err());
        assert!(question("overpath explain uplink --pcap /nowhere --frame 2").is_err());
        for line in [
            "overpath explain",
            "overpath explain uplink",
            "overpath explain up/link 00",
            "overpath explain uplink 00 --pcap /nowhere",
            "overpath explain uplink 00 --frame 2",
            "overpath explain uplink --pcap /nowhere --frame 0",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn what_is_behind_a_number_is_asked_for_instead_of_a_frame() {
        let method = |line: &str| parse(line).unwrap().method();
        let entry = "0:17".parse().unwrap();
        let line = "overpath explain --entry 0:17";
        assert_eq!(method(line), Ok(Method::ExplainEntry(entry)));
        let reason = fastpath::drop::DropReason::TxFull;
        let line = "overpath explain --drop tx_full --json";
        assert_eq!(method(line), Ok(Method::ExplainDrop(reason)));
        let mac = "02:00:00:00:00:01".parse().unwrap();
        let line = "overpath explain --fdb 02:00:00:00:00:01 -w";
        assert_eq!(method(line), Ok(Method::ExplainFdb(mac)));
        for line in [
            "overpath explain --entry 17",
            "overpath explain --drop full",
            "overpath explain --fdb 02:00",
            "overpath explain --entry 0:17 --drop tx_full",
            "overpath explain lan --entry 0:17",
            "overpath explain lan 00 --drop tx_full",
            "overpath explain --entry 0:17 --pcap /nowhere",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
        let hint = parse("overpath explain --drop tx_ful").unwrap_err();
        assert!(hint.to_string().contains("'tx_full'"), "{hint}");
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
