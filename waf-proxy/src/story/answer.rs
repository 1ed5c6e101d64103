//! One sentence: whose answer it was, and why.

use waf_core::record::{Decision, DecisionRecord, Source};

use super::exclusion::causes;

/// One sentence: who answered the status that the client saw, and why.
pub fn answered_by(record: &DecisionRecord) -> String {
    let status = record.status.map_or("no answer".into(), |status| status.to_string());
    match (record.decision, record.source) {
        (Decision::Block, Source::Waf) => format!("Pinpoint answered {status}: {}.", cause(record)),
        (Decision::Block, Source::Protocol) => format!(
            "Pinpoint answered {status}: the request is malformed, and servers may read it \
             differently ({}).",
            names(record)
        ),
        (Decision::Block, Source::Size) => {
            format!("Pinpoint answered {status}: a limit was passed ({}).", names(record))
        }
        (_, Source::Ip) => format!(
            "Pinpoint answered {status}: the client's address is in `clients.deny`, or `clients.allow` \
             does not have it. No rule was asked."
        ),
        (_, Source::Proxy) => proxy(record, &status),
        (Decision::WouldBlock, _) => format!(
            "The application answered {status}. Pinpoint would have blocked the request: {}.",
            cause(record)
        ),
        (_, Source::Origin) if record.matches.is_empty() => {
            format!(
                "The application answered {status}. Pinpoint let the request pass; no rule matched."
            )
        }
        (_, Source::Origin) => format!(
            "The application answered {status}. Pinpoint let the request pass: {}.",
            score(record)
        ),
        (Decision::Pass, Source::Waf | Source::Protocol | Source::Size)
            if record.status == Some(404) =>
        {
            "Pinpoint answered 404: no route of the configuration takes this host, path and method."
                .into()
        }
        (Decision::Pass, Source::Waf | Source::Protocol | Source::Size) => {
            format!("Pinpoint answered {status}.")
        }
    }
}

/// One sentence: what would be decided, where nobody has answered.
pub fn decided(record: &DecisionRecord) -> String {
    match (record.decision, record.source) {
        (Decision::Pass, _) => format!("Pass: {}.", score(record)),
        (Decision::WouldBlock, _) => format!("Would be blocked: {}.", cause(record)),
        (Decision::Block, Source::Protocol | Source::Size) => {
            format!("Blocked with {}: {}.", record.status.unwrap_or_default(), names(record))
        }
        (Decision::Block, _) => {
            format!("Blocked with {}: {}.", record.status.unwrap_or_default(), cause(record))
        }
    }
}

/// Our own answers that are no verdict.
fn proxy(record: &DecisionRecord, status: &str) -> String {
    let why = match record.status {
        Some(404) => "no route of the configuration takes this host, path and method",
        Some(502) => "the application could not be reached, or what it sent is no HTTP",
        Some(503) => "too many requests were in flight (`limits.in_flight`, `body.hold_total`)",
        Some(504) => "the application did not answer in time",
        _ => "it could not be passed on",
    };
    format!("Pinpoint answered {status}: {why}. This is not a verdict on the request.")
}

/// Why rules blocked it.
fn cause(record: &DecisionRecord) -> String {
    let causes = causes(record);
    match causes.iter().find(|one| one.blocks) {
        Some(one) => format!("{} blocks by itself", one.rule_id),
        None if causes.is_empty() && record.decision == Decision::WouldBlock => {
            "rules on trial matched".into()
        }
        None => score(record),
    }
}

fn score(record: &DecisionRecord) -> String {
    let score = &record.score;
    let (side, sum, threshold) = if score.outbound >= score.outbound_threshold {
        ("outbound", score.outbound, score.outbound_threshold)
    } else {
        ("inbound", score.inbound, score.inbound_threshold)
    };
    let verb = if sum >= threshold { "reached" } else { "is below" };
    format!("the {side} score {sum} {verb} the threshold {threshold}")
}

fn names(record: &DecisionRecord) -> String {
    let names: Vec<_> = causes(record).iter().map(|one| one.rule_id.as_str()).collect();
    if names.is_empty() { "see below".into() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_record::blocked;

    #[test]
    fn each_source_has_its_sentence() {
        use Decision::{Block, Pass, WouldBlock};

        let told = |source: Source, status: u16, decision: Decision| {
            let mut record = blocked("a");
            if decision == Pass {
                record.matches.clear();
            }
            (record.source, record.status, record.decision) = (source, Some(status), decision);
            answered_by(&record)
        };
        for (source, status, decision, part) in [
            (Source::Waf, 403, Block, "Pinpoint answered 403: the inbound score"),
            (Source::Protocol, 400, Block, "the request is malformed"),
            (Source::Size, 413, Block, "a limit was passed"),
            (Source::Ip, 403, Block, "`clients.deny`"),
            (Source::Proxy, 404, Pass, "no route"),
            (Source::Proxy, 502, Pass, "could not be reached"),
            (Source::Proxy, 503, Pass, "too many requests"),
            (Source::Proxy, 504, Pass, "in time"),
            (Source::Waf, 404, Pass, "no route"),
            (
                Source::Origin,
                403,
                Pass,
                "The application answered 403. Pinpoint let the request pass",
            ),
            (Source::Origin, 200, WouldBlock, "would have blocked"),
        ] {
            let told = told(source, status, decision);
            assert!(told.contains(part), "{source:?} {status} {decision:?}: {told}");
        }
    }
}
