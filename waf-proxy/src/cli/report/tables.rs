//! The tables of the page.

use maud::{Markup, html};
use waf_corpus::tally::Count;
use waf_corpus::{Label, Outcome};

use super::gather::Run;
use crate::chart::{grouped, meter};

/// Rules, answers and the like that are listed.
const LISTED: usize = 25;

/// Columns of one table over runs.
const COLUMNS: usize = 8;

/// What the bars of a table go up to.
const SCALES: [f64; 5] = [0.01, 0.05, 0.1, 0.25, 1.0];

/// A share, 0 to 1, as people read it.
pub(super) fn percent(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}

/// The runs beside each other.
pub(super) fn overview(runs: &[(String, &Run)]) -> Markup {
    let cost = |run: &Run, share| run.tally.costs.quantile(share).map(grouped).unwrap_or_default();
    html! {
        table {
            thead { tr {
                th { "Run" } th.n { "Requests" } th.n { "Detected" } th.n { "False positives" }
                th.n { "Threshold" } th.n { "p50 µs" } th.n { "p99 µs" } th.n { "Unanswered" }
            } }
            tbody { @for (name, run) in runs { tr {
                th scope="row" { (name) }
                td.n { (grouped(run.tally.len())) }
                td.n { (share_of(run, Label::Attack)) }
                td.n { (share_of(run, Label::Benign)) }
                td.n { (run.threshold.map_or("–".to_owned(), |at| at.to_string())) }
                td.n { (cost(run, 0.5)) }
                td.n { (cost(run, 0.99)) }
                td.n { (grouped(run.tally.unanswered)) }
            } } }
        }
    }
}

fn share_of(run: &Run, label: Label) -> String {
    let count = run.tally.of(label);
    if count.total == 0 { "–".to_owned() } else { percent(count.share()) }
}

/// The shares of each class, a column for each run.
pub(super) fn by_run(runs: &[(String, &Run)], label: Label, title: &str) -> Markup {
    let runs = &runs[..runs.len().min(COLUMNS)];
    let mut classes: Vec<&str> = Vec::new();
    for (of, class) in runs.iter().flat_map(|(_, run)| run.tally.classes.keys()) {
        if *of == label && !classes.contains(&class.as_str()) {
            classes.push(class);
        }
    }
    classes.sort_unstable();
    html! {
        @if !classes.is_empty() {
            table {
                caption { (title) }
                thead { tr { th { "Class" } @for (name, _) in runs { th.n { (name) } } } }
                tbody { @for class in classes { tr {
                    th scope="row" { (class) }
                    @for (_, run) in runs {
                        @let count = run.tally.classes.get(&(label, class.to_owned()));
                        td.n { (count.map_or("–".to_owned(), |count| percent(count.share()))) }
                    }
                } } }
            }
        }
    }
}

/// Classes or sources of one side, the most frequent first.
pub(super) fn side(run: &Run, label: Label, of_sources: bool) -> Markup {
    let names = if of_sources { &run.tally.sources } else { &run.tally.classes };
    let mut rows: Vec<(&str, Count)> = names
        .iter()
        .filter(|((of, _), _)| *of == label)
        .map(|((_, name), count)| (name.as_str(), *count))
        .collect();
    rows.sort_by_key(|(_, count)| std::cmp::Reverse(count.total));
    let (title, [caught, passed], series) = match label {
        Label::Attack => ("Attacks", ["Detected", "Missed"], 0),
        Label::Benign => ("Benign requests", ["Flagged", "Passed"], 1),
    };
    // Small shares are compared with each other, not with everything.
    let most = rows.iter().map(|(_, count)| count.share()).fold(0.0, f64::max);
    let scale = SCALES.into_iter().find(|scale| *scale >= most).unwrap_or(1.0);
    let by = if of_sources { "source" } else { "class" };
    let row = |name: &str, count: Count| {
        html! {
            th scope="row" { @if name.is_empty() { "(none)" } @else { (name) } }
            td.n { (grouped(count.total)) }
            td.n { (grouped(count.caught)) }
            td.n { (grouped(count.total - count.caught)) }
            td.n { (percent(count.share())) }
            td { (meter(count.share() / scale, series)) }
        }
    };
    html! {
        @if rows.len() > usize::from(of_sources) {
            table {
                caption { (title) " by " (by) }
                thead { tr {
                    th { (if of_sources { "Source" } else { "Class" }) } th.n { "Requests" }
                    th.n { (caught) } th.n { (passed) } th.n { "Share" }
                    th { "0 to " (scale * 100.0) "%" }
                } }
                tbody { @for (name, count) in &rows { tr { (row(name, *count)) } } }
                tfoot { tr { (row("all", run.tally.of(label))) } }
            }
        }
    }
}

/// The rules that count in most requests.
pub(super) fn rules(run: &Run) -> Markup {
    let mut rules: Vec<_> = run.rules.iter().collect();
    rules.sort_by_key(|(_, count)| std::cmp::Reverse(count.total()));
    let most = rules.first().map_or(1, |(_, count)| count.total()).max(1) as f64;
    let left = rules.len().saturating_sub(LISTED);
    let has_labels = !run.tally.labels.is_empty();
    html! {
        table {
            caption { "Rules by requests" }
            thead { tr {
                th { "Rule" } th.n { "Requests" } th {}
                @if has_labels { th.n { "Attacks" } th.n { "Benign" } }
                th.n { "The only rule" }
            } }
            tbody { @for (rule, count) in rules.iter().take(LISTED) { tr {
                th scope="row" { code { (rule) } }
                td.n { (grouped(count.total())) }
                td { (meter(count.total() as f64 / most, 0)) }
                @if has_labels {
                    td.n { (grouped(count.requests[0])) } td.n { (grouped(count.requests[1])) }
                }
                td.n { (grouped(count.single)) }
            } } }
        }
        @if left > 0 { p.note { (left) " more rules counted in fewer requests." } }
    }
}

/// What was inspected and what was not.
pub(super) fn coverage(run: &Run) -> Markup {
    let coverage = &run.coverage;
    let share = match coverage.body_bytes {
        0 => 1.0,
        all => coverage.body_seen as f64 / all as f64,
    };
    let row =
        |name: &str, value: String| html! { tr { th scope="row" { (name) } td.n { (value) } } };
    let mut inexact: Vec<_> = coverage.inexact.iter().collect();
    inexact.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    html! {
        table {
            caption { "Coverage" }
            tbody {
                (row("Requests", grouped(coverage.requests)))
                (row("Bytes of bodies", grouped(coverage.body_bytes)))
                (row("Of these inspected", format!("{} ({})", grouped(coverage.body_seen), percent(share))))
                @for (stop, count) in &coverage.stops {
                    (row(&format!("Stopped early: {stop}"), grouped(*count)))
                }
                (row("Requests of which something was not exact", grouped(coverage.not_exact)))
                @for (what, count) in inexact.into_iter().take(LISTED) {
                    (row(&format!("Not exact: {what}"), grouped(*count)))
                }
            }
        }
    }
}

/// Who answered, and what.
pub(super) fn answers(run: &Run) -> Markup {
    let mut answers: Vec<_> = run.answers.iter().collect();
    answers.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let all: u64 = answers.iter().map(|(_, count)| **count).sum();
    html! {
        table {
            caption { "Who answered" }
            thead { tr { th { "Source" } th.n { "Status" } th.n { "Requests" } th {} } }
            tbody { @for ((source, status), count) in answers.into_iter().take(LISTED) { tr {
                th scope="row" { (source) }
                td.n { (status) }
                td.n { (grouped(*count)) }
                td { (meter(*count as f64 / all.max(1) as f64, 0)) }
            } } }
        }
    }
}

/// Requests to look at.
pub(super) fn samples(title: &str, samples: &[Outcome], total: u64) -> Markup {
    html! {
        @if !samples.is_empty() {
            details {
                summary { (title) ": " (grouped(samples.len() as u64)) " of " (grouped(total)) }
                table.wide {
                    thead { tr { th { "Id" } th { "Class" } th { "Request" } th.n { "Score" } th { "Rules" } } }
                    tbody { @for one in samples { tr {
                        td { code { (one.id) } }
                        td { (one.class) }
                        td { code { (one.method) " " (one.path) } }
                        td.n { (one.score.map_or("–".to_owned(), |score| score.to_string())) }
                        td { @for rule in &one.rules { code { (rule) } " " } }
                    } } }
                }
            }
        }
    }
}
