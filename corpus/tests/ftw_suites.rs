//! The whole regression suites of the CRS are read: every test, and every key in it understood.
//! They are not part of this repository: `CRS_DIR` lists checkouts of CRS 4 joined by `:`,
//! `CRS3_TESTS` names the folder of the tests of CRS 3.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected should stop"
)]

use std::path::{Path, PathBuf};

use waf_corpus::ftw::{Expectation, Overrides, Schema, Suite};

/// What a suite has, counted apart from this reader.
#[derive(Debug, PartialEq, Eq)]
struct Counts {
    files: usize,
    tests: usize,
    stages: usize,
    ids: usize,
    no_ids: usize,
    line: usize,
    no_line: usize,
    only_a_status: usize,
    no_answer: usize,
}

impl Counts {
    fn of(suite: &Suite) -> Self {
        let stages = || suite.tests.iter().flat_map(|test| &test.stages);
        let count = |is: fn(&Expectation) -> bool| stages().filter(|s| is(&s.expected)).count();
        Self {
            files: suite.files,
            tests: suite.tests.len(),
            stages: stages().count(),
            ids: count(|e| !e.ids.is_empty()),
            no_ids: count(|e| !e.no_ids.is_empty()),
            line: count(|e| e.line.is_some()),
            no_line: count(|e| e.no_line.is_some()),
            only_a_status: count(|e| {
                let log = e.line.is_some() || e.no_line.is_some();
                !e.status.is_empty() && e.ids.is_empty() && e.no_ids.is_empty() && !log
            }),
            no_answer: count(|e| e.no_answer),
        }
    }
}

fn read(folder: &Path) -> Suite {
    let told = |reports: Vec<_>| reports.iter().map(ToString::to_string).collect::<Vec<_>>();
    let suite = Suite::read(&[folder.to_owned()]);
    suite.unwrap_or_else(|reports| panic!("{}", told(reports).join("\n")))
}

fn folders(variable: &str) -> Vec<PathBuf> {
    std::env::var(variable).iter().flat_map(|list| list.split(':')).map(PathBuf::from).collect()
}

/// Ours; without the suites they are read at least.
fn overrides(name: &str) -> Overrides {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/ftw").join(name);
    Overrides::read(&path).unwrap_or_else(|report| panic!("{report}"))
}

#[test]
fn our_overrides_are_read() {
    assert!(!overrides("crs4-overrides.yaml").is_empty());
    assert!(!overrides("crs3-overrides.yaml").is_empty());
}

#[test]
fn crs_4_is_read() {
    for folder in folders("CRS_DIR") {
        let mut suite = read(&folder.join("tests/regression/tests"));
        assert_eq!(suite.schema(), Some(Schema::V4));
        let counts = Counts::of(&suite);
        // 4.28.0, or the 4.29 that was being made on 2026-07-24.
        let known = [(5_003, 5_009, 3_998, 941), (5_082, 5_088, 4_023, 995)].map(
            |(tests, stages, ids, no_ids)| Counts {
                files: 323,
                tests,
                stages,
                ids,
                no_ids,
                line: 12,
                no_line: 38,
                only_a_status: 21,
                no_answer: 1,
            },
        );
        assert!(known.contains(&counts), "{}: {counts:?}", folder.display());
        overrides("crs4-overrides.yaml").apply(&mut suite).unwrap();
    }
}

#[test]
fn crs_3_is_read() {
    for folder in folders("CRS3_TESTS") {
        let mut suite = read(&folder);
        assert_eq!(suite.schema(), Some(Schema::V3));
        let expected = Counts {
            files: 179,
            tests: 2_404,
            stages: 2_404,
            ids: 0,
            no_ids: 0,
            line: 2_177,
            no_line: 201,
            only_a_status: 23,
            no_answer: 3,
        };
        assert_eq!(Counts::of(&suite), expected, "{}", folder.display());
        overrides("crs3-overrides.yaml").apply(&mut suite).unwrap();
    }
}
