//! Which rules can a request reach? Rule sets are loaded whole and switch parts of themselves off by
//! variables that no request can change: levels, toggles. So the program is run once at load, its
//! variables known and the request unknown. What no request can reach is neither scanned for nor
//! looked at.

use super::lower::Lowered;
use crate::operator::atoi;
use crate::rule::{LinkVariable, MacroOperator, Phase, TargetKind};
use crate::ruleset::{
    Names, Operand, Probe, Program, ProgramChange, ProgramEffect, ProgramKey, ProgramLink,
    ProgramPart, ProgramTarget, ProgramText, Question,
};

/// Marks the rules that some request can reach.
pub(super) fn mark(program: &mut Program, lowered: &Lowered) {
    let reached = Walk::new(program, lowered).run();
    for (rule, reached) in program.rules.iter_mut().zip(reached) {
        rule.reachable = reached;
    }
}

/// What is known of a variable at some rule, for every request.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Known {
    /// It is not set.
    Absent,
    /// It has this value.
    Value(Vec<u8>),
    /// It depends on the request.
    Open,
}

/// Whether something holds for every request, for none, or for some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Truth {
    Always,
    Never,
    Sometimes,
}

struct Walk<'a> {
    program: &'a Program,
    lowered: &'a Lowered,
    slots: Vec<Known>,
    reached: Vec<bool>,
    removed: Vec<bool>,
}

impl<'a> Walk<'a> {
    fn new(program: &'a Program, lowered: &'a Lowered) -> Self {
        let rules = program.rules.len();
        Self {
            program,
            lowered,
            slots: vec![Known::Absent; program.slots.len()],
            reached: vec![false; rules],
            removed: vec![false; rules],
        }
    }

    fn run(mut self) -> Vec<bool> {
        for &phase in Phase::ALL {
            self.phase(phase);
        }
        self.reached
    }

    /// `next` is where the phase goes on for every request; up to `doubtful` some have skipped.
    fn phase(&mut self, phase: Phase) {
        let program = self.program;
        let (mut next, mut doubtful) = (0, 0);
        for (at, rule) in program.rules.iter().enumerate() {
            let ordinal = at as u32;
            let of = &self.lowered.rules[rule.rule.index()].rule;
            if of.phase != phase || ordinal < next || self.removed[at] {
                continue;
            }
            let doubt = ordinal < doubtful;
            let (truth, passed) = self.rule(&rule.links, at, doubt);
            // Where the first link is true of no request nothing happens at all.
            self.reached[at] = truth != Truth::Never || passed > 0;
            let skip_to = of.chain.as_ref().and_then(|chain| chain.skip_to);
            match (truth, skip_to) {
                (Truth::Always, Some(skip_to)) if !doubt => next = skip_to,
                (Truth::Always | Truth::Sometimes, Some(skip_to)) => {
                    doubtful = doubtful.max(skip_to);
                }
                _ => {}
            }
        }
    }

    /// Whether a rule matches, and how many of its links may be true.
    fn rule(&mut self, links: &[ProgramLink], at: usize, doubt: bool) -> (Truth, usize) {
        let index = self.program.rules[at].rule.index();
        let lowered = self.lowered;
        let Some(chain) = &lowered.rules[index].rule.chain else {
            return (Truth::Sometimes, links.len());
        };
        let mut all = Truth::Always;
        for (number, (link, written)) in links.iter().zip(&chain.links).enumerate() {
            let is_plain = written.transformations.is_empty();
            match self.link(link, is_plain, written.negated) {
                Truth::Never => return (Truth::Never, number),
                Truth::Sometimes => all = Truth::Sometimes,
                Truth::Always => {}
            }
            for effect in &link.effects {
                self.effect(effect, link, doubt || all == Truth::Sometimes);
            }
        }
        (all, links.len())
    }

    /// A link is sure only where it looks at variables by their names, as they are.
    fn link(&self, link: &ProgramLink, is_plain: bool, negated: bool) -> Truth {
        if link.targets.is_empty() {
            return Truth::Always;
        }
        let mut truth = Truth::Never;
        for target in &link.targets {
            let of_target = match self.value(target) {
                Known::Absent => Truth::Never,
                Known::Value(value) if is_plain => self.ask(&link.question, &value, negated),
                Known::Value(_) | Known::Open => Truth::Sometimes,
            };
            match of_target {
                Truth::Always => return Truth::Always,
                Truth::Sometimes => truth = Truth::Sometimes,
                Truth::Never => {}
            }
        }
        truth
    }

    fn value(&self, target: &ProgramTarget) -> Known {
        let (LinkVariable::Tx, Names::Slot(slot)) = (target.variable, &target.names) else {
            return Known::Open;
        };
        let known = &self.slots[usize::from(*slot)];
        match (target.kind, known) {
            (TargetKind::Include, known) => known.clone(),
            (TargetKind::Count, Known::Absent) => Known::Value(b"0".to_vec()),
            (TargetKind::Count, Known::Value(_)) => Known::Value(b"1".to_vec()),
            (TargetKind::Count, Known::Open) | (TargetKind::Exclude, _) => Known::Open,
        }
    }

    fn ask(&self, question: &Question, value: &[u8], negated: bool) -> Truth {
        let yes = match question {
            Question::Always => true,
            Question::Probe(Probe::Check(at)) => {
                let check = &self.lowered.checks[usize::from(*at)];
                let mut state = check.start();
                check.feed(&mut state, value).is_some() || check.finish(state)
            }
            Question::Probe(Probe::Pattern(id)) => {
                self.lowered.patterns[id.index()].find(value, 0).is_some()
            }
            Question::Macro(operator, text) => {
                let Some(argument) = self.expand(text) else { return Truth::Sometimes };
                let (value, argument) = (atoi(value), atoi(&argument));
                match operator {
                    MacroOperator::Eq => value == argument,
                    MacroOperator::Ge => value >= argument,
                    MacroOperator::Gt => value > argument,
                    MacroOperator::Le => value <= argument,
                    MacroOperator::Lt => value < argument,
                    _ => return Truth::Sometimes,
                }
            }
            Question::Never | Question::Probe(_) | Question::Backtrack(_) => {
                return Truth::Sometimes;
            }
        };
        if yes == negated { Truth::Never } else { Truth::Always }
    }

    /// The text, where it is the same for every request.
    fn expand(&self, text: &ProgramText) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        for part in &text.parts {
            match part {
                ProgramPart::Literal(text) => out.extend_from_slice(text),
                ProgramPart::Slot(slot) => match &self.slots[usize::from(*slot)] {
                    Known::Absent => {}
                    Known::Value(value) => out.extend_from_slice(value),
                    Known::Open => return None,
                },
                ProgramPart::Value(..) => return None,
            }
        }
        Some(out)
    }

    /// An effect; in doubt it has happened for some requests only.
    fn effect(&mut self, effect: &ProgramEffect, link: &ProgramLink, doubt: bool) {
        match effect {
            ProgramEffect::Set(ProgramKey::Slot(slot), change) => {
                let slot = usize::from(*slot);
                // Several values of one link may match, so sums are known only where it has one.
                let once = link.targets.len() <= 1;
                let new = self.changed(&self.slots[slot], change, once);
                if !doubt || new == self.slots[slot] {
                    self.slots[slot] = new;
                } else {
                    self.slots[slot] = Known::Open;
                }
            }
            ProgramEffect::Set(ProgramKey::Text(text), _) => self.open(text),
            ProgramEffect::Remove(rules) if !doubt => {
                for &ordinal in rules.iter() {
                    self.removed[ordinal as usize] = true;
                }
            }
            _ => {}
        }
    }

    fn changed(&self, known: &Known, change: &ProgramChange, once: bool) -> Known {
        let number = match known {
            Known::Absent => Some(0),
            Known::Value(value) => Some(atoi(value)),
            Known::Open => None,
        };
        let sum = |operand: &Operand, sign: i64| {
            let amount = self.operand(operand).filter(|_| once)?;
            Some(number?.saturating_add(amount.saturating_mul(sign)).max(0))
        };
        let of_sum = |sum: Option<i64>| match sum {
            Some(sum) => Known::Value(sum.to_string().into_bytes()),
            None => Known::Open,
        };
        match change {
            ProgramChange::Unset => Known::Absent,
            ProgramChange::Set(text) => self.expand(text).map_or(Known::Open, Known::Value),
            ProgramChange::Add(operand) => of_sum(sum(operand, 1)),
            ProgramChange::Subtract(operand) => of_sum(sum(operand, -1)),
        }
    }

    fn operand(&self, operand: &Operand) -> Option<i64> {
        match operand {
            Operand::Number(number) => Some(*number),
            Operand::Slot(slot) => match &self.slots[usize::from(*slot)] {
                Known::Absent => Some(0),
                Known::Value(value) => Some(atoi(value)),
                Known::Open => None,
            },
            Operand::Text(text) => self.expand(text).map(|text| atoi(&text)),
        }
    }

    /// A variable whose name is made on the way may be any that begins like it.
    fn open(&mut self, name: &ProgramText) {
        let prefix = name.literal_prefix();
        for slot in 0..self.slots.len() {
            if self.program.slots.name(slot as u16).starts_with(&prefix) {
                self.slots[slot] = Known::Open;
            }
        }
    }
}
