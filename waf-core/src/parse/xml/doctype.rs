//! [`Doctype`]: finds the end of a document type declaration without reading it.

/// Where in the declaration we are.
#[derive(Clone, Copy)]
pub(super) struct Doctype {
    inside: Inside,
    /// In the internal subset, between `[` and `]`.
    subset: bool,
    /// The last four bytes of markup, newest lowest.
    recent: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Markup,
    Quotes(u8),
    Comment,
    Instruction,
}

impl Doctype {
    /// Behind `<!DOCTYPE`.
    pub(super) fn new() -> Self {
        Self { inside: Inside::Markup, subset: false, recent: 0 }
    }

    /// Takes a byte; true when it is the closing `>`.
    pub(super) fn ends_at(&mut self, byte: u8) -> bool {
        self.recent = self.recent << 8 | u32::from(byte);
        let [_, second, third, last] = self.recent.to_be_bytes();
        let inside = match self.inside {
            Inside::Quotes(quote) if byte == quote => Inside::Markup,
            Inside::Comment if [second, third, last] == *b"-->" => Inside::Markup,
            Inside::Instruction if [third, last] == *b"?>" => Inside::Markup,
            Inside::Markup => return self.in_markup(byte),
            inside => inside,
        };
        self.enter(inside);
        false
    }

    fn in_markup(&mut self, byte: u8) -> bool {
        match byte {
            b'"' | b'\'' => self.enter(Inside::Quotes(byte)),
            b'-' if self.recent.to_be_bytes() == *b"<!--" => self.enter(Inside::Comment),
            b'?' if self.recent.to_be_bytes().ends_with(b"<?") => self.enter(Inside::Instruction),
            b'[' => self.subset = true,
            b']' => self.subset = false,
            b'>' => return !self.subset,
            _ => {}
        }
        false
    }

    /// What was read before belongs to what it was in.
    fn enter(&mut self, inside: Inside) {
        if inside != self.inside {
            self.recent = 0;
            self.inside = inside;
        }
    }
}
