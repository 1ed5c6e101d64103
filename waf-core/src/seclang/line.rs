//! Logical lines: what Apache's configuration reader hands to a directive.

use std::ops::Range;

use super::complaints::Complaints;
use super::files::File;
use super::text::{Text, is_blank};
use crate::source::{Report, Span};

/// The logical lines of a file, without blanks around them, without empty lines and comments.
///
/// A line that ends in `\` goes on in the next one; the backslash and the blanks that the next line
/// begins with are dropped. As in Apache this holds for comments too. A comment between the lines
/// of one directive is skipped, as Coraza does.
pub(super) fn lines(file: &File, complaints: &mut Complaints) -> Vec<Text> {
    if let Some(at) = file.bytes.iter().position(|&byte| byte == 0) {
        let report =
            Report::error(Some(Span::new(&file.source, at, at + 1)), "a NUL byte stands here");
        complaints.push(report.help("SecLang is text; in a pattern it is written `\\x00`"));
        return Vec::new();
    }
    let mut lines = Vec::new();
    let mut rest = physical(&file.bytes).into_iter();
    while let Some(first) = rest.next() {
        if is_comment(file, &first) {
            skip_comment(file, first, &mut rest, complaints);
            continue;
        }
        let mut line = Text::new(&file.source, first.start);
        let mut goes_on = add(file, &mut line, first);
        while goes_on && let Some(next) = rest.next() {
            goes_on = is_comment(file, &next) || add(file, &mut line, next);
        }
        if !line.is_empty() {
            lines.push(line.trim());
        }
    }
    lines
}

/// The lines of the file, without the blanks around them.
fn physical(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut start = 0;
    let trimmed = |line: &[u8]| {
        let before = line.iter().take_while(|&&byte| is_blank(byte)).count();
        let length = line.len() - line.iter().rev().take_while(|&&byte| is_blank(byte)).count();
        let range = start + before..start + length.max(before);
        start += line.len() + 1;
        range
    };
    bytes.split(|&byte| byte == b'\n').map(trimmed).collect()
}

/// Adds a physical line; whether the next one belongs to it.
fn add(file: &File, line: &mut Text, range: Range<usize>) -> bool {
    let bytes = file.bytes.get(range.clone()).unwrap_or_default();
    let kept = bytes.strip_suffix(b"\\");
    line.push(kept.unwrap_or(bytes), range.start);
    kept.is_some()
}

fn is_comment(file: &File, range: &Range<usize>) -> bool {
    file.bytes.get(range.start) == Some(&b'#') && !range.is_empty()
}

/// Skips the lines in which a comment goes on. Where one of them is a directive Apache skips it
/// too, but few authors mean it.
fn skip_comment(
    file: &File,
    first: Range<usize>,
    rest: &mut impl Iterator<Item = Range<usize>>,
    complaints: &mut Complaints,
) {
    let mut skipped = Text::new(&file.source, first.start);
    let mut swallowed = None;
    let mut goes_on = add(file, &mut skipped, first);
    while goes_on && let Some(next) = rest.next() {
        if !next.is_empty() && !is_comment(file, &next) {
            swallowed = swallowed.or_else(|| Some(next.clone()));
        }
        goes_on = add(file, &mut skipped, next);
    }
    if let Some(line) = swallowed {
        let span = Span::new(&file.source, line.start, line.end);
        let message = "this line belongs to the comment above, which ends in `\\`";
        let report = Report::warning(Some(span), message);
        complaints.push(report.help("begin it with `#`, or end the comment without `\\`"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> (Vec<String>, usize) {
        let mut complaints = Complaints::default();
        let lines = lines(&File::new("a.conf", text.to_vec()), &mut complaints);
        (lines.iter().map(Text::shown).collect(), complaints.count())
    }

    #[track_caller]
    fn assert_lines(text: &str, expected: &[&str]) {
        let expected = expected.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        assert_eq!(read(text.as_bytes()), (expected, 0));
        // Windows line ends change nothing.
        assert_eq!(read(text.replace('\n', "\r\n").as_bytes()), read(text.as_bytes()));
    }

    #[test]
    fn blanks_empty_lines_and_comments_go() {
        assert_lines("\n  A b \n\n # c\n#d\n\tB\n", &["A b", "B"]);
        assert_lines("", &[]);
        assert_lines("A", &["A"]);
    }

    #[test]
    fn a_backslash_joins_the_next_line() {
        assert_lines("A \\\n    \"b,\\\n    c\"\nD", &["A \"b,c\"", "D"]);
        assert_lines("A \\\n", &["A"]);
        assert_lines("A \\", &["A"]);
        assert_lines("A \\\n\nB", &["A", "B"]);
    }

    #[test]
    fn comments_may_stand_between() {
        assert_lines("A \\\n  # why\n  b\nC", &["A b", "C"]);
        assert_lines("# A \\\n#  b \\\n#  c\nD", &["D"]);
    }

    #[test]
    fn a_comment_that_swallows_a_line_is_told() {
        assert_eq!(read(b"# A \\\nB\nC"), (vec!["C".to_owned()], 1));
        assert_eq!(read(b"# A \\\n\nC"), (vec!["C".to_owned()], 0));
    }

    #[test]
    fn a_nul_is_refused() {
        assert_eq!(read(b"A\0B\nC"), (Vec::new(), 1));
    }
}
