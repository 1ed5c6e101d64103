//! What the tests of engines share: rules, policies, records.
#![allow(dead_code, reason = "each test uses some of it")]

pub(crate) mod bodies;
pub(crate) mod compare;
pub(crate) mod crs;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use waf_core::compile::compile;
use waf_core::policy::{Policy, PolicySettings};
use waf_core::record::{Masking, MaskingSettings};
use waf_core::rule::Rule;
use waf_core::source::Source;
use waf_core::yaml::{self, RuleContext, RuleSource};
use waf_corpus::Runner;

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The rules of `rules/`, their class the folder.
pub(crate) fn builtin_rules() -> Vec<Rule> {
    let folder = root().join("rules");
    let mut sources = Vec::new();
    for class in std::fs::read_dir(&folder).unwrap() {
        let class = class.unwrap().path();
        if !class.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(&class).unwrap() {
            let file = file.unwrap().path();
            if file.extension().is_some_and(|end| end == "yaml") {
                let name = file.strip_prefix(root()).unwrap().display().to_string();
                let source = Source::new(name, std::fs::read_to_string(&file).unwrap());
                let class = class.file_name().unwrap().to_string_lossy().into_owned();
                sources.push(RuleSource { source, class, builtin: true });
            }
        }
    }
    assert!(sources.len() > 100, "only {} rules in {}", sources.len(), folder.display());
    yaml::rules(&sources, &RuleContext::default()).unwrap_or_else(|reports| panic!("{reports:#?}"))
}

/// Rules from texts; ids must differ.
pub(crate) fn rules(texts: &[&str]) -> Vec<Rule> {
    let parsed = texts.iter().enumerate().map(|(number, text)| {
        let source = Source::new(format!("rules/test/{number}.yaml"), *text);
        yaml::rule(&source, "test", &RuleContext::default()).unwrap_or_else(|r| panic!("{r:#?}"))
    });
    parsed.collect()
}

/// A policy over rules.
pub(crate) fn policy(rules: Vec<Rule>, settings: PolicySettings) -> Arc<Policy> {
    let compiled = compile(rules, vec![settings]).unwrap_or_else(|r| panic!("{r:#?}"));
    Arc::clone(&compiled.policies[0])
}

/// A runner whose records hide nothing.
pub(crate) fn runner(policy: &Arc<Policy>) -> Runner {
    let settings = MaskingSettings {
        query_values: false,
        fields: Vec::new(),
        headers: Vec::new(),
        classes: Vec::new(),
        patterns: Vec::new(),
        excerpt: 256,
    };
    Runner::new(Arc::clone(policy), Masking::new(&settings).unwrap())
}

/// Bytes of this process in memory (proc(5), `statm`: the second number is pages).
pub(crate) fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = text.split_whitespace().nth(1).unwrap().parse().unwrap();
    pages * 4096
}
