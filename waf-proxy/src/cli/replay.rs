//! `pinpoint replay`: many recorded requests through the engine, and what became of them.

mod baseline;
mod batches;
mod court;
mod ftw;
mod live;
mod overlay;
mod progress;
mod report;
mod results;

use std::path::PathBuf;
use std::str::FromStr;
use std::thread;

use clap::{Args, ValueEnum};
use waf_corpus::ordered::{Panicked, ordered};
use waf_corpus::tally::Tally;
use waf_corpus::{Cut, Label, Labels, Outcome, Reading};

use super::output::{Format, print, print_json};
use super::{Exit, Failure, FormatArguments, RuleArguments};
use baseline::Baseline;
use batches::{Batch, Done, batches};
use court::{Court, Judge, whole_records};
use progress::Progress;
use report::{Levels, Report};
use results::Results;

/// Batches that wait for each worker: the reader is ahead by so much and no more.
const AHEAD: usize = 4;

/// Replay recorded requests through the engine and count what is detected.
///
/// Reads request JSON Lines and our own audit log (.jsonl), raw requests (.http), browser recordings
/// (.har), curl commands (.curl), test cases of gotestwaf, templates of nuclei and tests of the OWASP
/// CRS (.yaml), each also with .gz, and folders of them.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Files and folders of requests
    #[arg(required = true, value_name = "CORPUS")]
    corpora: Vec<PathBuf>,
    #[command(flatten)]
    rules: RuleArguments,
    /// The configuration; its first route's settings are used
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Cut bodies into pieces of N bytes, or into `random` ones; nothing may change
    #[arg(long, value_name = "N|random")]
    chunk: Option<Chunk>,
    /// Makes `--chunk random` the same again
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What the share of detected attacks is: of all requests, or the mean over their sources
    #[arg(long, value_enum, default_value_t = Summary::All)]
    summary: Summary,
    /// Fail when fewer attacks than this are detected, in percent
    #[arg(long, value_name = "PERCENT")]
    fail_under: Option<f64>,
    /// Fail when more benign requests than this are flagged, in percent
    #[arg(long, value_name = "PERCENT")]
    fail_over: Option<f64>,
    /// Write the result of every request to a file of JSON Lines, which pandas, DuckDB and
    /// `pinpoint report` read
    #[arg(long, value_name = "FILE", conflicts_with = "ftw")]
    results: Option<PathBuf>,
    /// Go on with such a file: what it has is not run again, what it lacks is added
    #[arg(long, value_name = "FILE", conflicts_with_all = ["results", "ftw"])]
    resume: Option<PathBuf>,
    /// Compare, request by request, with what an earlier replay of the same corpora wrote with
    /// `--results`
    #[arg(long, value_name = "FILE", conflicts_with = "ftw")]
    baseline: Option<PathBuf>,
    /// Fail when a request is not as it was in the baseline
    #[arg(long, requires = "baseline")]
    fail_on_change: bool,
    /// Replay once at each of these paranoia levels; levels of the CRS too
    #[arg(
        long,
        value_name = "LEVEL",
        value_delimiter = ',',
        value_parser = clap::value_parser!(u8).range(1..=4),
        conflicts_with_all = ["target", "ftw"]
    )]
    paranoia: Vec<u8>,
    /// What the results call the judge [default: a summary of the rules, or the target]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What every request is
    #[arg(long, value_name = "LABEL", value_enum)]
    label: Option<LabelArgument>,
    /// Where the labels are: a word of the `file`'s name, the name of a `folder`, or a field of each
    /// JSON line [default: as the corpus says]
    #[arg(long, value_name = "file|folder|field:NAME", conflicts_with = "label")]
    label_from: Option<Labels>,
    /// Requests at once [default: one per core]
    #[arg(long, value_name = "N", alias = "threads")]
    jobs: Option<usize>,
    #[command(flatten)]
    live: live::LiveArguments,
    #[command(flatten)]
    ftw: ftw::FtwArguments,
    #[command(flatten)]
    format: FormatArguments,
}

impl Arguments {
    /// How many requests are in work at once.
    fn workers(&self) -> usize {
        self.jobs.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from)).max(1)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Summary {
    /// Every request counts the same
    All,
    /// Every source counts the same
    MeanSource,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chunk {
    Every(usize),
    Random,
}

impl FromStr for Chunk {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.parse()) {
            ("random", _) => Ok(Self::Random),
            (_, Ok(length)) if length > 0 => Ok(Self::Every(length)),
            _ => Err("a number of bytes, or `random`".into()),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LabelArgument {
    Attack,
    Benign,
}

impl Arguments {
    /// Results that were written over the baseline would be compared with themselves.
    fn keep_baseline(&self) -> Result<(), Failure> {
        let written = self.results.as_ref().or(self.resume.as_ref());
        let (Some(written), Some(baseline)) = (written, &self.baseline) else { return Ok(()) };
        let is_same = |a: &PathBuf, b: &PathBuf| a.canonicalize().ok() == b.canonicalize().ok();
        if baseline.exists() && is_same(written, baseline) {
            let name = baseline.display();
            let message = format!("{name} is the baseline: write the results to another file");
            return Err(Failure::usage(message));
        }
        Ok(())
    }

    fn labels(&self) -> Labels {
        match (self.label, &self.label_from) {
            (Some(LabelArgument::Attack), _) => Labels::All(Label::Attack),
            (Some(LabelArgument::Benign), _) => Labels::All(Label::Benign),
            (None, from) => from.clone().unwrap_or_default(),
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    if arguments.ftw.ftw {
        return ftw::run(arguments);
    }
    arguments.keep_baseline()?;
    let aim = arguments.live.aim()?;
    let courts = Court::all(arguments, aim.as_ref())?;
    let mut progress = Progress::new(&arguments.corpora, courts.len());
    let mut results = Results::open(arguments.results.as_deref(), arguments.resume.as_deref())?;
    let by_source = arguments.summary == Summary::MeanSource;
    let mut levels = Levels::default();
    for court in &courts {
        let found = replay(arguments, court, &mut results, &mut progress)?;
        levels.push(Report::new(court, found, by_source));
    }
    results.finish()?;
    drop(progress);
    match arguments.format.format {
        Format::Text => print(&levels.text()),
        Format::Json => print_json(&levels),
    }
    let missed = levels.missed(arguments);
    for gate in &missed {
        eprintln!("{gate}");
    }
    Ok(if missed.is_empty() { Exit::Fine } else { Exit::Found })
}

/// What a replay before one court found.
struct Found {
    tally: Tally,
    baseline: Option<Baseline>,
}

impl Found {
    fn take(&mut self, outcome: Outcome) -> Result<Outcome, Failure> {
        let outcome = match &mut self.baseline {
            Some(baseline) => baseline.compare(outcome)?,
            None => outcome,
        };
        self.tally.add(&outcome);
        Ok(outcome)
    }
}

/// One thread reads, others judge, this one counts and writes, in the order of the requests.
fn replay(
    arguments: &Arguments,
    court: &Court<'_>,
    results: &mut Results,
    progress: &mut Progress,
) -> Result<Found, Failure> {
    let baseline = arguments.baseline.as_deref();
    let baseline = baseline.map(|path| Baseline::open(path, court.paranoia)).transpose()?;
    let mut found = Found { tally: Tally::default(), baseline };
    let mut done = Done::default();
    while let Some(old) = results.take_old(court, done.count)? {
        done.add(&old.id);
        found.take(old)?;
    }
    let bytes = std::sync::Arc::clone(&progress.bytes);
    let reading = Reading { labels: arguments.labels(), progress: bytes };
    let jobs = arguments.workers();
    ordered(
        (jobs, jobs * AHEAD),
        || batches(&reading, &arguments.corpora, &done, court.is_target()),
        || {
            let mut judge = court.judge();
            move |batch| judge_all(arguments, &mut judge, batch)
        },
        |outcomes| {
            let outcomes = outcomes.map_err(Failure::unreadable)?;
            progress.done(outcomes.len());
            for outcome in outcomes {
                results.write(&found.take(outcome)?)?;
            }
            results.flush()
        },
    )?;
    Ok(found)
}

fn judge_all(
    arguments: &Arguments,
    judge: &mut Judge<'_>,
    batch: Batch,
) -> Result<Vec<Outcome>, String> {
    let requests = batch?.into_iter();
    let outcomes =
        requests.map(|(number, request)| judge.judge(number, &request, cut(arguments, number)));
    outcomes.collect()
}

impl From<Panicked> for Failure {
    fn from(_: Panicked) -> Self {
        Self::unreadable("the engine panicked: this is a bug")
    }
}

/// How the body of the request with this number is cut.
fn cut(arguments: &Arguments, number: u64) -> Cut {
    match arguments.chunk {
        None => Cut::Whole,
        Some(Chunk::Every(length)) => Cut::Every(length),
        Some(Chunk::Random) => Cut::Random(arguments.seed.wrapping_add(number)),
    }
}
