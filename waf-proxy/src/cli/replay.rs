//! `pinpoint replay`: many recorded requests through the engine, and what became of them.

mod ftw;
mod live;
mod report;

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use waf_core::record::{Decision, Masking};
use waf_corpus::tally::{Tally, Verdict};
use waf_corpus::{Cut, Request, Runner};

use super::output::{Format, print, print_json};
use super::{Exit, Failure, FormatArguments, RuleArguments};
use crate::config::CommandLine;
use crate::config::files::Disk;
use crate::site::Site;
use live::Aim;
use report::Report;

/// Requests handed to a worker at once.
const BATCH: usize = 64;

/// Batches that wait: the reader is ahead of the workers by so much and no more.
const AHEAD: usize = 16;

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
    /// Compare with what an earlier replay printed with `--format json`
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
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

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    if arguments.ftw.ftw {
        return ftw::run(arguments);
    }
    let baseline = arguments.baseline.as_deref().map(report::read_baseline).transpose()?;
    let by_source = arguments.summary == Summary::MeanSource;
    let report = match arguments.live.aim()? {
        Some(aim) => {
            let tally = replay(arguments, || Judge::Target(&aim))?;
            Report::new(&tally, by_source, aim.summary(), String::new())
        }
        None => {
            let site = load(arguments)?;
            let policy = site.policies.first();
            let policy = policy.ok_or_else(|| Failure::usage("there is no policy"))?;
            let runner = || Runner::new(Arc::clone(policy), Masking::default());
            let tally = replay(arguments, || Judge::Engine(Box::new(runner())))?;
            Report::new(&tally, by_source, site.summary.clone(), site.ruleset.hash().to_owned())
        }
    };
    let missed = report.missed_gates(arguments.fail_under, arguments.fail_over);
    match arguments.format.format {
        Format::Text => print(&report.text(baseline.as_ref())),
        Format::Json => print_json(&report.json()),
    }
    for gate in &missed {
        eprintln!("{gate}");
    }
    Ok(if missed.is_empty() { Exit::Fine } else { Exit::Found })
}

fn load(arguments: &Arguments) -> Result<Site, Failure> {
    let command_line =
        CommandLine { rules: arguments.rules.rules.clone(), ..CommandLine::default() };
    Ok(Site::load(&Disk, arguments.config.as_deref(), &command_line)?)
}

/// What decides about requests.
enum Judge<'a> {
    /// The engine in this process.
    Engine(Box<Runner>),
    /// Whoever answers at an address.
    Target(&'a Aim),
}

impl Judge<'_> {
    /// The decision, and what it cost.
    fn judge(&mut self, request: &Request, cut: Cut) -> io::Result<(Verdict, Duration)> {
        match self {
            Self::Engine(runner) => {
                let record = runner.run(request, cut);
                let caught = record.decision != Decision::Pass;
                let cost = Duration::from_micros(record.timing_us.inspect);
                Ok((if caught { Verdict::Caught } else { Verdict::Passed }, cost))
            }
            Self::Target(aim) => aim.send(request, cut),
        }
    }
}

/// One thread reads, the others run.
fn replay<'a>(
    arguments: &Arguments,
    judge: impl Fn() -> Judge<'a> + Sync,
) -> Result<Tally, Failure> {
    let (sender, receiver) = sync_channel::<Vec<(u64, Request)>>(AHEAD);
    let receiver = Arc::new(Mutex::new(receiver));
    let progress = progress();
    let mut total = Tally::default();
    let read = thread::scope(|scope| {
        let workers: Vec<_> = (0..arguments.workers())
            .map(|_| {
                let receiver = Arc::clone(&receiver);
                let (progress, judge) = (progress.clone(), &judge);
                scope.spawn(move || work(arguments, judge(), &receiver, &progress))
            })
            .collect();
        drop(receiver);
        let read = read_all(&arguments.corpora, &sender);
        drop(sender);
        for worker in workers {
            match worker.join() {
                Ok(Ok(tally)) => total.merge(tally),
                Ok(Err(error)) => return Err(Failure::unreadable(error.to_string())),
                Err(_) => return Err(Failure::unreadable("the engine panicked: this is a bug")),
            }
        }
        read
    });
    progress.finish_and_clear();
    read.map(|()| total)
}

fn read_all(corpora: &[PathBuf], sender: &SyncSender<Vec<(u64, Request)>>) -> Result<(), Failure> {
    let mut batch = Vec::with_capacity(BATCH);
    let requests = corpora.iter().flat_map(|path: &PathBuf| waf_corpus::read(Path::new(path)));
    for (number, request) in (0..).zip(requests) {
        let request = request.map_err(|problem| Failure::unreadable(problem.to_string()))?;
        batch.push((number, request));
        if batch.len() == BATCH && sender.send(std::mem::take(&mut batch)).is_err() {
            break;
        }
    }
    // No worker is left only where all have panicked, which the join tells.
    let _ = sender.send(batch);
    Ok(())
}

fn work(
    arguments: &Arguments,
    mut judge: Judge<'_>,
    batches: &Mutex<Receiver<Vec<(u64, Request)>>>,
    progress: &ProgressBar,
) -> io::Result<Tally> {
    let mut tally = Tally::default();
    loop {
        let next = batches.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(batch) = next else { return Ok(tally) };
        for (number, request) in batch {
            let (verdict, cost) = judge.judge(&request, cut(arguments, number))?;
            tally.add(&request, verdict, cost);
            progress.inc(1);
        }
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

/// On a terminal only.
fn progress() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} requests, {per_sec}") {
        bar.set_style(style);
    }
    bar
}
