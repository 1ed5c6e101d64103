//! A trace in lines.

use std::collections::BTreeSet;
use std::fmt::Write;

use waf_core::record::{CandidateTrace, FieldTrace, RuleTrace, TraceRecord};

use crate::cli::output::safe;

/// Every field, what changed it and what was looked for in it.
pub(super) fn tell(trace: &TraceRecord) -> String {
    let mut text = format!("\nTrace: {} fields\n", trace.fields.len());
    for one in &trace.fields {
        field(&mut text, one);
    }
    if trace.left_out > 0 {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(text, "\n{} more entries are left out.", trace.left_out);
    }
    text
}

fn field(text: &mut String, field: &FieldTrace) {
    let parser = field.parser.as_ref().map(|parser| format!(" · {parser}")).unwrap_or_default();
    let _ = writeln!(
        text,
        "\n{}{parser} · {} bytes at {}\n  {}",
        safe(&field.target),
        field.length,
        field.at,
        safe(&field.excerpt)
    );
    for step in &field.steps {
        let _ = writeln!(text, "  {} → {}", step.decode.join(" "), safe(&step.excerpt));
    }
    for one in field.candidates.iter().filter(|one| one.hit) {
        hit(text, one);
    }
    let missed = field.candidates.iter().filter(|one| !one.hit);
    let missed: BTreeSet<String> = missed.flat_map(|one| &one.rules).map(rule).collect();
    if !missed.is_empty() {
        let missed: Vec<String> = missed.into_iter().collect();
        let _ = writeln!(text, "  passed the gate, not there: {}", missed.join(", "));
    }
}

fn hit(text: &mut String, candidate: &CandidateTrace) {
    let rules: Vec<String> = candidate.rules.iter().map(rule).collect();
    let _ = write!(text, "  hit: {} · {}", rules.join(", "), candidate.kind);
    if !candidate.decode.is_empty() {
        let _ = write!(text, " · after {}", candidate.decode.join(" "));
    }
    match (candidate.offset, candidate.end) {
        (Some(offset), Some(end)) => writeln!(text, " · bytes {offset} to {end}"),
        (None, Some(end)) => writeln!(text, " · up to byte {end}"),
        _ => writeln!(text),
    }
    .unwrap_or_default();
}

/// The rule, and what else it needs.
fn rule(rule: &RuleTrace) -> String {
    let id = safe(&rule.rule_id);
    let part = if rule.in_part { "part of " } else { "" };
    if rule.conditions == 1 {
        return format!("{part}{id}");
    }
    format!("{part}{id} (condition {} of {})", rule.condition, rule.conditions)
}
