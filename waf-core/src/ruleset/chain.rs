//! The tree of transformation chains. Chains that begin alike share their first steps, so that no
//! transformation is done twice on one value.

use super::ids::StepId;
use crate::bytes::ByteSet;
use crate::rule::Transformation;
use crate::transform;

/// One step: what its parent gives, changed by one transformation.
#[derive(Clone, Debug)]
pub struct Step {
    /// The step before; the root is its own parent.
    pub parent: StepId,
    /// What is done; the root does nothing.
    pub transformation: Option<Transformation>,
    /// A value without these bytes passes unchanged.
    pub triggers: ByteSet,
}

/// Every chain of a rule set. `steps[0]` is the untransformed value, and a parent stands before its
/// children.
#[derive(Clone, Debug)]
pub struct ChainTree {
    steps: Vec<Step>,
}

impl ChainTree {
    /// The root: the value as the parser gives it.
    pub const ROOT: StepId = StepId(0);

    /// A tree of the root alone.
    pub fn new() -> Self {
        let root = Step { parent: Self::ROOT, transformation: None, triggers: ByteSet::EMPTY };
        Self { steps: vec![root] }
    }

    /// The last step of a chain, added where it is new.
    pub fn intern(&mut self, chain: &[Transformation]) -> StepId {
        chain.iter().fold(Self::ROOT, |parent, &transformation| self.child(parent, transformation))
    }

    /// A step.
    pub fn step(&self, id: StepId) -> &Step {
        &self.steps[id.index()]
    }

    /// The number of steps.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Never: there is always the root.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The steps from below the root to `id`.
    pub fn path(&self, id: StepId) -> Vec<StepId> {
        let mut path = Vec::new();
        let mut at = id;
        while at != Self::ROOT {
            path.push(at);
            at = self.step(at).parent;
        }
        path.reverse();
        path
    }

    /// The last step on the way to `id` whose output differs from its in more than case.
    pub fn before_lowercase(&self, id: StepId) -> StepId {
        let mut at = id;
        while self.step(at).transformation == Some(Transformation::Lowercase) {
            at = self.step(at).parent;
        }
        at
    }

    fn child(&mut self, parent: StepId, transformation: Transformation) -> StepId {
        let known =
            self.steps.iter().skip(1).position(|step| {
                step.parent == parent && step.transformation == Some(transformation)
            });
        if let Some(position) = known {
            return StepId((position + 1) as u16);
        }
        let triggers = transform::triggers(transformation);
        self.steps.push(Step { parent, transformation: Some(transformation), triggers });
        StepId((self.steps.len() - 1) as u16)
    }
}

impl Default for ChainTree {
    fn default() -> Self {
        Self::new()
    }
}
