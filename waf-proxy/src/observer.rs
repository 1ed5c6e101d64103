//! Who is told about decisions: the audit log and the metrics.

use std::time::Duration;

use waf_core::record::DecisionRecord;
use waf_core::rule::Phase;

/// Is told about everything that happens to requests. Called on I/O threads: must not block.
pub trait Observer: Send + Sync + 'static {
    /// A request has ended. Exactly once per request.
    fn decided(&self, record: DecisionRecord);

    /// The engine took this long for a phase of a request. At most once per request and phase,
    /// before [`Self::decided`].
    fn inspected(&self, _phase: Phase, _time: Duration) {}

    /// An upstream sent the head of its response, so long after it was asked.
    fn upstream_answered(&self, _upstream: &str, _time: Duration) {}

    /// An upstream failed before an answer: `connect`, `timeout`, `broken`.
    fn upstream_failed(&self, _upstream: &str, _reason: &'static str) {}
}

/// Nobody is told.
pub struct Silent;

impl Observer for Silent {
    fn decided(&self, _record: DecisionRecord) {}
}
