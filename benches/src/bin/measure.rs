//! Measures Pinpoint: each command prints one table in Markdown, made for `RESULTS.md`.
//!
//! ```sh
//! cargo run --release -p pinpoint-benches --features peers --bin measure -- peers --crs DIR
//! ```

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use pinpoint_benches::crs::Crs;
use pinpoint_benches::peers::{self, Kind, RuleFiles};
use pinpoint_benches::report::{Table, machine};
use pinpoint_benches::texts::{self, Material};
use pinpoint_benches::{memory, scaling, streams, traffic, workload};

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
    /// Texts of many kinds, unseen and warm, against the loop over the rules one by one.
    Texts(Texts),
    /// Honest texts before and after minutes of hostile ones.
    Recovery(Recovery),
    /// Long bodies in pieces: speed and memory.
    Streams(Streams),
    /// What a worker, an open stream and a request hold.
    Memory(Memory),
    /// What more rules cost a request that none of them matches.
    Scaling(Scaling),
    /// Real requests, class by class, that come for the first time and again.
    Traffic(Traffic),
    /// Writes the requests that proxies are loaded with into a folder; `proxy.py` does that.
    #[command(hide = true)]
    Requests {
        /// The folder.
        folder: PathBuf,
        /// A checkout of the Core Rule Set, to write beside them what comes before its rules.
        #[arg(long)]
        crs: Option<PathBuf>,
        /// Its paranoia level.
        #[arg(long, default_value_t = 1)]
        paranoia: u8,
    },
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

/// Where rules and texts are.
#[derive(clap::Args)]
struct Folders {
    /// A checkout of the Core Rule Set.
    #[arg(long)]
    crs: PathBuf,
    /// A folder with `dev-benign.jsonl.gz` and `dev-attack.jsonl.gz`.
    #[arg(long)]
    corpora: PathBuf,
}

impl Folders {
    fn read(&self) -> Result<(Crs, Material), String> {
        Ok((Crs::new(&self.crs)?, Material::read(&self.corpora)?))
    }
}

#[derive(clap::Args)]
struct Texts {
    #[command(flatten)]
    folders: Folders,
    /// Paranoia levels.
    #[arg(long, value_delimiter = ',', default_value = "1,2,4")]
    paranoia: Vec<u8>,
    /// Only texts whose name holds this.
    #[arg(long)]
    only: Option<String>,
    /// Passes over warm text.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

#[derive(clap::Args)]
struct Recovery {
    #[command(flatten)]
    folders: Folders,
    /// Paranoia levels.
    #[arg(long, value_delimiter = ',', default_value = "1")]
    paranoia: Vec<u8>,
    /// CPU minutes of hostile texts, twice: with tables that stay and with tables that are renewed.
    #[arg(long, default_value_t = 10)]
    minutes: u64,
}

#[derive(clap::Args)]
struct Streams {
    #[command(flatten)]
    folders: Folders,
    /// The paranoia level.
    #[arg(long, default_value_t = 1)]
    paranoia: u8,
    /// Millions of bytes of a body.
    #[arg(long, default_value_t = 100)]
    megabytes: u64,
    /// Bytes of its pieces.
    #[arg(long, value_delimiter = ',', default_value = "1,1024,16384,65536")]
    pieces: Vec<usize>,
    /// Only bodies whose name holds this.
    #[arg(long)]
    only: Option<String>,
}

#[derive(clap::Args)]
struct Memory {
    #[command(flatten)]
    folders: Folders,
    /// The paranoia level.
    #[arg(long, default_value_t = 1)]
    paranoia: u8,
}

#[derive(clap::Args)]
struct Traffic {
    /// Requests as JSON Lines.
    corpus: PathBuf,
    /// A checkout of the Core Rule Set, in place of the built-in rules.
    #[arg(long)]
    crs: Option<PathBuf>,
    /// Its paranoia level.
    #[arg(long, default_value_t = 1)]
    paranoia: u8,
    /// How often all come again.
    #[arg(long, default_value_t = 3)]
    passes: usize,
}

#[derive(clap::Args)]
struct Scaling {
    /// Numbers of rules, the fewest first.
    #[arg(long, value_delimiter = ',', default_value = "100,1000,5000")]
    rules: Vec<usize>,
    /// Passes over the workloads.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
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
    let result = run(arguments.command).and_then(|tables| {
        if !tables.is_empty() {
            println!("{}\n", machine());
        }
        let tables = tables.iter().filter(|table| !table.is_empty());
        let published = tables.map(|table| table.publish(arguments.json.as_deref()));
        published.collect::<std::io::Result<()>>().map_err(|error| error.to_string())
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<Vec<Table>, String> {
    match command {
        Command::Worker(worker) => serve(&worker).map(|()| Vec::new()),
        Command::Requests { folder, crs, paranoia } => {
            let crs = crs.map(|crs| Crs::new(&crs)).transpose()?;
            write(&folder, crs.as_ref(), paranoia).map(|()| Vec::new())
        }
        Command::Peers(options) => compare(&options).map(|table| vec![table]),
        Command::Texts(Texts { folders, paranoia, only, rounds }) => {
            let (crs, material) = folders.read()?;
            let options = texts::Options { paranoia, only, rounds };
            texts::measure(&crs, &material, &options).map(Vec::from)
        }
        Command::Recovery(Recovery { folders, paranoia, minutes }) => {
            let (crs, material) = folders.read()?;
            let options = texts::recovery::Options { paranoia, minutes };
            texts::recovery::measure(&crs, &material, &options).map(|table| vec![table])
        }
        Command::Streams(Streams { folders, paranoia, megabytes, pieces, only }) => {
            let (crs, material) = folders.read()?;
            let size = megabytes * 1_000_000;
            let options = streams::Options { paranoia, size, pieces, only };
            streams::measure(&crs, &material, &options).map(|table| vec![table])
        }
        Command::Memory(Memory { folders, paranoia }) => {
            let (crs, material) = folders.read()?;
            memory::measure(&crs, &material, paranoia).map(|table| vec![table])
        }
        Command::Scaling(Scaling { rules, rounds }) => {
            scaling::measure(&rules, rounds).map(|table| vec![table])
        }
        Command::Traffic(Traffic { corpus, crs, paranoia, passes }) => {
            let crs = crs.map(|crs| Crs::new(&crs)).transpose()?;
            let crs = crs.as_ref().map(|crs| (crs, paranoia));
            traffic::measure(&corpus, crs, passes).map(|table| vec![table])
        }
    }
}

/// Requests as they stand on the wire, each after its length, a file for each workload.
fn write(folder: &Path, crs: Option<&Crs>, paranoia: u8) -> Result<(), String> {
    let told = |error: std::io::Error| error.to_string();
    for workload in workload::proxied() {
        let mut text = Vec::new();
        for request in &workload.requests {
            let bytes = request.bytes();
            text.extend_from_slice(format!("{}\n", bytes.len()).as_bytes());
            text.extend_from_slice(&bytes);
        }
        std::fs::write(folder.join(workload.name), text).map_err(told)?;
    }
    match crs {
        Some(crs) => RuleFiles::write(crs, paranoia, folder).map(|_| ()).map_err(told),
        None => Ok(()),
    }
}

fn serve(worker: &Worker) -> Result<(), String> {
    let rules = RuleFiles {
        crs: Crs::new(&worker.crs)?,
        paranoia: worker.paranoia,
        all: worker.all.clone(),
    };
    peers::serve(worker.kind, &rules)
}

fn compare(options: &Peers) -> Result<Table, String> {
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
