//! What a rule says, as plain data. The front ends write it, the compiler reads it; a rule never
//! adds code.

mod chain;
mod exclusion;
mod expression;
mod operator;
mod target;
mod transformation;

use std::fmt;
use std::sync::Arc;

pub use chain::{
    Allow, Chain, Change, Ctl, Disruptive, Effect, Engine, Link, LinkOperator, LinkTarget,
    LinkVariable, MacroOperator, ProgramSettings, RuleScope, State, Text, TextPart,
};
pub use exclusion::{Date, Exclusion, ExclusionScope, PathPattern};
pub use expression::{Condition, Expression};
pub use operator::Operator;
pub use target::{Selector, Target, TargetKind, Variable, is_xml_path};
pub use transformation::Transformation;

use crate::field::Collection;
use crate::source::Span;

/// A rule's id: digits for SecLang, words for YAML. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId(Arc<str>);

impl RuleId {
    /// The id with this text.
    pub fn new(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How bad a match is; the default of its score (as in CRS).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// 5
    Critical,
    /// 4
    Error,
    /// 3
    Warning,
    /// 2
    Notice,
}

impl Severity {
    /// Every severity, worst first.
    pub const ALL: &'static [Self] = &[Self::Critical, Self::Error, Self::Warning, Self::Notice];

    /// The word in rules and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }

    /// What a match adds where the rule does not say.
    pub fn score(self) -> u32 {
        match self {
            Self::Critical => 5,
            Self::Error => 4,
            Self::Warning => 3,
            Self::Notice => 2,
        }
    }
}

/// When a rule is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// After the request head.
    RequestHeaders,
    /// After the request body.
    RequestBody,
    /// After the response head.
    ResponseHeaders,
    /// After the response body.
    ResponseBody,
    /// At the very end, for SecLang rules that tell. Nothing is refused any more.
    Logging,
}

impl Phase {
    /// Every phase in order.
    pub const ALL: &'static [Self] = &[
        Self::RequestHeaders,
        Self::RequestBody,
        Self::ResponseHeaders,
        Self::ResponseBody,
        Self::Logging,
    ];

    /// The phase in which the fields of a collection are known.
    pub fn of(collection: Collection) -> Self {
        match collection {
            Collection::ArgsPost
            | Collection::ArgsPostNames
            | Collection::ArgsCombinedSize
            | Collection::RequestBody
            | Collection::RequestBodyLength
            | Collection::Files
            | Collection::FilesNames
            | Collection::FilesSizes
            | Collection::FilesCombinedSize
            | Collection::FilesTmpContent
            | Collection::MultipartPartHeaders
            | Collection::Xml => Self::RequestBody,
            Collection::ResponseStatus | Collection::ResponseHeaders => Self::ResponseHeaders,
            Collection::ResponseBody => Self::ResponseBody,
            _ => Self::RequestHeaders,
        }
    }

    /// The word in rules and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::RequestHeaders => "request_headers",
            Self::RequestBody => "request_body",
            Self::ResponseHeaders => "response_headers",
            Self::ResponseBody => "response_body",
            Self::Logging => "logging",
        }
    }

    /// Whether it belongs to the request.
    pub fn is_request(self) -> bool {
        self <= Self::RequestBody
    }
}

/// What a match does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Adds the rule's score.
    Score,
    /// Blocks by itself, whatever the threshold.
    Block,
}

/// Whether a match counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleMode {
    /// It counts.
    Block,
    /// On trial: recorded, never counted.
    Detect,
    /// Not looked for.
    Off,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Unique over all loaded files.
    pub id: RuleId,
    /// A title without a full stop.
    pub name: String,
    /// What the attacker gains and why harmless text does not match.
    pub why: String,
    /// URLs, `CWE-n`, `CVE-y-n`.
    pub references: Vec<String>,
    /// How bad a match is.
    pub severity: Severity,
    /// What a match adds, once per request: 0 to 100.
    pub score: u32,
    /// What a match does.
    pub action: Action,
    /// Whether a match counts.
    pub mode: RuleMode,
    /// 1 to 4.
    pub paranoia: u8,
    /// When it is decided.
    pub phase: Phase,
    /// The folder it lies in, such as `sqli`.
    pub class: String,
    /// Always with `attack-<class>`.
    pub tags: Vec<String>,
    /// Every condition under the top `all` must hold for the same field value.
    pub same_value: bool,
    /// What must hold. Nothing does that holds no part: the expression of a rule with a chain.
    pub expression: Expression,
    /// What a SecLang rule does instead.
    pub chain: Option<Box<Chain>>,
    /// Examples that must match.
    pub attacks: Vec<Example>,
    /// Examples that must not match.
    pub benign: Vec<Example>,
    /// Where it was written; its line is in records.
    pub span: Span,
}

/// An example of a rule: what is sent, and in which place of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// The place; `None` means every place that the rule's targets allow.
    pub place: Option<Place>,
    /// The payload. Text, except in [`Place::Json`] and [`Place::Multipart`], where a mapping may
    /// stand.
    pub value: serde_json::Value,
    /// Where it was written.
    pub span: Span,
}

impl Example {
    /// Bytes as an example writes them, `"FF D8 FF"`: two hexadecimal digits each, blanks between.
    pub fn bytes(text: &str) -> Option<Vec<u8>> {
        let byte = |pair: &str| {
            let is_byte = pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
            is_byte.then(|| u8::from_str_radix(pair, 16).ok()).flatten()
        };
        text.split_ascii_whitespace().map(byte).collect()
    }
}

/// A place of a request that an example may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// A raw query string.
    Query,
    /// A raw form body.
    Form,
    /// A JSON body.
    Json,
    /// A raw XML body.
    Xml,
    /// A raw path.
    Path,
    /// A raw Cookie header.
    Cookie,
    /// A raw header line `Name: value`.
    Header,
    /// Multipart: `name`, `filename`, `content`, `type`.
    Multipart,
    /// A whole raw HTTP/1.1 request; the length of its body is set for you.
    Request,
}

impl Place {
    /// Every place.
    pub const ALL: &'static [Self] = &[
        Self::Query,
        Self::Form,
        Self::Json,
        Self::Xml,
        Self::Path,
        Self::Cookie,
        Self::Header,
        Self::Multipart,
        Self::Request,
    ];

    /// The key in `tests:`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Form => "form",
            Self::Json => "json",
            Self::Xml => "xml",
            Self::Path => "path",
            Self::Cookie => "cookie",
            Self::Header => "header",
            Self::Multipart => "multipart",
            Self::Request => "request",
        }
    }
}
