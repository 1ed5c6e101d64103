//! Logical lines: what Apache's configuration reader hands to a directive.

use std::ops::Range;

use super::complaints::Complaints;
use super::files::File;
use super::text::{Text, is_blank};
use crate::source::{Report, Span};

/// The logical lines of a file, without blanks around them, without empty lines and comments.
///
/// A line that ends in `\` goes on in the next one, without the backslash. As in Apache this holds
/// for comments too. A comment between the lines of one directive is skipped, as Coraza does.
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
        if first.is_comment(file) {
            skip_comment(file, &first, &mut rest, complaints);
            continue;
        }
        let mut line = Text::new(&file.source, first.start);
        let mut goes_on = first.add_to(file, &mut line);
        while goes_on && let Some(next) = rest.next() {
            goes_on = next.is_comment(file) || next.add_to(file, &mut line);
        }
        let line = line.trim();
        if !line.is_empty() {
            lines.push(line);
        }
    }
    lines
}

/// A line of the file.
#[derive(Clone)]
struct Physical {
    /// Its first byte.
    start: usize,
    /// What stands between the blanks around it.
    inner: Range<usize>,
}

/// The lines of the file.
fn physical(bytes: &[u8]) -> Vec<Physical> {
    let mut start = 0;
    let measured = |line: &[u8]| {
        let before = line.iter().take_while(|&&byte| is_blank(byte)).count();
        let length = line.len() - line.iter().rev().take_while(|&&byte| is_blank(byte)).count();
        let inner = start + before..start + length.max(before);
        let physical = Physical { start, inner };
        start += line.len() + 1;
        physical
    };
    bytes.split(|&byte| byte == b'\n').map(measured).collect()
}

impl Physical {
    /// Adds it to a logical line; whether the next one belongs to that too.
    fn add_to(&self, file: &File, line: &mut Text) -> bool {
        let bytes = file.bytes.get(self.start..self.inner.end).unwrap_or_default();
        let kept = bytes.strip_suffix(b"\\");
        if !self.inner.is_empty() {
            line.push(kept.unwrap_or(bytes), self.start);
        }
        kept.is_some()
    }

    fn is_comment(&self, file: &File) -> bool {
        !self.inner.is_empty() && file.bytes.get(self.inner.start) == Some(&b'#')
    }
}

/// Skips the lines in which a comment goes on. Where one of them is a directive Apache skips it
/// too, but few authors mean it.
fn skip_comment(
    file: &File,
    first: &Physical,
    rest: &mut impl Iterator<Item = Physical>,
    complaints: &mut Complaints,
) {
    let mut skipped = Text::new(&file.source, first.start);
    let mut swallowed = None;
    let mut goes_on = first.add_to(file, &mut skipped);
    while goes_on && let Some(next) = rest.next() {
        if !next.inner.is_empty() && !next.is_comment(file) {
            swallowed.get_or_insert_with(|| next.inner.clone());
        }
        goes_on = next.add_to(file, &mut skipped);
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
        assert_lines("A\\\n  \"b,\\\n c\"\nD", &["A  \"b, c\"", "D"]);
        assert_lines("Sec\\\nRule", &["SecRule"]);
        assert_lines("A \\\n", &["A"]);
        assert_lines("A \\", &["A"]);
        assert_lines("A \\\n\nB", &["A", "B"]);
    }

    #[test]
    fn comments_may_stand_between() {
        assert_lines("A \\\n  # why\n  b\nC", &["A   b", "C"]);
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
