//! The regression suite of the OWASP CRS: requests, each with the rules that must or must not be
//! logged for it.
//!
//! ```text
//! YAML -> schema: as written -> shape: the bytes that are sent ─┐
//!                            -> expect: what must come of it    ├-> suite: Suite
//!                               overrides: what must instead ───┘
//! Suite -> run: each stage through a Subject -> judge: Observed against Expectation -> Results
//! ```
//!
//! Both schemas are read: that of CRS 4 (<https://github.com/coreruleset/ftw-tests-schema>, version
//! 2) and the older one of CRS 3. What a request looks like on the wire, and when a test passes, is
//! what the suites' own clients do: go-ftw 2.5 for CRS 4, ftw 1.3 for CRS 3.

pub mod albedo;
mod expect;
mod judge;
mod live;
mod overrides;
mod run;
mod schema;
mod shape;
mod suite;
mod template;

pub use expect::{Expectation, Pattern};
pub use judge::{Observed, judge, log_line};
pub use live::Live;
pub use overrides::Overrides;
pub use run::{InProcess, Outcome, Results, Subject, run};
pub use suite::{Schema, Stage, Suite, Test};
