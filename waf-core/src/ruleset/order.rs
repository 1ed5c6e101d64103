//! In which order the rules of a phase are run, and which of them have to be.

use super::ids::SignatureId;
use super::program::ProgramRule;
use crate::bytes::bits;

/// The rules of a phase, by ordinal, ascending.
#[derive(Debug, Default)]
pub(crate) struct Order {
    /// All of them.
    pub(crate) all: Vec<u32>,
    /// Those that are run whatever scanning finds: a bit for each place in `all`.
    always: Vec<u64>,
    /// The others, by their places: those that come to nothing unless a signature is true of some
    /// field. Sorted.
    woken: Vec<(SignatureId, u32)>,
    /// The signatures of `woken`: a bit each.
    waking: Vec<u64>,
}

impl Order {
    /// The next rule.
    pub(crate) fn push(&mut self, ordinal: u32, rule: &ProgramRule) {
        let place = self.all.len();
        self.all.push(ordinal);
        self.always.resize(place / 64 + 1, 0);
        let Some(waking) = rule.waits_for().iter().find(|link| link.scanned) else {
            self.always[place / 64] |= 1 << (place % 64);
            return;
        };
        for &signature in &waking.signatures {
            let entry = (signature, place as u32);
            let at = self.woken.partition_point(|known| *known < entry);
            self.woken.insert(at, entry);
            let word = signature.index() / 64;
            self.waking.resize(self.waking.len().max(word + 1), 0);
            self.waking[word] |= 1 << (signature.index() % 64);
        }
    }

    /// The rules that may come to something. `seen`: the signatures that are true of some field, a
    /// bit each.
    pub(crate) fn due(&self, seen: &[u64]) -> impl Iterator<Item = u32> {
        let mut due = self.always.clone();
        for (word, (seen, waking)) in seen.iter().zip(&self.waking).enumerate() {
            for bit in bits(seen & waking) {
                let signature = SignatureId((word * 64) as u16 + bit as u16);
                let from = self.woken.partition_point(|(known, _)| *known < signature);
                let woken = self.woken[from..].iter().take_while(|(known, _)| *known == signature);
                woken.for_each(|&(_, place)| due[place as usize / 64] |= 1 << (place % 64));
            }
        }
        let places = due.into_iter().enumerate();
        let places =
            places.flat_map(|(word, set)| bits(set).map(move |bit| word * 64 + bit as usize));
        places.map(|place| self.all[place])
    }
}
