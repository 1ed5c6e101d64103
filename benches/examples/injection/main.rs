//! What `detect_sqli` and `detect_xss` cost beside the C library that ModSecurity has, in
//! instructions per value: they do not depend on how busy the machine is.
//!
//!     cargo run --release -p pinpoint-benches --example injection [CORPUS]
//!
//! It needs `valgrind`, `gcc` and Debian's `libmodsecurity3`. It runs itself and a small C program
//! under callgrind, once and twice over the same values; the difference is what the values cost.

mod values;

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use waf_core::operator::{detect_sqli, detect_xss};

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    match &arguments[..] {
        [what, times, file] if what == "sqli" || what == "xss" => {
            ask(what == "sqli", times.to_string_lossy().parse()?, &fs::read(file)?);
            Ok(())
        }
        [] => table(None),
        [corpus] => table(Some(Path::new(corpus))),
        _ => Err("usage: injection [CORPUS]".into()),
    }
}

/// Asks all values of a file so many times: what is measured.
fn ask(sqli: bool, times: usize, file: &[u8]) {
    let mut hits = 0_usize;
    for _ in 0..times {
        let mut rest = file;
        while let Some((length, behind)) = rest.split_first_chunk() {
            let (value, behind) = behind.split_at(u32::from_ne_bytes(*length) as usize);
            let hit = if sqli { detect_sqli(value).is_some() } else { detect_xss(value) };
            hits += usize::from(hit);
            rest = behind;
        }
    }
    eprintln!("{hits} hits");
}

fn table(corpus: Option<&Path>) -> Result<(), Error> {
    let folder = std::env::temp_dir().join(format!("pinpoint-injection-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let told = rows(corpus, &folder);
    fs::remove_dir_all(&folder)?;
    told
}

fn rows(corpus: Option<&Path>, folder: &Path) -> Result<(), Error> {
    let (ours, theirs) = (std::env::current_exe()?, compile(folder)?);
    println!("| values | bytes | sqli | in C | xss | in C |");
    println!("|---|---:|---:|---:|---:|---:|");
    for (name, values) in values::classes(corpus) {
        let file = folder.join("values");
        fs::write(&file, lines(&values))?;
        let count = values.len() as u64;
        let bytes = values.iter().map(Vec::len).sum::<usize>() as u64 / count;
        print!("| {name} | {bytes} |");
        for what in ["sqli", "xss"] {
            for program in [&ours, &theirs] {
                print!(" {} |", cost(program, what, &file)? / count);
            }
        }
        println!();
    }
    Ok(())
}

/// Each value behind its length.
fn lines(values: &[Vec<u8>]) -> Vec<u8> {
    let with_length = |value: &Vec<u8>| {
        let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
        [&length.to_ne_bytes()[..], value].concat()
    };
    values.iter().flat_map(with_length).collect()
}

fn compile(folder: &Path) -> Result<PathBuf, Error> {
    let program = folder.join("injection");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/injection/injection.c");
    let status = Command::new("cc")
        .args(["-O2", "-o"])
        .args([&program, &source])
        .args(["-l:libmodsecurity.so.3", "-Wl,--allow-shlib-undefined"])
        .status()?;
    if status.success() { Ok(program) } else { Err("install gcc and libmodsecurity3".into()) }
}

/// Instructions that the values cost a program.
fn cost(program: &Path, what: &str, values: &Path) -> Result<u64, Error> {
    let once = instructions(program, what, "1", values)?;
    Ok(instructions(program, what, "2", values)? - once)
}

fn instructions(program: &Path, what: &str, times: &str, values: &Path) -> Result<u64, Error> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .args([program.as_os_str(), OsStr::new(what), OsStr::new(times), values.as_os_str()])
        .stdin(Stdio::from(File::open(values)?))
        .output()?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let count = told.lines().find_map(|line| line.split_once("Collected : "));
    count.ok_or(told.clone())?.1.trim().parse().map_err(|_| told.into())
}
