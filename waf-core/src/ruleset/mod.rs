//! The compiled program: immutable, shared by every request and thread.
//!
//! A [`Signature`] is an operator asked of the values of one step of the [`ChainTree`]; equal pairs
//! of (chain, operator) are one signature, however many rules ask. A [`Joint`] is several
//! signatures of one and the same value. Facts about both are what scanning finds and deciding
//! reads.

mod ask;
mod captures;
mod chain;
mod closure;
mod comparison;
mod ids;
mod joint_parts;
mod known_names;
mod memories;
mod name_regex;
mod names;
mod order;
mod plan;
mod program;
mod regex;
mod value;
mod way;

use std::fmt;

pub(crate) use ask::{Pattern, PhraseList};
pub(crate) use captures::Captures;
pub use chain::{ChainTree, Step};
pub use closure::{Awake, Closure};
pub(crate) use comparison::Comparison;
pub use ids::{ClassId, ExclusionId, RuleIndex, SignatureId, StepId};
pub use joint_parts::JointParts;
pub use known_names::KnownNames;
pub(crate) use memories::Memories;
pub(crate) use name_regex::NameRegex;
pub use names::{NameClasses, NameCursor, NameError};
pub(crate) use order::Order;
pub use plan::{FieldPlan, Inquiry, PlanId, PlanNode, Trigger};
pub use program::Noted;
pub(crate) use program::{
    Bound, Names, Operand, Part, Program, ProgramChange, ProgramEffect, ProgramKey, ProgramLink,
    ProgramPart, ProgramRule, ProgramTarget, ProgramText, Question, Slots,
};
pub(crate) use value::Value;

use crate::automaton::{Automata, Gate, PatternId, Phrases};
use crate::finding::Finding;
use crate::limits;
use crate::operator::Check;
use crate::rule::{Phase, Rule, Target};

/// What is asked of the values of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Probe {
    /// A pattern of the automata.
    Pattern(PatternId),
    /// A list of phrases.
    Phrases(PatternId),
    /// A check, by its place in the table.
    Check(u16),
    /// libinjection's SQL tokenizer.
    DetectSqli,
    /// libinjection's HTML tokenizer.
    DetectXss,
    /// Several signatures of one value, by their place in the table of joints.
    Joint(u16),
}

/// A question that scanning answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Signature {
    /// Whose values are asked.
    pub step: StepId,
    /// What is asked.
    pub probe: Probe,
}

/// Signatures of one and the same value, joined.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Joint {
    /// The signature holds.
    Signature(SignatureId),
    /// Every part holds.
    All(Vec<Joint>),
    /// Some part holds.
    Any(Vec<Joint>),
    /// The part does not hold; known at the end of the value.
    Not(Box<Joint>),
}

impl Joint {
    /// Whether it holds, given which signatures do.
    pub fn holds(&self, has: &dyn Fn(SignatureId) -> bool) -> bool {
        match self {
            Self::Signature(id) => has(*id),
            Self::All(parts) => parts.iter().all(|part| part.holds(has)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(has)),
            Self::Not(part) => !part.holds(has),
        }
    }

    /// Whether it can be known only at the end of the value.
    pub fn has_not(&self) -> bool {
        match self {
            Self::Signature(_) => false,
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::has_not),
            Self::Not(_) => true,
        }
    }

    /// Whether it asks for the signature.
    pub fn mentions(&self, signature: SignatureId) -> bool {
        match self {
            Self::Signature(id) => *id == signature,
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().any(|part| part.mentions(signature))
            }
            Self::Not(part) => part.mentions(signature),
        }
    }

    /// Every signature in it, in the order written.
    pub fn signatures(&self) -> Vec<SignatureId> {
        match self {
            Self::Signature(id) => vec![*id],
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().flat_map(Self::signatures).collect()
            }
            Self::Not(part) => part.signatures(),
        }
    }
}

/// A rule's expression over its conditions, which are numbered.
#[derive(Clone, Debug)]
pub enum Formula {
    /// Condition number n.
    Condition(u8),
    /// Every part holds.
    All(Vec<Formula>),
    /// Some part holds.
    Any(Vec<Formula>),
    /// The part does not hold.
    Not(Box<Formula>),
}

impl Formula {
    /// Whether it holds; bit n of `bits` is condition n.
    pub fn holds(&self, bits: u64) -> bool {
        match self {
            Self::Condition(number) => bits & (1 << number) != 0,
            Self::All(parts) => parts.iter().all(|part| part.holds(bits)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(bits)),
            Self::Not(part) => !part.holds(bits),
        }
    }

    /// The conditions that are not under a `not`, in the order written.
    pub fn positive(&self) -> Vec<u8> {
        match self {
            Self::Condition(number) => vec![*number],
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::positive).collect(),
            Self::Not(_) => Vec::new(),
        }
    }
}

/// What one condition of a rule is made of.
#[derive(Clone, Debug)]
pub enum CompiledCondition {
    /// A signature of some fields.
    Fields {
        /// Which fields.
        targets: Vec<Target>,
        /// What is asked of them.
        signature: SignatureId,
    },
    /// `same_value`: several signatures, each of its own fields, of one value.
    SameValue {
        /// The conditions, as written.
        parts: ValueFormula,
    },
    /// The number of some fields.
    Count {
        /// Which fields; every entry counts.
        targets: Vec<Target>,
        /// What is asked of the number.
        check: Check,
    },
    /// A finding.
    Finding(Finding),
}

/// The conditions of a `same_value` rule before they are narrowed to one kind of field.
#[derive(Clone, Debug)]
pub enum ValueFormula {
    /// A signature of some fields.
    Fields {
        /// Which fields.
        targets: Vec<Target>,
        /// What is asked of them.
        signature: SignatureId,
    },
    /// Every part holds.
    All(Vec<ValueFormula>),
    /// Some part holds.
    Any(Vec<ValueFormula>),
    /// The part does not hold.
    Not(Box<ValueFormula>),
}

/// When a rule can be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settles {
    /// As soon as its conditions are known to hold: it is monotone.
    AtOnce,
    /// At the end of a phase, because something may still turn it.
    AtEndOf(Phase),
}

/// The rules that wait for the end of a phase, by phase.
#[derive(Clone, Debug)]
pub struct Waiting([Box<[RuleIndex]>; Phase::ALL.len()]);

impl Waiting {
    /// Those of `rules`; SecLang rules run in a program of their own.
    pub fn new(rules: &[CompiledRule]) -> Self {
        let waits = |rule: &CompiledRule, phase| {
            rule.rule.chain.is_none() && rule.settles == Settles::AtEndOf(phase)
        };
        Self(std::array::from_fn(|at| {
            let all = rules.iter().enumerate().filter(|(_, rule)| waits(rule, Phase::ALL[at]));
            all.map(|(index, _)| RuleIndex(index as u16)).collect()
        }))
    }

    /// Those of a phase, in load order.
    pub fn of(&self, phase: Phase) -> &[RuleIndex] {
        &self.0[phase as usize]
    }
}

/// A rule, compiled.
#[derive(Clone, Debug)]
pub struct CompiledRule {
    /// As it was written.
    pub rule: Rule,
    /// What must hold.
    pub formula: Formula,
    /// The conditions by number.
    pub conditions: Vec<CompiledCondition>,
    /// When it can be decided.
    pub settles: Settles,
}

impl CompiledRule {
    /// The conditions that count fields, one bit each.
    pub fn counts(&self) -> u64 {
        let numbered = self.conditions.iter().enumerate();
        let counts = numbered.filter(|(_, it)| matches!(it, CompiledCondition::Count { .. }));
        counts.fold(0, |bits, (number, _)| bits | 1 << number)
    }
}

/// The compiled program.
pub struct RuleSet {
    pub(crate) rules: Vec<CompiledRule>,
    pub(crate) waiting: Waiting,
    pub(crate) chains: ChainTree,
    pub(crate) names: NameClasses,
    pub(crate) signatures: Vec<Signature>,
    pub(crate) joints: Vec<Joint>,
    pub(crate) automata: Automata,
    pub(crate) gate: Gate,
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) phrases: Phrases,
    pub(crate) checks: Vec<Check>,
    pub(crate) lists: Vec<PhraseList>,
    pub(crate) program: Program,
    pub(crate) hash: String,
}

impl RuleSet {
    /// `sha256:` and the digest of the rule texts, in load order.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The rules as written, in load order.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = &Rule> {
        self.rules.iter().map(|compiled| &compiled.rule)
    }

    /// Number of distinct signatures.
    pub fn signature_count(&self) -> usize {
        self.signatures.len()
    }

    /// Number of distinct transformation steps.
    pub fn step_count(&self) -> usize {
        self.chains.len()
    }

    /// Puts empty tables in the place of the automata's where these are full; whether they were. For
    /// a process that serves many requests to call now and then, in the background: values that have
    /// begun change over with their next piece. Until then there are two sets of tables.
    pub fn renew_full_tables(&self) -> bool {
        self.automata.renew()
    }

    /// Bytes that all tables may grow to; where full ones are begun anew both sets are there for a while.
    pub fn most_table_bytes(&self) -> usize {
        self.table_bytes() - self.automata.table_bytes() + limits::TABLES
    }

    /// Bytes of all tables as they are now; the automata's grow up to their cap while they learn.
    pub fn table_bytes(&self) -> usize {
        self.automata.table_bytes()
            + self.gate.bytes()
            + self.phrases.bytes()
            + self.names.table_bytes()
    }
}

impl fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuleSet")
            .field("hash", &self.hash)
            .field("rules", &self.rules.len())
            .field("signatures", &self.signatures.len())
            .finish_non_exhaustive()
    }
}
