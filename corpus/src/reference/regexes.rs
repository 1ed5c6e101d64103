//! Regexes straight from the text of rules.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;

use regex_automata::meta::Regex;
use regex_automata::util::captures::Captures;
use regex_automata::util::syntax;

/// Regexes by their text, each compiled at its first use.
#[derive(Debug, Default)]
pub struct Regexes(RefCell<HashMap<String, Option<Regex>>>);

impl Regexes {
    /// The leftmost match in a value. A text that is no regex matches nothing: loading refuses it.
    pub(crate) fn find(&self, text: &str, value: &[u8]) -> Option<Range<usize>> {
        self.with(text, |regex| regex.find(value).map(|found| found.range()))
    }

    /// What the groups of that match are.
    pub(crate) fn groups(&self, text: &str, value: &[u8]) -> Option<Captures> {
        self.with(text, |regex| {
            let mut groups = regex.create_captures();
            regex.captures(value, &mut groups);
            groups.is_match().then_some(groups)
        })
    }

    fn with<T>(&self, text: &str, ask: impl FnOnce(&Regex) -> Option<T>) -> Option<T> {
        let mut known = self.0.borrow_mut();
        if !known.contains_key(text) {
            known.insert(text.to_owned(), compile(text));
        }
        ask(known.get(text)?.as_ref()?)
    }
}

/// As rules mean it: over bytes, `.` is any of them, classes are ASCII. `None`: it is no regex.
pub fn compile(text: &str) -> Option<Regex> {
    let syntax = syntax::Config::new().unicode(false).utf8(false).dot_matches_new_line(true);
    let config = Regex::config().utf8_empty(false);
    Regex::builder().syntax(syntax).configure(config).build(text).ok()
}
