//! A question asked of one whole value: for the starts of matches, for captures, and for the values
//! that only SecLang rules make.

use std::sync::{Arc, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex_syntax::hir::Hir;

use super::regex::{Memories, Regex};
use super::{Probe, RuleSet};
use crate::automaton;
use crate::automaton::syntax::{self, SyntaxError};
use crate::operator::{detect_sqli, detect_xss};
use crate::rule::Operator;

/// The parts of a value that `TX:0` to `TX:9` become.
pub(crate) type Captures = [Option<Box<[u8]>>; 10];

/// What groups matched, as PCRE counts them: one that took no part before one that did is empty;
/// those after the last that did are not set (`pcre_exec`, which `ModSecurity` 2 copies from).
pub(crate) fn captured(group: impl Fn(usize) -> Option<Box<[u8]>>) -> Captures {
    let mut captures: Captures = std::array::from_fn(group);
    let known = captures.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    for capture in &mut captures[..known] {
        capture.get_or_insert_default();
    }
    captures
}

/// A pattern of the automata, as it is asked of one value by itself.
pub(crate) struct Pattern {
    operator: Operator,
    in_any_case: bool,
    memories: Arc<Memories>,
    regex: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// Not compiled yet: most patterns never match.
    pub(crate) fn new(operator: Operator, memories: &Arc<Memories>) -> Self {
        Self {
            operator,
            in_any_case: false,
            memories: Arc::clone(memories),
            regex: OnceLock::new(),
        }
    }

    /// It matches where it would in the value's lower case.
    pub(crate) fn in_any_case(self) -> Self {
        Self { in_any_case: true, ..self }
    }

    /// What it matches; nothing where the operator is no pattern.
    ///
    /// # Errors
    /// When its regex cannot be read.
    pub(crate) fn hir(&self) -> Result<Hir, SyntaxError> {
        let hir = match &self.operator {
            Operator::Rx(text) => syntax::parse(text)?,
            Operator::Contains(text) => syntax::contains(text.as_bytes()),
            Operator::BeginsWith(text) => syntax::begins_with(text.as_bytes()),
            Operator::EndsWith(text) => syntax::ends_with(text.as_bytes()),
            Operator::Streq(text) => syntax::equals(text.as_bytes()),
            _ => Hir::fail(),
        };
        Ok(if self.in_any_case { automaton::in_any_case(&hir) } else { hir })
    }

    /// The leftmost match in `value[from..]`, look-around seeing all of `value`.
    pub(crate) fn find(&self, value: &[u8], from: usize) -> Option<(usize, usize)> {
        let input = regex_automata::Input::new(value).range(from..);
        self.regex()?.find(&input).map(|found| (found.start(), found.end()))
    }

    fn is_match(&self, value: &[u8]) -> bool {
        self.regex().is_some_and(|regex| regex.is_match(value))
    }

    /// `None` also where the operator is no regex: ModSecurity's `@contains` and its like keep nothing.
    fn captures(&self, value: &[u8]) -> Option<Captures> {
        if !matches!(self.operator, Operator::Rx(_)) {
            return None;
        }
        let found = self.regex()?.captures(value);
        let group = |group| Some(value[found.get_group(group)?.range()].into());
        found.is_match().then(|| captured(group))
    }

    fn regex(&self) -> Option<&Regex> {
        // Read again: what is read is ten times as large as the text, too much to keep.
        let compile = || Regex::new(&self.hir().ok()?, &self.memories);
        self.regex.get_or_init(compile).as_ref()
    }
}

/// The phrases of one list, for the phrase that a value holds.
pub(crate) struct PhraseList {
    phrases: Vec<String>,
    finder: OnceLock<Option<AhoCorasick>>,
}

impl PhraseList {
    /// Not compiled yet.
    pub(crate) fn new(phrases: Vec<String>) -> Self {
        Self { phrases, finder: OnceLock::new() }
    }

    /// The phrase that ends first.
    pub(crate) fn find(&self, value: &[u8]) -> Option<(usize, usize)> {
        let compile = || {
            AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .kind(Some(AhoCorasickKind::ContiguousNFA))
                .build(&self.phrases)
                .ok()
        };
        let found = self.finder.get_or_init(compile).as_ref()?.find(value)?;
        Some((found.start(), found.end()))
    }
}

impl RuleSet {
    /// Whether the answer is yes.
    pub(crate) fn ask(&self, probe: Probe, value: &[u8]) -> bool {
        match probe {
            Probe::Pattern(id) => self.patterns[id.index()].is_match(value),
            Probe::Phrases(id) => self.lists[id.index()].find(value).is_some(),
            Probe::DetectSqli => detect_sqli(value).is_some(),
            Probe::DetectXss => detect_xss(value),
            Probe::Check(at) => {
                let check = &self.checks[usize::from(at)];
                let mut state = check.start();
                check.feed(&mut state, value).is_some() || check.finish(state)
            }
            Probe::Joint(_) => false,
        }
    }

    /// What `capture` keeps of a value for which the answer is yes; `None` where the operator
    /// captures nothing.
    pub(crate) fn captures(&self, probe: Probe, value: &[u8]) -> Option<Captures> {
        let only = |text: &[u8]| {
            let mut captures = Captures::default();
            captures[0] = Some(text.into());
            captures
        };
        match probe {
            Probe::Pattern(id) => self.patterns[id.index()].captures(value),
            Probe::Phrases(id) => {
                let (start, end) = self.lists[id.index()].find(value)?;
                Some(only(&value[start..end]))
            }
            Probe::DetectSqli => detect_sqli(value).map(|found| only(found.as_str().as_bytes())),
            // ModSecurity keeps the value that it calls an injection.
            Probe::DetectXss => Some(only(value)),
            Probe::Check(_) | Probe::Joint(_) => None,
        }
    }

    /// Where in the value the answer becomes yes, when a part of it is to blame.
    pub(crate) fn place(&self, probe: Probe, value: &[u8]) -> Option<(usize, usize)> {
        match probe {
            Probe::Pattern(id) => self.patterns[id.index()].find(value, 0),
            Probe::Phrases(id) => self.lists[id.index()].find(value),
            _ => None,
        }
    }
}
