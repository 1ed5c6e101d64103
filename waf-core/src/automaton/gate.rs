//! Which patterns can match a whole value at all? Most lack a byte that they need (`needs.rs`). Most
//! of the rest need some literal text: where none of it occurs, the pattern does not match and need
//! not be run. One pass over the value answers that for all of them, and for the lists of phrases
//! (`sieve.rs`).
//!
//! ```text
//! union\s+(?:all\s+)?select\b   needs "union"          (and "select": the longest is asked for)
//! (?:cat|type)\s+/etc           needs "/etc"
//! [;|&]\s*\w+                   needs no text, but a byte of "[;|&]"
//! ```
//!
//! This is for values that are at hand as a whole. A stream may hold the beginning of a match long
//! before the literal, so there the automata run for all patterns.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::needs::{self, Needs};
use super::sieve::{Found, Sieve};
use super::{PatternId, PatternSet, may_match};
use crate::bytes::ByteSet;
use crate::limits::{GATE_LITERALS, GATE_MIN_BYTES};

/// Patterns that are looked at one by one rather than together.
const FEW: usize = 8;

/// What patterns need.
#[derive(Debug)]
pub struct Gate {
    /// Patterns that need no literal, and the bytes that they need, by their places here.
    open: Vec<PatternId>,
    all_open: PatternSet,
    needs: Needs,
    /// The literals of the others, and the phrases of lists.
    sieve: Sieve,
    /// For each pattern the bytes that it needs.
    bytes: Vec<Vec<ByteSet>>,
}

/// Patterns asked of a value, parted by how they are ruled out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Places among those that need no literal.
    open: PatternSet,
    gated: PatternSet,
}

impl Asked {
    /// Whether no pattern is asked.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty() && self.gated.is_empty()
    }

    /// Asks nothing any more, and keeps its memory.
    pub fn clear(&mut self) {
        self.open.clear();
        self.gated.clear();
    }

    /// Asks what `other` asks too.
    pub fn union_with(&mut self, other: &Self) {
        self.open.union_with(&other.open);
        self.gated.union_with(&other.gated);
    }
}

impl Gate {
    /// The gate of some patterns and of some lists of phrases; ids are places.
    pub fn new<P: AsRef<[u8]>>(patterns: &[Hir], lists: &[Vec<P>]) -> Self {
        let texts: Vec<Vec<Vec<u8>>> =
            patterns.iter().map(|hir| needed(hir).unwrap_or_default()).collect();
        let bytes: Vec<Vec<ByteSet>> = patterns.iter().map(needs::of_pattern).collect();
        let open = texts.iter().zip(patterns).enumerate();
        let open = open.filter(|(_, (texts, hir))| texts.is_empty() && may_match(hir));
        let open: Vec<PatternId> = open.filter_map(|(at, _)| PatternId::new(at)).collect();
        let of_open: Vec<_> = open.iter().map(|id| bytes[id.index()].clone()).collect();
        let sieve = Sieve::new(&texts, lists);
        let all_open = open.iter().copied().collect();
        Self { open, all_open, needs: Needs::new(&of_open), sieve, bytes }
    }

    /// Whether a pattern needs no literal: only bytes can rule it out.
    pub fn is_open(&self, pattern: PatternId) -> bool {
        self.all_open.contains(pattern)
    }

    /// The patterns that need no literal.
    pub fn open(&self) -> &PatternSet {
        &self.all_open
    }

    /// Some patterns, as they are asked.
    pub fn part(&self, patterns: &PatternSet) -> Asked {
        let places = self.open.iter().enumerate().filter(|(_, id)| patterns.contains(**id));
        let open = places.filter_map(|(place, _)| PatternId::new(place)).collect();
        let gated = patterns.iter().filter(|id| !self.is_open(*id)).collect();
        Asked { open, gated }
    }

    /// Whose literals occur in a value, added to `found`. Equal for values that differ in case only.
    pub fn sift(&self, value: &[u8], found: &mut Found) {
        self.sieve.sift(value, found);
    }

    /// Whether it depends on literals what of `asked` may match a value whose bytes are `present`.
    pub fn asks_literals(&self, present: ByteSet, asked: &Asked) -> bool {
        let gated = &asked.gated;
        !gated.is_empty()
            && (gated.len() > FEW || gated.iter().any(|id| self.has_bytes(id, present)))
    }

    /// Puts into `left` what of `asked` may match a whole value whose bytes are `present` and in
    /// which these literals occur.
    pub fn narrow(
        &self,
        (present, found): (ByteSet, &Found),
        asked: &Asked,
        left: &mut PatternSet,
        memory: &mut PatternSet,
    ) {
        left.clear();
        self.narrow_open(present, &asked.open, left, memory);
        memory.copy_from(&asked.gated);
        memory.intersect_with(&found.patterns);
        left.extend(memory.iter().filter(|id| self.has_bytes(*id, present)));
    }

    fn narrow_open(
        &self,
        present: ByteSet,
        asked: &PatternSet,
        left: &mut PatternSet,
        memory: &mut PatternSet,
    ) {
        if asked.len() <= FEW {
            let open = asked.iter().map(|place| self.open[place.index()]);
            return left.extend(open.filter(|id| self.has_bytes(*id, present)));
        }
        memory.copy_from(asked);
        self.needs.narrow(present, memory);
        left.extend(memory.iter().map(|place| self.open[place.index()]));
    }

    /// Whether a value of these bytes has all that a pattern needs.
    fn has_bytes(&self, pattern: PatternId, present: ByteSet) -> bool {
        self.bytes[pattern.index()].iter().all(|set| set.intersects(present))
    }

    /// Bytes of the tables.
    pub fn bytes(&self) -> usize {
        let sets: usize = self.bytes.iter().map(|sets| size_of_val(&sets[..])).sum();
        self.needs.bytes() + self.sieve.bytes() + sets
    }
}

/// Texts, ASCII lower case, of which every match holds at least one, in any case. The set with the
/// longest shortest text; `None` when there is none worth asking for.
fn needed(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    let texts = required(hir)?;
    texts.iter().all(|text| is_telling(text)).then(|| tidy(texts)).flatten()
}

/// Whether a text is rare enough to be worth asking for: a pair of letters occurs everywhere.
fn is_telling(text: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace();
    text.len() > GATE_MIN_BYTES || (text.len() == GATE_MIN_BYTES && !text.iter().any(is_plain))
}

fn required(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    if let Some(texts) = language(hir).filter(|texts| shortest(texts) > 0) {
        return Some(texts);
    }
    match hir.kind() {
        HirKind::Capture(capture) => required(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => required(&repetition.sub),
        HirKind::Concat(parts) => of_concat(parts),
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(required(part)?);
            }
            tidy(all)
        }
        _ => None,
    }
}

/// The best of: runs of parts that each match a few texts only, and what single parts need.
fn of_concat(parts: &[Hir]) -> Option<Vec<Vec<u8>>> {
    let mut candidates: Vec<Vec<Vec<u8>>> = Vec::new();
    let mut run: Vec<Vec<u8>> = vec![Vec::new()];
    for part in parts {
        let joined = language(part).and_then(|texts| product(&run, &texts));
        match joined {
            Some(longer) => run = longer,
            None => {
                candidates.push(std::mem::replace(&mut run, vec![Vec::new()]));
                candidates.extend(required(part));
                if let Some(texts) = language(part) {
                    run = texts;
                }
            }
        }
    }
    candidates.push(run);
    candidates
        .into_iter()
        .filter(|texts| shortest(texts) > 0)
        .max_by_key(|texts| (shortest(texts), std::cmp::Reverse(texts.len())))
}

/// Every text the expression matches, folded to lower case, when they are few. Look-around matches
/// the empty text: it only takes matches away.
fn language(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(vec![Vec::new()]),
        HirKind::Literal(literal) => Some(vec![literal.0.to_ascii_lowercase()]),
        HirKind::Class(Class::Bytes(class)) => {
            let bytes = class.ranges().iter().flat_map(|range| range.start()..=range.end());
            let mut texts: Vec<Vec<u8>> = Vec::new();
            for byte in bytes {
                let text = vec![byte.to_ascii_lowercase()];
                if !texts.contains(&text) {
                    texts.push(text);
                }
                if texts.len() > GATE_LITERALS {
                    return None;
                }
            }
            Some(texts)
        }
        HirKind::Capture(capture) => language(&capture.sub),
        HirKind::Repetition(repetition) => {
            let texts = language(&repetition.sub)?;
            if repetition.max != Some(repetition.min) {
                return match (repetition.min, repetition.max) {
                    (0, Some(1)) => tidy([vec![Vec::new()], texts].concat()),
                    _ => None,
                };
            }
            let mut all = vec![Vec::new()];
            for _ in 0..repetition.min {
                all = product(&all, &texts)?;
            }
            Some(all)
        }
        HirKind::Concat(parts) => {
            parts.iter().try_fold(vec![Vec::new()], |all, part| product(&all, &language(part)?))
        }
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(language(part)?);
                all = tidy(all)?;
            }
            Some(all)
        }
        HirKind::Class(Class::Unicode(_)) => None,
    }
}

fn product(heads: &[Vec<u8>], tails: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
    if heads.len() * tails.len() > GATE_LITERALS {
        return None;
    }
    tidy(
        heads.iter().flat_map(|head| tails.iter().map(|tail| [&head[..], tail].concat())).collect(),
    )
}

fn tidy(mut texts: Vec<Vec<u8>>) -> Option<Vec<Vec<u8>>> {
    texts.sort_unstable();
    texts.dedup();
    (texts.len() <= GATE_LITERALS).then_some(texts)
}

fn shortest(texts: &[Vec<u8>]) -> usize {
    texts.iter().map(Vec::len).min().unwrap_or(0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::automaton::syntax;

    fn needs(pattern: &str) -> Option<Vec<String>> {
        let texts = needed(&syntax::parse(pattern).unwrap())?;
        Some(texts.into_iter().map(|text| String::from_utf8(text).unwrap()).collect())
    }

    #[test]
    fn the_longest_literal_of_a_sequence_is_asked_for() {
        assert_eq!(needs(r"\bunion\s+(?:all\s+)?select\b").unwrap(), ["select"]);
        assert_eq!(needs(r"(?i)<script[^>]*>").unwrap(), ["<script"]);
        assert_eq!(needs(r"a(?:bc|de)f").unwrap(), ["abcf", "adef"]);
        assert_eq!(needs(r"(?:cat|type)\s+/etc").unwrap(), ["/etc"]);
        assert_eq!(needs(r"(?:exec){2}").unwrap(), ["execexec"]);
        assert_eq!(needs(r"(?:passwd)+").unwrap(), ["passwd"]);
    }

    #[test]
    fn what_may_be_missing_is_not_needed() {
        assert_eq!(needs(r"(?:union)?\d+"), None);
        assert_eq!(needs(r"(?:union|\d+)"), None);
        assert_eq!(needs(r"[a-z]+x*"), None);
        assert_eq!(needs(r"(?:script){0,3}"), None);
    }

    /// Whatever a pattern matches holds one of its literals: generated from the pattern's own parts.
    #[test]
    fn a_match_always_passes_the_gate() {
        let patterns = [
            r"(?i)un[i1]on\s+sel(?:ect)?",
            r"(?:a|bc)d{2}[ef]g?",
            r"x(?:yz|[0-2])w",
            r"\bfoo\b|bar$",
            r"(?i:Ab)c[^d]*de",
            r"ab?c",
            r"(?:ab){1,2}c",
        ];
        let hirs: Vec<Hir> = patterns.iter().map(|p| syntax::parse(p).unwrap()).collect();
        let gate = Gate::new::<&[u8]>(&hirs, &[]);
        let regexes: Vec<_> = hirs
            .iter()
            .map(|hir| regex_automata::meta::Builder::new().build_from_hir(hir).unwrap())
            .collect();
        let wanted = PatternSet::all(hirs.len());
        let alphabet = b"uni1on selctabdefgxyzw012 foobrABCD";
        let mut state = 7_u64;
        let mut matched = 0;
        for _ in 0..20_000 {
            let mut text = Vec::new();
            for _ in 0..8 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                text.push(alphabet[(state >> 33) as usize % alphabet.len()]);
            }
            let mut present = ByteSet::EMPTY;
            present.insert_all(&text);
            let (mut candidates, asked) = (PatternSet::default(), gate.part(&wanted));
            let mut found = Found::default();
            gate.sift(&text, &mut found);
            gate.narrow((present, &found), &asked, &mut candidates, &mut PatternSet::default());
            for (at, regex) in regexes.iter().enumerate() {
                let id = PatternId::new(at).unwrap();
                if regex.is_match(&text[..]) {
                    matched += 1;
                    assert!(candidates.contains(id), "{text:?}");
                }
            }
        }
        assert!(matched > 50, "{matched}");
    }
}
