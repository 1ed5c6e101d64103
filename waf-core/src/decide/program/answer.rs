//! Is it true of a value? For fields scanning has answered; other values are asked here.

use std::borrow::Cow;

use super::names::Named;
use super::targets::{self, Item, named};
use super::{ProgramState, Turn};
use crate::limits;
use crate::operator::{Outcome, atoi, holds_expanded};
use crate::rule::{Chain, Disruptive, Link, LinkVariable, TargetKind, Transformation, Variable};
use crate::ruleset::{Captures, Names, ProgramLink, ProgramRule, Question, Value, captured};
use crate::scan::{Evidence, Row};
use crate::transform::Transducer;

/// A link that is asked.
pub(super) struct Asked<'a> {
    pub(super) ordinal: u32,
    pub(super) rule: &'a ProgramRule,
    pub(super) chain: &'a Chain,
    pub(super) link: &'a ProgramLink,
    pub(super) written: &'a Link,
    /// Its place in the chain.
    pub(super) number: usize,
}

impl<'a> Asked<'a> {
    /// The first link of a chain, which is never empty.
    pub(super) fn first(ordinal: u32, rule: &'a ProgramRule, chain: &'a Chain) -> Self {
        Self { ordinal, rule, chain, link: &rule.links[0], written: &chain.links[0], number: 0 }
    }
}

/// A value of which it is true.
pub(super) struct Answered {
    pub(super) name: Named,
    /// After the transformations.
    pub(super) value: Vec<u8>,
    pub(super) captures: Option<Captures>,
    /// For fields: the row, and which of the values that the operator was asked of.
    pub(super) field: Option<(u32, usize)>,
    /// How many fields it stands for.
    pub(super) count: u64,
}

/// The next answer to one value that is yes, from a step on: there is one step, or with
/// `multiMatch` one for the value as it came and for each transformation.
pub(super) fn next(
    state: &mut ProgramState,
    asked: &Asked<'_>,
    item: &Item<'_>,
    step: &mut usize,
    turn: &Turn<'_>,
) -> Option<Answered> {
    let written = asked.written;
    let steps = if written.multi_match { written.transformations.len() + 1 } else { 1 };
    while *step < steps {
        let at = std::mem::replace(step, *step + 1);
        let answered = match item {
            Item::Row(number, row, variable) => {
                of_row(state, asked, (*number, row), *variable, at, turn)
            }
            Item::Value(name, value) => of_value(state, asked, name, value, at, turn),
        };
        if answered.is_some() {
            return answered;
        }
    }
    None
}

fn of_row(
    state: &mut ProgramState,
    asked: &Asked<'_>,
    (at, row): (u32, &Row),
    variable: Variable,
    step: usize,
    turn: &Turn<'_>,
) -> Option<Answered> {
    let known = is_known(asked, row, step);
    if known == Some(false) {
        return None;
    }
    let Some(value) = &row.value else {
        // The value went by as a stream: what was seen then is all there is.
        state.inexact = true;
        return known.map(|_| streamed(asked, (at, row), variable, step));
    };
    let (value, counts) = stage(asked.written, value, step, |_| {});
    if !counts || !known.unwrap_or_else(|| state.asks(asked, &value, turn)) {
        return None;
    }
    Some(Answered {
        name: named(row, variable),
        captures: captures(asked, &value, turn),
        field: Some((at, step)),
        value: value.into_owned(),
        count: row.count,
    })
}

fn of_value(
    state: &mut ProgramState,
    asked: &Asked<'_>,
    name: &Named,
    value: &[u8],
    step: usize,
    turn: &Turn<'_>,
) -> Option<Answered> {
    let (value, counts) = stage(asked.written, value, step, |_| {});
    if !counts || !state.asks(asked, &value, turn) {
        return None;
    }
    Some(Answered {
        name: name.clone(),
        captures: captures(asked, &value, turn),
        field: None,
        value: value.into_owned(),
        count: 1,
    })
}

/// What scanning has answered, where it was asked.
fn is_known(asked: &Asked<'_>, row: &Row, step: usize) -> Option<bool> {
    let signature = asked.link.signatures.get(step)?;
    Some(row.has(*signature) != asked.written.negated)
}

/// What was seen of a value that was not kept.
fn streamed(
    asked: &Asked<'_>,
    (at, row): (u32, &Row),
    variable: Variable,
    step: usize,
) -> Answered {
    let evidence = seen(asked.link, row, step);
    let value = evidence.map_or(Vec::new(), |evidence| evidence.excerpt.to_vec());
    let captures = asked.written.capture.then(|| {
        let mut captures = Captures::default();
        captures[0] = Some(value.clone().into());
        captures
    });
    let field = Some((at, step));
    Answered { name: named(row, variable), value, captures, field, count: row.count }
}

/// What was seen of a signature that is true of a stream.
fn seen<'a>(link: &ProgramLink, row: &'a Row, step: usize) -> Option<&'a Evidence> {
    let signature = link.signatures.get(step)?;
    row.seen.iter().find(|(known, _)| known == signature).map(|(_, evidence)| evidence)
}

/// The value that the operator is asked of at a step, and whether it is asked of it: with
/// `multiMatch` the value as it came, and after each transformation that changed it; else after
/// all. The transformations that made it another are told.
fn stage<'a>(
    link: &Link,
    value: &'a [u8],
    step: usize,
    mut changed: impl FnMut(Transformation),
) -> (Cow<'a, [u8]>, bool) {
    let done = if link.multi_match { step } else { link.transformations.len() };
    let (mut now, mut counts) = (Cow::Borrowed(value), true);
    for &transformation in &link.transformations[..done] {
        let mut machine = Transducer::new(transformation);
        let mut out = Vec::with_capacity(now.len());
        machine.feed(&now, &mut out);
        machine.finish(&mut out);
        if out != *now {
            changed(transformation);
        }
        counts = machine.changed() || !link.multi_match;
        now = Cow::Owned(out);
    }
    (now, counts)
}

fn captures(asked: &Asked<'_>, value: &[u8], turn: &Turn<'_>) -> Option<Captures> {
    if !asked.written.capture || asked.written.negated {
        return None;
    }
    match &asked.link.question {
        Question::Probe(probe) => turn.policy.ruleset().captures(*probe, value),
        Question::Backtrack(pattern) => match pattern.find(value) {
            Outcome::Match(found) => {
                Some(captured(|group| found.get(group).map(|span| value[span].into())))
            }
            Outcome::No | Outcome::Spent => None,
        },
        _ => None,
    }
}

/// What a record tells of a field that matched at a step of a link.
pub(super) fn evidence(
    link: &ProgramLink,
    written: &Link,
    row: &Row,
    step: usize,
    turn: &Turn<'_>,
) -> Option<Evidence> {
    let Some(value) = &row.value else { return seen(link, row, step).cloned() };
    let mut changed = Vec::new();
    let (value, _) = stage(written, value, step, |transformation| changed.push(transformation));
    let place = match &link.question {
        Question::Probe(probe) if !written.negated => turn.policy.ruleset().place(*probe, &value),
        _ => None,
    };
    let (start, end) = place.unwrap_or((0, value.len()));
    let shown = end.min(start + limits::EXCERPT);
    Some(Evidence {
        collection: Some(row.collection),
        name: row.name.clone(),
        offset: place.map(|(start, _)| start as u64),
        length: place.map(|(start, end)| (end - start) as u64),
        at: row.at,
        excerpt: value[start..shown].into(),
        changed,
        parser: row.parser,
    })
}

impl ProgramState {
    /// Whether the link's question is answered with yes.
    fn asks(&mut self, asked: &Asked<'_>, value: &[u8], turn: &Turn<'_>) -> bool {
        if let Question::Backtrack(pattern) = &asked.link.question {
            let outcome = pattern.find(value);
            self.spent |= outcome == Outcome::Spent;
            return outcome.holds() != asked.written.negated;
        }
        self.may_be(asked, value, turn)
    }

    /// The same, but that a pattern that backtracks may always match.
    fn may_be(&self, asked: &Asked<'_>, value: &[u8], turn: &Turn<'_>) -> bool {
        let yes = match &asked.link.question {
            Question::Always => true,
            Question::Never => false,
            Question::Probe(probe) => turn.policy.ruleset().ask(*probe, value),
            Question::Backtrack(_) => return true,
            Question::Number(comparison, operand) => {
                comparison.holds(atoi(value), self.number(operand, turn))
            }
            Question::Macro(operator, text) => {
                holds_expanded(*operator, &self.expanded(text, turn), value)
            }
            Question::Within(parts) => parts.has(value),
        };
        yes != asked.written.negated
    }

    /// Whether any value of a link's targets may match, whatever is taken away from them. Most
    /// links do not match, and then nothing has to be made for them.
    pub(super) fn may_match(&self, asked: &Asked<'_>, turn: &Turn<'_>) -> bool {
        let written = asked.written;
        let is_plain = written.transformations.is_empty() && !written.multi_match;
        let of_value = |value: &[u8]| {
            written.multi_match || self.may_be(asked, &stage(written, value, 0, |_| {}).0, turn)
        };
        let of_number = |number: i64| match &asked.link.question {
            Question::Number(comparison, operand) if is_plain => {
                comparison.holds(number, self.number(operand, turn)) != written.negated
            }
            _ => of_value(&Value::digits(number)),
        };
        let of_row = |row: &Row| match &row.value {
            _ if !asked.link.signatures.is_empty() => {
                (0..asked.link.signatures.len()).any(|at| is_known(asked, row, at) == Some(true))
            }
            Some(value) => of_value(value),
            None => true,
        };
        asked.link.targets.iter().any(|target| {
            match (target.kind, target.variable, &target.names) {
                (TargetKind::Exclude, ..) => false,
                (TargetKind::Count, ..) => of_number(targets::count(self, target, turn) as i64),
                (TargetKind::Include, LinkVariable::Fields(variable), _) => {
                    targets::any_row_of(self, target, variable, turn, &of_row)
                }
                (TargetKind::Include, LinkVariable::Tx, Names::Slot(slot)) => {
                    match self.tx.slot(*slot) {
                        Some(Value::Number(number)) => of_number(*number),
                        Some(Value::Text(text)) => of_value(text),
                        None => false,
                    }
                }
                (TargetKind::Include, variable, names) => {
                    let mut found = false;
                    self.each(variable, names, turn, &mut |_, value| {
                        found = found || of_value(value);
                    });
                    found
                }
            }
        })
    }

    /// A rule that refuses and looks at `TX` alone holds the score against a threshold.
    pub(super) fn note_threshold(
        &mut self,
        asked: &Asked<'_>,
        phase: crate::rule::Phase,
        turn: &Turn<'_>,
    ) {
        if !asked.rule.bookkeeping || asked.chain.disruptive != Disruptive::Deny {
            return;
        }
        let (true, Question::Number(_, operand)) =
            (asked.link.is_threshold(), &asked.link.question)
        else {
            return;
        };
        let threshold = self.number(operand, turn);
        for target in &asked.link.targets {
            if let (LinkVariable::Tx, Names::Slot(slot)) = (target.variable, &target.names)
                && let Some(value) = self.tx.slot(*slot)
            {
                self.ledger.hold(phase, *slot, value.number(), threshold);
            }
        }
    }
}
