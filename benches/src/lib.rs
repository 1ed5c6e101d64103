//! Inputs and drivers of the benchmarks. Everything is made in code from fixed seeds, so that two
//! runs measure the same bytes.

#![forbid(unsafe_code)]

pub mod inputs;
pub mod random;
pub mod rules;
pub mod sink;

/// Bytes of the pieces in which bodies come, as from a socket.
pub const PIECE: usize = 16 * 1024;
