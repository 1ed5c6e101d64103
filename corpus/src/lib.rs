//! Requests to try the engine with: readers for recorded requests, ways to cut a body, a runner,
//! counts, and a reference engine that is slow and plainly right.
//!
//! ```text
//! files -> read: Request -> run: Transaction, cut as asked -> DecisionRecord -> outcome -> tally
//! ```

#![forbid(unsafe_code)]

pub mod costs;
pub mod cut;
pub mod examples;
pub mod follow;
pub mod forms;
pub mod ftw;
pub mod kept;
pub mod label;
pub mod ordered;
pub mod outcome;
pub mod random;
pub mod read;
pub mod reference;
pub mod request;
pub mod response;
pub mod run;
pub mod tally;
pub mod wire;

pub use cut::Cut;
pub use label::Labels;
pub use outcome::{Outcome, Verdict};
pub use read::{Reading, read};
pub use request::{Label, Request};
pub use response::Response;
pub use run::Runner;
