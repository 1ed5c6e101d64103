//! Instructions of fixed requests, counted by callgrind, and a gate on their growth.
//!
//! Counts do not depend on what else the machine does, but on the compiler, on the processor's
//! features (libraries choose by them) and on the C library: these are the *key* under which a count
//! is kept. Where no count has the key of this machine, the parent commit is measured beside.

mod callgrind;
mod kept;
mod parent;

use std::path::Path;
use std::process::Command;

use crate::report::{Cell, Table};
pub use callgrind::{Count, begin, count, dump};
pub use kept::Kept;

/// A count may grow by this share before the gate closes.
const GROWTH: f64 = 0.03;

/// What the gate says.
pub struct Verdict {
    /// The counts, and what they are compared with.
    pub table: Table,
    /// Whether some count grew too much.
    pub grown: bool,
    /// What could not be compared, and why.
    pub notes: Vec<String>,
}

/// What this machine's counts are kept under; `features` are those that the program saw.
pub fn key(features: &str) -> String {
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        text.unwrap_or_else(|| format!("no {program}"))
    };
    let (compiler, library) = (said("rustc", &["-V"]), said("getconf", &["GNU_LIBC_VERSION"]));
    let target = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    format!("{compiler}; {target}; {library}; {}; {features}", said("valgrind", &["--version"]))
}

/// Compares this program's counts with those in a file or, where it has none for this machine, with
/// those of the parent commit.
///
/// # Errors
/// When nothing can be counted, or the file cannot be read.
pub fn gate(program: &Path, file: &Path) -> Result<Verdict, String> {
    let (features, counts) = count(program)?;
    let kept = Kept::read(file)?;
    let key = key(&features);
    let mut notes = Vec::new();
    let known = counts.iter().any(|count| kept.of(&key, &count.name).is_some());
    let before = if known {
        kept
    } else {
        notes.push(format!("no counts are kept for this machine:\n  {key}"));
        match parent::counts() {
            Ok(counts) => {
                notes.push("compared with the parent commit".to_owned());
                Kept::default().with(&key, &counts)
            }
            Err(why) => {
                notes.push(format!("nor can the parent commit be measured: {why}"));
                Kept::default()
            }
        }
    };
    Ok(verdict(&counts, &before, &key, notes))
}

fn verdict(counts: &[Count], before: &Kept, key: &str, mut notes: Vec<String>) -> Verdict {
    let mut table = Table::new("instructions", &["request", "before", "now", "growth, %"]);
    let mut grown = false;
    for count in counts {
        let before = before.of(key, &count.name);
        let growth = before.map(|before| count.instructions as f64 / before as f64 - 1.0);
        let most = before.map(|before| before as f64 * (1.0 + GROWTH));
        grown |= most.is_some_and(|most| count.instructions as f64 > most);
        table.push(vec![
            count.name.as_str().into(),
            before.map_or(Cell::Empty, Cell::count),
            Cell::count(count.instructions),
            growth.map_or(Cell::Empty, |growth| Cell::Number(growth * 100.0, 2)),
        ]);
        match growth {
            Some(growth) if growth < -GROWTH => {
                notes.push(format!("{} became cheaper: keep the new counts", count.name));
            }
            None => notes.push(format!("{}: nothing to compare with", count.name)),
            Some(_) => {}
        }
    }
    Verdict { table, grown, notes }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(instructions: u64) -> Vec<Count> {
        vec![Count { name: "get".to_owned(), instructions }]
    }

    #[test]
    fn growth_beyond_the_bound_closes_the_gate() {
        let kept = Kept::default().with("here", &counted(1_000));
        let judge = |now, key| verdict(&counted(now), &kept, key, Vec::new());
        assert!(!judge(1_030, "here").grown && judge(1_031, "here").grown);
        assert!(judge(1_030, "here").notes.is_empty());
        assert!(judge(960, "here").notes[0].contains("keep the new counts"));
        let elsewhere = judge(2_000, "there");
        assert!(!elsewhere.grown && elsewhere.notes[0].contains("nothing to compare"));
    }
}
