//! Where rule text came from, and how a complaint points at it.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A named text: a rule file, a configuration file.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The name as the operator wrote it; normally a path.
    pub name: String,
    /// The whole text.
    pub text: String,
}

impl Source {
    /// A text under a name.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into() })
    }

    /// The line and column of a byte offset, both from 1; the column counts characters.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
        (line, column)
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
    /// Another place that matters, such as the first of two equal ids.
    pub related: Option<(Span, String)>,
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
        self.related = Some((span, label.into()));
        self
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        write!(f, "{level}: {}", self.message)?;
        if let Some(span) = &self.span {
            snippet(f, span, "")?;
        }
        if let Some((span, label)) = &self.related {
            snippet(f, span, label)?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n  = help: {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Report {}

/// `--> file:line:column`, the line, and a caret under the span.
fn snippet(f: &mut fmt::Formatter<'_>, span: &Span, label: &str) -> fmt::Result {
    let (line, column) = span.source.position(span.start);
    let text = span.source.text.lines().nth(line - 1).unwrap_or("");
    let in_line = text.chars().count().saturating_sub(column - 1);
    let covered = span.source.text[span.start..span.end].lines().next().unwrap_or("");
    let width = covered.chars().count().min(in_line).max(1);
    let indent: String =
        text.chars().take(column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    let number = line.to_string();
    let gutter = " ".repeat(number.len());
    write!(f, "\n{gutter}--> {}:{line}:{column}", span.source.name)?;
    write!(f, "\n{gutter} |\n{number} | {text}\n{gutter} | {indent}{}", "^".repeat(width))?;
    if label.is_empty() { Ok(()) } else { write!(f, " {label}") }
}
