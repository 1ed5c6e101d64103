//! What a byte of a field may cost, worked out from what is asked of it.

use super::Policy;
use crate::ruleset::{FieldPlan, PlanNode};
use crate::transform::max_growth;

/// The most steps that a byte of a field takes, whatever it is and whatever came before. A step is a
/// byte rewritten by a transformation or looked at by a check, one load from a table of patterns or
/// of phrases, or one state of an automaton that is followed without its table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkBound {
    /// While the automata have their states in their tables.
    pub steps: usize,
    /// Where the tables are full, or a request has spent what it may add to them.
    pub steps_off_tables: usize,
}

impl Policy {
    /// The most steps for a byte of the field of which most is asked. A byte of a body is part of at
    /// most three fields: of the body as it is, of a value of its parser and of one of a guess.
    pub fn work_bound(&self) -> WorkBound {
        let of_plans = self.plans.iter().map(|plan| self.work(plan));
        of_plans.fold(WorkBound::default(), |most, one| WorkBound {
            steps: most.steps.max(one.steps),
            steps_off_tables: most.steps_off_tables.max(one.steps_off_tables),
        })
    }

    fn work(&self, plan: &FieldPlan) -> WorkBound {
        // Bytes that a node makes of one, at most.
        let mut grown: Vec<f64> = Vec::with_capacity(plan.nodes.len());
        let (mut steps, mut steps_off_tables) = (0.0, 0.0);
        for node in &plan.nodes {
            let growth = node.transformation.map(max_growth);
            let by = growth.map_or(1.0, |growth| growth.factor as f64 / growth.per as f64);
            // The root is its own parent.
            let before = grown.get(node.parent).copied().unwrap_or(1.0);
            let bytes = before * by;
            grown.push(bytes);
            let rewritten = if node.transformation.is_some() { before } else { 0.0 };
            let (clusters, states) = self.ruleset.automata.work(&node.patterns);
            let always = rewritten + bytes * looks(node) as f64;
            steps += always + bytes * clusters as f64;
            steps_off_tables += always + bytes * states as f64;
        }
        WorkBound {
            steps: steps.ceil() as usize,
            steps_off_tables: steps_off_tables.ceil() as usize,
        }
    }
}

/// Steps that a node takes for each byte of its output, besides those of patterns.
fn looks(node: &PlanNode) -> usize {
    let tokenizers = usize::from(node.sqli.is_some()) + usize::from(node.xss.is_some());
    node.checks.len() + usize::from(!node.lists.is_empty()) + tokenizers
}
