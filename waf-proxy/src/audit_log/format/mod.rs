//! Records as lines of JSON, each bounded: our own, and those that other programs read.

mod ecs;
mod modsecurity;
mod ocsf;
#[cfg(test)]
mod published;
#[cfg(test)]
mod schemas;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};
use waf_core::record::{DecisionRecord, InexactRecord, MatchRecord};

use crate::config::Format;

/// The record as JSON of at most `limit` bytes, without a line end.
///
/// A longer one loses matches from its end, the lightest: `coverage.inexact` then says
/// `{"field":"matches","what":["left_out:N"]}`. Where that is not enough it loses what the candidate
/// found, its headers, its query and its path, in this order.
pub(super) fn line(record: &DecisionRecord, format: Format, limit: usize) -> String {
    let write = writer(format);
    let whole = write(record);
    if whole.len() <= limit {
        return whole;
    }
    let fits = |matches: usize| write(&leave_out(record, matches)).len() <= limit;
    let mut short = leave_out(record, most(record.matches.len(), fits));
    let less: [fn(&mut DecisionRecord); 4] = [
        |record| {
            if let Some(candidate) = &mut record.candidate {
                candidate.matches.clear();
                candidate.gone.clear();
            }
        },
        |record| record.request.headers.clear(),
        |record| record.request.query = "…".into(),
        |record| record.request.path = "…".into(),
    ];
    for cut in less {
        if write(&short).len() <= limit {
            break;
        }
        cut(&mut short);
    }
    write(&short)
}

fn writer(format: Format) -> fn(&DecisionRecord) -> String {
    match format {
        // Records hold text and numbers only, which cannot fail to be JSON.
        Format::Pinpoint => |record| serde_json::to_string(record).unwrap_or_default(),
        Format::Ecs => |record| ecs::document(record).to_string(),
        Format::Ocsf => |record| ocsf::event(record).to_string(),
        Format::Modsecurity => |record| modsecurity::transaction(record).to_string(),
    }
}

/// The record with so many matches, and a note of how many there were more.
fn leave_out(record: &DecisionRecord, matches: usize) -> DecisionRecord {
    let mut short = record.clone();
    short.matches.truncate(matches);
    let left_out = record.matches.len() - matches;
    if left_out > 0 {
        let what = vec![format!("left_out:{left_out}")];
        short.coverage.inexact.push(InexactRecord { field: "matches".into(), what });
    }
    short
}

/// The largest number up to `total` that fits, 0 where none does; a smaller one always fits too.
fn most(total: usize, fits: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, total);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if fits(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

/// The rule that weighed most.
fn heaviest(record: &DecisionRecord) -> Option<&MatchRecord> {
    record.matches.first()
}

/// What kind of attack a rule looks for: its tag `attack-…` without that word.
fn category(known: &MatchRecord) -> Option<&str> {
    known.tags.iter().find_map(|tag| tag.strip_prefix("attack-"))
}

/// One sentence for people.
fn message(record: &DecisionRecord) -> String {
    let request = format!("{} {}", record.request.method, record.request.path);
    let decision = record.decision.name();
    match heaviest(record) {
        Some(known) => format!("{decision}: {request}: {} in {}", known.message, known.target),
        None => format!("{decision}: {request}"),
    }
}

/// The host without its port.
fn hostname(record: &DecisionRecord) -> &str {
    let host = record.request.host.as_str();
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// A header of the request, where `audit.headers` lists it.
fn header<'a>(record: &'a DecisionRecord, name: &str) -> Option<&'a str> {
    let headers = record.request.headers.iter();
    headers.filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).next()
}

/// The record in our own words, under a name of ours, for what a foreign schema has no word for.
fn own(record: &DecisionRecord, without: &[&str]) -> Value {
    let Ok(Value::Object(mut own)) = serde_json::to_value(record) else { return Value::Null };
    for name in without {
        own.remove(*name);
    }
    Value::Object(own)
}

/// Takes away what is not known: empty texts, empty lists and `null`, at any depth.
fn known(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (name, known(value)));
            Value::Object(fields.filter(|(_, value)| !is_empty(value)).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(known).collect()),
        other => other,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => Map::is_empty(fields),
        Value::Bool(_) | Value::Number(_) => false,
    }
}
