//! Is it true of a value? For fields scanning has answered; other values are asked here.

use super::outputs::Output;
use super::targets::{self, Item};
use super::{ProgramState, Turn};
use crate::limits;
use crate::operator::{Outcome, atoi, holds_expanded};
use crate::rule::{Chain, Disruptive, Link, LinkVariable, TargetKind, Transformation};
use crate::ruleset::{Captures, Names, ProgramLink, ProgramRule, Question, Value};
use crate::scan::{Evidence, Row};

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
    /// A link of a chain. The first is always there.
    pub(super) fn new(
        ordinal: u32,
        rule: &'a ProgramRule,
        chain: &'a Chain,
        number: usize,
    ) -> Self {
        let (link, written) = (&rule.links[number], &chain.links[number]);
        Self { ordinal, rule, chain, link, written, number }
    }

    /// Whether a value that matches is looked at: it is captured, or told.
    fn tells(&self) -> bool {
        self.written.capture || self.rule.recalls || self.rule.retells
    }
}

/// A value of which it is true.
pub(super) struct Answered {
    /// After the transformations; `None` where nobody looks at it.
    pub(super) output: Option<Output>,
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
            Item::Row(number, row, _) => of_row(state, asked, (*number, row), at, turn),
            Item::Value(_, value) => of_value(state, asked, value, at, turn),
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
    step: usize,
    turn: &Turn<'_>,
) -> Option<Answered> {
    let known = is_known(asked, row, step);
    if known == Some(false) {
        return None;
    }
    let answered = |output| Answered { output, field: Some((at, step)), count: row.count };
    let Some(value) = &row.value else {
        // The value went by as a stream: what was seen then is all there is.
        state.inexact = true;
        return known.map(|_| answered(None));
    };
    if known == Some(true) && !asked.written.multi_match && !asked.tells() {
        return Some(answered(None));
    }
    let output = state.output(asked, (at, value), step, turn);
    let holds = output.reported || !asked.written.multi_match;
    let holds = holds && known.unwrap_or_else(|| state.asks(asked, output.value(value), turn));
    holds.then(|| answered(Some(output)))
}

fn of_value(
    state: &mut ProgramState,
    asked: &Asked<'_>,
    value: &[u8],
    step: usize,
    turn: &Turn<'_>,
) -> Option<Answered> {
    let (output, _) = stage(asked.written, value, step);
    let holds = output.reported || !asked.written.multi_match;
    let holds = holds && state.asks(asked, output.value(value), turn);
    holds.then_some(Answered { output: Some(output), field: None, count: 1 })
}

/// What scanning has answered, where it was asked.
pub(super) fn is_known(asked: &Asked<'_>, row: &Row, step: usize) -> Option<bool> {
    let signature = asked.link.signatures.get(step)?;
    Some(row.has(*signature) != asked.written.negated)
}

/// What was seen of a signature that is true of a stream.
pub(super) fn seen<'a>(link: &ProgramLink, row: &'a Row, step: usize) -> Option<&'a Evidence> {
    let signature = link.signatures.get(step)?;
    row.seen.iter().find(|(known, _)| known == signature).map(|(_, evidence)| evidence)
}

/// The value that the operator is asked of at a step: with `multiMatch` the value as it came, and
/// after each transformation that reports a change; else after all. With the transformations that
/// made it another.
pub(super) fn stage(link: &Link, value: &[u8], step: usize) -> (Output, Vec<Transformation>) {
    let done = if link.multi_match { step } else { link.transformations.len() };
    let (mut output, mut changes) = (Output::UNTOUCHED, Vec::new());
    for &transformation in &link.transformations[..done] {
        output = output.then(transformation, value);
        changes.extend(output.is_new.then_some(transformation));
    }
    (output, changes)
}

/// Keeps what a link captures of a value that matched. Whether it captures anything.
pub(super) fn capture(
    asked: &Asked<'_>,
    value: &[u8],
    captures: &mut Captures,
    turn: &Turn<'_>,
) -> bool {
    if !asked.written.capture || asked.written.negated {
        return false;
    }
    match &asked.link.question {
        Question::Probe(probe) => turn.policy.ruleset().capture(*probe, value, captures),
        Question::Backtrack(pattern) => match pattern.find(value) {
            Outcome::Match(found) => {
                captures.keep_groups(value, std::array::from_fn(|group| found.get(group)));
                true
            }
            Outcome::No | Outcome::Spent => false,
        },
        _ => false,
    }
}

impl ProgramState {
    /// What is made of a row's value up to a step of a link.
    fn output(
        &mut self,
        asked: &Asked<'_>,
        (at, value): (u32, &[u8]),
        step: usize,
        turn: &Turn<'_>,
    ) -> Output {
        match asked.link.signatures.get(step) {
            Some(signature) => {
                let ruleset = turn.policy.ruleset();
                let step = ruleset.signatures[signature.index()].step;
                self.outputs.of(at, value, step, &ruleset.chains)
            }
            None => stage(asked.written, value, step).0,
        }
    }

    /// What a record tells of a field that matched at a step of a link.
    pub(super) fn evidence(
        &mut self,
        (link, written): (&ProgramLink, &Link),
        (at, step): (u32, usize),
        turn: &Turn<'_>,
    ) -> Option<Evidence> {
        let row = turn.rows.row(at);
        let Some(value) = &row.value else { return seen(link, row, step).cloned() };
        let ruleset = turn.policy.ruleset();
        let (output, changed) = match link.signatures.get(step) {
            Some(signature) => {
                let step = ruleset.signatures[signature.index()].step;
                self.outputs.with_changes(at, value, step, &ruleset.chains)
            }
            None => stage(written, value, step),
        };
        let value = output.value(value);
        let place = match &link.question {
            Question::Probe(probe) if !written.negated => {
                let captured = self.captures.place(*probe, value, ruleset);
                captured.or_else(|| ruleset.place(*probe, value))
            }
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
            alphabet: row.alphabet(),
            changed,
            parser: row.parser,
        })
    }

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

    /// The same of a value as it came.
    pub(super) fn may_be_of(&self, asked: &Asked<'_>, value: &[u8], turn: &Turn<'_>) -> bool {
        let written = asked.written;
        written.multi_match || self.may_be(asked, stage(written, value, 0).0.value(value), turn)
    }

    /// Whether any value of a link's targets may match, whatever is taken away from them. Most
    /// links do not match, and then nothing has to be made for them.
    pub(super) fn may_match(&self, asked: &Asked<'_>, turn: &Turn<'_>) -> bool {
        let written = asked.written;
        let is_plain = written.transformations.is_empty() && !written.multi_match;
        let of_value = |value: &[u8]| self.may_be_of(asked, value, turn);
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
