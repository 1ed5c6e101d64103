//! What a record must not tell: applied once, when the record is made.
//!
//! What is hidden reads `***`. Everything that comes out is [`printable`]. Hiding comes before
//! cutting, so that a secret is never shown by half because its end was cut off.

use std::borrow::Cow;
use std::ops::Range;

use regex_automata::meta::Regex;
use regex_automata::util::{captures::Captures, syntax};

use super::printable::printable;
use crate::limits;
use crate::source::Report;

/// Stands for what is hidden.
const HIDDEN: &[u8] = b"***";

/// Digits of a payment card number (ISO/IEC 7812-1; the shortest in use has 13).
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// Bytes that one configured regex may compile to.
const REGEX_SIZE: usize = 1 << 20;

/// Something that is secret wherever it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretPattern {
    /// A card number: 13 to 19 digits with a right check digit (Luhn), blanks or `-` between.
    Card,
    /// A JSON web token (RFC 7519): two or three base64url parts, the first a JSON object.
    Jwt,
    /// `Bearer` and a token (RFC 6750 section 2.1).
    Bearer,
}

impl SecretPattern {
    /// Every pattern.
    pub const ALL: &'static [Self] = &[Self::Card, Self::Jwt, Self::Bearer];

    /// The word in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Jwt => "jwt",
            Self::Bearer => "bearer",
        }
    }

    /// The pattern with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|pattern| pattern.name() == name)
    }
}

/// What is to be hidden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaskingSettings {
    /// The values of the query, all of them.
    pub query_values: bool,
    /// Fields whose values are secret: names, or `/regexes/` that match somewhere in the name.
    /// Both ignore ASCII case. A name also means the last key of a JSON or XML path.
    pub fields: Vec<String>,
    /// Headers whose values are secret. `cookie` hides every cookie's value.
    pub headers: Vec<String>,
    /// What is secret wherever it stands.
    pub patterns: Vec<SecretPattern>,
    /// Classes of rules whose very matches are secret: their excerpts are hidden whole.
    pub classes: Vec<String>,
    /// Bytes of an excerpt.
    pub excerpt: usize,
}

impl Default for MaskingSettings {
    fn default() -> Self {
        let headers = ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"];
        Self {
            query_values: true,
            fields: vec!["/passw|secret|token|api.?key|card|cvv|iban|ssn/".to_owned()],
            headers: headers.map(str::to_owned).to_vec(),
            patterns: SecretPattern::ALL.to_vec(),
            classes: vec!["pii".to_owned()],
            excerpt: 64,
        }
    }
}

/// The settings made ready.
#[derive(Clone, Debug)]
pub struct Masking {
    query_values: bool,
    /// In lower case.
    names: Vec<String>,
    regexes: Vec<Regex>,
    /// A secret field's name and its value in raw text; the value is the last group.
    in_raw: Option<Regex>,
    /// In lower case.
    headers: Vec<String>,
    card: bool,
    /// Tokens; the last group is what is hidden.
    tokens: Vec<Regex>,
    classes: Vec<String>,
    excerpt: usize,
}

impl Default for Masking {
    /// With the default settings.
    fn default() -> Self {
        Self::new(&MaskingSettings::default()).unwrap_or_else(|_| Self::everything())
    }
}

impl Masking {
    /// Makes the settings ready. Fails on a `/regex/` that is none; the report has no place yet.
    pub fn new(settings: &MaskingSettings) -> Result<Self, Report> {
        let lower = |name: &String| name.to_ascii_lowercase();
        let (sources, names): (Vec<_>, Vec<_>) =
            settings.fields.iter().partition(|field| regex_source(field).is_some());
        let sources: Vec<&str> = sources.into_iter().filter_map(|f| regex_source(f)).collect();
        let tokens = settings.patterns.iter().filter_map(|pattern| token_regex(*pattern));
        Ok(Self {
            query_values: settings.query_values,
            names: names.into_iter().map(lower).collect(),
            regexes: sources.iter().map(|source| compile(source)).collect::<Result<_, _>>()?,
            in_raw: raw_regex(&settings.fields)?,
            headers: settings.headers.iter().map(lower).collect(),
            card: settings.patterns.contains(&SecretPattern::Card),
            tokens: tokens.map(compile).collect::<Result<_, _>>()?,
            classes: settings.classes.clone(),
            excerpt: settings.excerpt,
        })
    }

    /// A text that belongs to no field, such as the host.
    pub fn text(&self, bytes: &[u8]) -> String {
        printable(&self.hide_patterns(bytes), limits::RECORD_TEXT)
    }

    /// A path.
    pub fn path(&self, bytes: &[u8]) -> String {
        self.text(bytes)
    }

    /// A query: names stay, values go where `query_values` or the name says so.
    pub fn query(&self, bytes: &[u8]) -> String {
        let mut shown = Vec::with_capacity(bytes.len());
        for (index, pair) in bytes.split(|&byte| byte == b'&').enumerate() {
            if index > 0 {
                shown.push(b'&');
            }
            let Some(at) = pair.iter().position(|&byte| byte == b'=') else {
                shown.extend_from_slice(&self.hide_patterns(pair));
                continue;
            };
            let (name, value) = (&pair[..at], &pair[at + 1..]);
            shown.extend_from_slice(&self.hide_patterns(name));
            shown.push(b'=');
            if value.is_empty() {
                continue;
            }
            if self.query_values || self.is_secret_name(&unescape(name)) {
                shown.extend_from_slice(HIDDEN);
            } else {
                shown.extend_from_slice(&self.hide_patterns(value));
            }
        }
        printable(&shown, limits::RECORD_TEXT)
    }

    /// A header's value.
    pub fn header(&self, name: &str, value: &[u8]) -> String {
        if self.is_secret_header(name) || self.is_secret_name(name.as_bytes()) {
            return hidden();
        }
        self.text(&self.hide_raw(value))
    }

    /// [`Self::excerpt`] of what a rule of this class matched.
    pub fn excerpt_of(&self, class: &str, target: &str, bytes: &[u8]) -> String {
        if self.hides_class(class) { hidden() } else { self.excerpt(target, bytes) }
    }

    /// Whether all of a field is hidden from what is told of a rule of this class.
    pub fn hides(&self, class: &str, target: &str) -> bool {
        let (collection, name) = target.split_once(':').unwrap_or((target, ""));
        self.hides_class(class) || self.is_secret_field(collection, name)
    }

    /// [`Self::quoting`] of what a rule of this class matched.
    pub fn quoting_of(&self, class: &str, target: &str, text: &[u8]) -> String {
        if self.hides_class(class) { hidden() } else { self.quoting(target, text) }
    }

    /// Bytes of the field `target`, which is spelled as in records: `ARGS_POST:password`.
    pub fn excerpt(&self, target: &str, bytes: &[u8]) -> String {
        self.of_field(target, bytes, self.excerpt)
    }

    /// Text that quotes the value of a field, printable.
    pub fn quoting(&self, target: &str, text: &[u8]) -> String {
        self.of_field(target, text, limits::RECORD_TEXT)
    }

    fn of_field(&self, target: &str, bytes: &[u8], most: usize) -> String {
        let (collection, name) = target.split_once(':').unwrap_or((target, ""));
        if self.is_secret_field(collection, name) {
            return hidden();
        }
        // What has no name of its own holds several fields, and so do headers, such as the address in
        // `Referer`.
        let is_raw = name.is_empty() || collection.ends_with("_HEADERS");
        let shown = if is_raw { self.hide_raw(bytes) } else { Cow::Borrowed(bytes) };
        printable(&self.hide_patterns(&shown), most)
    }

    fn is_secret_field(&self, collection: &str, name: &str) -> bool {
        match collection {
            // The value is a name, and names are shown.
            _ if collection.ends_with("_NAMES") => false,
            "REQUEST_COOKIES" => {
                self.is_secret_header("cookie") || self.is_secret_name(name.as_bytes())
            }
            "REQUEST_HEADERS" | "RESPONSE_HEADERS" => {
                self.is_secret_header(name) || self.is_secret_name(name.as_bytes())
            }
            _ => self.is_secret_name(name.as_bytes()),
        }
    }

    fn hides_class(&self, class: &str) -> bool {
        self.classes.iter().any(|secret| secret == class)
    }

    fn is_secret_header(&self, name: &str) -> bool {
        self.headers.iter().any(|header| header.eq_ignore_ascii_case(name))
    }

    fn is_secret_name(&self, name: &[u8]) -> bool {
        let last = last_key(name);
        let is = |secret: &String| {
            name.eq_ignore_ascii_case(secret.as_bytes())
                || last.eq_ignore_ascii_case(secret.as_bytes())
        };
        self.names.iter().any(is) || self.regexes.iter().any(|regex| regex.is_match(name))
    }

    /// Hides the values of secret fields in text that holds several fields, such as a raw body.
    fn hide_raw<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        match &self.in_raw {
            Some(regex) => hide(bytes, &secret_spans(regex, bytes)),
            None => Cow::Borrowed(bytes),
        }
    }

    fn hide_patterns<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let mut spans: Vec<Range<usize>> =
            self.tokens.iter().flat_map(|regex| secret_spans(regex, bytes)).collect();
        if self.card {
            spans.extend(card_spans(bytes));
        }
        spans.sort_by_key(|span| span.start);
        hide(bytes, &spans)
    }

    /// Hides every excerpt: what is left when the defaults themselves did not compile.
    fn everything() -> Self {
        Self {
            query_values: true,
            names: Vec::new(),
            regexes: Vec::new(),
            in_raw: None,
            headers: Vec::new(),
            card: true,
            tokens: Vec::new(),
            classes: Vec::new(),
            excerpt: 0,
        }
    }
}

fn hidden() -> String {
    String::from_utf8_lossy(HIDDEN).into_owned()
}

/// The regex of `/regex/`, `None` for a plain name.
fn regex_source(field: &str) -> Option<&str> {
    field.strip_prefix('/')?.strip_suffix('/')
}

/// The last key of `$.a.b`, `$.a['b']`, `/a/b` and `/a/@b`.
fn last_key(name: &[u8]) -> &[u8] {
    let name = name.strip_suffix(b"']").unwrap_or(name);
    match name.iter().rposition(|byte| b"./@'".contains(byte)) {
        Some(at) => &name[at + 1..],
        None => name,
    }
}

/// `%hh` and `+` decoded; a bad escape stays.
fn unescape(name: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| (byte as char).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let mut decoded = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        let escape = match (first, tail) {
            (b'%', [high, low, ..]) => digit(*high).zip(digit(*low)),
            _ => None,
        };
        match (escape, first) {
            (Some((high, low)), _) => {
                decoded.push(high * 16 + low);
                rest = &tail[2..];
            }
            (None, b'+') => decoded.push(b' '),
            (None, byte) => decoded.push(byte),
        }
    }
    decoded
}

fn compile(pattern: &str) -> Result<Regex, Report> {
    Regex::builder()
        .syntax(syntax::Config::new().unicode(false).utf8(false).case_insensitive(true))
        .configure(Regex::config().utf8_empty(false).nfa_size_limit(Some(REGEX_SIZE)))
        .build(pattern)
        .map_err(|error| {
            let cause = error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string);
            Report::error(None, format!("`/{pattern}/` is not a regex"))
                .help(cause.lines().last().unwrap_or_default().to_owned())
        })
}

/// Secret fields as they stand in a form, a query, JSON or a header line: the name, a separator,
/// the value, which in quotes has blanks.
fn raw_regex(fields: &[String]) -> Result<Option<Regex>, Report> {
    if fields.is_empty() {
        return Ok(None);
    }
    let names: Vec<String> = fields
        .iter()
        .map(|field| match regex_source(field) {
            Some(source) => format!("(?:{source})[^=:&;,{{}}\"'\\s]*"),
            None => format!("\\b{}", regex_syntax::escape(field)),
        })
        .collect();
    let names = names.join("|");
    let quoted = r#""((?:[^"\\]|\\.)+)"#;
    let bare = r#"["']?([^&;,}"'\s]+)"#;
    compile(&format!(r#"(?:{names})["']?\s*[=:]\s*(?:{quoted}|{bare})"#)).map(Some)
}

fn token_regex(pattern: SecretPattern) -> Option<&'static str> {
    match pattern {
        SecretPattern::Card => None,
        // `eyJ` is the base64 of `{"`.
        SecretPattern::Jwt => Some(r"\b((?-i:eyJ)[a-z0-9_-]{5,}\.[a-z0-9_-]+(?:\.[a-z0-9_-]*)*)"),
        SecretPattern::Bearer => Some(r"\bbearer(?:\s|\+|%20)+([a-z0-9._~+/=-]{4,})"),
    }
}

/// Where the last group of every match stands that took part in it; those before it are the operator's
/// own.
fn secret_spans(regex: &Regex, bytes: &[u8]) -> Vec<Range<usize>> {
    let last = |captures: Captures| {
        let groups = (1..regex.captures_len()).rev();
        groups.map(|at| captures.get_group(at)).find_map(|span| span.map(|span| span.range()))
    };
    regex.captures_iter(bytes).filter_map(last).collect()
}

/// Where card numbers stand: digits, at most one blank or `-` between two, the check digit right.
fn card_spans(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let (end, digits) = digit_run(bytes, at);
        if CARD_DIGITS.contains(&digits.len()) && luhn(&digits) {
            spans.push(at..end);
        }
        at = end;
    }
    spans
}

/// The digits from `start` on and where they end.
fn digit_run(bytes: &[u8], start: usize) -> (usize, Vec<u8>) {
    let mut digits = Vec::new();
    let mut end = start;
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        let next_is_digit = bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        match byte {
            b'0'..=b'9' => {
                digits.push(byte - b'0');
                end = at + 1;
            }
            b' ' | b'-' | b'+' if next_is_digit => {}
            _ => break,
        }
        at += 1;
    }
    (end, digits)
}

/// Whether the last digit is the right check digit (ISO/IEC 7812-1, annex B).
fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, &digit)| {
            let digit = u32::from(digit);
            let doubled = if index % 2 == 1 { digit * 2 } else { digit };
            if doubled > 9 { doubled - 9 } else { doubled }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The bytes with the spans, sorted by their start, hidden.
fn hide<'a>(bytes: &'a [u8], spans: &[Range<usize>]) -> Cow<'a, [u8]> {
    if spans.is_empty() {
        return Cow::Borrowed(bytes);
    }
    let mut shown = Vec::with_capacity(bytes.len());
    let mut done = 0;
    for span in spans {
        if span.start >= done {
            shown.extend_from_slice(&bytes[done..span.start]);
            shown.extend_from_slice(HIDDEN);
        }
        done = done.max(span.end);
    }
    shown.extend_from_slice(&bytes[done..]);
    Cow::Owned(shown)
}

#[cfg(test)]
#[path = "masking_tests.rs"]
mod tests;
