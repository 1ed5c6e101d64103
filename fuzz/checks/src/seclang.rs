//! SecLang files.

use std::path::{Path, PathBuf};

use waf_core::compile::compile;
use waf_core::policy::PolicySettings;
use waf_core::seclang::{Files, Script, lower, read};
use waf_core::source::Report;

/// One file under two names; the second may be included, or read as data.
struct One<'a>(&'a [u8]);

impl Files for One<'_> {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        match path.to_str() {
            Some("input.conf" | "other.conf") => Ok(self.0.to_vec()),
            _ => Err("there is no such file".to_owned()),
        }
    }

    fn find(&self, pattern: &Path) -> Result<Vec<PathBuf>, String> {
        let is_other = pattern == Path::new("other.conf") || pattern == Path::new("o*");
        Ok(is_other.then(|| PathBuf::from("other.conf")).into_iter().collect())
    }
}

/// `data` as a rule file: it is read, or every complaint points into it. What is read is lowered
/// and compiled, or complained about. Line ends of Windows and empty lines change nothing.
pub fn check(data: &[u8]) {
    let script = load(data);
    script.iter().for_each(|script| compiles(data.len(), script.clone()));
    if data.contains(&b'\r') {
        return;
    }
    let ends = data.split(|&byte| byte == b'\n').collect::<Vec<_>>();
    let summary = summary(&script);
    assert_eq!(self::summary(&load(&ends.join(&b"\r\n"[..]))), summary);
    let padded = [b"\n\n \t\n# c\n", data, b"\n\n"].concat();
    if !data.starts_with(b"\xef\xbb\xbf") {
        assert_eq!(self::summary(&load(&padded)), summary);
    }
}

fn load(data: &[u8]) -> Result<Script, Vec<Report>> {
    let script = read(&One(data), &[PathBuf::from("input.conf")]);
    let reports = match &script {
        Ok(script) => &script.warnings,
        Err(reports) => reports,
    };
    assert!(script.is_ok() || !reports.is_empty(), "what fails says why");
    for report in reports {
        assert_points(data.len(), report);
    }
    script
}

fn compiles(length: usize, script: Script) {
    let loaded = match lower(script) {
        Ok(loaded) => loaded,
        Err(reports) => return reports.iter().for_each(|report| assert_points(length, report)),
    };
    let settings = PolicySettings { program: loaded.settings, ..PolicySettings::default() };
    let reports = match compile(loaded.rules, vec![settings]) {
        Ok(compiled) => compiled.warnings,
        Err(reports) => reports,
    };
    reports.iter().for_each(|report| assert_points(length, report));
}

/// A complaint has something to say, and what it points at is text.
fn assert_points(length: usize, report: &Report) {
    assert!(!report.message.is_empty() && !report.to_string().is_empty());
    let related = report.related.iter().map(|related| &related.0);
    for span in report.span.iter().chain(related) {
        assert!(span.start <= span.end && span.end <= length, "{report:?}");
        assert!(span.line() >= 1);
    }
}

/// What was read without its places.
fn summary(script: &Result<Script, Vec<Report>>) -> (usize, Vec<String>) {
    let (statements, reports) = match script {
        Ok(script) => (script.statements.len(), &script.warnings),
        Err(reports) => (0, reports),
    };
    (statements, reports.iter().map(|report| report.message.clone()).collect())
}
