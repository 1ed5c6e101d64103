//! `lowercase`: ASCII letters to lower case.

use super::Machine;
use crate::bytes::ByteSet;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Lowercase {
    changed: bool,
}

impl Machine for Lowercase {
    const TRIGGERS: ByteSet = ByteSet::range(b'A', b'Z');

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.feed(&[byte], out);
    }

    /// Without branches: text has a capital every few bytes.
    fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) {
        self.changed |= input.iter().any(u8::is_ascii_uppercase);
        out.extend(input.iter().map(u8::to_ascii_lowercase));
    }

    fn changed(&self) -> bool {
        self.changed
    }
}
