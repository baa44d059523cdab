//! ICMP errors about what a tunnel sent: which remotes they concern, and the last one of each.

use super::Tunnels;
use crate::neighbours::TunnelError;
use fastpath::ids::{RemoteId, TunnelId};
use fastpath::wire::icmp::Fault;
use std::collections::HashMap;
use std::net::Ipv4Addr;

/// Seconds after which an error of a remote is news again, be it the same or another: whoever makes
/// them up could fill the log.
const NEWS: u64 = 10;

/// The last error about packets for a remote, and how many there were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastError {
    /// Who said so.
    pub from: Ipv4Addr,
    /// What went wrong.
    pub fault: Fault,
    /// How many errors there were, this one included.
    pub count: u64,
    /// The second in which it came, on the state thread's clock.
    pub at: u64,
    /// The second in which it was told last.
    told: u64,
}

/// By remote.
#[derive(Debug, Default)]
pub(super) struct Errors(HashMap<RemoteId, LastError>);

impl Errors {
    pub(super) fn forget(&mut self, id: RemoteId) {
        self.0.remove(&id);
    }
}

impl Tunnels {
    /// The remotes that an error is about: those to which a tunnel could have sent what is quoted.
    /// More than one if the quote is too short to hold the VNI.
    pub fn concerned(&self, error: &TunnelError) -> Vec<RemoteId> {
        let sent = |id: &RemoteId| {
            let tunnel = self.remote(*id).map(|remote| remote.tunnel);
            tunnel.is_some_and(|tunnel| self.may_have_sent(tunnel, error))
        };
        self.at(error.remote).into_iter().filter(sent).collect()
    }

    fn may_have_sent(&self, id: TunnelId, error: &TunnelError) -> bool {
        self.wanted(id).is_some_and(|tunnel| {
            tunnel.local == error.local
                && tunnel.udp_port == error.udp_port
                && tunnel.source_ports.contains(&error.source_port)
                && error.vni.is_none_or(|vni| vni == tunnel.vni)
        })
    }

    /// Keeps an error about packets for a remote. Returns whether it is worth a line of the log: the
    /// first in a while.
    pub fn note_error(&mut self, id: RemoteId, error: &TunnelError, now: u64) -> bool {
        let last = self.errors.0.get(&id);
        let told = last.map(|last| last.told);
        let news = told.is_none_or(|told| now.saturating_sub(told) >= NEWS);
        let error = LastError {
            from: error.from,
            fault: error.fault,
            count: last.map_or(0, |last| last.count) + 1,
            at: now,
            told: if news { now } else { told.unwrap_or(now) },
        };
        self.errors.0.insert(id, error);
        news
    }

    /// The last error about packets for a remote.
    pub fn last_error(&self, id: RemoteId) -> Option<&LastError> {
        self.errors.0.get(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Wanted;
    use fastpath::wire::{Vni, icmp::Kind};

    const NOBODY: [usize; 0] = [];

    const CONFIG: &str = r#"
        [[port]]
        name = "up"
        device = "d"
        addresses = ["192.0.2.2/24", "192.0.2.3/24"]
        [[bridge]]
        name = "br"
        [[tunnel]]
        name = "vx10"
        bridge = "br"
        vni = 10
        local = "192.0.2.2"
        source_ports = [1000, 1999]
        remotes = ["192.0.2.9", "192.0.2.8"]
        [[tunnel]]
        name = "vx11"
        bridge = "br"
        vni = 11
        local = "192.0.2.2"
        remotes = ["192.0.2.9"]
    "#;

    fn error() -> TunnelError {
        TunnelError {
            from: [198, 51, 100, 1].into(),
            fault: Fault {
                kind: Kind::UNREACHABLE,
                code: 1,
                mtu: None,
            },
            local: [192, 0, 2, 2].into(),
            remote: [192, 0, 2, 9].into(),
            source_port: 1500,
            udp_port: 4789,
            vni: Vni::new(10),
        }
    }

    fn tunnels() -> Tunnels {
        Tunnels::of(&Wanted::parse(CONFIG, "test").unwrap())
    }

    fn concerned(edit: impl FnOnce(&mut TunnelError)) -> Vec<usize> {
        let mut error = error();
        edit(&mut error);
        let ids = tunnels().concerned(&error);
        ids.into_iter().map(RemoteId::index).collect()
    }

    #[test]
    fn an_error_concerns_whoever_can_have_sent_what_it_quotes() {
        assert_eq!(concerned(|_| {}), [0]);
        assert_eq!(concerned(|e| e.vni = Vni::new(11)), NOBODY);
        let dynamic = |vni| move |e: &mut TunnelError| (e.vni, e.source_port) = (vni, 50_000);
        assert_eq!(concerned(dynamic(Vni::new(11))), [2]);
        assert_eq!(concerned(dynamic(None)), [2], "the other has other ports");
        assert_eq!(concerned(dynamic(Vni::new(12))), NOBODY);
        assert_eq!(concerned(|e| e.remote = [192, 0, 2, 8].into()), [1]);
        assert_eq!(concerned(|e| e.remote = [192, 0, 2, 7].into()), NOBODY);
        assert_eq!(concerned(|e| e.local = [192, 0, 2, 3].into()), NOBODY);
        assert_eq!(concerned(|e| e.udp_port = 8472), NOBODY);
        assert_eq!(concerned(|e| e.source_port = 999), NOBODY);
    }

    #[test]
    fn a_quote_without_vni_may_concern_several() {
        let text = CONFIG.replace("source_ports = [1000, 1999]\n", "");
        let tunnels = Tunnels::of(&Wanted::parse(&text, "test").unwrap());
        let ids = tunnels.concerned(&TunnelError {
            vni: None,
            source_port: 50_000,
            ..error()
        });
        assert_eq!(ids.len(), 2);
    }

    #[test]
    fn errors_of_a_remote_are_news_once_in_a_while() {
        let mut tunnels = tunnels();
        let id = RemoteId::new(0).unwrap();
        assert!(tunnels.last_error(id).is_none());
        let told: Vec<bool> = [0, 1, NEWS - 1, NEWS, NEWS + 1]
            .map(|now| tunnels.note_error(id, &error(), now))
            .into();
        assert_eq!(told, [true, false, false, true, false]);
        let other = TunnelError {
            from: [198, 51, 100, 2].into(),
            ..error()
        };
        assert!(!tunnels.note_error(id, &other, NEWS + 1), "nor is another");
        let last = tunnels.last_error(id).unwrap();
        assert_eq!((last.count, last.at, last.from), (6, NEWS + 1, other.from));
    }
}
