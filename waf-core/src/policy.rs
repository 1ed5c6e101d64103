//! How a rule set is applied: mode, thresholds, paranoia, overrides, exclusions, limits. One policy
//! per route.

mod memory;
mod work;

pub use work::WorkBound;

use std::fmt;
use std::sync::Arc;

use crate::field::Collection;
use crate::limits::Limits;
use crate::record::Mode;
use crate::rule::{Exclusion, ProgramSettings, RuleMode};
use crate::ruleset::{ClassId, FieldPlan, RuleIndex, RuleSet, Trigger};
use crate::source::Span;

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
    /// Where it is written; `None` for one of ours.
    pub span: Option<Span>,
}

/// What happens to a request that could not be inspected exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnPartial {
    /// The record says so.
    #[default]
    Pass,
    /// [`Finding::LimitPartial`](crate::finding::Finding::LimitPartial).
    Block,
}

/// What is done with the bodies of responses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResponseBody {
    /// They are not looked at.
    #[default]
    Off,
    /// They are looked at as they pass: what is found is recorded, and delays nothing.
    Detect,
    /// What must not reach the client is cut.
    Block,
}

/// Which parts of a response are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponsePolicy {
    /// Status and headers.
    pub headers: bool,
    /// The body.
    pub body: ResponseBody,
    /// The media types whose bodies are looked at, in lower case and without parameters.
    pub types: Vec<String>,
}

impl Default for ResponsePolicy {
    fn default() -> Self {
        let types = ["text/html", "text/plain", "text/xml", "application/json"];
        Self { headers: true, body: ResponseBody::Off, types: types.map(str::to_owned).to_vec() }
    }
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
    /// What happens to a request that could not be inspected exactly: a value that went over
    /// `limits.field_window` under a check that needs all of it, a body over `limits.body`, a
    /// content coding that cannot be read on.
    pub on_partial: OnPartial,
    /// What is looked at of responses.
    pub response: ResponsePolicy,
    /// The status of a block by score or rule.
    pub block_status: u16,
    /// What the directives of SecLang files set.
    pub program: ProgramSettings,
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
            on_partial: OnPartial::Pass,
            response: ResponsePolicy::default(),
            block_status: 403,
            program: ProgramSettings::default(),
            today: 0,
        }
    }
}

/// One rule under a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleStance {
    /// It is looked for.
    pub active: bool,
    /// Its matches count.
    pub counted: bool,
    /// What a match adds.
    pub score: u32,
}

/// A rule set with the settings of a route, and the plans that follow from both.
#[derive(Clone)]
pub struct Policy {
    pub(crate) settings: PolicySettings,
    pub(crate) ruleset: Arc<RuleSet>,
    pub(crate) stances: Vec<RuleStance>,
    /// Plans of every (collection, class): `plans[collection * classes + class]`.
    pub(crate) plans: Vec<Arc<FieldPlan>>,
    /// What each finding triggers, in the order of [`Finding::ALL`].
    pub(crate) findings: Vec<Vec<Trigger>>,
    /// The exclusions that may apply, in the order of their numbers.
    pub(crate) exclusions: Vec<Exclusion>,
}

impl Policy {
    /// The settings it was made from.
    pub fn settings(&self) -> &PolicySettings {
        &self.settings
    }

    /// The same in another mode: everything else, tables and plans included, is shared or equal.
    #[must_use]
    pub fn in_mode(&self, mode: Mode) -> Self {
        Self { settings: PolicySettings { mode, ..self.settings.clone() }, ..self.clone() }
    }

    /// The rule set it applies.
    pub fn ruleset(&self) -> &Arc<RuleSet> {
        &self.ruleset
    }

    /// How a rule stands under it.
    pub fn stance(&self, rule: RuleIndex) -> RuleStance {
        self.stances[rule.index()]
    }

    /// What is wanted of the fields of a collection and class.
    pub fn plan(&self, collection: Collection, class: ClassId) -> &Arc<FieldPlan> {
        &self.plans[collection as usize * self.ruleset.names.len() + class.index()]
    }

    /// Which exclusions apply to a request, by its decoded, dot-free path. On an ambiguous path
    /// none does that asks for one: the origin may resolve it otherwise.
    pub fn active_exclusions(&self, method: &[u8], path: &[u8], ambiguous: bool) -> Vec<bool> {
        self.exclusions
            .iter()
            .map(|exclusion| {
                let on_path = match &exclusion.path {
                    Some(pattern) => !ambiguous && pattern.matches(path),
                    None => true,
                };
                let methods = &exclusion.methods;
                on_path && (methods.is_empty() || methods.iter().any(|m| m.as_bytes() == method))
            })
            .collect()
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("settings", &self.settings)
            .field("ruleset", &self.ruleset)
            .finish_non_exhaustive()
    }
}
