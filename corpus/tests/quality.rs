//! What the built-in rules catch and whom they hit, measured on the development corpora, which lie
//! beside the repository or where `CORPORA_DIR` says. Without them nothing is measured.
//!
//! The gate judges a fixed sample and compares it with `data/quality.json`: no class and no source
//! may get worse. `report` judges everything and writes that file and `rules/QUALITY.md` anew:
//!
//! ```sh
//! cargo test --release -p waf-corpus --test quality -- --ignored
//! ```
//!
//! With `MISJUDGED=FILE` it lists every request that it misjudges there, as JSON Lines.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that meets the unexpected should stop, and one that measures nothing says so"
)]

mod common;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use waf_core::policy::{Override, OverrideScope, Policy, PolicySettings};
use waf_core::record::{Decision, Mode};
use waf_core::rule::RuleMode;
use waf_core::yaml::OFF_BY_DEFAULT;
use waf_corpus::tally::Count;
use waf_corpus::{Cut, Label, Request};

/// Requests of one class and source in the sample.
const SAMPLE: usize = 80;
/// The tests of a rule set try single words of rules; they are told apart.
const APART: &str = "coreruleset/coreruleset";
/// What stands before it in the report is written by hand.
const MARK: &str = "<!-- What follows is generated. -->\n";
/// Ids that the report names in one line.
const IDS: usize = 6;

/// What became of a request.
#[derive(Clone, Debug)]
struct Judged {
    id: String,
    label: Label,
    class: String,
    source: String,
    caught: bool,
    score: u32,
    rules: Vec<String>,
}

fn corpora() -> Option<Vec<PathBuf>> {
    let folder = std::env::var_os("CORPORA_DIR")
        .map_or_else(|| common::root().join("../shared/corpora"), PathBuf::from);
    let files = ["dev-attack.jsonl.gz", "dev-benign.jsonl.gz"].map(|name| folder.join(name));
    let found = files.iter().all(|file| file.exists());
    if !found {
        eprintln!("no corpora in {}: nothing is measured", folder.display());
    }
    found.then(|| files.to_vec())
}

fn requests(files: &[PathBuf]) -> Vec<Request> {
    let read = files.iter().flat_map(|file| waf_corpus::read(file));
    read.map(Result::unwrap).filter(|request| request.label.is_some()).collect()
}

/// The first of each class and source, in the order of their ids, which are hashes.
fn sample(mut requests: Vec<Request>) -> Vec<Request> {
    requests.sort_by(|one, other| one.id.cmp(&other.id));
    let mut seen = HashMap::new();
    requests.retain(|request| {
        let kind = (request.label, request.class.clone(), request.source.clone());
        let seen = seen.entry(kind).or_insert(0);
        *seen += 1;
        *seen <= SAMPLE
    });
    requests
}

/// The built-in rules as they are by default.
fn policy() -> Arc<Policy> {
    let mut settings = PolicySettings { mode: Mode::Detect, ..PolicySettings::default() };
    for class in OFF_BY_DEFAULT {
        let scope = OverrideScope::Class(class.to_owned());
        let mode = Some(RuleMode::Off);
        settings.overrides.push(Override { scope, mode, score: None, span: None });
    }
    common::policy(common::builtin_rules(), settings)
}

fn judge(requests: &[Request]) -> Vec<Judged> {
    let policy = policy();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let parts = requests.chunks(requests.len().div_ceil(cores).max(1));
        let workers: Vec<_> = parts.map(|part| scope.spawn(|| judge_part(&policy, part))).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    })
}

fn judge_part(policy: &Arc<Policy>, requests: &[Request]) -> Vec<Judged> {
    let mut runner = common::runner(policy);
    let judged = requests.iter().map(|request| {
        let record = runner.run(request, Cut::Whole);
        Judged {
            id: request.id.clone(),
            label: request.label.unwrap(),
            class: request.class.clone(),
            source: request.source.clone(),
            caught: record.decision != Decision::Pass,
            score: record.score.inbound,
            rules: record.matches.iter().map(|known| known.rule_id.clone()).collect(),
        }
    });
    judged.collect()
}

/// Counts by label and class, or source.
type Counts = BTreeMap<String, BTreeMap<String, [u64; 2]>>;

fn counts(judged: &[Judged]) -> Counts {
    let mut counts = Counts::new();
    for one in judged {
        for (kind, name) in [("class", &one.class), ("source", &one.source)] {
            let key = format!("{} {kind}", one.label.name());
            let count = counts.entry(key).or_default().entry(name.clone()).or_default();
            count[0] += 1;
            count[1] += u64::from(one.caught);
        }
    }
    counts
}

fn baseline() -> PathBuf {
    common::root().join("corpus/data/quality.json")
}

#[test]
fn no_class_and_no_source_gets_worse() {
    let Some(files) = corpora() else { return };
    let judged = judge(&sample(requests(&files)));
    let now = counts(&judged);
    let text = std::fs::read_to_string(baseline()).unwrap();
    let before: Counts = serde_json::from_str(&text).unwrap();
    let mut worse = Vec::new();
    for (key, names) in &before {
        for (name, &[total, caught]) in names {
            let [total_now, caught_now] = now[key][name];
            assert_eq!(total_now, total, "{key} {name}: not the corpora of the baseline");
            let is_worse =
                if key.starts_with("attack") { caught_now < caught } else { caught_now > caught };
            if is_worse {
                worse
                    .push(format!("{key} {name}: {caught_now} of {total} caught, it was {caught}"));
            }
        }
    }
    let wrong = judged.iter().filter(|one| one.caught != (one.label == Label::Attack));
    let list: Vec<String> = wrong
        .map(|one| {
            format!("{} {} {} {}: {:?}", one.label.name(), one.class, one.source, one.id, one.rules)
        })
        .collect();
    assert!(worse.is_empty(), "{}\nall that is misjudged:\n{}", worse.join("\n"), list.join("\n"));
}

/// Values by class or kind, each in a query, a form, JSON and multipart.
fn values(label: Label) -> Vec<Request> {
    let path = common::root().join(format!("corpus/data/values/{}.yaml", label.name()));
    let text = std::fs::read_to_string(path).unwrap();
    let kinds: BTreeMap<String, Vec<String>> = serde_yaml::from_str(&text).unwrap();
    let mut requests = Vec::new();
    for (kind, values) in &kinds {
        for (number, value) in values.iter().enumerate() {
            for (place, mut request) in common::bodies::places(value) {
                request.id = format!("{kind} {number} in {place}: {value:?}");
                request.label = Some(label);
                request.class.clone_from(kind);
                requests.push(request);
            }
        }
    }
    requests
}

fn misjudged(label: Label) -> Vec<String> {
    let requests = values(label);
    assert!(requests.len() > 1_000, "{}", requests.len());
    let judged = judge(&requests);
    let wrong = judged.into_iter().filter(|one| one.caught != (label == Label::Attack));
    wrong.map(|one| format!("{}: {} {:?}", one.id, one.score, one.rules)).collect()
}

#[test]
fn ordinary_values_pass() {
    let wrong = misjudged(Label::Benign);
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn attacks_of_every_family_are_detected() {
    let wrong = misjudged(Label::Attack);
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
#[ignore = "judges 33,000 requests; run it with --release"]
fn report() {
    let Some(files) = corpora() else { return };
    let requests = requests(&files);
    let judged = judge(&requests);
    let sampled = judge(&sample(requests));
    let text = serde_json::to_string_pretty(&counts(&sampled)).unwrap();
    std::fs::write(baseline(), text + "\n").unwrap();
    let page = common::root().join("rules/QUALITY.md");
    let known = std::fs::read_to_string(&page).unwrap_or_default();
    let by_hand = known.split_once(MARK).map_or(known.as_str(), |(head, _)| head);
    std::fs::write(&page, format!("{by_hand}{MARK}\n{}", written(&judged))).unwrap();
    if let Some(path) = std::env::var_os("MISJUDGED") {
        let wrong = judged.iter().filter(|one| one.caught != (one.label == Label::Attack));
        let lines: String = wrong
            .map(|one| {
                let Judged { id, class, source, score, rules, .. } = one;
                let label = one.label.name();
                serde_json::json!({"id": id, "label": label, "class": class, "source": source,
                    "score": score, "rules": rules})
                .to_string()
                    + "\n"
            })
            .collect();
        std::fs::write(path, lines).unwrap();
    }
}

fn written(judged: &[Judged]) -> String {
    let mut page = String::new();
    for (label, title, share) in
        [(Label::Attack, "Attacks", "detected"), (Label::Benign, "Benign requests", "flagged")]
    {
        let of: Vec<&Judged> = judged.iter().filter(|one| one.label == label).collect();
        let _ = writeln!(page, "## {title}\n");
        let mean = |apart: bool| {
            let mut sources = group(&of, |one| one.source.clone());
            sources.retain(|name, _| apart || name != APART);
            let sum: f64 = sources.values().map(|one| count(one).share()).sum();
            100.0 * sum / sources.len() as f64
        };
        let _ = writeln!(
            page,
            "Mean over sources: {:.2} % without `{APART}`, {:.2} % with it.\n",
            mean(false),
            mean(true)
        );
        for (head, key) in
            [("class", key_of_class as fn(&Judged) -> String), ("source", key_of_source)]
        {
            let _ = writeln!(page, "| {head} | requests | {share} | % |\n|---|--:|--:|--:|");
            for (name, ones) in group(&of, key) {
                let Count { total, caught } = count(&ones);
                let _ = writeln!(
                    page,
                    "| `{name}` | {total} | {caught} | {:.2} |",
                    100.0 * caught as f64 / total as f64
                );
            }
            page.push('\n');
        }
    }
    let wrong = |label| {
        judged
            .iter()
            .filter(move |one| one.label == label && one.caught != (label == Label::Attack))
    };
    let flagged: Vec<&Judged> = wrong(Label::Benign).collect();
    let _ = writeln!(
        page,
        "## What is flagged\n\n| by | class | source | requests | ids |\n|---|---|---|--:|---|"
    );
    causes(&mut page, &flagged);
    let missed: Vec<&Judged> = wrong(Label::Attack).collect();
    let _ = writeln!(
        page,
        "\n## What is missed\n\nScores are below the threshold of 5.\n\n| what was seen | class | source | requests | ids |\n|---|---|---|--:|---|"
    );
    causes(&mut page, &missed);
    page
}

fn causes(page: &mut String, wrong: &[&Judged]) {
    let cause = |one: &Judged| {
        let mut rules = one.rules.clone();
        rules.dedup();
        let rules = if rules.is_empty() {
            "nothing".to_owned()
        } else {
            format!("`{}`", rules.join("` `"))
        };
        let score = if one.caught { String::new() } else { format!(" ({})", one.score) };
        format!("{rules}{score} | {} | {}", one.class, one.source)
    };
    let mut groups: Vec<_> = group(wrong, cause).into_iter().collect();
    groups.sort_by_key(|(_, ones)| std::cmp::Reverse(ones.len()));
    for (cause, ones) in groups {
        let ids: Vec<String> = ones.iter().take(IDS).map(|one| format!("`{}`", one.id)).collect();
        let more = if ones.len() > IDS { " …" } else { "" };
        let _ = writeln!(page, "| {cause} | {} | {}{more} |", ones.len(), ids.join(" "));
    }
}

fn key_of_class(one: &Judged) -> String {
    one.class.clone()
}

fn key_of_source(one: &Judged) -> String {
    one.source.clone()
}

fn group<'a>(
    judged: &[&'a Judged],
    key: impl Fn(&Judged) -> String,
) -> BTreeMap<String, Vec<&'a Judged>> {
    let mut groups: BTreeMap<String, Vec<&Judged>> = BTreeMap::new();
    for one in judged {
        groups.entry(key(one)).or_default().push(one);
    }
    groups
}

fn count(judged: &[&Judged]) -> Count {
    Count {
        total: judged.len() as u64,
        caught: judged.iter().filter(|one| one.caught).count() as u64,
    }
}
