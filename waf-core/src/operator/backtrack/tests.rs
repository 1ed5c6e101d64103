//! Bounds and refusals. What is matched is compared with PCRE2 in `corpus/tests/pcre.rs`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::{Backtrack, Outcome};
