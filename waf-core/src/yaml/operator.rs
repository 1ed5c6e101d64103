//! The operators of `match:`: a word and its argument to an [`Operator`].

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

use super::checker::{Checker, kind};
use super::rule::RuleContext;
use crate::bytes::ByteSet;
use crate::finding::Finding;
use crate::rule::Operator;
use crate::source::Source;

/// Every operator's word in YAML.
pub(super) const NAMES: [&str; 22] = [
    "rx",
    "pm",
    "pm_from_file",
    "contains",
    "begins_with",
    "ends_with",
    "streq",
    "within",
    "eq",
    "ge",
    "gt",
    "le",
    "lt",
    "ip_match",
    "detect_sqli",
    "detect_xss",
    "validate_byte_range",
    "validate_url_encoding",
    "validate_utf8_encoding",
    "luhn",
    "iban",
    "finding",
];

/// Reads the operator `name` with its argument, which stands at `path`.
pub(super) fn operator(
    checker: &mut Checker<'_>,
    name: &str,
    argument: &Value,
    path: &str,
    context: &RuleContext<'_>,
) -> Option<Operator> {
    let mut read = Argument { checker, name, argument, path };
    match name {
        "rx" => read.regex(context).map(Operator::Rx),
        "pm" => read.phrases().map(Operator::Pm),
        "pm_from_file" => read.phrases_of_file(context).map(Operator::Pm),
        "contains" => read.text().map(Operator::Contains),
        "begins_with" => read.text().map(Operator::BeginsWith),
        "ends_with" => read.text().map(Operator::EndsWith),
        "streq" => read.any_text().map(Operator::Streq),
        "within" => read.text().map(Operator::Within),
        "eq" => read.number().map(Operator::Eq),
        "ge" => read.number().map(Operator::Ge),
        "gt" => read.number().map(Operator::Gt),
        "le" => read.number().map(Operator::Le),
        "lt" => read.number().map(Operator::Lt),
        "ip_match" => read.networks().map(Operator::IpMatch),
        "detect_sqli" => read.yes(Operator::DetectSqli),
        "detect_xss" => read.yes(Operator::DetectXss),
        "validate_byte_range" => read.byte_range().map(Operator::ValidateByteRange),
        "validate_url_encoding" => read.yes(Operator::ValidateUrlEncoding),
        "validate_utf8_encoding" => read.yes(Operator::ValidateUtf8Encoding),
        "luhn" => read.yes(Operator::Luhn),
        "iban" => read.yes(Operator::Iban),
        "finding" => read.finding().map(Operator::Finding),
        _ => None,
    }
}

/// The phrases of a phrase file: one a line, blanks around them cut, without empty lines and those
/// that begin with `#`.
pub fn phrases(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

/// Characters of a pattern that a complaint repeats.
const SHOWN: usize = 24;

struct Argument<'c, 'l, 'a> {
    checker: &'c mut Checker<'l>,
    name: &'a str,
    argument: &'a Value,
    path: &'a str,
}

impl<'a> Argument<'_, '_, 'a> {
    fn regex(&mut self, context: &RuleContext<'_>) -> Option<String> {
        let pattern = self.text()?;
        let Err(problem) = (context.regex)(&pattern) else { return Some(pattern) };
        let mut message = format!("the regex is wrong: {}", problem.message);
        if self.checker.inside(self.path, problem.range()).is_none() {
            // The caret cannot show it: the file spells it otherwise.
            let from = pattern.get(problem.start..).unwrap_or_default();
            let shown: String = from.chars().take(SHOWN).collect();
            let cut = if shown.len() < from.len() { "…" } else { "" };
            message += &format!(", at `{shown}{cut}`");
        }
        let complaint = self.checker.wrong_part(self.path, problem.range(), message);
        if problem.message.contains("look-around") || problem.message.contains("backreference") {
            complaint.help("spell it out, or say it with `all`, `not` and `same_value`");
        }
        None
    }

    fn text(&mut self) -> Option<String> {
        let text = self.any_text()?;
        if text.is_empty() {
            let message = format!("`{}` is empty: it would match every value", self.name);
            self.checker.wrong(self.path, message);
            return None;
        }
        Some(text)
    }

    fn any_text(&mut self) -> Option<String> {
        let text = self.argument.as_str();
        if text.is_none() {
            self.not("text in quotes");
        }
        text.map(str::to_owned)
    }

    fn number(&mut self) -> Option<i64> {
        let number = self.argument.as_i64();
        if number.is_none() {
            self.not("a whole number");
        }
        number
    }

    fn yes(&mut self, operator: Operator) -> Option<Operator> {
        if self.argument == &Value::Bool(true) {
            return Some(operator);
        }
        self.not("`true`");
        None
    }

    fn phrases(&mut self) -> Option<Vec<String>> {
        let phrases = self.list("a list of phrases")?;
        let mut read = Vec::with_capacity(phrases.len());
        for (index, phrase) in phrases.iter().enumerate() {
            let path = format!("{}[{index}]", self.path);
            match phrase.as_str() {
                Some("") => {
                    self.checker.wrong(&path, "an empty phrase would match every value");
                }
                Some(text) => read.push(text.to_owned()),
                None => {
                    let message = format!("a phrase is text in quotes, this is {}", kind(phrase));
                    self.checker.wrong(&path, message);
                }
            }
        }
        (read.len() == phrases.len()).then_some(read)
    }

    fn phrases_of_file(&mut self, context: &RuleContext<'_>) -> Option<Vec<String>> {
        let name = self.text()?;
        let read = (context.phrases)(self.checker.source(), &name);
        let message = match read.map(|text| phrases(&text)) {
            Ok(phrases) if !phrases.is_empty() => return Some(phrases),
            Ok(_) => format!("`{name}` holds no phrase"),
            Err(why) => format!("cannot read the phrases of `{name}`: {why}"),
        };
        self.checker.wrong(self.path, message);
        None
    }

    fn networks(&mut self) -> Option<Vec<IpNet>> {
        let single = std::slice::from_ref(self.argument);
        let texts = if self.argument.is_string() { single } else { self.list("a list")? };
        let mut networks = Vec::with_capacity(texts.len());
        for (index, text) in texts.iter().enumerate() {
            match text.as_str().and_then(network) {
                Some(network) => networks.push(network),
                None => {
                    let path = format!("{}[{index}]", self.path);
                    self.checker
                        .wrong(&path, "no address and no network")
                        .help("as in `10.0.0.0/8`, `192.0.2.7` or `2001:db8::/32`");
                }
            }
        }
        (networks.len() == texts.len()).then_some(networks)
    }

    fn byte_range(&mut self) -> Option<ByteSet> {
        let text = match self.argument {
            Value::Number(number) => number.to_string(),
            _ => self.text()?,
        };
        let set = text.split(',').try_fold(ByteSet::EMPTY, |set, part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
            (first <= last).then(|| set.union(ByteSet::range(first, last)))
        });
        if set.is_none() {
            self.checker
                .wrong(self.path, "this is no list of byte numbers")
                .help("as in \"9,10,13,32-126\", each from 0 to 255: the bytes that are allowed");
        }
        set
    }

    fn finding(&mut self) -> Option<Finding> {
        let name = self.any_text()?;
        let finding = Finding::from_id(&name);
        if finding.is_none() {
            let names = Finding::ALL.iter().map(|finding| finding.id());
            self.checker.unknown(self.path, "finding", &name, names);
        }
        finding
    }

    fn list(&mut self, expected: &str) -> Option<&'a [Value]> {
        match self.argument.as_array() {
            Some(list) if !list.is_empty() => Some(list),
            Some(_) => {
                self.checker.wrong(self.path, format!("`{}` is empty", self.name));
                None
            }
            None => {
                self.not(expected);
                None
            }
        }
    }

    fn not(&mut self, expected: &str) {
        let message = format!("`{}` takes {expected}, this is {}", self.name, kind(self.argument));
        self.checker.wrong(self.path, message);
    }
}

/// `10.0.0.0/8`, or one address.
fn network(text: &str) -> Option<IpNet> {
    let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
    text.parse().ok().or_else(address)
}

/// For callers that have no files.
pub(super) fn no_phrases(_: &Source, _: &str) -> Result<String, String> {
    Err("no files are read here".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrase_files_may_have_comments() {
        assert_eq!(
            phrases("# shells\n\n  bash \r\nsh # not a comment\n"),
            ["bash", "sh # not a comment"]
        );
    }

    #[test]
    fn networks_and_addresses() {
        assert_eq!(network("10.0.0.0/8").map(|net| net.prefix_len()), Some(8));
        assert_eq!(network("::1").map(|net| net.prefix_len()), Some(128));
        assert_eq!(network("10.0.0.0/33"), None);
        assert_eq!(network("example.org"), None);
    }
}
