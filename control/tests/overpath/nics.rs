//! NICs of a daemon that is played.

use control::api::messages::{PortOffload, SelfTest};
use control::config::Name;
use control::offload::{Offload, Tier, TxTier};

/// Of the port that is asked for.
pub(super) fn offload(port: Option<&Name>) -> Vec<PortOffload> {
    vec![PortOffload {
        port: port.map_or("any".into(), Name::to_string),
        offload: Offload::Auto,
        tier: Tier::Software,
        reason: Some("the port is not started".into()),
        tx: TxTier::Software,
        tx_reason: None,
        demoted: None,
        distrusted: None,
        suspended: false,
        generation: 0,
        marks: None,
        selftest: None,
        nics: Vec::new(),
    }]
}

/// Nothing came back.
pub(super) fn tested(port: &Name) -> SelfTest {
    let off = serde_json::json!({"allowed": false, "reason": "too few frames came back to tell"});
    let test = serde_json::json!({
        "port": port.as_str(), "tier": null, "advice": "put in a plug",
        "found": {
            "asked": true, "looped": false, "conclusive": false, "frames": 2, "heard": 0,
            "marks": off, "checksums": off, "demoted": null, "distrusted": null,
        },
        "report": {
            "udp_port": 4789, "parser": null, "rules": null, "no_rules": "it has none",
            "frames": 2, "heard": 0, "lost": ["tunnel", "no tunnel"], "sent": 6, "doubled": 0,
            "foreign": 0, "lines": [], "cases": [], "marks": off, "checksums": off, "left": null,
        },
    });
    serde_json::from_value(test).unwrap()
}
