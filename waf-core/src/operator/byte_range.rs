//! `validate_byte_range`: some byte is outside the set. The empty value is fine.

use super::{Answer, Machine};
use crate::bytes::ByteSet;

#[derive(Clone, Debug)]
pub(super) struct ByteRange(pub(super) ByteSet);

impl Machine for ByteRange {
    type State = ();

    fn start(&self) {}

    fn step(&self, (): &mut (), byte: u8) -> Answer {
        if self.0.contains(byte) { Answer::Open } else { Answer::True }
    }

    fn finish(&self, (): ()) -> bool {
        false
    }
}
