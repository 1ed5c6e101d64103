//! Engines by turns, and the table of what they took.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use waf_corpus::Label;

use super::{Kind, RuleFiles, compile_modsecurity, wire};
use crate::crs::Crs;
use crate::report::{Cell, Table, median};
use crate::workload::{self, Workload};

/// What to compare.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder of the rule set.
    pub crs: PathBuf,
    /// Its level.
    pub paranoia: u8,
    /// The engines; Pinpoint is always one.
    pub kinds: Vec<Kind>,
    /// How often each engine has its turn.
    pub rounds: usize,
    /// The least CPU time of a turn, in milliseconds.
    pub least: u64,
    /// This program, which is its own worker.
    pub program: PathBuf,
}

/// One row for each workload and engine.
///
/// # Errors
/// When something does not load, a benign request is refused by Pinpoint, or Pinpoint and
/// libmodsecurity do not refuse the same requests: then the times mean nothing.
pub fn compare(options: &Options, folder: &Path) -> Result<Table, String> {
    let told = |error: std::io::Error| error.to_string();
    let rules =
        RuleFiles::write(&Crs::new(&options.crs)?, options.paranoia, folder).map_err(told)?;
    let workloads = workload::all();
    std::fs::write(folder.join(REQUESTS), wire::encode(&workloads)).map_err(told)?;
    let start = |&kind: &Kind| Worker::start(kind, command(kind, options, &rules, folder)?);
    let mut workers = options.kinds.iter().map(start).collect::<Result<Vec<_>, _>>()?;
    for (number, workload) in workloads.iter().enumerate() {
        // Warm, and not counted.
        workers.iter_mut().try_for_each(|worker| worker.turn(number, 0).map(|_| ()))?;
        for _ in 0..options.rounds {
            for worker in &mut workers {
                let turn = worker.turn(number, options.least)?;
                worker.turns[number].push(turn);
            }
        }
        eprintln!("{}: measured", workload.name);
    }
    check(&workloads, &workers)?;
    Ok(table(&workloads, &workers))
}

/// The workloads, in the folder of files for workers.
const REQUESTS: &str = "requests";

/// How a worker is started.
fn command(
    kind: Kind,
    options: &Options,
    rules: &RuleFiles,
    folder: &Path,
) -> Result<Command, String> {
    if kind == Kind::Modsecurity {
        let mut command = Command::new(compile_modsecurity(folder)?);
        command.arg(&rules.all).arg(folder.join(REQUESTS));
        return Ok(command);
    }
    let mut command = Command::new(&options.program);
    command.args(["worker", kind.name(), "--paranoia", &options.paranoia.to_string()]);
    command.arg("--crs").arg(&options.crs).arg("--all").arg(&rules.all);
    Ok(command)
}

/// An engine that answers.
struct Worker {
    kind: Kind,
    rules: u64,
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// Of each workload.
    turns: [Vec<Turn>; 4],
}

/// An answer.
#[derive(Clone, Debug)]
struct Turn {
    /// Microseconds of CPU for a request.
    cost: f64,
    /// The most resident memory so far, in KiB.
    peak: u64,
    /// Which requests of the workload were refused.
    refused: Vec<bool>,
}

impl Worker {
    fn start(kind: Kind, mut command: Command) -> Result<Self, String> {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("{kind}: {error}"))?;
        let gone = || format!("{kind} has no pipes");
        let questions = child.stdin.take().ok_or_else(gone)?;
        let answers = BufReader::new(child.stdout.take().ok_or_else(gone)?);
        let turns = Default::default();
        let mut worker = Self { kind, rules: 0, child, questions, answers, turns };
        let ready = worker.line()?;
        let rules = ready.strip_prefix("ready ").and_then(|rest| rest.split(' ').next());
        worker.rules = rules.and_then(|rules| rules.parse().ok()).unwrap_or(0);
        if worker.rules == 0 {
            return Err(format!("{kind} has no rules: {ready}"));
        }
        Ok(worker)
    }

    fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        match self.answers.read_line(&mut line) {
            Ok(length) if length > 0 => Ok(line.trim_end().to_owned()),
            _ => Err(format!("{} has ended; what it said stands above", self.kind)),
        }
    }

    fn turn(&mut self, workload: usize, least: u64) -> Result<Turn, String> {
        let kind = self.kind;
        writeln!(self.questions, "{workload} {least}")
            .map_err(|error| format!("{kind}: {error}"))?;
        let line = self.line()?;
        let parts: Vec<&str> = line.split(' ').collect();
        let number = |at: usize| parts.get(at).and_then(|part| part.parse::<f64>().ok());
        match (number(0), number(1), number(2), parts.get(3)) {
            (Some(count), Some(spent), Some(peak), Some(refused)) => Ok(Turn {
                cost: spent / count / 1e3,
                peak: peak as u64,
                refused: refused.bytes().map(|byte| byte == b'1').collect(),
            }),
            _ => Err(format!("{kind} answers `{line}`")),
        }
    }

    fn refused(&self, workload: usize) -> &[bool] {
        self.turns[workload].last().map_or(&[], |turn| &turn.refused)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether what was measured is what was meant.
fn check(workloads: &[Workload], workers: &[Worker]) -> Result<(), String> {
    for (number, workload) in workloads.iter().enumerate() {
        for worker in workers {
            let turns = &worker.turns[number];
            if turns.iter().any(|turn| turn.refused.len() != workload.requests.len()) {
                return Err(format!("{} has not run all of {}", worker.kind, workload.name));
            }
            if turns.iter().any(|turn| turn.refused != worker.refused(number)) {
                return Err(format!("{} changes its verdicts in {}", worker.kind, workload.name));
            }
        }
        let of = |kind: Kind| workers.iter().find(|worker| worker.kind == kind);
        let Some(ours) = of(Kind::Pinpoint).map(|worker| worker.refused(number)) else {
            return Err("Pinpoint is not measured".to_owned());
        };
        let name = workload.name;
        // A refusal ends the work early. Of a benign request it takes a reference to be meant, as it
        // is at a high paranoia level.
        let Some(theirs) = of(Kind::Modsecurity).map(|worker| worker.refused(number)) else {
            let benign = |place: &usize| workload.requests[*place].label != Some(Label::Attack);
            match (0..ours.len()).filter(|&place| ours[place]).find(benign) {
                Some(place) => {
                    return Err(format!("Pinpoint refuses benign request {place} of {name}"));
                }
                None => continue,
            }
        };
        let differ: Vec<usize> =
            (0..ours.len()).filter(|&place| ours[place] != theirs[place]).collect();
        if !differ.is_empty() {
            return Err(format!("Pinpoint and libmodsecurity differ in {name}: {differ:?}"));
        }
    }
    Ok(())
}

fn table(workloads: &[Workload], workers: &[Worker]) -> Table {
    let mut table = Table::new(
        "peers",
        &[
            "workload",
            "engine",
            "rules",
            "CPU µs",
            "least",
            "most",
            "× Pinpoint",
            "blocked",
            "as Pinpoint",
            "peak MiB",
        ],
    );
    let Some(ours) = workers.iter().find(|worker| worker.kind == Kind::Pinpoint) else {
        return table;
    };
    for (number, workload) in workloads.iter().enumerate() {
        for worker in workers {
            let turns = &worker.turns[number];
            let costs: Vec<f64> = turns.iter().map(|turn| turn.cost).collect();
            let pairs = costs.iter().zip(&ours.turns[number]);
            let ratios: Vec<f64> = pairs.map(|(cost, ours)| cost / ours.cost).collect();
            let blocked = worker.refused(number).iter().filter(|&&refused| refused).count();
            let same = worker.refused(number) == ours.refused(number);
            let peak = turns.iter().map(|turn| turn.peak).max().unwrap_or(0);
            table.push(vec![
                workload.name.into(),
                worker.kind.name().into(),
                Cell::count(worker.rules),
                Cell::Number(median(&costs), 1),
                Cell::Number(costs.iter().copied().fold(f64::MAX, f64::min), 1),
                Cell::Number(costs.iter().copied().fold(0.0, f64::max), 1),
                Cell::Number(median(&ratios), 2),
                Cell::count(blocked as u64),
                if same { "yes" } else { "no" }.into(),
                Cell::Number(peak as f64 / 1024.0, 1),
            ]);
        }
    }
    table
}
