//! `pinpoint report`: results or records as one page with pictures.

mod gather;
mod page;
mod pictures;
mod tables;

use std::fs;
use std::path::PathBuf;

use clap::Args;

use super::output::{print, safe};
use super::{Exit, Failure};
use gather::Gathered;

/// Write one self-contained HTML page about replays or traffic
///
/// Reads results of `pinpoint replay --results` and decision records (`audit.log: all` for shares of
/// all traffic), also compressed (.gz) or from standard input. Several inputs are compared: results
/// by judge and paranoia level, all records together. The page has no script and loads nothing.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Results or decision records, as JSON Lines; `-` for standard input
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// The page; `-` for standard output
    #[arg(short, long, value_name = "FILE", default_value = "report.html")]
    output: PathBuf,
    /// The title of the page
    #[arg(long, value_name = "TEXT", default_value = "Pinpoint report")]
    title: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut gathered = Gathered::default();
    for input in &arguments.inputs {
        gathered.read(input)?;
    }
    if gathered.runs.is_empty() {
        return Err(Failure::unreadable("there is no result and no record in the input"));
    }
    let page = page::page(&arguments.title, &gathered);
    if arguments.output.to_str() == Some("-") {
        print(&page);
        return Ok(Exit::Fine);
    }
    let name = arguments.output.display().to_string();
    fs::write(&arguments.output, page)
        .map_err(|error| Failure::unreadable(format!("cannot write {name}: {error}")))?;
    print(&format!("{}: {}\n", safe(&name), gathered.summary()));
    Ok(Exit::Fine)
}
