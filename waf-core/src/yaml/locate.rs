//! Where each part of a YAML text stands. serde_yaml does not tell places inside lists, so the text
//! is read a second time, as events with marks, into a tree that answers paths such as
//! `match.all[1].rx`.

use std::ops::Range;
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Tag};

use crate::limits;
use crate::source::{Report, Source, Span};

/// The places of one YAML text. Holds for a text of one document without tags, in which no mapping
/// has a key twice.
#[derive(Debug)]
pub struct Located {
    source: Arc<Source>,
    /// Parents stand before their children; the root is the first. Empty for an empty text.
    nodes: Vec<Node>,
}

/// Why a text has no places.
#[derive(Debug)]
pub(super) enum Unlocated {
    /// It is no YAML; serde_yaml has better words for that.
    Syntax(Report),
    /// It is YAML that we do not take.
    Refused(Report),
}

#[derive(Debug)]
struct Node {
    range: Range<usize>,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// The text after unquoting and unfolding.
    Scalar(String),
    List(Vec<usize>),
    Map(Vec<Entry>),
    /// `*name`. What it stands for has its place elsewhere.
    Alias,
}

#[derive(Debug)]
struct Entry {
    name: String,
    key: Range<usize>,
    value: usize,
}

/// Finds the places of all parts of `source`.
pub(super) fn locate(source: &Arc<Source>) -> Result<Located, Unlocated> {
    let mut builder = Builder::new(source);
    for event in Parser::new_from_str(&source.text) {
        let (event, span) = event.map_err(|error| builder.failure(&error))?;
        let range = builder.cursor.offset(span.start)..builder.cursor.offset(span.end);
        builder.event(event, range).map_err(Unlocated::Refused)?;
    }
    Ok(Located { source: Arc::clone(source), nodes: builder.nodes })
}

impl Located {
    /// The text.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// The value at `path`: keys joined by `.`, places in lists as `[n]`, the root as the empty
    /// text. Where there is no such value, that of the nearest part around it.
    pub fn span(&self, path: &str) -> Span {
        self.to_span(match self.walk(path).last {
            Some(step) => self.nodes[step.node].range.clone(),
            None => 0..0,
        })
    }

    /// The key that `path` ends with; for an element of a list, the element.
    pub fn key(&self, path: &str) -> Span {
        let walk = self.walk(path);
        match walk.last.and_then(|step| step.key) {
            Some(key) => self.to_span(key),
            None => self.span(path),
        }
    }

    /// The stretch `part` of the text at `path`, where it stands in the file just so: not behind an
    /// escape or a line break.
    pub fn inside(&self, path: &str, part: Range<usize>) -> Option<Span> {
        let walk = self.walk(path);
        let node = &self.nodes[walk.last.filter(|_| walk.rest.is_empty())?.node];
        let Content::Scalar(value) = &node.content else { return None };
        let raw = self.source.text.get(node.range.clone())?;
        let quote = usize::from(raw.starts_with(['\'', '"']) && !value.starts_with(raw));
        let same = raw.get(quote..)?.get(..part.end)? == value.get(..part.end)?;
        let start = node.range.start + quote;
        same.then(|| self.to_span(start + part.start..start + part.end))
    }

    /// Splits `path: message`, as serde_yaml writes it, where the path leads somewhere.
    pub(super) fn split_path<'m>(&self, message: &'m str) -> (&'m str, &'m str) {
        let walk = self.walk(message);
        match walk.rest.strip_prefix(": ") {
            Some(rest) => (&message[..message.len() - walk.rest.len()], rest),
            None => ("", message),
        }
    }

    /// Whether the text holds nothing.
    pub(super) fn is_empty(&self) -> bool {
        match self.nodes.first() {
            Some(Node { content: Content::Scalar(text), range }) => {
                text.is_empty() && range.is_empty()
            }
            Some(_) => false,
            None => true,
        }
    }

    /// Follows `path` as far as it leads.
    fn walk<'p>(&self, path: &'p str) -> Walk<'p> {
        let mut last = (!self.nodes.is_empty()).then_some(Step { node: 0, key: None });
        let mut rest = path;
        while let Some(step) = &last {
            let Some((next, after)) = self.step(step.node, rest) else { break };
            last = Some(next);
            rest = after;
        }
        Walk { last, rest }
    }

    /// One step down, and what is left of the path. Keys may hold dots: the longest one counts.
    fn step<'p>(&self, node: usize, path: &'p str) -> Option<(Step, &'p str)> {
        match &self.nodes[node].content {
            Content::List(items) => {
                let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
                let node = *items.get(index.parse::<usize>().ok()?)?;
                Some((Step { node, key: None }, rest))
            }
            Content::Map(entries) => {
                let path = path.strip_prefix('.').unwrap_or(path);
                let (entry, rest) = entries
                    .iter()
                    .filter_map(|entry| Some((entry, path.strip_prefix(entry.name.as_str())?)))
                    .filter(|(_, rest)| rest.is_empty() || rest.starts_with(['.', '[', ':']))
                    .min_by_key(|(_, rest)| rest.len())?;
                Some((Step { node: entry.value, key: Some(entry.key.clone()) }, rest))
            }
            Content::Scalar(_) | Content::Alias => None,
        }
    }

    fn to_span(&self, range: Range<usize>) -> Span {
        Span::new(&self.source, range.start, range.end)
    }
}

struct Walk<'p> {
    last: Option<Step>,
    rest: &'p str,
}

struct Step {
    node: usize,
    key: Option<Range<usize>>,
}

/// Makes the tree out of events.
struct Builder<'a> {
    source: &'a Arc<Source>,
    cursor: Cursor<'a>,
    nodes: Vec<Node>,
    /// The collections not yet closed, outermost first; `len <= limits::YAML_DEPTH`.
    open: Vec<Open>,
    documents: usize,
}

struct Open {
    node: usize,
    /// The key whose value comes next.
    key: Option<(String, Range<usize>)>,
}

impl<'a> Builder<'a> {
    fn new(source: &'a Arc<Source>) -> Self {
        let cursor = Cursor { text: &source.text, chars: 0, bytes: 0 };
        Self { source, cursor, nodes: Vec::new(), open: Vec::new(), documents: 0 }
    }

    fn event(&mut self, event: Event<'_>, range: Range<usize>) -> Result<(), Report> {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(self.error(range, "a second document begins here").help(
                        "a file holds one document: put each in a file of its own, without `---`",
                    ));
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let range = self.trim(range, style);
                self.refuse_tag(&range, tag.as_deref())?;
                self.refuse_bare_anchor(&range, anchor, &text)?;
                if !self.take_key(&text, &range)? {
                    self.add(range, Content::Scalar(text.into_owned()))?;
                }
            }
            Event::SequenceStart(_, tag) => {
                self.refuse_tag(&range, tag.as_deref())?;
                self.open(range, Content::List(Vec::new()))?;
            }
            Event::MappingStart(_, tag) => {
                self.refuse_tag(&range, tag.as_deref())?;
                self.open(range, Content::Map(Vec::new()))?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(&range),
            Event::Alias(_) => {
                self.add(range, Content::Alias)?;
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn open(&mut self, range: Range<usize>, content: Content) -> Result<(), Report> {
        if self.open.len() >= limits::YAML_DEPTH {
            return Err(self.too_deep(range));
        }
        let node = self.add(range, content)?;
        self.open.push(Open { node, key: None });
        Ok(())
    }

    /// A flow collection ends with its bracket, a block collection with its last part.
    fn close(&mut self, range: &Range<usize>) {
        let Some(open) = self.open.pop() else { return };
        let last = match &self.nodes[open.node].content {
            Content::List(items) => items.last().copied(),
            Content::Map(entries) => entries.last().map(|entry| entry.value),
            Content::Scalar(_) | Content::Alias => None,
        };
        let end = match last {
            Some(last) if range.is_empty() => self.nodes[last].range.end,
            _ => range.end,
        };
        let node = &mut self.nodes[open.node];
        node.range.end = end.max(node.range.start);
    }

    /// Takes a scalar as a key where a mapping waits for one.
    fn take_key(&mut self, text: &str, range: &Range<usize>) -> Result<bool, Report> {
        let Some(open) = self.open.last_mut().filter(|open| open.key.is_none()) else {
            return Ok(false);
        };
        let Content::Map(entries) = &self.nodes[open.node].content else { return Ok(false) };
        if let Some(first) = entries.iter().find(|entry| entry.name == text) {
            let first = Span::new(self.source, first.key.start, first.key.end);
            let message = format!("the key `{text}` stands twice");
            return Err(self.error(range.clone(), message).related(first, "first here"));
        }
        open.key = Some((text.to_owned(), range.clone()));
        Ok(true)
    }

    /// Adds a node to the collection that is open.
    fn add(&mut self, range: Range<usize>, content: Content) -> Result<usize, Report> {
        let node = self.nodes.len();
        if let Some(open) = self.open.last_mut() {
            match &mut self.nodes[open.node].content {
                Content::List(items) => items.push(node),
                Content::Map(entries) => match open.key.take() {
                    Some((name, key)) => entries.push(Entry { name, key, value: node }),
                    None => return Err(self.error(range, "a key must be plain text")),
                },
                Content::Scalar(_) | Content::Alias => {}
            }
        }
        self.nodes.push(Node { range, content });
        Ok(node)
    }

    /// `!X` without quotes would lose its text silently.
    fn refuse_tag(&self, range: &Range<usize>, tag: Option<&Tag>) -> Result<(), Report> {
        let Some(tag) = tag else { return Ok(()) };
        let name = format!("{}{}", tag.handle, tag.suffix);
        let message = format!("`{name}` without quotes is a YAML tag, not text");
        Err(self.error(self.line_from(range), message).help("put the whole text in quotes"))
    }

    /// `&X` without quotes, too: an anchor with nothing behind it.
    fn refuse_bare_anchor(
        &self,
        range: &Range<usize>,
        anchor: usize,
        text: &str,
    ) -> Result<(), Report> {
        if anchor == 0 || !text.is_empty() {
            return Ok(());
        }
        let message = "`&` without quotes is a YAML anchor, not text";
        Err(self.error(self.line_from(range), message).help("put the whole text in quotes"))
    }

    /// The range without the blanks and line ends after it.
    fn trim(&self, range: Range<usize>, style: ScalarStyle) -> Range<usize> {
        let quoted = matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted);
        let text = self.source.text.get(range.clone()).unwrap_or("");
        if quoted { range } else { range.start..range.start + text.trim_end().len() }
    }

    /// At least one byte, so that an empty scalar is seen.
    fn line_from(&self, range: &Range<usize>) -> Range<usize> {
        range.start..range.end.max(range.start + 1)
    }

    fn failure(&mut self, error: &ScanError) -> Unlocated {
        let at = self.cursor.offset(*error.marker());
        // The scanner looks ahead and may come to its own bound on flow lists before we do.
        if error.info().contains("recursion limit") {
            return Unlocated::Refused(self.too_deep(at..at + 1));
        }
        Unlocated::Syntax(self.error(at..at + 1, error.info()))
    }

    fn too_deep(&self, range: Range<usize>) -> Report {
        self.error(range, format!("nested deeper than {} levels", limits::YAML_DEPTH))
    }

    fn error(&self, range: Range<usize>, message: impl Into<String>) -> Report {
        Report::error(Some(Span::new(self.source, range.start, range.end)), message)
    }
}

/// Turns character counts into byte offsets, walking from the last one asked for.
struct Cursor<'a> {
    text: &'a str,
    chars: usize,
    bytes: usize,
}

impl Cursor<'_> {
    fn offset(&mut self, mark: Marker) -> usize {
        let (before, after) = self.text.split_at(self.bytes);
        let wanted = mark.index();
        if wanted >= self.chars {
            let walked = after.chars().take(wanted - self.chars);
            self.bytes += walked.map(char::len_utf8).sum::<usize>();
        } else {
            let walked = before.chars().rev().take(self.chars - wanted);
            self.bytes -= walked.map(char::len_utf8).sum::<usize>();
        }
        self.chars = wanted;
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test should stop there")]

    use super::*;

    const TEXT: &str = r#"# a comment
id: é 'x'   # another
list:
  - plain
  - "two \"quoted\""
  - {k: v, 'q': [1, 2,
      3]}
  - >-
    folded
    text

  - |
    literal
    lines
  - 'it''s'
  - several
    lines
"a.b": {c: 1}
a: {b: {c: 2}}
"#;

    fn located(text: &str) -> Located {
        match locate(&Source::new("t.yaml", text)) {
            Ok(located) => located,
            Err(error) => panic!("{error:?}"),
        }
    }

    fn text(span: &Span) -> &str {
        &span.source.text[span.start..span.end]
    }

    #[test]
    fn values_of_every_style_are_found() {
        let located = located(TEXT);
        let value = |path: &str| text(&located.span(path)).to_owned();
        assert_eq!(value("id"), "é 'x'");
        assert_eq!(value("list[0]"), "plain");
        assert_eq!(value("list[1]"), r#""two \"quoted\"""#);
        assert_eq!(value("list[2].k"), "v");
        assert_eq!(value("list[2].q[2]"), "3");
        assert_eq!(
            value("list[2].q"),
            "[1, 2,
      3]"
        );
        assert_eq!(
            value("list[3]"),
            "folded
    text"
        );
        assert_eq!(
            value("list[4]"),
            "literal
    lines"
        );
        assert_eq!(
            value("list[6]"),
            "several
    lines"
        );
    }

    #[test]
    fn keys_are_found_and_may_hold_dots() {
        let located = located(TEXT);
        assert_eq!(text(&located.key("list[2].q")), "'q'");
        assert_eq!(text(&located.key("a.b.c")), "c");
        assert_eq!(text(&located.span("a.b.c")), "1", "the longest key counts");
    }

    #[test]
    fn what_is_not_there_is_shown_by_what_is_around_it() {
        let located = located(TEXT);
        assert_eq!(text(&located.span("list[0].rx")), "plain");
        assert_eq!(located.span("list[99]"), located.span("list"));
        assert_eq!(located.span("nothing").start, TEXT.find("id:").unwrap());
    }

    #[test]
    fn a_part_of_a_scalar_is_found_where_the_text_stands_just_so() {
        let located = located(TEXT);
        let part = |path: &str, part: Range<usize>| {
            located.inside(path, part).map(|span| text(&span).to_owned())
        };
        assert_eq!(part("list[0]", 1..3).as_deref(), Some("la"));
        assert_eq!(part("list[1]", 0..3).as_deref(), Some("two"), "before the escape");
        assert_eq!(part("list[1]", 5..7), None, "behind it");
        assert_eq!(part("list[5]", 3..4), None);
        assert_eq!(part("list[3]", 0..6).as_deref(), Some("folded"));
        assert_eq!(part("list[3]", 7..9), None);
        assert_eq!(part("list[0]", 3..9), None, "outside");
    }

    #[test]
    fn a_path_before_a_message_is_split_off() {
        let located = located(TEXT);
        assert_eq!(located.split_path("list[2].q: no: thing"), ("list[2].q", "no: thing"));
        assert_eq!(located.split_path("unknown field `x`"), ("", "unknown field `x`"));
    }

    #[test]
    fn text_that_would_be_lost_is_refused() {
        for text in ["targets: [!ARGS]", "targets: [&ARGS]", "targets:\n  - &ARGS\n"] {
            let error = locate(&Source::new("t.yaml", text)).unwrap_err();
            let Unlocated::Refused(report) = error else { panic!("{error:?}") };
            assert!(report.message.contains("without quotes"), "{report}");
        }
    }
}
