//! A YAML text as a tree of places, made from the events of a parser that gives marks.

use std::ops::Range;
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Tag};

use crate::limits;
use crate::source::{Report, Source, Span};

/// A part of the text, known by its place in the list of all.
#[derive(Debug)]
pub(super) struct Node {
    /// Where it stands, quotes and brackets included.
    pub(super) range: Range<usize>,
    /// What it holds.
    pub(super) content: Content,
}

/// What a part of the text holds.
#[derive(Debug)]
pub(super) enum Content {
    /// The text after unquoting and unfolding.
    Scalar(String),
    /// The places of its elements in the list of all nodes.
    List(Vec<usize>),
    /// Its keys, each once.
    Map(Vec<Entry>),
    /// `*name`. What it stands for has its place elsewhere.
    Alias,
}

/// A key and its value.
#[derive(Debug)]
pub(super) struct Entry {
    /// The key after unquoting.
    pub(super) name: String,
    /// Where the key stands.
    pub(super) key: Range<usize>,
    /// The value's place in the list of all nodes.
    pub(super) value: usize,
}

/// Why a text has no tree.
#[derive(Debug)]
pub(super) enum Unlocated {
    /// It is no YAML; serde_yaml has better words for that.
    Syntax(Report),
    /// It is YAML that we do not take.
    Refused(Report),
}

/// The parts of `source`, parents before their children; none for an empty text.
pub(super) fn tree(source: &Arc<Source>) -> Result<Vec<Node>, Unlocated> {
    let mut builder = Builder::new(source);
    for event in Parser::new_from_str(&source.text) {
        let (event, span) = event.map_err(|error| builder.failure(&error))?;
        let range = builder.cursor.offset(span.start)..builder.cursor.offset(span.end);
        builder.event(event, range).map_err(Unlocated::Refused)?;
    }
    Ok(builder.nodes)
}

/// Makes the nodes out of events.
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
