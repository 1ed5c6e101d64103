//! Numbers, and words out of a few, as directives and actions take them.

use super::text::Text;
use crate::source::Report;
use crate::suggest;

/// `On` or `Off`.
pub(super) const SWITCH: &[(&str, bool)] = &[("On", true), ("Off", false)];

/// One of a few words, in any case.
pub(super) fn word<T: Copy>(text: &Text, words: &[(&'static str, T)]) -> Result<T, Report> {
    let shown = text.shown();
    let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(&shown));
    found.map(|&(_, meaning)| meaning).ok_or_else(|| {
        let report = text.error(format!("`{shown}` is not known here"));
        // A digit is as near to one number as to any other.
        let written = if shown.len() > 1 { &shown } else { "" };
        match suggest::help(written, words.iter().map(|&(word, _)| word)) {
            Some(help) => report.help(help),
            None => report,
        }
    })
}

/// A whole number, zero or more.
pub(super) fn number<T: std::str::FromStr>(text: &Text) -> Result<T, Report> {
    let digits = text.bytes();
    let read = std::str::from_utf8(digits).ok().filter(|_| digits.iter().all(u8::is_ascii_digit));
    read.and_then(|digits| digits.parse().ok())
        .ok_or_else(|| text.error(format!("a number is expected here, this is `{}`", text.shown())))
}

/// Text without macros; what is no UTF-8 becomes U+FFFD.
pub(super) fn name(text: &Text) -> Result<String, Report> {
    if text.is_empty() { Err(text.error("a name is expected here")) } else { Ok(text.shown()) }
}
