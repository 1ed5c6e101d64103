//! Chance that is the same in every run.

/// A small random source (xorshift).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The source of a seed, which is not 0.
    pub fn new(seed: u64) -> Self {
        debug_assert_ne!(seed, 0, "xorshift stays at 0");
        Self(seed)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % bound
    }
}
