//! The command line: one module per command.

mod ask;
mod catalogue;
mod check;
mod examples;
mod health;
mod help;
mod inspect;
mod lines;
mod output;
mod pages;
mod replay;
mod report;
mod rules;
mod run;
mod tune;
mod why;

use std::process::ExitCode;

use clap::{Args, FromArgMatches, Parser, Subcommand};
use waf_core::record::Mode;
use waf_core::source::Report;

use output::Format;

/// A web application firewall that pins every 403 to the rule, the field and the bytes that caused
/// it.
#[derive(Debug, Parser)]
#[command(name = "pinpoint", version, after_help = help::EXIT_STATUS)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Arguments),
    Check(check::Arguments),
    Inspect(inspect::Arguments),
    Replay(Box<replay::Arguments>),
    Report(report::Arguments),
    Why(why::Arguments),
    Health(health::Arguments),
    Tune(tune::Arguments),
    #[command(subcommand)]
    Rules(rules::Command),
    Completions(pages::CompletionArguments),
    Man(pages::ManArguments),
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Fine.
    Fine,
    /// The check found something.
    Found,
    /// Usage, configuration or rule error, port taken.
    Usage,
    /// Input unreadable.
    Unreadable,
    /// Interrupted.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.status())
    }
}

impl Exit {
    fn status(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Found => 1,
            Self::Usage => 2,
            Self::Unreadable => 3,
            Self::Interrupted => 130,
        }
    }
}

/// Why a command gave up, and the status that goes with it.
#[derive(Debug)]
struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: format!("error: {}", message.into()) }
    }

    fn unreadable(message: impl Into<String>) -> Self {
        Self { exit: Exit::Unreadable, message: format!("error: {}", message.into()) }
    }
}

impl From<Vec<Report>> for Failure {
    fn from(reports: Vec<Report>) -> Self {
        let mut reports: Vec<String> = reports.iter().map(ToString::to_string).collect();
        // What every route inherits is wrong in every route.
        let mut told = std::collections::HashSet::new();
        reports.retain(|report| told.insert(report.clone()));
        Self { exit: Exit::Usage, message: reports.join("\n\n") }
    }
}

/// Which rules a command works with.
#[derive(Clone, Debug, Args)]
struct RuleArguments {
    /// Rules: `builtin`, `none`, a YAML file, a folder or a glob; several in order [default: builtin]
    #[arg(long = "rules", value_name = "PATH")]
    rules: Vec<String>,
}

/// How a command prints what it found.
#[derive(Clone, Copy, Debug, Args)]
struct FormatArguments {
    /// What is printed to standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Whether blocks are carried out.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ModeArgument {
    /// Blocks are carried out
    Block,
    /// Detection only: blocks are recorded as would_block
    Detect,
}

impl From<ModeArgument> for Mode {
    fn from(mode: ModeArgument) -> Self {
        match mode {
            ModeArgument::Block => Self::Block,
            ModeArgument::Detect => Self::Detect,
        }
    }
}

/// Reads the arguments, runs the command and tells how it ended.
pub fn main() -> ExitCode {
    let arguments = help::command().get_matches();
    let cli = Cli::from_arg_matches(&arguments).unwrap_or_else(|error| error.exit());
    let result = match cli.command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Check(arguments) => interruptible(|| check::run(&arguments)),
        Command::Inspect(arguments) => interruptible(|| inspect::run(&arguments)),
        Command::Replay(arguments) => interruptible(|| replay::run(&arguments)),
        Command::Report(arguments) => interruptible(|| report::run(&arguments)),
        Command::Why(arguments) => interruptible(|| why::run(&arguments)),
        Command::Health(arguments) => health::run(&arguments),
        Command::Tune(arguments) => interruptible(|| tune::run(&arguments)),
        Command::Rules(command) => interruptible(|| rules::run(&command)),
        Command::Completions(arguments) => pages::completions(&arguments),
        Command::Man(arguments) => pages::man(&arguments),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("{}", failure.message);
            failure.exit.into()
        }
    }
}

/// Runs a command that Ctrl-C ends at once, with a status that says so.
fn interruptible(command: impl FnOnce() -> Result<Exit, Failure>) -> Result<Exit, Failure> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    if let Ok(runtime) = &runtime {
        runtime.spawn(async {
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(i32::from(Exit::Interrupted.status()));
            }
        });
    }
    let result = command();
    if let Ok(runtime) = runtime {
        runtime.shutdown_background();
    }
    result
}
