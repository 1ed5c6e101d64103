//! Pinpoint, a web application firewall: the streaming rule engine `waf-core` inside a Pingora
//! reverse proxy, with every request judged before its origin may act on it.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod chart;
pub mod settings;
pub mod share;

pub mod held;
pub mod ids;
pub mod observer;
pub mod outgoing;
pub mod shared;

pub mod candidate;
pub mod engine;

pub mod block;
pub mod clients;
pub mod routes;

pub mod exchange;
pub mod heads;
pub mod inspect;
pub mod upstream;

pub mod context;
pub mod service;
pub mod wire;

pub mod demo;
pub mod server;
pub mod tls;

pub mod config;
pub mod rules;

pub mod site;

pub mod audit_log;
pub mod metrics;
pub mod story;

mod answer;
pub mod control;

mod console;

pub mod admin;
pub mod live;
pub mod service_manager;

pub mod tune;

pub mod cli;

#[cfg(test)]
mod test_record;
