//! [`PatternSet`]: which patterns are meant.

use std::ops::Range;

use super::PatternId;
use crate::bytes::bits;

/// A set of patterns, one bit each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PatternSet {
    words: Vec<u64>,
}

impl PatternSet {
    /// No pattern of `count`.
    pub fn none(count: usize) -> Self {
        Self { words: vec![0; count.div_ceil(64)] }
    }

    /// The first `count` patterns.
    pub fn all(count: usize) -> Self {
        let mut set = Self { words: vec![u64::MAX; count.div_ceil(64)] };
        if let (Some(last), false) = (set.words.last_mut(), count.is_multiple_of(64)) {
            *last = (1 << (count % 64)) - 1;
        }
        set
    }

    /// Adds a pattern.
    pub fn insert(&mut self, pattern: PatternId) {
        let word = pattern.index() / 64;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= bit(pattern);
    }

    /// Takes a pattern out; whether it was in.
    pub fn remove(&mut self, pattern: PatternId) -> bool {
        let Some(word) = self.words.get_mut(pattern.index() / 64) else { return false };
        let had = *word & bit(pattern) != 0;
        *word &= !bit(pattern);
        had
    }

    /// Whether a pattern is in.
    pub fn contains(&self, pattern: PatternId) -> bool {
        self.words.get(pattern.index() / 64).is_some_and(|word| word & bit(pattern) != 0)
    }

    /// Whether no pattern is in.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// Whether the sets share a pattern.
    pub fn intersects(&self, other: &Self) -> bool {
        self.words.iter().zip(&other.words).any(|(a, b)| a & b != 0)
    }

    /// Keeps only the patterns that are in `other` too.
    pub fn intersect_with(&mut self, other: &Self) {
        for (at, word) in self.words.iter_mut().enumerate() {
            *word &= other.words.get(at).copied().unwrap_or(0);
        }
    }

    /// Adds the patterns of `other`.
    pub fn union_with(&mut self, other: &Self) {
        if self.words.is_empty() {
            self.copy_from(other);
            return;
        }
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        for (word, more) in self.words.iter_mut().zip(&other.words) {
            *word |= more;
        }
    }

    /// Takes out the patterns of `other`.
    pub fn subtract(&mut self, other: &Self) {
        for (word, less) in self.words.iter_mut().zip(&other.words) {
            *word &= !less;
        }
    }

    /// Becomes equal to `other`, keeping its memory.
    pub fn copy_from(&mut self, other: &Self) {
        self.words.clone_from(&other.words);
    }

    /// Takes every pattern out.
    pub fn clear(&mut self) {
        self.words.clear();
    }

    /// Keeps only the patterns for which this holds.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(PatternId) -> bool) {
        for (at, word) in self.words.iter_mut().enumerate() {
            for bit in bits(*word) {
                if !PatternId::new(at * 64 + bit as usize).is_some_and(&mut keep) {
                    *word &= !(1 << bit);
                }
            }
        }
    }

    /// The number of patterns in it.
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The patterns in it, in order.
    pub fn iter(&self) -> impl Iterator<Item = PatternId> {
        let words = self.words.iter().enumerate();
        words
            .flat_map(|(at, &word)| bits(word).map(move |bit| at * 64 + bit as usize))
            .filter_map(PatternId::new)
    }

    /// The patterns of a range of them, counted from its beginning, in order.
    pub(super) fn within(&self, range: Range<usize>) -> impl Iterator<Item = usize> {
        let first = range.start;
        let words = range.start / 64..range.end.div_ceil(64).min(self.words.len());
        let all =
            words.flat_map(move |at| bits(self.words[at]).map(move |bit| at * 64 + bit as usize));
        all.filter(move |at| range.contains(at)).map(move |at| at - first)
    }

    /// Its words that are not empty, with their numbers.
    pub(super) fn sparse(&self) -> Box<[(usize, u64)]> {
        self.words.iter().copied().enumerate().filter(|(_, word)| *word != 0).collect()
    }

    /// Adds what [`Self::sparse`] gave.
    pub(super) fn insert_sparse(&mut self, words: &[(usize, u64)]) {
        let Some((last, _)) = words.last() else { return };
        if *last >= self.words.len() {
            self.words.resize(last + 1, 0);
        }
        for &(at, word) in words {
            self.words[at] |= word;
        }
    }

    /// The words of the set: pattern `n` is bit `n % 64` of word `n / 64`.
    pub(super) fn words(&self) -> &[u64] {
        &self.words
    }

    /// The same, to change.
    pub(super) fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }
}

impl Extend<PatternId> for PatternSet {
    fn extend<I: IntoIterator<Item = PatternId>>(&mut self, patterns: I) {
        patterns.into_iter().for_each(|pattern| self.insert(pattern));
    }
}

impl FromIterator<PatternId> for PatternSet {
    fn from_iter<I: IntoIterator<Item = PatternId>>(patterns: I) -> Self {
        let mut set = Self::default();
        set.extend(patterns);
        set
    }
}

fn bit(pattern: PatternId) -> u64 {
    1 << (pattern.index() % 64)
}
