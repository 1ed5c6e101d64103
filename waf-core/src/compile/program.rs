//! SecLang rules to a program: names to slots and classes, questions to signatures.

use std::collections::HashMap;
use std::sync::Arc;

use regex_automata::meta;
use regex_syntax::hir::Hir;

use super::lower::{Lowered, too_many};
use crate::automaton::syntax;
use crate::field::Collection;
use crate::limits;
use crate::operator::{Backtrack, BacktrackError};
use crate::rule::{
    Chain, Change, Ctl, Effect, Link, LinkOperator, LinkTarget, LinkVariable, Phase, Rule,
    RuleScope, Selector, State, Target, TargetKind, Text, TextPart,
};
use crate::ruleset::{
    ClassId, Comparison, NameClasses, NameRegex, Names, Noted, Operand, Order, Program,
    ProgramChange, ProgramEffect, ProgramKey, ProgramLink, ProgramPart, ProgramRule, ProgramTarget,
    ProgramText, Question, RuleIndex, Signature,
};
use crate::source::{Report, Span};

/// Compiles the rules that have a chain.
pub(super) fn program(lowered: &mut Lowered, names: &NameClasses) -> Result<Program, Vec<Report>> {
    let chained = lowered.rules.iter().filter(|compiled| compiled.rule.chain.is_some());
    let roster = chained.map(|compiled| Entry::of(&compiled.rule)).collect();
    let mut maker = Maker {
        lowered,
        names,
        roster,
        scopes: HashMap::new(),
        classes: HashMap::new(),
        program: Program::default(),
    };
    let mut reports = Vec::new();
    for index in 0..maker.lowered.rules.len() {
        // The rule stays where it is; its chain is put back when it is read.
        let Some(chain) = maker.lowered.rules[index].rule.chain.take() else { continue };
        match maker.rule(index, &chain) {
            Ok(rule) => maker.program.rules.push(rule),
            Err(report) => reports.push(*report),
        }
        maker.lowered.rules[index].rule.chain = Some(chain);
        if reports.len() >= limits::COMPLAINTS {
            break;
        }
    }
    if reports.is_empty() { Ok(maker.program) } else { Err(reports) }
}

/// Every selector of fields in a rule's chain: of targets, of targets taken away, of macros.
pub(super) fn selectors(rule: &Rule) -> Vec<Selector> {
    let Some(chain) = &rule.chain else { return Vec::new() };
    let mut found = Vec::new();
    for link in &chain.links {
        found.extend(link.targets.iter().filter(is_fields).map(|target| target.selector.clone()));
        found.extend(link.effects.iter().filter_map(|effect| match effect {
            Effect::Ctl(Ctl::RemoveTarget(_, target)) => Some(target.selector.clone()),
            _ => None,
        }));
    }
    found.extend(texts(chain).into_iter().flat_map(|text| &text.0).filter_map(|part| match part {
        TextPart::Macro(LinkVariable::Fields(_), Some(name)) => Some(Selector::Name(name.clone())),
        _ => None,
    }));
    found
}

/// Every text with macros.
fn texts(chain: &Chain) -> Vec<&Text> {
    let mut texts: Vec<&Text> = chain.message.iter().chain(&chain.data).collect();
    for link in &chain.links {
        if let LinkOperator::Macro(_, text) = &link.operator {
            texts.push(text);
        }
        for effect in &link.effects {
            let Effect::SetVar { name, change } = effect else { continue };
            texts.push(name);
            if let Change::Set(text) | Change::Add(text) | Change::Subtract(text) = change {
                texts.push(text);
            }
        }
    }
    texts
}

/// What a row must say of such a field.
pub(super) fn noted(program: &Program, collection: Collection, class: ClassId) -> Noted {
    let always = program.retained.iter().any(|(variable, names)| {
        variable.collections().contains(&collection) && names.has_class(class)
    });
    let mut noted = Noted { always, ..Noted::default() };
    let rules = program.rules.iter().filter(|rule| rule.reachable);
    let links = rules.flat_map(|rule| rule.links.iter().enumerate().map(move |it| (rule, it)));
    for (rule, (number, link)) in links {
        let foreseen = rule.foreseen.iter().flatten().filter(|_| number + 1 == rule.waits);
        if !link.looks_at(collection, class) {
            continue;
        }
        noted.signatures.extend(&link.signatures);
        noted.signatures.extend(foreseen);
        noted.always |= !link.scanned;
    }
    noted.signatures.sort_unstable();
    noted.signatures.dedup();
    noted
}

/// The fields that a link looks at, whatever is taken away from them.
pub(super) fn fields(link: &Link) -> Vec<Target> {
    let included = link.targets.iter().filter(|target| target.kind == TargetKind::Include);
    let fields = included.filter_map(|target| match target.variable {
        LinkVariable::Fields(variable) => {
            let selector = target.selector.clone();
            Some(Target { kind: TargetKind::Include, variable, selector })
        }
        _ => None,
    });
    fields.collect()
}

fn is_fields(target: &&LinkTarget) -> bool {
    matches!(target.variable, LinkVariable::Fields(_))
}

/// What a rule can be named by.
struct Entry {
    id: Option<u64>,
    tags: Vec<String>,
    message: String,
}

impl Entry {
    fn of(rule: &Rule) -> Self {
        let id = rule.id.as_str().parse().ok();
        Self { id, tags: rule.tags.clone(), message: rule.name.clone() }
    }
}

struct Maker<'a> {
    lowered: &'a mut Lowered,
    names: &'a NameClasses,
    /// The SecLang rules by ordinal.
    roster: Vec<Entry>,
    scopes: HashMap<RuleScope, Arc<[u32]>>,
    classes: HashMap<Selector, Arc<[bool]>>,
    program: Program,
}

impl Maker<'_> {
    fn rule(&mut self, index: usize, chain: &Chain) -> Result<ProgramRule, Box<Report>> {
        let links =
            chain.links.iter().map(|link| self.link(index, link)).collect::<Result<Vec<_>, _>>()?;
        let of_tx =
            |link: &Link| link.targets.iter().all(|target| target.variable == LinkVariable::Tx);
        let bookkeeping = chain.links.iter().all(of_tx);
        let span = &chain.links[0].span;
        let message = chain.message.as_ref().map(|text| self.text(text, span)).transpose()?;
        let data = chain.data.as_ref().map(|text| self.text(text, span)).transpose()?;
        let rule = RuleIndex(index as u16);
        Ok(ProgramRule {
            rule,
            links,
            message,
            data,
            bookkeeping,
            recalls: looks_at(chain, &[State::MatchedVars, State::MatchedVarsNames]),
            retells: looks_at(chain, &[State::MatchedVar, State::MatchedVarName]),
            reachable: true,
            waits: 1,
            foreseen: None,
            sure: false,
        })
    }

    fn link(&mut self, index: usize, link: &Link) -> Result<ProgramLink, Box<Report>> {
        let targets = link
            .targets
            .iter()
            .map(|target| self.target(target, &link.span))
            .collect::<Result<Vec<_>, _>>()?;
        let (question, signatures) = self.question(index, link)?;
        let is_plain = |target: &LinkTarget| is_fields(&target) && target.kind != TargetKind::Count;
        let of_fields = !link.targets.is_empty() && link.targets.iter().all(is_plain);
        let counts = !targets.is_empty()
            && matches!(question, Question::Number(_, Operand::Number(_) | Operand::Slot(_)))
            && link
                .targets
                .iter()
                .all(|target| is_fields(&target) && target.kind == TargetKind::Count);
        let scanned = of_fields && !signatures.is_empty() && !link.negated;
        let effects = link
            .effects
            .iter()
            .filter_map(|effect| self.effect(effect, &link.span).transpose())
            .collect::<Result<Vec<_>, _>>()?;
        Ok(ProgramLink { targets, question, signatures, of_fields, counts, scanned, effects })
    }

    fn question(
        &mut self,
        index: usize,
        link: &Link,
    ) -> Result<(Question, Vec<crate::ruleset::SignatureId>), Box<Report>> {
        let operator = match &link.operator {
            LinkOperator::Always => return Ok((Question::Always, Vec::new())),
            LinkOperator::Never => return Ok((Question::Never, Vec::new())),
            LinkOperator::Macro(operator, text) => {
                let question = match Comparison::of_macro(*operator) {
                    Some(comparison) => {
                        Question::Number(comparison, self.operand(text, &link.span)?)
                    }
                    None => Question::Macro(*operator, self.text(text, &link.span)?),
                };
                return Ok((question, Vec::new()));
            }
            LinkOperator::Backtrack(pattern) => {
                let complain = |error: BacktrackError| {
                    Box::new(Report::error(Some(link.span.clone()), error.to_string()))
                };
                let pattern = Backtrack::new(pattern).map_err(complain)?;
                return Ok((Question::Backtrack(pattern), Vec::new()));
            }
            LinkOperator::Fixed(operator) => operator,
        };
        // With `multiMatch` it is asked before and after each of the transformations.
        let chain = link.transformations.as_slice();
        let asked_of = if link.multi_match { &[] } else { chain };
        let fields = fields(link);
        if let (Some((comparison, with)), true) = (Comparison::of(operator), fields.is_empty()) {
            return Ok((Question::Number(comparison, Operand::Number(with)), Vec::new()));
        }
        let probe = self.lowered.probe(operator, asked_of, &link.span)?;
        if fields.is_empty() {
            return Ok((Question::Probe(probe), Vec::new()));
        }
        if self.lowered.signatures.len() + link.transformations.len() >= limits::SIGNATURES {
            return Err(too_many(&link.span, "signatures in all rules", limits::SIGNATURES));
        }
        let mut signatures = Vec::new();
        for count in asked_of.len()..=chain.len() {
            let chain = &chain[..count];
            let probe = self.lowered.probe(operator, chain, &link.span)?;
            self.lowered.assign_group(index, probe, &fields);
            let step = self.lowered.chains.intern(chain);
            signatures.push(self.lowered.signature(Signature { step, probe }));
        }
        Ok((Question::Probe(probe), signatures))
    }

    fn target(&mut self, target: &LinkTarget, span: &Span) -> Result<ProgramTarget, Box<Report>> {
        let names = self.names(target.variable, &target.selector, span)?;
        Ok(ProgramTarget { kind: target.kind, variable: target.variable, names })
    }

    fn names(
        &mut self,
        variable: LinkVariable,
        selector: &Selector,
        span: &Span,
    ) -> Result<Names, Box<Report>> {
        Ok(match (variable, selector) {
            (_, Selector::All) => Names::All,
            (LinkVariable::Fields(_), selector) => Names::Classes(self.classes_of(selector)),
            (LinkVariable::Tx, Selector::Name(name)) if is_capture(name) => {
                Names::Named(name.as_bytes().into())
            }
            (LinkVariable::Tx, Selector::Name(name)) => {
                Names::Slot(self.slot(name.as_bytes(), span)?)
            }
            (LinkVariable::State(_), Selector::Name(name)) => {
                Names::Named(name.to_ascii_lowercase().into_bytes().into())
            }
            (_, Selector::Regex(pattern)) => {
                let (regex, hir) = parsed(pattern, span)?;
                Names::Regex(Arc::new(NameRegex::new(regex, &hir)))
            }
            (_, Selector::Path(path)) => Names::Named(path.as_bytes().into()),
        })
    }

    fn classes_of(&mut self, selector: &Selector) -> Arc<[bool]> {
        if let Some(known) = self.classes.get(selector) {
            return Arc::clone(known);
        }
        let satisfied = (0..self.names.len())
            .map(|class| self.names.satisfies(ClassId(class as u16), selector))
            .collect();
        Arc::clone(self.classes.entry(selector.clone()).or_insert(satisfied))
    }

    fn slot(&mut self, name: &[u8], span: &Span) -> Result<u16, Box<Report>> {
        let slot = self.program.slots.intern(name);
        slot.ok_or_else(|| too_many(span, "variables of TX", usize::from(u16::MAX)))
    }

    fn text(&mut self, text: &Text, span: &Span) -> Result<ProgramText, Box<Report>> {
        let mut parts = Vec::new();
        for part in &text.0 {
            parts.push(match part {
                TextPart::Literal(text) => ProgramPart::Literal(text.clone()),
                TextPart::Unknown(_) => continue,
                TextPart::Macro(LinkVariable::Tx, Some(name)) if !is_capture(name) => {
                    ProgramPart::Slot(self.slot(name.as_bytes(), span)?)
                }
                TextPart::Macro(variable, name) => {
                    let selector = match name {
                        Some(name) => Selector::Name(name.clone()),
                        None => Selector::All,
                    };
                    let names = self.names(*variable, &selector, span)?;
                    if let LinkVariable::Fields(variable) = variable {
                        self.program.retained.push((*variable, names.clone()));
                    }
                    ProgramPart::Value(*variable, names)
                }
            });
        }
        Ok(ProgramText { parts })
    }

    fn effect(
        &mut self,
        effect: &Effect,
        span: &Span,
    ) -> Result<Option<ProgramEffect>, Box<Report>> {
        let (name, change) = match effect {
            Effect::SetVar { name, change } => (name, change),
            Effect::Ctl(ctl) => return self.ctl(ctl, span),
        };
        let key = match name.as_literal() {
            Some(name) => ProgramKey::Slot(self.slot(name, span)?),
            None => ProgramKey::Text(self.text(name, span)?),
        };
        let change = match change {
            Change::Set(text) => ProgramChange::Set(self.text(text, span)?),
            Change::Add(text) => ProgramChange::Add(self.operand(text, span)?),
            Change::Subtract(text) => ProgramChange::Subtract(self.operand(text, span)?),
            Change::Unset => ProgramChange::Unset,
        };
        Ok(Some(ProgramEffect::Set(key, change)))
    }

    fn ctl(&mut self, ctl: &Ctl, span: &Span) -> Result<Option<ProgramEffect>, Box<Report>> {
        Ok(match ctl {
            Ctl::Engine(engine) => Some(ProgramEffect::Engine(*engine)),
            Ctl::RequestBodyProcessor(name) => Some(ProgramEffect::Processor(name.clone())),
            Ctl::ForceRequestBodyVariable(force) => Some(ProgramEffect::ForceBody(*force)),
            Ctl::Remove(scope) => Some(ProgramEffect::Remove(self.covered(scope, span)?)),
            Ctl::RemoveTarget(scope, target) => {
                let target = self.target(target, span)?;
                Some(ProgramEffect::RemoveTarget(self.covered(scope, span)?, target))
            }
            // Every body is looked at, and our own limits bound it.
            Ctl::RequestBodyAccess(_) | Ctl::ResponseBodyAccess(_) | Ctl::Ignored => None,
        })
    }

    /// The ordinals of the rules that a scope names.
    fn covered(&mut self, scope: &RuleScope, span: &Span) -> Result<Arc<[u32]>, Box<Report>> {
        if let Some(known) = self.scopes.get(scope) {
            return Ok(Arc::clone(known));
        }
        let is_meant: Box<dyn Fn(&Entry) -> bool> = match scope {
            RuleScope::Ids(first, last) => {
                Box::new(|entry| entry.id.is_some_and(|id| (*first..=*last).contains(&id)))
            }
            RuleScope::Tag(pattern) => {
                let regex = regex(pattern, span)?;
                Box::new(move |entry| entry.tags.iter().any(|tag| regex.is_match(tag)))
            }
            RuleScope::Message(pattern) => {
                let regex = regex(pattern, span)?;
                Box::new(move |entry| regex.is_match(&entry.message))
            }
        };
        let numbered = self.roster.iter().enumerate();
        let covered: Arc<[u32]> =
            numbered.filter(|(_, entry)| is_meant(entry)).map(|(at, _)| at as u32).collect();
        self.scopes.insert(scope.clone(), Arc::clone(&covered));
        Ok(covered)
    }

    fn operand(&mut self, text: &Text, span: &Span) -> Result<Operand, Box<Report>> {
        if let Some(literal) = text.as_literal() {
            return Ok(Operand::Number(crate::operator::atoi(literal)));
        }
        let text = self.text(text, span)?;
        Ok(match text.parts.as_slice() {
            [ProgramPart::Slot(slot)] => Operand::Slot(*slot),
            _ => Operand::Text(text),
        })
    }
}

/// Whether a chain looks at one of some variables.
fn looks_at(chain: &Chain, states: &[State]) -> bool {
    let meant = |variable: LinkVariable| matches!(variable, LinkVariable::State(state) if states.contains(&state));
    let in_text =
        |part: &TextPart| matches!(part, TextPart::Macro(variable, _) if meant(*variable));
    chain.links.iter().flat_map(|link| &link.targets).any(|target| meant(target.variable))
        || texts(chain).into_iter().flat_map(|text| &text.0).any(in_text)
}

/// `TX:0` to `TX:9`, which a capture sets.
fn is_capture(name: &str) -> bool {
    name.len() == 1 && name.as_bytes()[0].is_ascii_digit()
}

fn regex(pattern: &str, span: &Span) -> Result<meta::Regex, Box<Report>> {
    Ok(parsed(pattern, span)?.0)
}

fn parsed(pattern: &str, span: &Span) -> Result<(meta::Regex, Hir), Box<Report>> {
    let complain = |message: String| Box::new(Report::error(Some(span.clone()), message));
    let hir = syntax::parse_ignoring_case(pattern).map_err(|error| complain(error.to_string()))?;
    let config = meta::Config::new().utf8_empty(false);
    let regex = meta::Builder::new().configure(config).build_from_hir(&hir);
    Ok((regex.map_err(|error| complain(error.to_string()))?, hir))
}

/// The rules of each phase that have to be run for some request.
pub(super) fn phases(
    program: &Program,
    phase_of: impl Fn(RuleIndex) -> Phase,
) -> [Order; Phase::ALL.len()] {
    let mut phases: [Order; Phase::ALL.len()] = Default::default();
    for (ordinal, rule) in program.rules.iter().enumerate().filter(|(_, rule)| rule.reachable) {
        phases[phase_of(rule.rule) as usize].push(ordinal as u32, rule);
    }
    phases
}
