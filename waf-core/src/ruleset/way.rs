//! [`Way`]: a regex of which is only asked whether it matches.

use std::sync::Arc;

use regex_automata::hybrid::dfa::{self, DFA};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::prefilter::Prefilter;
use regex_automata::{Input, MatchKind};
use regex_syntax::hir::Hir;

use super::memories::{Memories, Memory};
use crate::limits::{PATTERN_NFA_BYTES, REGEX_MEMORY};

/// One way in which a pattern matches: an automaton that goes forward only, half as large as one that
/// also tells where.
#[derive(Debug)]
pub(super) struct Way {
    engine: DFA,
    memory: Memory<dfa::Cache>,
}

/// How often what was learnt may have been thrown away before a search is given up in which states are
/// of less use than so many bytes each: as `meta` has it.
const CLEARED: usize = 3;
const BYTES_PER_STATE: usize = 10;

impl Way {
    /// `None` where it is too large.
    pub(super) fn new(pattern: &Hir, memories: &Arc<Memories>) -> Option<Self> {
        let config = thompson::Config::new().utf8(false).which_captures(WhichCaptures::None);
        let config = config.nfa_size_limit(Some(PATTERN_NFA_BYTES));
        let nfa = thompson::Compiler::new().configure(config).build_from_hir(pattern).ok()?;
        let prefilter = Prefilter::from_hir_prefix(MatchKind::LeftmostFirst, pattern);
        let config =
            dfa::Config::new().cache_capacity(REGEX_MEMORY).skip_cache_capacity_check(true);
        let config = config.prefilter(prefilter.filter(Prefilter::is_fast));
        // Where it gives up, the whole pattern is asked, whose engine has a slower search that is bounded.
        let config = config.minimum_cache_clear_count(Some(CLEARED));
        let config = config.minimum_bytes_per_state(Some(BYTES_PER_STATE));
        let engine = dfa::Builder::new().configure(config).build_from_nfa(nfa).ok()?;
        Some(Self { engine, memory: Memory::new(memories) })
    }

    /// Whether there is a match; `None` where this cannot tell.
    pub(super) fn is_match(&self, value: &[u8]) -> Option<bool> {
        let input = &Input::new(value).earliest(true);
        let search = |cache: &mut dfa::Cache| self.engine.try_search_fwd(cache, input);
        let found = self.memory.search(|| self.engine.create_cache(), search);
        found.ok().map(|found| found.is_some())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::automaton::syntax;
    use crate::random::Random;
    use crate::ruleset::regex::Regex;

    /// It answers as the regex does that also tells where, with as little memory as there may be.
    #[test]
    fn the_answers_are_those_of_the_regex() {
        let patterns = [
            r"^[^'b]{0,8}['](?:or|a)b",
            r"(?i)union\s+select\b",
            r"\bor\b.{2,9}=$",
            "a|b'|$",
            r"[^a-z]'[\s=]+",
        ];
        let memories = Arc::new(Memories::new(1 << 10));
        let of = |pattern: &&str| {
            let hir = syntax::parse(pattern).unwrap();
            (Way::new(&hir, &memories).unwrap(), Regex::new(&hir, &memories).unwrap())
        };
        let pairs: Vec<_> = patterns.iter().map(of).collect();
        let (mut random, mut matched) = (Random::new(2), 0);
        let words = [&b"union"[..], b" ", b"SELECT", b"'", b"or", b"a", b"b", b"=", b"\xe9", b"x1"];
        for _ in 0..5_000 {
            let value: Vec<u8> = (0..random.below(9))
                .flat_map(|_| words[random.below(words.len())])
                .copied()
                .collect();
            for (way, regex) in &pairs {
                let matches = regex.is_match(&value);
                assert_eq!(way.is_match(&value), Some(matches), "{value:?}");
                matched += usize::from(matches);
            }
        }
        assert!((2_000..20_000).contains(&matched), "{matched}");
    }
}
