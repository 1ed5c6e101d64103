//! Numbers that look random and are the same in every run.

/// splitmix64, by Sebastiano Vigna (public domain).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }

    /// One of `choices`, which are not empty.
    pub(crate) fn one<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// Whether something that happens once in `bound` times happens.
    pub(crate) fn once_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    /// `value` with a few bytes changed, doubled, dropped or swapped for those of `alphabet`.
    pub(crate) fn mutate(&mut self, value: &[u8], alphabet: &[&[u8]]) -> Vec<u8> {
        let mut value = value.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(value.len() + 1);
            match self.below(6) {
                0 => value.truncate(at),
                1 if at < value.len() => drop(value.remove(at)),
                2 if at < value.len() => value[at] ^= 0x20,
                3 => value.insert(at, self.below(256) as u8),
                4 => {
                    let end = (at + self.below(8)).min(value.len());
                    let again = value[at..end].to_vec();
                    value.splice(at..at, again);
                }
                _ => drop(value.splice(at..at, self.one(alphabet).iter().copied())),
            }
        }
        value
    }
}
