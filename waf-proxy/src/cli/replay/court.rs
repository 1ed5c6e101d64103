//! Who judges: rules in this process at one paranoia level, or whoever answers at an address.

use std::sync::Arc;

use waf_core::compile::compile;
use waf_core::policy::Policy;
use waf_core::record::{Masking, Mode};
use waf_corpus::kept::Connection;
use waf_corpus::{Cut, Outcome, Request, Runner};

use super::live::Aim;
use super::overlay::Overlay;
use super::{Arguments, Failure};
use crate::config::files::Disk;
use crate::config::{CommandLine, Config, Entry};
use crate::site::Site;

/// Who judges.
pub(super) struct Court<'a> {
    /// In a few words.
    pub(super) judge: String,
    /// The hash of rules of ours.
    pub(super) ruleset: Option<String>,
    /// The level, where it is known.
    pub(super) paranoia: Option<u8>,
    by: By<'a>,
}

enum By<'a> {
    Engine(Arc<Policy>),
    Target(&'a Aim),
}

impl<'a> Court<'a> {
    /// Everyone who is asked to judge, one after the other.
    pub(super) fn all(arguments: &Arguments, aim: Option<&'a Aim>) -> Result<Vec<Self>, Failure> {
        let name = |summary: String| arguments.name.clone().unwrap_or(summary);
        match aim {
            Some(aim) => {
                let (judge, by) = (name(aim.summary()), By::Target(aim));
                Ok(vec![Self { judge, ruleset: None, paranoia: None, by }])
            }
            None if arguments.paranoia.is_empty() => {
                let site = load(arguments, None)?;
                let policy = whole_records(&site, None)?;
                // The CRS keeps its level in a variable.
                let has_seclang = site.rules().any(|rule| rule.chain.is_some());
                let level = policy.settings().paranoia;
                Ok(vec![Self {
                    judge: name(site.summary.clone()),
                    ruleset: Some(site.ruleset.hash().to_owned()),
                    paranoia: (!has_seclang).then_some(level),
                    by: By::Engine(policy),
                }])
            }
            None => arguments.paranoia.iter().map(|level| Self::at(arguments, *level)).collect(),
        }
    }

    fn at(arguments: &Arguments, level: u8) -> Result<Self, Failure> {
        let site = load(arguments, Some(level))?;
        Ok(Self {
            judge: arguments.name.clone().unwrap_or_else(|| site.summary.clone()),
            ruleset: Some(site.ruleset.hash().to_owned()),
            paranoia: Some(level),
            by: By::Engine(whole_records(&site, Some(level))?),
        })
    }

    /// A judge for one thread.
    pub(super) fn judge(&self) -> Judge<'_> {
        let by = match &self.by {
            By::Engine(policy) => {
                Bench::Engine(Box::new(Runner::new(Arc::clone(policy), Masking::default())))
            }
            By::Target(aim) => Bench::Target(aim, Connection::new(&aim.target)),
        };
        Judge { court: self, by }
    }

    /// Whether answers come over the wire.
    pub(super) fn is_target(&self) -> bool {
        matches!(self.by, By::Target(_))
    }
}

/// Judges one request after the other.
pub(super) struct Judge<'a> {
    court: &'a Court<'a>,
    by: Bench<'a>,
}

enum Bench<'a> {
    Engine(Box<Runner>),
    Target(&'a Aim, Connection<'a>),
}

impl Judge<'_> {
    /// What became of a request; an error where nobody listens.
    pub(super) fn judge(
        &mut self,
        number: u64,
        request: &Request,
        cut: Cut,
    ) -> Result<Outcome, String> {
        let outcome = Outcome {
            judge: self.court.judge.clone(),
            ruleset: self.court.ruleset.clone(),
            paranoia: self.court.paranoia,
            ..Outcome::of(number, request)
        };
        match &mut self.by {
            Bench::Engine(runner) => Ok(outcome.judged(&runner.run(request, cut))),
            Bench::Target(aim, connection) => aim.send(connection, request, cut, outcome),
        }
    }
}

/// The rules in detection-only mode, which decides the same and goes on: so the score is that of the
/// whole request.
fn load(arguments: &Arguments, level: Option<u8>) -> Result<Site, Failure> {
    let config = arguments.config.as_deref();
    let mut rules = arguments.rules.rules.clone();
    let mut files = Overlay::new(&Disk);
    if let Some(level) = level {
        if rules.is_empty() && config.is_some() {
            let config = Config::load(&Disk, config, &CommandLine::default())?;
            rules = config.rules.iter().map(as_argument).collect();
        }
        rules = files.at_level(&rules, level);
    }
    let mode = Some(Mode::Detect);
    Ok(Site::load(&files, config, &CommandLine { mode, rules, ..CommandLine::default() })?)
}

/// An entry of a configuration, whose paths are relative to its folder, as `--rules` has it.
fn as_argument(entry: &Entry) -> String {
    match entry.text.as_str() {
        name @ ("builtin" | "none") => name.to_owned(),
        _ => entry.path.display().to_string(),
    }
}

/// The first policy at a paranoia level, but a record has room for every match.
pub(super) fn whole_records(site: &Site, level: Option<u8>) -> Result<Arc<Policy>, Failure> {
    let none = || Failure::usage("there is no policy");
    let mut settings = site.policies.first().ok_or_else(none)?.settings().clone();
    settings.limits.record_matches = site.rules().count();
    if let Some(level) = level {
        (settings.paranoia, settings.detection_paranoia) = (level, level);
    }
    let compiled = compile(site.rules().cloned().collect(), vec![settings])?;
    compiled.policies.into_iter().next().ok_or_else(none)
}
