//! `replace_comments`: `/* … */` to one space, also when it is not closed. A lone `*/` stays.

use super::Machine;
use crate::bytes::ByteSet;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ReplaceComments {
    at: At,
    changed: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum At {
    #[default]
    Text,
    /// After a `/` in text, held back.
    Slash,
    /// In a comment; its space is out.
    Comment,
    /// After a `*` in a comment.
    Star,
}

impl Machine for ReplaceComments {
    const TRIGGERS: ByteSet = ByteSet::of(b"/");

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.at = match (self.at, byte) {
            (At::Slash, b'*') => {
                self.changed = true;
                out.push(b' ');
                At::Comment
            }
            (At::Text, b'/') => At::Slash,
            (At::Slash, b'/') => {
                out.push(b'/');
                At::Slash
            }
            (At::Slash, _) => {
                out.extend([b'/', byte]);
                At::Text
            }
            (At::Text, _) => {
                out.push(byte);
                At::Text
            }
            (At::Comment | At::Star, b'*') => At::Star,
            (At::Star, b'/') => At::Text,
            (At::Comment | At::Star, _) => At::Comment,
        };
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if self.at == At::Slash {
            out.push(b'/');
        }
        self.at = At::Text;
    }

    fn changed(&self) -> bool {
        self.changed
    }

    fn is_idle(&self) -> bool {
        self.at == At::Text
    }
}
