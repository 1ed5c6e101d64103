//! Where each part of a YAML text stands. serde_yaml does not tell places inside lists, so the text
//! is read a second time, as events with marks, into a tree that answers paths such as
//! `match.all[1].rx`.

use std::ops::Range;
use std::sync::Arc;

use super::tree::{Content, Node, Unlocated, tree};
use crate::source::{Source, Span};

/// The places of one YAML text. Holds for a text of one document without tags, in which no mapping
/// has a key twice.
#[derive(Debug)]
pub struct Located {
    source: Arc<Source>,
    /// Parents stand before their children; the root is the first. Empty for an empty text.
    nodes: Vec<Node>,
}

/// Finds the places of all parts of `source`.
pub(super) fn locate(source: &Arc<Source>) -> Result<Located, Unlocated> {
    Ok(Located { source: Arc::clone(source), nodes: tree(source)? })
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
