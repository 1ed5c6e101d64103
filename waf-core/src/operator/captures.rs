//! What the groups of a pattern matched: `TX.0` to `TX.9` of a rule with `capture`.

use std::ops::Range;
use std::sync::OnceLock;

use regex_automata::meta;

use crate::automaton::syntax;

/// Where the whole match and groups 1 to 9 stand in a value. Of what a group matched several times
/// it is the last; `None` for groups that took no part, and those there are not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Captures([Option<(u32, u32)>; Captures::COUNT]);

impl Captures {
    /// The match and nine groups, as SecLang has names for.
    pub const COUNT: usize = 10;

    /// The captures that `group` gives by number. Values have less than 4 GiB.
    pub(super) fn from_fn(group: impl Fn(usize) -> Option<Range<usize>>) -> Self {
        let narrow = |span: Range<usize>| {
            Some((u32::try_from(span.start).ok()?, u32::try_from(span.end).ok()?))
        };
        Self(std::array::from_fn(|number| group(number).and_then(narrow)))
    }

    /// The bytes of a group, 0 being the whole match.
    pub fn get(&self, group: usize) -> Option<Range<usize>> {
        let (start, end) = self.0.get(group).copied().flatten()?;
        Some(start as usize..end as usize)
    }
}

/// A pattern that tells its captures in a whole value, compiled when it first has to.
///
/// The automata tell that a pattern matches; few rules ask which part of the value did.
#[derive(Debug)]
pub struct Capturing {
    pattern: String,
    /// `None` inside for a text that is no regex: it has no match.
    regex: OnceLock<Option<meta::Regex>>,
}

impl Capturing {
    /// A pattern of [`syntax::parse`].
    pub fn new(pattern: impl Into<String>) -> Self {
        Self { pattern: pattern.into(), regex: OnceLock::new() }
    }

    /// Where the leftmost match in `value` and its groups are, as PCRE finds them.
    pub fn find(&self, value: &[u8]) -> Option<Captures> {
        let regex = self.regex.get_or_init(|| compile(&self.pattern)).as_ref()?;
        let mut found = regex.create_captures();
        regex.captures(value, &mut found);
        let is_match = found.is_match();
        is_match.then(|| Captures::from_fn(|group| Some(found.get_group(group)?.range())))
    }
}

fn compile(pattern: &str) -> Option<meta::Regex> {
    let hir = syntax::parse(pattern).ok()?;
    let config = meta::Config::new().utf8_empty(false);
    meta::Builder::new().configure(config).build_from_hir(&hir).ok()
}
