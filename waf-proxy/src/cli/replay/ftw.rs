//! `pinpoint replay --ftw`: the regression suite of the OWASP CRS.

mod junit;
mod report;

use std::path::PathBuf;

use clap::Args;
use waf_core::source::Report;
use waf_corpus::ftw::{self, InProcess, Live, Overrides, Results, Schema, Suite};

use super::super::output::{Format, print, print_json};
use super::super::{Exit, Failure};
use super::live::Aim;
use super::overlay::Overlay;
use super::{cut, whole_records};
use crate::config::CommandLine;
use crate::config::files::Disk;
use crate::site::Site;

/// What concerns the suite alone.
#[derive(Debug, Args)]
pub(super) struct FtwArguments {
    /// Read CORPUS as tests of the OWASP CRS (go-ftw's YAML, of CRS 3 and 4) and check what each
    /// expects; a failed expectation exits with 1
    #[arg(long)]
    pub(super) ftw: bool,
    /// Expectations that replace those of the suite, each with its reason; in the format of the
    /// suite's own override files
    #[arg(long, value_name = "FILE", requires = "ftw")]
    overrides: Vec<PathBuf>,
    /// Write the results as `JUnit` XML too
    #[arg(long, value_name = "FILE", requires = "ftw")]
    junit: Option<PathBuf>,
    /// What to load before the first SecLang file of `--rules` [default: what the suite's schema
    /// asks for]
    #[arg(long, value_enum, value_name = "SETTINGS", requires = "ftw")]
    ftw_settings: Option<Settings>,
}

/// Engine settings that a suite takes for granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Settings {
    /// Those of CRS 3
    V3,
    /// Those of CRS 4
    V4,
    /// Nothing: `--rules` has them
    None,
}

pub(super) fn run(arguments: &super::Arguments) -> Result<Exit, Failure> {
    let mut suite = Suite::read(&arguments.corpora).map_err(unreadable)?;
    let mut overridden = 0;
    for path in &arguments.ftw.overrides {
        let overrides = Overrides::read(path).map_err(|report| Failure::from(vec![report]))?;
        overrides.apply(&mut suite).map_err(Failure::from)?;
        overridden += overrides.len();
    }
    let (judge, results) = match arguments.live.aim()? {
        Some(aim) => (aim.summary(), over_the_wire(arguments, &aim, &suite)?),
        None => {
            let site = load(arguments, suite.schema())?;
            let results = in_process(arguments, &site, &suite)?;
            (site.summary, results)
        }
    };
    if let Some(path) = &arguments.ftw.junit {
        std::fs::write(path, junit::xml(&suite, &results)).map_err(|error| {
            Failure::unreadable(format!("cannot write {}: {error}", path.display()))
        })?;
    }
    let report = report::Report::new(&suite, &results, &judge, overridden);
    match arguments.format.format {
        Format::Text => print(&report.text()),
        Format::Json => print_json(&report),
    }
    Ok(if results.total().failed == 0 { Exit::Fine } else { Exit::Found })
}

/// The rules, with the suite's settings before the first SecLang file.
fn load(arguments: &super::Arguments, schema: Option<Schema>) -> Result<Site, Failure> {
    let schema = match arguments.ftw.ftw_settings {
        None => schema,
        Some(Settings::V3) => Some(Schema::V3),
        Some(Settings::V4) => Some(Schema::V4),
        Some(Settings::None) => None,
    };
    let mut files = Overlay::new(&Disk);
    let rules = &arguments.rules.rules;
    let rules = match schema {
        Some(schema) => files.before_seclang(rules, "ftw-settings.conf", schema.settings()),
        None => rules.clone(),
    };
    let mode = Some(waf_core::record::Mode::Detect);
    let command_line = CommandLine { mode, rules, ..CommandLine::default() };
    Ok(Site::load(&files, arguments.config.as_deref(), &command_line)?)
}

fn in_process(
    arguments: &super::Arguments,
    site: &Site,
    suite: &Suite,
) -> Result<Results, Failure> {
    let policy = whole_records(site, None)?;
    let cut = |number: usize| cut(arguments, number as u64);
    let results = ftw::run(suite, arguments.workers(), || Ok(InProcess::new(&policy)), cut);
    results.map_err(|error| Failure::unreadable(error.to_string()))
}

fn over_the_wire(
    arguments: &super::Arguments,
    aim: &Aim,
    suite: &Suite,
) -> Result<Results, Failure> {
    let log = arguments.live.follow(aim)?;
    arguments.live.serve()?;
    let live = Live { target: &aim.target, log: &log, pace: &aim.pace };
    let cut = |number: usize| cut(arguments, number as u64);
    let results = ftw::run(suite, arguments.workers(), || Ok(live), cut);
    results.map_err(|error| Failure::unreadable(error.to_string()))
}

/// Tests are input: what is wrong with them is not a rule error.
fn unreadable(reports: Vec<Report>) -> Failure {
    Failure { exit: Exit::Unreadable, ..Failure::from(reports) }
}
