//! A record in words.

use std::fmt::Write;

use waf_core::finding::Finding;
use waf_core::record::{Decision, DecisionRecord, MatchRecord, Mode, Source, Stop};

use super::exclusion::{causes, propose};
use crate::cli::output::{Style, safe, styled};
use crate::tune::Price;

/// The whole story, `sentence` being its first words: whose answer it was.
pub(in crate::cli) fn tell(record: &DecisionRecord, sentence: &str) -> String {
    let mut story = summary(record, sentence);
    for (index, one) in record.matches.iter().enumerate() {
        story.push('\n');
        rule(&mut story, index + 1, one, record.mode);
    }
    story.push('\n');
    inspected(&mut story, record);
    advice(&mut story, record);
    story
}

/// What was asked, and whose answer it was.
fn summary(record: &DecisionRecord, sentence: &str) -> String {
    let request = &record.request;
    let query = if request.query.is_empty() { "" } else { "?" };
    let mut text = String::new();
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(
        text,
        "{} {}{}{query}{}\n  id {} · {} · from {} · route {}\n",
        safe(&request.method),
        safe(&request.host),
        safe(&request.path),
        safe(&request.query),
        safe(&record.request_id),
        safe(&record.time),
        safe(&record.client.ip),
        safe(&record.route),
    );
    let style = if record.decision == Decision::Pass { Style::Green } else { Style::Red };
    let _ = writeln!(text, "{}", styled(sentence, style));
    text
}

/// One sentence: who answered the status that the client saw, and why.
pub(in crate::cli) fn answered_by(record: &DecisionRecord) -> String {
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
pub(in crate::cli) fn decided(record: &DecisionRecord) -> String {
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
        Some(one) => format!("{} blocks by itself", safe(&one.rule_id)),
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
    let names: Vec<_> = causes(record).iter().map(|one| safe(&one.rule_id).into_owned()).collect();
    if names.is_empty() { "see below".into() } else { names.join(", ") }
}

/// One rule that matched: what it is, where it looked, what it saw.
fn rule(story: &mut String, number: usize, one: &MatchRecord, mode: Mode) {
    let id = safe(&one.rule_id);
    let _ = writeln!(
        story,
        "{number}. {}  {}  ({}{})",
        styled(&id, Style::Bold),
        safe(&one.name),
        safe(&one.severity),
        weight(one, mode)
    );
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(story, "   {name:<8} {value}");
    };
    line("field", &safe(&one.target));
    if !one.decode.is_empty() {
        line("decoded", &safe(&one.decode.join(" → ")));
    }
    if let Some(place) = place(one) {
        line("bytes", &place);
    }
    if !one.excerpt.is_empty() {
        line("matched", &safe(&one.excerpt));
    }
    if one.message != one.name && !one.message.is_empty() {
        line("message", &safe(&one.message));
    }
    if !one.data.is_empty() {
        line("data", &safe(&one.data));
    }
    line("rule", &format!("{}:{}", safe(&one.file), one.line));
}

fn weight(one: &MatchRecord, mode: Mode) -> String {
    let mut weight =
        if one.blocks { ", blocks by itself".into() } else { format!(", +{}", one.score) };
    if !one.counted {
        weight.push_str(", on trial: not counted");
    }
    if one.after_verdict {
        weight.push_str(", after the verdict");
    } else if mode == Mode::Detect {
        weight.push_str(", detection only");
    }
    weight
}

fn place(one: &MatchRecord) -> Option<String> {
    let of = if one.decode.is_empty() { "value" } else { "decoded value" };
    let in_value = match (one.offset, one.length) {
        (Some(offset), Some(length)) => format!("{offset} to {} of the {of}", offset + length),
        (Some(offset), None) => format!("from {offset} of the {of}"),
        (None, Some(length)) => format!("{length} of the {of}, their start is not known"),
        (None, None) => return None,
    };
    let at = one.at.map(|at| format!(", which begins at byte {at} of the body"));
    Some(in_value + &at.unwrap_or_default())
}

/// What was looked at, and what was not.
fn inspected(story: &mut String, record: &DecisionRecord) {
    let coverage = &record.coverage;
    let total = coverage.body_total.unwrap_or(record.request.body_bytes);
    if total > 0 || coverage.body_seen > 0 {
        let _ = write!(story, "Inspected {} of {total} bytes of body", coverage.body_seen);
        if let Some(offset) = record.verdict_offset {
            let _ = write!(story, "; the verdict was certain at byte {offset}");
        }
        story.push_str(".\n");
    }
    let stop = match coverage.stop {
        None | Some(Stop::Verdict) => None,
        Some(Stop::Upgraded) => {
            Some("the connection became a WebSocket; its frames are not inspected")
        }
        Some(Stop::ClientAbort) => Some("the client went away"),
        Some(Stop::Limit) => Some("a limit was passed"),
        Some(Stop::Error) => Some("an error of ours, or the application failed"),
    };
    if let Some(stop) = stop {
        let _ = writeln!(story, "Inspection stopped early: {stop}.");
    }
    for inexact in &coverage.inexact {
        let what = safe(&inexact.what.join(", ")).into_owned();
        let _ = writeln!(story, "Not exact: {} ({what}).", safe(&inexact.field));
    }
    if let (Some(intended), Some(seen)) = (record.intended_status, record.status) {
        let _ = writeln!(
            story,
            "The client saw {seen}, because the answer had begun before {intended} was decided."
        );
    }
}

/// What would let the request pass.
fn advice(story: &mut String, record: &DecisionRecord) {
    let proposals = propose(record);
    if let Some(first) = proposals.first() {
        let _ = writeln!(
            story,
            "\nIf the request is harmless, this lets it pass and nothing wider. It goes into {}:\n",
            first.file
        );
        for proposal in &proposals {
            story.push_str(&safe_lines(&proposal.yaml));
        }
        return;
    }
    let is_refused = causes(record)
        .iter()
        .any(|one| Finding::from_id(&one.rule_id).is_some_and(Finding::always_refused));
    if is_refused {
        story.push_str(
            "\nThis cannot be switched off: such a request cannot be passed on safely.\n",
        );
    }
}

/// What the exclusions would let in.
pub(super) fn price(price: &Price) -> String {
    let named: Vec<_> = price.let_in.iter().take(5).map(|id| safe(id)).collect();
    let more = if price.let_in.len() > named.len() { ", …" } else { "" };
    let ids =
        if named.is_empty() { String::new() } else { format!(": {}{more}", named.join(", ")) };
    format!(
        "\nIts price: {} of {} attacks that are caught would pass with it{ids}.\n",
        price.in_all, price.of
    )
}

fn safe_lines(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", safe(line))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_record::{blocked, passed};

    fn tell_all(record: &DecisionRecord) -> String {
        tell(record, &answered_by(record))
    }

    #[test]
    fn the_story_of_a_block_names_rule_field_and_bytes() {
        let story = tell_all(&blocked("01JD"));
        for part in [
            "POST shop.example/login\n",
            "id 01JD",
            "Pinpoint answered 403: the inbound score 5 reached the threshold 5.",
            "1. sqli-union-select  SQL UNION SELECT  (critical, +5)",
            "ARGS_POST:$.user.name",
            "json → url_decode_uni",
            "17 to 29 of the decoded value, which begins at byte 583 of the body",
            "matched  union select",
            "rules/sqli/union-select.yaml:1",
            "Inspected 612 of 812 bytes of body; the verdict was certain at byte 612.",
            "- rule: sqli-union-select\n  targets: [\"ARGS_POST:$.user.name\"]\n  path: /login\n",
        ] {
            assert!(story.contains(part), "{part} is missing in:\n{story}");
        }
    }

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

    #[test]
    fn what_cannot_be_switched_off_is_said() {
        let mut record = blocked("a");
        record.source = Source::Protocol;
        record.matches[0].rule_id = "protocol-framing".into();
        record.matches[0].blocks = true;
        assert!(tell_all(&record).contains("cannot be switched off"));
        assert!(!tell_all(&passed("a")).contains("switched off"));
    }

    #[test]
    fn a_forged_record_cannot_drive_the_terminal() {
        let mut record = blocked("a\x1b[2J");
        record.request.path = "/\x1b]0;x\x07".into();
        record.matches[0].excerpt = "\u{9b}31m\r".into();
        record.matches[0].target = "ARGS:\n\x1b[1m".into();
        let story = tell_all(&record);
        assert!(story.chars().all(|c| c == '\n' || !c.is_control()), "{story:?}");
    }
}
