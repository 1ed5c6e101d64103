//! What the admin listener can ask of the running proxy.

use std::time::SystemTime;

use waf_core::record::Mode;
use waf_core::source::Report;

/// The running proxy, as operators see it.
pub trait Control: Send + Sync {
    /// Reads the configuration anew; the hash of the new rules.
    fn reload(&self) -> Result<String, Vec<Report>>;

    /// Whether requests are taken: not before the start is complete, not while draining.
    fn is_ready(&self) -> bool;

    /// The hash of the rules in force, and one line about where they are from.
    fn rules(&self) -> (String, String);

    /// Bytes of bodies held at this moment.
    fn held_bytes(&self) -> u64;

    /// What runs since when, and how the last reload went.
    fn standing(&self) -> Standing;
}

/// What runs since when, and how the last reload went.
#[derive(Clone, Debug)]
pub struct Standing {
    /// When the proxy started.
    pub since: SystemTime,
    /// Where its configuration is; `None` for the defaults.
    pub config: Option<String>,
    /// The mode where no route says otherwise.
    pub mode: Mode,
    /// Requests that are being served.
    pub in_flight: usize,
    /// What is odd about the configuration in force.
    pub warnings: Vec<String>,
    /// The last reload since the start.
    pub last_reload: Option<Reload>,
}

/// A reload that was carried out or refused.
#[derive(Clone, Debug)]
pub struct Reload {
    /// When it ended.
    pub at: SystemTime,
    /// The hash of the new rules, or why the old ones stay.
    pub result: Result<String, String>,
}

/// Complaints as one text.
pub fn told(reports: &[Report]) -> String {
    reports.iter().map(|report| format!("{report}\n")).collect::<Vec<_>>().join("\n")
}
