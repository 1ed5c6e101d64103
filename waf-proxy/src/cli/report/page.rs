//! The page: one document with its style in it, no script, nothing to load.

use std::collections::BTreeMap;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use waf_corpus::Label;

use super::gather::{Gathered, Run};
use super::pictures::{costs, levels, scores, sweep, trade};
use super::tables::{answers, by_run, coverage, overview, percent, rules, samples, side};
use crate::chart::{CSS, grouped};

const STYLE: &str = include_str!("page.css");

/// Even if text of an attacker became markup: nothing runs, nothing is loaded, nothing is sent.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Characters of a hash that tell one from another.
const HASH: usize = 19;

pub(super) fn page(title: &str, gathered: &Gathered) -> String {
    let runs = named(&gathered.runs);
    let single = runs.len() == 1;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(CSS)) (PreEscaped(STYLE)) }
            }
            body {
                header { h1 { (title) } @if let [(_, run)] = runs.as_slice() { (about(run)) } }
                main {
                    @if !single { (comparison(&runs)) }
                    @for (name, run) in &runs {
                        @if single { (whole(run)) } @else {
                            section.run { h2 { (name) } (about(run)) (whole(run)) }
                        }
                    }
                }
                footer {
                    @if gathered.left_out > 0 {
                        p { (grouped(gathered.left_out)) " lines of further runs were left out." }
                    }
                    p { "Made by Pinpoint " (env!("CARGO_PKG_VERSION")) ". Shares are of the requests that were answered." }
                }
            }
        }
    };
    page.into_string()
}

/// Every run with a name that no other has.
fn named(runs: &[Run]) -> Vec<(String, &Run)> {
    let judges: Vec<&str> = runs.iter().map(|run| run.judge.as_str()).collect();
    let several = |run: &Run| judges.iter().filter(|judge| **judge == run.judge).count() > 1;
    let levels = |run: &Run| {
        let same = runs.iter().filter(|other| other.judge == run.judge);
        same.map(|other| other.paranoia).collect::<std::collections::BTreeSet<_>>().len() > 1
    };
    let hashes = |run: &Run| {
        let same = |other: &&Run| other.judge == run.judge && other.paranoia == run.paranoia;
        runs.iter().filter(same).count() > 1
    };
    let name = |run: &Run| {
        let mut name = run.judge.clone();
        if several(run) && levels(run) {
            name += &run.paranoia.map(|level| format!(", PL {level}")).unwrap_or_default();
        }
        if hashes(run) {
            name += &run
                .ruleset
                .as_deref()
                .map(|hash| format!(", {}", short(hash)))
                .unwrap_or_default();
        }
        name
    };
    runs.iter().map(|run| (name(run), run)).collect()
}

fn short(hash: &str) -> String {
    hash.chars().take(HASH).collect()
}

/// Who judged, in a line.
fn about(run: &Run) -> Markup {
    html! {
        p.about {
            span { (run.judge) }
            @if let Some(level) = run.paranoia { span { "paranoia " (level) } }
            @if let Some(hash) = &run.ruleset { span { "rules " code { (short(hash)) } } }
            @if let Some((from, to)) = &run.times { span { (from) " to " (to) } }
        }
    }
}

/// What tells the runs apart.
fn comparison(runs: &[(String, &Run)]) -> Markup {
    html! {
        section {
            (overview(runs))
            div.pair {
                @if runs.iter().any(|(_, run)| run.has_sweep()) { (trade(&curves(runs))) }
                @for ladder in ladders(runs) { (levels(&ladder)) }
            }
            (by_run(runs, Label::Attack, "Detected, of the attacks of each class"))
            (by_run(runs, Label::Benign, "False positives, of the benign requests of each class"))
        }
    }
}

/// The runs worth a curve: the levels of one judge, or the first level of each of several.
fn curves<'a>(runs: &'a [(String, &'a Run)]) -> Vec<(&'a str, &'a Run)> {
    let mut judges: Vec<&str> = runs.iter().map(|(_, run)| run.judge.as_str()).collect();
    let several = judges.iter().any(|judge| *judge != judges[0]);
    let mut first = |judge: &str| {
        let before = judges.len();
        judges.retain(|other| *other != judge);
        judges.len() < before
    };
    runs.iter()
        .filter(|(_, run)| !several || first(&run.judge))
        .map(|(name, run)| (name.as_str(), *run))
        .collect()
}

/// For each judge at more than one level its runs, by level.
fn ladders<'a>(runs: &[(String, &'a Run)]) -> Vec<Vec<&'a Run>> {
    let mut ladders: BTreeMap<&str, BTreeMap<u8, &Run>> = BTreeMap::new();
    for (_, run) in runs {
        if let Some(level) = run.paranoia {
            ladders.entry(&run.judge).or_default().entry(level).or_insert(run);
        }
    }
    let ladders = ladders.into_values().map(|levels| levels.into_values().collect::<Vec<_>>());
    ladders.filter(|levels| levels.len() > 1).collect()
}

/// Everything about one run.
fn whole(run: &Run) -> Markup {
    let has_labels = !run.tally.labels.is_empty();
    let (missed, flagged) = (run.tally.of(Label::Attack), run.tally.of(Label::Benign));
    html! {
        (tiles(run))
        @if run.has_sweep() { div.pair { (trade(&[("", run)])) (sweep(run)) } }
        @if has_labels {
            div.pair { (side(run, Label::Attack, false)) (side(run, Label::Benign, false)) }
            div.pair { (side(run, Label::Attack, true)) (side(run, Label::Benign, true)) }
        }
        div.pair {
            @if run.tally.unlabelled.total > 0 { (scores(run)) }
            @if run.is_traffic { (answers(run)) }
        }
        @if !run.rules.is_empty() { (rules(run)) }
        div.pair {
            (costs(run))
            @if run.coverage.requests > 0 { (coverage(run)) }
        }
        (samples("False positives to look at", &run.flagged, flagged.caught))
        (samples("Missed attacks to look at", &run.missed, missed.total - missed.caught))
    }
}

/// The figures that people ask for first.
fn tiles(run: &Run) -> Markup {
    let tile = |name: &str, figure: String, below: String| {
        html! { div.tile { dt { (name) } dd { (figure) } dd.below { (below) } } }
    };
    let of = |label: Label, name: &str| {
        let count = run.tally.of(label);
        let below = format!("{} of {}", grouped(count.caught), grouped(count.total));
        html! { @if count.total > 0 { (tile(name, percent(count.share()), below)) } }
    };
    let unlabelled = run.tally.unlabelled;
    let cost = |share| run.tally.costs.quantile(share).map(grouped).unwrap_or_default();
    html! {
        dl.tiles {
            (of(Label::Attack, "Attacks detected"))
            (of(Label::Benign, "False positives"))
            @if unlabelled.total > 0 {
                @let name = if run.is_traffic { "Blocked or would be" } else { "Flagged, without a label" };
                @let below = format!("{} of {}", grouped(unlabelled.caught), grouped(unlabelled.total));
                (tile(name, percent(unlabelled.share()), below))
            }
            (tile("Requests", grouped(run.tally.len()), match run.tally.unanswered {
                0 => "all answered".to_owned(),
                none => format!("and {} without an answer", grouped(none)),
            }))
            @if let Some(threshold) = run.threshold {
                (tile("Threshold", threshold.to_string(), "in force".to_owned()))
            }
            (tile("Cost, p50", format!("{} µs", cost(0.5)), format!("p99 {} µs", cost(0.99))))
        }
    }
}
