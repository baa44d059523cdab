//! How much of a tunnel's work a NIC does, and how much it is wanted to do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a NIC does for the packets of a tunnel. Each is right by itself: what a NIC does not do,
/// software does.
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
pub enum Tier {
    /// Nothing.
    #[default]
    #[serde(rename = "t0")]
    Software,
    /// It knows the UDP port: looks at inner headers for packet type, checksums, and with some
    /// drivers for the hash that chooses a queue.
    #[serde(rename = "t1")]
    Parser,
    /// It also writes a mark beside the packet that says which tunnel it is likely to be for.
    #[serde(rename = "t2")]
    Rule,
    /// It also takes the outer headers off.
    #[serde(rename = "t3")]
    Decap,
}

impl Tier {
    /// All, the least first.
    pub const ALL: [Tier; 4] = [Tier::Software, Tier::Parser, Tier::Rule, Tier::Decap];

    /// In words, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Tier::Software => "all in software",
            Tier::Parser => "the NIC knows the UDP port",
            Tier::Rule => "the NIC marks packets with their tunnel",
            Tier::Decap => "the NIC takes outer headers off",
        }
    }
}

/// T0 to T3.
impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Tier::Software => "T0",
            Tier::Parser => "T1",
            Tier::Rule => "T2",
            Tier::Decap => "T3",
        })
    }
}

/// The most that a NIC is asked for, as it is written in a configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Offload {
    /// Nothing.
    Off,
    /// All that takes nothing away: up to marks. Where the NIC takes outer headers off nobody can
    /// see what they said beyond its rule, such as that a packet met congestion; that has to be asked for.
    #[default]
    Auto,
    /// That it knows UDP ports.
    T1,
    /// That, and marks.
    T2,
    /// That, and taking outer headers off.
    T3,
}

impl Offload {
    /// All, as they are told to people.
    pub const ALL: [Offload; 5] = [
        Offload::Off,
        Offload::Auto,
        Offload::T1,
        Offload::T2,
        Offload::T3,
    ];

    /// The tier above which nothing is asked for.
    pub const fn cap(self) -> Tier {
        match self {
            Offload::Off => Tier::Software,
            Offload::T1 => Tier::Parser,
            Offload::Auto | Offload::T2 => Tier::Rule,
            Offload::T3 => Tier::Decap,
        }
    }

    /// Whether anything is asked for at all. Drivers want to know before a port is configured whether
    /// marks and verdicts about outer checksums are to come with packets.
    pub const fn is_on(self) -> bool {
        !matches!(self, Offload::Off)
    }

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Offload::Off => "off",
            Offload::Auto => "auto",
            Offload::T1 => "t1",
            Offload::T2 => "t2",
            Offload::T3 => "t3",
        }
    }
}

impl fmt::Display for Offload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// It is none of the words of [`Offload`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("off, auto, t1, t2 or t3 is meant to stand here")]
pub struct NoOffload;

impl FromStr for Offload {
    type Err = NoOffload;

    fn from_str(text: &str) -> Result<Self, NoOffload> {
        let mut all = Offload::ALL.into_iter();
        all.find(|it| it.as_str() == text).ok_or(NoOffload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for offload in Offload::ALL {
            assert_eq!(offload.to_string().parse(), Ok(offload));
            let word = serde_json::json!(offload.as_str());
            assert_eq!(serde_json::to_value(offload).unwrap(), word);
            assert_eq!(offload.is_on(), offload.cap() > Tier::Software);
        }
        for wrong in ["", "T1", "t0", "t4", "on", " t1"] {
            assert_eq!(wrong.parse::<Offload>(), Err(NoOffload), "{wrong}");
        }
    }

    #[test]
    fn outer_headers_are_taken_off_only_where_that_is_written() {
        assert_eq!(Offload::default(), Offload::Auto);
        let caps = Offload::ALL.map(Offload::cap);
        assert_eq!(
            caps,
            [
                Tier::Software,
                Tier::Rule,
                Tier::Parser,
                Tier::Rule,
                Tier::Decap
            ]
        );
    }

    #[test]
    fn a_tier_does_more_than_those_before_it() {
        assert!(Tier::ALL.is_sorted());
        let wire = serde_json::to_value(Tier::ALL).unwrap();
        assert_eq!(wire, serde_json::json!(["t0", "t1", "t2", "t3"]));
        let short: Vec<_> = Tier::ALL.iter().map(Tier::to_string).collect();
        assert_eq!(short, ["T0", "T1", "T2", "T3"]);
    }
}
