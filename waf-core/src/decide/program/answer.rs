//! Is it true of a value? For fields scanning has answered; other values are asked here.

use std::borrow::Cow;

use super::names::Named;
use super::targets::{self, Item, named};
use super::{ProgramState, Turn, cut};
use crate::limits;
use crate::operator::{Outcome, atoi, holds_expanded};
use crate::rule::{
    Chain, Disruptive, Link, LinkVariable, MacroOperator, TargetKind, Transformation, Variable,
};
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

/// The answers to one value that are yes: one, or with `multiMatch` one for each step that changed
/// the value.
pub(super) fn answers(
    state: &mut ProgramState,
    asked: &Asked<'_>,
    item: &Item<'_>,
    turn: &Turn<'_>,
) -> Vec<Answered> {
    match item {
        Item::Row(at, row, variable) => of_row(state, asked, (*at, row), *variable, turn),
        Item::Value(name, value) => of_value(state, asked, name, value, turn),
    }
}

fn of_row(
    state: &mut ProgramState,
    asked: &Asked<'_>,
    (at, row): (u32, &Row),
    variable: Variable,
    turn: &Turn<'_>,
) -> Vec<Answered> {
    let link = asked.link;
    let known = |step: usize| link.signatures.get(step).map(|&signature| row.has(signature));
    let is_true = |step: usize| known(step).map(|known| known != asked.written.negated);
    if !link.signatures.is_empty()
        && (0..link.signatures.len()).all(|at| is_true(at) == Some(false))
    {
        return Vec::new();
    }
    let Some(value) = &row.value else {
        // The value went by as a stream: what was seen then is all there is.
        state.inexact = true;
        return (0..link.signatures.len())
            .filter(|&step| is_true(step) == Some(true))
            .map(|step| streamed(asked, (at, row), variable, step))
            .collect();
    };
    let mut found = Vec::new();
    for (step, stage) in stages(asked.written, value).into_iter().enumerate() {
        let yes = match is_true(step) {
            Some(yes) => yes,
            None => state.asks(asked, &stage.value, turn),
        };
        if yes && stage.counts {
            found.push(Answered {
                name: named(row, variable),
                captures: captures(asked, &stage.value, turn),
                field: Some((at, step)),
                value: stage.value.into_owned(),
                count: row.count,
            });
        }
    }
    found
}

fn of_value(
    state: &mut ProgramState,
    asked: &Asked<'_>,
    name: &Named,
    value: &[u8],
    turn: &Turn<'_>,
) -> Vec<Answered> {
    let stages = stages(asked.written, value).into_iter().filter(|stage| stage.counts);
    let yes = stages.filter(|stage| state.asks(asked, &stage.value, turn));
    yes.map(|stage| Answered {
        name: name.clone(),
        captures: captures(asked, &stage.value, turn),
        field: None,
        value: stage.value.into_owned(),
        count: 1,
    })
    .collect()
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

/// A value after some of the link's transformations.
struct Stage<'a> {
    value: Cow<'a, [u8]>,
    /// The transformations that changed it.
    changed: Vec<Transformation>,
    /// The operator is asked of it.
    counts: bool,
}

/// The values that the operator may be asked of: with `multiMatch` every one, else the last.
fn stages<'a>(link: &Link, value: &'a [u8]) -> Vec<Stage<'a>> {
    let mut now = Stage { value: Cow::Borrowed(value), changed: Vec::new(), counts: true };
    let mut stages = Vec::new();
    for &transformation in &link.transformations {
        let mut machine = Transducer::new(transformation);
        let mut out = Vec::with_capacity(now.value.len());
        machine.feed(&now.value, &mut out);
        machine.finish(&mut out);
        let mut changed = now.changed.clone();
        if out != *now.value {
            changed.push(transformation);
        }
        let next = Stage { value: Cow::Owned(out), changed, counts: machine.changed() };
        let before = std::mem::replace(&mut now, next);
        if link.multi_match {
            stages.push(before);
        }
    }
    now.counts |= !link.multi_match;
    stages.push(now);
    stages
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
    let stage = stages(written, value).into_iter().nth(step)?;
    let place = match &link.question {
        Question::Probe(probe) if !written.negated => {
            turn.policy.ruleset().place(*probe, &stage.value)
        }
        _ => None,
    };
    let (start, end) = place.unwrap_or((0, stage.value.len()));
    let shown = end.min(start + limits::EXCERPT);
    Some(Evidence {
        collection: Some(row.collection),
        name: row.name.clone(),
        offset: place.map(|(start, _)| start as u64),
        length: place.map(|(start, end)| (end - start) as u64),
        at: row.at,
        excerpt: stage.value[start..shown].into(),
        changed: stage.changed,
        parser: row.parser,
    })
}

impl ProgramState {
    /// Whether the link's question is answered with yes.
    fn asks(&mut self, asked: &Asked<'_>, value: &[u8], turn: &Turn<'_>) -> bool {
        let yes = match &asked.link.question {
            Question::Always => true,
            Question::Never => false,
            Question::Probe(probe) => turn.policy.ruleset().ask(*probe, value),
            Question::Backtrack(pattern) => {
                let outcome = pattern.find(value);
                self.spent |= outcome == Outcome::Spent;
                outcome.holds()
            }
            Question::Macro(operator, text) => {
                holds_expanded(*operator, &self.expanded(text, turn), value)
            }
        };
        yes != asked.written.negated
    }

    /// Whether a link that looks at one variable of `TX` or at one count, as it is, does not match:
    /// most do not, and then nothing has to be made for it.
    pub(super) fn is_plainly_false(&mut self, asked: &Asked<'_>, turn: &Turn<'_>) -> bool {
        let ([target], true) = (&asked.link.targets[..], asked.written.transformations.is_empty())
        else {
            return false;
        };
        let text = match (target.kind, target.variable, &target.names) {
            (TargetKind::Count, ..) => Value::digits(targets::count(self, target, turn) as i64),
            (TargetKind::Include, LinkVariable::Tx, Names::Slot(slot)) => {
                match self.tx.slot(*slot) {
                    Some(Value::Number(number)) => Value::digits(*number),
                    Some(text) => Cow::Owned(text.text().into_owned()),
                    None => return true,
                }
            }
            _ => return false,
        };
        !self.asks(asked, &text, turn)
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
        let Question::Macro(MacroOperator::Ge | MacroOperator::Gt, text) = &asked.link.question
        else {
            return;
        };
        let threshold = atoi(&self.expanded(text, turn));
        for target in &asked.link.targets {
            if let (LinkVariable::Tx, Names::Slot(slot)) = (target.variable, &target.names)
                && let Some(value) = self.tx.slot(*slot)
            {
                self.ledger.hold(phase, *slot, value.number(), threshold);
            }
        }
    }
}

/// A text kept up to its bound.
pub(super) fn bounded(text: Vec<u8>) -> Box<[u8]> {
    cut(text.into())
}
