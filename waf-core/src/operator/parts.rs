//! `within` of whole values: the places of a text, sorted by what stands there.

use std::cmp::Ordering;

/// A text, ready to be asked for its parts. A question takes as many comparisons as the text's
/// length has binary digits, most of them of a number.
#[derive(Clone, Debug)]
pub struct Parts {
    text: Box<[u8]>,
    /// Every place in the text, by the text from there on (a suffix array).
    places: Box<[u32]>,
    /// The first bytes at each of these places.
    heads: Box<[u64]>,
}

impl Parts {
    /// The parts of a text; of its first 4 GiB, which no rule comes near.
    pub fn new(text: &[u8]) -> Self {
        let mut places: Vec<u32> = (0..u32::try_from(text.len()).unwrap_or(u32::MAX)).collect();
        places.sort_unstable_by_key(|&place| &text[place as usize..]);
        let heads = places.iter().map(|&place| head(&text[place as usize..], 0)).collect();
        Self { text: text.into(), places: places.into(), heads }
    }

    /// The places, of a range of them where the same `length` bytes stand, at which `byte` comes
    /// next. All places are the range from 0 to the text's length.
    pub(super) fn narrow(
        &self,
        (from, to): (usize, usize),
        length: usize,
        byte: u8,
    ) -> (usize, usize) {
        let next = |&place: &u32| self.text.get(place as usize + length).copied();
        let places = &self.places[from..to];
        let before = places.partition_point(|place| next(place) < Some(byte));
        let alike = places[before..].partition_point(|place| next(place) == Some(byte));
        (from + before, from + before + alike)
    }

    /// The text.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Whether `part` stands somewhere in the text. The empty part does.
    pub fn has(&self, part: &[u8]) -> bool {
        let (least, most) = (head(part, 0), head(part, u8::MAX));
        let from = self.heads.partition_point(|&head| head < least);
        let alike = self.heads[from..].partition_point(|&head| head <= most);
        let compare = |&place: &u32| -> Ordering {
            let rest = &self.text[place as usize..];
            rest[..rest.len().min(part.len())].cmp(part)
        };
        part.is_empty() || self.places[from..from + alike].binary_search_by(compare).is_ok()
    }
}

/// The first bytes as a number that is ordered as they are; `rest` stands for those that are none.
fn head(text: &[u8], rest: u8) -> u64 {
    let mut bytes = [rest; 8];
    let length = text.len().min(bytes.len());
    bytes[..length].copy_from_slice(&text[..length]);
    u64::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every word of up to four of two bytes, in every text of up to seven, against `memmem`. One
    /// of the bytes is the one that stands for what a text does not have.
    #[test]
    fn parts_are_what_a_search_finds() {
        let words = |longest: u32| {
            let of = |length: u32| {
                (0..1_u32 << length).map(move |bits| {
                    (0..length).map(|at| (bits >> at & 1) as u8).collect::<Vec<u8>>()
                })
            };
            (0..=longest).flat_map(of)
        };
        for text in words(7) {
            let parts = Parts::new(&text);
            for part in words(4) {
                let found = memchr::memmem::find(&text, &part).is_some();
                assert_eq!(parts.has(&part), found, "{part:?} in {text:?}");
                let narrow = |range: (usize, usize), (length, &byte): (usize, &u8)| {
                    parts.narrow(range, length, byte)
                };
                let (from, to) = part.iter().enumerate().fold((0, text.len()), narrow);
                let places = text.windows(part.len().max(1)).filter(|it| it.starts_with(&part));
                assert_eq!(to - from, places.count(), "{part:?} in {text:?}");
            }
        }
        // Beyond the first bytes.
        let long = Parts::new(b"0123456789 0123456789a 0123456789");
        assert!(long.has(b"0123456789a") && long.has(b"123456789 0123456789a 0"));
        assert!(!long.has(b"0123456789b") && !long.has(b"0123456789a 0123456789 "));
        let list = Parts::new(b"/if/ /expect/ /x-http-method/");
        assert!(list.has(b"/expect/") && list.has(b"ct/ /x"));
        assert!(!list.has(b"/host/") && !list.has(b"/if//") && !list.has(b"\xff"));
    }
}
