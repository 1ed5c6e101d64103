//! How the proxy itself is: what runs, the last reload, the audit log.

use std::time::{Duration, SystemTime};

use maud::{Markup, html};

use super::frame::time;
use crate::audit_log::LogState;
use crate::control::Standing;
use crate::ids::timestamp;

/// What the page shows.
#[derive(Debug)]
pub(super) struct State {
    /// Whether requests are taken.
    pub(super) is_ready: bool,
    /// The hash of the rules, and where they are from.
    pub(super) rules: (String, String),
    /// Of the running proxy.
    pub(super) standing: Standing,
    /// Of the audit log.
    pub(super) log: LogState,
    /// Records that were lost since the start.
    pub(super) dropped: u64,
    /// Bytes of bodies held at this moment.
    pub(super) held: u64,
    /// Records in memory.
    pub(super) in_memory: usize,
}

impl State {
    /// What an operator must not overlook, on every page.
    pub(super) fn notices(&self) -> Vec<String> {
        let mut notices = Vec::new();
        if !self.is_ready {
            notices.push("The proxy takes no new requests: it is starting or stopping.".into());
        }
        if let Some(reload) = &self.standing.last_reload
            && reload.result.is_err()
        {
            let at = timestamp(reload.at);
            notices.push(format!("The reload at {at} was refused; the old rules are in force."));
        }
        if self.dropped > 0 {
            notices.push(format!("The audit log has lost {} records.", self.dropped));
        }
        notices
    }

    /// The page.
    pub(super) fn page(&self, now: SystemTime) -> Markup {
        let standing = &self.standing;
        let up = now.duration_since(standing.since).unwrap_or_default();
        html! {
            h1 { "State" }
            div.state #live data-live {
                section {
                    h2 { "Proxy" }
                    dl {
                        dt { "Version" } dd { (env!("CARGO_PKG_VERSION")) }
                        dt { "Takes requests" } dd { (yes(self.is_ready)) }
                        dt { "Running since" }
                        dd { (time(&timestamp(standing.since))) " UTC, " (words(up)) }
                        dt { "Configuration" }
                        dd { (standing.config.as_deref().unwrap_or("defaults")) }
                        dt { "Mode" } dd { (standing.mode.name()) }
                        dt { "Requests in flight" } dd { (standing.in_flight) }
                        dt { "Bodies held" } dd { (self.held) " bytes" }
                        dt { "Records in memory" } dd { (self.in_memory) }
                    }
                }
                section {
                    h2 { "Rules" }
                    dl {
                        dt { "Loaded" } dd { (self.rules.1) }
                        dt { "Rule set" } dd { code.copy { (self.rules.0) } }
                    }
                    @if !standing.warnings.is_empty() { h2 { "Warnings" } }
                    @for warning in &standing.warnings { pre { (warning) } }
                }
                section { h2 { "Last reload" } (self.reload()) }
                section { h2 { "Audit log" } (self.log()) }
            }
        }
    }

    fn reload(&self) -> Markup {
        html! {
            @match &self.standing.last_reload {
                None => p { "None since the start." },
                Some(reload) => {
                    p {
                        (time(&timestamp(reload.at))) " UTC: "
                        @match &reload.result {
                            Ok(ruleset) => { "done, rule set " code.copy { (ruleset) } }
                            Err(_) => { b { "refused" } ", the old rules stay" }
                        }
                    }
                    @if let Err(why) = &reload.result { pre.copy { (why) } }
                }
            }
            p.quiet {
                "To reload: SIGHUP, or " code.copy { "POST /-/reload" }
                " with the token or the header " code { "x-pinpoint" } "."
            }
        }
    }

    fn log(&self) -> Markup {
        let log = &self.log;
        html! {
            dl {
                dt { "File" }
                dd {
                    @match &log.file {
                        Some(file) => code.copy { (file.display()) },
                        None => "none",
                    }
                    @if log.stdout { " and standard output" }
                }
                dt { "Written" } dd { (word(&log.level)) }
                dt { "Waiting" } dd { (log.waiting) " of " (log.capacity) }
                dt { "When full" } dd { (word(&log.on_full)) }
                dt { "Lost since start" } dd { (self.dropped) }
            }
        }
    }
}

/// A word of the configuration.
fn word(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}").to_lowercase()
}

fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

/// A time in the two units that matter.
fn words(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes} min {} s", seconds % 60),
        (0, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_two_units() {
        let told = |seconds| words(Duration::from_secs(seconds));
        assert_eq!([told(0), told(3_599)], ["0 min 0 s", "59 min 59 s"]);
        assert_eq!([told(3_600), told(90_000)], ["1 h 0 min", "1 d 1 h"]);
    }
}
