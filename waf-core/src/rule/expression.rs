//! What must hold for a rule to match.

use super::{Operator, Target, Transformation};
use crate::source::Span;

/// Conditions joined by `all`, `any` and `not`.
#[derive(Clone, Debug)]
pub enum Expression {
    /// One operator over some targets.
    Condition(Condition),
    /// Every part holds.
    All(Vec<Expression>),
    /// Some part holds.
    Any(Vec<Expression>),
    /// The part does not hold.
    Not(Box<Expression>),
}

/// One operator over some targets.
#[derive(Clone, Debug)]
pub struct Condition {
    /// What is looked at; the rule's targets, or its own.
    pub targets: Vec<Target>,
    /// What is done to a value first, in order; the rule's, or its own.
    pub transformations: Vec<Transformation>,
    /// What is asked of the value.
    pub operator: Operator,
    /// Where the operator was written.
    pub span: Span,
}

impl Expression {
    /// Every condition, in the order written.
    pub fn conditions(&self) -> Vec<&Condition> {
        match self {
            Self::Condition(condition) => vec![condition],
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().flat_map(Expression::conditions).collect()
            }
            Self::Not(part) => part.conditions(),
        }
    }

    /// Whether a `not` stands anywhere in it.
    pub fn has_not(&self) -> bool {
        match self {
            Self::Condition(_) => false,
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Expression::has_not),
            Self::Not(_) => true,
        }
    }
}
