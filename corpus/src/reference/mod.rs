//! x
pub(crate) mod select;
