//! The words of a logical line, by Apache's rules (`ap_getword_conf`).

use std::ops::Range;

use super::text::{Text, is_blank};
use crate::source::Report;

/// Cuts a line into words. A word in `"…"` or `'…'` may hold blanks; in it a backslash before the
/// quote or before a backslash is dropped, every other one stays. The blanks at which a line begins
/// that another goes on in separate words, and are dropped in quotes (not by Apache, but by the
/// engines since).
pub(super) fn words(line: &Text) -> Result<Vec<Text>, Report> {
    let mut words = Vec::new();
    let mut at = 0;
    loop {
        while line.byte(at).is_some_and(is_blank) {
            at += 1;
        }
        match line.byte(at) {
            None => return Ok(words),
            Some(quote @ (b'"' | b'\'')) => {
                let end = closing(line, at, quote)?;
                words.push(unescape(line, at + 1..end, Some(quote)));
                at = end + 1;
                if line.byte(at).is_some_and(|byte| !is_blank(byte)) {
                    return Err(glued(line, at));
                }
            }
            Some(_) => {
                let length = line.bytes().iter().skip(at).take_while(|&&byte| !is_blank(byte));
                let end = at + length.count();
                words.push(unescape(line, at..end, None));
                at = end;
            }
        }
    }
}

/// Where the quote opened at `open` is closed.
fn closing(line: &Text, open: usize, quote: u8) -> Result<usize, Report> {
    let mut at = open + 1;
    while let Some(byte) = line.byte(at) {
        if byte == quote {
            return Ok(at);
        }
        let next = line.byte(at + 1);
        at += if byte == b'\\' && (next == Some(quote) || next == Some(b'\\')) { 2 } else { 1 };
    }
    let report = Report::error(Some(line.part(open..open + 1)), "this quote is never closed");
    Err(report.help("a line that goes on in the next one ends in `\\`"))
}

/// Something stands right behind a closing quote.
fn glued(line: &Text, at: usize) -> Report {
    Report::error(Some(line.part(at - 1..at)), "the quote is closed here, and a blank must follow")
        .help("a quote inside quotes is written `\\\"`")
}

fn unescape(line: &Text, word: Range<usize>, quote: Option<u8>) -> Text {
    let is_plain = |at: usize| line.byte(at) != Some(b'\\') && !line.is_join(at);
    if word.clone().all(is_plain) {
        return line.slice(word);
    }
    let mut plain = line.slice(word.start..word.start);
    let mut at = word.start;
    while let Some(byte) = line.byte(at).filter(|_| at < word.end) {
        if quote.is_some() && line.is_join(at) && is_blank(byte) {
            let indent = line.bytes().get(at..word.end).unwrap_or_default();
            at += indent.iter().take_while(|&&byte| is_blank(byte)).count();
            continue;
        }
        let next = line.byte(at + 1).filter(|_| at + 1 < word.end);
        let escaped = byte == b'\\' && (next == Some(b'\\') || (next.is_some() && next == quote));
        at += usize::from(escaped);
        plain.push(&[next.filter(|_| escaped).unwrap_or(byte)], line.place(at));
        at += 1;
    }
    plain
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

    use super::*;
    use crate::source::Source;

    fn line(text: &str) -> Text {
        let mut line = Text::new(&Source::new("a.conf", text), 0);
        line.push(text.as_bytes(), 0);
        line
    }

    fn read(text: &str) -> Vec<String> {
        words(&line(text)).unwrap().iter().map(Text::shown).collect()
    }

    #[test]
    fn words_are_cut_at_blanks_outside_quotes() {
        assert_eq!(read("SecRule ARGS|TX:a \"@rx a b\""), ["SecRule", "ARGS|TX:a", "@rx a b"]);
        assert_eq!(read("A 'b \"c\" d'\t\"\""), ["A", "b \"c\" d", ""]);
        assert_eq!(read("A b\"c"), ["A", "b\"c"]);
    }

    #[test]
    fn two_escapes_are_removed_and_no_other() {
        assert_eq!(read(r#""a\"b\\c\d\'""#), [r#"a"b\c\d\'"#]);
        assert_eq!(read(r#"'a\'b\"'"#), [r#"a'b\""#]);
        assert_eq!(read(r"a\\b\.c"), [r"a\b\.c"]);
        // The backslash is escaped, so the quote closes.
        assert_eq!(read(r#""a\\" b"#), [r"a\", "b"]);
    }

    #[test]
    fn indentation_separates_words_and_is_dropped_in_quotes() {
        let source = Source::new("a.conf", "A\\\n  \"b \\\n\t c\\\nd\"\\\n \"e\"");
        let mut line = Text::new(&source, 0);
        for (piece, place) in [("A", 0), ("  \"b ", 3), ("\t c", 10), ("d\"", 15), (" \"e\"", 19)] {
            assert!(source.text[place..].starts_with(piece), "{piece:?}");
            line.push(piece.as_bytes(), place);
        }
        let words: Vec<String> = words(&line).unwrap().iter().map(Text::shown).collect();
        assert_eq!(words, ["A", "b cd", "e"]);
    }

    #[test]
    fn places_are_those_of_the_file() {
        let words = words(&line(r#"A "\"\\b""#)).unwrap();
        let places: Vec<usize> = (0..3).map(|at| words[1].place(at)).collect();
        assert_eq!((words[1].shown().as_str(), places), ("\"\\b", vec![4, 6, 7]));
    }

    #[test]
    fn quotes_must_be_closed_and_stand_free() {
        for (text, at) in [("A \"b", 2), (r#"A "b\""#, 2), ("A 'b\"", 2), ("A \"b\"c\" d", 4)] {
            assert_eq!(words(&line(text)).unwrap_err().span.unwrap().start, at, "{text}");
        }
    }
}
