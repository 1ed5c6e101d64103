//! The table of rewrites, errors with their places. What the texts match is compared with PCRE2 in
//! `corpus/tests`.
#![allow(clippy::unwrap_used, reason = "tests")]
