//! What rules note for themselves alone. A chain may put each value into a variable whose name it
//! makes up, so that its next link can ask all of them at once. Where nobody else looks at such
//! notes, scanning can tell whether one of them would match, and mostly none does.

use super::lower::{Lowered, too_many};
use super::program::fields;
use crate::limits;
use crate::operator::Check;
use crate::rule::{Chain, Link, LinkOperator, LinkVariable, Operator, TargetKind};
use crate::ruleset::{
    Names, Probe, Program, ProgramChange, ProgramEffect, ProgramKey, ProgramLink, ProgramPart,
    ProgramRule, ProgramText, Question, Signature, SignatureId,
};
use crate::source::Report;

/// Marks the rules of which scanning tells what their notes come to.
pub(super) fn mark(program: &mut Program, lowered: &mut Lowered) -> Result<(), Vec<Report>> {
    program.shares_captures = program.rules.iter().filter(|rule| rule.reachable).any(|rule| {
        let chain = lowered.rules[rule.rule.index()].rule.chain.as_ref();
        chain.is_some_and(|chain| borrows_captures(rule, chain))
    });
    for at in 0..program.rules.len() {
        let index = program.rules[at].rule.index();
        // The rule stays where it is; its chain is put back when it is read.
        let Some(chain) = lowered.rules[index].rule.chain.take() else { continue };
        let notes = notes(program, at, &chain, lowered);
        let foreseen = notes.map(|notes| signatures(program, at, &chain, &notes, lowered));
        lowered.rules[index].rule.chain = Some(chain);
        program.rules[at].foreseen = foreseen.transpose().map_err(|report| vec![*report])?;
    }
    Ok(())
}

/// What stands around a value.
type Around = (Vec<u8>, Vec<u8>);

/// What is noted of each value, and what is asked of that.
struct Notes {
    /// What stands around it in each note.
    texts: Vec<Around>,
    /// What the notes must be within.
    within: Vec<u8>,
    /// Texts of which one stands in a value where somebody else may look at its notes.
    sought: Vec<Vec<u8>>,
}

/// The notes of a rule, where it makes any for itself alone.
fn notes(program: &Program, at: usize, chain: &Chain, lowered: &Lowered) -> Option<Notes> {
    let rule = &program.rules[at];
    let (maker, asks) = (rule.links[..rule.waits].last()?, rule.links.get(rule.waits)?);
    let (made, asked) = (&chain.links[rule.waits - 1], &chain.links[rule.waits]);
    let Question::Within(within) = &asks.question else { return None };
    let prefix = prefix(asks)?;
    let is_plain = rule.reachable
        && !program.looks_back
        && is_whole(maker, made, lowered)
        && !asked.negated
        && !asked.multi_match
        && asked.transformations.is_empty()
        && within.text().len() < limits::TX_VALUE
        && (0..program.slots.len() as u16)
            .all(|slot| !program.slots.name(slot).starts_with(prefix));
    if !is_plain {
        return None;
    }
    let notes: Vec<_> = maker.effects.iter().map(note).collect::<Option<_>>()?;
    let (names, texts): (Vec<Around>, Vec<Around>) = notes.into_iter().unzip();
    if !names.iter().all(|(before, _)| before.starts_with(prefix)) {
        return None;
    }
    let mut sought = Vec::new();
    let others = program.rules.iter().enumerate();
    let mut others = others.filter(|(other, rule)| *other != at && rule.reachable);
    let alone = others.all(|(_, rule)| keeps_off(rule, prefix, &mut sought))
        && sought.iter().all(|part| names.iter().all(|around| is_of_value(part, around)));
    alone.then(|| Notes { texts, within: within.text().to_vec(), sought })
}

/// Whether a link captures the whole of every value that it looks at.
fn is_whole(link: &ProgramLink, written: &Link, lowered: &Lowered) -> bool {
    let Question::Probe(Probe::Pattern(pattern)) = link.question else { return false };
    link.scanned
        && written.capture
        && !written.multi_match
        && link.targets.iter().all(|target| target.kind == TargetKind::Include)
        && lowered.patterns[pattern.index()].is_whole()
}

/// What the names begin with of all the variables that a link looks at.
fn prefix(link: &ProgramLink) -> Option<&[u8]> {
    let [target] = link.targets.as_slice() else { return None };
    match (target.kind, target.variable, &target.names) {
        (TargetKind::Include, LinkVariable::Tx, Names::Regex(regex)) => regex.prefix(),
        _ => None,
    }
}

/// What stands around the value in a variable's name, in lower case, and in what it is set to.
fn note(effect: &ProgramEffect) -> Option<(Around, Around)> {
    let ProgramEffect::Set(ProgramKey::New(name), ProgramChange::Set(text)) = effect else {
        return None;
    };
    let (before, behind) = around(name)?;
    Some(((before.to_ascii_lowercase(), behind.to_ascii_lowercase()), around(text)?))
}

/// What stands around the whole capture in a text of one.
fn around(text: &ProgramText) -> Option<Around> {
    let is_value = |part: &ProgramPart| match part {
        ProgramPart::Value(LinkVariable::Tx, Names::Named(name)) => **name == *b"0",
        _ => false,
    };
    let at = text.parts.iter().position(is_value)?;
    let literal = |parts: &[ProgramPart]| match parts {
        [] => Some(Vec::new()),
        [ProgramPart::Literal(text)] => Some(text.to_vec()),
        _ => None,
    };
    Some((literal(&text.parts[..at])?, literal(&text.parts[at + 1..])?))
}

/// Whether a rule neither sets variables whose names begin so nor looks at them, save at those of
/// which the name holds a part that is told.
fn keeps_off(rule: &ProgramRule, prefix: &[u8], parts: &mut Vec<Vec<u8>>) -> bool {
    let mut looks = |variable: LinkVariable, names: &Names| match names {
        _ if variable != LinkVariable::Tx => false,
        Names::All => true,
        Names::Regex(regex) => match regex.prefix() {
            Some(other) => meet(other, prefix),
            None => {
                parts.push(regex.part().to_vec());
                false
            }
        },
        Names::Classes(_) | Names::Slot(_) | Names::Named(_) => false,
    };
    let of_question = rule.links.iter().filter_map(|link| link.question.text());
    let looked_at = rule.texts().into_iter().chain(of_question).any(|text| {
        text.parts.iter().any(|part| match part {
            ProgramPart::Value(variable, names) => looks(*variable, names),
            ProgramPart::Literal(_) | ProgramPart::Slot(_) => false,
        })
    });
    let mut targets = rule.links.iter().flat_map(|link| &link.targets);
    let mut effects = rule.links.iter().flat_map(|link| &link.effects);
    !looked_at
        && !targets.any(|target| looks(target.variable, &target.names))
        && !effects.any(|effect| match effect {
            ProgramEffect::Set(ProgramKey::Text(name) | ProgramKey::New(name), _) => {
                meet(&name.literal_prefix(), prefix)
            }
            _ => false,
        })
}

/// Whether one name can begin with both.
fn meet(one: &[u8], other: &[u8]) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// Whether a part of a name can only stand in the value, not in what stands around it.
fn is_of_value(part: &[u8], (before, behind): &Around) -> bool {
    let stands_in = |text: &[u8]| text.windows(part.len()).any(|window| window == part);
    !part.is_empty()
        && !stands_in(before)
        && !stands_in(behind)
        && (1..part.len()).all(|at| {
            let (head, tail) = part.split_at(at);
            !before.ends_with(head) && !behind.starts_with(tail)
        })
}

/// What to scan for: a value of which a note is within the text, or that others may look at.
fn signatures(
    program: &Program,
    at: usize,
    chain: &Chain,
    notes: &Notes,
    lowered: &mut Lowered,
) -> Result<Vec<SignatureId>, Box<Report>> {
    let rule = &program.rules[at];
    let (maker, written) = (&rule.links[rule.waits - 1], &chain.links[rule.waits - 1]);
    let span = &written.span;
    let Some(&known) = maker.signatures.first() else { return Ok(Vec::new()) };
    let step = lowered.signatures[known.index()].step;
    let more = notes.texts.len() + notes.sought.len();
    if lowered.signatures.len() + more > limits::SIGNATURES {
        return Err(too_many(span, "signatures in all rules", limits::SIGNATURES));
    }
    let mut probes = Vec::new();
    for (before, behind) in &notes.texts {
        lowered.checks.push(Check::within(before, &notes.within, behind));
        probes.push(Probe::Check((lowered.checks.len() - 1) as u16));
    }
    for part in &notes.sought {
        let spelled: String = part.iter().map(|byte| format!("\\x{byte:02x}")).collect();
        let probe = lowered.probe(
            &Operator::Rx(format!("(?i){spelled}")),
            &written.transformations,
            span,
        )?;
        lowered.assign_group(rule.rule.index(), probe, &fields(written));
        probes.push(probe);
    }
    Ok(probes.into_iter().map(|probe| lowered.signature(Signature { step, probe })).collect())
}

/// Whether a rule may look at what another captured: before its own links capture anything.
fn borrows_captures(rule: &ProgramRule, chain: &Chain) -> bool {
    let is_capture = |variable: LinkVariable, names: &Names| {
        variable == LinkVariable::Tx && matches!(names, Names::Named(_))
    };
    let reads = |text: &ProgramText| {
        text.parts.iter().any(|part| match part {
            ProgramPart::Value(variable, names) => is_capture(*variable, names),
            ProgramPart::Literal(_) | ProgramPart::Slot(_) => false,
        })
    };
    for (link, written) in rule.links.iter().zip(&chain.links) {
        let looks = link.targets.iter().any(|target| is_capture(target.variable, &target.names));
        if looks || link.question.text().is_some_and(reads) {
            return true;
        }
        let captures = match &written.operator {
            LinkOperator::Fixed(operator) => matches!(
                operator,
                Operator::Rx(_) | Operator::Pm(_) | Operator::DetectSqli | Operator::DetectXss
            ),
            LinkOperator::Backtrack(_) => true,
            LinkOperator::Always | LinkOperator::Never | LinkOperator::Macro(..) => false,
        };
        if captures && written.capture && !written.negated {
            return false;
        }
        if link.texts().into_iter().any(reads) {
            return true;
        }
    }
    rule.message.iter().chain(&rule.data).any(reads)
}
