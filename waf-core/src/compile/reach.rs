//! Which rules can a request reach? Rule sets are loaded whole and switch parts of themselves off by
//! variables that no request can change: levels, toggles. So the program is run once at load, its
//! variables known and the request unknown. What no request can reach is neither scanned for nor
//! looked at; nor are rules that come to nothing for every request. What rules do first and for
//! every request is done at load ([`Program::start`]), one that matches for every request is not
//! asked whether it does, and arguments that are the same for every request are made here.

use std::collections::BTreeMap;

use super::lower::Lowered;
use crate::limits;
use crate::operator::{Parts, atoi};
use crate::rule::{
    Allow, Chain, Disruptive, Link, LinkVariable, MacroOperator, Phase, State, TargetKind,
};
use crate::ruleset::{
    Names, Operand, Probe, Program, ProgramChange, ProgramEffect, ProgramKey, ProgramLink,
    ProgramPart, ProgramRule, ProgramTarget, ProgramText, Question, Slots, Value,
};

/// Marks the rules that have to be run for some request, and does what is the same for all.
/// `doubted` are those that a policy may turn off.
pub(super) fn mark(program: &mut Program, lowered: &Lowered, doubted: &[bool]) {
    let Walk { runs, sure, start, arguments, looks_back, .. } =
        Walk::new(program, lowered, doubted).run();
    for (at, rule) in program.rules.iter_mut().enumerate() {
        (rule.reachable, rule.sure) = (runs[at], sure[at]);
        rule.retells |= looks_back;
        let chain = lowered.rules[rule.rule.index()].rule.chain.as_deref();
        if let (Some(chain), false) = (chain, looks_back) {
            rule.waits = waits(rule, chain);
        }
        for effect in rule.links.iter_mut().flat_map(|link| &mut link.effects) {
            name(effect, &program.slots);
        }
    }
    for (at, link, argument) in arguments {
        let question = &mut program.rules[at].links[link].question;
        let text =
            |argument: Vec<u8>| ProgramText { parts: vec![ProgramPart::Literal(argument.into())] };
        match question {
            Question::Macro(MacroOperator::Within, _) => {
                *question = Question::Within(Parts::new(&argument));
            }
            Question::Macro(_, made) => *made = text(argument),
            // No `Operand::Number`: it stays one that macros make.
            Question::Number(_, operand) => *operand = Operand::Text(text(argument)),
            _ => {}
        }
    }
    program.looks_back = looks_back;
    program.start = start.into_iter().collect();
}

/// See [`ProgramRule::waits`].
fn waits(rule: &ProgramRule, chain: &Chain) -> usize {
    let only_asks =
        |(link, written): &(&ProgramLink, &Link)| link.effects.is_empty() && !written.capture;
    let asking = rule.links.iter().zip(&chain.links).take_while(only_asks).count();
    rule.links.len().min(asking + 1)
}

/// Tells names that are made on the way apart from those that may turn out to be known.
fn name(effect: &mut ProgramEffect, slots: &Slots) {
    let ProgramEffect::Set(key, _) = effect else { return };
    let ProgramKey::Text(text) = key else { return };
    let prefix = text.literal_prefix();
    if (0..slots.len() as u16).all(|slot| !slots.name(slot).starts_with(&prefix)) {
        *key = ProgramKey::New(std::mem::take(text));
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
    removed: Vec<bool>,
    /// Rules that may be turned off or asked less.
    doubted: Vec<bool>,
    /// The effects so far that take each rule away for some requests, by number, ascending.
    removers: Vec<Vec<u32>>,
    removals: u32,
    /// Rules that do nothing but skip, for every request for which they run, and where to.
    gates: Vec<(usize, u32)>,
    /// Rules that have to be run.
    runs: Vec<bool>,
    /// Rules of them that match for every request, once.
    sure: Vec<bool>,
    /// Arguments of operators that are the same for every request: the rule, the link, the text.
    arguments: Vec<(usize, usize, Vec<u8>)>,
    /// Variables set for every request before any rule that is run looks at them.
    start: BTreeMap<u16, Value>,
    /// What rules that are run may look at or change.
    touched: Vec<bool>,
    /// What they may change.
    changed: Vec<bool>,
    /// No rule so far may end the phase.
    goes_on: bool,
    /// Some rule looks at what matched before it.
    looks_back: bool,
    /// A rule may let a request pass the phases to come.
    passes: bool,
}

impl<'a> Walk<'a> {
    fn new(program: &'a Program, lowered: &'a Lowered, doubted: &[bool]) -> Self {
        let rules = program.rules.len();
        Self {
            program,
            lowered,
            slots: vec![Known::Absent; program.slots.len()],
            removed: vec![false; rules],
            doubted: program.rules.iter().map(|rule| doubted[rule.rule.index()]).collect(),
            removers: vec![Vec::new(); rules],
            removals: 0,
            gates: Vec::new(),
            runs: vec![false; rules],
            sure: vec![false; rules],
            arguments: Vec::new(),
            start: BTreeMap::new(),
            touched: vec![false; program.slots.len()],
            changed: vec![false; program.slots.len()],
            goes_on: true,
            looks_back: program.rules.iter().any(looks_back),
            passes: false,
        }
    }

    fn run(mut self) -> Self {
        for &phase in Phase::ALL {
            if phase == Phase::Logging {
                self.after_any_refusal();
            }
            self.phase(phase);
            self.drop_gates(phase);
        }
        self
    }

    /// The logging phase follows a refusal too, wherever that fell: only what no rule that is run
    /// may have changed is known.
    fn after_any_refusal(&mut self) {
        for (slot, known) in self.slots.iter_mut().enumerate() {
            *known = match self.start.get(&(slot as u16)) {
                _ if self.changed[slot] => Known::Open,
                Some(value) => Known::Value(value.text().into_owned()),
                None => Known::Absent,
            };
        }
    }

    /// A rule that skips is not run where nothing that is run stands in its way.
    fn drop_gates(&mut self, phase: Phase) {
        for (at, until) in std::mem::take(&mut self.gates).into_iter().rev() {
            let until = self.runs.len().min(until as usize);
            let (program, lowered) = (self.program, self.lowered);
            let of_phase =
                |at: usize| lowered.rules[program.rules[at].rule.index()].rule.phase == phase;
            self.runs[at] = (at + 1..until).any(|it| self.runs[it] && of_phase(it));
        }
    }

    /// `skips` are where the phase goes on, unless one of some removals took the skipping rule away;
    /// up to `doubtful` some requests have skipped.
    fn phase(&mut self, phase: Phase) {
        let program = self.program;
        let mut skips: Vec<(u32, Vec<u32>)> = Vec::new();
        let mut doubtful = if self.passes { u32::MAX } else { 0 };
        for (at, rule) in program.rules.iter().enumerate() {
            let ordinal = at as u32;
            let of = &self.lowered.rules[rule.rule.index()].rule;
            if of.phase != phase || self.removed[at] {
                continue;
            }
            // Whoever takes the skipping rule away takes this one away too.
            let removers = self.removers[at].clone();
            let skipped = |(until, unless): &(u32, Vec<u32>)| {
                ordinal < *until && unless.iter().all(|it| removers.contains(it))
            };
            if skips.iter().any(skipped) {
                continue;
            }
            let Some(chain) = &of.chain else { continue };
            let skippable = ordinal < doubtful || self.doubted[at];
            let doubt = skippable || !removers.is_empty();
            let (truth, acts) = self.rule(at, chain, doubt);
            self.place(at, chain, (truth, acts), (skippable, doubt));
            let skip_to = chain.skip_to;
            if let (true, Disruptive::Allow(allow)) = (truth != Truth::Never, chain.disruptive) {
                doubtful = u32::MAX;
                self.passes |= allow != Allow::Phase;
            }
            match (truth, skip_to) {
                (Truth::Always, Some(skip_to)) if !skippable => {
                    skips.retain(|(until, _)| ordinal < *until);
                    skips.push((skip_to, removers));
                }
                (Truth::Always | Truth::Sometimes, Some(skip_to)) => {
                    doubtful = doubtful.max(skip_to);
                }
                _ => {}
            }
        }
    }

    /// Whether it matches, and whether it may do anything.
    fn rule(&mut self, at: usize, chain: &Chain, doubt: bool) -> (Truth, bool) {
        let (mut all, mut acts) = (Truth::Always, false);
        let links = &self.program.rules[at].links;
        for (number, (link, written)) in links.iter().zip(&chain.links).enumerate() {
            let argument = self.argument(&link.question);
            let is_plain = written.transformations.is_empty();
            match self.link(link, is_plain, written.negated) {
                Truth::Never => return (Truth::Never, acts),
                Truth::Sometimes => all = Truth::Sometimes,
                Truth::Always => {}
            }
            acts |= !link.effects.is_empty() || written.capture;
            for effect in &link.effects {
                self.effect(effect, link, doubt || all == Truth::Sometimes);
            }
            // What one value does must not change what the next is asked.
            if let (Some(argument), after) = (&argument, self.argument(&link.question))
                && argument.len() <= limits::TX_VALUE
                && after.as_ref() == Some(argument)
            {
                self.arguments.push((at, number, argument.clone()));
            }
        }
        (all, acts)
    }

    /// The argument of an operator, where it holds macros and is the same for every request.
    fn argument(&self, question: &Question) -> Option<Vec<u8>> {
        match question {
            Question::Macro(_, text) | Question::Number(_, Operand::Text(text)) => {
                self.expand(text)
            }
            Question::Number(_, Operand::Slot(slot)) => match &self.slots[usize::from(*slot)] {
                Known::Absent => Some(Vec::new()),
                Known::Value(value) => Some(value.clone()),
                Known::Open => None,
            },
            _ => None,
        }
    }

    /// Has a rule run, or done at load, or left out.
    fn place(
        &mut self,
        at: usize,
        chain: &Chain,
        (truth, acts): (Truth, bool),
        (skippable, doubt): (bool, bool),
    ) {
        let rule = &self.program.rules[at];
        // A threshold is told although it is not reached.
        let threshold = rule.bookkeeping
            && chain.disruptive == Disruptive::Deny
            && rule.links.iter().any(ProgramLink::is_threshold);
        if truth == Truth::Never && !acts && !threshold && !self.looks_back {
            return;
        }
        let quiet = !chain.log && chain.disruptive == Disruptive::Pass && !self.looks_back;
        let same = truth == Truth::Always && !doubt && quiet;
        let captures = chain.links.iter().any(|link| link.capture);
        let skips = chain.skip_to.is_some();
        if same && !captures && acts && !skips && self.done_at_load(rule) {
            return;
        }
        if quiet && truth == Truth::Always && !skippable && !acts {
            self.gates.push((at, chain.skip_to.unwrap_or(0)));
        }
        let once = |link: &ProgramLink| link.targets.len() <= 1;
        let plain = !captures && rule.links.len() == 1 && once(&rule.links[0]);
        self.sure[at] = truth == Truth::Always && quiet && plain && !self.doubted[at];
        self.runs[at] = true;
        self.goes_on &= truth == Truth::Never || chain.disruptive == Disruptive::Pass;
        let mut texts = rule.texts();
        texts.extend(rule.links.iter().filter_map(|link| link.question.text()));
        self.look(rule, &texts);
        self.change(rule);
    }

    /// Sets the variables that a rule sets, when these are all that it does, their values are the
    /// same for every request, and no rule that runs before it sees them.
    fn done_at_load(&mut self, rule: &ProgramRule) -> bool {
        let first = self.lowered.rules[rule.rule.index()].rule.phase == Phase::RequestHeaders;
        let mut set = Vec::new();
        for effect in rule.links.iter().flat_map(|link| &link.effects) {
            let ProgramEffect::Set(ProgramKey::Slot(slot), _) = effect else { return false };
            let known = &self.slots[usize::from(*slot)];
            if self.touched[usize::from(*slot)] || *known == Known::Open {
                return false;
            }
            set.push((*slot, known.clone()));
        }
        if !first || !self.goes_on {
            return false;
        }
        for (slot, known) in set {
            match known {
                Known::Value(text) => self.start.insert(slot, Value::new(&text)),
                _ => self.start.remove(&slot),
            };
        }
        true
    }

    /// Notes the variables that a rule may look at.
    fn look(&mut self, rule: &ProgramRule, texts: &[&ProgramText]) {
        let mut all = false;
        for link in &rule.links {
            for target in link.targets.iter().filter(|it| it.variable == LinkVariable::Tx) {
                match target.names {
                    Names::Slot(slot) => self.touched[usize::from(slot)] = true,
                    Names::Named(_) => {}
                    _ => all = true,
                }
            }
            let of_effects = link.effects.iter().filter_map(|effect| match effect {
                ProgramEffect::Set(_, ProgramChange::Add(it) | ProgramChange::Subtract(it)) => {
                    Some(it)
                }
                _ => None,
            });
            let of_question = match &link.question {
                Question::Number(_, operand) => Some(operand),
                _ => None,
            };
            for operand in of_effects.chain(of_question) {
                if let Operand::Slot(slot) = operand {
                    self.touched[usize::from(*slot)] = true;
                }
            }
        }
        for part in texts.iter().flat_map(|text| &text.parts) {
            match part {
                ProgramPart::Slot(slot) => self.touched[usize::from(*slot)] = true,
                ProgramPart::Value(LinkVariable::Tx, Names::All | Names::Regex(_)) => all = true,
                _ => {}
            }
        }
        if all {
            self.touched.fill(true);
        }
    }

    /// Notes the variables that a rule may change.
    fn change(&mut self, rule: &ProgramRule) {
        for effect in rule.links.iter().flat_map(|link| &link.effects) {
            let ProgramEffect::Set(key, _) = effect else { continue };
            let mut mark = |slot: u16| {
                self.touched[usize::from(slot)] = true;
                self.changed[usize::from(slot)] = true;
            };
            match key {
                ProgramKey::Slot(slot) => mark(*slot),
                ProgramKey::Text(text) | ProgramKey::New(text) => {
                    let (slots, prefix) = (&self.program.slots, text.literal_prefix());
                    let all = 0..slots.len() as u16;
                    all.filter(|slot| slots.name(*slot).starts_with(&prefix)).for_each(mark);
                }
            }
        }
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
            Question::Number(comparison, operand) => match self.operand(operand) {
                Some(with) => comparison.holds(atoi(value), with),
                None => return Truth::Sometimes,
            },
            Question::Never
            | Question::Probe(_)
            | Question::Backtrack(_)
            | Question::Macro(..)
            | Question::Within(_) => return Truth::Sometimes,
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
            ProgramEffect::Set(ProgramKey::Text(text) | ProgramKey::New(text), _) => {
                self.open(text);
            }
            ProgramEffect::Remove(rules) if !doubt => {
                for &ordinal in rules.iter() {
                    self.removed[ordinal as usize] = true;
                }
            }
            ProgramEffect::Remove(rules) => {
                self.removals += 1;
                for &ordinal in rules.iter() {
                    self.removers[ordinal as usize].push(self.removals);
                }
            }
            // Fields are unknown here in any case.
            ProgramEffect::RemoveTarget(rules, target) if target.variable == LinkVariable::Tx => {
                for &ordinal in rules.iter() {
                    self.doubted[ordinal as usize] = true;
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

/// Whether a rule may look at what matched before it: its own first link sets that anew.
fn looks_back(rule: &ProgramRule) -> bool {
    let of_state = |variable: LinkVariable| {
        matches!(variable, LinkVariable::State(State::MatchedVar | State::MatchedVarName))
    };
    let reads = |text: &ProgramText| {
        text.parts
            .iter()
            .any(|part| matches!(part, ProgramPart::Value(variable, _) if of_state(*variable)))
    };
    let Some(first) = rule.links.first() else { return false };
    let asks = first.question.text().is_some_and(reads);
    let nothing_matched = first.targets.is_empty();
    asks || first.targets.iter().any(|target| of_state(target.variable))
        || (nothing_matched && rule.texts().into_iter().any(reads))
}
