//! [`PatternText`]: a pattern as a rule has it, from which it is made when it is needed.

use regex_syntax::hir::Hir;

use crate::automaton::in_any_case;
use crate::automaton::syntax::{self, SyntaxError};
use crate::rule::Operator;

/// What a pattern is made of. What is made is ten times as large, too much to keep.
pub(crate) struct PatternText {
    operator: Operator,
    in_any_case: bool,
}

impl PatternText {
    /// A pattern; `in_any_case`: it matches where it would in the value's lower case.
    pub(crate) fn new(operator: Operator, in_any_case: bool) -> Self {
        Self { operator, in_any_case }
    }

    /// What it matches; nothing where the operator is no pattern.
    ///
    /// # Errors
    /// When its regex cannot be read.
    pub(crate) fn hir(&self) -> Result<Hir, SyntaxError> {
        let hir = match &self.operator {
            Operator::Rx(text) => syntax::parse(text)?,
            Operator::Contains(text) => syntax::contains(text.as_bytes()),
            Operator::BeginsWith(text) => syntax::begins_with(text.as_bytes()),
            Operator::EndsWith(text) => syntax::ends_with(text.as_bytes()),
            Operator::Streq(text) => syntax::equals(text.as_bytes()),
            _ => Hir::fail(),
        };
        Ok(if self.in_any_case { in_any_case(&hir) } else { hir })
    }

    /// Whether it is written as a regex.
    pub(crate) fn is_regex(&self) -> bool {
        matches!(self.operator, Operator::Rx(_))
    }
}
