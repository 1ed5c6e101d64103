//! A program under callgrind.

use std::path::Path;
use std::process::{Command, Stdio};

/// Instructions of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Rules and request.
    pub name: String,
    /// How many.
    pub instructions: u64,
}

/// Runs `program once` under callgrind. It prints the processor's features that it sees, then the
/// name of each request before it is measured; callgrind counts in the function `measured`, and
/// writes a file when it is told to. Gives the features and the counts.
///
/// # Errors
/// Without valgrind, or when names and files do not agree.
pub fn count(program: &Path) -> Result<(String, Vec<Count>), String> {
    let folder = std::env::temp_dir().join(format!("pinpoint-cost-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let counted = run(program, &folder);
    // What is left behind is in the folder of temporary files.
    let _ = std::fs::remove_dir_all(&folder);
    counted
}

fn run(program: &Path, folder: &Path) -> Result<(String, Vec<Count>), String> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--instr-atstart=no", "--collect-atstart=no"])
        .arg("--toggle-collect=*measured*")
        .arg(format!("--callgrind-out-file={}/out", folder.display()))
        .arg(program)
        .arg("once")
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| format!("valgrind: {error}; install it"))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{} under valgrind: {}\n{why}", program.display(), output.status));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = text.lines();
    let features = lines.next().and_then(|line| line.strip_prefix("features "));
    let features = features.ok_or("the program does not tell what it sees")?.to_owned();
    let counts = lines.enumerate().map(|(number, name)| {
        let path = folder.join(format!("out.{}", number + 1));
        let dump = std::fs::read_to_string(&path)
            .map_err(|error| format!("{name}, {}: {error}", path.display()))?;
        let instructions = total(&dump).ok_or_else(|| format!("{name}: no total"))?;
        Ok(Count { name: name.to_owned(), instructions })
    });
    let counts = counts.collect::<Result<Vec<_>, String>>()?;
    if counts.is_empty() { Err("nothing was counted".to_owned()) } else { Ok((features, counts)) }
}

/// Called in the program that is counted, when it has made itself ready: from here on callgrind
/// watches it. Until then it runs ten times as fast.
///
/// # Errors
/// Where it does not run under callgrind.
pub fn begin() -> Result<(), String> {
    tell(&["instrumentation", "on"])
}

/// Called in the program that is counted after each request: writes what was counted, and begins
/// anew.
///
/// # Errors
/// Where it does not run under callgrind.
pub fn dump() -> Result<(), String> {
    tell(&["dump"])
}

fn tell(command: &[&str]) -> Result<(), String> {
    let told = |error: std::io::Error| format!("vgdb: {error}; it comes with valgrind");
    let mut vgdb = Command::new("vgdb")
        .arg(format!("--pid={}", std::process::id()))
        .args(command)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(told)?;
    // Not waited for: valgrind hears it while the program runs, and would need to be woken else.
    loop {
        match vgdb.try_wait().map_err(told)? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(format!("callgrind does not listen: vgdb: {status}")),
            None => std::thread::yield_now(),
        }
    }
}

/// The sum of a dump, which is not 0.
fn total(dump: &str) -> Option<u64> {
    let line = dump.lines().find_map(|line| {
        line.strip_prefix("summary: ").or_else(|| line.strip_prefix("totals: "))
    })?;
    line.trim().parse().ok().filter(|&count| count > 0)
}
