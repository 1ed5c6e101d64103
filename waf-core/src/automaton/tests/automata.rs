//! Automata against the oracle: any patterns, any text, however it is cut.

use proptest::prelude::*;
use regex_syntax::hir::Hir;

use super::oracle::Oracle;
use super::patterns::{PATTERNS, pattern, text, texts};
use super::scan;
use crate::automaton::{Automata, Gate, Hit, PatternId, Scratch, Work, syntax};

/// Room for all states, for a few, and for none.
const ROOMS: &[usize] = &[1 << 24, 6_000, 0];

fn build(patterns: &[impl AsRef<str>], room: usize) -> Automata {
    let hirs: Vec<_> =
        patterns.iter().map(|pattern| syntax::parse(pattern.as_ref()).unwrap()).collect();
    let groups: Vec<u32> = (0..hirs.len() as u32).map(|at| at % 6).collect();
    Automata::new(&hirs, &groups, room).unwrap()
}

fn check(patterns: &[impl AsRef<str>], value: &[u8], hits: &[Hit]) {
    for (at, pattern) in patterns.iter().enumerate() {
        let pattern = pattern.as_ref();
        let oracle = Oracle::new(pattern);
        let hits: Vec<_> = hits.iter().filter(|hit| hit.pattern.index() == at).collect();
        let what = format!("{pattern:?} in {:?}: {hits:?}", value.escape_ascii().to_string());
        assert!(hits.len() <= 1, "more than once: {what}");
        assert_eq!(hits.len() == 1, oracle.matches(value), "{what}");
        let first = oracle.first_end(value);
        assert_eq!(hits.first().map(|hit| hit.end), first.map(|end| end as u64), "{what}");
        let (Some(hit), Some(end)) = (hits.first(), first) else { continue };
        let most = (hit.end + 1).min(value.len() as u64);
        assert!((hit.end..=most).contains(&hit.needed), "{what}");
        if hit.needed == hit.end && end < value.len() {
            assert!(oracle.certain(value, end), "too early: {what}");
        }
        let looks = syntax::parse(pattern).unwrap().properties().look_set();
        assert!(hit.needed == hit.end || !looks.is_empty(), "too late: {what}");
    }
}

#[test]
fn our_patterns() {
    let automata: Vec<Automata> = ROOMS.iter().map(|&room| build(PATTERNS, room)).collect();
    let mut values = texts();
    values.push(values.concat());
    for value in &values[..values.len() - 1] {
        let hits = scan(&automata[0], value, &[usize::MAX], &Work::unlimited());
        check(PATTERNS, value, &hits);
    }
    for value in &values {
        let hits = scan(&automata[0], value, &[usize::MAX], &Work::none());
        for automata in &automata {
            for work in [Work::unlimited(), Work::request(), Work::none()] {
                for cuts in [&[usize::MAX][..], &[1], &[0, 3, 1, 7, 2]] {
                    assert_eq!(scan(automata, value, cuts, &work), hits);
                }
            }
        }
    }
    assert_eq!(automata[2].states(), 0);
    assert!(automata[1].table_bytes() <= ROOMS[1] && automata[1].states() > 0);
    assert!(automata[0].states() > 200);
}

proptest! {
    #[test]
    fn any_patterns(
        patterns in prop::collection::vec(pattern(), 1..12),
        values in prop::collection::vec(text(), 1..6),
        cuts in prop::collection::vec(0..5_usize, 1..8).prop_map(|mut cuts| { cuts.push(2); cuts }),
    ) {
        let automata: Vec<Automata> = ROOMS.iter().map(|&room| build(&patterns, room)).collect();
        for value in &values {
            let hits = scan(&automata[0], value, &[usize::MAX], &Work::none());
            check(&patterns, value, &hits);
            for automata in &automata {
                for work in [Work::unlimited(), Work::none()] {
                    for cuts in [&[usize::MAX][..], &[1], &cuts] {
                        prop_assert_eq!(&scan(automata, value, cuts, &work), &hits);
                    }
                }
            }
        }
    }
}

fn hits(pattern: &str, value: &[u8]) -> Vec<(u64, u64)> {
    let automata = build(&[pattern], 1 << 20);
    let hits = scan(&automata, value, &[usize::MAX], &Work::request());
    hits.iter().map(|hit| (hit.end, hit.needed)).collect()
}

#[test]
fn reported_when_certain() {
    assert_eq!(hits("ab", b"xabx"), [(3, 3)]);
    assert_eq!(hits(r"ab\b", b"ab x"), [(2, 3)]);
    assert_eq!(hits(r"ab\b", b"xab"), [(3, 3)]);
    assert_eq!(hits(r"a\b|a-", b"a-"), [(1, 2)]);
    assert_eq!(hits("(?m)b$", b"ab\nb"), [(2, 3)]);
    assert_eq!(hits("(?m)\n^", b"a\nb"), [(2, 2)]);
    assert_eq!(hits("^", b"abc"), [(0, 0)]);
    assert_eq!(hits("a*", b"baa"), [(0, 0)]);
    assert_eq!(hits(r"\b", b"  a"), [(2, 3)]);
    assert_eq!(hits("$", b"abc"), [(3, 3)]);
    assert_eq!(hits("a{2,}", b"aaaa"), [(2, 2)]);
    assert_eq!(hits("abc|b", b"abc"), [(2, 2)]);
}

#[test]
fn literals() {
    let hirs = [
        syntax::contains(b"a.b\xff"),
        syntax::begins_with(b"a."),
        syntax::ends_with(b"b\xff"),
        syntax::equals(b"a.b\xff"),
        syntax::equals(b""),
        syntax::contains(b""),
    ];
    let automata = Automata::new(&hirs, &[0; 6], 1 << 20).unwrap();
    let found = |value: &[u8]| {
        let hits = scan(&automata, value, &[1], &Work::request());
        let mut found: Vec<_> = hits.iter().map(|hit| hit.pattern.index()).collect();
        found.sort_unstable();
        found
    };
    assert_eq!(found(b"a.b\xff"), [0, 1, 2, 3, 5]);
    assert_eq!(found(b"a.b\xffx"), [0, 1, 5]);
    assert_eq!(found(b"xa.b\xff"), [0, 2, 5]);
    assert_eq!(found(b"A.B\xff"), [5]);
    assert_eq!(found(b""), [4, 5]);
}

#[test]
fn cursors_are_equal_where_the_future_is() {
    let automata = build(&["abc", r"x\b"], 1 << 20);
    let cursor = |value: &[u8]| {
        let mut cursors = automata.start();
        let mut wanted = super::PatternSet::all(2);
        let (mut work, mut scratch, mut hits) = (Work::request(), Scratch::default(), Vec::new());
        automata.scan(&mut cursors, value, &mut wanted, &mut work, &mut scratch, &mut hits);
        cursors
    };
    assert_eq!(cursor(b"yyab"), cursor(b"--ab"));
    assert_ne!(cursor(b"yyab"), cursor(b"--aa"));
    assert_ne!(cursor(b"yyab"), cursor(b"yab"));
}

#[test]
fn what_is_not_wanted_is_not_reported() {
    let automata = build(&["a", "b", "c"], 1 << 20);
    let mut wanted: super::PatternSet = [PatternId::new(1).unwrap()].into_iter().collect();
    let (mut work, mut scratch, mut hits) = (Work::request(), Scratch::default(), Vec::new());
    let mut cursors = automata.start();
    automata.scan(&mut cursors, b"cab", &mut wanted, &mut work, &mut scratch, &mut hits);
    assert_eq!(hits.iter().map(|hit| (hit.pattern.index(), hit.end)).collect::<Vec<_>>(), [(1, 3)]);
    assert!(wanted.is_empty());
}

#[test]
fn errors_point_at_the_fault() {
    let error = |pattern| {
        let error = syntax::parse(pattern).unwrap_err();
        (error.range(), error.to_string())
    };
    let look = "look-ahead and look-behind are not supported".to_owned();
    assert_eq!(error("ab(?=c)"), (2..5, look.clone()));
    assert_eq!(error("(?<!c)"), (0..4, look));
    assert_eq!(error(r"(a)\1"), (3..5, "back references are not supported".to_owned()));
    assert_eq!(error("a(b").0, 1..2);
    assert!(error(r"[\x{bc}]").1.contains("Unicode not allowed"));
}

#[test]
fn too_large_is_an_error() {
    let hirs = [syntax::contains(b"a"), syntax::parse("(?:[ab]{1000}){1000}").unwrap()];
    let error = Automata::new(&hirs, &[0, 0], 1 << 20).unwrap_err();
    assert_eq!(error.pattern(), PatternId::new(1));
}

#[test]
fn what_matches_nothing_takes_no_room() {
    let [fail, word] = [Hir::fail(), syntax::parse("ab+c").unwrap()];
    let impossible = Hir::concat(vec![syntax::contains(b"x"), Hir::fail()]);
    let some = [fail, word.clone(), impossible];
    let automata = Automata::new(&some, &[0, 1, 2], 1 << 20).unwrap();
    let alone = Automata::new(&[word], &[1], 1 << 20).unwrap();
    assert_eq!(automata.len(), 3);
    assert_eq!((automata.clusters(), automata.states()), (1, alone.states()));
    assert!(!Gate::new(&some, &[] as &[Vec<&str>]).is_open(PatternId(0)));
}
