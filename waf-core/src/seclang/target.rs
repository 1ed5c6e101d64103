//! The first word of `SecRule`: what it looks at.

use super::complaints::Complaints;
use super::regex::Regex;
use super::text::{Text, is_blank};
use super::variable::Variable;
use crate::rule::TargetKind;
use crate::source::{Report, Span};

/// One entry of the first word: `ARGS`, `!ARGS:a`, `&TX:/b/`.
#[derive(Clone, Debug)]
pub struct Target {
    /// `!`, `&` or neither.
    pub kind: TargetKind,
    /// Where it looks.
    pub variable: Variable,
    /// Which of its values.
    pub selector: Selector,
    /// Where it was written.
    pub span: Span,
}

/// Which values of a collection are meant. Names and regexes ignore ASCII case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// All of them.
    All,
    /// The ones with this name.
    Name(Vec<u8>),
    /// The ones whose name the regex matches somewhere.
    Regex(Regex),
    /// For `XML`: an XPath expression.
    XPath(Vec<u8>),
}

/// Reads a list; entries are separated by `|` or `,`, outside `/…/` and `'…'`.
pub(super) fn targets(text: &Text, complaints: &mut Complaints) -> Vec<Target> {
    let before = complaints.errors();
    let mut targets = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let end = match entry_end(text, at) {
            Ok(end) => end,
            Err(report) => {
                complaints.push(report);
                break;
            }
        };
        let entry = text.slice(at..end).trim();
        if !entry.is_empty() {
            targets.extend(complaints.note(target(&entry)));
        }
        at = end + 1;
    }
    if targets.is_empty() && complaints.errors() == before {
        complaints.push(text.error("no variable is named"));
    }
    targets
}

/// Where the entry that begins at `start` ends: its separator, or the end of the text.
fn entry_end(text: &Text, start: usize) -> Result<usize, Report> {
    let rest = text.bytes().get(start..).unwrap_or_default();
    let plain = rest.iter().position(|&byte| is_separator(byte)).unwrap_or(rest.len());
    let colon = rest.iter().take(plain).position(|&byte| byte == b':');
    let Some(open) = colon.map(|colon| colon + 1) else { return Ok(start + plain) };
    let is_path = is_xml(rest.get(..open - 1).unwrap_or_default());
    let selector = rest.get(open..).unwrap_or_default();
    let length = match selector.first() {
        Some(b'\'') => quoted_length(selector).ok_or("this quote is never closed"),
        Some(b'/') if !is_path => regex_length(selector).ok_or("this regex is never closed"),
        _ => Ok(0),
    };
    let length = length.map_err(|message| {
        Report::error(Some(text.part(start + open..start + open + 1)), message)
    })?;
    let behind = selector.get(length..).unwrap_or_default();
    let more = behind.iter().position(|&byte| is_separator(byte)).unwrap_or(behind.len());
    Ok(start + open + length + more)
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b'|' | b',')
}

fn is_xml(prefix: &[u8]) -> bool {
    let name = prefix.trim_ascii_start();
    let name = name.strip_prefix(b"!").or_else(|| name.strip_prefix(b"&")).unwrap_or(name);
    name.eq_ignore_ascii_case(b"XML")
}

/// The length of `'…'`, with a backslash before what is meant as it stands.
fn quoted_length(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\'' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    None
}

/// The length of `/…/`: it is closed by a slash with nothing of the entry behind it, so that a
/// regex may hold slashes and separators.
fn regex_length(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    while let Some(&byte) = text.get(at) {
        let next = text.get(at + 1);
        match byte {
            b'\\' => at += 2,
            b'/' if next.is_none_or(|&next| is_separator(next) || is_blank(next)) => {
                return Some(at + 1);
            }
            _ => at += 1,
        }
    }
    None
}

fn target(entry: &Text) -> Result<Target, Report> {
    let (kind, rest) = match entry.byte(0) {
        Some(b'!') => (TargetKind::Exclude, entry.tail(1).trim()),
        Some(b'&') => (TargetKind::Count, entry.tail(1).trim()),
        _ => (TargetKind::Include, entry.clone()),
    };
    let (name, selector) = match rest.split_once(b':') {
        Some((name, selector)) => (name, Some(selector)),
        None => (rest, None),
    };
    let variable = Variable::read(&name)?;
    let selector = selector.map_or(Ok(Selector::All), |text| read_selector(variable, &text))?;
    Ok(Target { kind, variable, selector, span: entry.span() })
}

fn read_selector(variable: Variable, text: &Text) -> Result<Selector, Report> {
    if !variable.is_collection() {
        let message = format!("`{}` is one value, so no selector can follow", variable.name());
        return Err(text.error(message));
    }
    let plain = unquoted(text);
    let bytes = plain.bytes();
    if plain.is_empty() {
        let report = text.error(format!("a selector is expected behind `{}:`", variable.name()));
        return Err(report.help(format!("`{}` alone means all of it", variable.name())));
    }
    if variable == Variable::Xml {
        return Ok(Selector::XPath(bytes.to_vec()));
    }
    if plain.len() > 1 && bytes.starts_with(b"/") && bytes.ends_with(b"/") {
        return Regex::of_names(&plain.slice(1..plain.len() - 1)).map(Selector::Regex);
    }
    Ok(Selector::Name(bytes.to_vec()))
}

/// Without the quotes and the backslashes that quotes need.
fn unquoted(text: &Text) -> Text {
    let is_quoted = text.len() > 1 && text.byte(0) == Some(b'\'');
    if !is_quoted || text.byte(text.len() - 1) != Some(b'\'') {
        return text.clone();
    }
    let inner = text.slice(1..text.len() - 1);
    let mut plain = inner.slice(0..0);
    let mut at = 0;
    while let Some(byte) = inner.byte(at) {
        let escaped = inner.byte(at + 1).filter(|next| byte == b'\\' && b"'\\".contains(next));
        at += usize::from(escaped.is_some());
        plain.push(&[escaped.unwrap_or(byte)], inner.place(at));
        at += 1;
    }
    plain
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

    use super::super::pcre::{Case, rewrite};
    use super::*;
    use crate::source::Source;

    fn read(text: &str) -> Result<Vec<(TargetKind, Variable, Selector)>, Report> {
        let mut whole = Text::new(&Source::new("a.conf", text), 0);
        whole.push(text.as_bytes(), 0);
        let mut complaints = Complaints::default();
        let targets = targets(&whole, &mut complaints);
        match complaints.into_result() {
            Ok(_) => Ok(targets.into_iter().map(|t| (t.kind, t.variable, t.selector)).collect()),
            Err(mut reports) => Err(reports.remove(0)),
        }
    }

    fn name(text: &str) -> Selector {
        Selector::Name(text.into())
    }

    fn regex(text: &str) -> Selector {
        let pattern = rewrite(text.as_bytes(), Case::Ignored).unwrap();
        Selector::Regex(Regex { written: text.into(), pattern })
    }

    use TargetKind::{Count, Exclude, Include};

    #[test]
    fn prefixes_and_selectors() {
        assert_eq!(
            read("REQUEST_COOKIES|!REQUEST_COOKIES:/__utm/|args_names|&TX:a.B|XML:/*").unwrap(),
            [
                (Include, Variable::RequestCookies, Selector::All),
                (Exclude, Variable::RequestCookies, regex("__utm")),
                (Include, Variable::ArgsNames, Selector::All),
                (Count, Variable::Tx, name("a.B")),
                (Include, Variable::Xml, Selector::XPath("/*".into())),
            ]
        );
    }

    #[test]
    fn commas_separate_too() {
        assert_eq!(
            read("!ARGS:a, !ARGS:b").unwrap(),
            [(Exclude, Variable::Args, name("a")), (Exclude, Variable::Args, name("b"))]
        );
    }

    #[test]
    fn separators_inside_selectors() {
        assert_eq!(
            read(r"ARGS:/a|b,c\/|/d/|TX:'x|y\'z'|&TX:'/q|r/'|XML://@*|FILES").unwrap(),
            [
                (Include, Variable::Args, regex(r"a|b,c\/|/d")),
                (Include, Variable::Tx, name("x|y'z")),
                (Count, Variable::Tx, regex("q|r")),
                (Include, Variable::Xml, Selector::XPath("//@*".into())),
                (Include, Variable::Files, Selector::All),
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_pointed_at() {
        for (text, at, message) in [
            ("ARGS|AGRS", 5, "unknown variable `AGRS`"),
            ("ARGS|TX:'a", 8, "this quote is never closed"),
            ("ARGS:/a|TX", 5, "this regex is never closed"),
            ("REQUEST_METHOD:x", 15, "`REQUEST_METHOD` is one value, so no selector can follow"),
            ("ARGS:/a(/", 7, "the regex is wrong: this group is not closed"),
            ("ARGS:'/a(?=b)/'", 8, "the regex of a selector cannot use look-ahead"),
            ("ARGS:", 5, "a selector is expected behind `ARGS:`"),
            ("|", 0, "no variable is named"),
        ] {
            let report = read(text).unwrap_err();
            assert_eq!((report.span.unwrap().start, report.message.as_str()), (at, message));
        }
    }
}
