//! What a rule author or operator reads when something is wrong with a SecLang file: one file in
//! `data/seclang/` per mistake (a folder where it takes several, read in order of their names), and
//! beside it the complete answer. `cargo insta review` shows what a change makes of them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test should stop where it fails")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use waf_core::compile::compile;
use waf_core::policy::PolicySettings;
use waf_core::rule::Rule;
use waf_core::seclang::{self, Files, Loaded, Script};
use waf_core::source::{Level, Report};

/// The files of one case, named relative to its folder.
struct Case(PathBuf);

impl Files for Case {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        fs::read(self.0.join(path)).map_err(|_| "there is no such file".to_owned())
    }

    fn find(&self, pattern: &Path) -> Result<Vec<PathBuf>, String> {
        let text = pattern.to_str().unwrap();
        let found = match text.split_once('*') {
            None if self.0.join(pattern).is_file() => vec![pattern.to_owned()],
            None => Vec::new(),
            Some((start, end)) => names(&self.0)
                .into_iter()
                .filter(|name| name.starts_with(start) && name.ends_with(end))
                .map(PathBuf::from)
                .collect(),
        };
        Ok(found)
    }
}

fn read(case: &Path) -> Result<Script, Vec<Report>> {
    if case.is_dir() {
        let paths: Vec<_> = names(case)
            .into_iter()
            .filter(|name| name.ends_with(".conf"))
            .map(PathBuf::from)
            .collect();
        return seclang::read(&Case(case.to_owned()), &paths);
    }
    let folder = case.parent().unwrap().to_owned();
    seclang::read(&Case(folder), &[PathBuf::from(case.file_name().unwrap())])
}

/// The names in a folder, in order.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn every_mistake_is_answered_as_agreed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/seclang");
    let cases: Vec<_> =
        names(&folder).into_iter().filter(|name| !name.ends_with(".snap")).collect();
    assert!(cases.len() >= 25, "only {} cases: is the folder complete?", cases.len());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(&folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for case in cases {
        let path = folder.join(&case);
        let name = path.file_stem().unwrap().to_str().unwrap();
        let (reports, level) = match read(&path) {
            Ok(script) => (script.warnings, Level::Warning),
            Err(reports) => (reports, Level::Error),
        };
        assert!(!reports.is_empty(), "{name}: nothing is wrong with it");
        let expected = if name.starts_with("warn-") { Level::Warning } else { Level::Error };
        assert_eq!(level, expected, "{name}: its name says whether it loads");
        let text: Vec<_> = reports.iter().map(Report::to_string).collect();
        settings.bind(|| insta::assert_snapshot!(name, text.join("\n\n")));
    }
}

/// One file in memory.
struct Memory(Vec<u8>);

impl Files for Memory {
    fn read(&self, _: &Path) -> Result<Vec<u8>, String> {
        Ok(self.0.clone())
    }

    fn find(&self, _: &Path) -> Result<Vec<PathBuf>, String> {
        Ok(Vec::new())
    }
}

fn load(text: impl Into<Vec<u8>>) -> Loaded {
    seclang::load(&Memory(text.into()), &[PathBuf::from("a.conf")]).unwrap()
}

#[test]
fn lines_that_end_as_on_windows_say_the_same() {
    let text = "# A comment\\\nSecAction \"id:1,pass\"\n\
        SecRule ARGS|!ARGS:a \"@pm a b\" \\\n    \"id:2,phase:2,deny,\\\n    msg:'A b'\"\n";
    let say = |text: &str| {
        let rules = load(text).rules;
        let say = |rule: &Rule| {
            format!(
                "{} {} {:?}",
                rule.id,
                rule.name,
                rule.chain.as_ref().map(|chain| (
                    &chain.links[0].targets,
                    &chain.links[0].operator,
                    chain.disruptive
                ))
            )
        };
        rules.iter().map(say).collect::<Vec<_>>()
    };
    assert_eq!(say(&text.replace('\n', "\r\n")), say(text));
}

/// More than there is room for is refused, once and in seconds.
#[test]
fn too_many_rules_are_refused() {
    let refused = |count: usize, rule: fn(usize) -> String| {
        let loaded = load((1..=count).map(rule).collect::<String>());
        let begun = std::time::Instant::now();
        let reports = compile(loaded.rules, vec![PolicySettings::default()]).unwrap_err();
        let took = begun.elapsed();
        assert!(took.as_secs() < 30, "{took:?}");
        assert!(reports.len() <= 100, "{}", reports.len());
        reports[0].to_string()
    };
    let told = refused(100_000, |id| format!("SecAction \"id:{id},phase:1,pass,nolog\"\n"));
    assert!(told.contains("more than 65535 rules") && told.contains("a.conf:65536"), "{told}");
    let told =
        refused(60_000, |id| format!("SecRule ARGS \"@rx a{id}b\" \"id:{id},phase:2,deny\"\n"));
    assert!(told.contains("in all rules"), "{told}");
}

/// Lists made by programs are long. Time is bounded generously: what grows with the square of the
/// rules takes minutes here.
#[test]
fn a_hundred_thousand_rules_are_read_in_seconds() {
    const RULES: usize = 100_000;
    let mut text = String::new();
    for id in 1..=RULES {
        writeln!(
            text,
            "SecRule ARGS|!ARGS:a{id}|REQUEST_HEADERS:/^x-{id}/ \"@rx (?i)attack{id}\\b\" \\\n    \
             \"id:{id},phase:2,block,capture,t:none,t:urlDecodeUni,\\\n    \
             msg:'Attack {id}',tag:'a/b',skipAfter:END,setvar:'tx.score=+%{{tx.critical}}'\""
        )
        .unwrap();
    }
    text.push_str("SecMarker END\n");
    let begun = std::time::Instant::now();
    let script = seclang::read(&Memory(text.into_bytes()), &[PathBuf::from("a.conf")]).unwrap();
    assert_eq!((script.statements.len(), script.warnings.len()), (RULES + 1, 0));
    let took = begun.elapsed();
    assert!(took.as_secs() < 60, "{took:?}");
}
