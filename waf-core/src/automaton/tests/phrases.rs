//! Phrases against a search for each.

use proptest::prelude::*;

use crate::automaton::{Found, Gate, Hit, PatternId, PatternSet, Phrases};
use crate::limits::{PHRASE_PLACES, PHRASES_DFA};

/// For each list the first end of a phrase, and the first byte of the longest that ends there.
fn slow(lists: &[Vec<Vec<u8>>], ignore_case: bool, value: &[u8]) -> Vec<(usize, u64, u64)> {
    let fold = |text: &[u8]| if ignore_case { text.to_ascii_lowercase() } else { text.to_vec() };
    let value = fold(value);
    let mut found = Vec::new();
    for (list, phrases) in lists.iter().enumerate() {
        let hit = (0..=value.len()).find_map(|end| {
            let longest = phrases
                .iter()
                .filter(|phrase| !phrase.is_empty() && value[..end].ends_with(&fold(phrase)))
                .map(Vec::len)
                .max()?;
            Some((list, (end - longest) as u64, end as u64))
        });
        found.extend(hit);
    }
    found.sort_by_key(|&(list, _, end)| (end, list));
    found
}

fn scan(phrases: &Phrases, value: &[u8], cut: usize) -> Vec<(usize, u64, u64)> {
    let mut wanted = PatternSet::all(phrases.len());
    let (mut cursor, mut hits) = (phrases.start(), Vec::<Hit>::new());
    for piece in value.chunks(cut) {
        phrases.scan(&mut cursor, piece, &mut wanted, &mut hits);
    }
    assert!(hits.iter().all(|hit| hit.needed == hit.end && !wanted.contains(hit.pattern)));
    told(&hits)
}

fn told(hits: &[Hit]) -> Vec<(usize, u64, u64)> {
    hits.iter().map(|hit| (hit.pattern.index(), hit.start.unwrap(), hit.end)).collect()
}

/// In a whole value, as far as a gate lets it.
fn find(
    phrases: &Phrases,
    gate: &Gate,
    wanted: &PatternSet,
    value: &[u8],
) -> Vec<(usize, u64, u64)> {
    let (mut found, mut hits) = (Found::default(), Vec::new());
    gate.sift(value, wanted, &mut found);
    let mut wanted = wanted.clone();
    wanted.intersect_with(&found.lists);
    phrases.find((gate, &found), value, &mut wanted, &mut Vec::new(), &mut hits);
    told(&hits)
}

fn check(lists: &[Vec<Vec<u8>>], value: &[u8]) {
    for ignore_case in [false, true] {
        let phrases = Phrases::new(lists, ignore_case).unwrap();
        let expected = slow(lists, ignore_case, value);
        for cut in [1, 3, value.len().max(1)] {
            assert_eq!(scan(&phrases, value, cut), expected);
        }
        let (gate, wanted) = (Gate::new(&[], lists), PatternSet::all(lists.len()));
        assert_eq!(find(&phrases, &gate, &wanted, value), expected);
    }
}

proptest! {
    #[test]
    fn any_lists(
        lists in prop::collection::vec(prop::collection::vec("[abB]{0,4}".prop_map(Vec::from), 0..6), 0..6),
        value in "[abBc]{0,20}",
    ) {
        check(&lists, value.as_bytes());
    }
}

#[test]
fn many_phrases() {
    let words = |range: std::ops::Range<usize>| {
        range.map(|at| format!("Word{at}-").into_bytes()).collect::<Vec<_>>()
    };
    let lists = [words(0..300), words(250..PHRASES_DFA + 100), words(0..2)];
    let small = Phrases::new(&lists[..1], true).unwrap();
    let large = Phrases::new(&lists, true).unwrap();
    assert!(large.bytes() < small.bytes());
    check(&lists, b"xx word7- word299-WORD1-word599-Word600-");
    check(&lists, b"word599 -word-");
}

/// Where a gate says that phrases may stand, and nowhere else: cut within phrases, at the ends of
/// pieces, among beginnings of phrases.
#[test]
fn only_where_phrases_may_stand() {
    let lists = [
        vec![b"needle-in-hay".to_vec(), b"in-hay".to_vec()],
        // What is looked for stands at the end of the one and at the beginning of the other.
        vec![[b"tea ".repeat(30), b"~#^~#^".to_vec()].concat()],
        vec![[b"~%|~%|".to_vec(), b"tea ".repeat(30)].concat()],
        vec![b"never".to_vec()],
    ];
    let phrases = Phrases::new(&lists, true).unwrap();
    let gate = Gate::new(&[], &lists);
    let mut value = b"hay NEEDL straw 01234 ".repeat(400);
    for (at, list) in [(1_495, 0), (2_995, 1), (3_997, 2), (4_700, 1), (6_000, 2), (7_000, 0)] {
        value.splice(at..at, lists[list][0].iter().copied());
    }
    for (from, to) in [(0, value.len()), (1_600, value.len()), (3_100, 5_000)] {
        let value = &value[from..to];
        let expected = slow(&lists, true, value);
        for cut in [1, 1_024, 1_500, 4_000, value.len()] {
            let mut wanted = PatternSet::all(lists.len());
            let (mut cursor, mut hits) = (phrases.start(), Vec::<Hit>::new());
            for piece in value.chunks(cut) {
                phrases.scan_gated(&gate, &mut cursor, piece, &mut wanted, &mut hits);
            }
            assert_eq!(told(&hits), expected, "cut after {cut}");
        }
        assert_eq!(find(&phrases, &gate, &PatternSet::all(lists.len()), value), expected);
    }
}

/// Of a value with more places than are remembered all is looked at; of one list, where that may be.
#[test]
fn in_a_whole_value() {
    let lists = [vec![b"needle".to_vec(), b"hay".to_vec()], vec![b"straw man".to_vec()]];
    let phrases = Phrases::new(&lists, true).unwrap();
    let gate = Gate::new(&[], &lists);
    for count in [0, 1, PHRASE_PLACES - 1, PHRASE_PLACES, PHRASE_PLACES + 1, 1_000] {
        // Each holds the rarest part of a phrase.
        let begin = b"of straw m and ".repeat(count);
        for end in [&b"straw MAN, then needle"[..], b"STRAW maN", b"HAY", b"need man"] {
            let value = [&begin, end].concat();
            let wanted = |list| PatternId::new(list).into_iter().collect::<PatternSet>();
            let all = slow(&lists, true, &value);
            assert_eq!(find(&phrases, &gate, &PatternSet::all(2), &value), all, "{count}");
            for list in 0..lists.len() {
                let of_list: Vec<_> = all.iter().copied().filter(|hit| hit.0 == list).collect();
                assert_eq!(find(&phrases, &gate, &wanted(list), &value), of_list, "{count}");
            }
        }
    }
}

#[test]
fn nothing_wanted_is_passed_over() {
    let phrases = Phrases::new(&[[&b"ab"[..]]], false).unwrap();
    let (mut cursor, mut hits) = (phrases.start(), Vec::new());
    phrases.scan(&mut cursor, b"xab", &mut PatternSet::none(1), &mut hits);
    assert!(hits.is_empty());
}
