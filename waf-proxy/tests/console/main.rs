//! The console in a real browser: that it works for a person, and that attacks which records hold
//! stay text.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test that cannot go on has failed"
)]

mod browser;
mod inert;
mod login;
mod records;
mod site;
mod work;
