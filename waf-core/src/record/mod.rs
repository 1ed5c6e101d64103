//! The decision record: what happened to one request and why. One JSON line each; the names are a
//! contract with the people who read and parse it (see README, "The record").

mod alphabet;
mod candidate;
mod masking;
mod printable;
mod trace;

use serde::{Deserialize, Serialize};

pub use alphabet::{Alphabet, NoAlphabet};
pub use candidate::{CandidateRecord, CandidateResult};
pub use masking::{Masking, MaskingSettings, SecretPattern};
pub use printable::printable;
pub use trace::{CandidateTrace, FieldTrace, RuleTrace, StepTrace, TraceRecord};

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The request goes on.
    Pass,
    /// It was refused.
    Block,
    /// It would have been refused, but for detection-only mode.
    WouldBlock,
}

impl Decision {
    /// The word in records and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Block => "block",
            Self::WouldBlock => "would_block",
        }
    }
}

/// Whether a block is carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Blocks are carried out.
    #[default]
    Block,
    /// Detection only.
    Detect,
}

impl Mode {
    /// The word in records and configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Detect => "detect",
        }
    }
}

/// Who answered the status that the client saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A rule, or no route.
    Waf,
    /// The request was malformed.
    Protocol,
    /// A limit.
    Size,
    /// The list of addresses.
    Ip,
    /// Our own 502, 503, 504.
    Proxy,
    /// The application.
    Origin,
}

impl Source {
    /// The word in records and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waf => "waf",
            Self::Protocol => "protocol",
            Self::Size => "size",
            Self::Ip => "ip",
            Self::Proxy => "proxy",
            Self::Origin => "origin",
        }
    }
}

/// Why inspection stopped before the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// The block was certain.
    Verdict,
    /// The connection became a tunnel.
    Upgraded,
    /// The client went away.
    ClientAbort,
    /// A limit.
    Limit,
    /// A bug of ours, or the origin failed.
    Error,
}

/// One line of the audit log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// RFC 3339, UTC, milliseconds: when the head was complete.
    pub time: String,
    /// Ours, a UUIDv7.
    pub request_id: String,
    /// The client's own id, from a trusted proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_request_id: Option<String>,
    /// The mode that was in force.
    pub mode: Mode,
    /// What was decided.
    pub decision: Decision,
    /// The status the client saw; absent when it saw none.
    pub status: Option<u16>,
    /// The status it should have seen, when the answer had already begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intended_status: Option<u16>,
    /// Who answered it.
    pub source: Source,
    /// The route's name.
    pub route: String,
    /// Who asked.
    pub client: ClientRecord,
    /// What was asked.
    pub request: RequestRecord,
    /// The scores that decided.
    pub score: ScoreRecord,
    /// The rules that matched, heaviest first.
    pub matches: Vec<MatchRecord>,
    /// SecLang rules that tell and looked at nothing but the transaction's own variables: sums and
    /// thresholds, never the cause of a verdict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bookkeeping: Vec<MatchRecord>,
    /// The exclusions without which rules would have matched: one for each rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<ExcludedRecord>,
    /// Bytes of the (decoded) body that made the verdict certain; absent when the head did.
    pub verdict_offset: Option<u64>,
    /// What was and was not inspected.
    pub coverage: CoverageRecord,
    /// The hash of the loaded rules.
    pub ruleset: String,
    /// Where the time went.
    pub timing_us: TimingRecord,
    /// What the candidate would have said; absent where none looked at the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<CandidateRecord>,
}

/// Who asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientRecord {
    /// The address, after trusted proxies.
    pub ip: String,
}

/// What was asked, masked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RequestRecord {
    /// The method.
    pub method: String,
    /// The host.
    pub host: String,
    /// The path as received.
    pub path: String,
    /// The query, its values masked by default.
    pub query: String,
    /// The protocol as received, such as `HTTP/1.1`; empty where no head could be read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub protocol: String,
    /// The Content-Type.
    pub content_type: Option<String>,
    /// Bytes of the body as received.
    pub body_bytes: u64,
    /// The headers that `audit.headers` lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
}

/// Scores against thresholds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreRecord {
    /// Sum over the request rules that count.
    pub inbound: u32,
    /// A block from here on.
    pub inbound_threshold: u32,
    /// Sum over the response rules that count.
    pub outbound: u32,
    /// A block from here on.
    pub outbound_threshold: u32,
}

/// One rule that matched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MatchRecord {
    /// The rule.
    pub rule_id: String,
    /// Its title.
    pub name: String,
    /// `critical`, `error`, `warning`, `notice`.
    pub severity: String,
    /// What it added.
    pub score: u32,
    /// Its paranoia level.
    pub paranoia: u8,
    /// The phase of the field.
    pub phase: String,
    /// The field, `ARGS_POST:$.user.name`; for a finding the finding's place, such as `REQUEST_BODY`.
    pub target: String,
    /// Other fields in which a SecLang rule matched, which counts every one: up to 9, and of all rules of
    /// a request up to 256.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// The characters of the values in all these fields, as parsed. Absent where one of them is hidden or
    /// longer than the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alphabet: Option<Alphabet>,
    /// How the bytes came about: parsers, then transformations that changed the value.
    pub decode: Vec<String>,
    /// First byte of the match in the decoded value; absent when it is not known.
    pub offset: Option<u64>,
    /// Bytes of the match.
    pub length: Option<u64>,
    /// Where the value begins in the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<u64>,
    /// The matching bytes, printable and masked.
    pub excerpt: String,
    /// SecLang's `msg`, expanded; the rule's name for YAML.
    pub message: String,
    /// SecLang's `logdata`, expanded.
    pub data: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// The file it stands in.
    pub file: String,
    /// Its line there.
    pub line: u32,
    /// Whether it counted; a rule on trial or above the paranoia level does not.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub counted: bool,
    /// It came after the verdict was certain (detection-only mode goes on looking).
    #[serde(default, skip_serializing_if = "is_no")]
    pub after_verdict: bool,
    /// It blocks by itself.
    #[serde(default, skip_serializing_if = "is_no")]
    pub blocks: bool,
}

/// An exclusion that took a match away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExcludedRecord {
    /// The rule that would have matched.
    pub rule_id: String,
    /// The field it would have matched in.
    pub target: String,
    /// The exclusion, as [`Exclusion::place`](crate::rule::Exclusion::place) names it.
    pub exclusion: String,
}

/// What was and was not inspected.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CoverageRecord {
    /// Bytes of the body that were inspected.
    pub body_seen: u64,
    /// Bytes of the body, when known.
    pub body_total: Option<u64>,
    /// Why inspection stopped early.
    pub stop: Option<Stop>,
    /// Fields in which something could not be exact, and what.
    pub inexact: Vec<InexactRecord>,
    /// Bytes of the response's body that were inspected; absent when it was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_seen: Option<u64>,
}

/// A field in which something could not be exact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InexactRecord {
    /// The field.
    pub field: String,
    /// What: `normalize_path`, `detect_sqli`, …
    pub what: Vec<String>,
}

/// Where the time went, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimingRecord {
    /// In the engine.
    pub inspect: u64,
    /// From the complete head to the end.
    pub total: u64,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_yes(value: &bool) -> bool {
    *value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_no(value: &bool) -> bool {
    !*value
}
