//! What serde and the YAML parsers say, in our words and at the right place.

use std::sync::Arc;

use super::locate::Located;
use crate::source::{Report, Source, Span};
use crate::suggest;

/// A text that is YAML but not of the shape wanted. `message` is serde's, after the path where
/// serde_yaml knows it.
pub(super) fn of_shape(located: &Located, message: &str) -> Report {
    let (path, message) = located.split_path(message);
    let names = quoted(message);
    if message.starts_with("unknown field") {
        return unknown_key(located, path, &names);
    }
    if message.starts_with("unknown variant") {
        let word = names.first().copied().unwrap_or_default();
        let report = Report::error(Some(located.span(path)), format!("`{word}` is not known here"));
        return with_names(report, &names);
    }
    if message.starts_with("missing field") {
        let name = names.first().copied().unwrap_or_default();
        return Report::error(
            Some(start_of(located, path)),
            format!("the key `{name}` is missing"),
        );
    }
    let report = Report::error(
        Some(located.span(path)),
        of_type(message).unwrap_or_else(|| message.to_owned()),
    );
    if message.ends_with("expected a sequence") {
        return report.help("as in `[…, …]`, or each on a line of its own behind `- `");
    }
    report
}

/// Characters that YAML does not allow anywhere (YAML 1.2.2, section 5.1).
pub(super) fn is_forbidden(c: char) -> bool {
    let allowed = matches!(c, '\t' | '\n' | '\r' | '\u{85}');
    (c.is_control() && !allowed) || matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// A forbidden character at byte `at`.
pub(super) fn of_character(source: &Arc<Source>, at: usize) -> Report {
    let c = source.text[at..].chars().next().unwrap_or_default();
    let message = format!("the control character U+{:04X} stands here", u32::from(c));
    Report::error(Some(Span::new(source, at, at + c.len_utf8())), message)
        .help("in double quotes it is written `\\x1b` or `\\u001b`, with its own number")
}

/// A text that is no YAML. `line` and `column` count from 1, the column in characters.
pub(super) fn of_syntax(source: &Arc<Source>, line: usize, column: usize, message: &str) -> Report {
    let opening = opening(message);
    let (line, column) = match opening {
        // What is never closed is seen at the end of the text, and mended where it begins.
        Some(opening) if message.contains("unexpected end of stream") => opening,
        _ => (line, column),
    };
    let at = offset(source, line, column);
    let next = source.text[at..].chars().next();
    let place = Span::new(source, at, at + next.map_or(0, char::len_utf8));
    let before = source.text[..at].rsplit('\n').next().unwrap_or_default();
    let (words, help) = words(message, before, next);
    let mut report = Report::error(Some(place), words);
    if let Some((line, column)) = opening.filter(|_| message.contains("while parsing a flow")) {
        let at = offset(source, line, column);
        report = report.related(Span::new(source, at, at + 1), "opened here");
    }
    if help.is_empty() { report } else { report.help(help) }
}

/// Our words for the mistakes that authors make, with advice. `before` is the line up to the place,
/// `next` the character there.
fn words(message: &str, before: &str, next: Option<char>) -> (String, &'static str) {
    let (words, help) = if next == Some('\t') {
        ("a tab indents this line", "indent with spaces: YAML takes no tabs here")
    } else if message.contains("unexpected end of stream") {
        ("the quote opened here is never closed", "inside single quotes write `''` for a quote")
    } else if message.contains("unknown escape character") {
        (
            "no such escape in double quotes",
            "put patterns in single quotes: a backslash is plain text there",
        )
    } else if message.contains("mapping values are not allowed") && !before.contains(": ") {
        (
            "this key is not in line with the others",
            "keys of one mapping begin in the same column; text that holds `: ` is in quotes",
        )
    } else if message.contains("mapping values are not allowed") {
        ("a value cannot hold `: ` without quotes", "put the text in quotes")
    } else if message.contains("cannot start any token") {
        ("a text cannot begin with this character", "put the text in quotes")
    } else if message.contains("unknown anchor") {
        ("`*` without quotes refers to an anchor, and there is none", "put the text in quotes")
    } else if message.contains("or ']'") {
        ("`,` or `]` is expected here", "")
    } else if message.contains("or '}'") {
        ("`,` or `}` is expected here", "")
    } else if message.contains("did not find expected key") {
        ("a key is expected here", "keys of one mapping begin in the same column")
    } else {
        let plain = message.split(" at line ").next().unwrap_or(message);
        return (format!("this is not YAML: {plain}"), "");
    };
    (words.to_owned(), help)
}

/// Where the part began in which the parser stumbled: `…, while … at line 3 column 5`.
fn opening(message: &str) -> Option<(usize, usize)> {
    let (_, place) = message.split_once(", while")?.1.rsplit_once(" at line ")?;
    let (line, column) = place.split_once(" column ")?;
    Some((line.parse().ok()?, column.parse().ok()?))
}

fn unknown_key(located: &Located, path: &str, names: &[&str]) -> Report {
    let key = names.first().copied().unwrap_or_default();
    let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    with_names(Report::error(Some(located.key(&path)), format!("unknown key `{key}`")), names)
}

/// Adds the help for the first name, which is unknown, out of the others.
fn with_names(report: Report, names: &[&str]) -> Report {
    let Some((word, known)) = names.split_first() else { return report };
    match suggest::help(word, known.iter().copied()) {
        Some(help) => report.help(help),
        None => report,
    }
}

/// `invalid type: string "x", expected u8` in plain words.
fn of_type(message: &str) -> Option<String> {
    let rest = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))?;
    let (found, expected) = rest.rsplit_once(", expected ")?;
    Some(format!("{} is expected here, this is {}", expectation(expected), thing(found)))
}

/// The names serde gives to types.
fn expectation(expected: &str) -> String {
    let words = match expected {
        "a string" | "string" => "text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" | "any valid JSON value" => "a mapping",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number, 0 or more,",
        "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        _ if expected.starts_with("struct ") => "a mapping",
        _ => expected,
    };
    words.to_owned()
}

/// The names serde gives to values.
fn thing(found: &str) -> String {
    match found.split_once(' ') {
        Some(("string", text)) => format!("the text {text}"),
        Some(("integer" | "floating", rest)) => {
            format!("the number {}", rest.trim_start_matches("point ").trim_matches('`'))
        }
        Some(("boolean", value)) => value.to_owned(),
        _ => match found {
            "map" => "a mapping".to_owned(),
            "sequence" => "a list".to_owned(),
            "unit value" | "null" => "nothing".to_owned(),
            _ => found.to_owned(),
        },
    }
}

/// What stands between backticks in `message`: the word, then the names expected.
fn quoted(message: &str) -> Vec<&str> {
    let (word, names) = message.split_once("`, expected").unwrap_or((message, ""));
    let word = word.split_once('`').map(|(_, word)| word.trim_end_matches('`'));
    word.into_iter().chain(names.split('`').skip(1).step_by(2)).collect()
}

/// The first byte of the value at `path`.
fn start_of(located: &Located, path: &str) -> Span {
    let span = located.span(path);
    Span { end: span.end.min(span.start + 1), ..span }
}

fn offset(source: &Source, line: usize, column: usize) -> usize {
    let lines = source.text.split_inclusive('\n');
    let start: usize = lines.take(line.saturating_sub(1)).map(str::len).sum();
    let chars = source.text[start..].chars().take(column.saturating_sub(1));
    start + chars.map(char::len_utf8).sum::<usize>()
}
