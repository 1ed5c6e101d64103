//! The matches of a request and what would be left of its score without some of them.

use serde::Serialize;
use waf_core::finding::Finding;
use waf_core::record::{Alphabet, ScoreRecord};

use super::limits;
use super::line::Matched;
use super::place::field_pattern;

/// What a match that blocks by itself weighs beside scores: as much as a critical rule.
const BLOCK: u32 = 5;

/// A rule that matched a field, or several that exclusions cannot tell apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Hit {
    /// The rule.
    pub rule: Box<str>,
    /// The field, without the numbers of elements.
    pub target: Box<str>,
    /// It speaks against the response.
    pub outbound: bool,
    /// It blocks by itself.
    pub blocks: bool,
    /// What it added.
    pub score: u32,
}

/// The matches of a request, what they sum up to and what that is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Weighed {
    /// Ordered, no two for the same rule and field.
    pub hits: Vec<Hit>,
    sums: [u32; 2],
    thresholds: [u32; 2],
}

impl Weighed {
    /// The matches of a record, and the characters of the values in which each is. Those on trial
    /// count, and those after the verdict: without what made it, it would have come from them.
    pub fn of(matches: &[Matched<'_>], score: &ScoreRecord) -> (Self, Box<[Alphabet]>) {
        let mut hits: Vec<(Hit, Alphabet)> = Vec::with_capacity(matches.len());
        for one in matches.iter().filter(|one| one.score > 0 || one.blocks) {
            let outbound = !one.phase.starts_with("request");
            // A rule scores in each of its fields, and the record has the sum.
            let fields = 1 + one.also.len() as u32;
            let mut rest = one.score % fields;
            let alphabet = one.alphabet.unwrap_or(Alphabet::ALL);
            for field in std::iter::once(&one.target).chain(&one.also) {
                let score = one.score / fields + std::mem::take(&mut rest);
                let target = field_pattern(field);
                let is_same = |hit: &Hit| *hit.rule == *one.rule_id && *hit.target == *target;
                if let Some((hit, all)) = hits.iter_mut().find(|(hit, _)| is_same(hit)) {
                    hit.score = hit.score.saturating_add(score);
                    *all = all.union(alphabet);
                } else if hits.len() < limits::HITS {
                    let (rule, target) = ((&*one.rule_id).into(), (&*target).into());
                    hits.push((
                        Hit { rule, target, outbound, blocks: one.blocks, score },
                        alphabet,
                    ));
                }
            }
        }
        hits.sort_unstable();
        let (hits, alphabets): (Vec<Hit>, Vec<Alphabet>) = hits.into_iter().unzip();
        let sum = |outbound: bool| {
            let of_side = hits.iter().filter(|hit| hit.outbound == outbound);
            of_side.fold(0_u32, |sum, hit| sum.saturating_add(hit.score))
        };
        let sums = [score.inbound.max(sum(false)), score.outbound.max(sum(true))];
        let thresholds = [score.inbound_threshold, score.outbound_threshold];
        (Self { hits, sums, thresholds }, alphabets.into())
    }

    /// How far the request is from passing, without the hits whose bits are set: 0 when it passes.
    pub fn excess(&self, gone: u128) -> u32 {
        let mut left = self.sums;
        let mut blocking = 0;
        for (at, hit) in self.hits.iter().enumerate() {
            if gone & 1 << at != 0 {
                let side = &mut left[usize::from(hit.outbound)];
                *side = side.saturating_sub(hit.score);
            } else if hit.blocks {
                blocking += BLOCK;
            }
        }
        let over = |side: usize| (left[side] + 1).saturating_sub(self.thresholds[side]);
        over(0) + over(1) + blocking
    }

    /// Something in it cannot be forwarded safely, whatever rules and exclusions say.
    pub fn is_refused_always(&self) -> bool {
        self.hits.iter().any(|hit| Finding::from_id(&hit.rule).is_some_and(Finding::always_refused))
    }

    /// Its matches are of one rule.
    pub fn has_one_rule(&self) -> bool {
        self.hits.iter().all(|hit| hit.rule == self.hits[0].rule)
    }

    /// Its matches are in one field.
    pub fn has_one_field(&self) -> bool {
        self.hits.iter().all(|hit| hit.target == self.hits[0].target)
    }

    /// Bytes it takes, about.
    pub(super) fn weight(&self) -> usize {
        let hit = |hit: &Hit| hit.rule.len() + hit.target.len() + size_of::<Hit>();
        self.hits.iter().map(hit).sum::<usize>() + size_of::<Self>()
    }
}
