//! The attacks of a corpus, as far as their records tell what an exclusion would do to them.

use std::borrow::Cow;

use waf_core::parse::uri::{TargetParts, clean_path};
use waf_core::record::{Alphabet, Decision, DecisionRecord};
use waf_corpus::Request;

use super::line::Matched;
use super::weighed::Weighed;

/// An attack that is caught.
#[derive(Clone, Debug)]
pub struct Attack {
    /// Its number in the corpus.
    pub number: usize,
    /// Its name there.
    pub id: Box<str>,
    /// Its path, decoded and without dots; `None` where an exclusion with a path does not hold.
    pub path: Option<Box<str>>,
    /// Its matches.
    pub weighed: Weighed,
    /// The characters of the values in which they are.
    pub alphabets: Box<[Alphabet]>,
}

impl Attack {
    /// A request of a corpus and its record; `None` when it passes, or is refused whatever
    /// exclusions say.
    pub fn of(number: usize, request: &Request, record: &DecisionRecord) -> Option<Self> {
        if record.decision == Decision::Pass {
            return None;
        }
        let matches: Vec<Matched<'_>> = record.matches.iter().map(Matched::from).collect();
        let path = clean_path(TargetParts::of(&request.head.target).path);
        let text = String::from_utf8_lossy(&path.path);
        let (weighed, alphabets) = Weighed::of(&matches, &record.score);
        Some(Self {
            number,
            id: request.id.as_str().into(),
            path: (!path.ambiguous).then(|| text.into()),
            weighed,
            alphabets,
        })
    }
}

impl<'a> From<&'a waf_core::record::MatchRecord> for Matched<'a> {
    fn from(one: &'a waf_core::record::MatchRecord) -> Self {
        Self {
            rule_id: Cow::Borrowed(&one.rule_id),
            score: one.score,
            phase: Cow::Borrowed(&one.phase),
            target: Cow::Borrowed(&one.target),
            also: one.also.iter().map(|field| Cow::Borrowed(field.as_str())).collect(),
            counted: one.counted,
            alphabet: one.alphabet,
            blocks: one.blocks,
        }
    }
}
