//! Whether a row of tokens is an attack.
//!
//! A fingerprint of the table is one, but for short ones that ordinary text has too
//! (`libinjection_sqli_not_whitelist`).

use super::fingerprints::FINGERPRINTS;
use super::token::{Kind, Token};
use crate::operator::search;

/// A row, and what else is asked of the value it stands for.
pub(super) struct Reading<'r, 'v> {
    pub(super) value: &'v [u8],
    pub(super) tokens: &'r [Token<'v>],
    /// Tokens that were read, before they were folded.
    pub(super) count: usize,
}

impl Reading<'_, '_> {
    pub(super) fn is_attack(&self) -> bool {
        FINGERPRINTS.contains(self.tokens.iter().map(|token| token.kind)) && !self.is_harmless()
    }

    fn is_harmless(&self) -> bool {
        // SQL Server keeps lines with `sp_password` out of its logs, so comments have it.
        if let [_, .., last] = self.tokens
            && last.kind == Kind::Comment
            && search::text(self.value, b"sp_password").is_some()
        {
            return false;
        }
        match self.tokens {
            [first, second] => self.are_two_harmless(first, second),
            [first, second, third] => self.are_three_harmless(first, second, third),
            _ => false,
        }
    }

    fn are_two_harmless(&self, first: &Token<'_>, second: &Token<'_>) -> bool {
        match (first.kind, second.kind) {
            // `1 union`, as it stands.
            (_, Kind::Union) => self.count == 2,
            _ if second.first() == b'#' => true,
            (Kind::Bareword, Kind::Comment) => second.first() != b'/',
            (Kind::Number, Kind::Comment) if second.first() != b'/' => {
                self.count <= 2 && !self.is_comment_near(first)
            }
            (Kind::Number, Kind::Comment) => false,
            // `text --` with nothing behind is a scan; many write dashes within a text.
            _ => second.text.len() > 2 && second.first() == b'-',
        }
    }

    /// Whether white space or a comment follows the number that the value begins with: `1234-ab--`
    /// is an identifier. Beyond ASCII libinjection's characters are negative, and so are white.
    fn is_comment_near(&self, number: &Token<'_>) -> bool {
        matches!(
            self.value.get(number.text.len()..).unwrap_or_default(),
            [] | [0..=b' ' | 128.., ..] | [b'/', b'*', ..] | [b'-', b'-', ..]
        )
    }

    fn are_three_harmless(&self, first: &Token<'_>, second: &Token<'_>, third: &Token<'_>) -> bool {
        use Kind::{Bareword, Logic, Number, Operator, String, Variable};
        match (first.kind, second.kind, third.kind) {
            // `…foo" + "bar…` is an attack, `"foo" + "bar"` is not.
            (String, Operator | Logic, String) => {
                let is_torn = first.open == 0 && third.close == 0 && first.close == third.open;
                !is_torn
            }
            // `sexy and 17` is none, `sexy and 17 < 18` is one.
            (String, Logic, Bareword)
            | (Bareword, Logic, Number)
            | (Number, Logic, Number | Variable | String) => self.count == 3,
            // `INTO OUTFILE` and `INTO DUMPFILE`.
            (_, Kind::Keyword, _) => second.text.len() < 5 || !second.begins_with("INTO"),
            _ => false,
        }
    }
}
