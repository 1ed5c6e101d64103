//! Every seed of the fuzz targets and every input they ever failed on, as ordinary tests.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected should stop"
)]

use std::fs;
use std::path::{Path, PathBuf};

use pinpoint_fuzz_checks::TARGETS;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The inputs of a folder. A `.txt` beside an input says what was wrong.
fn inputs(folder: &Path) -> Vec<PathBuf> {
    let Ok(files) = fs::read_dir(folder) else { return Vec::new() };
    let files = files.map(|file| file.unwrap().path());
    let mut inputs: Vec<PathBuf> =
        files.filter(|path| path.extension().is_none_or(|end| end != "txt")).collect();
    inputs.sort();
    inputs
}

fn run(target: &str) {
    let (_, check) = TARGETS.iter().find(|(name, _)| *name == target).unwrap();
    let seeds = inputs(&fuzz().join("seeds").join(target));
    assert!(seeds.len() >= 3, "{target} has {} seeds", seeds.len());
    for input in seeds.into_iter().chain(inputs(&fuzz().join("found").join(target))) {
        // Shown when the check fails.
        println!("{}", input.display());
        check(&fs::read(&input).unwrap());
    }
}

macro_rules! targets {
    ($( $target:ident )*) => {
        $(
            #[test]
            fn $target() {
                run(stringify!($target));
            }
        )*

        const TESTED: &[&str] = &[$( stringify!($target) ),*];
    };
}

targets! {
    head framing uri urlencoded cookie json multipart xml encoding yaml seclang transform chunking
    engines injection
}

/// A target that is not run here, or is none of libFuzzer's, is a mistake.
#[test]
fn every_target_is_there_and_is_tested() {
    let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, TESTED);
    for name in &names {
        assert!(fuzz().join("fuzz_targets").join(name).with_extension("rs").is_file(), "{name}");
    }
    for kind in ["seeds", "found"] {
        for folder in inputs(&fuzz().join(kind)) {
            let name = folder.file_name().unwrap().to_str().unwrap();
            assert!(names.contains(&name), "{kind}/{name} belongs to no target");
        }
    }
}
