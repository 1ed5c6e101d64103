//! What the tokenizer makes of SQL text.

/// What a token is. Its discriminant is the letter that libinjection writes for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Keyword = b'k',
    Union = b'U',
    /// `GROUP BY`, `ORDER BY`, `LIMIT` …
    Group = b'B',
    /// What begins an expression: `SELECT`, `INSERT` …
    Expression = b'E',
    SqlType = b't',
    Function = b'f',
    /// A name, or a word without a meaning.
    Bareword = b'n',
    Number = b'1',
    Variable = b'v',
    String = b's',
    Operator = b'o',
    /// `AND`, `OR`, `&&` …
    Logic = b'&',
    Comment = b'c',
    Collate = b'A',
    LeftParenthesis = b'(',
    RightParenthesis = b')',
    LeftBrace = b'{',
    RightBrace = b'}',
    Dot = b'.',
    Comma = b',',
    Colon = b':',
    Semicolon = b';',
    /// What begins a statement of Transact-SQL.
    Tsql = b'T',
    Backslash = b'\\',
    Unknown = b'?',
    /// What databases read differently: it is an attack whatever stands around it.
    Evil = b'X',
}

impl Kind {
    /// The kind of a letter of the keyword table.
    pub(super) fn of_word(letter: u8) -> Option<Self> {
        [
            Self::Keyword,
            Self::Union,
            Self::Group,
            Self::Expression,
            Self::SqlType,
            Self::Function,
            Self::Bareword,
            Self::Number,
            Self::Variable,
            Self::Operator,
            Self::Logic,
            Self::Collate,
            Self::Tsql,
        ]
        .into_iter()
        .find(|kind| kind.letter() == letter)
    }

    /// As in a fingerprint that is shown.
    pub(super) fn letter(self) -> u8 {
        self as u8
    }
}

/// Bytes of its text that a token keeps: libinjection has room for 32 with the NUL.
pub(super) const TEXT: usize = 31;

/// One token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'v> {
    pub(super) kind: Kind,
    /// Its text without quotes, no more than [`TEXT`] bytes.
    pub(super) text: &'v [u8],
    /// What opened a quoted text; 0: nothing did.
    pub(super) open: u8,
    /// What closed it; 0: the value ended.
    pub(super) close: u8,
    /// Whether a phrase of the keyword table begins with the text.
    pub(super) begins_phrase: bool,
}

impl<'v> Token<'v> {
    /// A token that is not quoted.
    pub(super) fn new(kind: Kind, text: &'v [u8]) -> Self {
        let text = text.get(..TEXT).unwrap_or(text);
        Self { kind, text, open: 0, close: 0, begins_phrase: false }
    }

    /// A token between quotes.
    pub(super) fn quoted(kind: Kind, text: &'v [u8], open: u8, close: u8) -> Self {
        Self { open, close, ..Self::new(kind, text) }
    }

    /// What stands where no token has been.
    pub(super) const NONE: Self =
        Self { kind: Kind::Unknown, text: b"", open: 0, close: 0, begins_phrase: false };

    /// Whether the text is `word`, in any case.
    pub(super) fn is(&self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word.as_bytes())
    }

    /// Whether the text begins with `word`, in any case.
    pub(super) fn begins_with(&self, word: &str) -> bool {
        let start = self.text.get(..word.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
    }

    /// The first byte of the text, 0 where it is empty.
    pub(super) fn first(&self) -> u8 {
        self.text.first().copied().unwrap_or(0)
    }

    /// `+ - ! ~ !! NOT`
    pub(super) fn is_unary(&self) -> bool {
        self.kind == Kind::Operator
            && match self.text {
                [byte] => matches!(byte, b'+' | b'-' | b'!' | b'~'),
                [b'!', b'!'] => true,
                _ => self.is("NOT"),
            }
    }

    /// `* / - + %`
    pub(super) fn is_arithmetic(&self) -> bool {
        self.kind == Kind::Operator && matches!(self.text, [b'*' | b'/' | b'-' | b'+' | b'%'])
    }
}
