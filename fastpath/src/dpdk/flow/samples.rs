//! A rule that tests change to their liking.

use crate::offload::{Delivery, Mark, Pattern, Rule, Width};
use crate::snapshot::EndPoint;
use crate::wire::Vni;

/// Of UDP port 8472, which reads differently in each byte order.
pub(super) fn rule() -> Rule {
    Rule {
        vlan: None,
        end_point: EndPoint {
            local: [192, 0, 2, 1].into(),
            udp_port: 8472,
            vni: Vni::new(0x12_3456).unwrap(),
        },
        pattern: Pattern::Tunnel,
        delivery: Delivery::InnerRss,
        queues: 2,
        mark: Mark::first(Width::Bits16, 5).unwrap(),
        count: false,
        strip: None,
    }
}
