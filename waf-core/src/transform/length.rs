//! `length`: the number of bytes, as decimal text.

use super::{Growth, Machine};
use crate::bytes::ByteSet;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Length(u64);

impl Machine for Length {
    const TRIGGERS: ByteSet = ByteSet::ALL;
    /// An empty value gives `0`; no number has more digits than bytes it counts.
    const GROWTH: Growth = Growth { factor: 1, per: 1, extra: 1 };

    fn step(&mut self, _byte: u8, _out: &mut Vec<u8>) {
        self.0 = self.0.saturating_add(1);
    }

    fn feed(&mut self, input: &[u8], _out: &mut Vec<u8>) {
        self.0 = self.0.saturating_add(input.len() as u64);
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.to_string().as_bytes());
    }

    fn changed(&self) -> bool {
        true
    }

    fn is_idle(&self) -> bool {
        false
    }
}
