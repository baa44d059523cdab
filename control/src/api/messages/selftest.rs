//! What a self-test found of a NIC, as clients see it.

use super::offload::Demoted;
use crate::offload::Tier;
use crate::offload::selftest::{Answer, Report, Tested};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A self-test that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SelfTest {
    /// The port.
    pub port: String,
    /// What was found, in short.
    pub found: SelfTestFound,
    /// The most that its NIC may be asked for, by this test; none if nothing came back.
    pub tier: Option<Tier>,
    /// What is to be done for frames to come back, if none did.
    pub advice: Option<String>,
    /// What holds whatever this test found, and what it did not look at.
    #[serde(default)]
    pub notes: Vec<String>,
    /// All that was found.
    pub report: Report,
}

/// What a self-test found, in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SelfTestFound {
    /// It was asked for; if not it is that of a start.
    pub asked: bool,
    /// The device itself gave back what it sent; if not, a wire and whoever is at its end.
    pub looped: bool,
    /// Anything came back. If not nothing is known of the NIC.
    pub conclusive: bool,
    /// Different frames.
    pub frames: usize,
    /// Those that came back.
    pub heard: usize,
    /// Whether marks may be used.
    pub marks: Answer,
    /// Whether verdicts on outer checksums may be believed.
    pub checksums: Answer,
    /// It does no more than that from then on, because.
    pub demoted: Option<Demoted>,
    /// Why what it says of checksums is not heeded from then on.
    pub distrusted: Option<String>,
}

impl SelfTest {
    /// Of a port of this name.
    pub fn of(port: String, tested: &Tested, notes: Vec<String>) -> Self {
        let report = tested.report.clone();
        SelfTest {
            port,
            found: SelfTestFound::of(tested),
            tier: report.is_conclusive().then(|| report.tier()),
            advice: tested.advice(),
            notes,
            report,
        }
    }
}

impl SelfTestFound {
    /// In short.
    pub fn of(tested: &Tested) -> Self {
        let report = &tested.report;
        let demotion = tested.demotion();
        SelfTestFound {
            asked: tested.asked,
            looped: tested.looped,
            conclusive: report.is_conclusive(),
            frames: report.frames,
            heard: report.heard,
            marks: report.marks.clone(),
            checksums: report.checksums.clone(),
            demoted: demotion.map(|(tier, reason)| Demoted { tier, reason }),
            distrusted: tested.distrust(),
        }
    }
}
