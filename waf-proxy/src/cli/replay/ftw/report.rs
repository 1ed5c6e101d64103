//! What a suite found, for people and for programs.

use std::collections::BTreeMap;

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use waf_corpus::ftw::{Results, Suite};

use crate::cli::output::safe;

/// Everything that is printed.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    rules: String,
    tests: usize,
    requests: usize,
    passed: u64,
    failed: u64,
    /// Overrides applied.
    overrides: usize,
    files: BTreeMap<String, Row>,
    failures: Vec<Failed>,
}

#[derive(Debug, Serialize)]
struct Row {
    passed: u64,
    failed: u64,
}

#[derive(Debug, Serialize)]
struct Failed {
    test: String,
    rule: String,
    file: String,
    line: usize,
    description: String,
    /// What was expected and did not come.
    reasons: Vec<String>,
}

impl Report {
    pub(super) fn new(suite: &Suite, results: &Results, rules: &str, overrides: usize) -> Self {
        let total = results.total();
        let by_file = results.by_file(suite).into_iter();
        let failures = results.failed().map(|outcome| {
            let test = &suite.tests[outcome.test];
            Failed {
                test: test.id.clone(),
                rule: test.rule.clone(),
                file: test.file.clone(),
                line: test.line,
                description: test.description.trim().to_owned(),
                reasons: outcome.failures.clone(),
            }
        });
        Self {
            rules: rules.to_owned(),
            tests: suite.tests.len(),
            requests: suite.stages(),
            passed: total.passed,
            failed: total.failed,
            overrides,
            files: by_file
                .map(|(file, count)| {
                    (file.to_owned(), Row { passed: count.passed, failed: count.failed })
                })
                .collect(),
            failures: failures.collect(),
        }
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!("{}\n\n{}\n", safe(&self.rules), self.table());
        for failed in &self.failures {
            let place = format!("{}:{}", failed.file, failed.line);
            text += &format!("\n{} ({})\n", safe(&failed.test), safe(&place));
            for line in failed.description.lines() {
                text += &format!("    {}\n", safe(line));
            }
            for reason in &failed.reasons {
                text += &format!("  - {}\n", safe(reason));
            }
        }
        let Self { tests, requests, passed, failed, overrides, .. } = self;
        text + &format!(
            "\n{tests} tests, {requests} requests: {passed} passed, {failed} failed; \
             {overrides} overrides\n"
        )
    }

    fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(["FILE", "PASSED", "FAILED"]);
        for (file, row) in &self.files {
            table.add_row([
                safe(file).into_owned(),
                row.passed.to_string(),
                row.failed.to_string(),
            ]);
        }
        table.add_row(["all".to_owned(), self.passed.to_string(), self.failed.to_string()]);
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table.trim_fmt()
    }
}
