//! The candidate, a rule set or configuration on trial, against the active one.

use std::borrow::Cow;
use std::sync::Arc;

use maud::{Markup, html};
use waf_core::record::{CandidateRecord, CandidateResult, DecisionRecord};

use super::controls;
use super::frame::{Page, decision, head, score_of, story_of, time};
use super::overview::top;
use super::query::Query;

/// A request on which the two differ.
type Difference<'a> = (&'a DecisionRecord, &'a CandidateRecord);

/// The page: `records` are all that are in memory, newest first; `totals` are the results of all
/// requests since the start.
pub(super) fn page(
    records: &[Arc<DecisionRecord>],
    query: &Query,
    totals: &[(CandidateResult, u64)],
) -> Markup {
    let found: Vec<Difference<'_>> = records
        .iter()
        .filter(|record| query.filter.takes(record))
        .filter_map(|record| Some((&**record, record.candidate.as_ref()?)))
        .filter(|(_, candidate)| candidate.differs())
        .collect();
    html! {
        h1 { "Candidate" }
        (controls::form(Page::Candidate, query, records))
        div #live data-live[query.is_live] {
            @if totals.iter().all(|(_, count)| *count == 0) {
                p.nothing {
                    "No request has met a candidate. " code { "candidate:" }
                    " in the configuration runs rules and settings on trial beside those in "
                    "force, on real requests and without a say."
                }
            } @else {
                p.counts {
                    @for (result, count) in totals { span { b { (count) } " " (words(*result)) } }
                    span { "of all requests since the start" }
                }
                @if found.is_empty() {
                    p.nothing { "No record in memory is like this and differs." }
                } @else {
                    (rules(&found))
                    (table(&found[..found.len().min(query.rows)]))
                    @if found.len() > query.rows {
                        p.quiet { "and " (found.len() - query.rows) " older" }
                    }
                }
            }
        }
    }
}

/// What the candidate says of one request, for its story.
pub(super) fn section(candidate: &CandidateRecord) -> Markup {
    html! {
        h2 { "Candidate" }
        p {
            (words(candidate.result))
            @if let Some(decided) = candidate.decision { ": " (decision(decided)) }
            @if let Some(score) = &candidate.score { ", score " (score_of(score)) }
            @if !candidate.differs() { ", with the same matches" }
        }
        @if candidate.differs() { p { (changes(candidate)) } }
        @if !candidate.ruleset.is_empty() {
            dl { dt { "Rule set" } dd { code.copy { (candidate.ruleset) } } }
        }
    }
}

fn words(result: CandidateResult) -> String {
    result.name().replace('_', " ")
}

/// The rules that make the difference.
fn rules(found: &[Difference<'_>]) -> Markup {
    let records: Vec<&DecisionRecord> = found.iter().map(|(record, _)| *record).collect();
    let link = |id: &str| {
        let rule = |query: &mut Query| id.clone_into(&mut query.filter.rule);
        Query::default().link(Page::Decisions.path(), rule)
    };
    let new =
        |record| differing(record, |one| one.matches.iter().map(|one| &*one.rule_id).collect());
    let gone = |record| differing(record, |one| one.gone.iter().map(|id| &**id).collect());
    html! {
        div.tops {
            (top("Matches under the candidate only", &records, new, link))
            (top("Matches under the active rules only", &records, gone, link))
        }
    }
}

fn differing<'a>(
    record: &'a DecisionRecord,
    ids: impl Fn(&'a CandidateRecord) -> Vec<&'a str>,
) -> Vec<Cow<'a, str>> {
    let mut ids = record.candidate.as_ref().map(ids).unwrap_or_default();
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter().map(Cow::Borrowed).collect()
}

fn table(found: &[Difference<'_>]) -> Markup {
    html! {
        table.decisions {
            (head(&[
                "Time (UTC)", "Difference", "Active", "Score", "Candidate", "Score", "Client",
                "Request", "Rules",
            ]))
            tbody { @for (record, candidate) in found { (row(record, candidate)) } }
        }
    }
}

fn row(record: &DecisionRecord, candidate: &CandidateRecord) -> Markup {
    html! {
        tr {
            td.time { a href=(story_of(&record.request_id)) { (time(&record.time)) } }
            td.word { (words(candidate.result)) }
            td { (decision(record.decision)) }
            td.number.score { (score_of(&record.score)) }
            td { @if let Some(decided) = candidate.decision { (decision(decided)) } }
            td.number.score { @if let Some(score) = &candidate.score { (score_of(score)) } }
            td.number { bdi { (record.client.ip) } }
            td.request {
                bdi {
                    (record.request.method) " " span.quiet { (record.request.host) }
                    (record.request.path)
                }
            }
            td.rules { bdi { (ids(candidate)) } }
        }
    }
}

/// The rules alone: a row has no room for fields.
fn ids(candidate: &CandidateRecord) -> String {
    let new = candidate.matches.iter().map(|one| format!("+{}", one.rule_id));
    let gone = candidate.gone.iter().map(|id| format!("−{id}"));
    new.chain(gone).collect::<Vec<_>>().join(" ")
}

/// What matches in addition, and what no longer does.
fn changes(candidate: &CandidateRecord) -> Markup {
    html! {
        @for one in &candidate.matches { "+" (one.rule_id) " " span.quiet { (one.target) } " " }
        @for id in &candidate.gone { "−" (id) " " }
    }
}

#[cfg(test)]
mod tests {
    use waf_core::record::Decision;

    use super::*;
    use crate::test_record::{blocked, passed, union_select};

    fn differing() -> DecisionRecord {
        let mut record = passed("n0");
        record.candidate =
            Some(CandidateRecord::between(Decision::Pass, &record, blocked("n0"), false));
        record
    }

    #[test]
    fn differences_are_shown_with_their_rules() {
        let records = [differing(), passed("n1")].map(Arc::new);
        let totals = [(CandidateResult::Same, 7), (CandidateResult::NewlyBlocked, 1)];
        let page = page(&records, &Query::default(), &totals).into_string();
        let rule = union_select().rule_id;
        for part in [
            "<b>7</b> same",
            "<b>1</b> newly blocked",
            "<td class=\"word\">newly blocked</td><td><span class=\"decision pass\">pass</span></td>",
            &format!("<bdi>+{rule}</bdi>"),
            &format!("<bdi>{rule}</bdi></a></td><td class=\"number\">1</td>"),
        ] {
            assert!(page.contains(part), "{part} is not in:\n{page}");
        }
        assert!(!page.contains("id=n1"));
    }

    #[test]
    fn without_a_candidate_the_page_says_how_to_have_one() {
        let page = page(&[], &Query::default(), &[(CandidateResult::Same, 0)]).into_string();
        assert!(page.contains("<code>candidate:</code>"));
    }
}
