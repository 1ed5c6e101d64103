//! A question asked of one whole value: for the starts of matches, for captures, and for the values
//! that only SecLang rules make.

use std::sync::{Arc, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex_syntax::hir::Hir;

use super::captures::{Captures, Groups};
use super::memories::Memories;
use super::regex::{Regex, is_whole};
use super::way::Way;
use super::{Probe, RuleSet};
use crate::automaton::syntax::{self, SyntaxError};
use crate::automaton::{Asked, Gate, PatternId, in_any_case};
use crate::operator::{detect_sqli, detect_xss};
use crate::rule::Operator;

/// A pattern of the automata, as it is asked of one value by itself.
pub(crate) struct Pattern {
    operator: Operator,
    in_any_case: bool,
    memories: Arc<Memories>,
    regex: OnceLock<Option<Regex>>,
    /// One for each of its ways, where it has several.
    ways: OnceLock<Option<Box<[Way]>>>,
}

impl Pattern {
    /// Not compiled yet: most patterns never match.
    pub(crate) fn new(operator: Operator, memories: &Arc<Memories>) -> Self {
        Self {
            operator,
            in_any_case: false,
            memories: Arc::clone(memories),
            regex: OnceLock::new(),
            ways: OnceLock::new(),
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
        Ok(if self.in_any_case { in_any_case(&hir) } else { hir })
    }

    /// Whether it matches every value as a whole, as `^.*$` does, by which rules capture what they
    /// look at.
    pub(crate) fn is_whole(&self) -> bool {
        self.hir().is_ok_and(|hir| is_whole(&hir))
    }

    /// The leftmost match in `value[from..]`, look-around seeing all of `value`.
    pub(crate) fn find(&self, value: &[u8], from: usize) -> Option<(usize, usize)> {
        let input = regex_automata::Input::new(value).range(from..);
        self.regex()?.find(&input).map(|found| (found.start(), found.end()))
    }

    /// Whether it matches somewhere.
    pub(crate) fn is_match(&self, value: &[u8]) -> bool {
        self.regex().is_some_and(|regex| regex.is_match(value))
    }

    /// Its ways, where they can be asked by themselves.
    fn ways(&self, gate: &Gate, id: PatternId) -> Option<&[Way]> {
        let compile = || {
            let ways = gate.patterns_of_ways(id, &self.hir().ok()?);
            ways.iter().map(|way| Way::new(way, &self.memories)).collect()
        };
        self.ways.get_or_init(compile).as_deref()
    }

    /// Where the groups of the leftmost match stand.
    fn groups(&self, value: &[u8]) -> Groups {
        self.regex().and_then(|regex| regex.groups(value)).unwrap_or_default()
    }

    /// Whether it keeps what it matches: ModSecurity's `@contains` and its like keep nothing.
    fn captures(&self) -> bool {
        matches!(self.operator, Operator::Rx(_)) && self.regex().is_some()
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
    /// The leftmost match of a pattern in a value that it may match only in the ways that are asked.
    ///
    /// A pattern of many ways has an automaton of very many states. Of those in which it may match a
    /// value there are few, and most often it does not: the whole pattern is only asked where it does.
    pub(crate) fn find(
        &self,
        id: PatternId,
        asked: &Asked,
        value: &[u8],
    ) -> Option<(usize, usize)> {
        match self.matches_in(id, asked, value) {
            Some(false) => None,
            _ => self.patterns[id.index()].find(value, 0),
        }
    }

    /// Whether such a pattern matches.
    pub(crate) fn matches(&self, id: PatternId, asked: &Asked, value: &[u8]) -> bool {
        let whole = || self.patterns[id.index()].is_match(value);
        self.matches_in(id, asked, value).unwrap_or_else(whole)
    }

    /// Whether a pattern matches in one of the ways that are asked; `None` where it must be asked as a
    /// whole.
    fn matches_in(&self, id: PatternId, asked: &Asked, value: &[u8]) -> Option<bool> {
        let ways = self.ways(id)?;
        for way in self.gate.ways_of(id, asked) {
            if ways.get(way)?.is_match(value)? {
                return Some(true);
            }
        }
        Some(false)
    }

    fn ways(&self, id: PatternId) -> Option<&[Way]> {
        let is_parted = self.gate.is_parted(id);
        is_parted.then(|| self.patterns[id.index()].ways(&self.gate, id)).flatten()
    }

    /// Does what the first requests would wait for: compiles the regexes that are asked by
    /// themselves, of patterns of many ways those of the ways. A tenth of a second for the Core Rule
    /// Set; for processes that will serve many requests. Tables are left to what really comes: filled
    /// beforehand they were full too early.
    pub fn warm(&self) {
        for id in self.gate.patterns().iter() {
            let pattern = &self.patterns[id.index()];
            if self.ways(id).is_none() {
                pattern.regex();
            }
        }
    }

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

    /// Keeps what `capture` does of a value for which the answer is yes. Whether there was anything:
    /// some operators capture nothing.
    pub(crate) fn capture(&self, probe: Probe, value: &[u8], captures: &mut Captures) -> bool {
        match probe {
            Probe::Pattern(id) if self.patterns[id.index()].captures() => {
                captures.keep(probe, value);
            }
            Probe::Phrases(_) => captures.keep(probe, value),
            Probe::DetectSqli => {
                let Some(fingerprint) = detect_sqli(value) else { return false };
                captures.keep_only(fingerprint.as_str().as_bytes());
            }
            // ModSecurity keeps the value that it calls an injection.
            Probe::DetectXss => captures.keep_only(value),
            Probe::Pattern(_) | Probe::Check(_) | Probe::Joint(_) => return false,
        }
        true
    }

    /// Where the groups of a match stand.
    pub(super) fn groups(&self, probe: Probe, value: &[u8]) -> Groups {
        match probe {
            Probe::Pattern(id) => self.patterns[id.index()].groups(value),
            _ => Groups::default(),
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
