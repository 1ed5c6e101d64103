//! What tuning reads of a record: borrowed from the line, everything else passed over.

use std::borrow::Cow;

use serde::Deserialize;
use waf_core::record::{Decision, ScoreRecord, Source};
use waf_core::rule::Date;

/// A line of the audit log.
#[derive(Debug, Deserialize)]
pub struct Line<'a> {
    /// RFC 3339.
    #[serde(borrow)]
    pub time: Cow<'a, str>,
    /// What was decided.
    pub decision: Decision,
    /// What the client saw.
    #[serde(default)]
    pub status: Option<u16>,
    /// Who answered.
    pub source: Source,
    /// Who asked.
    #[serde(borrow)]
    pub client: Client<'a>,
    /// What was asked.
    #[serde(borrow)]
    pub request: Request<'a>,
    /// The sums and what they are compared with.
    pub score: ScoreRecord,
    /// The rules that matched.
    #[serde(borrow)]
    pub matches: Vec<Matched<'a>>,
}

/// Who asked.
#[derive(Debug, Deserialize)]
pub struct Client<'a> {
    /// The address.
    #[serde(borrow)]
    pub ip: Cow<'a, str>,
}

/// What was asked.
#[derive(Debug, Deserialize)]
pub struct Request<'a> {
    /// The method.
    #[serde(borrow)]
    pub method: Cow<'a, str>,
    /// The path, masked.
    #[serde(borrow)]
    pub path: Cow<'a, str>,
}

/// A rule that matched.
#[derive(Debug, Deserialize)]
pub struct Matched<'a> {
    /// The rule.
    #[serde(borrow)]
    pub rule_id: Cow<'a, str>,
    /// What it added.
    pub score: u32,
    /// The phase of the field.
    #[serde(borrow)]
    pub phase: Cow<'a, str>,
    /// The field.
    #[serde(borrow)]
    pub target: Cow<'a, str>,
    /// Other fields in which it matched.
    #[serde(borrow, default)]
    pub also: Vec<Cow<'a, str>>,
    /// Whether it counted.
    #[serde(default = "yes")]
    pub counted: bool,
    /// Whether it blocks by itself.
    #[serde(default)]
    pub blocks: bool,
}

fn yes() -> bool {
    true
}

impl<'a> Line<'a> {
    /// Reads a line; `None` when it is no record of ours.
    pub fn read(text: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// Hours since 1970, UTC; `None` when the time cannot be read.
    pub fn hour(&self) -> Option<u32> {
        let day = u32::try_from(Date::parse(self.time.get(..10)?)?.days()).ok()?;
        let hour: u32 = self.time.get(11..13)?.parse().ok()?;
        (hour < 24).then_some(day.checked_mul(24)? + hour)
    }
}
