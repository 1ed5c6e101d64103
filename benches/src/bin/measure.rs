//! Measures Pinpoint: each command prints one table in Markdown, made for `RESULTS.md`.
//!
//!     cargo run --release -p pinpoint-benches --features peers --bin measure -- peers --crs DIR

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use pinpoint_benches::crs::Crs;
use pinpoint_benches::peers::{self, Kind, RuleFiles};
use pinpoint_benches::report::{Table, machine};

/// Measures Pinpoint, in tables of Markdown.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Add each row to this file as a line of JSON.
    #[arg(long, global = true)]
    json: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Four workloads through this and other engines with the same rules: CPU for a request.
    Peers(Peers),
    /// One engine that answers over pipes; `peers` starts it.
    #[command(hide = true)]
    Worker(Worker),
}

#[derive(clap::Args)]
struct Peers {
    /// A checkout of the Core Rule Set.
    #[arg(long)]
    crs: PathBuf,
    /// Its paranoia level.
    #[arg(long, default_value_t = 1)]
    paranoia: u8,
    /// Engines beside Pinpoint, such as libmodsecurity; those that are compiled in.
    #[arg(long, value_delimiter = ',', value_parser = kind)]
    engines: Vec<Kind>,
    /// How often each has its turn.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// The least CPU time of a turn, in milliseconds; a turn is whole workloads.
    #[arg(long, default_value_t = 300)]
    least: u64,
}

#[derive(clap::Args)]
struct Worker {
    #[arg(value_parser = kind)]
    kind: Kind,
    #[arg(long)]
    crs: PathBuf,
    #[arg(long)]
    paranoia: u8,
    #[arg(long)]
    all: PathBuf,
}

fn kind(name: &str) -> Result<Kind, String> {
    let names = || Kind::ALL.map(Kind::name).join(", ");
    let kind = Kind::named(name).ok_or_else(|| format!("engines are {}", names()))?;
    let feature = "compile with --features peers";
    if kind.is_here() { Ok(kind) } else { Err(format!("{kind} is not compiled in: {feature}")) }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Command::Worker(worker) => serve(&worker).map(|()| None),
        Command::Peers(options) => compare(options).map(Some),
    };
    let published = result.and_then(|table| match table {
        Some(table) => publish(&table, arguments.json.as_deref()),
        None => Ok(()),
    });
    match published {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn publish(table: &Table, lines: Option<&Path>) -> Result<(), String> {
    println!("{}\n", machine());
    table.publish(lines).map_err(|error| error.to_string())
}

fn serve(worker: &Worker) -> Result<(), String> {
    let rules = RuleFiles {
        crs: Crs::new(&worker.crs)?,
        paranoia: worker.paranoia,
        all: worker.all.clone(),
    };
    peers::serve(worker.kind, &rules)
}

fn compare(options: Peers) -> Result<Table, String> {
    let told = |error: std::io::Error| error.to_string();
    let mut kinds = vec![Kind::Pinpoint];
    match options.engines.is_empty() {
        true => kinds.extend(Kind::ALL.into_iter().skip(1).filter(|kind| kind.is_here())),
        false => kinds.extend(options.engines.iter().filter(|&&kind| kind != Kind::Pinpoint)),
    }
    let folder = std::env::temp_dir().join(format!("pinpoint-peers-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(told)?;
    let compared = peers::compare(
        &peers::Options {
            crs: options.crs.canonicalize().map_err(told)?,
            paranoia: options.paranoia,
            kinds,
            rounds: options.rounds.max(1),
            least: options.least,
            program: std::env::current_exe().map_err(told)?,
        },
        &folder,
    );
    // What is left behind is in the folder of temporary files.
    let _ = std::fs::remove_dir_all(&folder);
    compared
}
