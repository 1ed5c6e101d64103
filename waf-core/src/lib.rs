//! The streaming rule engine of Pinpoint, a web application firewall.
//!
//! Three things to know: [`compile::compile`] makes a rule set and its policies from rules, a
//! [`transaction::Transaction`] judges one request as it comes, and its record says what was found.
//!
//! ```
//! use std::sync::Arc;
//! use waf_core::parse::head::RequestHead;
//! use waf_core::{Scratch, compile, policy, source, transaction, yaml};
//!
//! let text = r#"
//! id: demo-script
//! name: Script element
//! why: The browser of whoever sees the value runs it.
//! references: [CWE-79]
//! severity: critical
//! targets: [ARGS]
//! transform: [lowercase]
//! match: {contains: "<script"}
//! tests: {attack: ["<SCRIPT>"], benign: ["scripts"]}
//! "#;
//! let source = source::Source::new("rules/demo/script.yaml", text);
//! let rule = yaml::rule(&source, "demo", &yaml::RuleContext::default()).expect("it is right");
//! let settings = policy::PolicySettings::default();
//! let compiled = compile::compile(vec![rule], vec![settings]).expect("it compiles");
//!
//! let mut scratch = Scratch::default(); // one a worker
//! let mut request = transaction::Transaction::new(Arc::clone(&compiled.policies[0]));
//! let form = (b"content-type".to_vec(), b"application/x-www-form-urlencoded".to_vec());
//! let head = RequestHead::from_parts("POST", "/", "HTTP/1.1", vec![form]);
//! assert!(request.request_head(head, "127.0.0.1", &[], &mut scratch).is_none());
//! for piece in [&b"q=<scr"[..], b"ipt>"] {
//!     assert!(request.request_body(piece, &mut scratch).refusal.is_none());
//! }
//! let verdict = request.request_end(&mut scratch);
//! assert_eq!(verdict.refusal.map(|refusal| refusal.status), Some(403));
//! ```
//!
//! Modules stand in the order in which they may use each other, from above to below:
//! the words of the trade ([`limits`] to [`rule`]), text to rules ([`yaml`]), bytes to fields
//! ([`parse`]), what is asked of values ([`transform`], [`automaton`], [`operator`]), the compiled
//! program ([`policy`], [`ruleset`], [`mod@compile`]), fields to facts (`scan`), facts to verdicts
//! (`decide`), and one request from end to end ([`transaction`]).

#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod limits;
#[cfg(test)]
mod random;

pub mod bytes;
pub mod finding;
pub mod source;
mod suggest;

pub mod field;
pub mod rule;

pub mod seclang;
pub mod yaml;

pub mod parse;

pub mod transform;

pub mod automaton;
pub mod operator;

pub mod record;
pub mod verdict;

pub mod ruleset;

pub mod policy;

pub mod compile;
mod scan;

mod decide;
pub mod transaction;

pub use scan::Scratch;
