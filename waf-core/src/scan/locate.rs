//! Which byte of the value made a match certain? Steps run over whole pieces and do not keep count,
//! so after a match, which is rare, the piece is run again stride by stride, and the stride with the
//! byte in it byte by byte.

use super::pipeline::RawHit;
use super::stream::NodeState;
use crate::rule::Transformation;
use crate::ruleset::FieldPlan;
use crate::transform::Transducer;

/// A hit, placed.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) hit: RawHit,
    /// Input bytes of the piece that had to be known; `None`: all, and the end.
    pub(super) input: Option<usize>,
    /// The transformations that report, by then, to have changed the value.
    pub(super) changed: Vec<Transformation>,
}

/// Places the hits of one piece. `before` holds the transducers as they were before it, and
/// `produced` the bytes of output of each node before it.
pub(super) fn place(
    plan: &FieldPlan,
    before: &[(Option<Transducer>, u64)],
    input: &[u8],
    hits: &mut [RawHit],
) -> Vec<Placed> {
    hits.sort_by_key(|hit| (hit.node, hit.needed.unwrap_or(u64::MAX)));
    let mut placed = Vec::with_capacity(hits.len());
    for group in hits.chunk_by(|a, b| a.node == b.node) {
        let node = group[0].node;
        let mut run = Rerun::new(plan, before, node);
        for &hit in group {
            let at = hit.needed.and_then(|needed| run.until(needed, input));
            if at.is_none() {
                run.until(u64::MAX, input);
            }
            placed.push(Placed { hit, input: at, changed: run.changed() });
        }
    }
    placed
}

/// The transducers from below the root to one node, fed byte by byte.
struct Rerun {
    steps: Vec<(Transformation, Transducer)>,
    produced: u64,
    fed: usize,
    /// Memory for what goes from step to step.
    bytes: Vec<u8>,
    next: Vec<u8>,
}

/// Bytes of a stride: enough that to remember the steps before each costs little.
const STRIDE: usize = 128;

impl Rerun {
    fn new(plan: &FieldPlan, before: &[(Option<Transducer>, u64)], node: usize) -> Self {
        let mut steps = Vec::new();
        let mut at = node;
        while let (Some(transformation), Some(transducer)) =
            (plan.nodes[at].transformation, &before[at].0)
        {
            steps.push((transformation, transducer.clone()));
            at = plan.nodes[at].parent;
        }
        steps.reverse();
        let (bytes, next) = (Vec::new(), Vec::new());
        Self { steps, produced: before[node].1, fed: 0, bytes, next }
    }

    /// Feeds until `needed` bytes are out; gives the number of input bytes that took.
    fn until(&mut self, needed: u64, input: &[u8]) -> Option<usize> {
        if self.steps.is_empty() {
            let count = usize::try_from(needed.saturating_sub(self.produced)).ok()?;
            return (count <= input.len()).then_some(count);
        }
        // A step that needs the whole value remembers it, and puts nothing out before its end.
        let streams = self.steps.iter().all(|(transformation, _)| transformation.streams());
        let stride = if streams { STRIDE } else { input.len() };
        while self.produced < needed {
            let count = stride.min(input.len() - self.fed);
            if count == 0 {
                return None;
            }
            let before = (self.steps.clone(), self.produced, self.fed);
            if self.feed(input, count) >= needed {
                (self.steps, self.produced, self.fed) = before;
                while self.feed(input, 1) < needed {}
            }
        }
        Some(self.fed)
    }

    /// Feeds the next so many bytes; gives how many are out in all.
    fn feed(&mut self, input: &[u8], count: usize) -> u64 {
        self.bytes.clear();
        self.bytes.extend_from_slice(&input[self.fed..self.fed + count]);
        for (_, transducer) in &mut self.steps {
            self.next.clear();
            transducer.feed(&self.bytes, &mut self.next);
            std::mem::swap(&mut self.bytes, &mut self.next);
        }
        self.fed += count;
        self.produced += self.bytes.len() as u64;
        self.produced
    }

    fn changed(&self) -> Vec<Transformation> {
        let changed = self.steps.iter().filter(|(_, transducer)| transducer.changed());
        changed.map(|(transformation, _)| *transformation).collect()
    }
}

/// The transducers and counts of every node, to be kept before a piece is run.
pub(super) fn remember(states: &[NodeState]) -> Vec<(Option<Transducer>, u64)> {
    states.iter().map(|state| (state.transducer.clone(), state.produced)).collect()
}

/// The same at the start of a value.
pub(super) fn fresh(plan: &FieldPlan) -> Vec<(Option<Transducer>, u64)> {
    plan.nodes.iter().map(|node| (node.transformation.map(Transducer::new), 0)).collect()
}
