//! A rule for a NIC, as a value.

use super::Mark;
use crate::snapshot::EndPoint;
use crate::wire::VlanId;
use std::fmt;
use std::net::Ipv4Addr;

/// Which packets a rule names. Drivers take one shape or another; the first that one takes is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pattern {
    /// Ethernet, IPv4 destination, UDP destination port, VNI.
    Tunnel,
    /// The same, of packets that are no fragments, and that have no tag if the rule names none: what has
    /// outer headers taken off cannot be looked at for that any more.
    Whole,
    /// As [`Pattern::Tunnel`], and an inner Ethernet header, whatever is in it.
    InnerEthernet,
    /// The same, and an inner IPv4 header: others arrive without a mark.
    InnerIpv4,
    /// VNI alone, of whatever address and UDP port the parser of the NIC knows.
    VniOnly,
}

/// Where packets that a rule names go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Delivery {
    /// To the queue that the hash of their inner headers chooses.
    InnerRss,
    /// To the queue that the hash which the NIC has for them anyway chooses, by a rule of its own.
    Rss,
    /// On, to where they would go without the rule, said explicitly (`passthru`).
    PassOn,
    /// On, to where they would go without the rule.
    Plain,
}

/// A rule for one tunnel end point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rule {
    /// The tag of the packets; `None`: they have none.
    pub vlan: Option<VlanId>,
    /// Which packets, by the tunnel that they are for.
    pub end_point: EndPoint,
    /// How much of that is said.
    pub pattern: Pattern,
    /// Where they go.
    pub delivery: Delivery,
    /// Receive queues of the port, which a hash chooses from: 0 to `queues` - 1.
    pub queues: u16,
    /// What is written beside them.
    pub mark: Mark,
    /// Whether the NIC counts them.
    pub count: bool,
    /// Has the NIC take their outer headers off, of packets from this address alone: who sent them
    /// cannot be seen any more.
    pub strip: Option<Ipv4Addr>,
}

/// As testpmd takes it, for port 0 of its own.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let EndPoint {
            local,
            udp_port,
            vni,
        } = self.end_point;
        let whole = self.pattern == Pattern::Whole;
        f.write_str("flow create 0 ingress pattern eth ")?;
        match self.vlan {
            Some(vlan) => write!(f, "/ vlan vid is {vlan} / ")?,
            None if whole => f.write_str("has_vlan is 0 / ")?,
            None => f.write_str("/ ")?,
        }
        f.write_str("ipv4 ")?;
        if whole {
            f.write_str("fragment_offset spec 0 fragment_offset mask 0x3fff ")?;
        }
        if let Some(remote) = self.strip {
            write!(f, "src is {remote} ")?;
        }
        match self.pattern {
            Pattern::VniOnly => f.write_str("/ udp / ")?,
            _ => write!(f, "dst is {local} / udp dst is {udp_port} / ")?,
        }
        write!(f, "vxlan vni is {vni} / ")?;
        match self.pattern {
            Pattern::InnerEthernet => f.write_str("eth / ")?,
            Pattern::InnerIpv4 => f.write_str("eth / ipv4 / ")?,
            Pattern::Tunnel | Pattern::Whole | Pattern::VniOnly => {}
        }
        write!(f, "end actions mark id {} / ", self.mark)?;
        if self.strip.is_some() {
            f.write_str("vxlan_decap / ")?;
        }
        if self.count {
            f.write_str("count / ")?;
        }
        match self.delivery {
            Delivery::InnerRss => self.rss(f, 2)?,
            Delivery::Rss => self.rss(f, 0)?,
            Delivery::PassOn => f.write_str("passthru / ")?,
            Delivery::Plain => {}
        }
        f.write_str("end")
    }
}

impl Rule {
    fn rss(&self, f: &mut fmt::Formatter<'_>, level: u8) -> fmt::Result {
        write!(f, "rss level {level} types ip tcp udp end queues ")?;
        for queue in 0..self.queues {
            write!(f, "{queue} ")?;
        }
        f.write_str("end / ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offload::Width;
    use crate::wire::Vni;

    #[test]
    fn a_rule_reads_as_testpmd_takes_it() {
        let mut rule = Rule {
            vlan: None,
            end_point: EndPoint {
                local: [192, 0, 2, 1].into(),
                udp_port: 4789,
                vni: Vni::new(10).unwrap(),
            },
            pattern: Pattern::Tunnel,
            delivery: Delivery::InnerRss,
            queues: 2,
            mark: Mark::first(Width::Bits16, 5).unwrap(),
            count: true,
            strip: None,
        };
        assert_eq!(
            rule.to_string(),
            "flow create 0 ingress pattern eth / ipv4 dst is 192.0.2.1 / udp dst is 4789 / vxlan \
             vni is 10 / end actions mark id 4101 / count / rss level 2 types ip tcp udp end queues \
             0 1 end / end"
        );
        rule.strip = Some([192, 0, 2, 2].into());
        assert_eq!(
            rule.to_string(),
            "flow create 0 ingress pattern eth / ipv4 src is 192.0.2.2 dst is 192.0.2.1 / udp dst is \
             4789 / vxlan vni is 10 / end actions mark id 4101 / vxlan_decap / count / rss level 2 \
             types ip tcp udp end queues 0 1 end / end"
        );
        rule.pattern = Pattern::Whole;
        let whole = "pattern eth has_vlan is 0 / ipv4 fragment_offset spec 0 fragment_offset mask \
                     0x3fff src is 192.0.2.2 dst is";
        assert!(rule.to_string().contains(whole), "{rule}");
        rule.strip = None;
        rule.vlan = VlanId::new(7);
        assert!(
            rule.to_string()
                .contains("pattern eth / vlan vid is 7 / ipv4 frag"),
            "{rule}"
        );
        rule.pattern = Pattern::InnerIpv4;
        rule.delivery = Delivery::Plain;
        rule.count = false;
        assert_eq!(
            rule.to_string(),
            "flow create 0 ingress pattern eth / vlan vid is 7 / ipv4 dst is 192.0.2.1 / udp dst is \
             4789 / vxlan vni is 10 / eth / ipv4 / end actions mark id 4101 / end"
        );
    }
}
