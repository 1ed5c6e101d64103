//! Pinpoint, a web application firewall: the streaming rule engine `waf-core` inside a Pingora
//! reverse proxy.

#![forbid(unsafe_code)]

pub mod audit_log;
pub mod config;
pub mod engine;
pub mod metrics;
pub mod observer;
pub mod settings;

#[cfg(test)]
mod test_record;
