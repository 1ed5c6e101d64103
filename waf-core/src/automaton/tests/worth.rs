//! Whole values, looked up in the tables where that is worth it.

use super::scan;
use crate::automaton::{Automata, PatternId, PatternSet, Scratch, Work, syntax};
use crate::random::Random;

/// What a search found, and what it left to be asked one by one.
fn search(automata: &Automata, value: &[u8]) -> (Vec<PatternId>, PatternSet) {
    let (mut wanted, mut undecided) = (PatternSet::all(automata.len()), PatternSet::default());
    let (mut work, mut scratch, mut hits) = (Work::request(), Scratch::default(), Vec::new());
    work.earn(value.len());
    let (cursors, sets) = (&mut automata.start(), (&mut wanted, &mut undecided));
    automata.search(cursors, value, sets, &mut work, &mut scratch, &mut hits);
    (hits.iter().map(|hit| hit.pattern).collect(), undecided)
}

/// Each text is another one.
fn texts(count: usize) -> impl Iterator<Item = Vec<u8>> {
    let mut random = Random::new(11);
    let mut byte = move || b"abest no!?/.<scri1ptuonelc"[random.below(26)];
    (0..count).map(move |_| (0..400).map(|_| byte()).collect())
}

fn automata(patterns: &[&str]) -> Automata {
    let hirs: Vec<_> = patterns.iter().map(|pattern| syntax::parse(pattern).unwrap()).collect();
    Automata::new(&hirs, &vec![0; hirs.len()], 1 << 24).unwrap()
}

/// After each `a` another state for every later byte: they never come again.
const GROWING: &[&str] =
    &["a[^!]{20,40}!", "b[^!]{20,40}!", "[ae][^?]{30}!", "o[^!]{10,60}!x", "[st].{30}!"];

#[test]
fn what_never_comes_again_is_not_looked_up_any_more() {
    let automata = automata(GROWING);
    let mut looked_up = 0;
    for text in texts(3_000) {
        automata.renew();
        let before = automata.states();
        let (found, undecided) = search(&automata, &text);
        looked_up += usize::from(automata.states() > before);
        // Found, or to be asked: nothing is lost.
        for hit in scan(&automata, &text, &[usize::MAX], &Work::none()) {
            assert!(found.contains(&hit.pattern) || undecided.contains(hit.pattern));
        }
    }
    assert!((1..500).contains(&looked_up), "{looked_up}");
}

#[test]
fn what_comes_again_is_always_looked_up() {
    let automata = automata(&["select", "u.ion", "<scr[i1]pt", r"\.\./", "etc/p"]);
    for text in texts(20_000) {
        let (found, undecided) = search(&automata, &text);
        assert!(undecided.is_empty());
        let expected = scan(&automata, &text, &[usize::MAX], &Work::none());
        assert_eq!(found.len(), expected.len());
        assert!(expected.iter().all(|hit| found.contains(&hit.pattern)));
    }
}
