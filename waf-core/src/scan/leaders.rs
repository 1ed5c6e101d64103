//! The different outputs that the steps of a plan make of one whole value.
//!
//! A plan has some dozens of nodes, and of a common value they make two or three different outputs.
//! Each is a *leader*: it is scanned once, for all nodes that have it. Steps that the value does not
//! wake are not even looked at: the plan knows them together (`ruleset/closure.rs`).

use super::pipeline::Output;
use super::search::Search;
use crate::automaton::{Asked, Found, Gate, Occurs, PatternSet};
use crate::bytes::ByteSet;
use crate::rule::Transformation;
use crate::ruleset::{Awake, Closure, FieldPlan, RuleSet};
use crate::transform::Transducers;

/// The outputs of one value; their memory is kept for the next.
#[derive(Debug, Default)]
pub(super) struct Leaders {
    all: Vec<Leader>,
    /// How many of them count.
    count: usize,
    /// Nodes to run, and whose output they change, the next one last.
    waiting: Vec<(Awake, usize)>,
    /// What was done to which leader, and which one came out.
    done: Vec<(usize, Transformation, usize)>,
    spare: Closure,
    /// For each node the leader whose output it has; of nodes that are not asked it is not known.
    of_node: Vec<Option<usize>>,
}

/// One output, and everything that is asked of it.
#[derive(Debug, Default)]
pub(super) struct Leader {
    /// The node whose buffer holds it; `None`: it is the input.
    buffer: Option<usize>,
    length: usize,
    /// The bytes that occur in it.
    pub(super) present: ByteSet,
    /// The nodes that have it.
    pub(super) nodes: Vec<usize>,
    /// Patterns that any of them wants.
    pub(super) patterns: Asked,
    /// Phrase lists that any of them wants.
    pub(super) lists: PatternSet,
    /// Those of them with checks, or of libinjection.
    pub(super) asking: Vec<usize>,
    /// Whose literals occur in it; nobody's before [`Leaders::sift`].
    pub(super) found: Found,
    /// Patterns that may match it, and that only joints ask for: they wait for what else is found.
    pub(super) waiting: PatternSet,
}

impl Leader {
    /// The bytes.
    pub(super) fn bytes<'a>(&self, input: &'a [u8], buffers: &'a [Vec<u8>]) -> &'a [u8] {
        match self.buffer {
            Some(node) => &buffers[node],
            None => input,
        }
    }

    /// What occurs in them.
    pub(super) fn occurs<'a>(&'a self, input: &'a [u8], buffers: &'a [Vec<u8>]) -> Occurs<'a> {
        let value = self.bytes(input, buffers);
        Occurs { value, present: self.present, found: &self.found }
    }

    /// Leaves of what is asked what may match, also to be looked for.
    pub(super) fn narrow(
        &mut self,
        search: &mut Search,
        ruleset: &RuleSet,
        input: &[u8],
        buffers: &[Vec<u8>],
    ) {
        let value = self.bytes(input, buffers);
        let occurs = Occurs { value, present: self.present, found: &self.found };
        search.narrow(ruleset, &mut self.patterns, occurs);
    }

    /// The first of its nodes.
    pub(super) fn first(&self) -> usize {
        self.nodes.iter().copied().min().unwrap_or(0)
    }

    fn restart(&mut self, buffer: Option<usize>, (length, present): (usize, ByteSet)) {
        self.buffer = buffer;
        self.length = length;
        self.present = present;
        self.nodes.clear();
        self.patterns.clear();
        self.lists.clear();
        self.asking.clear();
        self.found.clear();
        self.waiting.clear();
    }

    fn join(&mut self, closure: &Closure) {
        self.nodes.extend_from_slice(&closure.nodes);
        self.patterns.union_with(&closure.patterns);
        self.lists.union_with(&closure.lists);
        self.asking.extend_from_slice(&closure.asking);
    }
}

impl Leaders {
    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn get(&self, at: usize) -> &Leader {
        &self.all[at]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Leader> {
        self.all.iter().take(self.count)
    }

    /// One of them, to change.
    pub(super) fn get_mut(&mut self, at: usize) -> &mut Leader {
        &mut self.all[at]
    }

    /// Takes out of what is asked of a leader what the kinds of its bytes rule out.
    pub(super) fn rule_out(&mut self, at: usize, gate: &Gate) {
        let leader = &mut self.all[at];
        gate.rule_out(leader.present, &mut leader.patterns);
    }

    /// Looks which literals occur in a leader's output, and where phrases of these lists may stand.
    pub(super) fn sift(
        &mut self,
        at: usize,
        (gate, lists): (&Gate, &PatternSet),
        input: &[u8],
        buffers: &[Vec<u8>],
    ) {
        let leader = &mut self.all[at];
        gate.sift(leader.bytes(input, buffers), lists, &mut leader.found);
    }

    /// Makes every output of a value.
    pub(super) fn gather(
        &mut self,
        (plan, gate): (&FieldPlan, &Gate),
        input: &[u8],
        buffers: &mut Vec<Vec<u8>>,
        transducers: &mut Transducers,
    ) {
        self.count = 0;
        self.waiting.clear();
        self.done.clear();
        if plan.nodes.is_empty() {
            return;
        }
        if buffers.len() < plan.nodes.len() {
            buffers.resize_with(plan.nodes.len(), Vec::new);
        }
        let root = self.open(None, (input.len(), ByteSet::present(input)));
        self.join((plan, gate), 0, root);
        while let Some((awake, parent)) = self.waiting.pop() {
            if let Some(leader) = self.after(plan, awake, parent, input, buffers, transducers) {
                self.join((plan, gate), awake.node, leader);
            }
        }
    }

    /// The leader that a node makes of another one. Many nodes do the same to the same. `None`: what
    /// it makes is too short for anything to be found.
    fn after(
        &mut self,
        plan: &FieldPlan,
        awake: Awake,
        parent: usize,
        input: &[u8],
        buffers: &mut [Vec<u8>],
        transducers: &mut Transducers,
    ) -> Option<usize> {
        let at = awake.node;
        // Only the root is without.
        let Some(transformation) = plan.nodes[at].transformation else { return Some(parent) };
        let same =
            |&&(of, by, _): &&(usize, Transformation, usize)| (of, by) == (parent, transformation);
        if let Some(&(_, _, leader)) = self.done.iter().find(same) {
            return Some(leader);
        }
        let mut made = std::mem::take(&mut buffers[at]);
        made.clear();
        let transducer = transducers.fresh(transformation);
        transducer.feed(self.all[parent].bytes(input, buffers), &mut made);
        transducer.finish(&mut made);
        let is_short = made.len() < awake.least_output;
        buffers[at] = made;
        if is_short {
            return None;
        }
        let leader = self.leader(at, parent, input, buffers);
        self.done.push((parent, transformation, leader));
        Some(leader)
    }

    /// Says of each node what it made of the value, or would make, if nothing is asked of it.
    pub(super) fn tell_outputs(
        &mut self,
        plan: &FieldPlan,
        input: &[u8],
        buffers: &mut [Vec<u8>],
        transducers: &mut Transducers,
        outputs: &mut Vec<Output>,
    ) {
        let mut of_node = std::mem::take(&mut self.of_node);
        of_node.clear();
        of_node.resize(plan.nodes.len(), None);
        for (at, leader) in self.iter().enumerate() {
            leader.nodes.iter().for_each(|&node| of_node[node] = Some(at));
        }
        // Parents stand before their children, and the root has a leader.
        for (at, node) in plan.nodes.iter().enumerate() {
            let parent = of_node[node.parent].unwrap_or(0);
            if of_node[at].is_none() {
                let leader = if node.sleeps(self.all[parent].present) {
                    parent
                } else {
                    let awake = Awake { node: at, least_input: 0, least_output: 0 };
                    let made = self.after(plan, awake, parent, input, buffers, transducers);
                    made.unwrap_or(parent)
                };
                self.all[leader].nodes.push(at);
                of_node[at] = Some(leader);
            }
        }
        self.tell(plan, &of_node, outputs);
        self.of_node = of_node;
    }

    fn tell(&self, plan: &FieldPlan, of_node: &[Option<usize>], outputs: &mut Vec<Output>) {
        outputs.clear();
        for (node, &leader) in of_node.iter().enumerate() {
            let at = leader.unwrap_or(0);
            let leader = &self.all[at];
            let parent = of_node[plan.nodes[node].parent].unwrap_or(0);
            let first = leader.first();
            outputs.push(Output {
                buffer: leader.buffer,
                present: leader.present,
                shares: (first != node).then_some(first),
                changed: at != parent,
            });
        }
    }

    /// The leader with the output that a node just made: its parent's, another, or a new one.
    fn leader(&mut self, node: usize, parent: usize, input: &[u8], buffers: &[Vec<u8>]) -> usize {
        let output = buffers[node].as_slice();
        if self.all[parent].bytes(input, buffers) == output {
            return parent;
        }
        let present = ByteSet::present(output);
        let same =
            |known: &Leader| known.present == present && known.bytes(input, buffers) == output;
        let known = self.iter().position(same);
        known.unwrap_or_else(|| self.open(Some(node), (output.len(), present)))
    }

    fn open(&mut self, buffer: Option<usize>, looks: (usize, ByteSet)) -> usize {
        let at = self.count;
        if self.all.len() == at {
            self.all.push(Leader::default());
        }
        self.all[at].restart(buffer, looks);
        self.count += 1;
        at
    }

    /// A node has a leader's output, and so have those below it that pass it unchanged.
    fn join(&mut self, (plan, gate): (&FieldPlan, &Gate), node: usize, leader: usize) {
        let closure = plan.closure(node, self.all[leader].present, gate, &mut self.spare);
        self.all[leader].join(closure);
        let length = self.all[leader].length;
        let awake = closure.awake.iter().rev().filter(|awake| awake.least_input <= length);
        self.waiting.extend(awake.map(|&awake| (awake, leader)));
    }
}
