//! Steps that leave a value as it is: most do, so what they ask is put together once and kept.
//!
//! A value wakes few steps: it has no `%` to decode, no upper case to fold. Which steps it wakes
//! follows from which of a few sets of bytes occur in it, and values wake the same few combinations
//! again and again. So the plan keeps, for the combinations met, everything that is asked of such a
//! value: by the step that made it, and by all below it that pass it unchanged.

use std::sync::OnceLock;

use super::plan::PlanNode;
use crate::automaton::{Asked, Gate, PatternSet};
use crate::bytes::ByteSet;
use crate::limits::CLOSURES;
use crate::transform::max_growth;

/// Places that a combination may have, one behind the other.
const TRIES: usize = 8;

/// Everything that is asked of one output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closure {
    key: u64,
    /// The nodes whose output it is, the first of them first.
    pub nodes: Vec<usize>,
    /// Patterns wanted by any of them.
    pub patterns: Asked,
    /// Phrase lists wanted by any of them.
    pub lists: PatternSet,
    /// Those of them with checks, or of libinjection.
    pub asking: Vec<usize>,
    /// Nodes below them that the output wakes; where nothing is asked they are not made.
    pub awake: Vec<Awake>,
}

/// A node that a value wakes. What is asked of it, and of those below it, takes some length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Awake {
    /// Its place in the plan.
    pub node: usize,
    /// Shorter values need not be transformed: nothing can be found in what comes of them.
    pub least_input: usize,
    /// Nor can it in a shorter output.
    pub least_output: usize,
}

/// The combinations that were met, as many as there is room for: others are put together each time.
#[derive(Clone, Debug)]
pub(super) struct Closures {
    /// For each byte the sets of bytes that wake steps and hold it, one bit each.
    wakers_of: Box<[u64; 256]>,
    /// All of these sets together.
    any: ByteSet,
    /// For each node the number of its set; `None`: every value wakes it.
    waker_of: Box<[Option<u8>]>,
    /// For each node the sets that wake some node below it, one bit each.
    below: Box<[u64]>,
    /// Whether anything is asked of a node or of one below it.
    asked: Box<[bool]>,
    /// For each node the fewest bytes in which something can be found there or below.
    least: OnceLock<Box<[usize]>>,
    known: Box<[OnceLock<Box<Closure>>]>,
}

impl Default for Closures {
    fn default() -> Self {
        Self::new(&[])
    }
}

impl Closures {
    /// Nothing is put together yet.
    pub(super) fn new(nodes: &[PlanNode]) -> Self {
        let mut wakers: Vec<ByteSet> = Vec::new();
        let waker_of: Box<[Option<u8>]> = nodes
            .iter()
            .map(|node| {
                let known = wakers.iter().position(|set| *set == node.triggers);
                // What every byte wakes looks at the length too: an empty value may change.
                (node.triggers != ByteSet::ALL).then(|| {
                    known.unwrap_or_else(|| {
                        wakers.push(node.triggers);
                        wakers.len() - 1
                    }) as u8
                })
            })
            .collect();
        let mut below = vec![0; nodes.len()];
        let mut asked: Box<[bool]> = nodes.iter().map(|node| !node.is_idle()).collect();
        // Parents stand before their children.
        for (at, node) in nodes.iter().enumerate().skip(1).rev() {
            if asked[at] {
                below[node.parent] |= below[at] | waker_of[at].map_or(0, |set| 1 << set);
                asked[node.parent] = true;
            }
        }
        let mut wakers_of = [0; 256];
        for (at, set) in wakers.iter().enumerate() {
            set.iter().for_each(|byte| wakers_of[usize::from(byte)] |= 1 << at);
        }
        let known = if nodes.is_empty() { 0 } else { CLOSURES };
        Self {
            any: wakers.iter().fold(ByteSet::EMPTY, |any, set| any.union(*set)),
            wakers_of: Box::new(wakers_of),
            waker_of,
            below: below.into(),
            asked,
            least: OnceLock::new(),
            known: (0..known).map(|_| OnceLock::new()).collect(),
        }
    }

    /// Which of the sets that wake steps occur in a value: one bit each.
    fn wakes(&self, present: ByteSet) -> u64 {
        let waking = present.intersection(self.any).iter();
        waking.fold(0, |wakes, byte| wakes | self.wakers_of[usize::from(byte)])
    }

    /// Everything that is asked of the output of a node, in which these bytes occur. What is not
    /// known and finds no room is put together in `spare`.
    pub(super) fn of<'a>(
        &'a self,
        (nodes, gate): (&[PlanNode], &Gate),
        node: usize,
        present: ByteSet,
        spare: &'a mut Closure,
    ) -> &'a Closure {
        let wakes = match self.below[node] {
            0 => 0,
            below => self.wakes(present) & below,
        };
        // Nodes are few, sets too: a rule set has some fifty steps of twenty transformations.
        let key = wakes << 16 | node as u64;
        let hash = (key ^ key >> 16).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let place = hash as usize % CLOSURES;
        for place in place..place + TRIES {
            let Some(cell) = self.known.get(place % CLOSURES) else { break };
            let closure = cell
                .get_or_init(|| Box::new(self.gather((nodes, gate), node, wakes, key).fitted()));
            if closure.key == key {
                return closure;
            }
        }
        *spare = self.gather((nodes, gate), node, wakes, key);
        spare
    }

    fn awake(&self, (nodes, gate): (&[PlanNode], &Gate), node: usize) -> Awake {
        let least_output = self.least.get_or_init(|| least(nodes, gate))[node];
        let growth = nodes[node].transformation.map(max_growth);
        let least_input = growth.map_or(least_output, |growth| growth.least_input(least_output));
        Awake { node, least_input, least_output }
    }

    fn gather(
        &self,
        (nodes, gate): (&[PlanNode], &Gate),
        node: usize,
        wakes: u64,
        key: u64,
    ) -> Closure {
        let mut closure = Closure { key, ..Closure::default() };
        let mut patterns = nodes[node].patterns.clone();
        closure.add(node, &nodes[node]);
        // Parents stand before their children.
        for (at, below) in nodes.iter().enumerate().skip(node + 1) {
            if !self.asked[at] || !closure.nodes.contains(&below.parent) {
                continue;
            }
            match self.waker_of[at] {
                Some(set) if wakes & 1 << set == 0 => {
                    closure.add(at, below);
                    patterns.union_with(&below.patterns);
                }
                _ => closure.awake.push(self.awake((nodes, gate), at)),
            }
        }
        closure.patterns = gate.part(&patterns);
        closure
    }
}

impl Closure {
    fn add(&mut self, at: usize, node: &PlanNode) {
        self.nodes.push(at);
        self.lists.union_with(&node.lists);
        self.asking.extend(node.asks_alone().then_some(at));
    }

    /// In no more memory than it fills: it is kept.
    fn fitted(mut self) -> Self {
        self.nodes.shrink_to_fit();
        self.asking.shrink_to_fit();
        self.awake.shrink_to_fit();
        self
    }
}

/// For each node the fewest bytes of its value in which something can be found there or below.
fn least(nodes: &[PlanNode], gate: &Gate) -> Box<[usize]> {
    let own = |node: &PlanNode| {
        let is_short = node.asks_alone() || !node.lists.is_empty();
        let shortest = node.patterns.iter().map(|pattern| gate.shortest(pattern)).min();
        if is_short { 0 } else { shortest.unwrap_or(usize::MAX) }
    };
    let mut least: Box<[usize]> = nodes.iter().map(own).collect();
    // Parents stand before their children.
    for (at, node) in nodes.iter().enumerate().skip(1).rev() {
        let growth = node.transformation.map(max_growth);
        let changed = growth.map_or(0, |growth| growth.least_input(least[at]));
        // A value that does not wake it passes as it is.
        least[node.parent] = least[node.parent].min(changed).min(least[at]);
    }
    least
}
