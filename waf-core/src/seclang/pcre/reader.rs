//! A pattern, read byte by byte.

use super::PcreError;

pub(super) struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    quoting: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, quoting: false }
    }

    /// Bytes read.
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    /// What is not read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    pub(super) fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Reads the last byte again.
    pub(super) fn back(&mut self) {
        self.at = self.at.saturating_sub(1);
    }

    /// Reads `text` if it stands here.
    pub(super) fn eat(&mut self, text: &[u8]) -> bool {
        let stands_here = self.rest().starts_with(text);
        if stands_here {
            self.at += text.len();
        }
        stands_here
    }

    /// Reads at most `most` bytes, as long as they are wanted.
    pub(super) fn take(&mut self, most: usize, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let count = rest.iter().take(most).take_while(|&&byte| wanted(byte)).count();
        let (taken, _) = rest.split_at(count);
        self.at += count;
        taken
    }

    /// Reads up to `end` and `end` itself; `None`, and nothing read, where it does not occur.
    pub(super) fn until(&mut self, end: u8) -> Option<&'a [u8]> {
        let length = self.rest().iter().position(|&byte| byte == end)?;
        let taken = self.take(length, |_| true);
        self.at += 1;
        Some(taken)
    }

    /// Reads past the next `end`, or all that is left.
    pub(super) fn skip_past(&mut self, end: u8) {
        if self.until(end).is_none() {
            self.at = self.text.len();
        }
    }

    /// Reads `\Q` and `\E`, if they stand here. Between them bytes mean themselves.
    pub(super) fn skip_quotes(&mut self) {
        loop {
            if self.eat(br"\E") {
                self.quoting = false;
            } else if !self.quoting && self.eat(br"\Q") {
                self.quoting = true;
            } else {
                return;
            }
        }
    }

    /// Whether what comes means itself.
    pub(super) fn is_quoting(&self) -> bool {
        self.quoting
    }

    /// A decimal number; `None`, and nothing read, where none stands. Too large ones saturate.
    pub(super) fn number(&mut self) -> Option<u32> {
        let digits = self.take(usize::MAX, |byte| byte.is_ascii_digit());
        let add = |number: u32, digit: &u8| {
            number.saturating_mul(10).saturating_add(u32::from(digit - b'0'))
        };
        (!digits.is_empty()).then(|| digits.iter().fold(0, add))
    }

    /// A character code written in `radix`, in at most `most` digits; no digits are 0.
    pub(super) fn code(&mut self, radix: u32, most: usize) -> Option<u32> {
        let digits = self.take(most, |byte| char::from(byte).is_digit(radix));
        let add = |code: u32, digit: &u8| {
            code.checked_mul(radix)?.checked_add(char::from(*digit).to_digit(radix)?)
        };
        digits.iter().try_fold(0, add)
    }

    /// `n}`, `n,}` or `n,m}`, behind a `{` that stands at `offset`. Where anything else stands
    /// nothing is read: the brace is a brace.
    pub(super) fn counts(&mut self, offset: usize) -> Result<Option<String>, PcreError> {
        let start = self.at;
        let Some((least, most)) = self.bounds() else {
            self.at = start;
            return Ok(None);
        };
        // What PCRE allows.
        if least.max(most.flatten().unwrap_or(0)) > 65_535 {
            return Err(PcreError::new(offset, "a repeat counts to at most 65535"));
        }
        if most.flatten().is_some_and(|most| most < least) {
            return Err(PcreError::new(offset, "the bounds of this repeat are out of order"));
        }
        Ok(Some(match most {
            None => format!("{{{least}}}"),
            Some(None) => format!("{{{least},}}"),
            Some(Some(most)) => format!("{{{least},{most}}}"),
        }))
    }

    fn bounds(&mut self) -> Option<(u32, Option<Option<u32>>)> {
        let least = self.number()?;
        let most = self.eat(b",").then(|| self.number());
        self.eat(b"}").then_some((least, most))
    }
}
