//! What tuning reads of a record: borrowed from the line, everything else passed over.

use std::borrow::Cow;

use memchr::{memchr, memmem};
use serde::Deserialize;
use waf_core::record::{Alphabet, Decision, ScoreRecord, Source};
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
    /// The characters of the values, when known.
    #[serde(default)]
    pub alphabet: Option<Alphabet>,
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

/// How a record of ours begins.
const BEGIN: &[u8] = br#"{"time":""#;

/// What a record says that passed.
const PASS: &[u8] = br#""decision":"pass""#;

/// The time of a record that passed, from how it begins: nothing else is asked of it, and most records
/// are such. `None` when that cannot be told, because someone has written it anew.
pub fn time_of_pass(text: &[u8]) -> Option<&str> {
    let rest = text.strip_prefix(BEGIN)?;
    // Within a text quotes are escaped, and before the next brace all keys are the record's own.
    let own = &rest[..memchr(b'{', rest)?];
    memmem::find(own, PASS)?;
    std::str::from_utf8(&own[..memchr(b'"', own)?]).ok()
}

/// Hours since 1970, UTC; `None` when the time cannot be read.
pub fn hour(time: &str) -> Option<u32> {
    let day = u32::try_from(Date::parse(time.get(..10)?)?.days()).ok()?;
    let hour: u32 = time.get(11..13)?.parse().ok()?;
    (hour < 24).then_some(day.checked_mul(24)? + hour)
}

impl<'a> Line<'a> {
    /// Reads a line; `None` when it is no record of ours.
    pub fn read(text: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_passed_is_known_by_how_it_begins() {
        let time = "2026-11-23T10:00:00.123Z";
        let record = |keys: &str| format!(r#"{{"time":"{time}",{keys},"client":{{"ip":"::1"}}}}"#);
        let passed = record(r#""mode":"block","decision":"pass""#);
        assert_eq!(time_of_pass(passed.as_bytes()), Some(time));
        for other in [
            record(r#""decision":"would_block""#),
            // Of the candidate, and within a text.
            record(r#""candidate":{"decision":"pass"},"decision":"block""#),
            record(r#""route":"\"decision\":\"pass\"","decision":"block""#),
            passed[..40].to_owned(),
            passed.replace("\"time\"", "\"when\""),
        ] {
            assert_eq!(time_of_pass(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn an_hour_is_counted_since_1970() {
        assert_eq!(hour("1970-01-02T03:00:00Z"), Some(27));
        for wrong in ["", "1970-01-02", "1970-01-02T24:00:00Z", "1970-13-02T03:00:00Z"] {
            assert_eq!(hour(wrong), None, "{wrong}");
        }
    }
}
