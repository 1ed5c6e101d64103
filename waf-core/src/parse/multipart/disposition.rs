//! Content-Disposition of a part (RFC 7578 section 4.2).

use crate::parse::media_type::is_token;

/// What the header says, and whether parsers may read it differently.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Disposition {
    /// Every `name`.
    pub(super) names: Vec<Parameter>,
    /// Every `filename`, `filename*` included.
    pub(super) filenames: Vec<Parameter>,
    /// It does not keep to the grammar, or says something twice or in the form of RFC 2231.
    pub(super) malformed: bool,
}

/// A parameter's value without quotes, and where it begins in the header's value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) value: Vec<u8>,
    pub(super) at: usize,
}

impl Disposition {
    /// Reads a header's value; line ends of a folded one count as blanks.
    pub(super) fn parse(value: &[u8]) -> Self {
        let mut reader = Reader { text: value, at: 0 };
        let mut disposition = Self::default();
        let kind = reader.until(|byte| byte == b';').trim_ascii();
        disposition.malformed = !kind.eq_ignore_ascii_case(b"form-data");
        while reader.next_parameter() {
            disposition.parameter(&mut reader);
        }
        let twice = disposition.names.len() > 1 || disposition.filenames.len() > 1;
        disposition.malformed |= twice;
        disposition
    }

    /// The same, its parameters' places counted from `by` bytes further left.
    pub(super) fn shifted(mut self, by: usize) -> Self {
        self.names.iter_mut().chain(&mut self.filenames).for_each(|found| found.at += by);
        self
    }

    fn parameter(&mut self, reader: &mut Reader<'_>) {
        let name = reader.until(|byte| matches!(byte, b'=' | b';'));
        if !reader.skip(b'=') {
            self.malformed |= !name.trim_ascii().is_empty();
            return;
        }
        self.malformed |= !is_token(name);
        let (parameter, clean) = reader.value();
        self.malformed |= !clean;
        let name = name.trim_ascii().to_ascii_lowercase();
        // `name*`, `filename*` and `filename*0` are read by some back ends, not by all.
        let mut base = name.splitn(2, |&byte| byte == b'*');
        let list = match base.next() {
            Some(b"name") => &mut self.names,
            Some(b"filename") => &mut self.filenames,
            _ => return,
        };
        self.malformed |= base.next().is_some();
        list.push(parameter);
    }
}

/// A place in the header's value.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or(&[])
    }

    /// The bytes before the first that is meant, or all.
    fn until(&mut self, stop: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let end = rest.iter().position(|&byte| stop(byte)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or(rest)
    }

    /// Goes over `byte` if it is next.
    fn skip(&mut self, byte: u8) -> bool {
        let next = self.rest().first() == Some(&byte);
        self.at += usize::from(next);
        next
    }

    /// Goes to the start of the next parameter, if there is one.
    fn next_parameter(&mut self) -> bool {
        if !self.skip(b';') {
            return false;
        }
        self.until(|byte| !byte.is_ascii_whitespace());
        true
    }

    /// What follows `=`, up to the next `;`; false when it is odd.
    fn value(&mut self) -> (Parameter, bool) {
        match self.rest().first() {
            Some(&quote @ (b'"' | b'\'')) => {
                self.at += 1;
                let at = self.at;
                let (value, closed) = self.quoted(quote);
                let after = self.until(|byte| byte == b';').trim_ascii();
                // ModSecurity takes single quotes for quotes, others for part of the value.
                let clean = closed && after.is_empty() && quote == b'"';
                (Parameter { value, at }, clean)
            }
            _ => {
                let at = self.at;
                let value = self.until(|byte| byte == b';').trim_ascii_end();
                (Parameter { value: value.to_vec(), at }, is_token(value))
            }
        }
    }

    /// Behind the opening quote. A backslash escapes only a quote or a backslash: some browsers
    /// send whole Windows paths.
    fn quoted(&mut self, quote: u8) -> (Vec<u8>, bool) {
        let mut value = Vec::new();
        while let Some(&byte) = self.rest().first() {
            self.at += 1;
            if byte == quote {
                return (value, true);
            }
            let next = self.rest().first().copied();
            match next {
                Some(escaped) if byte == b'\\' && (escaped == quote || escaped == b'\\') => {
                    self.at += 1;
                    value.push(escaped);
                }
                _ => value.push(byte),
            }
        }
        (value, false)
    }
}
