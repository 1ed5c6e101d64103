//! The search for patterns and phrases in one output of a whole value.

use super::pipeline::RawHit;
use crate::automaton::{Asked, Hit, PatternSet, Waiting};
use crate::bytes::ByteSet;
use crate::ruleset::{PlanNode, RuleSet};

/// What is asked of an output, and what was found in it.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// Afterwards those that the gate let through.
    pub(super) patterns: PatternSet,
    lists: PatternSet,
    pattern_hits: Vec<Hit>,
    list_hits: Vec<Hit>,
    waiting: Waiting,
}

impl Search {
    /// Finds patterns and phrases, each pattern by itself where the gate does not rule it out.
    pub(super) fn run(
        &mut self,
        ruleset: &RuleSet,
        (patterns, lists): (&Asked, &PatternSet),
        value: &[u8],
        present: ByteSet,
    ) {
        self.lists.copy_from(lists);
        self.pattern_hits.clear();
        self.list_hits.clear();
        ruleset.gate.narrow(value, present, patterns, &mut self.patterns, &mut self.waiting);
        for pattern in self.patterns.iter() {
            if let Some((start, end)) = ruleset.patterns[pattern.index()].find(value, 0) {
                let (start, end) = (start as u64, end as u64);
                self.pattern_hits.push(Hit { pattern, start: Some(start), end, needed: end });
            }
        }
        ruleset.phrases.narrow(present, &mut self.lists);
        if !self.lists.is_empty() {
            let cursor = &mut ruleset.phrases.start();
            ruleset.phrases.scan(cursor, value, &mut self.lists, &mut self.list_hits);
        }
    }

    /// Whether anything was found.
    pub(super) fn found(&self) -> bool {
        !self.pattern_hits.is_empty() || !self.list_hits.is_empty()
    }

    /// Turns what was found into hits of the signatures that a node asked for.
    pub(super) fn tell(&self, node: &PlanNode, at: usize, hits: &mut Vec<RawHit>) {
        let told = |hit: &Hit, signature| RawHit {
            signature,
            node: at,
            start: hit.start,
            end: hit.end,
            needed: Some(hit.needed),
        };
        let of_pattern = |hit: &Hit| Some(told(hit, node.pattern_signature(hit.pattern)?));
        hits.extend(self.pattern_hits.iter().filter_map(of_pattern));
        let of_list = |hit: &Hit| Some(told(hit, node.list_signature(hit.pattern)?));
        hits.extend(self.list_hits.iter().filter_map(of_list));
    }
}
