//! [`Alphabet`]: of which characters values consist, told without telling the values.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::bytes::ByteSet;

/// Bytes that are told as one: as records spell them, as `characters` of an exclusion names them, and
/// which they are. Letters and digits are what secrets and texts consist of, so no single one is told.
const CLASSES: [(&str, &str, ByteSet); 7] = [
    ("A-Z", "A-Z", ByteSet::range(b'A', b'Z')),
    ("a-z", "a-z", ByteSet::range(b'a', b'z')),
    ("0-9", "0-9", ByteSet::range(b'0', b'9')),
    (r"\x09\x0a\x0d", "\t\n\r", ByteSet::of(b"\t\n\r")),
    (r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f", "\0-\x08\x0b\x0c\x0e-\x1f\x7f", CONTROLS),
    (r"\x80-\xbf\xc2-\xf4", "\u{80}-\u{10ffff}", BEYOND),
    (r"\xc0\xc1\xf5-\xff", "", NEVER),
];

/// Control characters but those that end lines and indent them.
const CONTROLS: ByteSet =
    ByteSet::range(0, 8).union(ByteSet::range(14, 31)).union(ByteSet::of(b"\x0b\x0c\x7f"));

/// What characters beyond ASCII consist of (RFC 3629 section 4).
const BEYOND: ByteSet = ByteSet::range(0x80, 0xbf).union(ByteSet::range(0xc2, 0xf4));

/// What no UTF-8 has. Exclusions are texts and cannot name it.
const NEVER: ByteSet = ByteSet::of(b"\xc0\xc1").union(ByteSet::range(0xf5, 0xff));

/// Characters that are told one by one. `-` is last: elsewhere it would make a range.
const PUNCTUATION: &str = " !\"#$%&'()*+,./:;<=>?@[\\]^_`{|}~-";

/// Which characters occur in values: of letters and digits only that there are some, of punctuation
/// which, of what is beyond ASCII only that there is some.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Alphabet(u64);

impl Alphabet {
    /// No character.
    pub const EMPTY: Self = Self(0);

    /// Every byte.
    pub const ALL: Self = Self((1 << (CLASSES.len() + PUNCTUATION.len())) - 1);

    /// The alphabet of a value with these bytes.
    pub fn of(bytes: ByteSet) -> Self {
        let classes = CLASSES.iter().map(|(_, _, class)| bytes.intersects(*class));
        let signs = PUNCTUATION.bytes().map(|sign| bytes.contains(sign));
        let bits = classes.chain(signs).enumerate();
        Self(bits.fold(0, |all, (at, occurs)| all | u64::from(occurs) << at))
    }

    /// What is in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether a value of the other alphabet has nothing else.
    pub const fn contains(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// The bytes of a value that may have all of it.
    pub fn bytes(self) -> ByteSet {
        let classes = self.classes().fold(ByteSet::EMPTY, |all, (_, _, class)| all.union(*class));
        self.signs().fold(classes, |all, sign| all.with(sign as u8))
    }

    /// How many kinds of characters.
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// As `characters` of an exclusion; `None` where that cannot say it: nothing, or bytes that are in
    /// no text.
    pub fn characters(self) -> Option<String> {
        let sayable = Self::of(NEVER.complement()).contains(self) && !self.is_empty();
        sayable.then(|| {
            let classes = self.classes().map(|(_, written, _)| *written);
            classes.map(str::to_owned).chain(self.signs().map(String::from)).collect()
        })
    }

    fn has(self, at: usize) -> bool {
        self.0 & 1 << at != 0
    }

    fn classes(self) -> impl Iterator<Item = &'static (&'static str, &'static str, ByteSet)> {
        let numbered = CLASSES.iter().enumerate();
        numbered.filter(move |(at, _)| self.has(*at)).map(|(_, class)| class)
    }

    fn signs(self) -> impl Iterator<Item = char> {
        let numbered = (CLASSES.len()..).zip(PUNCTUATION.chars());
        numbered.filter(move |(at, _)| self.has(*at)).map(|(_, sign)| sign)
    }
}

impl fmt::Display for Alphabet {
    /// As `characters` is written, spelled as all of a record is: `A-Za-z0-9 '\x09\x0a\x0d`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.classes().try_for_each(|(shown, ..)| f.write_str(shown))?;
        self.signs().try_for_each(|sign| match sign {
            '\\' => f.write_str(r"\\"),
            sign => write!(f, "{sign}"),
        })
    }
}

/// A text that is none of an [`Alphabet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoAlphabet;

impl FromStr for Alphabet {
    type Err = NoAlphabet;

    fn from_str(text: &str) -> Result<Self, NoAlphabet> {
        let (mut rest, mut bits) = (text, 0);
        for (at, (shown, ..)) in CLASSES.iter().enumerate() {
            if let Some(next) = rest.strip_prefix(shown) {
                (rest, bits) = (next, bits | 1 << at);
            }
        }
        while let Some(sign) = rest.chars().next() {
            let at = PUNCTUATION.find(sign).ok_or(NoAlphabet)?;
            rest = rest
                .strip_prefix(if sign == '\\' { r"\\" } else { &rest[..1] })
                .ok_or(NoAlphabet)?;
            bits |= 1 << (CLASSES.len() + at);
        }
        Ok(Self(bits))
    }
}

impl Serialize for Alphabet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Alphabet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Alphabet;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("characters, such as `A-Za-z0-9 '`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Alphabet, E> {
                text.parse()
                    .map_err(|NoAlphabet| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Reader)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

    use super::*;
    use crate::source::Source;

    fn of(value: &[u8]) -> Alphabet {
        Alphabet::of(ByteSet::present(value))
    }

    #[test]
    fn a_secret_is_told_by_kinds_and_punctuation_only() {
        assert_eq!(of(b"Hunter2!").to_string(), "A-Za-z0-9!");
        assert_eq!(of(b"zZ9!!"), of(b"Hunter2!"));
        assert_eq!(of("naïve\n".as_bytes()).to_string(), r"a-z\x09\x0a\x0d\x80-\xbf\xc2-\xf4");
        assert_eq!(of(b"C:\\x-\x00").to_string(), r"A-Za-z\x00-\x08\x0b\x0c\x0e-\x1f\x7f:\\-");
        assert_eq!(of(b""), Alphabet::EMPTY);
    }

    #[test]
    fn every_byte_is_of_one_kind_and_comes_back() {
        for byte in 0..=255_u8 {
            let alphabet = of(&[byte]);
            assert_eq!(alphabet.len(), 1, "{byte:#x}");
            assert_eq!(alphabet.to_string().parse(), Ok(alphabet), "{byte:#x}");
            assert!(Alphabet::ALL.contains(alphabet));
            let shown = alphabet.to_string();
            assert!(shown.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{shown}");
        }
        assert_eq!(Alphabet::ALL.to_string().parse(), Ok(Alphabet::ALL));
        assert_eq!(Alphabet::ALL, of(&(0..=255).collect::<Vec<u8>>()));
        for wrong in ["b", "0-9A-Z", r"\", r"\x41", "é"] {
            assert_eq!(wrong.parse::<Alphabet>(), Err(NoAlphabet), "{wrong}");
        }
    }

    /// The bytes that an exclusion with these `characters` takes.
    fn taken(characters: &str) -> ByteSet {
        let escape = |sign: char| format!("\\U{:08X}", u32::from(sign));
        let escaped: String = characters.chars().map(escape).collect();
        let text = format!(
            "- {{rule: a-rule, targets: [ARGS], characters: \"{escaped}\", reason: r, owner: o, \
             expires: 2027-06-30}}"
        );
        let exclusions = crate::yaml::exclusions(&Source::new("e.yaml", text)).unwrap();
        exclusions[0].characters.unwrap()
    }

    #[test]
    fn exclusions_take_what_an_alphabet_has_and_no_more() {
        let sayable: Vec<u8> = NEVER.complement().iter().collect();
        assert_eq!(of(b"\xff").characters(), None);
        assert_eq!(Alphabet::ALL.characters(), None);
        assert_eq!(Alphabet::EMPTY.characters(), None);
        for &byte in &sayable {
            let alphabet = of(&[byte]);
            let taken = taken(&alphabet.characters().unwrap());
            assert_eq!(taken, alphabet.bytes());
            let same = sayable.iter().filter(|&&other| of(&[other]) == alphabet);
            assert_eq!(taken, ByteSet::of(&same.copied().collect::<Vec<u8>>()), "{byte:#x}");
        }
        assert_eq!(taken(&of(&sayable).characters().unwrap()), NEVER.complement());
    }
}
