//! How a rule set is applied: mode, thresholds, paranoia, overrides, exclusions, limits. One policy
//! per route.

use crate::limits::Limits;
use crate::record::Mode;
use crate::rule::{Exclusion, RuleMode};

/// Which rules an override is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OverrideScope {
    /// One rule, by id (findings too).
    Rule(String),
    /// Every rule of a class, written `class:scanners`.
    Class(String),
}

/// A change to rules, from the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// Which rules.
    pub scope: OverrideScope,
    /// Their mode.
    pub mode: Option<RuleMode>,
    /// Their score.
    pub score: Option<u32>,
}

/// Everything that may differ from route to route.
#[derive(Clone, Debug)]
pub struct PolicySettings {
    /// Whether blocks are carried out.
    pub mode: Mode,
    /// A block from here on, for the request.
    pub inbound_threshold: u32,
    /// A block from here on, for the response.
    pub outbound_threshold: u32,
    /// Rules up to this level count.
    pub paranoia: u8,
    /// Rules up to this level are looked for; those above `paranoia` are recorded only.
    pub detection_paranoia: u8,
    /// Changes to rules, later ones win.
    pub overrides: Vec<Override>,
    /// What is let in.
    pub exclusions: Vec<Exclusion>,
    /// Bounds.
    pub limits: Limits,
    /// The status of a block by score or rule.
    pub block_status: u16,
    /// Today, in days since 1970-01-01 UTC: exclusions that have expired do not apply.
    pub today: i64,
}

impl Default for PolicySettings {
    fn default() -> Self {
        Self {
            mode: Mode::Block,
            inbound_threshold: 5,
            outbound_threshold: 4,
            paranoia: 1,
            detection_paranoia: 1,
            overrides: Vec::new(),
            exclusions: Vec::new(),
            limits: Limits::default(),
            block_status: 403,
            today: 0,
        }
    }
}
