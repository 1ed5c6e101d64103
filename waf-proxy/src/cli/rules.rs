//! `pinpoint rules`: the catalogue.

use clap::{Args, Subcommand};
use comfy_table::{Table, presets};
use serde_json::{Value, json};
use waf_core::rule::{Action, Example, Rule, RuleMode};

use super::output::{Format, Style, print, print_json, safe, styled};
use super::{Exit, Failure, FormatArguments, RuleArguments, catalogue, examples};
use crate::config::CommandLine;
use crate::config::files::Disk;
use crate::site::Site;

/// The catalogue of rules
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List every rule
    List(ListArguments),
    /// Show one rule: why it exists, what it looks at, its examples
    Show(ShowArguments),
    /// Run the examples of every rule
    Test(TestArguments),
}

#[derive(Debug, Args)]
pub(super) struct ListArguments {
    #[command(flatten)]
    rules: RuleArguments,
    /// What is printed to standard output
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    format: ListFormat,
}

/// How the list is printed.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ListFormat {
    Text,
    Json,
    /// A page with a table for each class
    Markdown,
}

#[derive(Debug, Args)]
pub(super) struct TestArguments {
    #[command(flatten)]
    rules: RuleArguments,
    #[command(flatten)]
    format: FormatArguments,
}

#[derive(Debug, Args)]
pub(super) struct ShowArguments {
    /// The rule's id
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    rules: RuleArguments,
    #[command(flatten)]
    format: FormatArguments,
}

pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::List(arguments) => {
            let site = load(&arguments.rules)?;
            let rules: Vec<&Rule> = site.rules().collect();
            match arguments.format {
                ListFormat::Text => print(&table(&rules)),
                ListFormat::Markdown => print(&catalogue::page(&rules)),
                ListFormat::Json => {
                    print_json(&rules.iter().map(|rule| brief(rule)).collect::<Vec<_>>());
                }
            }
            Ok(Exit::Fine)
        }
        Command::Show(arguments) => show(arguments),
        Command::Test(arguments) => test(arguments),
    }
}

fn load(rules: &RuleArguments) -> Result<Site, Failure> {
    let command_line = CommandLine { rules: rules.rules.clone(), ..CommandLine::default() };
    Ok(Site::load(&Disk, None, &command_line)?)
}

fn show(arguments: &ShowArguments) -> Result<Exit, Failure> {
    let site = load(&arguments.rules)?;
    let Some(rule) = site.rules().find(|rule| rule.id.as_str() == arguments.id) else {
        let message = format!("there is no rule `{}`", safe(&arguments.id));
        return Err(Failure::usage(message));
    };
    match arguments.format.format {
        Format::Text => print(&page(rule)),
        Format::Json => print_json(&whole(rule)),
    }
    Ok(Exit::Fine)
}

fn test(arguments: &TestArguments) -> Result<Exit, Failure> {
    let site = load(&arguments.rules)?;
    let outcome = examples::run(&site);
    match arguments.format.format {
        Format::Text => print(&outcome.text()),
        Format::Json => print_json(&outcome.json()),
    }
    Ok(if outcome.failures.is_empty() { Exit::Fine } else { Exit::Found })
}

fn table(rules: &[&Rule]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["RULE", "CLASS", "SEVERITY", "SCORE", "PL", "MODE", "NAME"]);
    for rule in rules {
        table.add_row([
            safe(rule.id.as_str()).as_ref(),
            &safe(&rule.class),
            rule.severity.name(),
            &weight(rule),
            &rule.paranoia.to_string(),
            mode(rule.mode),
            &safe(&rule.name),
        ]);
    }
    format!("{}\n\n{} rules\n", table.trim_fmt(), rules.len())
}

/// What a match adds, in a word.
pub(super) fn weight(rule: &Rule) -> String {
    match rule.action {
        Action::Block => "block".into(),
        // What a SecLang rule adds is in what it sets.
        Action::Score if rule.chain.is_some() => "by setvar".into(),
        Action::Score => rule.score.to_string(),
    }
}

fn mode(mode: RuleMode) -> &'static str {
    match mode {
        RuleMode::Block => "block",
        RuleMode::Detect => "detect",
        RuleMode::Off => "off",
    }
}

/// One rule for people.
fn page(rule: &Rule) -> String {
    let mut page = format!("{}  {}\n\n", styled(rule.id.as_str(), Style::Bold), safe(&rule.name));
    if !rule.why.is_empty() {
        page += &format!("{}\n\n", safe(&rule.why));
    }
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            page += &format!("{name:<12}{value}\n");
        }
    };
    line("class", &safe(&rule.class));
    line("severity", &format!("{} ({})", rule.severity.name(), weight(rule)));
    line("paranoia", &rule.paranoia.to_string());
    line("phase", rule.phase.name());
    line("mode", mode(rule.mode));
    line("tags", &safe(&rule.tags.join(", ")));
    line("references", &safe(&rule.references.join(", ")));
    line("file", &format!("{}:{}", safe(&rule.span.source.name), rule.span.line()));
    page += "\n";
    page += &indented(&written(rule));
    page
}

/// The rule as written, which says it best: a YAML file is one rule, a SecLang file many.
fn written(rule: &Rule) -> String {
    let text = &rule.span.source.text;
    let Some(chain) = &rule.chain else { return text.clone() };
    let mut lines = Vec::new();
    let mut left = chain.links.len();
    for line in text.lines().skip(rule.span.line().saturating_sub(1)) {
        lines.push(line);
        let told = line.trim();
        let is_open = told.ends_with('\\') || told.is_empty() || told.starts_with('#');
        left -= usize::from(!is_open);
        if left == 0 {
            break;
        }
    }
    lines.join("\n")
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {}\n", safe(line))).collect()
}

fn brief(rule: &Rule) -> Value {
    json!({
        "id": rule.id.as_str(), "name": rule.name, "class": rule.class,
        "severity": rule.severity.name(), "score": rule.score,
        "action": if rule.action == Action::Block { "block" } else { "score" },
        "mode": mode(rule.mode), "paranoia": rule.paranoia, "phase": rule.phase.name(),
        "tags": rule.tags, "file": rule.span.source.name, "line": rule.span.line(),
    })
}

fn whole(rule: &Rule) -> Value {
    let examples = |examples: &[Example]| {
        let one = |example: &Example| match example.place {
            Some(place) => json!({ place.name(): example.value }),
            None => example.value.clone(),
        };
        examples.iter().map(one).collect::<Vec<_>>()
    };
    let mut value = brief(rule);
    value["why"] = json!(rule.why);
    value["references"] = json!(rule.references);
    value["tests"] = json!({ "attack": examples(&rule.attacks), "benign": examples(&rule.benign) });
    value["source"] = json!(written(rule));
    value
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

    use std::path::{Path, PathBuf};

    use waf_core::seclang;

    use super::*;

    struct One(&'static str);

    impl seclang::Files for One {
        fn read(&self, _: &Path) -> Result<Vec<u8>, String> {
            Ok(self.0.into())
        }

        fn find(&self, pattern: &Path) -> Result<Vec<PathBuf>, String> {
            Ok(vec![pattern.to_owned()])
        }
    }

    #[test]
    fn a_seclang_rule_is_shown_whole_and_without_its_neighbours() {
        const TEXT: &str = "SecAction \"id:1,phase:1,pass,nolog\"\n\
            SecRule ARGS \"@rx a\" \\\n    \"id:2,phase:2,deny,chain\"\n\n# and\n  \
            SecRule ARGS \"@rx b\" \"t:none\"\nSecMarker END\n";
        let loaded = seclang::load(&One(TEXT), &["a.conf".into()]).unwrap();
        let shown = written(&loaded.rules[1]);
        assert!(shown.starts_with("SecRule ARGS \"@rx a\""), "{shown}");
        assert!(shown.ends_with("SecRule ARGS \"@rx b\" \"t:none\""), "{shown}");
        assert_eq!(written(&loaded.rules[0]), "SecAction \"id:1,phase:1,pass,nolog\"");
    }
}
