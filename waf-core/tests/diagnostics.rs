//! What a rule author or operator reads when something is wrong: one file in
//! `data/diagnostics/` per mistake (a folder where it takes several files), and beside it the
//! complete answer. `cargo insta review` shows what a change makes of them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test should stop where it fails")]

use std::fs;
use std::path::{Path, PathBuf};

use waf_core::source::{Report, Source};
use waf_core::yaml::{self, RuleContext, RuleSource};

#[test]
fn every_mistake_is_answered_as_agreed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/diagnostics");
    let cases = entries(&folder);
    assert!(cases.len() >= 15, "only {} cases: is the folder complete?", cases.len());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(&folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for case in cases {
        let name = case.file_stem().unwrap().to_str().unwrap().to_owned();
        let reports = reports(&case);
        assert!(!reports.is_empty(), "{name}: nothing is wrong with it");
        let text: Vec<_> = reports.iter().map(Report::to_string).collect();
        settings.bind(|| insta::assert_snapshot!(name, text.join("\n\n")));
    }
}

fn reports(case: &Path) -> Vec<Report> {
    let name = case.file_stem().unwrap().to_str().unwrap();
    if name.starts_with("exclusion-") {
        return yaml::exclusions(&source(case)).err().unwrap_or_default();
    }
    let files = if case.is_dir() { entries(case) } else { vec![case.to_owned()] };
    let class = if name.starts_with("protocol-") { "protocol" } else { "sqli" };
    let sources: Vec<_> = files
        .iter()
        .map(|file| RuleSource {
            source: source(file),
            class: class.to_owned(),
            builtin: name.starts_with("builtin-"),
        })
        .collect();
    yaml::rules(&sources, &RuleContext::default()).err().unwrap_or_default()
}

fn source(file: &Path) -> std::sync::Arc<Source> {
    let name = file.file_name().unwrap().to_str().unwrap();
    Source::new(name, fs::read_to_string(file).unwrap())
}

/// The cases of a folder, without the answers, in order.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut entries: Vec<_> = entries
        .filter(|path| path.is_dir() || path.extension().is_some_and(|end| end == "yaml"))
        .collect();
    entries.sort();
    entries
}
