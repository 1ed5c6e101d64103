//! Which patterns can match a whole value at all? Most lack a byte that they need (`needs.rs`). Most
//! of the rest need some literal text: where none of it occurs, the pattern does not match and need
//! not be run. One pass over the value answers that for all of them, and for the lists of phrases
//! (`sieve.rs`).
//!
//! ```text
//! union\s+(?:all\s+)?select\b   needs "union" or "select": the longer is asked for (literals.rs)
//! [;|&]\s*\w+                   needs no text, but a byte of "[;|&]"              (needs.rs)
//! xp_cmdshell|;\s*\w+           matches in two ways, each with its need           (ways.rs)
//! ```
//!
//! This is for values that are at hand as a whole. A stream may hold the beginning of a match long
//! before the literal, so there the automata run for all patterns.

use std::ops::Range;

use regex_syntax::hir::{Hir, Look};

use super::edges::{Ends, Frame};
use super::kinds::{Combination, Kinds};
use super::needs::{self, Needs};
use super::sieve::{Found, Sieve};
use super::{PatternId, PatternSet, is_bound, may_match, shortest, ways};
use crate::bytes::ByteSet;
use crate::limits::{GATE_ALL_WAYS, GATE_WAYS};

/// Bytes of a value that are looked at for literals in the time that one way takes.
const WAY: usize = 2;

/// What patterns need.
#[derive(Debug)]
pub struct Gate {
    /// Patterns that may match without any literal.
    open: PatternSet,
    /// Those of them that may match anywhere in a value.
    loose: PatternSet,
    /// The ways in which they may, and the bytes that each needs, by their places here.
    without: Vec<(PatternId, Frame)>,
    needs: Needs,
    /// The ways with literals, and the bytes that each needs too, by their places here.
    with: Vec<(PatternId, Frame, Vec<ByteSet>)>,
    /// Which of these ways values of some kinds of bytes leave, their literals looked at too.
    kinds: Kinds,
    /// Their literals, and the phrases of lists.
    sieve: Sieve,
    /// For each pattern which of the ways are its, with literals and without.
    ways: Vec<[Range<usize>; 2]>,
    /// The patterns that are made of their ways.
    parted: PatternSet,
    /// For each pattern the fewest bytes it matches.
    shortest: Vec<usize>,
    /// The most that a value may have of which it must match the whole.
    longest: Vec<usize>,
}

/// Patterns asked of a value, by the places of the ways in which they can match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    without: PatternSet,
    with: PatternSet,
}

/// What occurs in a whole value.
#[derive(Clone, Copy, Debug)]
pub struct Occurs<'a> {
    /// The value.
    pub value: &'a [u8],
    /// The bytes that occur.
    pub present: ByteSet,
    /// Whose literals occur.
    pub found: &'a Found,
}

impl Asked {
    /// Whether no pattern is asked.
    pub fn is_empty(&self) -> bool {
        self.without.is_empty() && self.with.is_empty()
    }

    /// Asks nothing any more, and keeps its memory.
    pub fn clear(&mut self) {
        self.without.clear();
        self.with.clear();
    }

    /// Asks what `other` asks too.
    pub fn union_with(&mut self, other: &Self) {
        self.without.union_with(&other.without);
        self.with.union_with(&other.with);
    }
}

impl Gate {
    /// The gate of some patterns and of some lists of phrases; ids are places.
    pub fn new<P: AsRef<[u8]>>(patterns: &[Hir], lists: &[Vec<P>]) -> Self {
        let (mut without, mut needed) = (Vec::new(), Vec::new());
        let (mut with, mut texts) = (Vec::new(), Vec::new());
        let mut ways = vec![[0..0, 0..0]; patterns.len()];
        let mut parted = PatternSet::none(patterns.len());
        let all = patterns.iter().enumerate().filter(|(_, pattern)| may_match(pattern));
        for (id, pattern) in all.filter_map(|(at, pattern)| Some((PatternId::new(at)?, pattern))) {
            let before = [with.len(), without.len()];
            let all = ways::of_pattern(pattern, most_ways(before));
            if ways::are_parts(&all, pattern) {
                parted.insert(id);
            }
            for way in all {
                let frame = way.edges.frame();
                if way.texts.is_empty() {
                    without.push((id, frame));
                    needed.push(way.bytes);
                } else {
                    let of_texts = needs::of_phrases(&way.texts);
                    with.push((id, frame, needs::rarest([way.bytes, of_texts].concat())));
                    texts.push(way.texts);
                }
            }
            ways[id.index()] = [before[0]..with.len(), before[1]..without.len()];
        }
        let needed_with: Vec<_> = with.iter().map(|(.., bytes)| bytes.clone()).collect();
        let shortest = |pattern| shortest(pattern).unwrap_or(usize::MAX);
        let open: PatternSet = without.iter().map(|(id, _)| *id).collect();
        let is_loose = |id: &PatternId| !is_bound(&patterns[id.index()]);
        Self {
            loose: open.iter().filter(is_loose).collect(),
            open,
            without,
            needs: Needs::new(&needed),
            with,
            kinds: Kinds::new(&needed_with),
            sieve: Sieve::new(&texts, lists),
            ways,
            parted,
            shortest: patterns.iter().map(shortest).collect(),
            longest: patterns.iter().map(longest).collect(),
        }
    }

    /// Whether a pattern may match without any literal: only bytes can rule it out.
    pub fn is_open(&self, pattern: PatternId) -> bool {
        self.open.contains(pattern)
    }

    /// The patterns that may match without any literal, and anywhere: each would be followed through
    /// all of a value. Others are over where no match can begin any more.
    pub fn loose(&self) -> &PatternSet {
        &self.loose
    }

    /// The patterns that can match at all.
    pub fn patterns(&self) -> PatternSet {
        let with = self.with.iter().map(|(id, ..)| *id);
        self.without.iter().map(|(id, _)| *id).chain(with).collect()
    }

    /// Some patterns, as they are asked.
    pub fn part(&self, patterns: &PatternSet) -> Asked {
        let without = self.without.iter().enumerate();
        let without = without.filter(|(_, (id, _))| patterns.contains(*id));
        let with = self.with.iter().enumerate().filter(|(_, (id, ..))| patterns.contains(*id));
        Asked {
            without: without.filter_map(|(place, _)| PatternId::new(place)).collect(),
            with: with.filter_map(|(place, _)| PatternId::new(place)).collect(),
        }
    }

    /// Takes out of `asked` what a look at the kinds of the bytes of a value rules out.
    pub fn rule_out(&self, present: ByteSet, asked: &mut Asked) {
        let kinds = Combination::of(present);
        self.needs.rule_out(kinds, &mut asked.without);
        asked.with.intersect_with(self.kinds.of(kinds));
    }

    /// Whose literals occur in a value, added to `found`; of these lists also where. Equal for values
    /// that differ in case only.
    pub fn sift(&self, value: &[u8], lists: &PatternSet, found: &mut Found) {
        self.sieve.sift(value, lists, found);
    }

    /// Puts into `places`, in order, one past each place where a phrase of these lists may stand: no
    /// further from its beginning or end than it is long. Whether there are at most so many.
    pub(super) fn phrases(
        &self,
        value: &[u8],
        lists: &PatternSet,
        most: usize,
        places: &mut Vec<usize>,
    ) -> bool {
        self.sieve.ends(value, lists, most, places)
    }

    /// The same of a value of which it is known what occurs, and of at least these lists where.
    pub(super) fn phrases_found(
        &self,
        found: &Found,
        lists: &PatternSet,
        most: usize,
        places: &mut Vec<usize>,
    ) -> bool {
        self.sieve.ends_found(found, lists, most, places)
    }

    /// Whether it depends on literals what of `asked` may match a value of so many bytes, these.
    pub fn asks_literals(&self, length: usize, present: ByteSet, asked: &Asked) -> bool {
        // To look for literals in a short value costs less than to look whether any is worth it.
        let is_short = length < asked.with.len() * WAY;
        let may_match = |way: PatternId| has_bytes(&self.with[way.index()].2, present);
        !asked.with.is_empty() && (is_short || asked.with.iter().any(may_match))
    }

    /// Leaves of `asked` the ways in which a whole value may match in which this occurs, and puts the
    /// patterns into `left`.
    pub fn narrow(&self, occurs: Occurs<'_>, asked: &mut Asked, left: &mut PatternSet) {
        let Occurs { value, present, found } = occurs;
        let ends = Ends::of(value);
        let admits = |id: PatternId, frame: &Frame| {
            self.fits(id, value.len()) && frame.admits(ends, present)
        };
        left.clear();
        self.needs.narrow(present, &mut asked.without);
        asked.without.retain(|way| {
            let (id, frame) = &self.without[way.index()];
            let admits = admits(*id, frame);
            if admits {
                left.insert(*id);
            }
            admits
        });
        asked.with.intersect_with(&found.ways);
        asked.with.retain(|way| {
            let (id, frame, bytes) = &self.with[way.index()];
            let admits = admits(*id, frame) && has_bytes(bytes, present);
            if admits {
                left.insert(*id);
            }
            admits
        });
    }

    /// Whether a pattern may as well be asked way by way.
    pub fn is_parted(&self, pattern: PatternId) -> bool {
        self.parted.contains(pattern)
    }

    /// Which of the ways of a pattern are asked, by their numbers.
    pub fn ways_of(&self, pattern: PatternId, asked: &Asked) -> impl Iterator<Item = usize> {
        let [with, without] = self.ways[pattern.index()].clone();
        let first = with.len();
        let with = asked.with.within(with);
        let without = asked.without.within(without).map(move |way| first + way);
        with.chain(without)
    }

    /// What matches where a pattern does in each of its ways, in the order of their numbers.
    pub fn patterns_of_ways(&self, id: PatternId, pattern: &Hir) -> Vec<Hir> {
        let [with, without] = &self.ways[id.index()];
        ways::patterns(pattern, most_ways([with.start, without.start]))
    }

    /// Whether a pattern may match a value of so many bytes.
    fn fits(&self, pattern: PatternId, length: usize) -> bool {
        self.shortest(pattern) <= length && length <= self.longest[pattern.index()]
    }

    /// The fewest bytes that a pattern matches.
    pub fn shortest(&self, pattern: PatternId) -> usize {
        self.shortest[pattern.index()]
    }

    /// Bytes of the tables.
    pub fn bytes(&self) -> usize {
        let sets: usize = self.with.iter().map(|(.., bytes)| size_of_val(&bytes[..])).sum();
        let ways = size_of_val(&self.without[..]) + size_of_val(&self.with[..]);
        self.needs.bytes() + self.kinds.bytes() + self.sieve.bytes() + ways + sets
    }
}

/// How many ways of a pattern are told apart where there are so many of others, with literals and
/// without.
fn most_ways(before: [usize; 2]) -> usize {
    if before.iter().any(|&ways| ways > GATE_ALL_WAYS) { 1 } else { GATE_WAYS }
}

/// The most bytes of a value that a pattern may match: all, unless it must match from end to end.
fn longest(pattern: &Hir) -> usize {
    let properties = pattern.properties();
    let is_whole = is_bound(pattern) && properties.look_set_suffix().contains(Look::End);
    properties.maximum_len().filter(|_| is_whole).unwrap_or(usize::MAX)
}

/// Whether a value of these bytes has one of each set.
fn has_bytes(needed: &[ByteSet], present: ByteSet) -> bool {
    needed.iter().all(|set| set.intersects(present))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::automaton::{in_any_case, syntax};
    use crate::random::Random;

    /// Whatever a pattern matches holds one of its literals: generated from the pattern's own parts.
    #[test]
    fn a_match_always_passes_the_gate() {
        let patterns = [
            r"(?i)un[i1]on\s+sel(?:ect)?",
            r"(?:a|bc)d{2}[ef]g?",
            r"x(?:yz|[0-2])w",
            r"\bfoo\b|bar$",
            r"^(?:[a-c]+ ?|x)(?:ow|[rb]a)|^w*[0-2a]$|^[oB ]{2,5}$",
            r"^(?:[ow]|c\d?)+$",
            r"(?i:Ab)c[^d]*de",
            r"ab?c",
            r"(?:ab){1,2}c",
            r"[g-i]+(?:o|Fx|(b)Fx|1 ?)f",
        ];
        let lower = |p: &&str| in_any_case(&syntax::parse(p).unwrap());
        let mut hirs: Vec<Hir> = patterns.iter().map(|p| syntax::parse(p).unwrap()).collect();
        // Some of their alternatives match nothing.
        hirs.extend(patterns.iter().map(lower));
        let gate = Gate::new::<&[u8]>(&hirs, &[]);
        let regexes: Vec<_> = hirs
            .iter()
            .map(|hir| regex_automata::meta::Builder::new().build_from_hir(hir).unwrap())
            .collect();
        let wanted = PatternSet::all(hirs.len());
        let alphabet = b"uni1on selctabdefgxyzw012 foobrABCD";
        let (mut random, mut matched) = (Random::new(7), 0);
        for _ in 0..20_000 {
            let mut text = Vec::new();
            for _ in 0..8 {
                text.push(alphabet[random.below(alphabet.len())]);
            }
            let mut present = ByteSet::EMPTY;
            present.insert_all(&text);
            let (mut candidates, mut asked) = (PatternSet::default(), gate.part(&wanted));
            let mut found = Found::default();
            gate.sift(&text, &PatternSet::default(), &mut found);
            let occurs = Occurs { value: &text, present, found: &found };
            gate.narrow(occurs, &mut asked, &mut candidates);
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
