//! Which rules a NIC takes, and in which words it refuses others.

use super::bare;
use super::profile::Profile;
use crate::offload::nic::NicError;
use fastpath::offload::{Delivery, Pattern, Rule};
use fastpath::wire::vxlan;
use nix::errno::Errno;

impl Profile {
    /// Whether it takes `rule`, on a port with so many queues.
    pub(super) fn judge(&self, rule: &Rule, queues: u16) -> Result<(), NicError> {
        if !self.has_rules {
            return Err(bare(Errno::ENOSYS));
        }
        let refused = |words: &str| {
            Err(NicError {
                errno: self.refusal,
                message: Some(words.to_owned()),
            })
        };
        if !self.patterns.contains(&rule.pattern) {
            return refused(match rule.pattern {
                Pattern::VniOnly => "a tunnel without addresses is not supported",
                _ if self.patterns.contains(&Pattern::InnerIpv4) => {
                    "the inner IPv4 item is missing"
                }
                _ => "outer items with a spec are not supported",
            });
        }
        if rule.pattern == Pattern::VniOnly
            && self.own_ports
            && rule.end_point.udp_port != vxlan::PORT
        {
            return refused("the UDP port is missing");
        }
        if rule.vlan.is_some() && !self.tagged {
            return refused("the VLAN item is not supported");
        }
        if rule.end_point.vni.get() == 0 && !self.vni_zero {
            return refused("a VNI of zero cannot be matched");
        }
        let Some(most) = self.marks else {
            return refused("the first action has to be PF or VF");
        };
        if rule.mark.get() > most {
            return refused("the mark id is too large");
        }
        if rule.strip.is_some() && !self.strips {
            return refused("decapsulation is not supported");
        }
        if rule.count && !self.counts {
            return refused("the COUNT action is not supported");
        }
        if !self.deliveries.contains(&rule.delivery) {
            return refused(match rule.delivery {
                Delivery::InnerRss => "the RSS level has to be zero",
                Delivery::Rss => "the RSS action is not supported",
                Delivery::PassOn => "the PASSTHRU action is not supported",
                Delivery::Plain => "no action says where the packet goes",
            });
        }
        let rss = matches!(rule.delivery, Delivery::InnerRss | Delivery::Rss);
        if rss && (rule.queues == 0 || rule.queues > queues) {
            return refused("there is no such queue");
        }
        Ok(())
    }
}
