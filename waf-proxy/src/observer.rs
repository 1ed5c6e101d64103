//! Who is told about decisions: the audit log and the metrics.

use waf_core::record::DecisionRecord;

/// Is told about everything that happens to requests. Called on I/O threads: must not block.
pub trait Observer: Send + Sync + 'static {
    /// A request has ended. Exactly once per request.
    fn decided(&self, record: DecisionRecord);

    /// An upstream failed before an answer: `connect`, `timeout`, `broken`.
    fn upstream_failed(&self, _upstream: &str, _reason: &'static str) {}
}

/// Nobody is told.
pub struct Silent;

impl Observer for Silent {
    fn decided(&self, _record: DecisionRecord) {}
}
