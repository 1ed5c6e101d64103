//! For every policy, collection and class of names: what is wanted of such a field.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::lower::Lowered;
use crate::automaton::PatternSet;
use crate::bytes::ByteSet;
use crate::field::Collection;
use crate::finding::Finding;
use crate::limits;
use crate::policy::{OverrideScope, Policy, PolicySettings, RuleStance};
use crate::rule::{Exclusion, ExclusionScope, Rule, RuleMode, Selector, Target, TargetKind};
use crate::ruleset::{
    ChainTree, ClassId, CompiledCondition, ExclusionId, FieldPlan, Inquiry, Joint, JointParts,
    NameClasses, Noted, PlanNode, Probe, Program, RuleIndex, RuleSet, SignatureId, StepId, Trigger,
    ValueFormula,
};
use crate::source::Report;

/// A policy before the program it belongs to is closed.
pub(super) struct Draft {
    pub(super) settings: PolicySettings,
    stances: Vec<RuleStance>,
    plans: Vec<Arc<FieldPlan>>,
    findings: Vec<Vec<Trigger>>,
    exclusions: Vec<Exclusion>,
}

impl Draft {
    /// The policy, over the closed program.
    pub(super) fn into_policy(self, ruleset: &Arc<RuleSet>) -> Policy {
        Policy {
            settings: self.settings,
            ruleset: Arc::clone(ruleset),
            stances: self.stances,
            plans: self.plans,
            findings: self.findings,
            exclusions: self.exclusions,
        }
    }
}

/// Plans every policy; joints that exclusions need are added to the program.
pub(super) fn draft(
    lowered: &mut Lowered,
    names: &NameClasses,
    program: &Program,
    policies: Vec<PolicySettings>,
) -> Result<Vec<Draft>, Vec<Report>> {
    let mut drafts = Vec::new();
    let mut reports = Vec::new();
    for settings in policies {
        match draft_one(lowered, names, program, settings) {
            Ok(draft) => drafts.push(draft),
            // What several routes inherit is said once.
            Err(more) => {
                let new: Vec<_> = more.into_iter().filter(|one| !reports.contains(one)).collect();
                reports.extend(new);
            }
        }
    }
    if reports.is_empty() { Ok(drafts) } else { Err(reports) }
}

/// The patterns that some field of some policy is asked for.
pub(super) fn wanted_patterns(drafts: &[Draft]) -> PatternSet {
    let nodes = drafts.iter().flat_map(|draft| &draft.plans).flat_map(|plan| &plan.nodes);
    nodes.flat_map(|node| node.patterns.iter()).collect()
}

fn draft_one(
    lowered: &mut Lowered,
    names: &NameClasses,
    program: &Program,
    settings: PolicySettings,
) -> Result<Draft, Vec<Report>> {
    let reports = unknown_overrides(lowered, &settings);
    if !reports.is_empty() {
        return Err(reports);
    }
    let stances: Vec<RuleStance> =
        lowered.rules.iter().map(|compiled| stance(&compiled.rule, &settings)).collect();
    let in_force = |exclusion: &&Exclusion| exclusion.is_in_force(settings.today);
    let exclusions: Vec<Exclusion> = settings.exclusions.iter().filter(in_force).cloned().collect();
    let rules = lowered.rules.iter().map(|compiled| &compiled.rule);
    let targets: Vec<Target> = targets(rules, exclusions.iter()).cloned().collect();
    let mut planner = Planner { lowered, names, exclusions: &exclusions, stances: &stances };
    let mut known: HashMap<Wanted, Arc<FieldPlan>> = HashMap::new();
    let mut plans: Vec<Arc<FieldPlan>> = Vec::new();
    for &collection in Collection::ALL {
        let asked = selectors_of(&targets, collection);
        let mut alike = HashMap::new();
        for class in 0..names.len() {
            let class = ClassId(class as u16);
            let noted = super::program::noted(program, collection, class);
            // What is asked of a field follows from what its name satisfies.
            let plan = match alike.entry((names.satisfied(class, &asked), noted)) {
                Entry::Occupied(same) => Arc::clone(same.get()),
                Entry::Vacant(new) => {
                    let triggers = planner.triggers(collection, class)?;
                    let plan = known
                        .entry(Wanted { triggers, noted: new.key().1.clone() })
                        .or_insert_with_key(|wanted| Arc::new(field_plan(planner.lowered, wanted)));
                    Arc::clone(new.insert(Arc::clone(plan)))
                }
            };
            plans.push(plan);
        }
    }
    let findings = Finding::ALL.iter().map(|&finding| planner.finding_triggers(finding)).collect();
    Ok(Draft { settings, stances, plans, findings, exclusions })
}

/// The targets of rules and of exclusions; those of SecLang rules are the program's.
pub(super) fn targets<'a>(
    rules: impl Iterator<Item = &'a Rule>,
    exclusions: impl Iterator<Item = &'a Exclusion>,
) -> impl Iterator<Item = &'a Target> {
    let conditions = rules.flat_map(|rule| rule.expression.conditions());
    let of_rules = conditions.flat_map(|condition| &condition.targets);
    of_rules.chain(exclusions.flat_map(|exclusion| &exclusion.targets))
}

/// The different selectors by which a collection's fields are asked for.
fn selectors_of(targets: &[Target], collection: Collection) -> Vec<&Selector> {
    let asking =
        targets.iter().filter(|target| target.variable.collections().contains(&collection));
    let mut seen = HashSet::new();
    asking.map(|target| &target.selector).filter(|selector| seen.insert(*selector)).collect()
}

/// What is wanted of a field: equal ones share a plan.
#[derive(PartialEq, Eq, Hash)]
struct Wanted {
    triggers: Vec<(SignatureId, Vec<Trigger>)>,
    noted: Noted,
}

/// How a rule stands, after overrides; later ones win.
fn stance(rule: &Rule, settings: &PolicySettings) -> RuleStance {
    let mut mode = rule.mode;
    let mut score = rule.score;
    for change in &settings.overrides {
        let meant = match &change.scope {
            OverrideScope::Rule(id) => rule.id.as_str() == id,
            OverrideScope::Class(class) => rule.class == *class,
        };
        if meant {
            mode = change.mode.unwrap_or(mode);
            score = change.score.unwrap_or(score);
        }
    }
    // A SecLang program keeps its paranoia levels itself, by rules that skip.
    let within = |level: u8| rule.chain.is_some() || rule.paranoia <= level;
    RuleStance {
        active: mode != RuleMode::Off && within(settings.detection_paranoia),
        counted: mode == RuleMode::Block && within(settings.paranoia),
        score,
    }
}

/// The rules that some policy turns off, or may for some requests.
pub(super) fn doubted(lowered: &Lowered, policies: &[PolicySettings]) -> Vec<bool> {
    let doubted = |rule: &Rule| {
        policies.iter().any(|settings| {
            let off = !stance(rule, settings).active;
            let excluded = |it: &Exclusion| it.targets.is_empty() && covers(&it.scope, rule);
            off || settings.exclusions.iter().any(excluded)
        })
    };
    lowered.rules.iter().map(|compiled| doubted(&compiled.rule)).collect()
}

fn unknown_overrides(lowered: &Lowered, settings: &PolicySettings) -> Vec<Report> {
    let unknown = settings.overrides.iter().filter_map(|change| {
        let (known, what) = match &change.scope {
            OverrideScope::Rule(id) => (
                lowered.rules.iter().any(|compiled| compiled.rule.id.as_str() == id),
                format!("no loaded rule is `{id}`"),
            ),
            OverrideScope::Class(class) => (
                lowered.rules.iter().any(|compiled| compiled.rule.class == *class),
                format!("no loaded rule is of the class `{class}`"),
            ),
        };
        (!known).then(|| {
            Report::error(change.span.clone(), format!("overrides: {what}"))
                .help("`pinpoint rules list` names every loaded rule and its class")
        })
    });
    unknown.collect()
}

/// Whether an exclusion is about a rule.
pub(crate) fn covers(scope: &ExclusionScope, rule: &Rule) -> bool {
    match scope {
        ExclusionScope::Rule(id) => rule.id.as_str() == id,
        ExclusionScope::Range(first, last) => {
            rule.id.as_str().parse::<u64>().is_ok_and(|id| (*first..=*last).contains(&id))
        }
        ExclusionScope::Tag(tag) => rule.tags.iter().any(|known| known == tag),
    }
}

/// Whether fields of a collection and class are among the targets; an exclusion beats every
/// inclusion.
pub(crate) fn selects(
    names: &NameClasses,
    targets: &[Target],
    collection: Collection,
    class: ClassId,
) -> bool {
    let named = |target: &&Target| {
        target.variable.collections().contains(&collection)
            && names.satisfies(class, &target.selector)
    };
    let mut excluded = targets.iter().filter(|target| target.kind == TargetKind::Exclude);
    if excluded.any(|target| named(&target)) {
        return false;
    }
    targets.iter().filter(|target| target.kind != TargetKind::Exclude).any(|target| named(&target))
}

struct Planner<'a> {
    lowered: &'a mut Lowered,
    names: &'a NameClasses,
    exclusions: &'a [Exclusion],
    stances: &'a [RuleStance],
}

impl Planner<'_> {
    /// What each fact of such a field triggers, sorted by signature.
    fn triggers(
        &mut self,
        collection: Collection,
        class: ClassId,
    ) -> Result<Vec<(SignatureId, Vec<Trigger>)>, Vec<Report>> {
        let mut found: BTreeMap<SignatureId, Vec<Trigger>> = BTreeMap::new();
        for index in 0..self.lowered.rules.len() {
            if !self.stances[index].active {
                continue;
            }
            for (condition, joint) in self.wanted(index, collection, class) {
                let guards = self.guards(index, Some((collection, class)));
                let variants = self
                    .under_exclusions(&joint, &guards)
                    .map_err(|message| self.complaint(index, &message))?;
                for (joint, unless) in variants {
                    let signature = self.lowered.joint(joint);
                    let rule = RuleIndex(index as u16);
                    let trigger = Trigger { rule, condition, unless };
                    found.entry(signature).or_default().push(trigger);
                }
            }
        }
        Ok(found.into_iter().collect())
    }

    /// The conditions of a rule that such a field can fulfil, and by what.
    fn wanted(&self, index: usize, collection: Collection, class: ClassId) -> Vec<(u8, Joint)> {
        let conditions = self.lowered.rules[index].conditions.iter().enumerate();
        conditions
            .filter_map(|(number, condition)| {
                let joint = match condition {
                    CompiledCondition::Fields { targets, signature } => {
                        selects(self.names, targets, collection, class)
                            .then_some(Joint::Signature(*signature))
                    }
                    CompiledCondition::SameValue { parts } => {
                        match self.narrow(parts, collection, class) {
                            Narrowed::Joint(joint) => Some(joint),
                            Narrowed::Always | Narrowed::Never => None,
                        }
                    }
                    CompiledCondition::Count { .. } | CompiledCondition::Finding(_) => None,
                };
                joint.map(|joint| (number as u8, joint))
            })
            .collect()
    }

    /// A `same_value` formula for one kind of field: a condition on other fields does not hold.
    fn narrow(&self, parts: &ValueFormula, collection: Collection, class: ClassId) -> Narrowed {
        match parts {
            ValueFormula::Fields { targets, signature } => {
                if selects(self.names, targets, collection, class) {
                    Narrowed::Joint(Joint::Signature(*signature))
                } else {
                    Narrowed::Never
                }
            }
            ValueFormula::All(parts) => {
                let parts = parts.iter().map(|part| self.narrow(part, collection, class));
                Narrowed::join(parts, &Narrowed::Never, &Narrowed::Always, Joint::All)
            }
            ValueFormula::Any(parts) => {
                let parts = parts.iter().map(|part| self.narrow(part, collection, class));
                Narrowed::join(parts, &Narrowed::Always, &Narrowed::Never, Joint::Any)
            }
            ValueFormula::Not(part) => match self.narrow(part, collection, class) {
                Narrowed::Always => Narrowed::Never,
                Narrowed::Never => Narrowed::Always,
                Narrowed::Joint(joint) => Narrowed::Joint(Joint::Not(Box::new(joint))),
            },
        }
    }

    /// The exclusions that may take such a field (or, without one, the whole rule) from a rule.
    fn guards(&self, index: usize, field: Option<(Collection, ClassId)>) -> Vec<ExclusionId> {
        let rule = &self.lowered.rules[index].rule;
        let takes = |exclusion: &Exclusion| {
            covers(&exclusion.scope, rule)
                && (exclusion.targets.is_empty()
                    || field.is_some_and(|(collection, class)| {
                        selects(self.names, &exclusion.targets, collection, class)
                    }))
        };
        let numbered = self.exclusions.iter().enumerate();
        numbered.filter(|(_, e)| takes(e)).map(|(at, _)| ExclusionId(at as u16)).collect()
    }

    /// An exclusion with `characters` holds only while the value consists of them. So beside the
    /// plain fact, which no active exclusion may touch, there is one for every combination of such
    /// exclusions that can hold for a request: the fact of a value that has a byte outside each of
    /// their sets.
    fn under_exclusions(
        &mut self,
        joint: &Joint,
        guards: &[ExclusionId],
    ) -> Result<Vec<(Joint, Vec<ExclusionId>)>, String> {
        let sets: Vec<_> = guards
            .iter()
            .filter_map(|&id| Some((id, self.exclusions[id.index()].characters?)))
            .collect();
        let mut combinations: Vec<Vec<(ExclusionId, ByteSet)>> = vec![Vec::new()];
        for &(id, set) in &sets {
            let meets = |(other, _): &(ExclusionId, ByteSet)| {
                self.exclusions[id.index()].meets(&self.exclusions[other.index()])
            };
            let with = combinations.iter().filter(|known| known.iter().all(meets));
            let with: Vec<_> =
                with.map(|known| [known.as_slice(), &[(id, set)]].concat()).collect();
            combinations.extend(with);
            if combinations.len() > limits::CHARACTER_COMBINATIONS {
                return Err("too many exclusions with `characters` meet at rule".to_owned());
            }
        }
        let variant = |picked: Vec<(ExclusionId, ByteSet)>| {
            let is_picked = |guard: &ExclusionId| picked.iter().any(|(id, _)| id == guard);
            let unless = guards.iter().filter(|guard| !is_picked(guard)).copied().collect();
            let outside = picked.iter().map(|(_, set)| self.lowered.outside(*set));
            let mut parts = vec![joint.clone()];
            parts.extend(outside.map(Joint::Signature));
            (if parts.len() == 1 { joint.clone() } else { Joint::All(parts) }, unless)
        };
        Ok(combinations.into_iter().map(variant).collect())
    }

    fn finding_triggers(&self, finding: Finding) -> Vec<Trigger> {
        let mut triggers = Vec::new();
        for (index, compiled) in self.lowered.rules.iter().enumerate() {
            if !self.stances[index].active && !finding.always_refused() {
                continue;
            }
            for (number, condition) in compiled.conditions.iter().enumerate() {
                if matches!(condition, CompiledCondition::Finding(known) if *known == finding) {
                    triggers.push(Trigger {
                        rule: RuleIndex(index as u16),
                        condition: number as u8,
                        // What cannot be forwarded safely is no matter of exclusions.
                        unless: match finding.always_refused() {
                            true => Vec::new(),
                            false => self.guards(index, None),
                        },
                    });
                }
            }
        }
        triggers
    }

    fn complaint(&self, index: usize, message: &str) -> Vec<Report> {
        let rule = &self.lowered.rules[index].rule;
        let span = self.exclusions.iter().find(|e| covers(&e.scope, rule)).map(|e| e.span.clone());
        vec![Report::error(span, format!("{message} `{}`", rule.id)).help("join them into one")]
    }
}

enum Narrowed {
    Always,
    Never,
    Joint(Joint),
}

impl Narrowed {
    /// Joins parts where `absorbing` decides everything and `neutral` nothing.
    fn join(
        parts: impl Iterator<Item = Narrowed>,
        absorbing: &Narrowed,
        neutral: &Narrowed,
        join: fn(Vec<Joint>) -> Joint,
    ) -> Narrowed {
        let same =
            |a: &Narrowed, b: &Narrowed| std::mem::discriminant(a) == std::mem::discriminant(b);
        let mut joints = Vec::new();
        for part in parts {
            match part {
                Narrowed::Joint(joint) => joints.push(joint),
                constant if same(&constant, absorbing) => return constant,
                _ => {}
            }
        }
        match (joints.len(), neutral) {
            (0, Narrowed::Always) => Narrowed::Always,
            (0, _) => Narrowed::Never,
            (1, _) => joints.pop().map_or(Narrowed::Never, Narrowed::Joint),
            _ => Narrowed::Joint(join(joints)),
        }
    }
}

/// The steps that lead to every wanted signature, and what is asked at each.
fn field_plan(lowered: &Lowered, of_field: &Wanted) -> FieldPlan {
    let (triggers, noted) = (of_field.triggers.clone(), of_field.noted.clone());
    let (mut nodes, mut joints) = (Vec::new(), Vec::new());
    let mut wanted = noted.signatures.clone();
    for (id, _) in &of_field.triggers {
        match lowered.signatures[id.index()].probe {
            Probe::Joint(at) => {
                joints.push((at, *id));
                wanted.extend(lowered.joints[usize::from(at)].signatures());
            }
            _ => wanted.push(*id),
        }
    }
    wanted.sort_unstable();
    wanted.dedup();
    if wanted.is_empty() {
        return FieldPlan::new(nodes, joints, triggers, noted);
    }
    let mut place = HashMap::new();
    add_node(lowered, &mut nodes, &mut place, ChainTree::ROOT);
    for &id in &wanted {
        let signature = lowered.signatures[id.index()];
        for step in lowered.chains.path(signature.step) {
            add_node(lowered, &mut nodes, &mut place, step);
        }
        let inquiry = Inquiry { signature: id, node: place[&signature.step] };
        let searched = place[&lowered.chains.before_lowercase(signature.step)];
        ask(&mut nodes, signature.probe, inquiry, searched);
    }
    for node in &mut nodes {
        node.pattern_inquiries.sort_unstable();
        node.list_inquiries.sort_unstable();
    }
    let mut plan = FieldPlan::new(nodes, joints, triggers, noted);
    let waits = |(at, _): &(u16, SignatureId)| lowered.joints[usize::from(*at)].has_not();
    plan.joints.sort_by_key(waits);
    plan.prompt = plan.joints.partition_point(|joint| !waits(joint));
    let is_part = |id: &&SignatureId| {
        plan.triggers_of(**id).is_empty() && plan.noted.signatures.binary_search(id).is_err()
    };
    let parts = wanted.iter().filter(is_part);
    let parts = parts.filter_map(|&id| Some((id, asking_joints(lowered, &plan.joints, id)?)));
    plan.parts = JointParts::new(&plan.nodes, parts.collect());
    plan
}

/// The joints that ask for a signature, unless one of them has a `not`.
fn asking_joints(
    lowered: &Lowered,
    joints: &[(u16, SignatureId)],
    id: SignatureId,
) -> Option<Vec<u16>> {
    let joint = |at: u16| &lowered.joints[usize::from(at)];
    let asking: Vec<u16> =
        joints.iter().map(|(at, _)| *at).filter(|&at| joint(at).mentions(id)).collect();
    asking.iter().all(|&at| !joint(at).has_not()).then_some(asking)
}

fn add_node(
    lowered: &Lowered,
    nodes: &mut Vec<PlanNode>,
    place: &mut HashMap<StepId, usize>,
    id: StepId,
) {
    if place.contains_key(&id) {
        return;
    }
    let step = lowered.chains.step(id);
    let parent = place.get(&step.parent).copied().unwrap_or(0);
    place.insert(id, nodes.len());
    nodes.push(PlanNode {
        step: id,
        parent,
        transformation: step.transformation,
        triggers: step.triggers,
        patterns: PatternSet::none(lowered.patterns.len()),
        lists: PatternSet::none(lowered.lists.len()),
        pattern_inquiries: Vec::new(),
        list_inquiries: Vec::new(),
        checks: Vec::new(),
        sqli: None,
        xss: None,
    });
}

/// Patterns and phrases are indifferent to the case of a value that they are asked of in lower case,
/// so they are looked for before it is made.
fn ask(nodes: &mut [PlanNode], probe: Probe, inquiry: Inquiry, searched: usize) {
    let Inquiry { signature, node } = inquiry;
    match probe {
        Probe::Pattern(pattern) => {
            nodes[searched].patterns.insert(pattern);
            nodes[searched].pattern_inquiries.push((pattern, inquiry));
        }
        Probe::Phrases(list) => {
            nodes[searched].lists.insert(list);
            nodes[searched].list_inquiries.push((list, inquiry));
        }
        Probe::Check(check) => nodes[node].checks.push((check, signature)),
        Probe::DetectSqli => nodes[node].sqli = Some(signature),
        Probe::DetectXss => nodes[node].xss = Some(signature),
        // A joint is made of signatures that are asked themselves.
        Probe::Joint(_) => {}
    }
}
