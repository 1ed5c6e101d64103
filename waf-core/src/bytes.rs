//! [`ByteSet`]: which of the 256 bytes are meant.

/// A set of bytes.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ByteSet([u64; 4]);

impl ByteSet {
    /// No byte.
    pub const EMPTY: Self = Self([0; 4]);

    /// Every byte.
    pub const ALL: Self = Self([u64::MAX; 4]);

    /// The bytes of `bytes`.
    pub const fn of(bytes: &[u8]) -> Self {
        let mut set = Self::EMPTY;
        let mut i = 0;
        while i < bytes.len() {
            set = set.with(bytes[i]);
            i += 1;
        }
        set
    }

    /// The bytes from `first` to `last`, both included.
    pub const fn range(first: u8, last: u8) -> Self {
        let mut set = Self::EMPTY;
        let mut byte = first as u16;
        while byte <= last as u16 {
            set = set.with(byte as u8);
            byte += 1;
        }
        set
    }

    /// This set and `byte`.
    #[must_use]
    pub const fn with(mut self, byte: u8) -> Self {
        self.0[(byte >> 6) as usize] |= 1 << (byte & 63);
        self
    }

    /// The bytes in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self([
            self.0[0] | other.0[0],
            self.0[1] | other.0[1],
            self.0[2] | other.0[2],
            self.0[3] | other.0[3],
        ])
    }

    /// The bytes not in the set.
    #[must_use]
    pub const fn complement(self) -> Self {
        Self([!self.0[0], !self.0[1], !self.0[2], !self.0[3]])
    }

    /// Whether `byte` is in the set.
    pub const fn contains(self, byte: u8) -> bool {
        self.0[(byte >> 6) as usize] & (1 << (byte & 63)) != 0
    }

    /// Whether the sets share a byte.
    pub const fn intersects(self, other: Self) -> bool {
        (self.0[0] & other.0[0])
            | (self.0[1] & other.0[1])
            | (self.0[2] & other.0[2])
            | (self.0[3] & other.0[3])
            != 0
    }

    /// The bytes of both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self([
            self.0[0] & other.0[0],
            self.0[1] & other.0[1],
            self.0[2] & other.0[2],
            self.0[3] & other.0[3],
        ])
    }

    /// Whether no byte is in the set.
    pub const fn is_empty(self) -> bool {
        (self.0[0] | self.0[1] | self.0[2] | self.0[3]) == 0
    }

    /// The byte of a set that has just one.
    pub const fn only(self) -> Option<u8> {
        let mut only = None;
        let mut word = 0;
        while word < self.0.len() {
            match (self.0[word].count_ones(), only) {
                (0, _) => {}
                (1, None) => only = Some((word as u32 * 64 + self.0[word].trailing_zeros()) as u8),
                _ => return None,
            }
            word += 1;
        }
        only
    }

    /// The bytes that occur in a value.
    pub fn present(value: &[u8]) -> Self {
        let mut set = Self::EMPTY;
        set.insert_all(value);
        set
    }

    /// Adds every byte of `bytes`.
    pub fn insert_all(&mut self, bytes: &[u8]) {
        if bytes.len() < LONG {
            for &byte in bytes {
                self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
            }
            return;
        }
        let mut seen = [0; 256];
        bytes.iter().for_each(|&byte| seen[usize::from(byte)] = 1);
        for (at, marks) in seen.as_chunks().0.iter().enumerate() {
            self.0[at / 8] |= pack(*marks) << (at % 8 * 8);
        }
    }

    /// The bytes of the set in order.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        let words = self.0.into_iter().zip([0, 64, 128, 192]);
        words.flat_map(|(word, first)| bits(word).map(move |bit| first + bit as u8))
    }
}

/// Bytes from which on a table of marks is quicker than bits, that wait for each other.
const LONG: usize = 64;

/// Eight marks of 0 or 1 as eight bits. The factor moves mark `n` from bit `8n` to bit `56 + n`, and
/// no two others to the same place.
fn pack(marks: [u8; 8]) -> u64 {
    u64::from_le_bytes(marks).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// A hash of some bytes. Words folded by rotating and multiplying: quick, and good enough where a
/// collision costs nothing but a look.
pub(crate) fn fold(seed: u64, bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(FACTOR);
    let (words, rest) = bytes.as_chunks();
    let first = mix(seed, bytes.len() as u64);
    let hash = words.iter().fold(first, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let hash = mix(hash, u64::from_le_bytes(last));
    // What the last factor has mixed least stands lowest.
    hash >> 16
}

/// The places of the ones in a word, in order.
pub(crate) fn bits(mut word: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let bit = word.trailing_zeros();
        word &= word.wrapping_sub(1);
        (bit < u64::BITS).then_some(bit)
    })
}

impl std::fmt::Debug for ByteSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter().map(|byte| byte.escape_ascii().to_string())).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_the_bytes_that_were_put_in() {
        for length in [0, 1, 5, LONG - 1, LONG, 3 * LONG] {
            let bytes: Vec<u8> = (0..length).map(|at| (at * at % 251) as u8 ^ 0xa5).collect();
            let mut sorted = bytes.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(ByteSet::present(&bytes).iter().collect::<Vec<_>>(), sorted, "{length}");
        }
        assert_eq!(ByteSet::ALL.iter().count(), 256);
    }
}
