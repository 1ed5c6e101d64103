//! What tuning found, for people and for programs.

use std::fmt::Write;

use serde_json::{Value, json};
use waf_core::record::Alphabet;

use super::attacks::Attacks;
use crate::cli::output::{Style, safe, styled};
use crate::tune::{Gathered, Likely, Proposal};

/// Attacks that are named in text; JSON has all.
const NAMED: usize = 3;

/// What tuning found.
pub(super) struct Study<'a> {
    pub(super) log: &'a Gathered,
    pub(super) judged: [(Likely, u64); 3],
    pub(super) attacks: Option<&'a Attacks>,
    pub(super) proposals: Vec<Proposal>,
    /// They are also for what is unclear.
    pub(super) with_unclear: bool,
}

impl Study<'_> {
    pub(super) fn text(&self) -> String {
        let mut text = self.head();
        for (number, proposal) in self.proposals.iter().enumerate() {
            text.push('\n');
            tell(&mut text, number + 1, proposal);
        }
        text.push('\n');
        text.push_str(&self.summary());
        let unclear = self.judged.iter().any(|(likely, records)| {
            *likely == Likely::Unclear && *records > 0 && !self.with_unclear
        });
        if unclear {
            text.push_str(
                "`--unclear` proposes for what evidence cannot tell from attacks, too.\n",
            );
        }
        if !self.proposals.is_empty() {
            text.push_str("`--output yaml` prints them as a file for `exclusions:`, `--output seclang` for ModSecurity.\n");
        }
        text
    }

    /// What was read.
    fn head(&self) -> String {
        let counts = &self.log.counts;
        let mut text = String::new();
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(
            text,
            "{} records of {}, {} flagged by rules",
            number(counts.records),
            hours(self.log.hours.count()),
            number(counts.flagged)
        );
        for (likely, records) in self.judged.iter().filter(|(_, records)| *records > 0) {
            let _ = writeln!(text, "  {:>9}  {}", number(*records), likely.name());
        }
        let mut also = |count: u64, what: &str| {
            if count > 0 {
                let _ = writeln!(text, "  {:>9}  {what}", number(count));
            }
        };
        also(counts.refused_always, "refused whatever exclusions say");
        also(counts.forgotten, "rare ones, for which there was no memory");
        also(counts.unreadable, "lines that are no records");
        if let Some(attacks) = self.attacks {
            let _ = writeln!(
                text,
                "{} attacks replayed, {} caught without these exclusions",
                number(attacks.replayed as u64),
                number(attacks.caught.len() as u64)
            );
        }
        text
    }

    /// What it comes to, in two lines.
    pub(super) fn summary(&self) -> String {
        let Some(last) = self.proposals.last() else {
            return "No exclusion is proposed.\n".to_owned();
        };
        let remaining = last.flagged - last.passing;
        let mut text = format!(
            "{} exclusion{}: {} of {} flagged records pass ({}), {} remain.\n",
            self.proposals.len(),
            if self.proposals.len() == 1 { "" } else { "s" },
            number(last.passing),
            number(last.flagged),
            percent(last.passing, last.flagged),
            number(remaining)
        );
        text += &match &last.price {
            Some(price) => format!(
                "Their price: {} of {} attacks that were caught now pass ({}).\n",
                number(price.in_all as u64),
                number(price.of as u64),
                percent(price.in_all as u64, price.of as u64)
            ),
            None => "Their price is not known: `--attacks CORPUS` replays attacks with and without them.\n"
                .to_owned(),
        };
        text
    }

    pub(super) fn json(&self) -> Value {
        let judged: serde_json::Map<String, Value> = self
            .judged
            .iter()
            .map(|(likely, records)| {
                (json!(likely).as_str().unwrap_or_default().into(), json!(records))
            })
            .collect();
        json!({
            "counts": self.log.counts,
            "hours": self.log.hours.count(),
            "judged": judged,
            "attacks": self.attacks.map(|attacks| json!({
                "replayed": attacks.replayed, "caught": attacks.caught.len(),
            })),
            "proposals": self.proposals.iter().map(as_json).collect::<Vec<_>>(),
        })
    }
}

/// One exclusion in a few lines: what, why, for how much.
fn tell(text: &mut String, place: usize, proposal: &Proposal) {
    let candidate = &proposal.candidate;
    let fields = match candidate.targets.as_slice() {
        [] => "the whole rule".to_owned(),
        targets => targets.join(", "),
    };
    let mut on = candidate.path.as_deref().unwrap_or("any path").to_owned();
    if !proposal.methods.is_empty() {
        on = format!("{} {on}", proposal.methods.join(" "));
    }
    let rule = styled(&candidate.rule, Style::Bold).into_owned();
    let _ = writeln!(text, "{place:>3}. {rule}  {}", safe(&fields));
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "     {name:<6} {value}");
    };
    line("on", &safe(&on));
    if let Some(characters) = candidate.characters {
        line("only", &format!("values of {characters}"));
    }
    let reasons: Vec<String> =
        proposal.evidence.reasons().iter().map(ToString::to_string).collect();
    let records = number(proposal.evidence.records);
    line("seen", &format!("{records} records: {}", reasons.join("; ")));
    line("brings", &proposal.brings());
    let costs = proposal.costs();
    match &proposal.price {
        Some(price) if !price.let_in.is_empty() => {
            line("costs", &format!("{}: {}", styled(&costs, Style::Red), named(&price.let_in)));
        }
        _ => line("costs", &costs),
    }
}

fn named(ids: &[Box<str>]) -> String {
    let mut named: Vec<String> = ids.iter().take(NAMED).map(|id| safe(id).into_owned()).collect();
    if ids.len() > NAMED {
        named.push("…".into());
    }
    named.join(", ")
}

fn as_json(proposal: &Proposal) -> Value {
    json!({
        "rule": proposal.candidate.rule,
        "targets": proposal.candidate.targets,
        "whole_rule": proposal.candidate.targets.is_empty(),
        "path": proposal.candidate.path,
        "methods": proposal.methods,
        "characters": proposal.candidate.characters.and_then(Alphabet::characters),
        "evidence": proposal.evidence,
        "likely": proposal.evidence.likely(),
        "reasons": proposal.evidence.reasons(),
        "passing": proposal.passing,
        "flagged": proposal.flagged,
        "price": proposal.price,
    })
}

fn hours(count: u32) -> String {
    format!("{count} hour{}", if count == 1 { "" } else { "s" })
}

fn percent(part: u64, of: u64) -> String {
    format!("{:.2} %", 100.0 * part as f64 / of.max(1) as f64)
}

/// With commas between thousands.
fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
