//! What is certain of a score while a body is still coming? Each phase with a body is walked once,
//! at load: its start and everything before it known, its body unknown.
//!
//! A rule is *settled* when nothing of the body can change whether it matches. It *raises* when it
//! asks one positive question of fields and only adds to sums: every match is there to stay. A rule
//! that refuses once such a sum reaches a settled number is a *threshold*. All others are *open*,
//! and what they may do to variables, to rules and to the order of rules is open from there on.

use super::lower::Lowered;
use crate::rule::{Chain, Disruptive, Engine, Link, LinkVariable, Phase, State, TargetKind};
use crate::ruleset::{
    Bound, Names, Operand, Part, Program, ProgramChange, ProgramEffect, ProgramKey, ProgramLink,
    ProgramPart, ProgramRule, ProgramTarget, ProgramText, Question,
};

/// The bounds of the phases with a body; and, by ordinal, for whose sake a refusal has to wait for
/// the end of the body.
pub(super) fn bounds(
    program: &Program,
    lowered: &Lowered,
) -> ([Bound; Phase::ALL.len()], Vec<u32>) {
    let mut bounds: [Bound; Phase::ALL.len()] = Default::default();
    let mut hindering = Vec::new();
    for phase in [Phase::RequestBody, Phase::ResponseBody] {
        let (bound, hindered_by) = Walk::new(program, lowered, phase).run();
        bounds[phase as usize] = bound;
        hindering.extend(hindered_by);
    }
    hindering.dedup();
    (bounds, hindering)
}

/// What is known of a variable, or of whether something holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The body cannot change it.
    Settled,
    /// A number that only grows.
    Rising,
    /// Only the end will tell, for the sake of this rule.
    Open(u32),
}

impl Kind {
    /// What is made of both.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Open(by), _) | (_, Self::Open(by)) => Self::Open(by),
            (Self::Settled, other) => other,
            (Self::Rising, _) => Self::Rising,
        }
    }
}

struct Walk<'a> {
    program: &'a Program,
    lowered: &'a Lowered,
    phase: Phase,
    slots: Vec<Kind>,
    bound: Bound,
    /// Rules before this one may be skipped, for the sake of the other.
    doubtful: (u32, u32),
    /// Rules that may be taken away, wholly or in part, each with who does it.
    lost: Vec<Option<u32>>,
    hindered_by: Option<u32>,
}

impl<'a> Walk<'a> {
    fn new(program: &'a Program, lowered: &'a Lowered, phase: Phase) -> Self {
        let rules = program.rules.len();
        let bound = Bound { parts: vec![Part::Open; rules], ..Bound::default() };
        Self {
            program,
            lowered,
            phase,
            slots: vec![Kind::Settled; program.slots.len()],
            bound,
            doubtful: (0, 0),
            lost: vec![None; rules],
            hindered_by: None,
        }
    }

    fn run(mut self) -> (Bound, Option<u32>) {
        for &ordinal in &self.program.phases[self.phase as usize].all {
            let rule = &self.program.rules[ordinal as usize];
            let Some(chain) = &self.lowered.rules[rule.rule.index()].rule.chain else { continue };
            self.rule(ordinal, rule, chain);
        }
        self.bound.raising.sort_unstable();
        let refuses = |(at, part): (usize, &Part)| match part {
            Part::Threshold => true,
            Part::Raises => self.denies(at),
            Part::Settled | Part::Open => false,
        };
        if !self.bound.parts.iter().enumerate().any(refuses) {
            return (Bound::default(), self.hindered_by);
        }
        (self.bound, None)
    }

    fn denies(&self, at: usize) -> bool {
        let rule = &self.lowered.rules[self.program.rules[at].rule.index()].rule;
        rule.chain.as_ref().is_some_and(|chain| chain.disruptive == Disruptive::Deny)
    }

    fn rule(&mut self, ordinal: u32, rule: &ProgramRule, chain: &Chain) {
        let kind = self.chain(ordinal, rule, chain);
        let doubt = match self.lost[ordinal as usize] {
            Some(by) => Some(by),
            None => (ordinal < self.doubtful.0).then_some(self.doubtful.1),
        };
        let threshold = self.threshold(ordinal, rule, chain);
        let part = match (doubt, kind, threshold) {
            (None, Kind::Settled, _) => Part::Settled,
            (None, Kind::Rising, _) => Part::Raises,
            (None, _, Some(Kind::Rising)) => Part::Threshold,
            _ => Part::Open,
        };
        if part == Part::Raises {
            let signatures = rule.links.iter().flat_map(|link| &link.signatures);
            self.bound.raising.extend(signatures.map(|&signature| (signature, ordinal)));
        }
        if part == Part::Open && rule.bookkeeping && chain.disruptive == Disruptive::Deny {
            let by = match (doubt, threshold.unwrap_or(kind)) {
                (Some(by), _) | (None, Kind::Open(by)) => by,
                _ => ordinal,
            };
            self.hindered_by = self.hindered_by.or(Some(by));
        }
        self.bound.parts[ordinal as usize] = part;
        let sure = part == Part::Settled;
        for effect in rule.links.iter().flat_map(|link| &link.effects) {
            self.effect(ordinal, effect, sure);
        }
        if !sure {
            self.flow(ordinal, chain);
        }
    }

    /// An open rule may skip others, or let the request pass.
    fn flow(&mut self, ordinal: u32, chain: &Chain) {
        let until = match (chain.disruptive, chain.skip_to) {
            (Disruptive::Allow(_), _) => u32::MAX,
            (_, Some(until)) => until,
            _ => return,
        };
        if until > self.doubtful.0 {
            self.doubtful = (until, ordinal);
        }
    }

    /// Whether a rule matches.
    fn chain(&self, ordinal: u32, rule: &ProgramRule, chain: &Chain) -> Kind {
        let mut all = Kind::Settled;
        for (link, written) in rule.links.iter().zip(&chain.links) {
            all = all.and(self.link(ordinal, link, written, all));
        }
        let [link] = rule.links.as_slice() else { return all };
        let raises = link.scanned && !chain.links[0].multi_match;
        if all != Kind::Settled && raises { Kind::Rising } else { all }
    }

    fn link(&self, ordinal: u32, link: &ProgramLink, written: &Link, before: Kind) -> Kind {
        let of_targets = link.targets.iter().map(|target| self.target(ordinal, target, before));
        let of_argument = match &link.question {
            Question::Macro(_, text) => self.text(ordinal, text),
            Question::Number(_, operand) => self.operand(ordinal, operand),
            _ => Kind::Settled,
        };
        let all = of_targets.fold(of_argument, Kind::and);
        // A growing number is no settled answer, whatever is asked of it.
        match all {
            Kind::Rising => Kind::Open(ordinal),
            Kind::Settled if written.capture && before != Kind::Settled => Kind::Open(ordinal),
            other => other,
        }
    }

    fn target(&self, ordinal: u32, target: &ProgramTarget, before: Kind) -> Kind {
        let settled = |settled: bool| if settled { Kind::Settled } else { Kind::Open(ordinal) };
        match (target.variable, &target.names) {
            (LinkVariable::Tx, Names::Slot(slot)) => self.slots[usize::from(*slot)],
            (LinkVariable::Tx, _) => Kind::Open(ordinal),
            (LinkVariable::Fields(variable), _) => {
                settled(variable.collections().iter().all(|&it| Phase::of(it) < self.phase))
            }
            (LinkVariable::State(state), _) => match state {
                State::MatchedVar
                | State::MatchedVarName
                | State::MatchedVars
                | State::MatchedVarsNames => before.and(settled(before == Kind::Settled)),
                State::ReqbodyError
                | State::ReqbodyErrorMsg
                | State::ReqbodyProcessorError
                | State::ReqbodyProcessorErrorMsg
                | State::MultipartStrictError
                | State::UrlencodedError
                | State::InboundDataError => settled(self.phase != Phase::RequestBody),
                _ => Kind::Settled,
            },
        }
    }

    /// What the refusal of a rule waits for, when it is a sum that must reach something settled.
    fn threshold(&self, ordinal: u32, rule: &ProgramRule, chain: &Chain) -> Option<Kind> {
        let ([link], [written], [target]) =
            (rule.links.as_slice(), chain.links.as_slice(), rule.links.first()?.targets.as_slice())
        else {
            return None;
        };
        let argument = match &link.question {
            Question::Number(comparison, operand) if comparison.is_reached() => {
                self.operand(ordinal, operand)
            }
            _ => return None,
        };
        let plain = !written.negated && written.transformations.is_empty();
        let (LinkVariable::Tx, Names::Slot(slot), TargetKind::Include) =
            (target.variable, &target.names, target.kind)
        else {
            return None;
        };
        let denies = chain.disruptive == Disruptive::Deny && plain;
        let sum = self.slots[usize::from(*slot)];
        let argument = if argument == Kind::Rising { Kind::Open(ordinal) } else { argument };
        denies.then(|| sum.and(argument))
    }

    fn operand(&self, ordinal: u32, operand: &Operand) -> Kind {
        match operand {
            Operand::Number(_) => Kind::Settled,
            Operand::Slot(slot) => self.slots[usize::from(*slot)],
            Operand::Text(text) => self.text(ordinal, text),
        }
    }

    /// What a text with macros is.
    fn text(&self, ordinal: u32, text: &ProgramText) -> Kind {
        let parts = text.parts.iter().map(|part| match part {
            ProgramPart::Literal(_) => Kind::Settled,
            ProgramPart::Slot(slot) => self.slots[usize::from(*slot)],
            ProgramPart::Value(LinkVariable::Fields(variable), _) => {
                let before = |&it: &_| Phase::of(it) < self.phase;
                match variable.collections().iter().all(before) {
                    true => Kind::Settled,
                    false => Kind::Open(ordinal),
                }
            }
            ProgramPart::Value(..) => Kind::Open(ordinal),
        });
        parts.fold(Kind::Settled, Kind::and)
    }

    fn effect(&mut self, ordinal: u32, effect: &ProgramEffect, sure: bool) {
        match effect {
            ProgramEffect::Set(ProgramKey::Slot(slot), change) => {
                self.slots[usize::from(*slot)] = self.changed(ordinal, *slot, change, sure);
            }
            ProgramEffect::Set(ProgramKey::Text(text) | ProgramKey::New(text), _) => {
                let prefix = text.literal_prefix();
                for (slot, kind) in self.slots.iter_mut().enumerate() {
                    if self.program.slots.name(slot as u16).starts_with(&prefix) {
                        *kind = Kind::Open(ordinal);
                    }
                }
            }
            ProgramEffect::Remove(rules) | ProgramEffect::RemoveTarget(rules, _) if !sure => {
                for &rule in rules.iter() {
                    self.lost[rule as usize].get_or_insert(ordinal);
                }
            }
            ProgramEffect::Engine(Engine::On) => {}
            ProgramEffect::Engine(_)
            | ProgramEffect::Processor(_)
            | ProgramEffect::ForceBody(_)
                if !sure =>
            {
                self.doubtful = (u32::MAX, ordinal);
            }
            _ => {}
        }
    }

    /// What becomes of a variable; unless it is sure, it may stay as it is.
    fn changed(&mut self, ordinal: u32, slot: u16, change: &ProgramChange, sure: bool) -> Kind {
        let known = self.slots[usize::from(slot)];
        let operand = |operand: &Operand| self.operand(ordinal, operand);
        let open = |kind: Kind| if let Kind::Open(_) = kind { kind } else { Kind::Open(ordinal) };
        match change {
            ProgramChange::Set(text) if sure => match text.parts.as_slice() {
                [ProgramPart::Slot(from)] => self.slots[usize::from(*from)],
                _ => match self.text(ordinal, text) {
                    Kind::Rising => Kind::Open(ordinal),
                    other => other,
                },
            },
            ProgramChange::Unset if sure => Kind::Settled,
            ProgramChange::Add(amount) => {
                let amount_kind = operand(amount);
                match amount {
                    Operand::Number(number) if *number < 0 && !sure => return open(known),
                    Operand::Text(_) if !sure => return open(known),
                    Operand::Slot(from) => self.bound.amounts.push(*from),
                    _ => {}
                }
                let raised = if sure { Kind::Settled } else { Kind::Rising };
                known.and(amount_kind).and(raised)
            }
            ProgramChange::Subtract(amount)
                if sure && known == Kind::Settled && operand(amount) == Kind::Settled =>
            {
                Kind::Settled
            }
            _ => open(known),
        }
    }
}
