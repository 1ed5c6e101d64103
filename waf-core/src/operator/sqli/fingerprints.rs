//! The rows of token kinds that are attacks.
//!
//! `fingerprints.txt` is the table of libinjection 3.9.2 (see `NOTICE`), upper case: a line is all
//! kinds of a fingerprint but the last, a blank, and the last kinds that may follow.

use std::sync::LazyLock;

use super::token::Kind;

/// Tokens of a fingerprint, at most.
pub(super) const LENGTH: usize = 5;

/// The fingerprints: for each beginning, which last kinds make it one.
pub(super) struct Fingerprints {
    /// Beginnings, by their hash; the next slot where it is taken.
    slots: Box<[Slot; SLOTS]>,
}

#[derive(Clone, Copy)]
struct Slot {
    beginning: u32,
    /// A bit for each last kind; none where the slot is free.
    last: u32,
}

/// Two thousand beginnings fill the half.
const SLOTS: usize = 4096;

/// The kinds as the table has them, by their number.
const LETTERS: &[u8] = b"&(),1:;ABCEFKNOSTUVX";

/// For each letter of a kind, of either case, its number from 1; 0: in no fingerprint.
const NUMBERS: [u8; 128] = {
    let mut numbers = [0; 128];
    let mut at = 0;
    while at < LETTERS.len() {
        numbers[LETTERS[at] as usize] = at as u8 + 1;
        numbers[LETTERS[at].to_ascii_lowercase() as usize] = at as u8 + 1;
        at += 1;
    }
    numbers
};

/// The table, made at first use.
pub(super) static FINGERPRINTS: LazyLock<Fingerprints> =
    LazyLock::new(|| Fingerprints::new(include_str!("fingerprints.txt")));

impl Fingerprints {
    fn new(table: &str) -> Self {
        let mut slots = Box::new([Slot { beginning: 0, last: 0 }; SLOTS]);
        for (beginning, last) in table.lines().filter_map(|line| line.split_once(' ')) {
            let beginning = packed(beginning.bytes());
            let mut at = hash(beginning);
            while slots[at % SLOTS].last != 0 {
                at += 1;
            }
            let last = last.bytes().fold(0, |bits, letter| bits | 1 << number(letter));
            slots[at % SLOTS] = Slot { beginning, last };
        }
        Self { slots }
    }

    /// Whether tokens of these kinds are an attack.
    pub(super) fn contains(&self, kinds: impl DoubleEndedIterator<Item = Kind>) -> bool {
        let mut letters = kinds.map(Kind::letter);
        let Some(last) = letters.next_back() else { return false };
        let beginning = packed(letters);
        let mut at = hash(beginning);
        loop {
            let slot = self.slots[at % SLOTS];
            if slot.beginning == beginning || slot.last == 0 {
                // Number 0 is in no line.
                return slot.last & 1 << number(last) != 0;
            }
            at += 1;
        }
    }
}

fn number(letter: u8) -> u8 {
    NUMBERS[usize::from(letter & 0x7f)]
}

/// The numbers of up to four kinds, behind a one that tells how many.
fn packed(letters: impl Iterator<Item = u8>) -> u32 {
    letters.fold(1, |packed, letter| packed << 5 | u32::from(number(letter)))
}

fn hash(beginning: u32) -> usize {
    (beginning.wrapping_mul(0x9e37_79b9) >> (32 - SLOTS.ilog2())) as usize
}
