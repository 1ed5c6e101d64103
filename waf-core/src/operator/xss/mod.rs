//! `detect_xss`: cross-site scripting by what a browser would make of a value.
//!
//! This is libinjection (Nick Galbreath and contributors) written anew, so with the same answers.
//! A value is read as HTML in five contexts: as text, and as the value of an attribute without
//! quotes and in each of three quotes. It is an attack where a tag, an attribute or a URL would run
//! or load something.
//!
//! Nothing is allocated, and the time is linear in the value.

mod html;
mod names;
mod url;

use html::{Context, Html, Token};
use names::Attribute;

use super::search;
use crate::bytes::ByteSet;

/// Whether libinjection sees cross-site scripting in `value`.
pub fn detect_xss(value: &[u8]) -> bool {
    detect_xss_with(value, ByteSet::present(value))
}

/// [`detect_xss`] of a value whose bytes are known to be those `present`.
pub(crate) fn detect_xss_with(value: &[u8], present: ByteSet) -> bool {
    contexts(present).any(|context| runs(value, context))
}

/// Whether a look at the bytes of a value leaves it open if it is one.
pub(crate) fn may_be_xss(present: ByteSet) -> bool {
    contexts(present).next().is_some()
}

/// The contexts in which a value of these bytes can run something.
///
/// Tags, comments and doctypes begin with `<`. As text a value needs one; as an attribute's value it
/// is text only behind a `>`. A value of an attribute counts only behind a name of its own, which it
/// gets by a `=`, and behind the quote of the context, if that has one: all before is the value of a
/// name that is not known.
fn contexts(present: ByteSet) -> impl Iterator<Item = Context> {
    let has = move |byte| present.contains(byte);
    let text = has(b'<').then_some(Context::Data);
    let leaves_value = has(b'=') || (has(b'<') && has(b'>'));
    let unquoted = leaves_value.then_some(Context::Unquoted);
    let quotes = [b'\'', b'"', b'`'].into_iter();
    let quoted = quotes.filter(move |&quote| leaves_value && has(quote)).map(Context::Quoted);
    text.into_iter().chain(unquoted).chain(quoted)
}

/// Whether a value in this context runs something.
fn runs(value: &[u8], context: Context) -> bool {
    let mut html = Html::new(value, context);
    // The name that the next value belongs to.
    let mut name: &[u8] = b"";
    while let Some(token) = html.next() {
        let runs = match token {
            Token::Doctype => true,
            Token::TagOpen(tag) => names::is_tag(tag),
            Token::AttributeValue(value) => value_runs(name, value),
            Token::Comment(comment) => comment_runs(comment),
            Token::AttributeName(_) | Token::Text | Token::TagClose => false,
        };
        if runs {
            return true;
        }
        name = if let Token::AttributeName(name) = token { name } else { b"" };
    }
    false
}

fn value_runs(name: &[u8], value: &[u8]) -> bool {
    match names::attribute(name) {
        Attribute::Harmless => false,
        Attribute::Runs | Attribute::Style => true,
        Attribute::Url => url::runs(value),
        Attribute::Name => names::attribute(value) != Attribute::Harmless,
    }
}

/// Whether Internet Explorer runs a comment: `<!--[if …`, `<?xml …`, `<?import …`, `<!ENTITY …`,
/// and anything with a backquote, which ends a tag.
fn comment_runs(comment: &[u8]) -> bool {
    let begins_with =
        |start: &str, least: usize| comment.len() >= least && names::begins_with(comment, start);
    search::byte(comment, b'`').is_some()
        || begins_with("[IF", 4)
        || begins_with("XML", 4)
        || begins_with("IMPORT", 6)
        || begins_with("ENTITY", 6)
}
