//! The third word of `SecRule`, cut into actions: `id:1,msg:'a, b',setvar:tx.a=1`.

use super::complaints::Complaints;
use super::text::{Text, is_blank};
use crate::source::Report;

/// `name` or `name:argument`, quotes and their escapes removed.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) name: Text,
    pub(super) argument: Option<Text>,
    /// The whole, as written.
    pub(super) whole: Text,
}

/// Cuts at commas outside `'…'`. An argument in quotes loses them; in it a backslash before a quote
/// or a backslash is dropped.
pub(super) fn actions(text: &Text, complaints: &mut Complaints) -> Vec<Written> {
    let mut actions = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let end = match action_end(text, start) {
            Ok(end) => end,
            Err(report) => {
                complaints.push(report);
                break;
            }
        };
        let whole = text.slice(start..end).trim();
        if !whole.is_empty() {
            actions.extend(complaints.note(action(whole)));
        }
        start = end + 1;
    }
    actions
}

/// The comma behind the action that begins at `start`, or the end of the text.
fn action_end(text: &Text, start: usize) -> Result<usize, Report> {
    let mut at = start;
    let mut open = None;
    while let Some(byte) = text.byte(at) {
        match (byte, open) {
            (b'\\', _) => at += 1,
            (b'\'', None) => open = Some(at),
            (b'\'', Some(_)) => open = None,
            (b',', None) => return Ok(at),
            _ => {}
        }
        at += 1;
    }
    match open {
        None => Ok(text.len()),
        Some(at) => {
            let report = Report::error(Some(text.part(at..at + 1)), "this quote is never closed");
            Err(report.help("a quote inside quotes is written `\\'`"))
        }
    }
}

fn action(whole: Text) -> Result<Written, Report> {
    let Some((name, argument)) = whole.split_once(b':') else {
        return Ok(Written { name: whole.clone(), argument: None, whole });
    };
    let argument = argument.trim();
    let argument = if argument.byte(0) == Some(b'\'') { unquote(&argument)? } else { argument };
    Ok(Written { name: name.trim(), argument: Some(argument), whole })
}

fn unquote(quoted: &Text) -> Result<Text, Report> {
    let mut plain = quoted.slice(1..1);
    let mut at = 1;
    while let Some(byte) = quoted.byte(at) {
        let next = quoted.byte(at + 1);
        if byte == b'\'' {
            break;
        }
        if byte == b'\\' && matches!(next, Some(b'\'' | b'\\')) {
            at += 1;
        }
        plain.push(&quoted.bytes()[at..=at], quoted.place(at));
        at += 1;
    }
    let behind = quoted.tail(at + 1).trim();
    if behind.is_empty() || behind.bytes().iter().all(|&byte| is_blank(byte)) {
        return Ok(plain);
    }
    let report = behind.error("the quote is closed before this, and a comma must follow");
    Err(report.help("a quote inside quotes is written `\\'`"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

    use super::*;
    use crate::source::Source;

    type Pair = (String, Option<String>);

    /// Names and arguments, or where the first complaint points and what it says.
    fn read(text: &str) -> Result<Vec<Pair>, (usize, String)> {
        let mut word = Text::new(&Source::new("a.conf", text), 0);
        word.push(text.as_bytes(), 0);
        let mut complaints = Complaints::default();
        let actions = actions(&word, &mut complaints);
        if let Err(mut reports) = complaints.into_result() {
            let report = reports.remove(0);
            return Err((report.span.unwrap().start, report.message));
        }
        let show = |a: &Written| (a.name.shown(), a.argument.as_ref().map(Text::shown));
        Ok(actions.iter().map(show).collect())
    }

    #[track_caller]
    fn assert_actions(text: &str, expected: &[(&str, Option<&str>)]) {
        let own = |(name, argument): &(&str, Option<&str>)| {
            ((*name).to_owned(), argument.map(str::to_owned))
        };
        assert_eq!(read(text), Ok(expected.iter().map(own).collect()), "{text}");
    }

    #[test]
    fn names_and_arguments() {
        assert_actions(
            "id:1, phase:2 ,deny",
            &[("id", Some("1")), ("phase", Some("2")), ("deny", None)],
        );
        assert_actions("id:'1',msg:'a, b: c',", &[("id", Some("1")), ("msg", Some("a, b: c"))]);
        assert_actions("setvar:tx.a=b|c d/e", &[("setvar", Some("tx.a=b|c d/e"))]);
        assert_actions("setvar:tx.a='b,c',log", &[("setvar", Some("tx.a='b,c'")), ("log", None)]);
        assert_actions("", &[]);
    }

    #[test]
    fn quotes_lose_two_escapes() {
        assert_actions(r"msg:'it\'s \\ a \d',log", &[("msg", Some(r"it's \ a \d")), ("log", None)]);
    }

    #[test]
    fn quotes_must_be_closed_and_end_the_argument() {
        let closed = "this quote is never closed".to_owned();
        assert_eq!(read("id:1,msg:'a,log"), Err((9, closed.clone())));
        assert_eq!(read("msg:'it's bad'"), Err((13, closed)));
        let comma = "the quote is closed before this, and a comma must follow".to_owned();
        assert_eq!(read("msg:'a' log"), Err((8, comma)));
    }
}
