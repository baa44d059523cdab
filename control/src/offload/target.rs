//! What a rule is for.

use fastpath::snapshot::EndPoint;
use fastpath::wire::VlanId;
use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;

/// Packets that a NIC may tell from others: those for an end point as they arrive at a port, or
/// those of them that one remote sent.
///
/// In order, an end point comes right before its remotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Target {
    /// The tag that they arrive with; `None`: they have none.
    pub vlan: Option<VlanId>,
    /// What they are for.
    pub end_point: EndPoint,
    /// Their sender, if its packets alone are meant. Wanted only where outer headers may be taken
    /// off: nothing depends on who sent a packet beyond what its mark says, and marks of congestion
    /// are not carried inward.
    pub remote: Option<Ipv4Addr>,
}

impl Target {
    /// Whether outer headers are to be taken off of its packets.
    pub const fn is_stripped(&self) -> bool {
        self.remote.is_some()
    }

    /// The end point, whoever sends.
    #[must_use]
    pub const fn anyone(self) -> Self {
        Target {
            remote: None,
            ..self
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let EndPoint {
            local,
            udp_port,
            vni,
        } = self.end_point;
        write!(f, "vni {vni} local {local} dstport {udp_port}")?;
        if let Some(vlan) = self.vlan {
            write!(f, " vlan {vlan}")?;
        }
        if let Some(remote) = self.remote {
            write!(f, " remote {remote}")?;
        }
        Ok(())
    }
}

/// What is wanted of one port: each end point whose packets arrive there, and beside it each remote
/// whose outer headers may be taken off.
pub type Targets = BTreeSet<Target>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offload::model::target;

    #[test]
    fn an_end_point_comes_right_before_its_remotes() {
        let (one, two) = (target(4789, 1), target(4789, 2));
        let of = |target: Target, last| Target {
            remote: Some([192, 0, 2, last].into()),
            ..target
        };
        let all = Targets::from([two, of(one, 9), of(two, 1), one, of(one, 3)]);
        let all: Vec<_> = all.into_iter().collect();
        assert_eq!(all, [one, of(one, 3), of(one, 9), two, of(two, 1)]);
        assert_eq!(of(one, 9).anyone(), one);
    }

    #[test]
    fn it_reads_as_its_tunnel_is_written() {
        let mut one = target(8472, 7);
        assert_eq!(one.to_string(), "vni 7 local 192.0.2.1 dstport 8472");
        one.vlan = VlanId::new(5);
        one.remote = Some([192, 0, 2, 2].into());
        assert_eq!(
            one.to_string(),
            "vni 7 local 192.0.2.1 dstport 8472 vlan 5 remote 192.0.2.2"
        );
    }
}
