//! What a link asks.

use super::super::complaints::Complaints;
use super::super::macro_text::MacroText;
use super::super::operator::{Operator as Written, Test};
use super::super::regex::Regex;
use super::text::{About, text};
use crate::rule::{LinkOperator, MacroOperator, Operator};
use crate::source::Report;

/// Lowers an operator. Its negation is the link's.
pub(super) fn operator(written: &Written, about: &About) -> Result<LinkOperator, Report> {
    use MacroOperator as With;
    let lower = |argument: &MacroText, operator: With, fixed: fn(&[u8]) -> LinkOperator| {
        let text = text(argument, about);
        match text.as_literal() {
            Some(literal) => fixed(literal),
            None => LinkOperator::Macro(operator, text),
        }
    };
    let fixed = |operator: Operator| LinkOperator::Fixed(operator);
    Ok(match &written.test {
        Test::Rx(regex) => self::regex(regex),
        Test::RxMacro(argument) => LinkOperator::Macro(With::Rx, text(argument, about)),
        Test::Pm(phrases) => self::phrases(phrases),
        Test::Contains(argument) => lower(argument, With::Contains, contains),
        Test::ContainsWord(argument) => return contains_word(written, argument, about),
        Test::BeginsWith(argument) => lower(argument, With::BeginsWith, begins_with),
        Test::EndsWith(argument) => lower(argument, With::EndsWith, ends_with),
        Test::Streq(argument) => lower(argument, With::Streq, streq),
        Test::Within(argument) => return within(written, argument, about),
        Test::Eq(argument) => lower(argument, With::Eq, |text| number(text, Operator::Eq)),
        Test::Ge(argument) => lower(argument, With::Ge, |text| number(text, Operator::Ge)),
        Test::Gt(argument) => lower(argument, With::Gt, |text| number(text, Operator::Gt)),
        Test::Le(argument) => lower(argument, With::Le, |text| number(text, Operator::Le)),
        Test::Lt(argument) => lower(argument, With::Lt, |text| number(text, Operator::Lt)),
        Test::IpMatch(networks) => fixed(Operator::IpMatch(networks.to_vec())),
        Test::DetectSqli => fixed(Operator::DetectSqli),
        Test::DetectXss => fixed(Operator::DetectXss),
        Test::ValidateByteRange(set) => fixed(Operator::ValidateByteRange(*set)),
        Test::ValidateUrlEncoding => fixed(Operator::ValidateUrlEncoding),
        Test::ValidateUtf8Encoding => fixed(Operator::ValidateUtf8Encoding),
        Test::UnconditionalMatch => LinkOperator::Always,
        Test::NoMatch | Test::GeoLookup | Test::Rbl => LinkOperator::Never,
    })
}

/// Warns of a test for which there is nothing to ask.
pub(super) fn warn(written: &Written, complaints: &mut Complaints) {
    let message = match written.test {
        Test::GeoLookup => "there is no geographic database here: `@geoLookup` never matches",
        Test::Rbl => "no name server is asked here: `@rbl` never matches",
        _ => return,
    };
    complaints.push(Report::warning(Some(written.span.clone()), message));
}

fn regex(regex: &Regex) -> LinkOperator {
    let text = regex.pattern.text.clone();
    match regex.pattern.backtracking {
        None => rx(text),
        Some(_) => LinkOperator::Backtrack(text),
    }
}

fn rx(text: String) -> LinkOperator {
    LinkOperator::Fixed(Operator::Rx(text))
}

/// Operators on text take UTF-8. Other bytes are asked for by a regex that spells them out.
fn spelled(text: &[u8], operator: fn(String) -> Operator, regex: &str) -> LinkOperator {
    match String::from_utf8(text.to_vec()) {
        Ok(text) => LinkOperator::Fixed(operator(text)),
        Err(_) => rx(regex.replace('@', &escaped(text))),
    }
}

fn contains(text: &[u8]) -> LinkOperator {
    spelled(text, Operator::Contains, "@")
}

fn begins_with(text: &[u8]) -> LinkOperator {
    spelled(text, Operator::BeginsWith, r"\A@")
}

fn ends_with(text: &[u8]) -> LinkOperator {
    spelled(text, Operator::EndsWith, r"@\z")
}

fn streq(text: &[u8]) -> LinkOperator {
    spelled(text, Operator::Streq, r"\A@\z")
}

fn phrases(phrases: &[Vec<u8>]) -> LinkOperator {
    let texts: Result<Vec<_>, _> =
        phrases.iter().map(|phrase| String::from_utf8(phrase.clone())).collect();
    texts.map(Operator::Pm).map(LinkOperator::Fixed).unwrap_or_else(|_| {
        let phrases: Vec<_> = phrases.iter().map(|phrase| escaped(phrase)).collect();
        rx(format!("(?i:{})", phrases.join("|")))
    })
}

fn within(written: &Written, argument: &MacroText, about: &About) -> Result<LinkOperator, Report> {
    let text = text(argument, about);
    let Some(literal) = text.as_literal() else {
        return Ok(LinkOperator::Macro(MacroOperator::Within, text));
    };
    String::from_utf8(literal.to_vec())
        .map(|text| LinkOperator::Fixed(Operator::Within(text)))
        .map_err(|_| {
            let message = "`@within` takes UTF-8 only";
            Report::error(Some(written.span.clone()), message)
        })
}

/// The text between bytes that no word has (as in ModSecurity 2).
fn contains_word(
    written: &Written,
    argument: &MacroText,
    about: &About,
) -> Result<LinkOperator, Report> {
    match text(argument, about).as_literal() {
        Some(text) => Ok(rx(format!(r"(?:\A|[^0-9A-Za-z_]){}(?:\z|[^0-9A-Za-z_])", escaped(text)))),
        None => {
            Err(Report::error(Some(written.span.clone()), "`@containsWord` takes no macros here"))
        }
    }
}

fn number(text: &[u8], operator: fn(i64) -> Operator) -> LinkOperator {
    LinkOperator::Fixed(operator(atoi(text)))
}

/// A number as C's `atoi` reads it: blanks, a sign, digits; none are 0.
fn atoi(text: &[u8]) -> i64 {
    let text = text.trim_ascii_start();
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] => (1, digits),
        digits => (1, digits),
    };
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0i64, |value, &digit| {
        value.saturating_mul(10).saturating_add(sign * i64::from(digit - b'0'))
    })
}

/// Bytes that are no letter or digit as `\xhh`.
fn escaped(text: &[u8]) -> String {
    let one = |&byte: &u8| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!(r"\x{byte:02x}"),
    };
    text.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_c() {
        let numbers: [(&[u8], i64); 7] = [
            (b"12", 12),
            (b" \t-7x", -7),
            (b"+3", 3),
            (b"", 0),
            (b"x1", 0),
            (b"--1", 0),
            (b"99999999999999999999", i64::MAX),
        ];
        for (text, number) in numbers {
            assert_eq!(atoi(text), number);
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_spelled_out() {
        assert_eq!(contains("é".as_bytes()), LinkOperator::Fixed(Operator::Contains("é".into())));
        assert_eq!(streq(b"a.\xe9"), rx(r"\Aa\x2e\xe9\z".into()));
        assert_eq!(phrases(&[b"a b".to_vec(), vec![0xe9]]), rx(r"(?i:a\x20b|\xe9)".into()));
    }
}
