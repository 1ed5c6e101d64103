//! Pingora asks `flate2` for zlib-ng, whose build needs CMake. Building Pinpoint takes Rust and a C
//! compiler, nothing else, so the workspace puts this crate in its place: the same interface, done
//! by the plain zlib that `libz-sys` carries and builds with the C compiler.
//!
//! Take it away when Pingora lets its users choose the back end of `flate2`.

#![no_std]
#![forbid(unsafe_code)]

pub use libz_sys::*;
