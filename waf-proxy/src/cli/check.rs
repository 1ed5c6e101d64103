//! `pinpoint check`: configuration and rules load, and every rule does what its examples say.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use clap::Args;
use comfy_table::{Table, presets};
use memchr::memmem;
use serde::Deserialize;
use serde_json::{Value, json};
use waf_core::policy::{Policy, ResponseBody, WorkBound};
use waf_core::record::{ExcludedRecord, Mode};
use waf_core::rule::Exclusion;
use waf_core::source::Report;

use super::examples::{self, Outcome};
use super::output::{Format, print, print_json, safe};
use super::tune::read::gather;
use super::{Exit, Failure, FormatArguments, RuleArguments};
use crate::config::files::Disk;
use crate::config::{Candidate, CommandLine};
use crate::site::{Rules, Site, today};

/// Load configuration and rules, run every rule's examples, and print what would run
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The configuration; without one, the defaults
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    rules: RuleArguments,
    /// Audit logs, also compressed: exclusions that changed nothing in them are warned of
    #[arg(long = "log", value_name = "FILE")]
    logs: Vec<String>,
    /// A warning fails the check, too
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    format: FormatArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let command_line =
        CommandLine { rules: arguments.rules.rules.clone(), ..CommandLine::default() };
    let mut site = Site::load(&Disk, arguments.config.as_deref(), &command_line)?;
    if !arguments.logs.is_empty() {
        let unused = unused(&site, &arguments.logs)?;
        site.warnings.extend(unused);
    }
    let outcome = examples::run(&site);
    match arguments.format.format {
        Format::Text => print(&text(&site, &outcome)),
        Format::Json => print_json(&as_json(&site, &outcome)),
    }
    let warned = arguments.strict && !site.warnings.is_empty();
    Ok(if outcome.failures.is_empty() && !warned { Exit::Fine } else { Exit::Found })
}

/// Exclusions that no record names; those that have ended are warned of already.
fn unused(site: &Site, logs: &[String]) -> Result<Vec<Report>, Failure> {
    type Places = HashSet<String>;
    let known: Places = site.exclusions.iter().map(Exclusion::place).collect();
    let add = |places: &mut Places, line: &[u8]| {
        if memmem::find(line, b"\"excluded\":[").is_some()
            && let Ok(line) = serde_json::from_slice::<Excluded>(line)
        {
            // A log may name whatever it likes; only our own are kept.
            let named = line.excluded.into_iter().map(|one| one.exclusion);
            places.extend(named.filter(|place| known.contains(place)));
        }
    };
    let used: Places = gather(logs, Places::new, add)?.into_iter().flatten().collect();
    let in_force = site.exclusions.iter().filter(|one| one.is_in_force(today()));
    let unused = in_force.filter(|exclusion| !used.contains(&exclusion.place()));
    let report = |exclusion: &Exclusion| {
        Report::warning(Some(exclusion.span.clone()), "no record of the log needed this exclusion")
            .help("take it away, if the log is of long enough a time")
    };
    Ok(unused.map(report).collect())
}

/// What is read of a record.
#[derive(Deserialize)]
struct Excluded {
    excluded: Vec<ExcludedRecord>,
}

fn text(site: &Site, outcome: &Outcome) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| text += &format!("{name:<10}{value}\n");
    line("rules", &safe(&site.summary));
    let classes = classes(site);
    let classes = classes.iter().map(|(class, count)| format!("{} {count}", safe(class)));
    line("classes", &classes.collect::<Vec<_>>().join(", "));
    line("ruleset", site.ruleset.hash());
    if let Some((settings, rules)) = candidate(site) {
        line("candidate", &candidate_line(settings, rules));
    }
    let (now, most) = (site.ruleset.table_bytes(), site.ruleset.most_table_bytes());
    let tables =
        format!("{} KiB, later {} at most, shared by all requests", now / 1024, most / 1024);
    line("tables", &tables);
    text += &format!("\n{}\n\n", policies(site));
    for warning in &site.warnings {
        text += &format!("{warning}\n\n");
    }
    text += &outcome.text();
    text
}

/// Rules by class.
fn classes(site: &Site) -> BTreeMap<&str, usize> {
    let mut classes = BTreeMap::new();
    for rule in site.rules() {
        *classes.entry(rule.class.as_str()).or_default() += 1;
    }
    classes
}

/// A line for each route, and one for requests without a route.
fn policies(site: &Site) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "ROUTE",
        "MODE",
        "THRESHOLDS",
        "PARANOIA",
        "EXCLUSIONS",
        "MEMORY A REQUEST",
        "STEPS A BYTE",
    ]);
    for (name, policy, beside) in named(site) {
        let settings = policy.settings();
        table.add_row([
            safe(name).into_owned(),
            mode(settings.mode).to_owned(),
            format!("{} / {}", settings.inbound_threshold, settings.outbound_threshold),
            format!("{} ({})", settings.paranoia, settings.detection_paranoia),
            settings.exclusions.len().to_string(),
            format!(
                "{} KiB at most; {} KiB more for a body in brotli",
                memory(policy, beside).div_ceil(1024),
                brotli(policy, beside).div_ceil(1024)
            ),
            work(policy.work_bound()),
        ]);
    }
    table.trim_fmt()
}

/// The policies with the names of their routes, and what runs beside them.
fn named(site: &Site) -> impl Iterator<Item = (&str, &Policy, Option<&Policy>)> {
    let names = site.config.routes.iter().map(|route| route.name.as_str()).chain(["(no route)"]);
    let policies = site.policies.iter().map(AsRef::as_ref).enumerate();
    names
        .zip(policies)
        .map(|(name, (index, policy))| (name, policy, site.candidate_of(index).map(AsRef::as_ref)))
}

fn candidate(site: &Site) -> Option<(&Candidate, &Rules)> {
    site.config.candidate.as_ref().zip(site.candidate.as_ref())
}

fn candidate_line(settings: &Candidate, rules: &Rules) -> String {
    format!(
        "{} of requests: {}, {}, tables {} KiB",
        settings.share,
        safe(&rules.summary),
        rules.ruleset.hash(),
        rules.ruleset.table_bytes() / 1024
    )
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Block => "block",
        Mode::Detect => "detect",
    }
}

/// What the engine and the candidate beside it keep, and what the proxy holds of the body.
fn memory(policy: &Policy, beside: Option<&Policy>) -> u64 {
    let settings = policy.settings();
    let bodies = if settings.response.body == ResponseBody::Off { 1 } else { 2 };
    let engines = policy.memory_bound() + beside.map_or(0, Policy::memory_bound);
    engines as u64 + bodies * settings.limits.hold
}

fn work(WorkBound { steps, steps_off_tables }: WorkBound) -> String {
    format!("{steps} at most; {steps_off_tables} off the tables")
}

/// What a body in brotli takes besides.
fn brotli(policy: &Policy, beside: Option<&Policy>) -> usize {
    policy.brotli_bound() + beside.map_or(0, Policy::brotli_bound)
}

fn as_json(site: &Site, outcome: &Outcome) -> Value {
    let policies: Vec<Value> = named(site)
        .map(|(name, policy, beside)| {
            let settings = policy.settings();
            let WorkBound { steps, steps_off_tables } = policy.work_bound();
            json!({
                "route": name, "mode": mode(settings.mode),
                "inbound_threshold": settings.inbound_threshold,
                "outbound_threshold": settings.outbound_threshold,
                "paranoia": settings.paranoia, "detection_paranoia": settings.detection_paranoia,
                "exclusions": settings.exclusions.len(), "memory_bytes": memory(policy, beside),
                "memory_brotli_bytes": brotli(policy, beside),
                "steps_per_byte": steps, "steps_per_byte_off_tables": steps_off_tables,
            })
        })
        .collect();
    let warnings: Vec<String> = site.warnings.iter().map(ToString::to_string).collect();
    let candidate = candidate(site).map(|(settings, rules)| {
        json!({
            "share": settings.share.to_string(), "rules": rules.summary,
            "ruleset": rules.ruleset.hash(), "table_bytes": rules.ruleset.table_bytes(),
        })
    });
    json!({
        "candidate": candidate, "rules": site.summary, "classes": classes(site), "ruleset": site.ruleset.hash(),
        "table_bytes": site.ruleset.table_bytes(), "most_table_bytes": site.ruleset.most_table_bytes(),
        "policies": policies, "warnings": warnings,
        "examples": outcome.json(),
    })
}
