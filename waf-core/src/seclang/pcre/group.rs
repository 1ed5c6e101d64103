//! Groups, and the flags that hold in them.

use super::{PcreError, Rewriter};

/// What `(?imsxU)` switch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    pub(super) ignore_case: bool,
    pub(super) multi_line: bool,
    pub(super) dot_all: bool,
    pub(super) extended: bool,
    pub(super) ungreedy: bool,
}

/// A group that is open.
pub(super) struct Group {
    /// Where it begins in the pattern.
    pub(super) offset: usize,
    /// Where it begins in the text.
    start: usize,
    /// Whether it is look-around, which no engine repeats.
    is_look: bool,
    /// What holds again behind it.
    flags: Flags,
}

/// Groups that only a backtracking engine knows, longest first where one begins another.
const HARD: [(&[u8], &str); 5] = [
    (b"<=", "look-behind"),
    (b"<!", "look-behind"),
    (b"=", "look-ahead"),
    (b"!", "look-ahead"),
    (b">", "atomic group"),
];

impl Rewriter<'_> {
    /// A group, a comment or flags, whose `(`, at `offset`, is read.
    pub(super) fn open_group(&mut self, offset: usize) -> Result<(), PcreError> {
        if self.input.rest().starts_with(b"*") {
            return Err(PcreError::new(offset, "verbs such as (*FAIL) are not supported"));
        }
        if !self.input.eat(b"?") {
            return self.capture(offset);
        }
        for (text, what) in HARD {
            if self.input.eat(text) {
                self.backtrack(what, offset);
                // They are ASCII.
                self.begin_group(offset, &format!("(?{}", String::from_utf8_lossy(text)));
                return Ok(());
            }
        }
        if self.input.eat(b"#") {
            let closed = self.input.until(b')').is_some();
            return if closed { Ok(()) } else { Err(PcreError::new(offset, "no `)` ends this")) };
        }
        if self.input.eat(b"P=") {
            return self.named_reference(offset);
        }
        for (open, close) in [(&b"P<"[..], b'>'), (b"<", b'>'), (b"'", b'\'')] {
            if self.input.eat(open) {
                return self.named_capture(offset, close);
            }
        }
        self.flags(offset)
    }

    /// The end of a group, at `offset`.
    pub(super) fn close_group(&mut self, offset: usize) -> Result<(), PcreError> {
        let Some(group) = self.open.pop() else {
            return Err(PcreError::new(offset, "there is no group to close"));
        };
        self.out.push(')');
        self.flags = group.flags;
        self.atom = Some(group.start).filter(|_| !group.is_look);
        Ok(())
    }

    fn begin_group(&mut self, offset: usize, text: &str) {
        let is_look = ["(?=", "(?!", "(?<"].iter().any(|look| text.starts_with(look));
        self.open.push(Group { offset, start: self.out.len(), is_look, flags: self.flags });
        self.out.push_str(text);
        self.atom = None;
    }

    fn capture(&mut self, offset: usize) -> Result<(), PcreError> {
        let many = || PcreError::new(offset, "there are too many groups");
        self.groups = self.groups.checked_add(1).filter(|&n| n < u16::MAX).ok_or_else(many)?;
        self.begin_group(offset, "(");
        Ok(())
    }

    fn named_capture(&mut self, offset: usize, close: u8) -> Result<(), PcreError> {
        let name = self.input.until(close).filter(|name| is_name(name));
        let name = name.ok_or_else(|| PcreError::new(offset, "this is no name of a group"))?;
        self.capture(offset)?;
        match self.names.insert(name.to_vec(), self.groups) {
            None => Ok(()),
            Some(_) => Err(PcreError::new(offset, "two groups have this name")),
        }
    }

    fn named_reference(&mut self, offset: usize) -> Result<(), PcreError> {
        let name = self.input.until(b')').unwrap_or_default();
        let Some(&group) = self.names.get(name) else {
            return Err(PcreError::new(offset, "there is no group of this name"));
        };
        self.reference(group, offset);
        Ok(())
    }

    /// `(?flags)`, which hold to the end of the group around them, or `(?flags:`.
    fn flags(&mut self, offset: usize) -> Result<(), PcreError> {
        let mut flags = self.flags;
        let mut on = true;
        loop {
            match self.input.next() {
                Some(b'i') => flags.ignore_case = on,
                Some(b'm') => flags.multi_line = on,
                Some(b's') => flags.dot_all = on,
                // A second `x` would change classes.
                Some(b'x') if !self.input.rest().starts_with(b"x") => flags.extended = on,
                Some(b'U') => flags.ungreedy = on,
                Some(b'-') if on => on = false,
                Some(b')') => {
                    self.out.push_str(&self.case(flags, ")"));
                    self.atom = None;
                    self.flags = flags;
                    return Ok(());
                }
                Some(b':') => {
                    self.begin_group(offset, &self.case(flags, ":"));
                    self.flags = flags;
                    return Ok(());
                }
                _ => return Err(PcreError::new(offset, "this kind of group is not supported")),
            }
        }
    }

    /// The one flag that is left to the engine, with what ends it.
    fn case(&self, flags: Flags, end: &str) -> String {
        match (self.flags.ignore_case, flags.ignore_case) {
            (false, true) => format!("(?i{end}"),
            (true, false) => format!("(?-i{end}"),
            _ if end == ":" => "(?:".to_owned(),
            _ => String::new(),
        }
    }
}

/// What PCRE takes as a name, without UTF.
fn is_name(name: &[u8]) -> bool {
    let starts = name.first().is_some_and(|byte| !byte.is_ascii_digit());
    starts && name.len() <= 32 && name.iter().all(|&b| b.is_ascii_alphanumeric() || b == b'_')
}
