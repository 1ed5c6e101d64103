//! What is done to a value before an operator sees it.

macro_rules! transformations {
    ($( $(#[doc = $doc:literal])* $variant:ident = $name:literal; )*) => {
        /// What is done to a value before an operator sees it, as ModSecurity 2 does it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Transformation {
            $( $(#[doc = $doc])* $variant, )*
        }

        impl Transformation {
            /// Every transformation, in the order of the list.
            pub const ALL: &'static [Transformation] = &[$( Transformation::$variant, )*];

            /// The word in rules and records.
            pub fn name(self) -> &'static str {
                match self { $( Transformation::$variant => $name, )* }
            }
        }
    };
}

transformations! {
    /// ASCII letters to lower case.
    Lowercase = "lowercase";
    /// `%hh` and `+`; a bad escape stays.
    UrlDecode = "url_decode";
    /// The same and `%uhhhh`, full-width forms folded.
    UrlDecodeUni = "url_decode_uni";
    /// Valid multi-byte UTF-8 to `%uhhhh`.
    Utf8ToUnicode = "utf8_to_unicode";
    /// HTML entities to bytes.
    HtmlEntityDecode = "html_entity_decode";
    /// JavaScript escapes to bytes.
    JsDecode = "js_decode";
    /// CSS escapes to bytes.
    CssDecode = "css_decode";
    /// C escapes to bytes.
    EscapeSeqDecode = "escape_seq_decode";
    /// Base64 up to the first byte that is none.
    Base64Decode = "base64_decode";
    /// Every byte as two hex digits.
    HexEncode = "hex_encode";
    /// NUL bytes away.
    RemoveNulls = "remove_nulls";
    /// Blanks away.
    RemoveWhitespace = "remove_whitespace";
    /// Runs of blanks to one space.
    CompressWhitespace = "compress_whitespace";
    /// `/* … */` to one space.
    ReplaceComments = "replace_comments";
    /// Comment marks away: `/*`, `*/`, `--`, `#`, `<!--`, `-->`.
    RemoveCommentsChar = "remove_comments_char";
    /// What a shell ignores away.
    CmdLine = "cmd_line";
    /// The path without `//`, `.` and `..`.
    NormalizePath = "normalize_path";
    /// The same with `\` read as `/`.
    NormalizePathWin = "normalize_path_win";
    /// The number of bytes, as decimal text.
    Length = "length";
    /// The SHA-1 digest, 20 bytes.
    Sha1 = "sha1";
}

impl Transformation {
    /// The transformation with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|transformation| transformation.name() == name)
    }

    /// Whether a bounded state is enough to do it piece by piece. The others are exact up to
    /// `field_window` only.
    pub fn streams(self) -> bool {
        !matches!(self, Self::NormalizePath | Self::NormalizePathWin)
    }
}
