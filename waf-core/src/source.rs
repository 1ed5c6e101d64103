//! Where rule text came from, and how a complaint points at it.

use std::fmt::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// A named text: a rule file, a configuration file.
#[derive(Debug)]
pub struct Source {
    /// The name as the operator wrote it; normally a path.
    pub name: String,
    /// The whole text.
    pub text: String,
    /// Where its lines begin: every record asks for the lines of its rules.
    lines: OnceLock<Box<[usize]>>,
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.text == other.text
    }
}

impl Eq for Source {}

impl Source {
    /// A text under a name.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into(), lines: OnceLock::new() })
    }

    /// The line and column of a byte offset, both from 1; the column counts characters.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        let line = self.lines().partition_point(|&start| start <= before.len());
        let start = line.checked_sub(1).map_or(0, |at| self.lines()[at]);
        let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
        (line, column)
    }

    /// Where each line begins; the first at 0.
    fn lines(&self) -> &[usize] {
        self.lines.get_or_init(|| {
            let breaks = self.text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
            std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect()
        })
    }

    /// The file name without folders and extension.
    pub fn stem(&self) -> &str {
        Path::new(&self.name).file_stem().and_then(|stem| stem.to_str()).unwrap_or(&self.name)
    }
}

/// A stretch of a source: `start <= end <= text.len()`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The text it is in.
    pub source: Arc<Source>,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// A stretch of `source`.
    pub fn new(source: &Arc<Source>, start: usize, end: usize) -> Self {
        let end = end.min(source.text.len());
        Self { source: Arc::clone(source), start: start.min(end), end }
    }

    /// The line of its first byte, from 1.
    pub fn line(&self) -> usize {
        self.source.position(self.start).0
    }
}

/// Whether a complaint stops loading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Loading fails.
    Error,
    /// Loading goes on; `pinpoint check --strict` fails.
    Warning,
}

/// A complaint to a rule author or operator: what is wrong, where, what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whether it stops loading.
    pub level: Level,
    /// What is wrong, one clear sentence without a full stop.
    pub message: String,
    /// Where.
    pub span: Option<Span>,
    /// Another place that matters, such as the first of two equal ids, and a label. Boxed, as it is
    /// rare and reports are returned by value.
    pub related: Option<Box<(Span, String)>>,
    /// What to do.
    pub help: Option<String>,
}

impl Report {
    /// An error at a place.
    pub fn error(span: Option<Span>, message: impl Into<String>) -> Self {
        Self { level: Level::Error, message: message.into(), span, related: None, help: None }
    }

    /// A warning at a place.
    pub fn warning(span: Option<Span>, message: impl Into<String>) -> Self {
        Self { level: Level::Warning, ..Self::error(span, message) }
    }

    /// With advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With another place that matters.
    #[must_use]
    pub fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related = Some(Box::new((span, label.into())));
        self
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        write!(f, "{level}: {}", Printable(&self.message))?;
        if let Some(span) = &self.span {
            snippet(f, "-->", span, "")?;
        }
        if let Some(related) = &self.related {
            snippet(f, ":::", &related.0, &related.1)?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n  = help: {}", Printable(help))?;
        }
        Ok(())
    }
}

impl std::error::Error for Report {}

/// `--> file:line:column` (`:::` for a second place), the line, and a caret under the span.
fn snippet(f: &mut fmt::Formatter<'_>, arrow: &str, span: &Span, label: &str) -> fmt::Result {
    let (line, column) = span.source.position(span.start);
    let text = span.source.text.lines().nth(line - 1).unwrap_or("");
    let covered = span.source.text.get(span.start..span.end).unwrap_or("");
    let covered = covered.lines().next().unwrap_or("").chars().count();
    let shown = Excerpt::of(text, column - 1, covered);
    let number = line.to_string();
    let gutter = " ".repeat(number.len());
    write!(f, "\n{gutter}{arrow} {}:{line}:{column}", Printable(&span.source.name))?;
    write!(f, "\n{gutter} |\n{number} | {}", Printable(&shown.text))?;
    write!(f, "\n{gutter} | {}{}", shown.indent(), "^".repeat(shown.width))?;
    if label.is_empty() { Ok(()) } else { write!(f, " {label}") }
}

/// The part of a line that is shown.
struct Excerpt {
    text: String,
    /// Characters before the caret.
    before: usize,
    /// Characters under the caret, one at least.
    width: usize,
}

impl Excerpt {
    /// Characters of a line that fit on a screen.
    const WIDTH: usize = 110;
    /// Characters shown before the caret where the line is cut there.
    const AHEAD: usize = 40;
    const CUT: char = '…';

    fn of(line: &str, before: usize, covered: usize) -> Self {
        let length = line.chars().count();
        let covered = covered.min(length.saturating_sub(before)).max(1);
        if length <= Self::WIDTH {
            return Self { text: line.to_owned(), before, width: covered };
        }
        let skipped =
            if before + covered < Self::WIDTH { 0 } else { before.saturating_sub(Self::AHEAD) };
        let mut text: String = line.chars().skip(skipped).take(Self::WIDTH).collect();
        if skipped + Self::WIDTH < length {
            text.push(Self::CUT);
        }
        let mut before = before - skipped;
        if skipped > 0 {
            text.insert(0, Self::CUT);
            before += 1;
        }
        Self {
            width: covered.min(text.chars().count().saturating_sub(before)).max(1),
            text,
            before,
        }
    }

    /// Blanks up to the caret; tabs stay, so that both lines are equally wide.
    fn indent(&self) -> String {
        let before = self.text.chars().take(self.before);
        before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect()
    }
}

/// Text for a terminal: control characters, which could move the cursor or worse, show as `·`.
struct Printable<'a>(&'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .chars()
            .try_for_each(|c| f.write_char(if c.is_control() && c != '\t' { '·' } else { c }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, start: usize, end: usize) -> Vec<String> {
        let source = Source::new("a.yaml", text);
        let report = Report::error(Some(Span::new(&source, start, end)), "no");
        report.to_string().lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_caret_stands_under_the_span() {
        assert_eq!(
            shown("a: 1\né: bcd\n", 9, 11),
            ["error: no", " --> a.yaml:2:4", "  |", "2 | é: bcd", "  |    ^^",]
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_caret() {
        let text = format!("{}X{}", "a".repeat(1000), "b".repeat(1000));
        let lines = shown(&text, 1000, 1001);
        let at = lines[4].find('^').map(|at| at - "  | ".len());
        assert_eq!(at, lines[3].chars().skip("1 | ".len()).position(|c| c == 'X'));
        assert!(lines[3].chars().count() < 120, "{}", lines[3]);
    }

    #[test]
    fn control_characters_reach_no_terminal() {
        let lines = shown("a: \u{1b}[2J\u{7}", 3, 4);
        assert_eq!(lines[3], "1 | a: ·[2J·");
        let report = Report::error(None, "not \u{1b}[31mgood").help("try \u{9b}");
        assert_eq!(report.to_string(), "error: not ·[31mgood\n  = help: try ·");
    }

    #[test]
    fn an_empty_span_at_the_end_has_a_caret() {
        assert_eq!(shown("a\n", 2, 2)[1..], [" --> a.yaml:2:1", "  |", "2 | ", "  | ^"]);
    }
}
