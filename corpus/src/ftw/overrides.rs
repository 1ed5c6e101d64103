//! Expectations that replace those of the suite where a platform differs and says why, in the
//! format of the suite's own override files.
//!
//! ```yaml
//! version: v0.0.0
//! meta: {engine: Pinpoint, platform: in process}
//! test_overrides:
//!   - rule_id: 920100
//!     test_ids: [2]                # without: every test of the rule
//!     stage_ids: [0]               # without: every stage
//!     reason: The target has a blank in it, which is not HTTP.
//!     output: {status: 400}
//! ```

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;
use waf_core::source::{Report, Source};
use waf_core::yaml::{self, Located};

use super::expect::{Expectation, expectation};
use super::schema::{Output, Text};
use super::suite::{Suite, Test};

/// Expectations that replace others.
#[derive(Debug)]
pub struct Overrides {
    located: Located,
    overrides: Vec<Override>,
}

#[derive(Debug)]
struct Override {
    rule: String,
    tests: Option<Vec<String>>,
    stages: Option<Vec<usize>>,
    expected: Expectation,
    retry_once: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "version")]
    _version: Option<IgnoredAny>,
    #[serde(default, rename = "meta")]
    _meta: Option<IgnoredAny>,
    test_overrides: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    rule_id: Text,
    test_ids: Option<Vec<Text>>,
    stage_ids: Option<Vec<usize>>,
    reason: String,
    retry_once: Option<bool>,
    output: Output,
}

impl Overrides {
    /// Reads an override file.
    pub fn read(path: &Path) -> Result<Self, Report> {
        Self::parse(&yaml::read_file(path)?)
    }

    /// The overrides of a text.
    pub fn parse(source: &Arc<Source>) -> Result<Self, Report> {
        let (file, located) = yaml::read_located::<File>(source)?;
        let mut overrides = Vec::new();
        for (number, written) in file.test_overrides.into_iter().enumerate() {
            let at = format!("test_overrides[{number}]");
            let wrong = |key: &str, why: String| {
                let span = located.key(format!("{at}.{key}").trim_end_matches('.'));
                Report::error(Some(span), why)
            };
            if written.reason.trim().is_empty() {
                return Err(wrong("reason", "an override says why it is needed".to_owned()));
            }
            let expected = expectation(&written.output)
                .map_err(|(key, why)| wrong(&format!("output.{key}"), why))?;
            let texts = |ids: Vec<Text>| ids.into_iter().map(|id| id.0).collect();
            overrides.push(Override {
                rule: written.rule_id.0,
                tests: written.test_ids.map(texts),
                stages: written.stage_ids,
                expected,
                retry_once: written.retry_once.or(written.output.retry_once).unwrap_or(false),
            });
        }
        Ok(Self { located, overrides })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.overrides.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.overrides.is_empty()
    }

    /// Replaces the expectations in a suite. An override of a test that the suite does not have is
    /// an error: it is stale, or its number is wrong.
    pub fn apply(&self, suite: &mut Suite) -> Result<(), Vec<Report>> {
        let mut reports = Vec::new();
        for (number, one) in self.overrides.iter().enumerate() {
            let mut stale = |key: &str, what: String| {
                let span = self.located.span(&format!("test_overrides[{number}].{key}"));
                reports.push(Report::error(Some(span), format!("the suite has no {what}")));
            };
            for (key, name) in one.names() {
                let is_meant = |test: &&mut Test| match &name {
                    Some(id) => test.id == *id,
                    None => test.rule == one.rule,
                };
                let mut meant = suite.tests.iter_mut().filter(is_meant).peekable();
                if meant.peek().is_none() {
                    let name = name.unwrap_or_else(|| format!("of rule {}", one.rule));
                    stale(&key, format!("test {name}"));
                } else if !meant.all(|test| one.change(test)) {
                    stale("stage_ids", format!("such stage in a test of rule {}", one.rule));
                }
            }
        }
        if reports.is_empty() { Ok(()) } else { Err(reports) }
    }
}

impl Override {
    /// The tests it is about, each with the key that says so; `None` is all of the rule.
    fn names(&self) -> Vec<(String, Option<String>)> {
        let Some(tests) = &self.tests else { return vec![("rule_id".to_owned(), None)] };
        let name =
            |(place, test)| (format!("test_ids[{place}]"), Some(format!("{}-{test}", self.rule)));
        tests.iter().enumerate().map(name).collect()
    }

    /// Whether all stages it names were there.
    fn change(&self, test: &mut Test) -> bool {
        let count = test.stages.len();
        for (number, stage) in test.stages.iter_mut().enumerate() {
            if self.stages.as_ref().is_none_or(|stages| stages.contains(&number)) {
                stage.expected = self.expected.clone();
                stage.retry_once = self.retry_once;
            }
        }
        self.stages.iter().flatten().all(|stage| *stage < count)
    }
}
