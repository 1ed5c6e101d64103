//! `hex_encode`: every byte as two hex digits in lower case.

use super::{Growth, Machine};
use crate::bytes::ByteSet;

const DIGITS: [u8; 16] = *b"0123456789abcdef";

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct HexEncode;

impl Machine for HexEncode {
    const TRIGGERS: ByteSet = ByteSet::ALL;
    const GROWTH: Growth = Growth { factor: 2, per: 1, extra: 0 };

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        out.extend([byte >> 4, byte & 0xf].map(|digit| DIGITS[usize::from(digit)]));
    }

    fn changed(&self) -> bool {
        true
    }
}
