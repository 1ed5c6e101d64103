//! One piece of a value through the steps of its plan.
//!
//! Most values are the same after most steps. So each step first asks whether its parent's output
//! holds a byte that could wake it; outputs that are equal, in equal states, are scanned once; and
//! what was found is told to every step that shares the run.

use super::scratch::Scratch;
use crate::automaton::{Cursors, PatternSet, PhraseCursor, Work};
use crate::bytes::ByteSet;
use crate::limits;
use crate::operator::{self, CheckState};
use crate::ruleset::{FieldPlan, PlanNode, RuleSet, SignatureId};
use crate::transform::Transducer;

/// Where a piece stands in its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// It begins the value.
    pub(super) first: bool,
    /// What follows it.
    pub(super) then: Then,
}

/// What follows a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// More of the value.
    More,
    /// More, but the window ends here: what needs the whole value is done with what it has.
    Window,
    /// Nothing: the value ends.
    End,
}

/// What one node remembers between the pieces of a value.
#[derive(Clone, Debug)]
pub(super) struct NodeState {
    /// The transformation at work; `None` for the root.
    pub(super) transducer: Option<Transducer>,
    /// Where the automata are; a value that comes whole needs none.
    cursors: Option<Cursors>,
    phrases: PhraseCursor,
    patterns: PatternSet,
    lists: PatternSet,
    checks: Vec<Option<CheckState>>,
    /// Bytes of output before this piece.
    pub(super) produced: u64,
    /// The last bytes of output before this piece, for starts of matches in streams.
    pub(super) tail: Vec<u8>,
    /// It needed the whole value and is done.
    dead: bool,
}

/// Something found at a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RawHit {
    pub(super) signature: SignatureId,
    pub(super) node: usize,
    /// First byte in the node's output, where the scan itself knows it.
    pub(super) start: Option<u64>,
    /// One past the last byte in the node's output.
    pub(super) end: u64,
    /// Output bytes that had to be known; `None`: all of the value so far.
    pub(super) needed: Option<u64>,
}

impl NodeState {
    fn new(node: &PlanNode, ruleset: &RuleSet, whole: bool) -> Self {
        let start =
            |&(check, _): &(u16, SignatureId)| Some(ruleset.checks[usize::from(check)].start());
        Self {
            transducer: node.transformation.map(Transducer::new),
            cursors: (!whole).then(|| ruleset.automata.start()),
            phrases: ruleset.phrases.start(),
            patterns: node.patterns.clone(),
            lists: node.lists.clone(),
            checks: node.checks.iter().map(start).collect(),
            produced: 0,
            tail: Vec::new(),
            dead: false,
        }
    }

    /// Whether two nodes with equal output go on equally.
    fn runs_like(&self, other: &Self) -> bool {
        self.produced == other.produced
            && self.cursors == other.cursors
            && self.phrases == other.phrases
    }
}

/// Starts the states of a value.
pub(super) fn start(plan: &FieldPlan, ruleset: &RuleSet, whole: bool, states: &mut Vec<NodeState>) {
    states.clear();
    states.extend(plan.nodes.iter().map(|node| NodeState::new(node, ruleset, whole)));
}

/// Runs a piece. Afterwards `scratch.hits` holds what was found and `scratch.outputs[node]` what
/// each node made of the piece, where [`source_of`] says so.
pub(super) fn run(
    plan: &FieldPlan,
    ruleset: &RuleSet,
    states: &mut [NodeState],
    input: &[u8],
    piece: Piece,
    work: &mut Work,
    scratch: &mut Scratch,
) -> Vec<Output> {
    scratch.hits.clear();
    let outputs = transform(plan, states, input, piece, &mut scratch.outputs);
    for node in 0..plan.nodes.len() {
        if outputs[node].shares.is_some() || states[node].dead {
            continue;
        }
        scan_group(plan, ruleset, states, input, piece, &outputs, node, work, scratch);
    }
    for (node, state) in states.iter_mut().enumerate() {
        if state.dead {
            continue;
        }
        let value = outputs[node].bytes(input, &scratch.outputs);
        ask_checks(&plan.nodes[node], ruleset, state, node, value, piece, &mut scratch.hits);
        ask_libinjection(&plan.nodes[node], node, value, piece, &mut scratch.hits);
        state.produced += value.len() as u64;
    }
    outputs
}

/// Ends a piece: keeps the tails for the next and lays down what needed the whole value.
pub(super) fn settle(
    plan: &FieldPlan,
    states: &mut [NodeState],
    outputs: &[Output],
    input: &[u8],
    piece: Piece,
    scratch: &Scratch,
) {
    if piece.then == Then::End {
        return;
    }
    for node in 0..states.len() {
        let value = outputs[node].bytes(input, &scratch.outputs);
        let tail = &mut states[node].tail;
        let kept = value.len().min(limits::STREAM_TAIL);
        let over = (tail.len() + kept).saturating_sub(limits::STREAM_TAIL);
        tail.drain(..over.min(tail.len()));
        tail.extend_from_slice(&value[value.len() - kept..]);
        if piece.then == Then::Window && needs_all(plan, node) {
            states[node].dead = true;
        }
    }
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

/// What a node made of a piece.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    /// The node whose buffer holds it; `None`: it is the input.
    buffer: Option<usize>,
    /// The bytes that occur in it.
    present: ByteSet,
    /// The earlier node that the automata run for.
    pub(super) shares: Option<usize>,
    /// Whether it differs from the parent's output.
    pub(super) changed: bool,
}

impl Output {
    /// The bytes.
    pub(super) fn bytes<'a>(&self, input: &'a [u8], buffers: &'a [Vec<u8>]) -> &'a [u8] {
        match self.buffer {
            Some(node) => &buffers[node],
            None => input,
        }
    }
}

/// Every node's output of a piece.
fn transform(
    plan: &FieldPlan,
    states: &mut [NodeState],
    input: &[u8],
    piece: Piece,
    buffers: &mut Vec<Vec<u8>>,
) -> Vec<Output> {
    if buffers.len() < plan.nodes.len() {
        buffers.resize_with(plan.nodes.len(), Vec::new);
    }
    let mut outputs: Vec<Output> = Vec::with_capacity(plan.nodes.len());
    for (at, node) in plan.nodes.iter().enumerate() {
        let Some(parent) = outputs.get(node.parent).copied() else {
            let present = presence(input);
            outputs.push(Output { buffer: None, present, shares: None, changed: false });
            continue;
        };
        let mut output = Output { shares: None, changed: false, ..parent };
        let sleeps = states[at].transducer.as_ref().is_none_or(Transducer::is_idle)
            && node.triggers != ByteSet::ALL
            && !parent.present.intersects(node.triggers);
        if !sleeps && !states[at].dead {
            let (before, rest) = buffers.split_at_mut(at);
            let source = parent.bytes(input, before);
            let target = &mut rest[0];
            apply(
                &mut states[at],
                source,
                piece.then != Then::More && ends(plan, at, piece),
                target,
            );
            if target.as_slice() != source {
                let present = presence(target);
                output = Output { buffer: Some(at), present, shares: None, changed: true };
            }
        }
        // A dead node sees nothing any more, so it shares nothing either.
        output.shares = (0..at).find(|&earlier| {
            !states[at].dead
                && outputs[earlier].shares.is_none()
                && !states[earlier].dead
                && states[earlier].runs_like(&states[at])
                && finishes_alike(plan, earlier, at, piece)
                && outputs[earlier].bytes(input, buffers) == output.bytes(input, buffers)
        });
        outputs.push(output);
    }
    outputs
}

/// Whether a node's value ends with the piece.
fn ends(plan: &FieldPlan, node: usize, piece: Piece) -> bool {
    piece.then == Then::End || (piece.then == Then::Window && needs_all(plan, node))
}

fn finishes_alike(plan: &FieldPlan, one: usize, other: usize, piece: Piece) -> bool {
    piece.then != Then::Window || needs_all(plan, one) == needs_all(plan, other)
}

fn apply(state: &mut NodeState, source: &[u8], finish: bool, target: &mut Vec<u8>) {
    target.clear();
    if let Some(transducer) = &mut state.transducer {
        transducer.feed(source, target);
        if finish {
            transducer.finish(target);
        }
    }
}

fn presence(bytes: &[u8]) -> ByteSet {
    let mut set = ByteSet::EMPTY;
    set.insert_all(bytes);
    set
}

/// Runs the automata once for a node and all that share its output, and tells each what it asked.
#[expect(clippy::too_many_arguments, reason = "the state of one scan, given apart to borrow apart")]
fn scan_group(
    plan: &FieldPlan,
    ruleset: &RuleSet,
    states: &mut [NodeState],
    input: &[u8],
    piece: Piece,
    outputs: &[Output],
    leader: usize,
    work: &mut Work,
    scratch: &mut Scratch,
) {
    let members: Vec<usize> = (leader..outputs.len())
        .filter(|&node| node == leader || outputs[node].shares == Some(leader))
        .collect();
    let (mut patterns, mut lists) = (states[leader].patterns.clone(), states[leader].lists.clone());
    for &member in &members[1..] {
        patterns.union_with(&states[member].patterns);
        lists.union_with(&states[member].lists);
    }
    let value = outputs[leader].bytes(input, &scratch.outputs);
    let present = outputs[leader].present;
    scratch.pattern_hits.clear();
    scratch.list_hits.clear();
    match &mut states[leader].cursors {
        _ if patterns.is_empty() => {}
        None => {
            let candidates =
                find_each(ruleset, value, present, &patterns, &mut scratch.pattern_hits);
            if let Some(known) = &mut scratch.candidates {
                known.extend(candidates.iter().map(|pattern| (leader, pattern)));
            }
        }
        Some(cursors) => {
            let (automata, hits) = (&mut scratch.automata, &mut scratch.pattern_hits);
            ruleset.automata.scan(cursors, value, &mut patterns, work, automata, hits);
        }
    }
    if !lists.is_empty() {
        let state = &mut states[leader];
        ruleset.phrases.scan(&mut state.phrases, value, &mut lists, &mut scratch.list_hits);
    }
    let before_end = scratch.pattern_hits.len();
    if piece.then == Then::End
        && !patterns.is_empty()
        && let Some(cursors) = &mut states[leader].cursors
    {
        let (automata, hits) = (&mut scratch.automata, &mut scratch.pattern_hits);
        ruleset.automata.finish(cursors, &mut patterns, work, automata, hits);
    }
    for &member in &members {
        tell(&plan.nodes[member], &mut states[member], member, before_end, scratch);
    }
    if piece.then != Then::End {
        let (cursors, phrases) = (states[leader].cursors.clone(), states[leader].phrases);
        for &member in &members[1..] {
            states[member].cursors.clone_from(&cursors);
            states[member].phrases = phrases;
        }
    }
}

/// Of a whole value: the patterns that pass the gate are run one by one, and returned.
fn find_each(
    ruleset: &RuleSet,
    value: &[u8],
    present: ByteSet,
    wanted: &PatternSet,
    hits: &mut Vec<crate::automaton::Hit>,
) -> PatternSet {
    let candidates = ruleset.gate.candidates(value, present, wanted, hits);
    hits.clear();
    for pattern in candidates.iter() {
        if let Some((start, end)) = ruleset.patterns[pattern.index()].find(value, 0) {
            let (start, end) = (start as u64, end as u64);
            let hit = crate::automaton::Hit { pattern, start: Some(start), end, needed: end };
            hits.push(hit);
        }
    }
    candidates
}

/// Turns the matches of a run into hits of the signatures that a node asked for.
fn tell(
    node: &PlanNode,
    state: &mut NodeState,
    at: usize,
    before_end: usize,
    scratch: &mut Scratch,
) {
    for (number, hit) in scratch.pattern_hits.iter().enumerate() {
        if !state.patterns.contains(hit.pattern) {
            continue;
        }
        state.patterns.remove(hit.pattern);
        let known = node.pattern_signatures.binary_search_by_key(&hit.pattern, |(id, _)| *id);
        let Ok(known) = known else { continue };
        scratch.hits.push(RawHit {
            signature: node.pattern_signatures[known].1,
            node: at,
            start: hit.start,
            end: hit.end,
            needed: (number < before_end).then_some(hit.needed),
        });
    }
    for hit in &scratch.list_hits {
        if !state.lists.contains(hit.pattern) {
            continue;
        }
        state.lists.remove(hit.pattern);
        let known = node.list_signatures.binary_search_by_key(&hit.pattern, |(id, _)| *id);
        let Ok(known) = known else { continue };
        scratch.hits.push(RawHit {
            signature: node.list_signatures[known].1,
            node: at,
            start: hit.start,
            end: hit.end,
            needed: Some(hit.end),
        });
    }
}

fn ask_checks(
    node: &PlanNode,
    ruleset: &RuleSet,
    state: &mut NodeState,
    at: usize,
    value: &[u8],
    piece: Piece,
    hits: &mut Vec<RawHit>,
) {
    for (&(check, signature), slot) in node.checks.iter().zip(&mut state.checks) {
        let Some(memory) = slot else { continue };
        let check = &ruleset.checks[usize::from(check)];
        if let Some(end) = check.feed(memory, value) {
            let end = state.produced + end as u64;
            let start = Some(end.saturating_sub(1));
            hits.push(RawHit { signature, node: at, start, end, needed: Some(end) });
            *slot = None;
        } else if piece.then == Then::End
            && let Some(memory) = slot.take()
            && check.finish(memory)
        {
            let end = state.produced + value.len() as u64;
            hits.push(RawHit { signature, node: at, start: Some(0), end, needed: None });
        }
    }
}

fn ask_libinjection(
    node: &PlanNode,
    at: usize,
    value: &[u8],
    piece: Piece,
    hits: &mut Vec<RawHit>,
) {
    if !piece.first || piece.then == Then::More {
        return;
    }
    let end = value.len() as u64;
    let hit = |signature| RawHit { signature, node: at, start: Some(0), end, needed: None };
    hits.extend(node.sqli.filter(|_| operator::detect_sqli(value).is_some()).map(hit));
    hits.extend(node.xss.filter(|_| operator::detect_xss(value)).map(hit));
}
