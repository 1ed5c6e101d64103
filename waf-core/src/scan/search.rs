//! The search for patterns and phrases in one output of a whole value.

use super::pipeline::RawHit;
use crate::automaton::{self, Asked, Cursors, Hit, Occurs, PatternSet, Work};
use crate::bytes::ByteSet;
use crate::ruleset::{PlanNode, RuleSet};

/// What is asked of an output, and what was found in it.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// Those that are left to be looked for.
    pub(super) patterns: PatternSet,
    pub(super) lists: PatternSet,
    pattern_hits: Vec<Hit>,
    list_hits: Vec<Hit>,
    places: Vec<usize>,
    cursors: Cursors,
    /// Patterns that are looked for together, and then those that must be asked one by one.
    together: PatternSet,
    alone: PatternSet,
}

/// Patterns that are looked for one by one: for so few the automata are not begun.
const FEW: usize = 3;

/// Bytes of a value for which they are not begun either.
const SHORT: usize = 256;

impl Search {
    /// Whether it depends on literals what is found.
    pub(super) fn asks_literals(
        &mut self,
        ruleset: &RuleSet,
        (patterns, lists): (&Asked, &PatternSet),
        (length, present): (usize, ByteSet),
    ) -> bool {
        self.lists.copy_from(lists);
        ruleset.phrases.narrow(present, &mut self.lists);
        !self.lists.is_empty() || ruleset.gate.asks_literals(length, present, patterns)
    }

    /// Leaves the patterns and lists that the gate lets through; [`Self::asks_literals`] was asked
    /// before.
    pub(super) fn narrow(&mut self, ruleset: &RuleSet, asked: &mut Asked, occurs: Occurs<'_>) {
        ruleset.gate.narrow(occurs, asked, &mut self.patterns);
        self.lists.intersect_with(&occurs.found.lists);
    }

    /// Whether nothing is left to be looked for.
    pub(super) fn is_empty(&self) -> bool {
        self.patterns.is_empty() && self.lists.is_empty()
    }

    /// Leaves nothing.
    pub(super) fn clear(&mut self) {
        self.patterns.clear();
        self.lists.clear();
    }

    /// Takes out those of `patterns` that are left, and puts them into `waiting`.
    pub(super) fn put_off(&mut self, patterns: &PatternSet, waiting: &mut PatternSet) {
        if self.patterns.intersects(patterns) {
            waiting.copy_from(&self.patterns);
            waiting.intersect_with(patterns);
            self.patterns.subtract(patterns);
        }
    }

    /// Finds the patterns and phrases that are left, of patterns the ways that are `asked`. What the
    /// gate lets through for a literal is most often a match and is asked by itself; of the others,
    /// which it can hardly rule out, the automata find those that match. Of `placeless` patterns it
    /// is only found whether they match.
    pub(super) fn run(
        &mut self,
        ruleset: &RuleSet,
        (asked, placeless): (&Asked, Option<&PatternSet>),
        Occurs { value, found, .. }: Occurs<'_>,
        work: &mut (&mut Work, &mut automaton::Scratch),
    ) {
        self.pattern_hits.clear();
        self.list_hits.clear();
        self.part(ruleset, value, work);
        for pattern in self.alone.iter() {
            let (start, end) = if placeless.is_some_and(|set| set.contains(pattern)) {
                (None, ruleset.matches(pattern, asked, value).then_some(value.len()))
            } else {
                ruleset.find(pattern, asked, value).unzip()
            };
            let Some(end) = end.map(|end| end as u64) else { continue };
            let start = start.map(|start| start as u64);
            self.pattern_hits.push(Hit { pattern, start, end, needed: end });
        }
        if !self.lists.is_empty() {
            let (known, hits) = ((&ruleset.gate, found), &mut self.list_hits);
            ruleset.phrases.find(known, value, &mut self.lists, &mut self.places, hits);
        }
    }

    /// Which patterns must be asked one by one.
    fn part(
        &mut self,
        ruleset: &RuleSet,
        value: &[u8],
        (work, memory): &mut (&mut Work, &mut automaton::Scratch),
    ) {
        self.alone.copy_from(&self.patterns);
        self.together.copy_from(&self.patterns);
        self.together.intersect_with(ruleset.gate.loose());
        if value.len() < SHORT || self.together.len() <= FEW {
            return;
        }
        self.alone.subtract(&self.together);
        let (wanted, hits) = ((&mut self.together, &mut self.alone), &mut self.pattern_hits);
        ruleset.automata.search(&mut self.cursors, value, wanted, work, memory, hits);
        // The pattern itself says where, and has the last word.
        self.alone.extend(self.pattern_hits.drain(..).map(|hit| hit.pattern));
    }

    /// Whether anything was found.
    pub(super) fn found(&self) -> bool {
        !self.pattern_hits.is_empty() || !self.list_hits.is_empty()
    }

    /// Turns what was found into hits of the signatures that a node asked for.
    pub(super) fn tell(&self, node: &PlanNode, hits: &mut Vec<RawHit>) {
        for hit in &self.pattern_hits {
            let asking = node.asking_pattern(hit.pattern);
            hits.extend(asking.map(|inquiry| RawHit::of(inquiry, hit, Some(hit.needed))));
        }
        for hit in &self.list_hits {
            let asking = node.asking_list(hit.pattern);
            hits.extend(asking.map(|inquiry| RawHit::of(inquiry, hit, Some(hit.needed))));
        }
    }
}
