//! Does a rule match? Every condition, every value.
#![allow(clippy::unnecessary_fold, reason = "every part is looked at, for what it finds")]

use waf_core::field::Collection;
use waf_core::limits::{NAME_KEPT, RECORD_TEXT};
use waf_core::record::printable;
use waf_core::rule::{Condition, Expression, Operator, Phase, Rule, TargetKind, Transformation};
use waf_core::transform::Transducer;

use super::collect::{Collected, Value};
use super::exclude::Exclusions;
use super::operators::{Span, ask};
use super::regexes::Regexes;
use super::select::selects;

/// A value that fulfils a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The field as records name it.
    pub target: String,
    /// Where the value begins in its source.
    pub at: u64,
    /// First byte and number of bytes of the leftmost match in the transformed value; `None` where
    /// no bytes of it are the match, or the value is longer than the window.
    pub place: Option<(u64, u64)>,
    /// Bytes of the value.
    pub length: usize,
}

impl Found {
    /// Beyond the window the real engine tells another of several matches.
    pub(super) fn within(mut self, window: usize) -> Self {
        self.place = self.place.filter(|_| self.length <= window);
        self
    }
}

/// Whether a rule is looked at when a phase ends. A rule that can only come true is looked at in
/// every phase; one that may still turn, or asks for a later phase than it needs, waits for that.
pub(super) fn is_due(rule: &Rule, phase: Phase) -> bool {
    let conditions = rule.expression.conditions();
    let targets = || conditions.iter().flat_map(|condition| &condition.targets);
    let looked_at = targets().filter(|target| target.kind != TargetKind::Exclude);
    let collections = looked_at.flat_map(|target| target.variable.collections());
    let needed = collections.map(|&it| Phase::of(it)).max().unwrap_or(Phase::RequestHeaders);
    let finding = conditions.iter().any(|c| matches!(c.operator, Operator::Finding(_)));
    let counts = targets().any(|target| target.kind == TargetKind::Count);
    let turns = counts || (rule.expression.has_not() && !rule.same_value);
    let waits = turns || (rule.phase > needed && !finding);
    !waits || phase == rule.phase.max(needed)
}

/// A rule asked of a request.
pub(super) struct Asked<'a> {
    pub(super) collected: &'a Collected,
    pub(super) exclusions: &'a Exclusions<'a>,
    pub(super) regexes: &'a Regexes,
    pub(super) rule: &'a Rule,
}

impl Asked<'_> {
    /// What fulfils its conditions; `None` when it does not match.
    pub(super) fn answer(&self) -> Option<Vec<Found>> {
        let mut found = Vec::new();
        if self.rule.same_value {
            for value in &self.collected.values {
                let mut of_value = Vec::new();
                if self.holds_of(&self.rule.expression, value, &mut of_value) {
                    found.append(&mut of_value);
                }
            }
            return (!found.is_empty()).then_some(found);
        }
        self.holds(&self.rule.expression, &mut found).then_some(found)
    }

    /// Whether an expression holds of the request.
    fn holds(&self, expression: &Expression, found: &mut Vec<Found>) -> bool {
        // Every part is asked, so that all that fulfils them is known.
        match expression {
            Expression::Condition(condition) => self.condition(condition, found),
            Expression::All(parts) => {
                parts.iter().fold(true, |all, part| self.holds(part, found) && all)
            }
            Expression::Any(parts) => {
                parts.iter().fold(false, |any, part| self.holds(part, found) || any)
            }
            Expression::Not(part) => !self.holds(part, &mut Vec::new()),
        }
    }

    fn condition(&self, condition: &Condition, found: &mut Vec<Found>) -> bool {
        if let Operator::Finding(finding) = &condition.operator {
            let excluded = self.exclusions.take_all(self.rule) && !finding.always_refused();
            return self.collected.findings.contains(finding) && !excluded;
        }
        if condition.targets.iter().any(|target| target.kind == TargetKind::Count) {
            let number =
                self.collected.values.iter().filter(|v| self.selects(condition, v)).count();
            let text = number.to_string();
            let holds = ask(&condition.operator, text.as_bytes(), self.regexes).is_some();
            return holds && !self.exclusions.take_all(self.rule);
        }
        let before = found.len();
        found.extend(self.collected.values.iter().filter_map(|value| self.value(condition, value)));
        found.len() > before
    }

    /// Whether an expression holds of one value.
    fn holds_of(&self, expression: &Expression, value: &Value, found: &mut Vec<Found>) -> bool {
        match expression {
            Expression::Condition(condition) => {
                let before = found.len();
                found.extend(self.value(condition, value));
                found.len() > before
            }
            Expression::All(parts) => {
                parts.iter().fold(true, |all, part| self.holds_of(part, value, found) && all)
            }
            Expression::Any(parts) => {
                parts.iter().fold(false, |any, part| self.holds_of(part, value, found) || any)
            }
            Expression::Not(part) => !self.holds_of(part, value, &mut Vec::new()),
        }
    }

    fn value(&self, condition: &Condition, value: &Value) -> Option<Found> {
        if !self.selects(condition, value) || self.exclusions.take(self.rule, value) {
            return None;
        }
        let transformed = transformed(&condition.transformations, &value.bytes);
        let place = match ask(&condition.operator, &transformed, self.regexes)? {
            Span::At(place) => Some((place.start as u64, place.len() as u64)),
            Span::Value => None,
        };
        let target = target(value.collection, &value.name);
        Some(Found { target, at: value.at, place, length: value.bytes.len() })
    }

    fn selects(&self, condition: &Condition, value: &Value) -> bool {
        selects(self.regexes, &condition.targets, value.collection, &value.name)
    }
}

fn transformed(transformations: &[Transformation], value: &[u8]) -> Vec<u8> {
    transformations.iter().fold(value.to_vec(), |value, &transformation| {
        let mut transducer = Transducer::new(transformation);
        let mut output = Vec::new();
        transducer.feed(&value, &mut output);
        transducer.finish(&mut output);
        output
    })
}

/// Of a field's own name what records keep.
pub(super) fn kept(name: &[u8]) -> &[u8] {
    &name[..name.len().min(NAME_KEPT)]
}

/// As records name a field.
fn target(collection: Collection, name: &[u8]) -> String {
    let name = kept(name);
    if collection.is_keyed() && !name.is_empty() {
        return format!("{}:{}", collection.name(), printable(name, RECORD_TEXT));
    }
    collection.name().to_owned()
}
