//! One YAML text to any type that serde can read. The only module that knows serde_yaml: it is
//! archived upstream and may have to be replaced.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde::de::{DeserializeOwned, IgnoredAny};

use super::complaint;
use super::locate::{Located, locate};
use super::tree::Unlocated;
use crate::limits;
use crate::source::{Report, Source, Span};

/// Reads a file of at most [`limits::RULE_FILE`] bytes of UTF-8.
pub fn read_file(path: &Path) -> Result<Arc<Source>, Report> {
    let name = path.display().to_string();
    let cannot = |why: String| Report::error(None, format!("cannot read `{name}`: {why}"));
    let length = fs::metadata(path).map_err(|error| cannot(error.to_string()))?.len();
    if length > limits::RULE_FILE {
        return Err(cannot(too_long(length)));
    }
    let bytes = fs::read(path).map_err(|error| cannot(error.to_string()))?;
    match String::from_utf8(bytes) {
        // Some editors begin a file with a byte order mark; serde_yaml stumbles over it.
        Ok(text) => Ok(Source::new(name, text.strip_prefix('\u{feff}').unwrap_or(&text))),
        Err(error) => Err(cannot(format!(
            "it is not UTF-8: byte {} is no character",
            error.utf8_error().valid_up_to() + 1
        ))),
    }
}

/// Reads a text into a `T`. Unknown keys are errors where `T` says
/// `#[serde(deny_unknown_fields)]`; keys that stand twice, tags and second documents always are.
pub fn read<T: DeserializeOwned>(source: &Arc<Source>) -> Result<T, Report> {
    read_located(source).map(|(value, _)| value)
}

/// The same, with the places of all parts, for complaints about what they mean.
pub fn read_located<T: DeserializeOwned>(source: &Arc<Source>) -> Result<(T, Located), Report> {
    let length = source.text.len() as u64;
    if length > limits::RULE_FILE {
        return Err(Report::error(None, format!("`{}`: {}", source.name, too_long(length))));
    }
    if let Some(at) = source.text.find(complaint::is_forbidden) {
        return Err(complaint::of_character(source, at));
    }
    let located = locate(source).map_err(|unlocated| match unlocated {
        Unlocated::Refused(report) => report,
        Unlocated::Syntax(report) => syntax(source).unwrap_or(report),
    })?;
    // The two parsers differ in rare texts: what either refuses is refused.
    syntax(source).map_or(Ok(()), Err)?;
    if located.is_empty() {
        return Err(Report::error(Some(Span::new(source, 0, 0)), "the file is empty"));
    }
    match serde_yaml::from_str(&source.text) {
        Ok(value) => Ok((value, located)),
        Err(error) => Err(complaint::of_shape(&located, &without_place(&error))),
    }
}

/// What serde_yaml says about a text that is no YAML.
fn syntax(source: &Arc<Source>) -> Option<Report> {
    let error = serde_yaml::from_str::<IgnoredAny>(&source.text).err()?;
    let at = error.location()?;
    Some(complaint::of_syntax(source, at.line(), at.column(), &error.to_string()))
}

fn without_place(error: &serde_yaml::Error) -> String {
    let message = error.to_string();
    let Some(at) = error.location() else { return message };
    let place = format!(" at line {} column {}", at.line(), at.column());
    message.strip_suffix(&place).map(str::to_owned).unwrap_or(message)
}

fn too_long(length: u64) -> String {
    format!("it has {length} bytes, the limit is {}", limits::RULE_FILE)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        threads: u8,
        #[serde(default)]
        upstreams: BTreeMap<String, Upstream>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Upstream {
        servers: Vec<u16>,
    }

    fn complaint(text: &str) -> (String, usize, usize) {
        let report = read::<Settings>(&Source::new("s.yaml", text)).unwrap_err();
        let span = report.span.unwrap();
        let (line, column) = span.source.position(span.start);
        (report.message, line, column)
    }

    #[test]
    fn any_type_is_read() {
        let text = "threads: 2\nupstreams: {app: {servers: [80]}}\n";
        let settings = read::<Settings>(&Source::new("s.yaml", text)).unwrap();
        let app = Upstream { servers: vec![80] };
        assert_eq!(settings, Settings { threads: 2, upstreams: [("app".into(), app)].into() });
    }

    #[test]
    fn errors_inside_lists_and_dotted_keys_have_their_place() {
        let text = "threads: 1\nupstreams:\n  a.b:\n    servers:\n      - 1\n      - 70000\n";
        let message = "a whole number from 0 to 65535 is expected here, this is the number 70000";
        assert_eq!(complaint(text), (message.into(), 6, 9));
    }

    #[test]
    fn keys_of_any_map_stand_once() {
        let (message, line, column) =
            complaint("threads: 1\nupstreams:\n  a: {servers: []}\n  a: {servers: []}\n");
        assert_eq!((message.as_str(), line, column), ("the key `a` stands twice", 4, 3));
    }

    #[test]
    fn a_missing_key_is_told_where_its_mapping_begins() {
        let (message, line, column) = complaint("threads: 1\nupstreams:\n  a: {}\n");
        assert_eq!((message.as_str(), line, column), ("the key `servers` is missing", 3, 6));
    }

    #[test]
    fn what_is_no_single_document_is_refused() {
        assert_eq!(complaint("").0, "the file is empty");
        assert_eq!(complaint("# nothing\n").0, "the file is empty");
        assert_eq!(complaint("threads: 1\n---\nthreads: 2\n").0, "a second document begins here");
        assert_eq!(complaint(&"[".repeat(100_000)).0, "nested deeper than 64 levels");
        assert_eq!(complaint("threads: !u8 1\n").0, "`!u8` without quotes is a YAML tag, not text");
    }

    #[test]
    fn a_long_text_is_refused_before_it_is_parsed() {
        let source = Source::new("s.yaml", " ".repeat(limits::RULE_FILE as usize + 1));
        let report = read::<Settings>(&source).unwrap_err();
        assert_eq!(report.message, "`s.yaml`: it has 4194305 bytes, the limit is 4194304");
    }
}
