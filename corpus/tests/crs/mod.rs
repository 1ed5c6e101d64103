//! What tests read of a Core Rule Set that is installed or named: its regexes, and the strings of
//! its regression suite. Nothing of it is in the repository.
#![allow(dead_code, reason = "each test uses some of it")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_yaml::Value;

/// Where Debian's `modsecurity-crs` puts its rules.
const DEBIAN: &str = "/usr/share/modsecurity-crs";

/// The folders with rules on this machine: Debian's, and the checkout that `CRS_DIR` names.
pub(crate) fn folders() -> Vec<PathBuf> {
    let named = std::env::var_os("CRS_DIR").map(PathBuf::from);
    let folders = named.into_iter().chain([PathBuf::from(DEBIAN)]);
    folders.map(|folder| folder.join("rules")).filter(|folder| folder.is_dir()).collect()
}

/// A regex of a rule set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Regex {
    pub(crate) text: Vec<u8>,
    /// It selects names, ignoring case.
    pub(crate) selects: bool,
}

/// The regexes of the `.conf` files of a folder, each once.
pub(crate) fn regexes(folder: &Path) -> BTreeSet<Regex> {
    let mut found = BTreeSet::new();
    for file in files(folder, "conf") {
        let text = std::fs::read(&file).unwrap();
        for line in logical_lines(&text) {
            let words = words(&line);
            let [directive, first, second, ..] = &words[..] else { continue };
            let is_rule = directive.eq_ignore_ascii_case(b"SecRule");
            let operator = second.strip_prefix(b"!").unwrap_or(second);
            if let Some(text) = operator.strip_prefix(b"@rx ").filter(|_| is_rule) {
                found.insert(Regex { text: text.to_vec(), selects: false });
            }
            // The targets of a rule, or those that are added to one.
            found.extend(selectors(if is_rule { first } else { second }));
        }
    }
    found
}

/// Lines, those that end in a backslash joined with the next.
fn logical_lines(text: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = vec![Vec::new()];
    for line in text.split(|&byte| byte == b'\n') {
        let line = line.trim_ascii();
        if line.starts_with(b"#") {
            continue;
        }
        let open = lines.last_mut().unwrap();
        if let Some(line) = line.strip_suffix(b"\\") {
            open.extend_from_slice(line);
        } else {
            open.extend_from_slice(line);
            lines.push(Vec::new());
        }
    }
    lines
}

/// Words, in double quotes or without; `\"` and `\\` in quotes lose the backslash.
fn words(line: &[u8]) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    let mut rest = line.trim_ascii_start();
    while !rest.is_empty() {
        let mut word = Vec::new();
        if let Some(quoted) = rest.strip_prefix(b"\"") {
            rest = quoted;
            while let Some((&byte, after)) = rest.split_first() {
                let escaped = after.first().filter(|next| byte == b'\\' && b"\"\\".contains(next));
                if byte == b'"' {
                    break;
                }
                word.push(*escaped.unwrap_or(&byte));
                rest = if escaped.is_some() { &after[1..] } else { after };
            }
            rest = rest.get(1..).unwrap_or_default();
        } else {
            let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
            word.extend_from_slice(&rest[..end]);
            rest = &rest[end..];
        }
        words.push(word);
        rest = rest.trim_ascii_start();
    }
    words
}

/// The regexes of a list of targets: `ARGS:/^a/|!ARGS:'/b/'`.
fn selectors(targets: &[u8]) -> Vec<Regex> {
    let mut found = Vec::new();
    let mut rest = targets;
    while let Some(at) = rest.windows(2).position(|pair| pair == b":/" || pair == b"'/") {
        let is_path = rest[..at].ends_with(b"XML");
        let text = &rest[at + 2..];
        let ends = |at: &usize| {
            text[*at] == b'/' && matches!(text.get(at + 1), None | Some(b'|' | b'\'' | b','))
        };
        let Some(end) = (0..text.len()).find(ends).filter(|_| !is_path) else {
            rest = text;
            continue;
        };
        found.push(Regex { text: text[..end].to_vec(), selects: true });
        rest = &text[end..];
    }
    found
}

/// The strings of the regression suite beside the rules: every text of a test's input as it is, its
/// pieces between delimiters, and those percent-decoded.
pub(crate) fn strings(folder: &Path) -> BTreeSet<Vec<u8>> {
    let mut found = BTreeSet::new();
    for file in files(&folder.join("../tests/regression/tests"), "yaml") {
        let text = std::fs::read_to_string(&file).unwrap();
        inputs(&serde_yaml::from_str(&text).unwrap(), false, &mut found);
    }
    found
}

/// Everything below a key `input`.
fn inputs(value: &Value, inside: bool, found: &mut BTreeSet<Vec<u8>>) {
    match value {
        Value::Mapping(mapping) => {
            for (key, value) in mapping {
                inputs(value, inside || key.as_str() == Some("input"), found);
            }
        }
        Value::Sequence(list) => list.iter().for_each(|value| inputs(value, inside, found)),
        Value::String(text) if inside => {
            for piece in text.split(['&', '=', '?', '\n', ';']).chain([text.as_str()]) {
                found.insert(piece.as_bytes().to_vec());
                found.insert(decode(piece.as_bytes()));
            }
        }
        _ => {}
    }
}

/// Percent-decoded, `+` a blank; what is no escape stays.
pub(crate) fn decode(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high << 4 | low) as u8);
                at += 2;
            }
            (b'+', ..) => out.push(b' '),
            _ => out.push(byte),
        }
        at += 1;
    }
    out
}

/// The files below a folder with this extension, in order.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(path) = todo.pop() {
        if path.is_dir() {
            todo.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}
