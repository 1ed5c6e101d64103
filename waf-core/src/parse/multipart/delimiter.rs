//! [`Delimiter`]: finds `CRLF "--" boundary` in content that comes in pieces.

use memchr::memchr2;

/// The line end and the dashes before a boundary.
const LEAD: &[u8] = b"\r\n--";

/// The search: exact at any cut, one pass.
///
/// CR and LF stand only at the front of what is searched, so after a mismatch nothing but the
/// mismatching byte itself can begin a delimiter. A bare LF is taken for a line end too, because
/// some back ends do.
pub(super) struct Delimiter {
    /// `CRLF "--" boundary`; no CR or LF in the boundary.
    pattern: Vec<u8>,
    /// The stretch of `pattern` that was read and may be a delimiter: `from <= to <= len`.
    from: usize,
    to: usize,
}

/// How a line with a boundary begins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LineStart {
    /// After CRLF, as it should.
    Crlf,
    /// After a bare LF.
    Lf,
    /// Where the body or the content begins.
    First,
}

impl Delimiter {
    /// A search that begins at the start of a line.
    pub(super) fn new(boundary: &[u8]) -> Self {
        let pattern = [LEAD, boundary].concat();
        Self { pattern, from: 2, to: 2 }
    }

    /// How many bytes at the front of `input` cannot be part of a delimiter.
    pub(super) fn run(&self, input: &[u8]) -> usize {
        if self.to > 0 {
            return 0;
        }
        let mut at = 0;
        loop {
            let rest = input.get(at..).unwrap_or(&[]);
            let Some(end) = memchr2(b'\r', b'\n', rest) else {
                return input.len();
            };
            let line = rest.get(end..).unwrap_or(&[]);
            if self.may_begin(line) {
                return at + end;
            }
            at += end + 1;
        }
    }

    /// Takes a byte that may be part of a delimiter; false when it is not, nor is what is held.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        if self.to == 0 && byte == b'\n' {
            (self.from, self.to) = (1, 2);
            return true;
        }
        let taken = self.pattern.get(self.to) == Some(&byte);
        self.to += usize::from(taken);
        taken
    }

    /// Whether a line end, the dashes and the boundary were read.
    pub(super) fn is_complete(&self) -> bool {
        self.to == self.pattern.len()
    }

    /// The bytes held.
    pub(super) fn held(&self) -> &[u8] {
        self.pattern.get(self.from..self.to).unwrap_or(&[])
    }

    /// What was before the dashes of the delimiter that is held.
    pub(super) fn line_start(&self) -> LineStart {
        match self.from {
            0 => LineStart::Crlf,
            1 => LineStart::Lf,
            _ => LineStart::First,
        }
    }

    /// Holds nothing: we are inside a line.
    pub(super) fn reset(&mut self) {
        (self.from, self.to) = (0, 0);
    }

    /// Holds nothing: we are at the start of a line.
    pub(super) fn reset_to_line_start(&mut self) {
        (self.from, self.to) = (2, 2);
    }

    /// Whether a line begins with dashes and boundary.
    pub(super) fn begins(&self, line: &[u8]) -> bool {
        self.pattern.get(2..).is_some_and(|dashed| line.starts_with(dashed))
    }

    /// Whether what begins with CR or LF is a delimiter, as far as it goes.
    fn may_begin(&self, line: &[u8]) -> bool {
        let skip = usize::from(line.first() == Some(&b'\n'));
        self.pattern.iter().skip(skip).zip(line).all(|(expected, byte)| expected == byte)
    }
}
