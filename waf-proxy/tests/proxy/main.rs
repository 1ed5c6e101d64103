//! A real proxy and a toy origin on loopback: what the promises of the proxy mean on the wire.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test that cannot go on has failed"
)]

mod harness;

mod chunks;
mod conduct;
mod heads;
mod hold;
mod http2;
mod large;
mod modes;
mod refused;
mod response;
mod slow;
mod tls;
