//! Exclusions that the records in memory speak for, each with its proof, to copy.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use maud::{Markup, html};
use waf_core::record::DecisionRecord;
use waf_core::rule::Date;

use super::controls;
use super::frame::Page;
use super::query::Query;
use crate::ids::timestamp;
use crate::tune::write::{Signature, seclang, yaml, yaml_item};
use crate::tune::{Gathered, Proposal, Wish, choose, judged, price};

/// A page is read by a person.
const MOST: usize = 20;

/// How long a proposed exclusion applies, as for `pinpoint tune`.
const APPLIES: Duration = Duration::from_secs(180 * 24 * 60 * 60);

/// The first id of rules in SecLang, as for `pinpoint tune`.
const FIRST_ID: u64 = 9_900_000;

/// The page: `records` are all that are in memory, newest first; `log` is where older ones are.
pub(super) fn page(records: &[Arc<DecisionRecord>], query: &Query, log: Option<&Path>) -> Markup {
    let gathered = gather(records, query);
    let proposals = propose(&gathered);
    html! {
        h1 { "Exclusions" }
        (controls::form(Page::Exclusions, query, records))
        (counts(&gathered))
        @if proposals.is_empty() {
            p.nothing {
                "Nothing to exclude: "
                @if gathered.counts.flagged == 0 { "none of the requests was flagged." }
                @else { "no narrow exclusion would let two of these pass." }
            }
        } @else {
            (how_to_price(log))
            ol.proposals { @for one in &proposals { li { (proposal(one)) } } }
            (all(&proposals))
        }
    }
}

fn gather(records: &[Arc<DecisionRecord>], query: &Query) -> Gathered {
    let mut gathered = Gathered::new();
    for record in records.iter().filter(|record| query.filter.takes(record)) {
        // Tuning reads lines of the audit log, which a record is one of.
        gathered.add_line(&serde_json::to_vec(&**record).unwrap_or_default());
    }
    gathered
}

/// What evidence cannot tell is proposed too, and says so: there are few records in memory.
fn propose(gathered: &Gathered) -> Vec<Proposal> {
    let wish = Wish { most: MOST, max_price: None, unclear: true };
    price::unpriced(choose(gathered, &[], &wish), gathered.counts.flagged)
}

fn counts(gathered: &Gathered) -> Markup {
    html! {
        p.counts {
            span {
                b { (gathered.counts.flagged) } " flagged of " (gathered.counts.records) " records"
            }
            @for (likely, records) in judged(gathered) {
                @if records > 0 { span { b { (records) } " " (likely.name()) } }
            }
            @if gathered.counts.refused_always > 0 {
                span { b { (gathered.counts.refused_always) } " that no exclusion lets pass" }
            }
        }
    }
}

fn how_to_price(log: Option<&Path>) -> Markup {
    let log = log.map_or("pinpoint-audit.jsonl".into(), |log| log.to_string_lossy());
    html! {
        p {
            "What an exclusion lets in is its price. It is found by replaying attacks, over the "
            "whole log:"
        }
        pre.copy { "pinpoint tune --log " (shell(&log)) " --attacks CORPUS" }
    }
}

fn proposal(one: &Proposal) -> Markup {
    let candidate = &one.candidate;
    let signature = &signature(SystemTime::now());
    html! {
        h3 {
            code { (candidate.rule) } " in "
            @if candidate.targets.is_empty() { "the whole request" }
            @for (index, target) in candidate.targets.iter().enumerate() {
                @if index > 0 { ", " }
                code { (target) }
            }
            @if let Some(path) = &candidate.path { " on " code { (path) } }
            @for method in &one.methods { " " (method) }
            @if let Some(characters) = candidate.characters {
                " in values of " code { (characters) }
            }
        }
        p {
            b { (one.evidence.likely().name()) } ": "
            (one.evidence.records) " records. "
            (one.brings()) "."
        }
        ul.reasons {
            @for reason in one.evidence.reasons() {
                li.(if reason.harmless { "harmless" } else { "harmful" }) {
                    (if reason.harmless { "for harmless: " } else { "for an attack: " })
                    (reason.text)
                }
            }
        }
        pre.copy { (yaml_item(one, signature).trim_start()) }
        details {
            summary { "As SecLang" }
            pre.copy { (seclang(std::slice::from_ref(one), signature, FIRST_ID).text()) }
        }
    }
}

/// All of them as one file of each language.
fn all(proposals: &[Proposal]) -> Markup {
    let signature = &signature(SystemTime::now());
    html! {
        h2 { "All in one file" }
        details { summary { "YAML" } pre.copy { (yaml(proposals, signature).trim_start()) } }
        details {
            summary { "SecLang" }
            pre.copy { (seclang(proposals, signature, FIRST_ID).text()) }
        }
    }
}

/// Whoever copies it puts a name here, and another day if need be.
fn signature(now: SystemTime) -> Signature {
    let day = timestamp(now + APPLIES);
    let first = Date { year: 1970, month: 1, day: 1 };
    let expires = day.get(..10).and_then(Date::parse).unwrap_or(first);
    Signature { owner: "unknown".into(), expires }
}

/// A word for a shell, in single quotes where it needs them.
fn shell(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    if word.bytes().all(is_plain) {
        word.into()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

    use waf_core::source::Source;

    use super::*;
    use crate::test_record::blocked;

    /// Six clients, the same field, harmless or not: nobody can tell from one minute.
    fn records() -> Vec<Arc<DecisionRecord>> {
        let record = |n: usize| {
            let mut record = blocked(&format!("n{n}"));
            record.client.ip = format!("203.0.113.{n}");
            Arc::new(record)
        };
        (0..6).map(record).collect()
    }

    #[test]
    fn what_is_to_copy_loads() {
        let proposals = propose(&gather(&records(), &Query::default()));
        assert_eq!(proposals.len(), 1);
        let text = yaml(&proposals, &signature(SystemTime::now()));
        let exclusions = waf_core::yaml::exclusions(&Source::new("e.yaml", text)).unwrap();
        assert_eq!(exclusions[0].targets.len(), 1);
        assert_eq!(exclusions[0].path.as_ref().unwrap().as_str(), "/login");
    }

    #[test]
    fn a_proposal_is_shown_with_its_proof_and_both_texts() {
        let page = page(&records(), &Query::default(), None).into_string();
        for part in [
            "<b>6</b> flagged of 6 records",
            "for harmless: 6 clients",
            "100.0 % of the flagged records pass",
            "- rule: sqli-union-select\n",
            "pinpoint tune --log pinpoint-audit.jsonl --attacks CORPUS",
            "SecLang cannot say it",
        ] {
            assert!(page.contains(part), "{part} is not in:\n{page}");
        }
    }

    #[test]
    fn a_filter_leaves_records_out() {
        let mut query = Query::default();
        query.filter.path = "/other".into();
        assert_eq!(gather(&records(), &query).counts.records, 0);
    }

    #[test]
    fn a_file_name_is_one_word() {
        assert_eq!(shell("/var/log/a-b.jsonl"), "/var/log/a-b.jsonl");
        assert_eq!(shell("a b'c"), r"'a b'\''c'");
    }
}
