//! The YAML front end: rule, exclusion and configuration text to plain data.
//!
//! ```text
//! text ── document ── serde ──> as written ── rule, exclusion ──> Rule, Exclusion
//!            └─ locate: path ──> place ── checker ──> Report
//! ```

mod checker;
mod complaint;
mod document;
mod example;
mod exclusion;
mod expression;
mod locate;
mod operator;
mod pattern;
mod rule;
mod set;
mod target;
mod tree;

pub use document::{read, read_file, read_located};
pub use exclusion::exclusions;
pub use locate::Located;
pub use operator::phrases;
pub use pattern::{RegexProblem, check_regex};
pub use rule::{ReadPhrases, RuleContext, rule};
pub use set::{OFF_BY_DEFAULT, RuleSource, rules};
pub use target::CheckRegex;
