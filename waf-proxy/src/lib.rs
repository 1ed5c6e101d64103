//! Pinpoint, a web application firewall: the streaming rule engine `waf-core` inside a Pingora
//! reverse proxy.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod settings;

pub mod engine;
pub mod observer;

pub mod config;
pub mod rules;

pub mod admin;
pub mod audit_log;
pub mod metrics;

#[cfg(test)]
mod test_record;
