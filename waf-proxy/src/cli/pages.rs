//! `pinpoint completions` and `pinpoint man`: what packages install beside the binary.

use std::io;
use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

use super::help::command;
use super::output::print;
use super::{Exit, Failure};

/// Print the completions of a shell
#[derive(Debug, Args)]
pub(super) struct CompletionArguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Print the manual page, or write those of all commands
#[derive(Debug, Args)]
pub(super) struct ManArguments {
    /// Write `pinpoint.1`, `pinpoint-run.1` and so on into this folder
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

pub(super) fn completions(arguments: &CompletionArguments) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command(), "pinpoint", &mut script);
    print(&String::from_utf8_lossy(&script));
    Ok(Exit::Fine)
}

pub(super) fn man(arguments: &ManArguments) -> Result<Exit, Failure> {
    let Some(folder) = &arguments.out else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command()).render(&mut page).map_err(|error| cannot(&error))?;
        print(&String::from_utf8_lossy(&page));
        return Ok(Exit::Fine);
    };
    clap_mangen::generate_to(command(), folder).map_err(|error| cannot(&error))?;
    Ok(Exit::Fine)
}

fn cannot(error: &io::Error) -> Failure {
    Failure::usage(format!("cannot write manual pages: {error}"))
}
