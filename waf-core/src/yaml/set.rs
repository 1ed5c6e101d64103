//! All rules of a place, or everything that is wrong with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::rule::{RuleContext, rule};
use crate::rule::{Rule, RuleId};
use crate::source::{Report, Source, Span};

/// Classes of our rules that most sites do not want: an override switches them on.
pub const OFF_BY_DEFAULT: [&str; 2] = ["llm-prompt-injection", "pii"];

/// One rule file.
#[derive(Clone, Debug)]
pub struct RuleSource {
    /// Its text.
    pub source: Arc<Source>,
    /// The folder it lies in.
    pub class: String,
    /// Whether it is one of ours.
    pub builtin: bool,
}

/// Reads every file, in order of their names. Fails with everything that is wrong in all of them,
/// sorted by file and place. `context.builtin` is each file's own.
pub fn rules(sources: &[RuleSource], context: &RuleContext<'_>) -> Result<Vec<Rule>, Vec<Report>> {
    let mut ordered: Vec<_> = sources.iter().collect();
    ordered.sort_by(|a, b| a.source.name.cmp(&b.source.name));
    let mut rules = Vec::with_capacity(ordered.len());
    let mut reports = Vec::new();
    for file in ordered {
        let context = RuleContext { builtin: file.builtin, ..*context };
        match rule(&file.source, &file.class, &context) {
            Ok(rule) => rules.push(rule),
            Err(more) => reports.extend(more),
        }
    }
    reports.extend(duplicates(&rules));
    if reports.is_empty() {
        return Ok(rules);
    }
    let place = |span: &Span| (span.source.name.clone(), span.start);
    reports.sort_by_cached_key(|report| report.span.as_ref().map(place));
    Err(reports)
}

fn duplicates(rules: &[Rule]) -> Vec<Report> {
    let mut first: BTreeMap<&RuleId, &Span> = BTreeMap::new();
    let mut reports = Vec::new();
    for rule in rules {
        if let Some(&earlier) = first.get(&rule.id) {
            let message = format!("the id `{}` is taken", rule.id);
            let report = Report::error(Some(rule.span.clone()), message);
            reports.push(report.related(earlier.clone(), "first here"));
        } else {
            first.insert(&rule.id, &rule.span);
        }
    }
    reports
}
