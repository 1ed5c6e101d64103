//! The automata against other implementations.
// A test says what went wrong by panicking.
#![allow(clippy::unwrap_used, clippy::panic)]

mod assign;
mod automata;
mod budget;
mod gate;
mod oracle;
mod patterns;
mod phrases;
mod throughput;
mod trim;
mod worth;

use super::{Automata, Hit, PatternSet, Scratch, Work};

/// Scans a value cut after each of `cuts` bytes in turn (the last repeats), and tells the end.
fn scan(automata: &Automata, value: &[u8], cuts: &[usize], work: &Work) -> Vec<Hit> {
    let mut wanted = PatternSet::all(automata.len());
    let (mut work, mut scratch, mut hits) = (work.clone(), Scratch::default(), Vec::new());
    let mut cursors = automata.start();
    let mut rest = value;
    for cut in cuts.iter().chain(std::iter::repeat(cuts.last().unwrap())) {
        let (piece, more) = rest.split_at((*cut).min(rest.len()));
        automata.scan(&mut cursors, piece, &mut wanted, &mut work, &mut scratch, &mut hits);
        rest = more;
        if rest.is_empty() {
            break;
        }
    }
    assert_eq!(cursors.position(), value.len() as u64);
    automata.finish(&mut cursors, &mut wanted, &mut work, &mut scratch, &mut hits);
    hits
}
