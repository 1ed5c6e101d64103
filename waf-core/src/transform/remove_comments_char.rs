//! `remove_comments_char`: the marks `/*`, `*/`, `--`, `#`, `<!--`, `-->` away; what stands between
//! them stays.

use super::Machine;
use crate::bytes::ByteSet;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct RemoveCommentsChar {
    at: At,
    changed: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum At {
    #[default]
    Text,
    /// The first byte of a mark, held back.
    Slash,
    Star,
    Dash,
    /// After `--`, which is gone; a `>` goes with it.
    Dashes,
    /// The start of `<!--`, held back.
    Less,
    LessBang,
    LessBangDash,
}

impl At {
    /// What is held back here.
    fn held(self) -> &'static [u8] {
        match self {
            Self::Text | Self::Dashes => b"",
            Self::Slash => b"/",
            Self::Star => b"*",
            Self::Dash => b"-",
            Self::Less => b"<",
            Self::LessBang => b"<!",
            Self::LessBangDash => b"<!-",
        }
    }

    fn is_mark_with(self, byte: u8) -> bool {
        matches!(
            (self, byte),
            (Self::Text, b'#')
                | (Self::Slash, b'*')
                | (Self::Star, b'/')
                | (Self::LessBangDash, b'-')
                | (Self::Dashes, b'>')
        )
    }

    fn held_with(self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (Self::Text, b'/') => Some(Self::Slash),
            (Self::Text, b'*') => Some(Self::Star),
            (Self::Text, b'-') => Some(Self::Dash),
            (Self::Text, b'<') => Some(Self::Less),
            (Self::Dash, b'-') => Some(Self::Dashes),
            (Self::Less, b'!') => Some(Self::LessBang),
            (Self::LessBang, b'-') => Some(Self::LessBangDash),
            _ => None,
        }
    }
}

impl Machine for RemoveCommentsChar {
    const TRIGGERS: ByteSet = ByteSet::of(b"/*-#<");

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        if self.at.is_mark_with(byte) {
            self.at = At::Text;
            self.changed = true;
        } else if let Some(at) = self.at.held_with(byte) {
            self.at = at;
            self.changed |= at == At::Dashes;
        } else if self.at == At::Text {
            out.push(byte);
        } else {
            // No mark after all. Of what was held only `<!-` ends in a byte that may begin one, and
            // it never meets a second dash here.
            out.extend_from_slice(self.at.held());
            self.at = At::Text;
            self.step(byte, out);
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.at.held());
        self.at = At::Text;
    }

    fn changed(&self) -> bool {
        self.changed
    }

    fn is_idle(&self) -> bool {
        self.at == At::Text
    }
}
