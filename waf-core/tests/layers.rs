//! Modules use only those above them in `lib.rs`: data flows one way.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn no_module_uses_one_below_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let front = fs::read_to_string(root.join("lib.rs")).unwrap();
    let order: Vec<&str> = front
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ").or_else(|| line.strip_prefix("mod ")))
        .map(|name| name.trim_end_matches(';'))
        .collect();
    assert!(order.len() > 15, "the list of modules is in lib.rs: {order:?}");
    let mut seen = 0;
    for (place, module) in order.iter().enumerate() {
        for file in files(&root, module) {
            for used in uses(&fs::read_to_string(&file).unwrap()) {
                seen += 1;
                let at = order.iter().position(|known| *known == used);
                assert!(
                    at.is_some_and(|at| at <= place),
                    "{} uses `{used}`, which stands below `{module}` in lib.rs",
                    file.display()
                );
            }
        }
    }
    assert!(seen > 100, "uses were found: {seen}");
}

/// The files of a module, without those that hold tests.
fn files(root: &Path, module: &str) -> Vec<PathBuf> {
    let mut todo = vec![root.join(module), root.join(format!("{module}.rs"))];
    let mut files = Vec::new();
    while let Some(path) = todo.pop() {
        if path.is_dir() {
            todo.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.is_file() && !path.to_string_lossy().contains("test") {
            files.push(path);
        }
    }
    files
}

/// The modules that a file names as `crate::module`, its unit tests left out.
fn uses(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let mut found = Vec::new();
    for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for part in line.split("crate::").skip(1) {
            let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let name = &part[..end.unwrap_or(part.len())];
            if name.starts_with(|c: char| c.is_ascii_lowercase()) {
                found.push(name.to_owned());
            }
        }
    }
    found
}

/// What a rule set says is never answered by its ids: any rule set must do.
#[test]
fn no_rule_of_a_rule_set_is_known_by_its_id() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut read = 0;
    for folder in ["waf-core/src", "waf-proxy/src"] {
        let mut todo = vec![root.join(folder)];
        while let Some(path) = todo.pop() {
            if path.is_dir() {
                todo.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                read += 1;
                let text = fs::read_to_string(&path).unwrap();
                let ids = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                let found = ids.filter(|word| word.len() == 6 && word.starts_with('9'));
                let found: Vec<&str> =
                    found.filter(|word| word.bytes().all(|b| b.is_ascii_digit())).collect();
                assert_eq!(found, [""; 0], "{}", path.display());
            }
        }
    }
    assert!(read > 150, "sources were read: {read}");
}
