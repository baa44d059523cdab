//! What a client can ask for.

use super::cache::{Entries, EntryNumber};
use super::capture::Capture;
use super::config::{ConfigText, Learned};
use super::event::EventKinds;
use super::hex::Question;
use super::route::{Network, NewRoute};
use super::stations::Stations;
use crate::config::{Command, Edit, Name};
use fastpath::drop::DropReason;
use fastpath::wire::Mac;
use serde_json::{Value, json};
use std::num::NonZeroU32;

/// The name of [`Method::CacheShow`].
pub(in crate::api) const CACHE_SHOW: &str = "cache.show";
/// The name of [`Method::ExplainNext`].
pub(in crate::api) const EXPLAIN_NEXT: &str = "explain.next";
/// The name of [`Method::CaptureStart`].
pub(in crate::api) const CAPTURE_START: &str = "capture.start";
/// The name of [`Method::ConfigApply`].
pub(in crate::api) const CONFIG_APPLY: &str = "config.apply";
/// The name of [`Method::ConfigCheck`].
pub(in crate::api) const CONFIG_CHECK: &str = "config.check";
/// The name of [`Method::ConfigDiff`].
pub(in crate::api) const CONFIG_DIFF: &str = "config.diff";
/// The name of [`Method::FdbFlush`].
pub(in crate::api) const FDB_FLUSH: &str = "fdb.flush";
/// The name of [`Edit::Load`].
pub(in crate::api) const FDB_LOAD: &str = "fdb.load";
/// The name of [`Method::DropsShow`].
pub(in crate::api) const DROPS_SHOW: &str = "drops.show";
/// The name of [`Method::OffloadSelftest`].
pub(in crate::api) const OFFLOAD_SELFTEST: &str = "offload.selftest";
/// The name of [`Method::OffloadShow`].
pub(in crate::api) const OFFLOAD_SHOW: &str = "offload.show";
/// The name of [`Method::EventsSubscribe`].
pub(in crate::api) const EVENTS_SUBSCRIBE: &str = "events.subscribe";
/// The name of [`Method::Explain`].
pub(in crate::api) const EXPLAIN: &str = "explain";
/// The name of [`Method::ExplainEntry`].
pub(in crate::api) const EXPLAIN_ENTRY: &str = "explain.entry";
/// The name of [`Method::ExplainDrop`].
pub(in crate::api) const EXPLAIN_DROP: &str = "explain.drop";
/// The name of [`Method::ExplainFdb`].
pub(in crate::api) const EXPLAIN_FDB: &str = "explain.fdb";
/// The name of [`Method::FdbShow`].
pub(in crate::api) const FDB_SHOW: &str = "fdb.show";
/// The name of [`Method::RouteAdd`].
pub(in crate::api) const ROUTE_ADD: &str = "route.add";
/// The name of [`Method::RouteDel`].
pub(in crate::api) const ROUTE_DEL: &str = "route.del";
/// The name of [`Method::RouteReplace`].
pub(in crate::api) const ROUTE_REPLACE: &str = "route.replace";

/// What a client can ask for, with its parameters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// `version`, answered by [`Version`](super::Version).
    Version,
    /// `port.show`, answered by a list of [`Port`](super::Port).
    PortShow,
    /// `fdb.show`, answered by a list of [`FdbEntry`](super::FdbEntry); refused if there is no such
    /// bridge, port or tunnel.
    FdbShow(Stations),
    /// `neigh.show`, answered by a list of [`Neighbour`](super::Neighbour).
    NeighShow,
    /// `route.show`, answered by a list of [`Route`](super::Route).
    RouteShow,
    /// `route.add`, answered by [`Changed`](super::Changed); refused if there is one to the
    /// network.
    RouteAdd(NewRoute),
    /// `route.del`, answered by [`Changed`](super::Changed); refused if there is none to the
    /// network.
    RouteDel(Network),
    /// `route.replace`, answered by [`Changed`](super::Changed), whether there was one or not.
    RouteReplace(NewRoute),
    /// `fdb.flush`, answered by [`Changed`](super::Changed) when no packet is forwarded by those that
    /// went; refused if there is nothing of a name.
    FdbFlush(Learned),
    /// `bridge.show`, answered by a list of [`Bridge`](super::Bridge).
    BridgeShow,
    /// [`Command::name`], or `fdb.load` with `entries`; answered by [`Changed`](super::Changed) when
    /// the change is made and kept. Refused if it does not fit what is wanted.
    Edit(Edit),
    /// `config.check`, answered by [`Checked`](super::Checked); refused with all that is wrong.
    ConfigCheck(ConfigText),
    /// `config.diff`, answered by [`Differing`](super::Differing). Changes nothing.
    ConfigDiff(ConfigText),
    /// `config.apply`, answered by [`Changed`](super::Changed).
    ConfigApply {
        /// What is wanted from now on.
        file: ConfigText,
        /// Seconds after which it is taken back, if it is not confirmed by then.
        confirm: Option<NonZeroU32>,
    },
    /// `config.confirm`, answered by [`Changed`](super::Changed); refused if nothing is to be
    /// confirmed.
    ConfigConfirm,
    /// `config.rollback`, answered by [`Changed`](super::Changed): back to what was before the last
    /// change.
    ConfigRollback,
    /// `config.export`, answered by [`Exported`](super::Exported).
    ConfigExport,
    /// `addr.show`, answered by a list of [`Address`](super::Address).
    AddrShow,
    /// `vxlan.show`, answered by a list of [`Tunnel`](super::Tunnel).
    VxlanShow,
    /// `drops.show`, answered by a list of [`DropCount`](super::DropCount), of one port if it is
    /// named; refused if there is no such port.
    DropsShow(Option<Name>),
    /// `offload.show`, answered by a list of [`PortOffload`](super::PortOffload), of one port if it is
    /// named; refused if there is no such port.
    OffloadShow(Option<Name>),
    /// `offload.selftest`, answered by [`SelfTest`](super::SelfTest) when the NIC of the port was
    /// tested, which the port does not forward meanwhile, and it is open again; refused if there is no
    /// such port, it is not started or asked for nothing, or another test is under way.
    OffloadSelftest(Name),
    /// `stats.show`, answered by [`Stats`](super::Stats).
    StatsShow,
    /// `cache.show`, answered by [`Caches`](super::Caches); refused if there is no such port or
    /// worker. Clients are served one after the other.
    CacheShow(Entries),
    /// `cache.flush`, answered by [`Flushed`](super::Flushed) when it is done.
    CacheFlush,
    /// `explain`, answered by [`Explanation`](super::Explanation); refused if there is no such
    /// port. Changes nothing. If workers are asked, clients are served one after the other.
    Explain(Question),
    /// `explain.entry`, answered by [`EntryBehind`](super::EntryBehind); refused if there is no
    /// such entry.
    ExplainEntry(EntryNumber),
    /// `explain.drop`, answered by [`DropBehind`](super::DropBehind).
    ExplainDrop(DropReason),
    /// `explain.fdb`, answered by a list of [`StationBehind`](super::StationBehind), one for each
    /// bridge that knows the station.
    ExplainFdb(Mac),
    /// `capture.start`, answered by [`Capturing`](super::Capturing), behind which a pcapng file
    /// follows until the capture ends, and the connection with it. Refused if there is nothing of
    /// that name, the filter is wrong, or too many captures run.
    CaptureStart(Capture),
    /// `explain.next`, answered by [`Capturing`](super::Capturing), behind which a
    /// [`SeenLine`](super::SeenLine) follows for each packet, and one at the end, and with it that
    /// of the connection. Of packets that come in and, of drops, that were to leave. Refused as a
    /// capture, of which it is one.
    ExplainNext(Capture),
    /// `events.subscribe`, answered by [`Subscribed`](super::Subscribed), behind which an
    /// [`Event`](super::Event) follows for each that happens, and with the client the end. Refused
    /// if too many listen.
    EventsSubscribe(EventKinds),
}

impl Method {
    /// Those without parameters.
    pub const PLAIN: [Method; 12] = [
        Method::Version,
        Method::PortShow,
        Method::NeighShow,
        Method::RouteShow,
        Method::AddrShow,
        Method::VxlanShow,
        Method::StatsShow,
        Method::CacheFlush,
        Method::BridgeShow,
        Method::ConfigConfirm,
        Method::ConfigRollback,
        Method::ConfigExport,
    ];

    /// The names of those with parameters, but for those of [`Command`].
    const OTHERS: [&str; 20] = [
        FDB_SHOW,
        EVENTS_SUBSCRIBE,
        ROUTE_ADD,
        ROUTE_DEL,
        ROUTE_REPLACE,
        FDB_FLUSH,
        FDB_LOAD,
        CONFIG_CHECK,
        CONFIG_DIFF,
        CONFIG_APPLY,
        DROPS_SHOW,
        OFFLOAD_SHOW,
        OFFLOAD_SELFTEST,
        CACHE_SHOW,
        EXPLAIN,
        EXPLAIN_ENTRY,
        EXPLAIN_DROP,
        EXPLAIN_FDB,
        CAPTURE_START,
        EXPLAIN_NEXT,
    ];

    /// The names of all.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let plain = Method::PLAIN.iter().map(Method::name);
        let commands = Command::ALL.iter().map(|command| command.name());
        // Routes are changed in words of their own.
        let commands = commands.filter(|name| !Method::OTHERS.contains(name));
        plain.chain(commands).chain(Method::OTHERS)
    }

    /// The name on the wire.
    pub const fn name(&self) -> &'static str {
        match self {
            Method::Version => "version",
            Method::PortShow => "port.show",
            Method::FdbShow(_) => FDB_SHOW,
            Method::NeighShow => "neigh.show",
            Method::RouteShow => "route.show",
            Method::RouteAdd(_) => ROUTE_ADD,
            Method::RouteDel(_) => ROUTE_DEL,
            Method::RouteReplace(_) => ROUTE_REPLACE,
            Method::Edit(Edit::Do(command, _)) => command.name(),
            Method::Edit(Edit::Load(_)) => FDB_LOAD,
            Method::ConfigApply { .. } => CONFIG_APPLY,
            Method::ConfigCheck(_) => CONFIG_CHECK,
            Method::ConfigDiff(_) => CONFIG_DIFF,
            Method::FdbFlush(_) => FDB_FLUSH,
            Method::BridgeShow => "bridge.show",
            Method::ConfigConfirm => "config.confirm",
            Method::ConfigRollback => "config.rollback",
            Method::ConfigExport => "config.export",
            Method::AddrShow => "addr.show",
            Method::VxlanShow => "vxlan.show",
            Method::DropsShow(_) => DROPS_SHOW,
            Method::OffloadShow(_) => OFFLOAD_SHOW,
            Method::OffloadSelftest(_) => OFFLOAD_SELFTEST,
            Method::StatsShow => "stats.show",
            Method::CacheShow(_) => CACHE_SHOW,
            Method::CacheFlush => "cache.flush",
            Method::Explain(_) => EXPLAIN,
            Method::ExplainEntry(_) => EXPLAIN_ENTRY,
            Method::ExplainDrop(_) => EXPLAIN_DROP,
            Method::ExplainFdb(_) => EXPLAIN_FDB,
            Method::CaptureStart(_) => CAPTURE_START,
            Method::ExplainNext(_) => EXPLAIN_NEXT,
            Method::EventsSubscribe(_) => EVENTS_SUBSCRIBE,
        }
    }

    /// Whether it changes something, and so is asked once.
    pub const fn is_change(&self) -> bool {
        matches!(
            self,
            Method::RouteAdd(_)
                | Method::RouteDel(_)
                | Method::RouteReplace(_)
                | Method::Edit(_)
                | Method::FdbFlush(_)
                | Method::ConfigApply { .. }
                | Method::ConfigConfirm
                | Method::ConfigRollback
                | Method::CacheFlush
                | Method::OffloadSelftest(_)
        )
    }

    /// Whether it is not for those who may only look: it changes something, copies packets, or brings
    /// a whole configuration, which takes much memory to read.
    pub const fn is_for_few(&self) -> bool {
        self.is_change()
            || matches!(
                self,
                Method::CaptureStart(_)
                    | Method::ExplainNext(_)
                    | Method::ConfigCheck(_)
                    | Method::ConfigDiff(_)
            )
    }

    /// Whether it is about what is wanted, which the keeper has; state knows the rest.
    pub const fn is_for_keeper(&self) -> bool {
        matches!(
            self,
            Method::RouteAdd(_)
                | Method::RouteDel(_)
                | Method::RouteReplace(_)
                | Method::Edit(_)
                | Method::ConfigCheck(_)
                | Method::ConfigDiff(_)
                | Method::ConfigApply { .. }
                | Method::ConfigConfirm
                | Method::ConfigRollback
                | Method::ConfigExport
        )
    }

    /// Whether its answer may take as long as devices do.
    pub const fn takes_long(&self) -> bool {
        self.is_for_keeper() || matches!(self, Method::OffloadSelftest(_))
    }

    /// Whether a request of this name may be longer than others: it may have a hundred thousand
    /// entries.
    pub(in crate::api) fn may_be_long(name: &str) -> bool {
        [FDB_LOAD, CONFIG_CHECK, CONFIG_DIFF, CONFIG_APPLY].contains(&name)
    }

    /// The parameters as they travel; none if it takes none.
    pub fn params(&self) -> Option<Value> {
        match self {
            Method::Edit(Edit::Do(_, words)) => Some(words.clone().into()),
            Method::Edit(Edit::Load(entries)) => {
                let entries: Option<Value> = serde_json::from_str(entries).ok();
                Some(json!({"entries": entries}))
            }
            Method::FdbFlush(which) => {
                let names = [
                    ("bridge", which.bridge),
                    ("port", which.port),
                    ("tunnel", which.tunnel),
                ];
                let said = names.into_iter().filter_map(|(key, name)| {
                    let name = name?;
                    Some((key.to_owned(), name.as_str().into()))
                });
                let said: serde_json::Map<_, _> = said.collect();
                (!said.is_empty()).then(|| said.into())
            }
            Method::ConfigCheck(file) | Method::ConfigDiff(file) => {
                Some(json!({"text": file.text, "name": file.name}))
            }
            Method::ConfigApply { file, confirm } => {
                let mut params = json!({"text": file.text, "name": file.name});
                if let Some(seconds) = confirm {
                    params["confirm"] = seconds.get().into();
                }
                Some(params)
            }
            Method::RouteAdd(route) | Method::RouteReplace(route) => {
                Some(json!({"to": route.to.to_string(), "via": route.via.as_slice()}))
            }
            Method::FdbShow(stations) => stations.params(),
            Method::RouteDel(to) => Some(json!({"to": to.to_string()})),
            Method::DropsShow(port) | Method::OffloadShow(port) => {
                port.map(|port| json!({"port": port.as_str()}))
            }
            Method::OffloadSelftest(port) => Some(json!({"port": port.as_str()})),
            Method::CacheShow(Entries::Port(port)) => Some(json!({"port": port.as_str()})),
            Method::CacheShow(Entries::Entry(number)) | Method::ExplainEntry(number) => {
                Some(json!({"entry": number.to_string()}))
            }
            Method::ExplainDrop(reason) => Some(json!({"reason": reason.name()})),
            Method::ExplainFdb(mac) => Some(json!({"mac": mac.to_string()})),
            Method::Explain(question) => Some(question.params()),
            Method::CaptureStart(capture) | Method::ExplainNext(capture) => Some(capture.params()),
            Method::EventsSubscribe(kinds) => {
                let names: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
                Some(json!({"kinds": names}))
            }
            _ => None,
        }
    }
}
