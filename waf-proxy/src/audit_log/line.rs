//! One record as one line of JSON, bounded.

use serde::Serialize;
use waf_core::record::{DecisionRecord, InexactRecord};

/// The record as JSON of at most `limit` bytes, without a line end.
///
/// A longer one loses matches from its end, the lightest: `coverage.inexact` then says
/// `{"field":"matches","what":["left_out:N"]}`. Where that is not enough it loses its headers, its
/// query and its path, in this order.
pub(super) fn line(record: &DecisionRecord, limit: usize) -> String {
    let whole = json(record);
    if whole.len() <= limit {
        return whole;
    }
    let mut record = record.clone();
    leave_out(&mut record, limit);
    let less: [fn(&mut DecisionRecord); 3] = [
        |record| record.request.headers.clear(),
        |record| record.request.query = "…".into(),
        |record| record.request.path = "…".into(),
    ];
    let mut short = json(&record);
    for cut in less {
        if short.len() <= limit {
            break;
        }
        cut(&mut record);
        short = json(&record);
    }
    short
}

/// Keeps as many matches as fit, each counted once.
fn leave_out(record: &mut DecisionRecord, limit: usize) {
    let matches = std::mem::take(&mut record.matches);
    let total = matches.len();
    // The note is written with the largest number it can have.
    record.coverage.inexact.push(note(total));
    let mut length = json(record).len();
    let fits = |one: &waf_core::record::MatchRecord| {
        length += json(one).len() + ",".len();
        length <= limit
    };
    record.matches = matches.into_iter().take_while(fits).collect();
    if let Some(last) = record.coverage.inexact.last_mut() {
        *last = note(total - record.matches.len());
    }
}

fn note(left_out: usize) -> InexactRecord {
    InexactRecord { field: "matches".into(), what: vec![format!("left_out:{left_out}")] }
}

/// Records hold text and numbers only, which cannot fail to be JSON.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
