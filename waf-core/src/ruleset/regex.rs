//! [`Regex`]: one that is searched for by itself.
//!
//! A search learns: it keeps a lazily built automaton of up to some megabytes, which makes the next
//! one fast. One of them for every regex and worker would be most of what a rule set takes. So all
//! regexes of a rule set have a bound together ([`Memories`]), and those that were not searched for
//! the longest forget first.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use regex_automata::hybrid::dfa::{self, DFA};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::prefilter::Prefilter;
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{Anchored, Input, MatchError, MatchKind, meta};
use regex_syntax::hir::{Dot, Hir, HirKind, Look};

use super::captures::{Captures, Groups};
use super::pattern_text::PatternText;
use crate::limits::{PATTERN_NFA_BYTES, REGEX_MEMORIES, REGEX_MEMORY, REGEX_MEMORY_PER_STATE};

/// A regex with what its searches have learnt.
///
/// The engine of `regex-automata` that does everything has memory for threads ready in every cache,
/// which for the built-in rules would be more than the automata learn. So it is a lazy automaton, and
/// the rest is made when it is first needed: another automaton for the start of a match, and threads
/// for groups and for what automata give up on.
pub(crate) struct Regex {
    text: Arc<PatternText>,
    /// Finds whether there is a match, and its end; `None`: too large for an automaton.
    forward: Option<DFA>,
    /// Finds the start of a match from its end.
    backward: OnceLock<Option<DFA>>,
    /// Follows all threads side by side.
    threads: OnceLock<Option<meta::Regex>>,
    has_groups: bool,
    /// It matches every value as a whole, and has no groups.
    is_whole: bool,
    shelf: Arc<Shelf>,
    memories: Arc<Memories>,
}

/// What the searches of a regex have learnt.
#[derive(Debug, Default)]
struct Learnt {
    forward: Option<dfa::Cache>,
    backward: Option<dfa::Cache>,
    threads: Option<meta::Cache>,
}

impl Learnt {
    fn bytes(&self) -> usize {
        let automata = [&self.forward, &self.backward].into_iter().flatten();
        let threads = self.threads.as_ref().map_or(0, meta::Cache::memory_usage);
        size_of::<Self>() + automata.map(dfa::Cache::memory_usage).sum::<usize>() + threads
    }
}

/// An automaton learnt more than it was worth.
struct GaveUp;

impl From<MatchError> for GaveUp {
    fn from(_: MatchError) -> Self {
        Self
    }
}

impl Regex {
    /// `None` where the pattern cannot be read.
    pub(crate) fn new(text: &Arc<PatternText>, memories: &Arc<Memories>) -> Option<Self> {
        let pattern = text.hir().ok()?;
        Some(Self {
            text: Arc::clone(text),
            forward: forward(&pattern),
            backward: OnceLock::new(),
            threads: OnceLock::new(),
            has_groups: pattern.properties().explicit_captures_len() > 0,
            is_whole: is_whole(&pattern),
            shelf: memories.shelf(),
            memories: Arc::clone(memories),
        })
    }

    /// The leftmost match in `value[from..]`, look-around seeing all of `value`.
    pub(crate) fn find(&self, value: &[u8], from: usize) -> Option<Range<usize>> {
        if self.is_whole && from == 0 {
            return Some(0..value.len());
        }
        self.search(|learnt| self.find_with(learnt, &Input::new(value).range(from..)))
    }

    /// Whether there is a match.
    pub(crate) fn is_match(&self, value: &[u8]) -> bool {
        let input = &Input::new(value).earliest(true);
        self.search(|learnt| match self.end(learnt, input) {
            Ok(end) => end.is_some(),
            Err(GaveUp) => self.follow_threads(learnt, input, &mut []).is_some(),
        })
    }

    /// The leftmost match and its first groups: where each that took part stands.
    pub(crate) fn groups(&self, value: &[u8]) -> Option<Groups> {
        // Asked for groups, the engine would look for them also where there are none.
        if !self.has_groups {
            let whole = self.find(value, 0)?;
            return Some(std::array::from_fn(|group| (group == 0).then(|| whole.clone())));
        }
        let mut slots = [None; 2 * Captures::COUNT];
        self.search(|learnt| {
            let whole = self.find_with(learnt, &Input::new(value))?;
            let input = &Input::new(value).range(whole).anchored(Anchored::Yes);
            self.follow_threads(learnt, input, &mut slots)
        })?;
        let at = |slot: usize| slots[slot].map(NonMaxUsize::get);
        Some(std::array::from_fn(|group| Some(at(2 * group)?..at(2 * group + 1)?)))
    }

    fn find_with(&self, learnt: &mut Learnt, input: &Input<'_>) -> Option<Range<usize>> {
        match self.end(learnt, input) {
            Ok(None) => return None,
            Ok(Some(end)) => {
                if let Ok(Some(start)) = self.start(learnt, input, end) {
                    return Some(start..end);
                }
            }
            Err(GaveUp) => {}
        }
        let mut slots = [None; 2];
        self.follow_threads(learnt, input, &mut slots)?;
        Some(slots[0]?.get()..slots[1]?.get())
    }

    /// Where the leftmost match ends.
    fn end(&self, learnt: &mut Learnt, input: &Input<'_>) -> Result<Option<usize>, GaveUp> {
        let automaton = self.forward.as_ref().ok_or(GaveUp)?;
        let cache = learnt.forward.get_or_insert_with(|| automaton.create_cache());
        Ok(automaton.try_search_fwd(cache, input)?.map(|end| end.offset()))
    }

    /// Where the leftmost match starts, whose end is known.
    fn start(
        &self,
        learnt: &mut Learnt,
        input: &Input<'_>,
        end: usize,
    ) -> Result<Option<usize>, GaveUp> {
        let is_bound = |automaton: &DFA| automaton.get_nfa().is_always_start_anchored();
        if end == input.start() || self.forward.as_ref().is_some_and(is_bound) {
            return Ok(Some(input.start()));
        }
        let made = self.backward.get_or_init(|| backward(&self.text.hir().ok()?));
        let automaton = made.as_ref().ok_or(GaveUp)?;
        let cache = learnt.backward.get_or_insert_with(|| automaton.create_cache());
        let input = input.clone().range(input.start()..end).anchored(Anchored::Yes);
        Ok(automaton.try_search_rev(cache, &input)?.map(|start| start.offset()))
    }

    /// Finds the leftmost match and the first of its slots.
    fn follow_threads(
        &self,
        learnt: &mut Learnt,
        input: &Input<'_>,
        slots: &mut [Option<NonMaxUsize>],
    ) -> Option<()> {
        let engine = self.threads.get_or_init(|| threads(&self.text.hir().ok()?)).as_ref()?;
        let cache = learnt.threads.get_or_insert_with(|| engine.create_cache());
        engine.search_slots_with(cache, input, slots).map(|_| ())
    }

    fn search<T>(&self, search: impl FnOnce(&mut Learnt) -> T) -> T {
        let mut learnt = self.memories.take(&self.shelf).unwrap_or_default();
        let answer = search(&mut learnt);
        self.memories.put(&self.shelf, learnt);
        answer
    }
}

/// As the engine that does everything has it, and gives up when it does.
fn automaton() -> dfa::Config {
    let config = dfa::Config::new().cache_capacity(REGEX_MEMORY);
    config.minimum_cache_clear_count(Some(3)).minimum_bytes_per_state(Some(10))
}

fn nfa() -> thompson::Config {
    thompson::Config::new().utf8(false).which_captures(WhichCaptures::None)
}

fn forward(pattern: &Hir) -> Option<DFA> {
    let nfa = thompson::Compiler::new().configure(nfa()).build_from_hir(pattern).ok()?;
    let prefilter = match nfa.is_always_start_anchored() {
        true => None,
        false => Prefilter::from_hir_prefix(MatchKind::LeftmostFirst, pattern),
    };
    let config = automaton().specialize_start_states(prefilter.is_some()).prefilter(prefilter);
    dfa::Builder::new().configure(config).build_from_nfa(nfa).ok()
}

fn backward(pattern: &Hir) -> Option<DFA> {
    let config = nfa().reverse(true).nfa_size_limit(Some(PATTERN_NFA_BYTES));
    let nfa = thompson::Compiler::new().configure(config).build_from_hir(pattern).ok()?;
    let config = automaton().match_kind(MatchKind::All);
    dfa::Builder::new().configure(config).build_from_nfa(nfa).ok()
}

fn threads(pattern: &Hir) -> Option<meta::Regex> {
    // One-pass automata find groups, which are rarely read, and take up to a megabyte each.
    let config = meta::Config::new().utf8_empty(false).onepass(false).hybrid(false).dfa(false);
    meta::Builder::new().configure(config).build_from_hir(pattern).ok()
}

/// What the searches of some regexes have learnt, bounded together. What a search is working with is
/// not counted: there is one for each worker.
#[derive(Debug)]
pub(crate) struct Memories {
    most: AtomicUsize,
    bytes: AtomicUsize,
    /// In the order in which they are asked to forget.
    shelves: Mutex<VecDeque<Arc<Shelf>>>,
}

/// What is kept for one regex: as much as there were searches at the same time.
#[derive(Debug, Default)]
struct Shelf {
    caches: Mutex<Vec<(Box<Learnt>, usize)>>,
    /// There was a search since it was last asked to forget.
    used: AtomicBool,
}

impl Default for Memories {
    fn default() -> Self {
        Self::new(*REGEX_MEMORIES.start())
    }
}

impl Memories {
    /// Memories of at most so many bytes.
    fn new(most: usize) -> Self {
        let most = AtomicUsize::new(most);
        Self { most, bytes: AtomicUsize::new(0), shelves: Mutex::default() }
    }

    /// Keeps as much as regexes of so many states together may learn.
    pub(crate) fn fit(&self, states: usize) {
        let (least, most) = (*REGEX_MEMORIES.start(), *REGEX_MEMORIES.end());
        let fitting = states.saturating_mul(REGEX_MEMORY_PER_STATE).clamp(least, most);
        self.most.store(fitting, Ordering::Relaxed);
    }

    fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }

    /// Bytes that are kept.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    fn shelf(&self) -> Arc<Shelf> {
        let shelf = Arc::<Shelf>::default();
        lock(&self.shelves).push_back(Arc::clone(&shelf));
        shelf
    }

    fn take(&self, shelf: &Shelf) -> Option<Box<Learnt>> {
        let (cache, bytes) = lock(&shelf.caches).pop()?;
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        Some(cache)
    }

    fn put(&self, shelf: &Shelf, cache: Box<Learnt>) {
        let bytes = cache.bytes();
        shelf.used.store(true, Ordering::Relaxed);
        // Counted before it can be taken, so that the sum never falls below zero.
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        lock(&shelf.caches).push((cache, bytes));
        if before + bytes > self.most() {
            self.make_room();
        }
    }

    /// Empties shelves until the rest fits, each the second time that it is found unused.
    fn make_room(&self) {
        // Whoever has the lock makes room for all.
        let Ok(mut shelves) = self.shelves.try_lock() else { return };
        for _ in 0..2 * shelves.len() {
            if self.bytes() <= self.most() {
                return;
            }
            let Some(shelf) = shelves.pop_front() else { return };
            if !shelf.used.swap(false, Ordering::Relaxed) {
                let forgotten = std::mem::take(&mut *lock(&shelf.caches));
                let bytes = forgotten.iter().map(|(_, bytes)| bytes).sum();
                self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            }
            shelves.push_back(shelf);
        }
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::automaton::syntax;
    use crate::rule::Operator;

    fn regex(pattern: &str, memories: &Arc<Memories>) -> Regex {
        let text = PatternText::new(Operator::Rx(pattern.to_owned()), false);
        Regex::new(&Arc::new(text), memories).unwrap()
    }

    fn regexes(memories: &Arc<Memories>) -> Vec<Regex> {
        let words = ["union", "select", "insert", "script", "passwd", "alert"];
        let of = |word: &&str| regex(&format!(r"\b{word}[a-z]*\s+\w+[^x]{{2,9}}x"), memories);
        words.iter().map(of).collect()
    }

    #[test]
    fn memory_stays_within_its_bound_and_answers_stay() {
        let value =
            b"unions a..x selected b--x inserts cc__x scripts dd..x passwd e++x alerts f!!x";
        let free = Arc::new(Memories::new(usize::MAX));
        let expected: Vec<_> = regexes(&free).iter().map(|regex| regex.find(value, 0)).collect();
        assert!(expected.iter().all(Option::is_some), "{expected:?}");
        let each = free.bytes() / expected.len();

        let memories = Arc::new(Memories::new(each * 5 / 2));
        let bound = regexes(&memories);
        for _ in 0..3 {
            for (regex, expected) in bound.iter().zip(&expected) {
                assert_eq!(regex.find(value, 0), *expected);
                assert!(memories.bytes() <= each * 5 / 2, "{}", memories.bytes());
                assert!(memories.bytes() > 0);
            }
        }
    }

    /// The engine that does everything.
    fn engine(pattern: &str) -> meta::Regex {
        let config = meta::Config::new().utf8_empty(false);
        let pattern = syntax::parse(pattern).unwrap();
        meta::Builder::new().configure(config).build_from_hir(&pattern).unwrap()
    }

    /// Also where automata give up, and from any place on.
    #[test]
    fn matches_are_where_the_engine_that_does_everything_finds_them() {
        let patterns = [
            "ab+",
            "^ab",
            "b$",
            "^a?b$",
            r"\bunion\b",
            r"(?i)un(?:ion)?\s",
            "a|ab",
            "a*",
            "",
            "$",
            r"\x00[\x80-\xff]",
            "[ab]{2,3}?",
            "x|(y)z",
            r"\B",
            "^",
            "(?:a|b)*c",
        ];
        let values: [&[u8]; 9] = [
            b"",
            b"ab",
            b"abb union  ab",
            b"xUN ION union",
            b"\x00\xff b",
            b"yz",
            b"aabbc c",
            b"ab\nab",
            b"\xc3\xa9union",
        ];
        let memories = Arc::new(Memories::new(usize::MAX));
        for pattern in patterns {
            let (lazy, engine) = (regex(pattern, &memories), engine(pattern));
            let threads = Regex { forward: None, ..regex(pattern, &memories) };
            let start_lost = Regex { backward: OnceLock::from(None), ..regex(pattern, &memories) };
            for value in values {
                for regex in [&lazy, &threads, &start_lost] {
                    for from in 0..=value.len() {
                        let expected = engine.search(&Input::new(value).range(from..));
                        let expected = expected.map(|found| found.range());
                        assert_eq!(regex.find(value, from), expected, "{pattern} {value:?} {from}");
                    }
                    assert_eq!(
                        regex.is_match(value),
                        engine.is_match(value),
                        "{pattern} {value:?}"
                    );
                }
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
            let regex = regex(pattern, &memories);
            let engine = engine(pattern);
            for value in ["", "a", "b", "\n", "ab\ncd\r\n", "abcdefghijk", "\u{e9}"] {
                let mut expected = engine.create_captures();
                engine.captures(value.as_bytes(), &mut expected);
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
        assert_eq!(lock(&bound[0].shelf.caches).len(), 1);
        assert!(bound.iter().any(|regex| lock(&regex.shelf.caches).is_empty()));
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
        let kept = bound
            .iter()
            .map(|regex| lock(&regex.shelf.caches).iter().map(|(_, bytes)| bytes).sum::<usize>());
        assert_eq!(kept.sum::<usize>(), memories.bytes());
        assert!(memories.bytes() <= 64 << 10);
    }
}
