//! `cmd_line`: what a shell ignores away.
//!
//! `"`, `'`, `\` and `^` go; a run of blanks, `,` and `;` becomes one space, or nothing before `/`
//! and `(`; letters become lower case.

use super::Machine;
use crate::bytes::ByteSet;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct CmdLine {
    /// A space is due unless `/` or `(` comes next.
    space: bool,
}

impl Machine for CmdLine {
    const TRIGGERS: ByteSet = ByteSet::range(b'A', b'Z').union(ByteSet::of(b"\"'\\^ ,;\t\r\n"));

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        match byte {
            b'"' | b'\'' | b'\\' | b'^' => return,
            b' ' | b',' | b';' | b'\t' | b'\r' | b'\n' => {
                self.space = true;
                return;
            }
            b'/' | b'(' => {}
            _ if self.space => out.push(b' '),
            _ => {}
        }
        self.space = false;
        out.push(byte.to_ascii_lowercase());
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.space) {
            out.push(b' ');
        }
    }

    /// ModSecurity's never says no.
    fn changed(&self) -> bool {
        true
    }

    fn is_idle(&self) -> bool {
        !self.space
    }
}
