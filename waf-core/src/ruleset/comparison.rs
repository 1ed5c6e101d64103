//! How numbers are compared.

use crate::rule::{MacroOperator, Operator};

/// How a number is compared with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Eq,
    Ge,
    Gt,
    Le,
    Lt,
}

impl Comparison {
    /// What an operator compares its value with; `None` where it compares no numbers.
    pub(crate) fn of(operator: &Operator) -> Option<(Self, i64)> {
        Some(match *operator {
            Operator::Eq(number) => (Self::Eq, number),
            Operator::Ge(number) => (Self::Ge, number),
            Operator::Gt(number) => (Self::Gt, number),
            Operator::Le(number) => (Self::Le, number),
            Operator::Lt(number) => (Self::Lt, number),
            _ => return None,
        })
    }

    /// The same of an operator whose argument is still to be made.
    pub(crate) fn of_macro(operator: MacroOperator) -> Option<Self> {
        Some(match operator {
            MacroOperator::Eq => Self::Eq,
            MacroOperator::Ge => Self::Ge,
            MacroOperator::Gt => Self::Gt,
            MacroOperator::Le => Self::Le,
            MacroOperator::Lt => Self::Lt,
            _ => return None,
        })
    }

    /// Whether it holds of a number, compared with another.
    pub(crate) fn holds(self, number: i64, with: i64) -> bool {
        match self {
            Self::Eq => number == with,
            Self::Ge => number >= with,
            Self::Gt => number > with,
            Self::Le => number <= with,
            Self::Lt => number < with,
        }
    }

    /// Whether it asks if a number has grown enough.
    pub(crate) fn is_reached(self) -> bool {
        matches!(self, Self::Ge | Self::Gt)
    }
}
