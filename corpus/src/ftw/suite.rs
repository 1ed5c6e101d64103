//! Test files: a file, or all of a folder and its folders, in the order of their names.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use waf_core::source::{Report, Source, Span};
use waf_core::yaml::{self, Located};

use super::expect::{Expectation, expectation};
use super::schema::{self, Input, Output};
use super::shape::{self, Client};

/// Which engine settings and which habits a suite has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Schema {
    /// CRS 3: tests with a `test_title`, `stage:` around input and output.
    V3,
    /// CRS 4: tests with a `test_id`.
    V4,
}

impl Schema {
    /// What its suite takes for granted, in `SecLang`: detection only, every paranoia level, the
    /// limits that tests reach, parsers by Content-Type. To be loaded before the setup of the CRS.
    pub fn settings(self) -> &'static str {
        match self {
            Self::V3 => include_str!("settings/v3.conf"),
            Self::V4 => include_str!("settings/v4.conf"),
        }
    }
}

/// The tests of a rule set.
#[derive(Debug, Default)]
pub struct Suite {
    /// In the order of the files and within them.
    pub tests: Vec<Test>,
    /// Files read, those without a test too.
    pub files: usize,
}

/// One test: it passes when all of its stages do.
#[derive(Clone, Debug)]
pub struct Test {
    /// `942100-1`: the rule and the number of the test.
    pub id: String,
    /// The rule it is about.
    pub rule: String,
    /// The file it stands in.
    pub file: String,
    /// Its line there.
    pub line: usize,
    /// What the author says of it.
    pub description: String,
    /// The schema of its file.
    pub schema: Schema,
    /// Requests in order.
    pub stages: Vec<Stage>,
}

/// A request and what is expected of it.
#[derive(Clone, Debug)]
pub struct Stage {
    /// The bytes that are sent.
    pub request: Vec<u8>,
    /// What must come of it.
    pub expected: Expectation,
    /// Over the wire it may be tried twice: a log can be late.
    pub retry_once: bool,
}

impl Suite {
    /// Reads files and folders, or tells everything that is wrong with them.
    pub fn read(paths: &[PathBuf]) -> Result<Self, Vec<Report>> {
        let mut suite = Self::default();
        let mut reports = Vec::new();
        for path in paths {
            match files(path) {
                Ok(files) => {
                    for file in files {
                        suite.files += 1;
                        match read_file(&file) {
                            Ok(tests) => suite.tests.extend(tests),
                            Err(report) => reports.push(report),
                        }
                    }
                }
                Err(error) => {
                    let message = format!("cannot read `{}`: {error}", path.display());
                    reports.push(Report::error(None, message));
                }
            }
        }
        if reports.is_empty() { Ok(suite) } else { Err(reports) }
    }

    /// The newest schema of its files; `None` without a test.
    pub fn schema(&self) -> Option<Schema> {
        self.tests.iter().map(|test| test.schema).max()
    }

    /// How many requests it has.
    pub fn stages(&self) -> usize {
        self.tests.iter().map(|test| test.stages.len()).sum()
    }
}

fn files(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        // A link to a folder above would never end.
        entries.push((entry.path(), entry.file_type()?.is_dir()));
    }
    entries.sort();
    let mut found = Vec::new();
    for (path, is_folder) in entries {
        if is_folder {
            found.extend(files(&path)?);
        } else if path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
            found.push(path);
        }
    }
    Ok(found)
}

fn read_file(path: &Path) -> Result<Vec<Test>, Report> {
    tests(&yaml::read_file(path)?)
}

/// The tests of one text. One of comments alone has none.
pub(super) fn tests(source: &Arc<Source>) -> Result<Vec<Test>, Report> {
    let says_nothing = |line: &str| line.is_empty() || line.starts_with('#') || line == "---";
    if source.text.lines().map(str::trim).all(says_nothing) {
        return Ok(Vec::new());
    }
    let (file, located) = yaml::read_located::<schema::File>(source)?;
    let reader = Reader { source, located, file_rule: file.rule_id.map(|id| id.0) };
    let tests = file.tests.iter().enumerate();
    tests.map(|(number, test)| reader.test(number, test)).collect()
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    located: Located,
    file_rule: Option<String>,
}

impl Reader<'_> {
    fn test(&self, number: usize, test: &schema::Test) -> Result<Test, Report> {
        let at = format!("tests[{number}]");
        let (id, rule) = self.name(number, test, &at)?;
        let older = test.stages.iter().any(|stage| stage.stage.is_some());
        let stages = test.stages.iter().enumerate();
        let stages = stages.map(|(n, stage)| self.stage(stage, &format!("{at}.stages[{n}]")));
        let stages = stages.collect::<Result<Vec<_>, _>>()?;
        if stages.is_empty() {
            return Err(self.complain(&format!("{at}.stages"), "a test has a stage at least"));
        }
        Ok(Test {
            id,
            rule,
            file: self.source.name.clone(),
            line: self.located.span(&at).line(),
            description: test.desc.clone().unwrap_or_default(),
            schema: if older || test.test_title.is_some() { Schema::V3 } else { Schema::V4 },
            stages,
        })
    }

    /// The id of the test and its rule: a title has both; an id counts within the rule, which the
    /// file or its name tells. Without either the test's place is its id.
    fn name(
        &self,
        number: usize,
        test: &schema::Test,
        at: &str,
    ) -> Result<(String, String), Report> {
        if let Some(title) = &test.test_title {
            let rule = title.split_once('-').map_or(title.as_str(), |(rule, _)| rule);
            return Ok((title.clone(), rule.to_owned()));
        }
        let stem = self.source.stem();
        let digits = stem.trim_start_matches(|c: char| !c.is_ascii_digit());
        let digits = digits.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        let from_name = (!digits.is_empty()).then(|| digits.to_owned());
        let rule = self.file_rule.clone().or(from_name).ok_or_else(|| {
            self.complain(at, "neither `rule_id` nor the file's name says which rule this tests")
        })?;
        let id = test.test_id.as_ref().map_or_else(|| (number + 1).to_string(), |id| id.0.clone());
        Ok((format!("{rule}-{id}"), rule))
    }

    fn stage(&self, stage: &schema::Stage, at: &str) -> Result<Stage, Report> {
        match (stage, &stage.stage) {
            (schema::Stage { input: Some(input), output: Some(output), .. }, None) => {
                self.request(input, output, Client::GoFtw, at)
            }
            (schema::Stage { input: None, output: None, .. }, Some(inner)) => {
                self.request(&inner.input, &inner.output, Client::Ftw, &format!("{at}.stage"))
            }
            _ => Err(self.complain(at, "a stage has `input` and `output`")),
        }
    }

    fn request(
        &self,
        input: &Input,
        output: &Output,
        client: Client,
        at: &str,
    ) -> Result<Stage, Report> {
        let request = shape::request(input, client)
            .map_err(|wrong| self.complain(&format!("{at}.input.{}", wrong.key), &wrong.why))?;
        let expected = expectation(output)
            .map_err(|(key, why)| self.complain(&format!("{at}.output.{key}"), &why))?;
        Ok(Stage { request, expected, retry_once: output.retry_once.unwrap_or(false) })
    }

    fn complain(&self, path: &str, message: &str) -> Report {
        let span = self.located.span(path.trim_end_matches('.'));
        let end = span.end.min(span.start + first_line(&span));
        Report::error(Some(Span { end, ..span }), message)
    }
}

/// Bytes of a span up to the end of its first line.
fn first_line(span: &Span) -> usize {
    let text = span.source.text.get(span.start..span.end).unwrap_or_default();
    text.lines().next().map_or(0, str::len)
}
