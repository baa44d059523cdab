//! How much a NIC does to packets as they are sent.

use fastpath::snapshot::{Inside, TxChecksums};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a NIC does to what is sent, the least first. What it does not do software does, or nobody
/// needs.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
)]
pub enum TxTier {
    /// Nothing.
    #[default]
    #[serde(rename = "x0")]
    Software,
    /// It makes checksums of outermost headers: of UDP, TCP or both.
    #[serde(rename = "x1")]
    Outermost,
    /// It also makes those of headers in tunnels, perhaps behind one UDP port alone.
    #[serde(rename = "x2")]
    Inside,
    /// It also cuts packets of TCP there.
    #[serde(rename = "x3")]
    Segments,
}

impl TxTier {
    /// What is done by a NIC to which these may be left.
    pub const fn of(tx: TxChecksums) -> Self {
        match tx.inside {
            Inside::Behind(_) | Inside::Always if tx.inside_segments => TxTier::Segments,
            Inside::Behind(_) | Inside::Always => TxTier::Inside,
            Inside::Never if tx.udp || tx.tcp => TxTier::Outermost,
            Inside::Never => TxTier::Software,
        }
    }

    /// In words, for people.
    pub const fn words(self) -> &'static str {
        match self {
            TxTier::Software => "all in software",
            TxTier::Outermost => "the NIC makes checksums",
            TxTier::Inside => "the NIC makes checksums, also in tunnels",
            TxTier::Segments => "the NIC makes checksums and cuts packets, also in tunnels",
        }
    }
}

/// X0 to X3.
impl fmt::Display for TxTier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TxTier::Software => "X0",
            TxTier::Outermost => "X1",
            TxTier::Inside => "X2",
            TxTier::Segments => "X3",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_is_what_may_be_left_to_a_nic() {
        let none = TxChecksums::default();
        let udp = TxChecksums { udp: true, ..none };
        let inside = |inside| TxChecksums {
            tcp: true,
            inside,
            ..udp
        };
        let cuts = |tx| TxChecksums {
            inside_segments: true,
            ..tx
        };
        for (tx, tier, text) in [
            (none, TxTier::Software, "X0"),
            (udp, TxTier::Outermost, "X1"),
            (TxChecksums { tcp: true, ..none }, TxTier::Outermost, "X1"),
            (inside(Inside::Never), TxTier::Outermost, "X1"),
            (inside(Inside::Behind(4789)), TxTier::Inside, "X2"),
            (inside(Inside::Always), TxTier::Inside, "X2"),
            (cuts(inside(Inside::Never)), TxTier::Outermost, "X1"),
            (cuts(inside(Inside::Behind(4789))), TxTier::Segments, "X3"),
            (cuts(inside(Inside::Always)), TxTier::Segments, "X3"),
        ] {
            assert_eq!(
                (TxTier::of(tx), TxTier::of(tx).to_string()),
                (tier, text.to_owned())
            );
            let wire = serde_json::to_value(tier).unwrap();
            assert_eq!(wire, text.to_lowercase());
        }
    }
}
