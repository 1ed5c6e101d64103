//! `within`: the value is a part of the text. The empty value is.

use super::{Answer, Machine};

#[derive(Clone, Debug)]
pub(super) struct Within(Box<[u8]>);

/// Where in the text the value, as far as it is known, stands first. The text is its own record of
/// the value, so nothing else is kept.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Place {
    At { start: usize, length: usize },
    Nowhere,
}

impl Within {
    pub(super) fn new(text: &str) -> Self {
        Self(text.as_bytes().into())
    }

    /// The first place from `start` on where the `length` bytes at `start` and then `byte` stand.
    ///
    /// The start only moves forward over a value, so a value costs at most the square of the text's
    /// length, however long it is.
    fn next_place(&self, start: usize, length: usize, byte: u8) -> Option<usize> {
        if self.0.get(start + length) == Some(&byte) {
            return Some(start);
        }
        let so_far = self.0.get(start..start + length)?;
        let places = self.0.get(start..)?.windows(length + 1);
        let found = places.into_iter().position(|window| {
            window.split_last().is_some_and(|(&last, head)| last == byte && head == so_far)
        });
        found.map(|offset| start + offset)
    }
}

impl Machine for Within {
    type State = Place;

    fn start(&self) -> Place {
        Place::At { start: 0, length: 0 }
    }

    fn step(&self, place: &mut Place, byte: u8) -> Answer {
        if let Place::At { start, length } = *place {
            *place = match self.next_place(start, length, byte) {
                Some(start) => Place::At { start, length: length + 1 },
                None => Place::Nowhere,
            };
        }
        Answer::Open
    }

    fn finish(&self, place: Place) -> bool {
        place != Place::Nowhere
    }
}
