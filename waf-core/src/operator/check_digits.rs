//! `luhn` and `iban`: somewhere in the value stands a number whose check digits are right.
//!
//! A number is written in one run, or in groups with one blank or hyphen between them. It begins
//! and ends at a border of a word, so that digits within an identifier, a decimal or a UUID are
//! none. Both operators keep the last groups read and try them when a group ends, so the answer is
//! certain at the byte behind the number, or at the end of the value.
//!
//! - `luhn`: 13 to 19 digits in one run, in fours (the last may be shorter), or as 4-6-5 and 4-6-4,
//!   whose last digit is that of ISO/IEC 7812-1 annex B. One random number in ten passes: a rule
//!   asks for an issuer's prefix too.
//! - `iban`: of a country of the IBAN registry, with its length there, in one run or in fours, and
//!   1 as the remainder of 97 (ISO 13616-1, ISO 7064 MOD 97-10).

use super::{Answer, Machine};

/// Characters of the longest IBAN in the registry's form; no card number is longer.
const LONGEST: usize = 34;

/// The shortest number that is tried.
const SHORTEST: usize = 13;

/// Groups that can matter: an IBAN of 34 characters in fours has nine.
const GROUPS: usize = 9;

/// Lengths by country: the IBAN registry, release 99.
const COUNTRIES: &[(usize, &str)] = &[
    (15, "NO"),
    (16, "BE"),
    (18, "DK FI FK FO GL NL SD"),
    (19, "MK SI"),
    (20, "AT BA EE KZ LT LU MN XK"),
    (21, "CH CR HR LI LV"),
    (22, "BG BH DE GB GE IE ME RS VA"),
    (23, "AE GI IL IQ OM SO TL"),
    (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
    (25, "LY PT ST"),
    (26, "IS TR"),
    (27, "BI DJ FR GR IT MC SM"),
    (28, "AL AZ BY CY DO GT HN HU LB NI PL SV"),
    (29, "BR EG PS QA UA"),
    (30, "JO KW MU YE"),
    (31, "MT SC"),
    (32, "LC"),
    (33, "RU"),
];

/// Which numbers are meant.
#[derive(Clone, Copy, Debug)]
pub(super) enum CheckDigits {
    Luhn,
    Iban,
}

/// The groups read last, the one being read among them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Recent {
    /// Their characters, the newest last; no more than can matter.
    characters: Newest<LONGEST>,
    /// Their lengths, the newest last. One that is too long for any number counts on to 255.
    groups: Newest<GROUPS>,
    /// What stands between them.
    separator: Option<u8>,
    /// Between two groups.
    is_between: bool,
    /// In a word that cannot hold a number.
    is_spoilt: bool,
}

impl Machine for CheckDigits {
    type State = Recent;

    fn start(&self) -> Recent {
        Recent::default()
    }

    fn step(&self, recent: &mut Recent, byte: u8) -> Answer {
        if self.takes(byte) {
            recent.push(byte);
            return Answer::Open;
        }
        let ends = !is_word(byte) && self.holds(recent);
        recent.interrupt(byte);
        if ends { Answer::True } else { Answer::Open }
    }

    fn finish(&self, recent: Recent) -> bool {
        self.holds(&recent)
    }
}

impl CheckDigits {
    fn takes(self, byte: u8) -> bool {
        match self {
            Self::Luhn => byte.is_ascii_digit(),
            Self::Iban => byte.is_ascii_alphanumeric(),
        }
    }

    /// Whether the newest groups, so many as it takes, are a number.
    fn holds(self, recent: &Recent) -> bool {
        if recent.is_spoilt || recent.is_between {
            return false;
        }
        let mut length = 0;
        let (characters, all) = (recent.characters.bytes(), recent.groups.bytes());
        for (count, group) in all.iter().rev().enumerate() {
            length += usize::from(*group);
            let Some(from) = characters.len().checked_sub(length) else { return false };
            let groups = &all[all.len() - count - 1..];
            let number = &characters[from..];
            if length >= SHORTEST && self.is_grouped(groups) && self.is_right(number) {
                return true;
            }
        }
        false
    }

    fn is_grouped(self, groups: &[u8]) -> bool {
        let Some((last, before)) = groups.split_last() else { return false };
        let in_fours = before.iter().all(|group| *group == 4) && (before.is_empty() || *last <= 4);
        in_fours || matches!((self, groups), (Self::Luhn, [4, 6, 4 | 5]))
    }

    fn is_right(self, number: &[u8]) -> bool {
        match self {
            Self::Luhn => number.len() <= 19 && luhn(number),
            Self::Iban => is_iban(number),
        }
    }
}

impl Recent {
    fn push(&mut self, byte: u8) {
        if self.is_between || self.groups.bytes().is_empty() {
            self.groups.push(0);
            self.is_between = false;
        }
        if let Some(group) = self.groups.last_mut() {
            *group = group.saturating_add(1);
        }
        self.characters.push(byte);
    }

    /// A byte that is in no group.
    fn interrupt(&mut self, byte: u8) {
        let separates = matches!(byte, b' ' | b'-') && !self.groups.bytes().is_empty();
        if separates && !self.is_between && !self.is_spoilt {
            if self.separator != Some(byte) {
                self.keep_newest();
                self.separator = Some(byte);
            }
            self.is_between = true;
            return;
        }
        *self = Self { is_spoilt: is_word(byte) || matches!(byte, b'.' | b'-'), ..Self::default() };
    }

    /// Another separator: only the group before it can belong to what follows.
    fn keep_newest(&mut self) {
        let newest = self.groups.bytes().last().copied().unwrap_or(0);
        self.characters.keep(usize::from(newest));
        self.groups.keep(1);
    }
}

/// The bytes that came last, at most `N`: every field of a body has some, so they are not allocated.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Newest<const N: usize> {
    kept: [u8; N],
    count: usize,
}

impl<const N: usize> Default for Newest<N> {
    fn default() -> Self {
        Self { kept: [0; N], count: 0 }
    }
}

impl<const N: usize> Newest<N> {
    fn bytes(&self) -> &[u8] {
        &self.kept[..self.count]
    }

    fn last_mut(&mut self) -> Option<&mut u8> {
        self.kept[..self.count].last_mut()
    }

    fn push(&mut self, byte: u8) {
        if self.count == N {
            self.keep(N - 1);
        }
        self.kept[self.count] = byte;
        self.count += 1;
    }

    /// Forgets all but the newest.
    fn keep(&mut self, newest: usize) {
        let from = self.count.saturating_sub(newest);
        self.kept.copy_within(from..self.count, 0);
        self.count -= from;
    }
}

/// Whether a byte beside a number makes it a part of something else. Letters of other scripts do
/// not: they are written without blanks.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Every second digit from the right doubled, and the digits of the sum a multiple of ten.
fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match (at % 2, u32::from(digit - b'0')) {
            (0, digit) => digit,
            (_, digit) => digit * 2 / 10 + digit * 2 % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

fn is_iban(text: &[u8]) -> bool {
    let Some(([first, second, tens, ones], account)) = text.split_first_chunk() else {
        return false;
    };
    let country = [first.to_ascii_uppercase(), second.to_ascii_uppercase()];
    let is_known = |(length, countries): &(usize, &str)| {
        *length == text.len()
            && countries.split(' ').any(|known| known.as_bytes() == country.as_slice())
    };
    if !(tens.is_ascii_digit() && ones.is_ascii_digit() && COUNTRIES.iter().any(is_known)) {
        return false;
    }
    // The first four stand last; a letter is the number from 10 that its place in the alphabet says.
    let remainder = account.iter().chain(&text[..4]).fold(0, |remainder, character| {
        match char::from(*character).to_digit(36).unwrap_or(0) {
            digit @ 0..=9 => (remainder * 10 + digit) % 97,
            letter => (remainder * 100 + letter) % 97,
        }
    });
    remainder == 1
}
