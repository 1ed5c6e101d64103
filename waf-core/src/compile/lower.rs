//! Conditions to signatures: equal (chain, operator) pairs become one.

use std::collections::HashMap;
use std::sync::Arc;

use regex_syntax::hir::Hir;

use crate::automaton::{Gate, PatternId, PatternSet};
use crate::bytes::ByteSet;
use crate::field::Collection;
use crate::limits;
use crate::operator::Check;
use crate::policy::PolicySettings;
use crate::rule::{
    Condition, Expression, Operator, Phase, Rule, Target, TargetKind, Transformation,
};
use crate::ruleset::{
    ChainTree, CompiledCondition, CompiledRule, Formula, Joint, Memories, Pattern, Probe, Settles,
    Signature, SignatureId, ValueFormula,
};
use crate::source::{Report, Span};

/// Everything the rules ask, before plans are made.
pub(super) struct Lowered {
    pub(super) rules: Vec<CompiledRule>,
    pub(super) chains: ChainTree,
    pub(super) signatures: Vec<Signature>,
    pub(super) joints: Vec<Joint>,
    pub(super) patterns: Vec<Pattern>,
    pub(super) memories: Arc<Memories>,
    pub(super) lists: Vec<Vec<String>>,
    pub(super) checks: Vec<Check>,
    groups: Vec<u32>,
    known_signatures: HashMap<Signature, SignatureId>,
    /// Operators, and whether they are asked of lower case.
    known_operators: HashMap<(Operator, bool), Probe>,
    known_joints: HashMap<Joint, u16>,
}

/// Lowers every rule.
pub(super) fn lower(rules: Vec<Rule>, policies: &[PolicySettings]) -> Result<Lowered, Vec<Report>> {
    let mut lowered = Lowered {
        rules: Vec::new(),
        chains: ChainTree::new(),
        signatures: Vec::new(),
        joints: Vec::new(),
        patterns: Vec::new(),
        memories: Arc::default(),
        lists: Vec::new(),
        checks: Vec::new(),
        groups: Vec::new(),
        known_signatures: HashMap::new(),
        known_operators: HashMap::new(),
        known_joints: HashMap::new(),
    };
    if let Some(rule) = rules.get(limits::RULES) {
        return Err(vec![*too_many(&rule.span, "rules", limits::RULES)]);
    }
    let mut reports = Vec::new();
    for rule in rules {
        match lowered.rule(rule) {
            Ok(rule) => lowered.rules.push(rule),
            Err(report) => reports.push(*report),
        }
        if reports.len() >= limits::COMPLAINTS {
            break;
        }
    }
    let sets = policies.iter().flat_map(|policy| &policy.exclusions);
    for set in sets.filter_map(|exclusion| exclusion.characters) {
        lowered.outside(set);
    }
    if reports.is_empty() { Ok(lowered) } else { Err(reports) }
}

impl Lowered {
    /// What each pattern matches, in the order of their ids. One that nothing wants matches nothing, so
    /// it costs nothing: without the higher paranoia levels of the Core Rule Set that is a half of it.
    pub(super) fn wanted_hirs(&self, wanted: &PatternSet) -> Vec<Hir> {
        let is_wanted = |at| PatternId::new(at).is_some_and(|id| wanted.contains(id));
        let hir = |(at, pattern): (usize, &Pattern)| is_wanted(at).then(|| pattern.hir().ok());
        let hirs = self.patterns.iter().enumerate().map(hir);
        hirs.map(|hir| hir.flatten().unwrap_or_else(Hir::fail)).collect()
    }

    /// Patterns of different groups never share a cluster. Those that need a literal are seldom run
    /// in whole values, so there they should not make states beside the others.
    pub(super) fn pattern_groups(&self, gate: &Gate) -> Vec<u32> {
        let patterns = (0..self.groups.len()).map(PatternId::new);
        let is_open = patterns.map(|id| id.is_some_and(|id| gate.is_open(id)));
        self.groups.iter().zip(is_open).map(|(group, open)| group * 2 + u32::from(open)).collect()
    }

    /// The signature "some byte of the value, as parsed, is outside the set".
    pub(super) fn outside(&mut self, set: ByteSet) -> SignatureId {
        let operator = Operator::ValidateByteRange(set);
        let next = self.checks.len() as u16;
        let key = (operator.clone(), false);
        let probe = *self.known_operators.entry(key).or_insert(Probe::Check(next));
        if probe == Probe::Check(next) {
            self.checks.extend(Check::new(&operator));
        }
        self.signature(Signature { step: ChainTree::ROOT, probe })
    }

    /// The signature of a joint.
    pub(super) fn joint(&mut self, joint: Joint) -> SignatureId {
        if let Joint::Signature(id) = joint {
            return id;
        }
        let next = self.joints.len() as u16;
        let at = *self.known_joints.entry(joint.clone()).or_insert(next);
        if at == next {
            self.joints.push(joint);
        }
        self.signature(Signature { step: ChainTree::ROOT, probe: Probe::Joint(at) })
    }

    /// The id of a signature.
    pub(super) fn signature(&mut self, signature: Signature) -> SignatureId {
        let next = SignatureId(self.signatures.len() as u16);
        let id = *self.known_signatures.entry(signature).or_insert(next);
        if id == next {
            self.signatures.push(signature);
        }
        id
    }

    fn rule(&mut self, rule: Rule) -> Result<CompiledRule, Box<Report>> {
        if self.signatures.len() + limits::CONDITIONS > limits::SIGNATURES {
            return Err(too_many(&rule.span, "signatures in all rules", limits::SIGNATURES));
        }
        let mut conditions = Vec::new();
        let formula = if rule.same_value {
            let parts = self.value_formula(&rule, &rule.expression)?;
            conditions.push(CompiledCondition::SameValue { parts });
            Formula::Condition(0)
        } else {
            self.formula(&rule, &rule.expression, &mut conditions)?
        };
        if conditions.len() > limits::CONDITIONS {
            return Err(too_many(&rule.span, "conditions in one rule", limits::CONDITIONS));
        }
        let settles = settles(&rule);
        Ok(CompiledRule { rule, formula, conditions, settles })
    }

    fn formula(
        &mut self,
        rule: &Rule,
        expression: &Expression,
        conditions: &mut Vec<CompiledCondition>,
    ) -> Result<Formula, Box<Report>> {
        Ok(match expression {
            Expression::Condition(condition) => {
                let number = conditions.len() as u8;
                conditions.push(self.condition(rule, condition)?);
                Formula::Condition(number)
            }
            Expression::All(parts) => Formula::All(
                parts
                    .iter()
                    .map(|part| self.formula(rule, part, conditions))
                    .collect::<Result<_, _>>()?,
            ),
            Expression::Any(parts) => Formula::Any(
                parts
                    .iter()
                    .map(|part| self.formula(rule, part, conditions))
                    .collect::<Result<_, _>>()?,
            ),
            Expression::Not(part) => Formula::Not(Box::new(self.formula(rule, part, conditions)?)),
        })
    }

    fn value_formula(
        &mut self,
        rule: &Rule,
        expression: &Expression,
    ) -> Result<ValueFormula, Box<Report>> {
        let mut parts_of = |parts: &[Expression]| {
            parts.iter().map(|part| self.value_formula(rule, part)).collect::<Result<Vec<_>, _>>()
        };
        Ok(match expression {
            Expression::All(parts) => ValueFormula::All(parts_of(parts)?),
            Expression::Any(parts) => ValueFormula::Any(parts_of(parts)?),
            Expression::Not(part) => ValueFormula::Not(Box::new(self.value_formula(rule, part)?)),
            Expression::Condition(condition) => match self.condition(rule, condition)? {
                CompiledCondition::Fields { targets, signature } => {
                    ValueFormula::Fields { targets, signature }
                }
                _ => {
                    return Err(Box::new(
                        Report::error(
                            Some(condition.span.clone()),
                            "`same_value` needs conditions on values",
                        )
                        .help("a count or a finding has no value; leave `same_value` out"),
                    ));
                }
            },
        })
    }

    fn condition(
        &mut self,
        rule: &Rule,
        condition: &Condition,
    ) -> Result<CompiledCondition, Box<Report>> {
        if let Operator::Finding(finding) = condition.operator {
            return Ok(CompiledCondition::Finding(finding));
        }
        let targets = condition.targets.clone();
        let counts = targets.iter().filter(|target| target.kind == TargetKind::Count).count();
        if counts > 0 {
            return count(condition, targets, counts);
        }
        let chain = &condition.transformations;
        let probe = self.probe(&condition.operator, chain, &condition.span)?;
        self.note_group(rule.paranoia, probe, &targets);
        let step = self.chains.intern(chain);
        Ok(CompiledCondition::Fields {
            targets,
            signature: self.signature(Signature { step, probe }),
        })
    }

    /// The same for the rule at a place of the table.
    pub(super) fn assign_group(&mut self, index: usize, probe: Probe, targets: &[Target]) {
        let paranoia = self.rules[index].rule.paranoia;
        self.note_group(paranoia, probe, targets);
    }

    /// A pattern is in the first of the groups of those who ask for it.
    fn note_group(&mut self, paranoia: u8, probe: Probe, targets: &[Target]) {
        if let Probe::Pattern(id) = probe {
            let group = group(paranoia, targets);
            let known = &mut self.groups[id.index()];
            *known = (*known).min(group);
        }
    }

    /// How an operator is asked after some transformations.
    pub(super) fn probe(
        &mut self,
        operator: &Operator,
        chain: &[Transformation],
        span: &Span,
    ) -> Result<Probe, Box<Report>> {
        let key = (operator.clone(), of_lowercase(operator, chain));
        if let Some(probe) = self.known_operators.get(&key) {
            return Ok(*probe);
        }
        let probe = match operator {
            Operator::DetectSqli => Probe::DetectSqli,
            Operator::DetectXss => Probe::DetectXss,
            Operator::Pm(phrases) => {
                let id = self.id(span, self.lists.len())?;
                self.lists.push(phrases.clone());
                Probe::Phrases(id)
            }
            operator if is_pattern(operator) => {
                let pattern = Pattern::new(operator.clone(), &self.memories);
                self.pattern(span, if key.1 { pattern.in_any_case() } else { pattern })?
            }
            operator => {
                self.checks.extend(Check::new(operator));
                Probe::Check((self.checks.len() - 1) as u16)
            }
        };
        self.known_operators.insert(key, probe);
        Ok(probe)
    }

    fn pattern(&mut self, span: &Span, pattern: Pattern) -> Result<Probe, Box<Report>> {
        let id = self.id(span, self.patterns.len())?;
        pattern.hir().map_err(|error| Report::error(Some(span.clone()), error.to_string()))?;
        self.patterns.push(pattern);
        self.groups.push(u32::MAX / 2);
        Ok(Probe::Pattern(id))
    }

    fn id(&self, span: &Span, index: usize) -> Result<PatternId, Box<Report>> {
        PatternId::new(index)
            .ok_or_else(|| too_many(span, "patterns in all rules", limits::SIGNATURES))
    }
}

fn is_pattern(operator: &Operator) -> bool {
    matches!(
        operator,
        Operator::Rx(_)
            | Operator::Contains(_)
            | Operator::BeginsWith(_)
            | Operator::EndsWith(_)
            | Operator::Streq(_)
    )
}

/// Whether a pattern is asked of lower case, so that it may be looked for before that is made.
fn of_lowercase(operator: &Operator, chain: &[Transformation]) -> bool {
    is_pattern(operator) && chain.last() == Some(&Transformation::Lowercase)
}

fn count(
    condition: &Condition,
    targets: Vec<Target>,
    counts: usize,
) -> Result<CompiledCondition, Box<Report>> {
    let span = Some(condition.span.clone());
    if counts != targets.len() {
        let report = Report::error(span, "`&` targets cannot be mixed with others");
        return Err(Box::new(report.help("write a condition of its own for the counts")));
    }
    match Check::new(&condition.operator) {
        Some(check) => Ok(CompiledCondition::Count { targets, check }),
        None => Err(Box::new(
            Report::error(
                span,
                format!("`{}` cannot be asked of a count", condition.operator.name()),
            )
            .help("use eq, ge, gt, le or lt"),
        )),
    }
}

/// Paranoia tiers, requests and responses, bodies and heads keep apart, so that what is not
/// demanded costs nothing; and what is asked of uploads, which are long and of which little is asked.
fn group(paranoia: u8, targets: &[Target]) -> u32 {
    let phase = needs(targets);
    let is_upload =
        |target: &Target| collections(target).any(|it| it == Collection::FilesTmpContent);
    u32::from(paranoia) * 8 + phase as u32 * 2 + u32::from(!targets.iter().any(is_upload))
}

/// The phase in which the last of the targets is known.
fn needs(targets: &[Target]) -> Phase {
    let phases = targets.iter().flat_map(collections).map(Phase::of);
    phases.max().unwrap_or(Phase::RequestHeaders)
}

/// The collections that a target takes in.
fn collections(target: &Target) -> impl Iterator<Item = Collection> {
    let taken_in = target.kind != TargetKind::Exclude;
    target.variable.collections().iter().copied().filter(move |_| taken_in)
}

/// A rule without `not` and counts is monotone: its conditions can only come true. A phase later
/// than its targets need was asked for by the author, so it waits for that.
fn settles(rule: &Rule) -> Settles {
    let conditions = rule.expression.conditions();
    let natural = conditions.iter().map(|c| needs(&c.targets)).max();
    let natural = natural.unwrap_or(Phase::RequestHeaders);
    let finding = conditions.iter().any(|c| matches!(c.operator, Operator::Finding(_)));
    let counts =
        conditions.iter().any(|c| c.targets.iter().any(|target| target.kind == TargetKind::Count));
    let waits = counts || (!rule.same_value && rule.expression.has_not());
    if waits || (rule.phase > natural && !finding) {
        Settles::AtEndOf(rule.phase.max(natural))
    } else {
        Settles::AtOnce
    }
}

/// A complaint about a full table.
pub(super) fn too_many(span: &Span, what: &str, limit: usize) -> Box<Report> {
    Box::new(Report::error(Some(span.clone()), format!("more than {limit} {what}")))
}

/// Whether a chain or operator cannot be exact for a value longer than the window.
pub(super) fn is_inexact(transformations: &[Transformation], operator: &Operator) -> bool {
    matches!(operator, Operator::DetectSqli | Operator::DetectXss)
        || transformations.iter().any(|transformation| !transformation.streams())
}
