//! The parent commit, built beside this one.

use std::path::Path;
use std::process::Command;

use super::callgrind::{Count, count};

/// Its counts. It is built into this build's folder, so that only our own crates are compiled again.
pub(super) fn counts() -> Result<Vec<Count>, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (checkout, target) = (root.join("target/parent"), root.join("target"));
    let git = |arguments: &[&str]| {
        run(Command::new("git").arg("-C").arg(&root).args(arguments).arg(&checkout))
    };
    // One that an interrupted run has left.
    let _ = git(&["worktree", "remove", "--force"]);
    run(Command::new("git")
        .arg("-C")
        .arg(&root)
        .args(["worktree", "add", "--detach"])
        .arg(&checkout)
        .arg("HEAD^"))?;
    let built = run(Command::new("cargo")
        .args(["build", "--release", "--locked", "-p", "pinpoint-benches", "--bin", "cost"])
        .current_dir(&checkout)
        .env("CARGO_TARGET_DIR", &target));
    let counted = built.and_then(|()| count(&target.join("release/cost")));
    let _ = git(&["worktree", "remove", "--force"]);
    counted.map(|(_, counts)| counts)
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {}", why.trim().lines().last().unwrap_or_default()))
}
