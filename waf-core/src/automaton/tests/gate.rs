//! What matches passes the gate, and in a way that it leaves, whatever the pattern and the value look
//! like.

use proptest::prelude::*;
use regex_automata::meta;
use regex_syntax::hir::Hir;

use super::oracle::Oracle;
use super::patterns::{PATTERNS, pattern, text, texts};
use crate::automaton::sieve::Found;
use crate::automaton::{Gate, Occurs, PatternId, PatternSet, in_any_case, syntax};
use crate::bytes::ByteSet;

/// Checks values against patterns, and against the same in any case.
fn check<P: AsRef<str>>(patterns: &[P], values: &[Vec<u8>]) {
    let hirs: Vec<_> = patterns.iter().map(|text| syntax::parse(text.as_ref()).unwrap()).collect();
    let any_case: Vec<_> = hirs.iter().map(in_any_case).collect();
    let oracles: Vec<_> = patterns.iter().map(|text| Oracle::new(text.as_ref())).collect();
    let wanted = PatternSet::all(patterns.len());
    for (hirs, lower) in [(&hirs, false), (&any_case, true)] {
        let gate = Gate::new::<&[u8]>(hirs, &[]);
        let asked = gate.part(&wanted);
        let regex = |way: &Hir| meta::Builder::new().build_from_hir(way).unwrap();
        let ways = |id: PatternId| gate.patterns_of_ways(id, &hirs[id.index()]);
        let ways: Vec<Vec<_>> =
            wanted.iter().map(|id| ways(id).iter().map(regex).collect()).collect();
        for value in values {
            let (mut left, mut found) = (PatternSet::default(), Found::default());
            let mut asked = asked.clone();
            let present = ByteSet::present(value);
            gate.rule_out(present, &mut asked);
            if gate.asks_literals(value.len(), present, &asked) {
                gate.sift(value, &PatternSet::default(), &mut found);
            }
            let occurs = Occurs { value, present, found: &found };
            gate.narrow(occurs, &mut asked, &mut left);
            let seen = if lower { value.to_ascii_lowercase() } else { value.clone() };
            for (at, id) in wanted.iter().enumerate() {
                let matches = oracles[at].matches(&seen);
                assert!(left.contains(id) || !matches, "{:?}", patterns[at].as_ref());
                let mut left = gate.ways_of(id, &asked);
                let in_a_way = left.any(|way| ways[at][way].is_match(value));
                assert_eq!(in_a_way, matches, "{:?}", patterns[at].as_ref());
            }
        }
    }
}

#[test]
fn our_patterns() {
    check(PATTERNS, &texts());
}

proptest! {
    #[test]
    fn any_pattern(
        patterns in prop::collection::vec(pattern(), 1..12),
        values in prop::collection::vec(text(), 1..6),
        ends in prop::collection::vec(prop::sample::select(&[r"^{}", r"{}$", r"^(?:{})$"][..]), 4),
    ) {
        let bound = patterns.iter().zip(ends.iter().cycle());
        let bound: Vec<String> = bound.map(|(pattern, ends)| ends.replace("{}", pattern)).collect();
        check(&[patterns, bound].concat(), &values);
    }
}
