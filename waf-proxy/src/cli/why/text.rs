//! A story as text for a terminal.

use std::fmt::Write;

use waf_core::record::{Decision, DecisionRecord};

use crate::cli::output::{Style, safe, styled};
use crate::story::{Advice, RuleStory, Story};
use crate::tune::Price;

/// The whole story, `sentence` being its first words: whose answer it was.
pub(in crate::cli) fn tell(record: &DecisionRecord, sentence: &str) -> String {
    let story = Story::of(record);
    let mut text = summary(record, sentence);
    for (index, one) in story.rules.iter().enumerate() {
        text.push('\n');
        rule(&mut text, index + 1, one);
    }
    text.push('\n');
    for sentence in &story.inspected {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(text, "{}", safe(sentence));
    }
    advice(&mut text, &story.advice);
    text
}

/// What was asked, and whose answer it was.
fn summary(record: &DecisionRecord, sentence: &str) -> String {
    let request = &record.request;
    let query = if request.query.is_empty() { "" } else { "?" };
    let mut text = String::new();
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
    let _ = writeln!(text, "{}", styled(&safe(sentence), style));
    text
}

/// One rule that matched: what it is, where it looked, what it saw.
fn rule(text: &mut String, number: usize, one: &RuleStory) {
    let _ = writeln!(
        text,
        "{number}. {}  {}  ({}, {})",
        styled(&safe(&one.id), Style::Bold),
        safe(&one.name),
        safe(&one.severity),
        one.weight
    );
    for (word, value) in &one.facts {
        let _ = writeln!(text, "   {word:<8} {}", safe(value));
    }
}

/// What would let the request pass.
fn advice(text: &mut String, advice: &Advice) {
    match advice {
        Advice::Nothing => {}
        Advice::Change(proposals) => {
            let file = proposals.first().map(|first| first.file).unwrap_or_default();
            let _ = writeln!(
                text,
                "\nIf the request is harmless, this lets it pass and nothing wider. It goes into \
                 {file}:\n"
            );
            for line in proposals.iter().flat_map(|proposal| proposal.yaml.lines()) {
                let _ = writeln!(text, "{}", safe(line));
            }
        }
        Advice::AlwaysRefused => text.push_str(
            "\nThis cannot be switched off: such a request cannot be passed on safely.\n",
        ),
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

#[cfg(test)]
mod tests {
    use waf_core::record::{ExcludedRecord, Source};

    use super::*;
    use crate::story::answered_by;
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
            "- rule: sqli-union-select\n  targets: [\"ARGS_POST:$.user.name\"] ",
            "\n  path: /login\n",
        ] {
            assert!(story.contains(part), "{part} is missing in:\n{story}");
        }
    }

    #[test]
    fn what_an_exclusion_took_away_is_said() {
        let mut record = passed("a");
        record.excluded.push(ExcludedRecord {
            rule_id: "sqli-tautology".into(),
            target: "ARGS_POST:text".into(),
            exclusion: "shop.yaml:3".into(),
        });
        let said = "Excluded: sqli-tautology would have matched in ARGS_POST:text (shop.yaml:3).";
        assert!(tell_all(&record).contains(said));
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
