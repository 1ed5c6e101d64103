//! A whole value: at hand from its first byte to its last, so nothing need be remembered and
//! patterns can be ruled out before they are run. Nothing is allocated for it.

use super::parts::Parts;
use super::pipeline::{Output, RawHit, ask_libinjection};
use super::scratch::Scratch;
use crate::bytes::ByteSet;
use crate::ruleset::{FieldPlan, PlanNode, RuleSet, SignatureId};
use crate::transform::Transducers;

/// Runs a whole value. Afterwards `scratch.hits` holds what was found and is of consequence (all,
/// for a trace), and `scratch.outputs` what each node made of the value; where there are no hits
/// they may be missing.
pub(super) fn run(
    plan: &FieldPlan,
    ruleset: &RuleSet,
    request: u64,
    input: &[u8],
    scratch: &mut Scratch,
) {
    scratch.hits.clear();
    let traced = scratch.candidates.is_some();
    if !traced && scratch.clean.has(request, plan, input) {
        return;
    }
    let value = Whole { plan, ruleset, input, present: ByteSet::present(input) };
    if plan.sleeps(value.present) {
        value.search_unchanged(scratch);
    } else {
        value.transform(scratch);
        value.gather(scratch);
        (0..plan.nodes.len()).for_each(|leader| value.search(leader, scratch));
    }
    value.ask_each(scratch);
    if !traced {
        Parts { plan, ruleset }.drop_idle(&mut scratch.hits);
    }
    if scratch.hits.is_empty() {
        scratch.clean.add(request, plan, input);
    }
}

/// A value, and what is asked of it.
struct Whole<'a> {
    plan: &'a FieldPlan,
    ruleset: &'a RuleSet,
    input: &'a [u8],
    present: ByteSet,
}

impl Whole<'_> {
    /// Looks once into a value that no step changes, for all nodes.
    fn search_unchanged(&self, scratch: &mut Scratch) {
        let root = Output::root(self.present);
        scratch.outputs.clear();
        scratch.outputs.push(root);
        scratch.outputs.resize(self.plan.nodes.len(), Output { shares: Some(0), ..root });
        let asked = (&self.plan.patterns, &self.plan.lists);
        scratch.search.run(self.ruleset, asked, self.input, self.present);
        self.tell(0, scratch);
    }

    /// Every node's output.
    fn transform(&self, scratch: &mut Scratch) {
        let Scratch { outputs, buffers, transducers, .. } = scratch;
        if buffers.len() < self.plan.nodes.len() {
            buffers.resize_with(self.plan.nodes.len(), Vec::new);
        }
        outputs.clear();
        outputs.push(Output::root(self.present));
        for (at, node) in self.plan.nodes.iter().enumerate().skip(1) {
            let parent = outputs[node.parent];
            let shares = Some(parent.shares.unwrap_or(node.parent));
            let mut output = Output { shares, changed: false, ..parent };
            if !node.sleeps(parent.present) {
                let (before, rest) = buffers.split_at_mut(at);
                let (source, target) = (parent.bytes(self.input, before), &mut rest[0]);
                apply(node, transducers, source, target);
                if target.as_slice() != source {
                    let present = ByteSet::present(target);
                    output = Output { buffer: Some(at), present, shares: None, changed: true };
                    output.shares = self.equal(outputs, &output, buffers);
                }
            }
            outputs.push(output);
        }
    }

    /// The first node with the same output.
    fn equal(&self, outputs: &[Output], new: &Output, buffers: &[Vec<u8>]) -> Option<usize> {
        outputs.iter().position(|known| {
            known.shares.is_none()
                && known.present == new.present
                && known.bytes(self.input, buffers) == new.bytes(self.input, buffers)
        })
    }

    /// Puts together what is asked of equal outputs.
    fn gather(&self, scratch: &mut Scratch) {
        let Scratch { outputs, asked, .. } = scratch;
        if asked.len() < outputs.len() {
            asked.resize_with(outputs.len(), Default::default);
        }
        for (at, (node, output)) in self.plan.nodes.iter().zip(outputs).enumerate() {
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
    fn search(&self, leader: usize, scratch: &mut Scratch) {
        let Scratch { search, outputs, buffers, asked, .. } = scratch;
        let (output, (patterns, lists)) = (outputs[leader], &asked[leader]);
        if output.shares.is_some() || (patterns.is_empty() && lists.is_empty()) {
            return;
        }
        let value = output.bytes(self.input, buffers);
        search.run(self.ruleset, (patterns, lists), value, output.present);
        self.tell(leader, scratch);
    }

    /// Tells what was found in an output to each node that has it.
    fn tell(&self, leader: usize, scratch: &mut Scratch) {
        let Scratch { search, outputs, candidates, hits, .. } = scratch;
        if let Some(known) = candidates {
            known.extend(search.patterns.iter().map(|pattern| (leader, pattern)));
        }
        if !search.found() {
            return;
        }
        for (at, output) in outputs.iter().enumerate().skip(leader) {
            if at == leader || output.shares == Some(leader) {
                search.tell(&self.plan.nodes[at], at, hits);
            }
        }
    }

    /// Asks what each node asks for itself: libinjection last, when it is known what else is there.
    fn ask_each(&self, scratch: &mut Scratch) {
        let Scratch { outputs, buffers, candidates, hits, .. } = scratch;
        let value = |at: usize| outputs[at].bytes(self.input, buffers);
        for &at in &self.plan.asking {
            self.ask_checks(at, value(at), hits);
        }
        let parts = Parts { plan: self.plan, ruleset: self.ruleset };
        for &at in &self.plan.asking {
            let node = &self.plan.nodes[at];
            let wanted = |id: &SignatureId| candidates.is_some() || parts.may_matter(*id, hits);
            let wanted = (node.sqli.filter(wanted), node.xss.filter(wanted));
            ask_libinjection(wanted, at, value(at), hits);
        }
    }

    fn ask_checks(&self, at: usize, value: &[u8], hits: &mut Vec<RawHit>) {
        for &(check, signature) in &self.plan.nodes[at].checks {
            let check = &self.ruleset.checks[usize::from(check)];
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
}

fn apply(node: &PlanNode, transducers: &mut Transducers, source: &[u8], target: &mut Vec<u8>) {
    target.clear();
    if let Some(transformation) = node.transformation {
        let transducer = transducers.fresh(transformation);
        transducer.feed(source, target);
        transducer.finish(target);
    }
}
