//! Exclusions: a list in a file of its own.

use std::sync::Arc;

use regex_syntax::utf8::Utf8Sequences;
use serde::Deserialize;

use super::checker::Checker;
use super::document;
use super::pattern::check_regex;
use super::rule::is_rule_id;
use super::target::targets;
use crate::bytes::ByteSet;
use crate::rule::{Date, Exclusion, ExclusionScope, PathPattern, Target, TargetKind};
use crate::source::{Report, Source};

/// Reads a list of exclusions.
pub fn exclusions(source: &Arc<Source>) -> Result<Vec<Exclusion>, Vec<Report>> {
    let (written, located) =
        document::read_located::<Vec<Written>>(source).map_err(|report| vec![report])?;
    let mut checker = Checker::new(&located);
    let mut exclusions = Vec::with_capacity(written.len());
    for (index, written) in written.iter().enumerate() {
        let path = format!("[{index}]");
        exclusions.extend(Reader { checker: &mut checker, written, path }.exclusion());
    }
    let reports = checker.take_reports();
    if reports.is_empty() { Ok(exclusions) } else { Err(reports) }
}

/// An exclusion as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    rule: Option<String>,
    tag: Option<String>,
    targets: Option<Vec<String>>,
    #[serde(default)]
    whole_rule: bool,
    path: Option<String>,
    #[serde(default)]
    methods: Vec<String>,
    characters: Option<String>,
    reason: Option<String>,
    owner: Option<String>,
    expires: Option<String>,
}

struct Reader<'c, 'l, 'w> {
    checker: &'c mut Checker<'l>,
    written: &'w Written,
    /// Of the exclusion, `[n]`.
    path: String,
}

impl Reader<'_, '_, '_> {
    /// `None` where something was wrong.
    fn exclusion(&mut self) -> Option<Exclusion> {
        let scope = self.scope();
        let targets = self.targets();
        let path = self.clean_path();
        self.check_methods();
        let characters = self.characters();
        let reason = self.checker.text_at(&self.path, "reason", self.written.reason.as_deref());
        let owner = self.checker.text_at(&self.path, "owner", self.written.owner.as_deref());
        let expires = self.expires();
        Some(Exclusion {
            scope: scope?,
            targets,
            path,
            methods: self.written.methods.clone(),
            characters,
            reason: reason?.to_owned(),
            owner: owner?.to_owned(),
            expires: expires?,
            span: self.checker.span(&self.path),
        })
    }

    fn scope(&mut self) -> Option<ExclusionScope> {
        match (&self.written.rule, &self.written.tag) {
            (Some(rule), None) => self.rule(rule),
            (None, Some(tag)) if tag.trim().is_empty() => {
                self.checker.wrong(&self.at("tag"), "`tag` is empty");
                None
            }
            (None, Some(tag)) => Some(ExclusionScope::Tag(tag.clone())),
            (Some(_), Some(_)) => {
                self.checker
                    .wrong_key(&self.at("tag"), "`rule` and `tag` stand in one exclusion")
                    .help("write an exclusion for each");
                None
            }
            (None, None) => {
                let help = "which rules: `rule` with an id, or `tag`";
                self.checker.missing(&self.path, "rule", Some(help));
                None
            }
        }
    }

    fn rule(&mut self, rule: &str) -> Option<ExclusionScope> {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if digits(rule) || is_rule_id(rule) {
            return Some(ExclusionScope::Rule(rule.to_owned()));
        }
        let range = rule.split_once('-').filter(|(first, last)| digits(first) && digits(last));
        let numbers =
            range.and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
        if let Some((first, last)) = numbers.filter(|(first, last): &(u64, u64)| first <= last) {
            return Some(ExclusionScope::Range(first, last));
        }
        self.checker
            .wrong(&self.at("rule"), format!("`{rule}` names no rule"))
            .help("as in `sqli-union-select`, `100200` or `100200-100299`");
        None
    }

    /// Empty for the whole rule.
    fn targets(&mut self) -> Vec<Target> {
        let path = self.at("targets");
        match (&self.written.targets, self.written.whole_rule) {
            (None, true) => Vec::new(),
            (Some(_), true) => {
                let message = "`whole_rule: true` leaves nothing for `targets`";
                self.checker.wrong_key(&path, message);
                Vec::new()
            }
            (None, false) => {
                let help = "which fields: `targets`, or `whole_rule: true` for all there are";
                self.checker.missing(&self.path, "targets", Some(help));
                Vec::new()
            }
            (Some(texts), false) => {
                let read = targets(self.checker, texts, &path, &check_regex);
                self.check_kinds(&read, texts.len());
                read
            }
        }
    }

    fn check_kinds(&mut self, targets: &[Target], written: usize) {
        if targets.len() != written {
            return;
        }
        for (index, target) in targets.iter().enumerate() {
            if target.kind != TargetKind::Include {
                let path = format!("{}[{index}]", self.at("targets"));
                let message = "an exclusion names fields, without `!` or `&`";
                self.checker.wrong_part(&path, 0..1, message);
            }
        }
    }

    fn clean_path(&mut self) -> Option<PathPattern> {
        let text = self.written.path.as_deref()?;
        let pattern = PathPattern::new(text);
        if pattern.is_none() {
            self.checker
                .wrong(&self.at("path"), format!("`{text}` is not a path"))
                .help("a path begins with `/` and may have one `*`, at its end");
        }
        pattern
    }

    fn check_methods(&mut self) {
        for (index, method) in self.written.methods.iter().enumerate() {
            let token = |byte: u8| byte.is_ascii_uppercase() || byte == b'-' || byte == b'_';
            if method.is_empty() || !method.bytes().all(token) {
                let path = format!("{}[{index}]", self.at("methods"));
                let message = format!("`{method}` is not a method");
                self.checker.wrong(&path, message).help("methods are upper case, as in `POST`");
            }
        }
    }

    fn characters(&mut self) -> Option<ByteSet> {
        let text = self.written.characters.as_deref()?;
        let path = self.at("characters");
        if self.written.whole_rule {
            let message = "`characters` is about a value, `whole_rule` about none";
            self.checker.wrong_key(&path, message).help("name the fields in `targets`");
            return None;
        }
        match characters(text) {
            Ok(set) if !set.is_empty() => return Some(set),
            Ok(_) => self.checker.wrong(&path, "`characters` is empty"),
            Err((part, message)) => self.checker.wrong_part(&path, part, message),
        };
        None
    }

    fn expires(&mut self) -> Option<Date> {
        let written = self.written.expires.as_deref();
        let text = self.checker.text_at(&self.path, "expires", written)?;
        let date = Date::parse(text);
        if date.is_none() {
            self.checker
                .wrong(&self.at("expires"), format!("`{text}` is not a day"))
                .help("as in `2027-06-30`: the last day (UTC) that the exclusion applies");
        }
        date
    }

    fn at(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }
}

/// A set such as `A-Za-z0-9 .,-`: characters, and ranges of them. A `-` at the beginning or the end is
/// itself. What is beyond ASCII stands for all bytes of its UTF-8.
fn characters(text: &str) -> Result<ByteSet, (std::ops::Range<usize>, &'static str)> {
    let mut set = ByteSet::EMPTY;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let at = text.len() - rest.len();
        let mut ahead = rest.chars().skip(1);
        let range = (ahead.next() == Some('-')).then(|| ahead.next()).flatten();
        let Some(last) = range else {
            set.insert_all(first.encode_utf8(&mut [0; 4]).as_bytes());
            rest = &rest[first.len_utf8()..];
            continue;
        };
        let length = first.len_utf8() + 1 + last.len_utf8();
        if first.is_ascii() != last.is_ascii() {
            return Err((at..at + length, "a range does not go from ASCII beyond it"));
        }
        if first > last {
            return Err((at..at + length, "this range runs backwards"));
        }
        let bytes = Utf8Sequences::new(first, last);
        let bytes = bytes.flat_map(|sequence| sequence.as_slice().to_vec());
        set = bytes.fold(set, |set, range| set.union(ByteSet::range(range.start, range.end)));
        rest = &rest[length..];
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_characters() {
        let set = |text: &str| characters(text).map(|set| set.iter().collect::<Vec<_>>()).ok();
        assert_eq!(set("a-c"), Some(b"abc".to_vec()));
        assert_eq!(set("-a"), Some(b"-a".to_vec()));
        assert_eq!(set("a-"), Some(b"-a".to_vec()));
        assert_eq!(set("-"), Some(b"-".to_vec()));
        assert_eq!(set("a-b-d"), Some(b"-abd".to_vec()));
        assert_eq!(set("é"), Some(vec![0xa9, 0xc3]));
        assert_eq!(set("z-a"), None);
        assert_eq!(set("a-é"), None);
        assert_eq!(set("é-è"), None);
        assert_eq!(set("à-é"), Some((0xa0..=0xa9).chain([0xc3]).collect()));
        assert_eq!(set(""), Some(vec![]));
    }
}
