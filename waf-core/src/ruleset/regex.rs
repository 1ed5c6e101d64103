//! [`Regex`]: one that is searched for by itself.

use std::sync::Arc;

use regex_automata::meta::{self, Cache};
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{Input, Match, PatternID};
use regex_syntax::hir::{Dot, Hir, HirKind, Look};

use super::captures::{Captures, Groups};
use super::memories::{Memories, Memory};
use crate::limits::REGEX_MEMORY;

/// A regex with what its searches have learnt.
pub(crate) struct Regex {
    engine: meta::Regex,
    /// It matches every value as a whole, and has no groups.
    is_whole: bool,
    memory: Memory<Cache>,
}

impl Regex {
    /// `None` where the regex is too large.
    pub(crate) fn new(pattern: &Hir, memories: &Arc<Memories>) -> Option<Self> {
        // One-pass automata find groups, which are rarely read, and take up to a megabyte each.
        let config = meta::Config::new().utf8_empty(false).onepass(false);
        let config = config.hybrid_cache_capacity(REGEX_MEMORY);
        let engine = meta::Builder::new().configure(config).build_from_hir(pattern).ok()?;
        Some(Self { engine, is_whole: is_whole(pattern), memory: Memory::new(memories) })
    }

    /// The leftmost match.
    pub(crate) fn find(&self, input: &Input<'_>) -> Option<Match> {
        if self.is_whole && input.get_range() == (0..input.haystack().len()) {
            return Some(Match::new(PatternID::ZERO, input.get_span()));
        }
        self.search(|cache| self.engine.search_with(cache, input))
    }

    /// Whether there is a match.
    pub(crate) fn is_match(&self, value: &[u8]) -> bool {
        let input = &Input::new(value).earliest(true);
        self.search(|cache| self.engine.search_half_with(cache, input)).is_some()
    }

    /// The leftmost match and its first groups: where each that took part stands.
    pub(crate) fn groups(&self, value: &[u8]) -> Option<Groups> {
        let input = &Input::new(value);
        // Asked for groups, the engine would look for them also where there are none.
        if self.engine.captures_len() == 1 {
            let whole = self.find(input)?.range();
            return Some(std::array::from_fn(|group| (group == 0).then(|| whole.clone())));
        }
        let mut slots = [None; 2 * Captures::COUNT];
        self.search(|cache| self.engine.search_slots_with(cache, input, &mut slots))?;
        let at = |slot: usize| slots[slot].map(NonMaxUsize::get);
        Some(std::array::from_fn(|group| Some(at(2 * group)?..at(2 * group + 1)?)))
    }

    fn search<T>(&self, search: impl FnOnce(&mut Cache) -> T) -> T {
        self.memory.search(|| self.engine.create_cache(), search)
    }
}

/// Whether it is `^.*$`, by which rules capture what they look at.
pub(super) fn is_whole(pattern: &Hir) -> bool {
    let HirKind::Concat(parts) = pattern.kind() else { return false };
    let [start, all, end] = parts.as_slice() else { return false };
    let HirKind::Repetition(repetition) = all.kind() else { return false };
    *start.kind() == HirKind::Look(Look::Start)
        && *end.kind() == HirKind::Look(Look::End)
        && (repetition.min, repetition.max) == (0, None)
        && *repetition.sub == Hir::dot(Dot::AnyByte)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::automaton::syntax;

    fn regexes(memories: &Arc<Memories>) -> Vec<Regex> {
        let words = ["union", "select", "insert", "script", "passwd", "alert"];
        let of =
            |word: &&str| syntax::parse(&format!(r"\b{word}[a-z]*\s+\w+[^x]{{2,9}}x")).unwrap();
        words.iter().map(|word| Regex::new(&of(word), memories).unwrap()).collect()
    }

    #[test]
    fn memory_stays_within_its_bound_and_answers_stay() {
        let value =
            b"unions a..x selected b--x inserts cc__x scripts dd..x passwd e++x alerts f!!x";
        let free = Arc::new(Memories::new(usize::MAX));
        let expected: Vec<_> =
            regexes(&free).iter().map(|regex| regex.find(&Input::new(value))).collect();
        assert!(expected.iter().all(Option::is_some), "{expected:?}");
        let each = free.bytes() / expected.len();

        let memories = Arc::new(Memories::new(each * 5 / 2));
        let bound = regexes(&memories);
        for _ in 0..3 {
            for (regex, expected) in bound.iter().zip(&expected) {
                assert_eq!(regex.find(&Input::new(value)), *expected);
                assert!(memories.bytes() <= each * 5 / 2, "{}", memories.bytes());
                assert!(memories.bytes() > 0);
            }
        }
    }

    /// The groups are those that the engine finds by a search for captures.
    #[test]
    fn groups_are_where_the_engine_finds_them() {
        let memories = Arc::new(Memories::new(usize::MAX));
        let nine = "(a)?(b)?(c)?(d)?(e)?(f)?(g)?(h)?(i)?(j)?(k)?";
        let patterns =
            ["^.*$", "^.*?$", "^.*", ".*$", "^(.*)$", "^.+$", "^[^a]*$", "(a)|(b)", "", "x", nine];
        for pattern in patterns {
            let hir = syntax::parse(pattern).unwrap();
            let regex = Regex::new(&hir, &memories).unwrap();
            for value in ["", "a", "b", "\n", "ab\ncd\r\n", "abcdefghijk", "\u{e9}"] {
                let mut expected = regex.engine.create_captures();
                regex.engine.captures(value.as_bytes(), &mut expected);
                let group = |group| expected.get_group(group).map(|span| span.range());
                let expected = expected.is_match().then(|| std::array::from_fn(group));
                assert_eq!(regex.groups(value.as_bytes()), expected, "{pattern} of {value:?}");
            }
        }
        let whole = |pattern: &str| is_whole(&syntax::parse(pattern).unwrap());
        assert!(whole("^.*$") && whole("(?i)^.*$") && whole("^.*?$"));
        assert!(!patterns[2..].iter().any(|pattern| whole(pattern)));
    }

    #[test]
    fn what_is_used_again_and_again_is_not_forgotten() {
        let free = Arc::new(Memories::new(usize::MAX));
        let value = b"unions a..x";
        regexes(&free).iter().for_each(|regex| _ = regex.is_match(value));
        let memories = Arc::new(Memories::new(free.bytes() / 2));
        let bound = regexes(&memories);
        bound.iter().for_each(|regex| _ = regex.is_match(value));
        for other in &bound[1..] {
            bound[0].is_match(value);
            other.is_match(value);
        }
        assert_eq!(bound[0].memory.kept().len(), 1);
        assert!(bound.iter().any(|regex| regex.memory.kept().is_empty()));
    }

    #[test]
    fn searches_at_the_same_time_give_back_what_they_took() {
        let memories = Arc::new(Memories::new(64 << 10));
        let bound = regexes(&memories);
        std::thread::scope(|scope| {
            for start in 0..4 {
                let bound = &bound;
                scope.spawn(move || {
                    for at in start..start + 600 {
                        let regex = &bound[at % bound.len()];
                        assert!(!regex.is_match(b"union select insert script passwd alert"));
                    }
                });
            }
        });
        let kept = bound.iter().flat_map(|regex| regex.memory.kept());
        assert_eq!(kept.sum::<usize>(), memories.bytes());
        assert!(memories.bytes() <= 64 << 10);
    }
}
