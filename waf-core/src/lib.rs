//! The streaming rule engine of Pinpoint.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod limits;

pub mod bytes;
pub mod finding;
pub mod source;

pub mod field;
pub mod rule;

pub mod yaml;

pub mod parse;

pub mod transform;

pub mod automaton;
pub mod operator;

pub mod record;
pub mod verdict;

pub mod policy;
pub mod ruleset;

pub mod compile;
mod scan;

mod decide;
pub mod transaction;

pub use scan::Scratch;
