//! Is it true of a value, and what did the parts of the pattern match?

use waf_core::operator::{Backtrack, Outcome, detect_sqli};
use waf_core::rule::{Link, LinkOperator, MacroOperator, Operator};
use waf_core::seclang::pcre::{Case, rewrite};
use waf_core::transform::Transducer;

use super::super::operators::{Span, ask, integer};
use super::values::Item;
use super::{Run, Seen};

/// What `capture` sets.
type Captures = [Option<Vec<u8>>; 10];

/// A value of which it is true, after the transformations.
pub(super) struct Matched {
    pub(super) value: Vec<u8>,
    pub(super) captures: Option<Captures>,
}

impl Run<'_> {
    /// The matches of one value: one, or with `multiMatch` several.
    pub(super) fn ask(&self, link: &Link, item: &Item<'_>, seen: Seen<'_>) -> Vec<Matched> {
        let matched = forms(link, &item.value).into_iter().filter_map(|value| {
            let found = self.holds(link, &value, seen);
            (found.is_some() != link.negated)
                .then(|| Matched { captures: found.flatten().filter(|_| link.capture), value })
        });
        matched.collect()
    }

    /// Whether the operator, not negated, is true; and what it captures.
    fn holds(&self, link: &Link, value: &[u8], seen: Seen<'_>) -> Option<Option<Captures>> {
        match &link.operator {
            LinkOperator::Always => Some(None),
            LinkOperator::Never => None,
            LinkOperator::Fixed(operator) => self.fixed(operator, value),
            LinkOperator::Backtrack(pattern) => match Backtrack::new(pattern).ok()?.find(value) {
                Outcome::No => None,
                Outcome::Spent => Some(None),
                Outcome::Match(found) => Some(Some(captured(|group| {
                    found.get(group).map(|place| value[place].to_vec())
                }))),
            },
            LinkOperator::Macro(operator, text) => {
                let argument = self.expand(text, seen);
                self.expanded(*operator, &argument, value).then_some(None)
            }
        }
    }

    fn fixed(&self, operator: &Operator, value: &[u8]) -> Option<Option<Captures>> {
        let span = ask(operator, value, self.regexes)?;
        let only = |text: &[u8]| captured(|group| (group == 0).then(|| text.to_vec()));
        Some(match (operator, span) {
            (Operator::Rx(text), _) => {
                let groups = self.regexes.groups(text, value)?;
                Some(captured(|group| Some(value[groups.get_group(group)?.range()].to_vec())))
            }
            (Operator::Pm(_), Span::At(place)) => Some(only(&value[place])),
            (Operator::DetectSqli, _) => {
                detect_sqli(value).map(|found| only(found.as_str().as_bytes()))
            }
            (Operator::DetectXss, _) => Some(only(value)),
            _ => None,
        })
    }

    fn expanded(&self, operator: MacroOperator, argument: &[u8], value: &[u8]) -> bool {
        let occurs = |part: &[u8], text: &[u8]| {
            (0..=text.len()).any(|start| text[start..].starts_with(part))
        };
        match operator {
            MacroOperator::Eq => integer(value) == integer(argument),
            MacroOperator::Ge => integer(value) >= integer(argument),
            MacroOperator::Gt => integer(value) > integer(argument),
            MacroOperator::Le => integer(value) <= integer(argument),
            MacroOperator::Lt => integer(value) < integer(argument),
            MacroOperator::Streq => value == argument,
            MacroOperator::Contains => occurs(argument, value),
            MacroOperator::BeginsWith => value.starts_with(argument),
            MacroOperator::EndsWith => value.ends_with(argument),
            MacroOperator::Within => occurs(value, argument),
            MacroOperator::Rx => rewrite(argument, Case::Sensitive)
                .is_ok_and(|pattern| self.regexes.find(&pattern.text, value).is_some()),
            MacroOperator::IpMatch => {
                let list = String::from_utf8_lossy(argument);
                let network = |entry: &str| {
                    let address = || entry.parse::<std::net::IpAddr>().ok().map(Into::into);
                    entry.parse().ok().or_else(address)
                };
                let networks = list.split(',').filter_map(|entry| network(entry.trim())).collect();
                ask(&Operator::IpMatch(networks), value, self.regexes).is_some()
            }
        }
    }
}

/// The texts that the operator is asked of: the value after all transformations; with `multiMatch`
/// before the first, and after each that reports a change.
fn forms(link: &Link, value: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    let (mut value, mut counts) = (value.to_vec(), true);
    for &transformation in &link.transformations {
        let mut transducer = Transducer::new(transformation);
        let mut output = Vec::new();
        transducer.feed(&value, &mut output);
        transducer.finish(&mut output);
        let before = std::mem::replace(&mut value, output);
        if link.multi_match && counts {
            forms.push(before);
        }
        counts = transducer.changed();
    }
    if counts || !link.multi_match {
        forms.push(value);
    }
    forms
}

/// The groups as PCRE counts them: one that took no part before one that did is empty, those after
/// the last that did are not set.
fn captured(group: impl Fn(usize) -> Option<Vec<u8>>) -> Captures {
    let mut captures: Captures = std::array::from_fn(group);
    let known = captures.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    for capture in &mut captures[..known] {
        capture.get_or_insert_default();
    }
    captures
}
