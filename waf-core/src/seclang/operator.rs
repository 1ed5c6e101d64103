//! The second word of `SecRule`: what is asked of a value.

use std::path::Path;

use super::complaints::Complaints;
use super::data::{DataFiles, Networks, Phrases, network};
use super::macro_text::MacroText;
use super::regex::Regex;
use super::text::{Text, is_blank};
use crate::bytes::ByteSet;
use crate::source::{Report, Span};
use crate::suggest;

/// `!@rx ^a`: an operator with its argument.
#[derive(Clone, Debug)]
pub struct Operator {
    /// `!`: it holds where the test does not.
    pub negated: bool,
    /// What is asked.
    pub test: Test,
    /// Where the word was written.
    pub span: Span,
}

/// An operator of ModSecurity 2.9 and its argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// `@rx`: the regex matches somewhere.
    Rx(Regex),
    /// `@rx` with macros, which are expanded first.
    RxMacro(MacroText),
    /// `@pm`, `@pmFromFile`: one of the phrases occurs, ASCII case folded.
    Pm(Phrases),
    /// `@contains`, `@strmatch`: the text occurs.
    Contains(MacroText),
    /// `@containsWord`: the text occurs as a word.
    ContainsWord(MacroText),
    /// `@beginsWith`
    BeginsWith(MacroText),
    /// `@endsWith`
    EndsWith(MacroText),
    /// `@streq`: the value is the text.
    Streq(MacroText),
    /// `@within`: the value is a part of the text.
    Within(MacroText),
    /// `@eq`: both sides read as C `atoi` reads them.
    Eq(MacroText),
    /// `@ge`
    Ge(MacroText),
    /// `@gt`
    Gt(MacroText),
    /// `@le`
    Le(MacroText),
    /// `@lt`
    Lt(MacroText),
    /// `@ipMatch`, `@ipMatchFromFile`
    IpMatch(Networks),
    /// `@detectSQLi`
    DetectSqli,
    /// `@detectXSS`
    DetectXss,
    /// `@validateByteRange`: some byte is outside the set.
    ValidateByteRange(ByteSet),
    /// `@validateUrlEncoding`: some `%` starts no escape.
    ValidateUrlEncoding,
    /// `@validateUtf8Encoding`: the bytes are not UTF-8.
    ValidateUtf8Encoding,
    /// `@unconditionalMatch`
    UnconditionalMatch,
    /// `@noMatch`
    NoMatch,
    /// `@geoLookup`: no database is read, so it never matches.
    GeoLookup,
    /// `@rbl`: no name server is asked, so it never matches.
    Rbl,
}

impl Operator {
    /// What `SecAction` asks: nothing.
    pub(super) fn always(span: Span) -> Self {
        Self { negated: false, test: Test::UnconditionalMatch, span }
    }
}

/// What an operator does with its argument.
#[derive(Clone, Copy)]
enum Kind {
    Regex,
    Phrases,
    PhrasesFromFile,
    Text(fn(MacroText) -> Test),
    Number(fn(MacroText) -> Test),
    Networks,
    NetworksFromFile,
    Bytes,
    /// Looks at no argument.
    Plain(fn() -> Test),
    /// ModSecurity has it, this engine has not.
    Unsupported,
}

/// Every operator of ModSecurity 2.9 and, where CRS users need them, of its heirs.
const OPERATORS: &[(&str, Kind)] = &[
    ("rx", Kind::Regex),
    ("pm", Kind::Phrases),
    ("pmFromFile", Kind::PhrasesFromFile),
    ("pmf", Kind::PhrasesFromFile),
    ("contains", Kind::Text(Test::Contains)),
    ("containsWord", Kind::Text(Test::ContainsWord)),
    ("strmatch", Kind::Text(Test::Contains)),
    ("beginsWith", Kind::Text(Test::BeginsWith)),
    ("endsWith", Kind::Text(Test::EndsWith)),
    ("streq", Kind::Text(Test::Streq)),
    ("within", Kind::Text(Test::Within)),
    ("eq", Kind::Number(Test::Eq)),
    ("ge", Kind::Number(Test::Ge)),
    ("gt", Kind::Number(Test::Gt)),
    ("le", Kind::Number(Test::Le)),
    ("lt", Kind::Number(Test::Lt)),
    ("ipMatch", Kind::Networks),
    ("ipMatchFromFile", Kind::NetworksFromFile),
    ("ipMatchF", Kind::NetworksFromFile),
    ("detectSQLi", Kind::Plain(|| Test::DetectSqli)),
    ("detectXSS", Kind::Plain(|| Test::DetectXss)),
    ("validateByteRange", Kind::Bytes),
    ("validateUrlEncoding", Kind::Plain(|| Test::ValidateUrlEncoding)),
    ("validateUtf8Encoding", Kind::Plain(|| Test::ValidateUtf8Encoding)),
    ("unconditionalMatch", Kind::Plain(|| Test::UnconditionalMatch)),
    ("noMatch", Kind::Plain(|| Test::NoMatch)),
    ("geoLookup", Kind::Plain(|| Test::GeoLookup)),
    ("rbl", Kind::Plain(|| Test::Rbl)),
    ("fuzzyHash", Kind::Unsupported),
    ("gsbLookup", Kind::Unsupported),
    ("inspectFile", Kind::Unsupported),
    ("restpath", Kind::Unsupported),
    ("rsub", Kind::Unsupported),
    ("rxGlobal", Kind::Unsupported),
    ("validateDTD", Kind::Unsupported),
    ("validateHash", Kind::Unsupported),
    ("validateNid", Kind::Unsupported),
    ("validateSchema", Kind::Unsupported),
    ("verifyCC", Kind::Unsupported),
    ("verifyCPF", Kind::Unsupported),
    ("verifySSN", Kind::Unsupported),
    ("verifySVNR", Kind::Unsupported),
];

/// Reads the second word. `rules` is the file it stands in.
pub(super) fn operator(
    word: &Text,
    rules: &Path,
    data: &mut DataFiles<'_>,
    complaints: &mut Complaints,
) -> Result<Operator, Report> {
    let written = word.trim_start();
    let negated = written.byte(0) == Some(b'!');
    let rest = if negated { written.tail(1).trim_start() } else { written };
    let test = if rest.byte(0) == Some(b'@') {
        named(&rest, rules, data, complaints)?
    } else {
        // Without a name the whole word is a regex.
        regex(&rest)?
    };
    Ok(Operator { negated, test, span: word.span() })
}

/// Reads `@name argument`.
fn named(
    word: &Text,
    rules: &Path,
    data: &mut DataFiles<'_>,
    complaints: &mut Complaints,
) -> Result<Test, Report> {
    let length = word.bytes().iter().take_while(|&&byte| !is_blank(byte)).count();
    let name = word.slice(0..length);
    let argument = word.tail(length).trim_start();
    match kind(&name)? {
        Kind::Regex => regex(&argument),
        Kind::Phrases => phrases(&argument).map(Test::Pm),
        Kind::PhrasesFromFile => data.phrases(rules, &argument.trim()).map(Test::Pm),
        Kind::Text(test) => Ok(test(MacroText::read(&argument, complaints))),
        Kind::Number(test) => {
            let number = MacroText::read(&argument, complaints);
            check_number(&argument, &number, complaints);
            Ok(test(number))
        }
        Kind::Networks => networks(&argument).map(Test::IpMatch),
        Kind::NetworksFromFile => data.networks(rules, &argument.trim()).map(Test::IpMatch),
        Kind::Bytes => byte_range(&argument).map(Test::ValidateByteRange),
        Kind::Plain(test) => Ok(test()),
        Kind::Unsupported => {
            Err(name.error(format!("the operator `{}` is not supported", name.shown())))
        }
    }
}

fn kind(name: &Text) -> Result<Kind, Report> {
    let shown = name.shown();
    let plain = shown.strip_prefix('@').unwrap_or(&shown);
    let known = OPERATORS.iter().find(|(known, _)| known.eq_ignore_ascii_case(plain));
    if let Some(&(_, kind)) = known {
        return Ok(kind);
    }
    let report = name.error(format!("unknown operator `{shown}`"));
    Err(match suggest::nearest(plain, OPERATORS.iter().map(|&(known, _)| known)) {
        Some(nearest) => report.help(format!("did you mean `@{nearest}`?")),
        None => report.help("a regex that begins with `@` is written `@rx @…`"),
    })
}

fn regex(argument: &Text) -> Result<Test, Report> {
    let text = MacroText::read_regex(argument);
    if text.literal().is_none() {
        return Ok(Test::RxMacro(text));
    }
    Regex::read(argument).map(Test::Rx)
}

/// The phrases of `@pm`, separated by blanks.
fn phrases(argument: &Text) -> Result<Phrases, Report> {
    let phrases: Phrases = argument
        .bytes()
        .split(|&byte| is_blank(byte))
        .filter(|phrase| !phrase.is_empty())
        .map(<[u8]>::to_vec)
        .collect();
    if phrases.is_empty() {
        return Err(argument.error("phrases are expected behind `@pm`"));
    }
    Ok(phrases)
}

fn networks(argument: &Text) -> Result<Networks, Report> {
    let read = |entry: Text| {
        network(entry.trim().bytes()).ok_or_else(|| {
            let report = entry.trim().error("no address and no network");
            report.help("as in `10.0.0.0/8,192.0.2.7,2001:db8::/32`")
        })
    };
    argument.split(|byte| byte == b',').into_iter().map(read).collect()
}

/// The bytes of `9,10,13,32-126`.
fn byte_range(argument: &Text) -> Result<ByteSet, Report> {
    let mut set = ByteSet::EMPTY;
    for part in argument.split(|byte| byte == b',') {
        let part = part.trim();
        let range = std::str::from_utf8(part.bytes()).ok().and_then(|text| {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
            (first <= last).then(|| ByteSet::range(first, last))
        });
        set = set.union(range.ok_or_else(|| {
            let report = part.error("this is no byte and no range of bytes");
            report.help("as in `9,10,13,32-126`, each from 0 to 255: the bytes that are allowed")
        })?);
    }
    Ok(set)
}

/// Warns where C's `atoi` would quietly read a word as zero.
fn check_number(argument: &Text, number: &MacroText, complaints: &mut Complaints) {
    let Some(literal) = number.literal() else { return };
    let digits = literal.trim_ascii();
    let digits = digits.strip_prefix(b"-").or(digits.strip_prefix(b"+")).unwrap_or(digits);
    if !digits.first().is_some_and(u8::is_ascii_digit) {
        complaints.push(argument.warning("this is no number, and is read as 0"));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

    use std::path::PathBuf;

    use super::super::files::Files;
    use super::super::pcre::{Case, rewrite};
    use super::*;
    use crate::source::Source;

    struct One;

    impl Files for One {
        fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
            match path.to_str() {
                Some("rules/a.data") => Ok(b"# c\n\nb c\r\nd\n".to_vec()),
                Some("rules/ips") => Ok(b"10.0.0.0/8\n# c\n::1, 192.0.2.1\n".to_vec()),
                Some("rules/none") => Ok(b"# nothing\n".to_vec()),
                _ => Err("there is no such file".into()),
            }
        }

        fn find(&self, _: &Path) -> Result<Vec<PathBuf>, String> {
            Ok(Vec::new())
        }
    }

    fn read(text: &str) -> Result<(bool, Test), Report> {
        let mut word = Text::new(&Source::new("rules/a.conf", text), 0);
        word.push(text.as_bytes(), 0);
        let mut complaints = Complaints::default();
        let rules = Path::new("rules/a.conf");
        let read = operator(&word, rules, &mut DataFiles::new(&One), &mut complaints)?;
        match complaints.into_result().unwrap().pop() {
            Some(warning) => Err(warning),
            None => Ok((read.negated, read.test)),
        }
    }

    fn plain(text: &str) -> MacroText {
        MacroText::plain(text.as_bytes())
    }

    fn rx(text: &str) -> Test {
        let pattern = rewrite(text.as_bytes(), Case::Sensitive).unwrap();
        Test::Rx(Regex { written: text.into(), pattern })
    }

    fn list(phrases: &[&str]) -> Phrases {
        phrases.iter().map(|phrase| phrase.as_bytes().to_vec()).collect()
    }

    #[test]
    fn names_negation_and_arguments() {
        for (text, negated, test) in [
            ("@rx ^a b $", false, rx("^a b $")),
            ("!@rx  a", true, rx("a")),
            ("! @RX a", true, rx("a")),
            ("^a@b", false, rx("^a@b")),
            ("!^a", true, rx("^a")),
            ("", false, rx("")),
            ("@streq", false, Test::Streq(plain(""))),
            ("@detectSQLi", false, Test::DetectSqli),
            ("@pm ( )  ab", false, Test::Pm(list(&["(", ")", "ab"]))),
            ("@pmf a.data", false, Test::Pm(list(&["b c", "d"]))),
            ("@pmFromFile a.data a.data", false, Test::Pm(list(&["b c", "d", "b c", "d"]))),
            ("@eq -1", false, Test::Eq(plain("-1"))),
        ] {
            assert_eq!(read(text).unwrap(), (negated, test), "{text}");
        }
    }

    #[test]
    fn lists_are_read() {
        let set = ByteSet::of(b"\t\n").union(ByteSet::range(32, 126));
        assert_eq!(
            read("@validateByteRange 9,10, 32-126").unwrap().1,
            Test::ValidateByteRange(set)
        );
        let nets = |text: &str| match read(text).unwrap().1 {
            Test::IpMatch(nets) => nets.iter().map(ToString::to_string).collect::<Vec<_>>(),
            other => vec![format!("{other:?}")],
        };
        assert_eq!(nets("@ipMatch 10.0.0.0/8, ::1"), ["10.0.0.0/8", "::1/128"]);
        assert_eq!(nets("@ipMatchFromFile ips"), ["10.0.0.0/8", "::1/128", "192.0.2.1/32"]);
    }

    #[test]
    fn what_is_wrong_is_pointed_at() {
        for (text, at, message) in [
            ("@xr a", 0, "unknown operator `@xr`"),
            ("!@rx  a)", 7, "the regex is wrong: there is no group to close"),
            ("@verifyCC a", 0, "the operator `@verifyCC` is not supported"),
            ("@pm  ", 5, "phrases are expected behind `@pm`"),
            ("@ipMatch ::1,x", 13, "no address and no network"),
            ("@validateByteRange 1-2,9-3", 23, "this is no byte and no range of bytes"),
            ("!@pmf b.data", 6, "cannot read `rules/b.data`: there is no such file"),
            ("@pmf none", 5, "`none` holds no phrase"),
            ("@ge many", 4, "this is no number, and is read as 0"),
        ] {
            let report = read(text).unwrap_err();
            assert_eq!((report.message.as_str(), report.span.unwrap().start), (message, at));
        }
    }
}
