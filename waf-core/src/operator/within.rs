//! `within`: the value is a part of the text. The empty value is.

use super::{Answer, Machine, Parts};

/// A text that is asked for its parts; the value may be asked with something before and behind it.
#[derive(Clone, Debug)]
pub(super) struct Within {
    text: Parts,
    /// Where what stands before the value stands.
    start: Places,
    behind: Box<[u8]>,
}

/// Where in the text the value, as far as it is known, stands: a range of its sorted places.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Places {
    from: usize,
    to: usize,
    length: usize,
}

impl Within {
    pub(super) fn new(text: &str) -> Self {
        Self::between(&[], text.as_bytes(), &[])
    }

    /// Whether the value is a part of the text once it stands between two others.
    pub(super) fn between(before: &[u8], text: &[u8], behind: &[u8]) -> Self {
        let all = Places { from: 0, to: text.len(), length: 0 };
        let text = Parts::new(text);
        let start = before.iter().fold(all, |places, &byte| places.then(&text, byte));
        Self { text, start, behind: behind.into() }
    }
}

impl Places {
    /// Those of them at which `byte` comes next.
    fn then(self, text: &Parts, byte: u8) -> Self {
        let Self { from, to, length } = self;
        let left = if from < to { text.narrow((from, to), length, byte) } else { (from, to) };
        Self { from: left.0, to: left.1, length: length + 1 }
    }
}

impl Machine for Within {
    type State = Places;

    fn start(&self) -> Places {
        self.start
    }

    fn step(&self, places: &mut Places, byte: u8) -> Answer {
        *places = places.then(&self.text, byte);
        Answer::Open
    }

    fn finish(&self, places: Places) -> bool {
        let places = self.behind.iter().fold(places, |places, &byte| places.then(&self.text, byte));
        places.from < places.to || places.length == 0
    }
}
