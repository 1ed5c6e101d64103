//! Which patterns can match a value in which only these bytes occur? Each pattern has a few sets of
//! bytes of which every match holds one of each; most values lack all bytes of one of them.
//!
//! ```text
//! union\s+select   needs one of [Uu], one of [Nn], one of \s, one of [Cc], …
//! 12.50            has none of them
//! ```

use regex_syntax::hir::{Class, ClassBytes, ClassUnicode, Hir, HirKind};
use regex_syntax::utf8::Utf8Sequences;

use super::kinds::{Combination, Kinds, PLAIN};
use super::{PatternId, PatternSet};
use crate::bytes::ByteSet;
use crate::limits::GATE_MASKS;

/// Bytes of a value after which it is looked whether all patterns have what they need.
const FEW: usize = 8;

/// What bytes some patterns need.
#[derive(Debug)]
pub(super) struct Needs {
    kinds: Kinds,
    slots: Vec<Slot>,
    /// Patterns whose first set does not need a mark.
    plain: PatternSet,
}

/// One set of each pattern, turned round: for each byte the patterns that have it in theirs.
#[derive(Debug)]
struct Slot {
    /// For each word of a pattern set, of each byte: the patterns that may match where it occurs.
    columns: Vec<[u64; 256]>,
    /// The patterns without a set: they may match where no byte occurs.
    free: PatternSet,
}

impl Needs {
    /// What patterns need: for each, in the order of their ids, sets of bytes of which every match
    /// holds one of each. The first [`GATE_MASKS`] count.
    pub(super) fn new(masks: &[Vec<ByteSet>]) -> Self {
        let first = |masks: &Vec<ByteSet>| masks.first().copied().unwrap_or(ByteSet::ALL);
        let is_plain = |(_, masks): &(usize, &Vec<ByteSet>)| first(masks).intersects(PLAIN);
        let mut plain = PatternSet::none(masks.len());
        let places = masks.iter().enumerate().filter(is_plain);
        plain.extend(places.filter_map(|(at, _)| PatternId::new(at)));
        let slots = (0..GATE_MASKS).map(|slot| Slot::new(masks, slot)).collect();
        Self { kinds: Kinds::new(masks), slots, plain }
    }

    /// Takes out of `wanted` what cannot match a value of bytes of such kinds.
    pub(super) fn rule_out(&self, kinds: Combination, wanted: &mut PatternSet) {
        wanted.intersect_with(self.kinds.of(kinds));
    }

    /// Takes out of `wanted` what cannot match a value whose bytes are `present`.
    pub(super) fn narrow(&self, present: ByteSet, wanted: &mut PatternSet) {
        if wanted.is_empty() {
            return;
        }
        let (mut bytes, mut count) = ([0; 256], 0);
        let (mut marks, mut count_marks) = ([0; 256], 0);
        for byte in present.iter() {
            bytes[count] = byte;
            count += 1;
            if !PLAIN.contains(byte) {
                marks[count_marks] = byte;
                count_marks += 1;
            }
        }
        // Most patterns need a mark, and most values have few.
        if let Some(slot) = self.slots.first() {
            slot.narrow(&self.plain, &marks[..count_marks], wanted);
        }
        for slot in &self.slots {
            slot.narrow(&slot.free, &bytes[..count], wanted);
        }
    }

    /// Bytes of the tables.
    pub(super) fn bytes(&self) -> usize {
        let columns = self.slots.iter().map(|slot| size_of_val(&slot.columns[..]));
        columns.sum::<usize>() + self.kinds.bytes()
    }
}

impl Slot {
    fn new(masks: &[Vec<ByteSet>], slot: usize) -> Self {
        let mut columns = vec![[0; 256]; masks.len().div_ceil(64)];
        let mut free = PatternSet::none(masks.len());
        for (at, masks) in masks.iter().enumerate() {
            match masks.get(slot) {
                None => free.extend(PatternId::new(at)),
                Some(mask) => {
                    mask.iter()
                        .for_each(|byte| columns[at / 64][usize::from(byte)] |= 1 << (at % 64));
                }
            }
        }
        Self { columns, free }
    }

    /// Takes out what is not in `free` and has none of the bytes in its set.
    fn narrow(&self, free: &PatternSet, bytes: &[u8], wanted: &mut PatternSet) {
        let words = wanted.words_mut().iter_mut().zip(free.words()).zip(&self.columns);
        for ((word, free), column) in words.filter(|((word, _), _)| **word != 0) {
            let mut any = *free;
            for few in bytes.chunks(FEW) {
                any = few.iter().fold(any, |any, &byte| any | column[usize::from(byte)]);
                // Of many different bytes the first few are most often enough for all.
                if *word & !any == 0 {
                    break;
                }
            }
            *word &= any;
        }
    }
}

/// Sets of bytes of which every match of a pattern holds one of each: the few rarest.
pub(super) fn of_pattern(hir: &Hir) -> Vec<ByteSet> {
    rarest(match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Vec::new(),
        HirKind::Literal(literal) => literal.0.iter().map(|&byte| ByteSet::of(&[byte])).collect(),
        HirKind::Class(Class::Bytes(class)) => vec![of_bytes(class)],
        HirKind::Class(Class::Unicode(class)) => either(&sequences(class)),
        HirKind::Capture(capture) => of_pattern(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => of_pattern(&repetition.sub),
        HirKind::Repetition(_) => Vec::new(),
        HirKind::Concat(parts) => parts.iter().flat_map(of_pattern).collect(),
        HirKind::Alternation(parts) => either(&parts.iter().map(of_pattern).collect::<Vec<_>>()),
    })
}

/// The bytes of a class.
pub(super) fn of_bytes(class: &ClassBytes) -> ByteSet {
    let sets = class.ranges().iter().map(|range| ByteSet::range(range.start(), range.end()));
    sets.fold(ByteSet::EMPTY, ByteSet::union)
}

/// The ways to write a character of a class: sets of bytes, of which one follows the other.
pub(super) fn sequences(class: &ClassUnicode) -> Vec<Vec<ByteSet>> {
    let ranges = class.ranges().iter();
    let sequences = ranges.flat_map(|range| Utf8Sequences::new(range.start(), range.end()));
    let sets = |range: &regex_syntax::utf8::Utf8Range| ByteSet::range(range.start, range.end);
    sequences.map(|sequence| sequence.as_slice().iter().map(sets).collect()).collect()
}

/// The same of a list of phrases, in any case.
pub(super) fn of_phrases<P: AsRef<[u8]>>(phrases: &[P]) -> Vec<ByteSet> {
    let both = |byte: &u8| ByteSet::of(&[byte.to_ascii_lowercase(), byte.to_ascii_uppercase()]);
    let of_one = |phrase: &[u8]| rarest(phrase.iter().map(both).collect());
    let phrases = phrases.iter().map(AsRef::as_ref).filter(|phrase| !phrase.is_empty());
    either(&phrases.map(of_one).collect::<Vec<_>>())
}

/// What is needed where one of several needs is met.
pub(super) fn either(parts: &[Vec<ByteSet>]) -> Vec<ByteSet> {
    if parts.iter().any(Vec::is_empty) {
        return Vec::new();
    }
    let most = parts.iter().map(Vec::len).max().unwrap_or(0);
    let nth = |at: usize| parts.iter().filter_map(move |part| part.get(at).or(part.last()));
    (0..most).map(|at| nth(at).copied().fold(ByteSet::EMPTY, ByteSet::union)).collect()
}

pub(super) fn rarest(mut sets: Vec<ByteSet>) -> Vec<ByteSet> {
    sets.sort_by_key(commonness);
    sets.dedup();
    sets.truncate(GATE_MASKS);
    sets
}

/// How often a value has one of the bytes, roughly.
pub(super) fn commonness(set: &ByteSet) -> u32 {
    set.iter().map(commonness_of).sum()
}

/// How often a byte is met in values, roughly.
pub(super) fn commonness_of(byte: u8) -> u32 {
    match byte.to_ascii_lowercase() {
        b' ' | b'a' | b'e' | b'i' | b'n' | b'o' | b'r' | b's' | b't' => 8,
        b'a'..=b'z' | b'0'..=b'9' => 4,
        b'.' | b',' | b'-' | b'_' | b'/' => 2,
        _ => 1,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::automaton::syntax;

    fn left(patterns: &[&str], value: &[u8]) -> Vec<usize> {
        let masks: Vec<_> =
            patterns.iter().map(|text| of_pattern(&syntax::parse(text).unwrap())).collect();
        let mut wanted = PatternSet::all(patterns.len());
        Needs::new(&masks).narrow(ByteSet::present(value), &mut wanted);
        wanted.iter().map(PatternId::index).collect()
    }

    #[test]
    fn what_lacks_a_byte_it_needs_is_taken_out() {
        let patterns = ["union", "(?i)union", "cat|dog", "[0-9]+", "a*", ""];
        assert_eq!(left(&patterns, b"UNION"), [1, 4, 5]);
        assert_eq!(left(&patterns, b"do it"), [4, 5]);
        assert_eq!(left(&patterns, b"a dog"), [2, 4, 5]);
        assert_eq!(left(&patterns, b"7"), [3, 4, 5]);
        assert_eq!(left(&patterns, b""), [4, 5]);
    }

    #[test]
    fn phrases_ignore_case_and_any_of_them_is_enough() {
        let lists = [of_phrases(&["passwd", "/etc"]), of_phrases(&["x", ""]), of_phrases(&[""; 0])];
        let narrowed = |value: &[u8]| {
            let mut wanted = PatternSet::all(lists.len());
            Needs::new(&lists).narrow(ByteSet::present(value), &mut wanted);
            wanted.iter().map(PatternId::index).collect::<Vec<_>>()
        };
        assert_eq!(narrowed(b"PASSWD"), [0, 2]);
        assert_eq!(narrowed(b"X/ETC"), [0, 1, 2]);
        assert_eq!(narrowed(b"pwd"), [2]);
    }
}
