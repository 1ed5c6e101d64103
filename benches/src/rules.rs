//! The rules of `rules/`, ready to run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use waf_core::compile::compile;
use waf_core::policy::{Policy, PolicySettings};
use waf_core::record::{Masking, MaskingSettings};
use waf_core::rule::Rule;
use waf_core::yaml::{OFF_BY_DEFAULT, RuleContext, RuleSource, read_file, rules};
use waf_corpus::Runner;

/// A policy over the rules that are on by default.
///
/// # Panics
/// When they do not load.
pub fn policy(settings: PolicySettings) -> Arc<Policy> {
    let compiled = compile(yaml(|class| !OFF_BY_DEFAULT.contains(&class)), vec![settings])
        .expect("the rules compile");
    Arc::clone(&compiled.policies[0])
}

/// The rules of the classes that are wanted.
///
/// # Panics
/// When they do not load.
pub fn yaml(wanted: impl Fn(&str) -> bool) -> Vec<Rule> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules");
    let mut sources = Vec::new();
    for class in entries(&folder).into_iter().filter(|path| path.is_dir()) {
        let name = class.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_rule = |path: &PathBuf| path.extension().is_some_and(|end| end == "yaml");
        for file in entries(&class).into_iter().filter(|path| wanted(&name) && is_rule(path)) {
            let source = read_file(&file).expect("a rule file");
            sources.push(RuleSource { source, class: name.clone(), builtin: true });
        }
    }
    rules(&sources, &RuleContext::default()).expect("the rules are fine")
}

/// A runner under it.
///
/// # Panics
/// When the rules do not load.
pub fn runner(settings: PolicySettings) -> Runner {
    let masking = Masking::new(&MaskingSettings::default()).expect("the default masking is fine");
    Runner::new(policy(settings), masking)
}

/// What is in a folder, sorted; nothing where there is none.
pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}
