//! What must come of a request.

use std::fmt;

use regex_automata::meta::Regex;
use regex_automata::util::syntax;

use super::schema::{Output, Text};

/// What must come of a request. Everything named must hold; what is empty asks nothing.
#[derive(Clone, Debug, Default)]
pub struct Expectation {
    /// The status is one of these.
    pub status: Vec<u16>,
    /// Rules that are logged. Numbers in the suites of the CRS; words name rules of ours.
    pub ids: Vec<String>,
    /// Rules that are not.
    pub no_ids: Vec<String>,
    /// A line of the log matches.
    pub line: Option<Pattern>,
    /// No line of the log does.
    pub no_line: Option<Pattern>,
    /// The response, head and all, matches.
    pub response: Option<Pattern>,
    /// Nothing but the one rule of `ids` is logged.
    pub isolated: bool,
    /// There is no answer; nothing else is asked then.
    pub no_answer: bool,
}

/// A regular expression and its text.
#[derive(Clone)]
pub struct Pattern {
    text: String,
    regex: Regex,
}

impl Pattern {
    /// Compiles a pattern in the syntax of Go, whose common part with Rust's the suites use. As
    /// there, classes such as `\d` are ASCII.
    pub fn new(text: &str) -> Result<Self, String> {
        let syntax = syntax::Config::new().unicode(false).utf8(false);
        let config = Regex::config().utf8_empty(false);
        match Regex::builder().syntax(syntax).configure(config).build(text) {
            Ok(regex) => Ok(Self { text: text.to_owned(), regex }),
            Err(error) => {
                let why =
                    error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string);
                let last = why.lines().last().unwrap_or_default();
                Err(last.trim_start_matches("error: ").to_owned())
            }
        }
    }

    /// Whether it matches somewhere in the text.
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.regex.is_match(text)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.text)
    }
}

/// What an `output` asks, or the key that is wrong and why. `log_contains` and `no_log_contains` are
/// the older names of `match_regex` and `no_match_regex`.
pub(super) fn expectation(output: &Output) -> Result<Expectation, (&'static str, String)> {
    let log = output.log.clone().unwrap_or_default();
    let older = |newer: bool, text: &Option<String>| text.clone().filter(|_| !newer);
    let contains = older(!log.expect_ids.is_empty(), &output.log_contains);
    let no_contains = older(!log.no_expect_ids.is_empty(), &output.no_log_contains);
    let ids = |ids: Vec<Text>| ids.into_iter().map(|id| id.0).collect();
    let expectation = Expectation {
        status: output.status.clone().map(|status| status.0).unwrap_or_default(),
        line: pattern("log.match_regex", log.match_regex)?.or(pattern("log_contains", contains)?),
        no_line: pattern("log.no_match_regex", log.no_match_regex)?
            .or(pattern("no_log_contains", no_contains)?),
        response: pattern("response_contains", output.response_contains.clone())?,
        ids: ids(log.expect_ids),
        no_ids: ids(log.no_expect_ids),
        isolated: output.isolated.unwrap_or(false),
        no_answer: output.expect_error.unwrap_or(false),
    };
    if expectation.isolated && expectation.ids.len() != 1 {
        return Err(("isolated", "`isolated` asks for exactly one id in `expect_ids`".to_owned()));
    }
    if expectation.is_empty() {
        return Err(("", "nothing is expected".to_owned()));
    }
    Ok(expectation)
}

impl Expectation {
    fn is_empty(&self) -> bool {
        let Self { status, ids, no_ids, line, no_line, response, isolated, no_answer } = self;
        status.is_empty()
            && ids.is_empty()
            && no_ids.is_empty()
            && !isolated
            && !no_answer
            && line.is_none()
            && no_line.is_none()
            && response.is_none()
    }
}

fn pattern(
    key: &'static str,
    text: Option<String>,
) -> Result<Option<Pattern>, (&'static str, String)> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    Pattern::new(&text).map(Some).map_err(|why| (key, format!("this is no pattern: {why}")))
}
