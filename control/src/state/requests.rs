//! Answers to the api thread, from what state knows.

use super::{SECOND, State};
use crate::ageing::age;
use crate::api::messages::{self as api, Method, Reply};
use crate::api::{API_VERSION, Refused, Request};
use crate::config::{Name, no_such};
use crate::ports::{Life, Port};
use fastpath::fdb::{Destination, FdbEntry, Kind};
use fastpath::ids::PortId;
use fastpath::io::Io;
use fastpath::stats::PortStats;

impl<I: Io> State<I> {
    /// Answers one client: a long answer takes its time, and the next step is not far.
    pub(super) fn requests(&mut self) -> bool {
        if !self.acks.has_room() {
            return false;
        }
        let Ok(request) = self.requests.try_recv() else {
            return false;
        };
        let feed = match &request.method {
            Method::CaptureStart(wanted) => {
                let feed = self.capture(wanted, &request.filter);
                Some(feed.map(Reply::Capturing))
            }
            Method::ExplainNext(wanted) => {
                let feed = self.explain_next(wanted, &request.filter);
                Some(feed.map(Reply::Explaining))
            }
            Method::EventsSubscribe(kinds) => {
                let subscription = self.subscribe(*kinds).map(Box::new);
                Some(subscription.map(Reply::Subscribed))
            }
            _ => None,
        };
        match feed {
            None => {}
            Some(Ok(reply)) => {
                request.answer(reply);
                return true;
            }
            Some(Err(refused)) => {
                request.refuse(refused);
                return true;
            }
        }
        let changed = match &request.method {
            Method::CacheShow(_)
            | Method::CacheFlush
            | Method::ExplainEntry(_)
            | Method::ExplainDrop(_) => {
                self.ask_workers(request);
                return true;
            }
            Method::Explain(_) | Method::ExplainFdb(_) => {
                self.explaining.take(request);
                return true;
            }
            Method::OffloadSelftest(_) => {
                self.test_nic(request);
                return true;
            }
            Method::FdbFlush(which) => Some(self.flush_learned(which)),
            _ => None,
        };
        match changed {
            Some(Ok(())) => self.carried_out = Some(request),
            Some(Err(refused)) => request.refuse(refused),
            None => self.show(request),
        }
        true
    }

    fn show(&self, request: Request) {
        let reply = match &request.method {
            Method::Version => Reply::Version(self.version()),
            Method::PortShow => Reply::Ports(self.show_ports()),
            Method::NeighShow => Reply::Neighbours(self.show_neighbours()),
            Method::StatsShow => Reply::Stats(Box::new(self.stats())),
            Method::RouteShow => Reply::Routes(self.show_routes()),
            Method::AddrShow => Reply::Addresses(self.show_addresses()),
            Method::BridgeShow => Reply::Bridges(self.show_bridges()),
            Method::VxlanShow => Reply::Tunnels(self.show_tunnels()),
            Method::FdbShow(stations) => match self.show_fdb(stations) {
                Ok(page) => Reply::Fdb(page),
                Err(refused) => return request.refuse(refused),
            },
            Method::DropsShow(port) => match self.show_drops(*port) {
                Ok(drops) => Reply::Drops(drops),
                Err(refused) => return request.refuse(refused),
            },
            Method::OffloadShow(port) => match self.show_offload(*port) {
                Ok(ports) => Reply::Offload(ports),
                Err(refused) => return request.refuse(refused),
            },
            // What is answered elsewhere.
            Method::FdbFlush(_)
            | Method::OffloadSelftest(_)
            | Method::CacheShow(_)
            | Method::CacheFlush
            | Method::Explain(_)
            | Method::ExplainEntry(_)
            | Method::ExplainDrop(_)
            | Method::ExplainFdb(_)
            | Method::CaptureStart(_)
            | Method::ExplainNext(_)
            | Method::EventsSubscribe(_) => return,
            // What the keeper has.
            Method::Edit(_)
            | Method::RouteAdd(_)
            | Method::RouteReplace(_)
            | Method::RouteDel(_)
            | Method::ConfigCheck(_)
            | Method::ConfigDiff(_)
            | Method::ConfigApply { .. }
            | Method::ConfigConfirm
            | Method::ConfigRollback
            | Method::ConfigExport => {
                let text = format!("{} is for the keeper", request.method.name());
                return request.refuse(Refused(text));
            }
        };
        request.answer(reply);
    }

    /// A client's change is made and all that follows from it is stored: it is answered when the
    /// workers have passed it.
    pub(super) fn acknowledge(&mut self) {
        self.note_point();
        if let Some(request) = self.carried_out.take() {
            let change = self.world.change();
            self.acks.wait(request, change, self.now);
        }
    }

    fn version(&self) -> api::Version {
        api::Version {
            name: "overpath".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            api: API_VERSION.to_owned(),
            dpdk: self.version.clone(),
        }
    }

    pub(super) fn show_ports(&self) -> Vec<api::Port> {
        self.ports.iter().map(|port| self.show_port(port)).collect()
    }

    pub(super) fn show_port(&self, port: &Port<I>) -> api::Port {
        let (info, reason) = match &port.life {
            Life::Open(info) => (Some(info), None),
            Life::Waiting { reason, .. } => (None, Some(reason.clone())),
            Life::Opening | Life::Closing(_) => (None, None),
        };
        let state = match &port.life {
            Life::Waiting { .. } => api::PortState::Failed,
            _ if port.is_up() => api::PortState::Up,
            _ => api::PortState::Down,
        };
        let sum = |counter: fn(&PortStats) -> u64| self.sum(port.id, counter);
        let driver = port.counters.sum();
        api::Port {
            name: port.wanted.name.to_string(),
            device: port.wanted.device.devargs().to_owned(),
            driver: info.map(|info| info.driver.clone()),
            state,
            reason,
            mac: info.map(|info| info.mac),
            mtu: info.map_or(port.wanted.mtu, |info| info.mtu),
            rx_queues: port.queues.0,
            tx_queues: port.queues.1,
            rx: api::RxCounters {
                packets: sum(|p| p.received.get()),
                bytes: sum(|p| p.received_bytes.get()),
                missed: driver.rx_missed,
                no_mbuf: driver.rx_no_mbuf,
                errors: driver.rx_errors,
            },
            tx: api::TxCounters {
                packets: sum(|p| p.sent.get()),
                bytes: sum(|p| p.sent_bytes.get()),
                dropped: sum(|p| p.tx_dropped.total()),
                errors: driver.tx_errors,
            },
        }
    }

    pub(super) fn show_entry(&self, entry: &FdbEntry) -> Option<api::FdbEntry> {
        let bridge = self.bridges.get(entry.key.bridge())?.name.to_string();
        let (port, tunnel, remote) = match entry.value.to {
            Destination::Port(id) => (Some(self.port_name(id)?), None, None),
            Destination::Remote(id) => {
                let remote = self.tunnels.remote(id)?;
                let (name, _) = self.tunnels.describe(remote.tunnel)?;
                (None, Some(name.to_string()), Some(remote.address))
            }
        };
        let (kind, learned) = match entry.value.kind {
            Kind::Static => (api::FdbKind::Static, false),
            Kind::Learned => (api::FdbKind::Learned, true),
        };
        let age = learned.then(|| u64::from(age(entry.seen, (self.now / SECOND) as u32)));
        Some(api::FdbEntry {
            bridge,
            mac: entry.key.mac(),
            port,
            tunnel,
            remote,
            kind,
            age,
        })
    }

    pub(super) fn port_name(&self, id: PortId) -> Option<String> {
        self.ports.get(id).map(|port| port.wanted.name.to_string())
    }

    pub(super) fn port_of_that_name(&self, name: Name) -> Result<PortId, Refused> {
        self.ports.by_name(name).ok_or_else(|| {
            let names = self.ports.iter().map(|port| &port.wanted.name);
            Refused(format!("port: {}", no_such("port", name, names)))
        })
    }

    fn show_neighbours(&self) -> Vec<api::Neighbour> {
        self.neighbours
            .show(|id| self.port_name(id).unwrap_or_default())
    }
}
