//! A whole value: at hand from its first byte to its last, so nothing need be remembered and
//! patterns can be ruled out before they are run. Nothing is allocated for it.

use super::pipeline::{Output, RawHit, ask_libinjection};
use super::scratch::Scratch;
use crate::automaton::{Hit, PatternSet, Waiting};
use crate::bytes::ByteSet;
use crate::ruleset::{FieldPlan, PlanNode, RuleSet};
use crate::transform::Transducers;

/// What is asked of one output, and what was found in it.
#[derive(Debug, Default)]
pub(super) struct Search {
    patterns: PatternSet,
    lists: PatternSet,
    pattern_hits: Vec<Hit>,
    list_hits: Vec<Hit>,
    waiting: Waiting,
}

/// Runs a whole value. Afterwards `scratch.hits` holds what was found and `scratch.outputs` what
/// each node made of the value; where nothing was found they may be missing.
pub(super) fn run(plan: &FieldPlan, ruleset: &RuleSet, input: &[u8], scratch: &mut Scratch) {
    scratch.hits.clear();
    let traced = scratch.candidates.is_some();
    if !traced && scratch.clean.has(plan, input) {
        return;
    }
    let present = ByteSet::present(input);
    if plan.sleeps(present) {
        run_unchanged(plan, ruleset, input, present, scratch);
    } else {
        run_steps(plan, ruleset, input, present, scratch);
    }
    if scratch.hits.is_empty() {
        scratch.clean.add(plan, input);
    }
}

/// Runs a value that no step changes: every node has the same.
fn run_unchanged(
    plan: &FieldPlan,
    ruleset: &RuleSet,
    input: &[u8],
    present: ByteSet,
    scratch: &mut Scratch,
) {
    let Scratch { search, outputs, candidates, hits, .. } = scratch;
    search.patterns.copy_from(&plan.patterns);
    search.lists.copy_from(&plan.lists);
    search.run(ruleset, input, present);
    if let Some(known) = candidates {
        known.extend(search.patterns.iter().map(|pattern| (0, pattern)));
    }
    if search.found() {
        let nodes = plan.nodes.iter().enumerate();
        nodes.for_each(|(at, node)| search.tell(node, at, hits));
    }
    for &at in &plan.asking {
        ask(&plan.nodes[at], ruleset, at, input, hits);
    }
    if !hits.is_empty() || candidates.is_some() {
        let root = Output::root(present);
        outputs.clear();
        outputs.push(root);
        outputs.resize(plan.nodes.len(), Output { shares: Some(0), ..root });
    }
}

/// Runs a value through the steps, and looks once into each distinct output.
fn run_steps(
    plan: &FieldPlan,
    ruleset: &RuleSet,
    input: &[u8],
    present: ByteSet,
    scratch: &mut Scratch,
) {
    transform(plan, input, present, scratch);
    gather(plan, scratch);
    (0..plan.nodes.len()).for_each(|leader| search(plan, ruleset, leader, input, scratch));
    for &at in &plan.asking {
        let value = scratch.outputs[at].bytes(input, &scratch.buffers);
        ask(&plan.nodes[at], ruleset, at, value, &mut scratch.hits);
    }
}

/// Every node's output.
fn transform(plan: &FieldPlan, input: &[u8], present: ByteSet, scratch: &mut Scratch) {
    let Scratch { outputs, buffers, transducers, .. } = scratch;
    if buffers.len() < plan.nodes.len() {
        buffers.resize_with(plan.nodes.len(), Vec::new);
    }
    outputs.clear();
    outputs.push(Output::root(present));
    for (at, node) in plan.nodes.iter().enumerate().skip(1) {
        let parent = outputs[node.parent];
        let leader = Some(parent.shares.unwrap_or(node.parent));
        let mut output = Output { shares: leader, changed: false, ..parent };
        if !node.sleeps(parent.present) {
            let (before, rest) = buffers.split_at_mut(at);
            let (source, target) = (parent.bytes(input, before), &mut rest[0]);
            apply(node, transducers, source, target);
            if target.as_slice() != source {
                output = Output {
                    buffer: Some(at),
                    present: ByteSet::present(target),
                    shares: None,
                    changed: true,
                };
                output.shares = equal(outputs, &output, input, buffers);
            }
        }
        outputs.push(output);
    }
}

fn apply(node: &PlanNode, transducers: &mut Transducers, source: &[u8], target: &mut Vec<u8>) {
    target.clear();
    if let Some(transformation) = node.transformation {
        let transducer = transducers.fresh(transformation);
        transducer.feed(source, target);
        transducer.finish(target);
    }
}

/// The first node with the same output.
fn equal(outputs: &[Output], new: &Output, input: &[u8], buffers: &[Vec<u8>]) -> Option<usize> {
    outputs.iter().position(|known| {
        known.shares.is_none()
            && known.present == new.present
            && known.bytes(input, buffers) == new.bytes(input, buffers)
    })
}

/// Puts together what is asked of equal outputs.
fn gather(plan: &FieldPlan, scratch: &mut Scratch) {
    let Scratch { outputs, asked, .. } = scratch;
    if asked.len() < plan.nodes.len() {
        asked.resize_with(plan.nodes.len(), Default::default);
    }
    for (at, (node, output)) in plan.nodes.iter().zip(outputs).enumerate() {
        let (patterns, lists) = &mut asked[output.shares.unwrap_or(at)];
        if output.shares.is_none() {
            patterns.copy_from(&node.patterns);
            lists.copy_from(&node.lists);
        } else {
            patterns.union_with(&node.patterns);
            lists.union_with(&node.lists);
        }
    }
}

/// Looks once into an output, for its first node and all that have the same.
fn search(plan: &FieldPlan, ruleset: &RuleSet, leader: usize, input: &[u8], scratch: &mut Scratch) {
    let Scratch { search, outputs, buffers, asked, candidates, hits, .. } = scratch;
    let (patterns, lists) = &asked[leader];
    let output = outputs[leader];
    if output.shares.is_some() || (patterns.is_empty() && lists.is_empty()) {
        return;
    }
    search.patterns.copy_from(patterns);
    search.lists.copy_from(lists);
    search.run(ruleset, output.bytes(input, buffers), output.present);
    if let Some(known) = candidates {
        known.extend(search.patterns.iter().map(|pattern| (leader, pattern)));
    }
    if search.found() {
        let members = outputs.iter().enumerate().skip(leader);
        members
            .filter(|(at, output)| *at == leader || output.shares == Some(leader))
            .for_each(|(at, _)| search.tell(&plan.nodes[at], at, hits));
    }
}

impl Search {
    /// Finds what is asked, pattern by pattern where the gate does not rule them out. Those that
    /// were run are left in `patterns`.
    fn run(&mut self, ruleset: &RuleSet, value: &[u8], present: ByteSet) {
        self.pattern_hits.clear();
        self.list_hits.clear();
        ruleset.gate.narrow(value, present, &mut self.patterns, &mut self.waiting);
        for pattern in self.patterns.iter() {
            if let Some((start, end)) = ruleset.patterns[pattern.index()].find(value, 0) {
                let (start, end) = (start as u64, end as u64);
                self.pattern_hits.push(Hit { pattern, start: Some(start), end, needed: end });
            }
        }
        ruleset.phrases.narrow(present, &mut self.lists);
        if !self.lists.is_empty() {
            let cursor = &mut ruleset.phrases.start();
            ruleset.phrases.scan(cursor, value, &mut self.lists, &mut self.list_hits);
        }
    }

    fn found(&self) -> bool {
        !self.pattern_hits.is_empty() || !self.list_hits.is_empty()
    }

    /// Turns what was found into hits of the signatures that a node asked for.
    fn tell(&self, node: &PlanNode, at: usize, hits: &mut Vec<RawHit>) {
        let told = |hit: &Hit, signature| RawHit {
            signature,
            node: at,
            start: hit.start,
            end: hit.end,
            needed: Some(hit.needed),
        };
        let of_pattern = |hit| Some(told(hit, node.pattern_signature(hit.pattern)?));
        hits.extend(self.pattern_hits.iter().filter_map(of_pattern));
        let of_list = |hit| Some(told(hit, node.list_signature(hit.pattern)?));
        hits.extend(self.list_hits.iter().filter_map(of_list));
    }
}

/// Asks what each node asks for itself.
fn ask(node: &PlanNode, ruleset: &RuleSet, at: usize, value: &[u8], hits: &mut Vec<RawHit>) {
    ask_checks(node, ruleset, at, value, hits);
    ask_libinjection(node, at, value, hits);
}

fn ask_checks(node: &PlanNode, ruleset: &RuleSet, at: usize, value: &[u8], hits: &mut Vec<RawHit>) {
    for &(check, signature) in &node.checks {
        let check = &ruleset.checks[usize::from(check)];
        let mut state = check.start();
        if let Some(end) = check.feed(&mut state, value) {
            let end = end as u64;
            let start = Some(end.saturating_sub(1));
            hits.push(RawHit { signature, node: at, start, end, needed: Some(end) });
        } else if check.finish(state) {
            let end = value.len() as u64;
            hits.push(RawHit { signature, node: at, start: Some(0), end, needed: None });
        }
    }
}
