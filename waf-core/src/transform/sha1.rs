//! `sha1`: the SHA-1 digest, 20 bytes.

use ::sha1::Digest;

use super::{Growth, Machine};
use crate::bytes::ByteSet;

/// Boxed: its block of 64 bytes would make every transducer that large.
#[derive(Clone, Debug, Default)]
pub(super) struct Sha1(Box<::sha1::Sha1>);

/// The crate does not show its state; equal digests stand for equal states.
impl PartialEq for Sha1 {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_ref().clone().finalize() == other.0.as_ref().clone().finalize()
    }
}

impl Machine for Sha1 {
    const TRIGGERS: ByteSet = ByteSet::ALL;
    const GROWTH: Growth = Growth { factor: 0, per: 1, extra: 20 };

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.feed(&[byte], out);
    }

    fn feed(&mut self, input: &[u8], _out: &mut Vec<u8>) {
        self.0.update(input);
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.finalize_reset());
    }

    fn changed(&self) -> bool {
        true
    }

    fn is_idle(&self) -> bool {
        false
    }
}
