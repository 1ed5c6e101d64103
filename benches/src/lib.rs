//! Inputs and drivers of the benchmarks. Everything is made in code from fixed seeds, so that two
//! runs measure the same bytes.

#![forbid(unsafe_code)]

pub mod cost;
pub mod crs;
pub mod engine;
pub mod inputs;
pub mod instructions;
pub mod memory;
pub mod peers;
pub mod random;
pub mod report;
pub mod rules;
pub mod scaling;
pub mod sink;
pub mod streams;
pub mod texts;
pub mod traffic;
pub mod workload;

/// Bytes of the pieces in which bodies come, as from a socket.
pub const PIECE: usize = 16 * 1024;
