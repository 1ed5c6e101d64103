//! What transformations make of fields. Many rules begin with the same steps: what a step gives is
//! kept, so that it is done once for all the rules that a field matches.

use std::collections::HashMap;
use std::sync::Arc;

use crate::limits;
use crate::rule::Transformation;
use crate::ruleset::{ChainTree, StepId};
use crate::transform::Transducer;

/// A value after some transformations.
#[derive(Clone, Debug)]
pub(super) struct Output {
    /// `None`: as it came.
    made: Option<Arc<[u8]>>,
    /// The last transformation made it another.
    pub(super) is_new: bool,
    /// The last transformation reports a change, as `multiMatch` asks.
    pub(super) reported: bool,
}

impl Output {
    /// The value as it came.
    pub(super) const UNTOUCHED: Self = Self { made: None, is_new: false, reported: true };

    /// After one more transformation; `came` is the value as it came.
    pub(super) fn then(&self, transformation: Transformation, came: &[u8]) -> Self {
        let before = self.value(came);
        let mut machine = Transducer::new(transformation);
        let mut out = Vec::with_capacity(before.len());
        machine.feed(before, &mut out);
        machine.finish(&mut out);
        let is_new = out != before;
        let made = if is_new { Some(out.into()) } else { self.made.clone() };
        Self { made, is_new, reported: machine.changed() }
    }

    /// The value; `came` is the one as it came.
    pub(super) fn value<'a>(&'a self, came: &'a [u8]) -> &'a [u8] {
        self.made.as_deref().unwrap_or(came)
    }
}

/// The outputs of the fields of one request, by row and step. What finds no room is made again.
#[derive(Debug, Default)]
pub(super) struct Outputs {
    kept: HashMap<(u32, StepId), Output>,
    /// Bytes that they take.
    weight: usize,
}

impl Outputs {
    /// What a row's value is after a step.
    pub(super) fn of(&mut self, row: u32, came: &[u8], step: StepId, chains: &ChainTree) -> Output {
        let Some(transformation) = chains.step(step).transformation else {
            return Output::UNTOUCHED;
        };
        if let Some(known) = self.kept.get(&(row, step)) {
            return known.clone();
        }
        let output =
            self.of(row, came, chains.step(step).parent, chains).then(transformation, came);
        let bytes = output.made.as_ref().filter(|_| output.is_new).map_or(0, |made| made.len());
        if self.weight + bytes + Self::ENTRY <= limits::OUTPUT_BYTES {
            self.weight += bytes + Self::ENTRY;
            self.kept.insert((row, step), output.clone());
        }
        output
    }

    /// The same, and the transformations up to there that made it another.
    pub(super) fn with_changes(
        &mut self,
        row: u32,
        came: &[u8],
        step: StepId,
        chains: &ChainTree,
    ) -> (Output, Vec<Transformation>) {
        let path = chains.path(step);
        let new = path.into_iter().filter(|&step| self.of(row, came, step, chains).is_new);
        let changes = new.filter_map(|step| chains.step(step).transformation).collect();
        (self.of(row, came, step, chains), changes)
    }

    /// Bytes of an output beside its own: the entry, and what an empty place of the table costs.
    const ENTRY: usize = 2 * size_of::<((u32, StepId), Output)>();
}

/// A copy is for other rows, which go by other numbers: it starts with nothing.
impl Clone for Outputs {
    fn clone(&self) -> Self {
        Self::default()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use Transformation::{Lowercase, RemoveWhitespace, UrlDecode};

    #[test]
    fn a_step_is_done_once_and_what_finds_no_room_is_made_again() {
        let mut chains = ChainTree::new();
        let lower = chains.intern(&[UrlDecode, Lowercase]);
        let tight = chains.intern(&[UrlDecode, Lowercase, RemoveWhitespace]);
        let mut outputs = Outputs::default();
        let first = outputs.of(7, b"%41 B", lower, &chains);
        assert_eq!(first.value(b"%41 B"), b"a b");
        let again = outputs.of(7, b"not looked at", lower, &chains);
        assert!(Arc::ptr_eq(first.made.as_ref().unwrap(), again.made.as_ref().unwrap()));
        let (last, changes) = outputs.with_changes(7, b"%41 B", tight, &chains);
        assert_eq!(
            (last.value(b""), changes),
            (&b"ab"[..], vec![UrlDecode, Lowercase, RemoveWhitespace])
        );
        let (plain, changes) = outputs.with_changes(8, b"ab", tight, &chains);
        assert_eq!((plain.value(b"ab"), changes), (&b"ab"[..], vec![]));

        let large = vec![b'A'; limits::OUTPUT_BYTES];
        let known = outputs.kept.len();
        assert_eq!(outputs.of(9, &large, lower, &chains).value(&large), large.to_ascii_lowercase());
        assert!(outputs.weight <= limits::OUTPUT_BYTES);
        // The step before, which leaves it as it came.
        assert_eq!(outputs.kept.len(), known + 1);
        for row in 10..20_000 {
            outputs.of(row, b"A", lower, &chains);
        }
        assert!(outputs.weight <= limits::OUTPUT_BYTES);
        assert!(outputs.kept.len() * Outputs::ENTRY <= limits::OUTPUT_BYTES);
    }
}
