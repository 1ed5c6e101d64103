//! The catalogue of rules as a page of Markdown.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use waf_core::rule::{Rule, RuleMode};
use waf_core::yaml::OFF_BY_DEFAULT;

use super::output::safe;
use super::rules::weight;

/// A page with a table for each class.
pub(super) fn page(rules: &[&Rule]) -> String {
    let mut classes: BTreeMap<&str, Vec<&Rule>> = BTreeMap::new();
    for rule in rules {
        classes.entry(&rule.class).or_default().push(rule);
    }
    let mut page = format!(
        "# Catalogue\n\nMade by `pinpoint rules list --format markdown`: {} rules. *Level* is the \
         paranoia from which on a rule is active, *adds* what a match adds to the score (`block`: it \
         refuses by itself). Rules in *italics* are on trial.\n",
        rules.len()
    );
    for (class, mut rules) in classes {
        rules.sort_by_key(|rule| (rule.paranoia, rule.id.clone()));
        let off = if OFF_BY_DEFAULT.contains(&class) { " (off by default)" } else { "" };
        let _ = write!(
            page,
            "\n## {}{off}\n\n| rule | level | adds | what and why | references |\n|---|--:|--:|---|---|\n",
            cell(class)
        );
        for rule in rules {
            page += &row(rule);
        }
    }
    page
}

fn row(rule: &Rule) -> String {
    let id = cell(rule.id.as_str());
    let mark = if rule.mode == RuleMode::Block { "" } else { "*" };
    let why = if rule.why.is_empty() { String::new() } else { format!(" {}", cell(&rule.why)) };
    let references: Vec<String> = rule.references.iter().map(|text| link(text)).collect();
    format!(
        "| {mark}{id}{mark} | {} | {} | **{}.**{why} | {} |\n",
        rule.paranoia,
        weight(rule),
        cell(&rule.name),
        references.join(", ")
    )
}

/// A reference with the address that it stands for.
fn link(reference: &str) -> String {
    let text = cell(reference);
    if let Some(number) = reference.strip_prefix("CWE-") {
        return format!("[{text}](https://cwe.mitre.org/data/definitions/{number}.html)");
    }
    match reference.split_once("://") {
        Some((_, rest)) => {
            let host = rest.split('/').next().unwrap_or(rest);
            format!("[{}]({text})", cell(host))
        }
        None if reference.starts_with("CVE-") => {
            format!("[{text}](https://www.cve.org/CVERecord?id={text})")
        }
        None => text.into_owned(),
    }
}

/// Text in a cell: Markdown and HTML in it are text.
fn cell(text: &str) -> Cow<'_, str> {
    let text = safe(text);
    if !text.contains(['|', '<', '>', '*', '_', '`', '$', '[', '\\', '&']) {
        return text;
    }
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '&' => escaped += "&amp;",
            '|' | '*' | '`' | '$' | '[' | '\\' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

    use std::path::Path;

    use super::*;
    use crate::config::CommandLine;
    use crate::config::files::Disk;
    use crate::site::Site;

    #[test]
    fn the_page_in_the_repository_is_current() {
        let site = Site::load(&Disk, None, &CommandLine::default()).unwrap();
        let rules: Vec<&Rule> = site.rules().collect();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules/CATALOGUE.md");
        let known = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            known == page(&rules),
            "rules/CATALOGUE.md is old: pinpoint rules list --format markdown > rules/CATALOGUE.md"
        );
    }

    #[test]
    fn what_rules_say_is_text() {
        assert_eq!(cell("a|b <c> `d` $_E"), "a\\|b &lt;c&gt; \\`d\\` \\$_E");
        assert_eq!(link("CWE-89"), "[CWE-89](https://cwe.mitre.org/data/definitions/89.html)");
        assert_eq!(link("https://a.example/b"), "[a.example](https://a.example/b)");
    }
}
