//! The words and phrases that mean something in SQL, and what they are.
//!
//! `keywords.txt` is the table of libinjection 3.9.2 (see `NOTICE`): a line is a kind's letter, a
//! blank, and a word, a phrase or an operator of two characters.
//!
//! Most words are none of them, which their first two letters and their length tell. The others are
//! found by their first and last eight bytes in upper case, in a table that is three quarters empty.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::token::{Kind, TEXT};

/// One entry.
#[derive(Debug)]
pub(super) struct Keyword {
    key: Key,
    /// In upper case.
    pub(super) text: &'static str,
    /// `None`: it is only the beginning of a phrase.
    pub(super) kind: Option<Kind>,
    /// Whether a longer entry is this one, a blank and more.
    pub(super) begins_phrase: bool,
}

/// All entries, by their hash.
pub(super) struct Keywords {
    entries: Vec<Keyword>,
    /// For each hash the number of an entry, from 1; 0 is none. The next ones where it is taken.
    slots: Box<[u16; SLOTS]>,
    /// For each two first letters the lengths of the entries, a bit each.
    lengths: Box<[u32; 1024]>,
}

/// A thousand entries fill a quarter.
const SLOTS: usize = 4096;

/// The table, made at first use.
pub(super) static KEYWORDS: LazyLock<Keywords> =
    LazyLock::new(|| Keywords::new(include_str!("keywords.txt")));

impl Keywords {
    fn new(table: &'static str) -> Self {
        let lines = || table.lines().filter_map(|line| line.split_once(' '));
        let beginnings: BTreeSet<&str> = lines()
            .flat_map(|(_, text)| text.match_indices(' ').map(|(at, _)| &text[..at]))
            .collect();
        let words: BTreeSet<&str> = lines().map(|(_, text)| text).collect();
        let only_beginnings = beginnings.difference(&words).map(|text| ("", *text));
        let mut keywords =
            Self { entries: Vec::new(), slots: Box::new([0; SLOTS]), lengths: Box::new([0; 1024]) };
        for (letter, text) in lines().chain(only_beginnings) {
            keywords.insert(Keyword {
                key: Key::of(text.as_bytes(), 0, text.len()),
                text,
                kind: letter.bytes().next().and_then(Kind::of_word),
                begins_phrase: beginnings.contains(text),
            });
        }
        keywords
    }

    fn insert(&mut self, keyword: Keyword) {
        if let [first, second, ..] = *keyword.text.as_bytes() {
            self.lengths[pair(first, second)] |= 1 << keyword.text.len();
        }
        let mut slot = keyword.key.slot();
        while self.slots[slot % SLOTS] != 0 {
            slot += 1;
        }
        self.entries.push(keyword);
        self.slots[slot % SLOTS] = self.entries.len() as u16;
    }

    /// The entry that is, in any case, the `length` bytes of `value` from `at` on, at most [`TEXT`].
    pub(super) fn find(&self, value: &[u8], at: usize, length: usize) -> Option<&Keyword> {
        let (first, second) = (*value.get(at)?, *value.get(at + 1)?);
        let lengths = self.lengths[pair(first, second)];
        if lengths >> length & 1 == 0 {
            return None;
        }
        self.find_key(value, at, length)
    }

    fn find_key(&self, value: &[u8], at: usize, length: usize) -> Option<&Keyword> {
        let key = Key::of(value, at, length);
        let mut slot = key.slot();
        loop {
            let number = usize::from(self.slots[slot % SLOTS]);
            let keyword = self.entries.get(number.checked_sub(1)?)?;
            if keyword.key == key && keyword.is(value, at, length) {
                return Some(keyword);
            }
            slot += 1;
        }
    }

    /// The entry that is two texts with a blank between.
    pub(super) fn find_phrase(&self, first: &[u8], second: &[u8]) -> Option<&Keyword> {
        let length = first.len() + 1 + second.len();
        let mut phrase = [b' '; TEXT + 1];
        if length > TEXT {
            return None;
        }
        phrase[..first.len()].copy_from_slice(first);
        phrase[first.len() + 1..length].copy_from_slice(second);
        self.find(&phrase, 0, length)
    }

    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = &Keyword> {
        self.entries.iter()
    }
}

/// The place of two letters, whatever their case.
fn pair(first: u8, second: u8) -> usize {
    usize::from(first & 31) << 5 | usize::from(second & 31)
}

impl Keyword {
    /// Whether the bytes are this entry; their key is.
    fn is(&self, value: &[u8], at: usize, length: usize) -> bool {
        self.text.len() == length
            && (length <= 16 || value[at..at + length].eq_ignore_ascii_case(self.text.as_bytes()))
    }
}

/// The first and the last eight bytes of a text in upper case. Of a text of no more than eight, the
/// first are all, filled with NULs, and the last are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    first: u64,
    last: u64,
}

impl Key {
    fn of(value: &[u8], at: usize, length: usize) -> Self {
        match length {
            0 => Self { first: 0, last: 0 },
            1..=8 => {
                let behind = 64 - 8 * length as u32;
                Self { first: upper(load(value, at) << behind >> behind), last: 0 }
            }
            _ => Self { first: upper(load(value, at)), last: upper(load(value, at + length - 8)) },
        }
    }

    fn slot(self) -> usize {
        let mixed = (self.first ^ self.last.rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> (64 - SLOTS.ilog2())) as usize
    }
}

/// Eight bytes, NULs where the value has ended; the first is the lowest.
fn load(value: &[u8], at: usize) -> u64 {
    let rest = value.get(at..).unwrap_or_default();
    match rest.first_chunk() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
    }
}

/// Eight ASCII bytes in upper case at once; others stay as they are.
fn upper(word: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let low = word & (0x7f * EACH);
    // The highest bit of each byte says whether it is at least `a`, and beyond `z`.
    let from_a = low + (0x80 - u64::from(b'a')) * EACH;
    let beyond_z = low + (0x7f - u64::from(b'z')) * EACH;
    let lower = (from_a ^ beyond_z) & !word & (0x80 * EACH);
    word ^ (lower >> 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_found_and_nothing_else() {
        assert_eq!(KEYWORDS.entries.len(), 992, "985 entries, and seven beginnings of phrases");
        for keyword in KEYWORDS.iter() {
            for text in [keyword.text.to_owned(), keyword.text.to_lowercase()] {
                let value = format!("({text})");
                let found = KEYWORDS.find(value.as_bytes(), 1, text.len());
                assert_eq!(found.map(|found| found.text), Some(keyword.text));
                for other in [format!("{text}\0"), format!("{text}~"), format!("1{text}")] {
                    let found = KEYWORDS.find(other.as_bytes(), 0, other.len());
                    assert!(found.is_none(), "{other:?}");
                }
            }
        }
    }

    #[test]
    fn upper_is_that_of_ascii() {
        for byte in 0..=u8::MAX {
            let bytes = [byte, b'a', byte, 0, byte, 0xff, b'z', byte];
            let upper = upper(u64::from_le_bytes(bytes)).to_le_bytes();
            assert_eq!(upper, bytes.map(|byte| byte.to_ascii_uppercase()));
        }
    }
}
