//! Bounds, and threads that share tables.

use super::patterns::{PATTERNS, texts};
use super::scan;
use crate::automaton::{Automata, PatternSet, Piece, Scratch, Work, syntax};
use crate::random::Random;

fn automata(room: usize) -> Automata {
    automata_of(PATTERNS, room)
}

fn automata_of(patterns: &[&str], room: usize) -> Automata {
    let hirs: Vec<_> = patterns.iter().map(|pattern| syntax::parse(pattern).unwrap()).collect();
    Automata::new(&hirs, &vec![0; hirs.len()], room).unwrap()
}

#[test]
fn work_bounds_new_states() {
    let automata = automata(1 << 24);
    let before = automata.states();
    let text = texts().concat();
    scan(&automata, &text, &[usize::MAX], &Work::none());
    assert_eq!(automata.states(), before);

    let mut work = Work::none();
    work.earn(8 * 20 + 7);
    scan(&automata, &text, &[usize::MAX], &work);
    assert_eq!(automata.states(), before + 20);
}

#[test]
fn room_bounds_the_tables() {
    for room in [0, 1_000, 10_000, 100_000] {
        let automata = automata(room);
        automata.warm(&texts().concat());
        assert!(automata.table_bytes() <= room);
    }
}

/// Full tables are begun anew; what has begun on the old ones changes over, and ends as it would have.
#[test]
fn full_tables_are_renewed() {
    let values = texts();
    let whole = values.concat();
    let wide = automata(1 << 24);
    let expected = scan(&wide, &whole, &[usize::MAX], &Work::none());
    assert!(!wide.renew(), "there is room");
    let automata = automata(60_000);
    let mut cursors = automata.start();
    let (mut wanted, mut work) = (PatternSet::all(automata.len()), Work::unlimited());
    let (mut scratch, mut hits) = (Scratch::default(), Vec::new());
    let mut renewed = 0;
    for piece in whole.chunks(whole.len() / 40) {
        automata.scan(&mut cursors, piece, &mut wanted, &mut work, &mut scratch, &mut hits);
        automata.warm(piece);
        let full = automata.states();
        if automata.renew() {
            renewed += 1;
            assert!(automata.states() < full, "{full}");
            assert!(!automata.renew(), "nothing came since");
            let empty = automata.states();
            let nothing = b"";
            automata.scan(&mut cursors, nothing, &mut wanted, &mut work, &mut scratch, &mut hits);
            assert!(automata.states() > empty, "the value stands on the new tables");
        }
    }
    automata.finish(&mut cursors, &mut wanted, &mut work, &mut scratch, &mut hits);
    assert_eq!(hits, expected);
    assert!(renewed > 1, "{renewed}");
    for value in &values {
        let of = |automata| scan(automata, value, &[usize::MAX], &Work::request());
        assert_eq!(of(&automata), of(&wide));
    }
}

/// Values of all lengths, cut anywhere, side by side: each ends as it does alone.
#[test]
fn values_side_by_side_are_as_each_alone() {
    for room in [0, 60_000, 1 << 24] {
        let (automata, other) = (automata(room), automata(1 << 24));
        let texts = texts();
        let all = texts.concat();
        let mut values: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
        values.extend([&all[..], b"", &all[..all.len() / 2]]);
        let mut cursors: Vec<_> = values.iter().map(|_| automata.start()).collect();
        let mut wanted = vec![PatternSet::all(automata.len()); values.len()];
        let mut hits = vec![Vec::new(); values.len()];
        let (mut work, mut scratch) = (Work::request(), Scratch::default());
        let mut rests = values.clone();
        while rests.iter().any(|rest| !rest.is_empty()) {
            let each = cursors.iter_mut().zip(&mut wanted).zip(&mut hits).zip(&mut rests);
            let pieces = each.enumerate().map(|(at, (((cursors, wanted), hits), rest))| {
                let bytes = rest.split_off(..(rest.len()).min(at * 7 + 1)).unwrap();
                Piece { cursors, bytes, wanted, hits }
            });
            automata.scan_all(&mut pieces.collect::<Vec<_>>(), &mut work, &mut scratch);
        }
        for (at, value) in values.iter().enumerate() {
            let (wanted, hits) = (&mut wanted[at], &mut hits[at]);
            automata.finish(&mut cursors[at], wanted, &mut work, &mut scratch, hits);
            assert_eq!(*hits, scan(&other, value, &[usize::MAX], &Work::request()));
        }
    }
}

/// Long values with a difference here and there, as transformations leave them, of which not the same
/// is wanted: what is known of one from another is what each has alone.
#[test]
fn values_that_are_much_the_same_are_as_each_alone() {
    // The last of them remember a difference long after it.
    let patterns =
        [PATTERNS, &[r"\x01[^\x02]*\x03", r"\x01.{300}\x04", r"\x01[^\x03]*\x04"]].concat();
    let automata = |room| automata_of(&patterns, room);
    let texts = texts();
    let mut random = Random::new(5);
    for round in 0..60 {
        let mut word = || match random.below(12) {
            mark @ 2..5 => vec![mark as u8],
            _ => texts[random.below(texts.len())].clone(),
        };
        let source: [Vec<u8>; 4] = std::array::from_fn(|_| (0..200).flat_map(|_| word()).collect());
        let mut edited = |part: &[u8], edits: usize| {
            let mut part = part.to_vec();
            for _ in 0..edits {
                let at = random.below(part.len());
                let end = part.len().min(at + random.below(12));
                let new = &texts[random.below(texts.len())];
                let new = if random.below(2) == 0 { b"\x01" } else { &new[..new.len().min(10)] };
                part.splice(at..end, new.iter().copied());
            }
            part
        };
        let values: Vec<Vec<Vec<u8>>> = [0, 0, 1, 1, 2, 5, 200]
            .map(|edits| source.iter().map(|part| edited(part, edits)).collect())
            .into();
        let (automata, other) = (automata([0, 60_000, 1 << 24][round % 3]), automata(1 << 24));
        let wanted = |of: usize| -> PatternSet {
            PatternSet::all(automata.len()).iter().filter(|id| (id.index() + of) % 4 < 3).collect()
        };
        let (mut work, mut scratch) = (Work::request(), Scratch::default());
        let mut cursors: Vec<_> = values.iter().map(|_| automata.start()).collect();
        let mut left: Vec<_> = (0..values.len()).map(wanted).collect();
        let mut hits = vec![Vec::new(); values.len()];
        for part in 0..source.len() {
            let each = cursors.iter_mut().zip(&mut left).zip(&mut hits).zip(&values);
            let pieces = each.map(|(((cursors, wanted), hits), value)| Piece {
                cursors,
                bytes: &value[part],
                wanted,
                hits,
            });
            automata.scan_all(&mut pieces.collect::<Vec<_>>(), &mut work, &mut scratch);
        }
        for (at, value) in values.iter().enumerate() {
            let (left, hits) = (&mut left[at], &mut hits[at]);
            automata.finish(&mut cursors[at], left, &mut work, &mut scratch, hits);
            let wanted = wanted(at);
            let mut alone = scan(&other, &value.concat(), &[usize::MAX], &Work::request());
            alone.retain(|hit| wanted.contains(hit.pattern));
            assert_eq!(*hits, alone, "value {at}, round {round}");
        }
    }
}

/// Long pieces, of which one or two clusters go over several parts at once: what begins in one part and
/// ends in another, what is remembered through all of them, and what is reported on the way.
#[test]
fn parts_of_a_long_piece_are_as_the_piece() {
    let own = [r"\x01[^\x02]*\x03", r"\x01.{300}\x04", r"^\x01|\x04{9}", r"\bstreet\b"];
    let patterns = [PATTERNS, &own].concat();
    let words: [&[u8]; 8] =
        [b"a", b" ", b"street", b"\x02", b"\x03", b"\x04", b"select 1 from", b"<script>"];
    let (mut random, mut found) = (Random::new(3), 0);
    for round in 0..160 {
        let chosen: Vec<&str> =
            (0..1 + round % 3).map(|_| patterns[random.below(patterns.len())]).collect();
        let [automata, other] =
            [[60_000, 1 << 24][round % 2], 1 << 24].map(|room| automata_of(&chosen, room));
        let mut value = Vec::new();
        let often = 1 + random.below(60);
        while value.len() < 40_000 {
            value.extend(b"plain text ".repeat(random.below(often)));
            value.extend(words[random.below(words.len())]);
            value.extend([1].repeat(random.below(2) * random.below(2)));
        }
        let (mut cursors, mut wanted) = (automata.start(), PatternSet::all(automata.len()));
        let (mut work, mut scratch) = (Work::request(), Scratch::default());
        let mut hits = Vec::new();
        work.earn(value.len());
        for piece in value.chunks([4_096, 9_001, 16_384, 40_000][round % 4]) {
            automata.scan(&mut cursors, piece, &mut wanted, &mut work, &mut scratch, &mut hits);
        }
        automata.finish(&mut cursors, &mut wanted, &mut work, &mut scratch, &mut hits);
        // What is as short is not parted.
        let alone = scan(&other, &value, &[100], &work);
        assert_eq!(hits, alone, "{chosen:?}, round {round}");
        found += hits.len();
    }
    assert!(found > 50, "{found}");
}

#[test]
fn warm_tables_do_not_grow() {
    let automata = automata(1 << 24);
    let text = texts().concat();
    automata.warm(&text);
    let (states, bytes) = (automata.states(), automata.table_bytes());
    scan(&automata, &text, &[usize::MAX], &Work::unlimited());
    assert_eq!((automata.states(), automata.table_bytes()), (states, bytes));
}

#[test]
fn threads_share_tables() {
    fn shared<T: Send + Sync>() {}
    shared::<Automata>();
    let values = texts();
    let alone = automata(1 << 24);
    let expected: Vec<_> =
        values.iter().map(|value| scan(&alone, value, &[usize::MAX], &Work::none())).collect();
    for room in [1 << 24, 20_000] {
        let automata = automata(room);
        std::thread::scope(|scope| {
            for thread in 0..6 {
                let (automata, values, expected) = (&automata, &values, &expected);
                scope.spawn(move || {
                    for round in 0..3 {
                        for at in 0..values.len() {
                            let at = (at * 7 + thread * 5 + round) % values.len();
                            let hits = scan(automata, &values[at], &[thread + 1], &Work::request());
                            assert_eq!(hits, expected[at]);
                        }
                    }
                });
            }
        });
        assert!(automata.table_bytes() <= room);
    }
}

#[test]
fn sets() {
    let all = PatternSet::all(70);
    assert_eq!((all.len(), all.iter().count()), (70, 70));
    let mut some: PatternSet = all.iter().filter(|id| id.index() % 32 == 1).collect();
    assert_eq!(some.iter().map(|id| id.index()).collect::<Vec<_>>(), [1, 33, 65]);
    assert!(some.intersects(&all) && !some.intersects(&PatternSet::none(70)));
    let first = some.iter().next().unwrap();
    assert!(some.remove(first) && !some.remove(first) && !some.contains(first));
    some.intersect_with(&PatternSet::all(64));
    assert_eq!(some.len(), 1);
    some.union_with(&all);
    assert_eq!(some, all);
    some.clear();
    assert!(some.is_empty());
}

/// A stream that has left full tables does not stay beside them, and is found in as if it had never left.
#[test]
fn a_stream_begins_full_tables_anew() {
    // Nothing is found before the end, and every byte is remembered for a while.
    let growing = ["a[^!]{20,40}!", "b[^!]{30}!", "[st][^!]{10,50}!", "e[^!]{25}! ?$"];
    let [automata, other] = [60_000, 1 << 24].map(|room| automata_of(&growing, room));
    let (mut cursors, mut wanted) = (automata.start(), PatternSet::all(automata.len()));
    let (mut scratch, mut hits) = (Scratch::default(), Vec::new());
    let (mut random, mut renewed, mut states) = (Random::new(9), 0, 0);
    let mut value = Vec::new();
    for round in (0..400).rev() {
        let mut piece: Vec<u8> = (0..1_024).map(|_| b"abest xyz"[random.below(9)]).collect();
        if round == 0 {
            piece.extend(b"!");
        }
        let work = &mut Work::unlimited();
        automata.scan(&mut cursors, &piece, &mut wanted, work, &mut scratch, &mut hits);
        renewed += usize::from(automata.states() < states);
        states = automata.states();
        value.extend(piece);
    }
    automata.finish(&mut cursors, &mut wanted, &mut Work::unlimited(), &mut scratch, &mut hits);
    assert!((1..100).contains(&renewed), "{renewed}");
    assert!(!hits.is_empty());
    assert_eq!(hits, scan(&other, &value, &[usize::MAX], &Work::none()));
}
