//! How commands end, as their help says it.

use clap::CommandFactory;

use super::Cli;

/// Of all commands, for the help of the program.
pub(super) const EXIT_STATUS: &str = "\
Exit status:
  0    fine; `run` was told to stop
  1    the check found something (inspect: blocked or would_block; check and rules test: a failing
       rule test, with --strict also a warning; replay: a missed gate, a failed expectation or,
       with --fail-on-change, a change; why: id not found; health: not ready)
  2    usage, configuration or rule error, port taken
  3    input unreadable
  130  interrupted";

/// A status and when a command ends with it.
type End = (u8, &'static str);

const FINE: End = (0, "fine");
const USAGE: End = (2, "usage, configuration or rule error");
const UNREADABLE: End = (3, "input unreadable");
const INTERRUPTED: End = (130, "interrupted");

/// By the command's own name, that of `rules list` being `list`.
const ENDS: [(&str, &[End]); 13] = [
    ("run", &[(0, "told to stop"), (2, "usage, configuration or rule error, port taken")]),
    ("check", &[FINE, (1, CHECK), USAGE, UNREADABLE, INTERRUPTED]),
    (
        "inspect",
        &[FINE, (1, "the request is blocked, or would be"), USAGE, UNREADABLE, INTERRUPTED],
    ),
    ("replay", &[FINE, (1, REPLAY), USAGE, UNREADABLE, INTERRUPTED]),
    ("report", &[FINE, (2, "usage error"), UNREADABLE, INTERRUPTED]),
    ("why", &[FINE, (1, "there is no record with this id"), USAGE, UNREADABLE, INTERRUPTED]),
    ("health", &[FINE, (1, "it takes no requests"), USAGE]),
    ("tune", &[FINE, USAGE, UNREADABLE, INTERRUPTED]),
    ("list", &[FINE, USAGE, INTERRUPTED]),
    ("show", &[FINE, (2, "usage or rule error, no such rule"), INTERRUPTED]),
    ("test", &[FINE, (1, "an example fails"), USAGE, INTERRUPTED]),
    ("completions", &[FINE, (2, "usage error")]),
    ("man", &[FINE, (2, "usage error, or the pages cannot be written")]),
];

const CHECK: &str = "an example of a rule fails; with --strict, also a warning";
const REPLAY: &str = "a missed gate or failed expectation; with --fail-on-change, a change";

/// The command line, each command with its exit status.
pub(super) fn command() -> clap::Command {
    with_status(Cli::command())
}

fn with_status(program: clap::Command) -> clap::Command {
    program.mut_subcommands(|command| match command.has_subcommands() {
        true => with_status(command),
        false => {
            let status = status_of(command.get_name());
            command.after_help(status)
        }
    })
}

fn status_of(command: &str) -> String {
    let ends = ENDS.iter().find(|(name, _)| *name == command).map_or(&[][..], |(_, ends)| ends);
    let lines = ends.iter().map(|(status, when)| format!("\n  {status:<3}  {when}"));
    format!("Exit status:{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every command that does something, with its help.
    fn each(program: &clap::Command, check: &mut impl FnMut(&str, &str)) {
        for command in program.get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string);
            match command.has_subcommands() {
                true => each(command, check),
                false => check(command.get_name(), &help.unwrap_or_default()),
            }
        }
    }

    #[test]
    fn every_command_says_how_it_ends() {
        let mut known = 0;
        each(&command(), &mut |name, help| {
            assert!(help.starts_with("Exit status:\n  0    "), "{name}: {help}");
            assert!(help.contains("\n  2    "), "{name}: {help}");
            known += 1;
        });
        assert_eq!(known, ENDS.len());
    }
}
