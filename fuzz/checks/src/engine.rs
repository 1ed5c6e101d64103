//! The engine with a small rule set.

use std::path::Path;
use std::sync::Arc;

use waf_core::compile::compile;
use waf_core::limits::Limits;
use waf_core::policy::{Policy, PolicySettings};
use waf_core::record::{Masking, MaskingSettings, Mode};
use waf_core::source::Source;
use waf_core::yaml::{RuleContext, RuleSource, read_file, rules};
use waf_corpus::Runner;

/// Policies in these modes.
pub(crate) fn policies(modes: [Mode; 2], limits: &Limits) -> [Arc<Policy>; 2] {
    let rules = rules(&sources(), &RuleContext::default()).expect("the rules are fine");
    let settings = modes.map(|mode| PolicySettings {
        mode,
        limits: limits.clone(),
        ..PolicySettings::default()
    });
    let compiled = compile(rules, settings.to_vec()).expect("the rules compile");
    [0, 1].map(|number: usize| Arc::clone(&compiled.policies[number]))
}

/// A runner under a policy; its records show queries.
pub(crate) fn runner(policy: Arc<Policy>) -> Runner {
    let shown = MaskingSettings { query_values: false, ..MaskingSettings::default() };
    Runner::new(policy, Masking::new(&shown).expect("the default masking is fine"))
}

/// A few rules of each kind, and ours about findings.
fn sources() -> Vec<RuleSource> {
    let embedded = RULES.iter().map(|(name, text)| RuleSource {
        source: Source::new(format!("rules/fuzz/{name}.yaml"), *text),
        class: "fuzz".to_owned(),
        builtin: false,
    });
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/protocol");
    let files = std::fs::read_dir(&folder).expect("the folder of findings");
    let findings = files.map(|file| RuleSource {
        source: read_file(&file.expect("a file").path()).expect("a rule file"),
        class: "protocol".to_owned(),
        builtin: true,
    });
    embedded.chain(findings).collect()
}

macro_rules! embedded {
    ($( $name:literal ),* $(,)?) => {
        &[$( ($name, include_str!(concat!("../rules/", $name, ".yaml"))) ),*]
    };
}

const RULES: &[(&str, &str)] = embedded![
    "anchored",
    "boundary",
    "decoded",
    "long",
    "negated",
    "path",
    "phrases",
    "raw",
    "same-value",
    "sqli",
    "upload",
];
