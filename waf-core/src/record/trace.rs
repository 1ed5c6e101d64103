//! A trace: what happened to every field of one request. Not part of the decision record; the names
//! are a contract all the same.

use serde::{Deserialize, Serialize};

/// What happened to every field of one request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceRecord {
    /// The fields, in the order in which they were read.
    pub fields: Vec<FieldTrace>,
    /// Fields, steps and candidates beyond [`crate::limits::TRACE`].
    pub left_out: u64,
}

/// What happened to one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldTrace {
    /// The field, `ARGS_POST:$.user.name`.
    pub target: String,
    /// How it was read: `query`, `json`, …
    pub parser: Option<String>,
    /// Where it begins in what the parser read.
    pub at: u64,
    /// Bytes of its value.
    pub length: u64,
    /// Bytes that were looked into: of the value, and of what steps made of it, each text once.
    pub scanned: u64,
    /// Questions that were asked of them; of a streamed value of each of its pieces.
    pub asked: u64,
    /// The first of them, printable and masked.
    pub excerpt: String,
    /// The steps that changed it.
    pub steps: Vec<StepTrace>,
    /// What was looked for in it and hit, or passed the gate.
    pub candidates: Vec<CandidateTrace>,
}

/// A step that changed the value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepTrace {
    /// The transformations that changed it up to here.
    pub decode: Vec<String>,
    /// What came out, printable and masked.
    pub excerpt: String,
}

/// Something that was looked for and hit, or passed the gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandidateTrace {
    /// What is looked for: `pattern`, `phrases`, `check`, `detect_sqli`, `detect_xss`.
    pub kind: String,
    /// The transformations that changed what it was looked for in.
    pub decode: Vec<String>,
    /// Whether it is there.
    pub hit: bool,
    /// First byte of the hit, when known.
    pub offset: Option<u64>,
    /// One past its last byte.
    pub end: Option<u64>,
    /// The rules that look for it.
    pub rules: Vec<RuleTrace>,
}

/// What a hit is to a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleTrace {
    /// The rule.
    pub rule_id: String,
    /// Which of its conditions this is, from 1.
    pub condition: usize,
    /// How many it has.
    pub conditions: usize,
    /// It is a part of the condition: what else is found in the same value decides with it.
    pub in_part: bool,
}
