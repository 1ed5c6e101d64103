//! A value longer than the window, piece by piece: every step and every automaton goes on where it
//! was.

use super::pipeline::{Output, Piece, RawHit, Then, ask_libinjection};
use super::scratch::Scratch;
use crate::automaton::{self, Cursors, Hit, PatternSet, PhraseCursor, Work};
use crate::bytes::ByteSet;
use crate::limits;
use crate::operator::CheckState;
use crate::ruleset::{FieldPlan, PlanNode, RuleSet, SignatureId};
use crate::transform::Transducer;

/// What one node remembers between the pieces of a value.
#[derive(Clone, Debug)]
pub(super) struct NodeState {
    /// The transformation at work; `None` for the root.
    pub(super) transducer: Option<Transducer>,
    cursors: Cursors,
    phrases: PhraseCursor,
    patterns: PatternSet,
    lists: PatternSet,
    checks: Vec<Option<CheckState>>,
    /// Bytes of output before this piece.
    pub(super) produced: u64,
    /// The last bytes of output before this piece, for starts of matches in streams.
    pub(super) tail: Vec<u8>,
    /// It needed the whole value and is done, or nothing is asked any more of it and those below.
    dead: bool,
}

impl NodeState {
    fn new(node: &PlanNode, ruleset: &RuleSet) -> Self {
        let start =
            |&(check, _): &(u16, SignatureId)| Some(ruleset.checks[usize::from(check)].start());
        Self {
            transducer: node.transformation.map(Transducer::new),
            cursors: ruleset.automata.start(),
            phrases: ruleset.phrases.start(),
            patterns: node.patterns.clone(),
            lists: node.lists.clone(),
            checks: node.checks.iter().map(start).collect(),
            produced: 0,
            tail: Vec::new(),
            dead: false,
        }
    }

    /// The nodes of whose outputs something is still asked.
    fn asked<'a>(&'a self, node: &'a PlanNode) -> impl Iterator<Item = usize> + 'a {
        let patterns = node.pattern_inquiries.iter();
        let patterns = patterns.filter(|(pattern, _)| self.patterns.contains(*pattern));
        let lists = node.list_inquiries.iter().filter(|(list, _)| self.lists.contains(*list));
        patterns.chain(lists).map(|(_, inquiry)| inquiry.node)
    }

    /// Whether two nodes with equal output go on equally.
    fn runs_like(&self, other: &Self) -> bool {
        self.produced == other.produced
            && self.cursors == other.cursors
            && self.phrases == other.phrases
    }

    /// Whether the transformation has nothing open.
    fn is_idle(&self) -> bool {
        self.transducer.as_ref().is_none_or(Transducer::is_idle)
    }

    fn apply(&mut self, source: &[u8], finish: bool, target: &mut Vec<u8>) {
        target.clear();
        if let Some(transducer) = &mut self.transducer {
            transducer.feed(source, target);
            if finish {
                transducer.finish(target);
            }
        }
    }

    /// Turns what a run found into hits of the signatures that the node still asks for.
    fn tell(&mut self, node: &PlanNode, found: &Found, hits: &mut Vec<RawHit>) {
        for (number, hit) in found.patterns.iter().enumerate() {
            if self.patterns.remove(hit.pattern) {
                let needed = (number < found.before_end).then_some(hit.needed);
                let asking = node.asking_pattern(hit.pattern);
                hits.extend(asking.map(|inquiry| RawHit::of(inquiry, hit, needed)));
            }
        }
        for hit in &found.lists {
            if self.lists.remove(hit.pattern) {
                let asking = node.asking_list(hit.pattern);
                hits.extend(asking.map(|inquiry| RawHit::of(inquiry, hit, Some(hit.end))));
            }
        }
    }

    /// Takes no part any more, and needs no memory.
    fn die(&mut self) {
        self.dead = true;
        self.tail = Vec::new();
    }

    fn keep_tail(&mut self, value: &[u8]) {
        let kept = value.len().min(limits::STREAM_TAIL);
        let over = (self.tail.len() + kept).saturating_sub(limits::STREAM_TAIL);
        self.tail.drain(..over.min(self.tail.len()));
        // All of it at once: growing step by step may end at twice that.
        self.tail.reserve_exact(limits::STREAM_TAIL - self.tail.len());
        self.tail.extend_from_slice(&value[value.len() - kept..]);
    }
}

/// Starts the states of a value.
pub(super) fn start(plan: &FieldPlan, ruleset: &RuleSet) -> Vec<NodeState> {
    plan.nodes.iter().map(|node| NodeState::new(node, ruleset)).collect()
}

/// Runs a piece. Afterwards `scratch.hits` holds what was found and `scratch.outputs` what each
/// node made of the piece.
pub(super) fn run(
    step: &Step<'_>,
    states: &mut [NodeState],
    work: &mut Work,
    scratch: &mut Scratch,
) {
    let Scratch { hits, outputs, buffers, automata, .. } = scratch;
    hits.clear();
    step.transform(states, outputs, buffers);
    let mut questions = step.questions(states, outputs);
    let output = |at: usize| outputs[at].bytes(step.input, buffers);
    step.search(&mut questions, states, output, (work, automata));
    for question in &questions {
        step.tell(question, states, outputs, hits);
    }
    for (at, state) in states.iter_mut().enumerate().filter(|(_, state)| !state.dead) {
        let (node, value) = (&step.plan.nodes[at], output(at));
        step.ask_checks(at, state, value, hits);
        if step.piece.first && step.piece.then != Then::More {
            let value = (value, outputs[at].present);
            ask_libinjection((node.sqli, node.xss), at, value, hits);
        }
        state.produced += value.len() as u64;
    }
}

/// Ends a piece: keeps the tails for the next and lays down what needed the whole value.
pub(super) fn settle(step: &Step<'_>, states: &mut [NodeState], scratch: &Scratch) {
    if step.piece.then == Then::End {
        return;
    }
    // Whatever is found is asked no more; without, all is as it was.
    let may_end = step.piece.first || !scratch.hits.is_empty();
    let is_wanted = may_end.then(|| wanted(step.plan, states));
    for (at, state) in states.iter_mut().enumerate().filter(|(_, state)| !state.dead) {
        state.keep_tail(scratch.outputs[at].bytes(step.input, &scratch.buffers));
        let is_done = step.piece.then == Then::Window && needs_all(step.plan, at);
        if is_done || is_wanted.as_ref().is_some_and(|wanted| !wanted[at]) {
            state.die();
        }
    }
}

/// Of which nodes something is still asked, or of one below them.
fn wanted(plan: &FieldPlan, states: &[NodeState]) -> Vec<bool> {
    let mut wanted = vec![false; states.len()];
    for (at, (node, state)) in plan.nodes.iter().zip(states).enumerate() {
        wanted[at] |= state.checks.iter().any(Option::is_some);
        // What is asked of a lower case may be found in the output before it.
        for asked in state.asked(node) {
            wanted[at] = true;
            wanted[asked] = true;
        }
    }
    // Parents stand before their children.
    for (at, node) in plan.nodes.iter().enumerate().rev() {
        wanted[node.parent] |= wanted[at];
    }
    wanted
}

/// Whether a node, or one before it, cannot go on beyond the window.
fn needs_all(plan: &FieldPlan, node: usize) -> bool {
    let mut at = node;
    loop {
        let Some(transformation) = plan.nodes[at].transformation else { return false };
        if !transformation.streams() {
            return true;
        }
        at = plan.nodes[at].parent;
    }
}

/// A piece of a value, and what is asked of it.
pub(super) struct Step<'a> {
    pub(super) plan: &'a FieldPlan,
    pub(super) ruleset: &'a RuleSet,
    pub(super) input: &'a [u8],
    pub(super) piece: Piece,
}

/// What is asked of one output, for all nodes that share it.
struct Question {
    /// The first of them.
    leader: usize,
    patterns: PatternSet,
    lists: PatternSet,
    found: Found,
}

/// What was found in one output.
#[derive(Default)]
struct Found {
    patterns: Vec<Hit>,
    /// Those of them that needed no more than bytes; the others needed the end.
    before_end: usize,
    lists: Vec<Hit>,
}

impl Step<'_> {
    /// Every node's output of the piece.
    fn transform(
        &self,
        states: &mut [NodeState],
        outputs: &mut Vec<Output>,
        buffers: &mut Vec<Vec<u8>>,
    ) {
        if buffers.len() < states.len() {
            buffers.resize_with(states.len(), Vec::new);
        }
        outputs.clear();
        outputs.push(Output::root(ByteSet::present(self.input)));
        for at in 1..states.len() {
            let mut output = self.output(at, &mut states[at], outputs, buffers);
            output.shares =
                (0..at).find(|&known| self.shares(known, at, states, outputs, &output, buffers));
            outputs.push(output);
        }
    }

    /// What a node makes of its parent's output.
    fn output(
        &self,
        at: usize,
        state: &mut NodeState,
        outputs: &[Output],
        buffers: &mut [Vec<u8>],
    ) -> Output {
        let node = &self.plan.nodes[at];
        let parent = outputs[node.parent];
        let unchanged = Output { shares: None, changed: false, ..parent };
        if state.dead || (state.is_idle() && node.sleeps(parent.present)) {
            return unchanged;
        }
        let (before, rest) = buffers.split_at_mut(at);
        let (source, target) = (parent.bytes(self.input, before), &mut rest[0]);
        state.apply(source, self.ends(at), target);
        if target.as_slice() == source {
            return unchanged;
        }
        let present = ByteSet::present(target);
        Output { buffer: Some(at), present, shares: None, changed: true }
    }

    /// Whether a node goes on as an earlier one does. A dead one sees nothing any more, so it
    /// shares nothing either.
    fn shares(
        &self,
        known: usize,
        at: usize,
        states: &[NodeState],
        outputs: &[Output],
        output: &Output,
        buffers: &[Vec<u8>],
    ) -> bool {
        let bytes = |output: &Output| output.bytes(self.input, buffers);
        outputs[known].shares.is_none()
            && !states[at].dead
            && !states[known].dead
            && states[known].runs_like(&states[at])
            && self.ends(known) == self.ends(at)
            && bytes(&outputs[known]) == bytes(output)
    }

    /// Whether a node's value ends with the piece.
    fn ends(&self, node: usize) -> bool {
        match self.piece.then {
            Then::More => false,
            Then::Window => needs_all(self.plan, node),
            Then::End => true,
        }
    }

    /// What is asked of each output.
    fn questions(&self, states: &[NodeState], outputs: &[Output]) -> Vec<Question> {
        let leads = |at: &usize| outputs[*at].shares.is_none() && !states[*at].dead;
        let question = |leader: usize| {
            let mut patterns = states[leader].patterns.clone();
            let mut lists = states[leader].lists.clone();
            for member in members(outputs, leader).skip(1) {
                patterns.union_with(&states[member].patterns);
                lists.union_with(&states[member].lists);
            }
            Question { leader, patterns, lists, found: Found::default() }
        };
        (0..states.len()).filter(leads).map(question).collect()
    }

    /// Answers them: the automata run over all outputs side by side.
    fn search<'a>(
        &self,
        questions: &mut [Question],
        states: &mut [NodeState],
        output: impl Fn(usize) -> &'a [u8],
        (work, memory): (&mut Work, &mut automaton::Scratch),
    ) {
        let RuleSet { automata, phrases, gate, .. } = self.ruleset;
        let mut asked = questions.iter_mut().peekable();
        let pieces = states.iter_mut().enumerate().filter_map(|(at, state)| {
            let question = asked.next_if(|question| question.leader == at)?;
            let (cursors, wanted) = (&mut state.cursors, &mut question.patterns);
            let hits = &mut question.found.patterns;
            (!wanted.is_empty()).then_some(automaton::Piece {
                cursors,
                bytes: output(at),
                wanted,
                hits,
            })
        });
        automata.scan_all(&mut pieces.collect::<Vec<_>>(), work, memory);
        for Question { leader, patterns, lists, found } in questions {
            let state = &mut states[*leader];
            found.before_end = found.patterns.len();
            if self.piece.then == Then::End && !patterns.is_empty() {
                let hits = &mut found.patterns;
                automata.finish(&mut state.cursors, patterns, work, memory, hits);
            }
            if !lists.is_empty() {
                let (cursor, hits) = (&mut state.phrases, &mut found.lists);
                phrases.scan_gated(gate, cursor, output(*leader), lists, hits);
            }
        }
    }

    /// Tells each node that shares an output what it asked for; all go on from where the run is.
    fn tell(
        &self,
        Question { leader, found, .. }: &Question,
        states: &mut [NodeState],
        outputs: &[Output],
        hits: &mut Vec<RawHit>,
    ) {
        let (cursors, phrases) = (states[*leader].cursors.clone(), states[*leader].phrases);
        for member in members(outputs, *leader) {
            let state = &mut states[member];
            state.tell(&self.plan.nodes[member], found, hits);
            state.cursors.clone_from(&cursors);
            state.phrases = phrases;
        }
    }

    fn ask_checks(&self, at: usize, state: &mut NodeState, value: &[u8], hits: &mut Vec<RawHit>) {
        let checks = self.plan.nodes[at].checks.iter();
        for (&(check, signature), slot) in checks.zip(&mut state.checks) {
            let Some(memory) = slot else { continue };
            let check = &self.ruleset.checks[usize::from(check)];
            if let Some(end) = check.feed(memory, value) {
                let end = state.produced + end as u64;
                let start = Some(end.saturating_sub(1));
                hits.push(RawHit { signature, node: at, start, end, needed: Some(end) });
                *slot = None;
            } else if self.piece.then == Then::End
                && let Some(memory) = slot.take()
                && check.finish(memory)
            {
                let end = state.produced + value.len() as u64;
                hits.push(RawHit { signature, node: at, start: Some(0), end, needed: None });
            }
        }
    }
}

/// A node and those that share its output.
fn members(outputs: &[Output], leader: usize) -> impl Iterator<Item = usize> {
    let shares = move |(at, output): (usize, &Output)| {
        (at == leader || output.shares == Some(leader)).then_some(at)
    };
    outputs.iter().enumerate().skip(leader).filter_map(shares)
}
