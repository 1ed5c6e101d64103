//! [`Phrases`]: many lists of phrases in one Aho-Corasick automaton.

use std::collections::HashMap;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::{Anchored, MatchKind, StartKind, dfa, nfa};

use super::gate::Gate;
use super::kinds::Combination;
use super::needs::{self, Needs};
use super::sieve::Found;
use super::{BuildError, Hit, PatternId, PatternSet};
use crate::bytes::ByteSet;
use crate::limits::{PHRASES_DFA, SIGNATURES};

/// Bytes of a piece from which on it is worth asking where phrases may stand.
const LONG: usize = 1024;

/// Lists of phrases, made ready. A list matches where one of its phrases occurs.
#[derive(Debug)]
pub struct Phrases {
    engine: Engine,
    lists: Owners,
    start: StateID,
    /// For each list the bytes of its longest phrase.
    longest: Vec<usize>,
    /// Bytes that leave the start.
    first: ByteSet,
    needs: Needs,
    count: usize,
    every: PatternSet,
}

/// All that phrases remember of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhraseCursor {
    state: StateID,
    at: u64,
}

/// For each phrase the lists it is in.
type Owners = Box<[Box<[PatternId]>]>;

#[derive(Debug)]
enum Engine {
    /// One load a byte; for as many phrases as its size allows.
    Dense(Box<dfa::DFA>),
    Sparse(Box<nfa::contiguous::NFA>),
}

impl Phrases {
    /// Makes lists ready; their ids are their places. Empty phrases are left out.
    pub fn new<L, P>(lists: &[L], ignore_case: bool) -> Result<Self, BuildError>
    where
        L: AsRef<[P]>,
        P: AsRef<[u8]>,
    {
        if lists.len() > SIGNATURES {
            return Err(BuildError::new(None, format!("there are more than {SIGNATURES} lists")));
        }
        let (phrases, owners) = gather(lists, ignore_case);
        let engine = Engine::new(&phrases, ignore_case)
            .map_err(|error| BuildError::new(None, format!("the phrases are too many: {error}")))?;
        let start = engine.start();
        let mut first = ByteSet::EMPTY;
        for byte in (0..=u8::MAX).filter(|&byte| engine.next(start, byte) != start) {
            first = first.with(byte);
        }
        let every = PatternSet::all(lists.len());
        let needs: Vec<_> = lists.iter().map(|list| needs::of_phrases(list.as_ref())).collect();
        let length = |phrase: &P| phrase.as_ref().len();
        let longest = |list: &L| list.as_ref().iter().map(length).max().unwrap_or_default();
        let longest = lists.iter().map(longest).collect();
        let needs = Needs::new(&needs);
        Ok(Self { engine, lists: owners, start, longest, first, needs, count: lists.len(), every })
    }

    /// The number of lists.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are no lists.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes of the tables.
    pub fn bytes(&self) -> usize {
        let automaton = match &self.engine {
            Engine::Dense(automaton) => automaton.memory_usage(),
            Engine::Sparse(automaton) => automaton.memory_usage(),
        };
        automaton + self.needs.bytes()
    }

    /// Takes out of `wanted` what cannot match a whole value whose bytes are `present`.
    pub fn narrow(&self, present: ByteSet, wanted: &mut PatternSet) {
        self.needs.rule_out(Combination::of(present), wanted);
        self.needs.narrow(present, wanted);
    }

    /// A cursor before the first byte of a value.
    pub fn start(&self) -> PhraseCursor {
        PhraseCursor { state: self.start, at: 0 }
    }

    /// Scans the next piece of a value. A list that is reported leaves `wanted`; hits are appended
    /// in order of their ends, then of lists. The end of a value need not be told.
    ///
    /// When nothing is wanted the piece is passed over; lists may not be put in `wanted` later.
    pub fn scan(
        &self,
        cursor: &mut PhraseCursor,
        piece: &[u8],
        wanted: &mut PatternSet,
        hits: &mut Vec<Hit>,
    ) {
        if !wanted.intersects(&self.every) {
            cursor.state = self.start;
        } else if let Engine::Dense(automaton) = &self.engine {
            self.run(automaton.as_ref(), cursor, piece, wanted, hits);
        } else if let Engine::Sparse(automaton) = &self.engine {
            self.run(automaton.as_ref(), cursor, piece, wanted, hits);
        }
        cursor.at += piece.len() as u64;
    }

    /// Does what [`Self::scan`] does, where a gate of the same lists says that phrases may stand.
    pub fn scan_gated(
        &self,
        gate: &Gate,
        cursor: &mut PhraseCursor,
        piece: &[u8],
        wanted: &mut PatternSet,
        hits: &mut Vec<Hit>,
    ) {
        if piece.len() < LONG {
            return self.scan(cursor, piece, wanted, hits);
        }
        let (longest, most) = self.extent(piece, wanted);
        let mut places = Vec::new();
        if !gate.phrases(piece, wanted, most, &mut places) {
            return self.scan(cursor, piece, wanted, hits);
        }
        // A phrase may have begun before the piece, and may end after it.
        let places = [0].into_iter().chain(places).chain([piece.len()]);
        self.scan_at(places, longest, cursor, piece, wanted, hits);
    }

    /// Does what [`Self::scan`] does for a whole value of which a gate of the same lists knows what
    /// occurs. `places` is memory.
    pub fn find(
        &self,
        (gate, found): (&Gate, &Found),
        value: &[u8],
        wanted: &mut PatternSet,
        places: &mut Vec<usize>,
        hits: &mut Vec<Hit>,
    ) {
        let (longest, most) = self.extent(value, wanted);
        let cursor = &mut self.start();
        if gate.phrases_found(found, wanted, most, places) {
            self.scan_at(places.iter().copied(), longest, cursor, value, wanted, hits);
        } else {
            self.scan(cursor, value, wanted, hits);
        }
    }

    /// The bytes of the longest phrase that is wanted, and at how many places it is worth looking
    /// around: at each twice as much is looked at as a phrase is long, half of the piece at most.
    fn extent(&self, piece: &[u8], wanted: &PatternSet) -> (usize, usize) {
        let lengths = wanted.iter().filter_map(|list| self.longest.get(list.index()));
        let longest = lengths.copied().max().unwrap_or_default().max(1);
        (longest, piece.len() / (4 * longest))
    }

    /// Looks around places, which are in order.
    ///
    /// Of what is wanted a state knows no more bytes than the longest phrase has. So what is further
    /// from where one may stand need not be looked at.
    fn scan_at(
        &self,
        places: impl Iterator<Item = usize>,
        longest: usize,
        cursor: &mut PhraseCursor,
        piece: &[u8],
        wanted: &mut PatternSet,
        hits: &mut Vec<Hit>,
    ) {
        let base = cursor.at;
        let mut done = 0;
        for place in places {
            let (begin, end) = (place.saturating_sub(longest), place.saturating_add(longest));
            let end = end.min(piece.len());
            if begin > done {
                *cursor = PhraseCursor { state: self.start, at: base + begin as u64 };
                done = begin;
            }
            self.scan(cursor, &piece[done..end.max(done)], wanted, hits);
            done = end.max(done);
        }
    }

    fn run<A: Automaton>(
        &self,
        automaton: &A,
        cursor: &mut PhraseCursor,
        piece: &[u8],
        wanted: &mut PatternSet,
        hits: &mut Vec<Hit>,
    ) {
        let mut state = cursor.state;
        let mut at = 0;
        while let Some(&byte) = piece.get(at) {
            if state == self.start && !self.first.contains(byte) {
                at += 1;
                continue;
            }
            state = automaton.next_state(Anchored::No, state, byte);
            at += 1;
            if automaton.is_special(state) && automaton.is_match(state) {
                let end = cursor.at + at as u64;
                self.report(automaton, state, end, wanted, hits);
                if !wanted.intersects(&self.every) {
                    state = self.start;
                    break;
                }
            }
        }
        cursor.state = state;
    }

    /// Reports the lists whose phrases end at `end`, each with the longest.
    fn report<A: Automaton>(
        &self,
        automaton: &A,
        state: StateID,
        end: u64,
        wanted: &mut PatternSet,
        hits: &mut Vec<Hit>,
    ) {
        let before = hits.len();
        for match_index in 0..automaton.match_len(state) {
            let phrase = automaton.match_pattern(state, match_index);
            let length = automaton.pattern_len(phrase) as u64;
            let start = Some(end.saturating_sub(length));
            for &pattern in self.lists.get(phrase.as_usize()).into_iter().flatten() {
                if wanted.remove(pattern) {
                    hits.push(Hit { pattern, start, end, needed: end });
                } else if let Some(hit) = hits[before..].iter_mut().find(|it| it.pattern == pattern)
                {
                    hit.start = hit.start.min(start);
                }
            }
        }
        hits[before..].sort_unstable_by_key(|hit| hit.pattern);
    }
}

impl Engine {
    fn new(phrases: &[Vec<u8>], ignore_case: bool) -> Result<Self, aho_corasick::BuildError> {
        if phrases.len() > PHRASES_DFA {
            let automaton = nfa::contiguous::Builder::new()
                .match_kind(MatchKind::Standard)
                .ascii_case_insensitive(ignore_case)
                .prefilter(false)
                .build(phrases)?;
            return Ok(Self::Sparse(Box::new(automaton)));
        }
        let automaton = dfa::Builder::new()
            .match_kind(MatchKind::Standard)
            .start_kind(StartKind::Unanchored)
            .ascii_case_insensitive(ignore_case)
            .prefilter(false)
            .build(phrases)?;
        Ok(Self::Dense(Box::new(automaton)))
    }

    fn start(&self) -> StateID {
        // Unanchored starts are built, so there is one.
        let start = match self {
            Self::Dense(automaton) => automaton.start_state(Anchored::No),
            Self::Sparse(automaton) => automaton.start_state(Anchored::No),
        };
        start.unwrap_or_default()
    }

    fn next(&self, state: StateID, byte: u8) -> StateID {
        match self {
            Self::Dense(automaton) => automaton.next_state(Anchored::No, state, byte),
            Self::Sparse(automaton) => automaton.next_state(Anchored::No, state, byte),
        }
    }
}

/// Each phrase once, and the lists it is in.
fn gather<L, P>(lists: &[L], ignore_case: bool) -> (Vec<Vec<u8>>, Owners)
where
    L: AsRef<[P]>,
    P: AsRef<[u8]>,
{
    let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
    let (mut phrases, mut owners) = (Vec::new(), Vec::<Vec<PatternId>>::new());
    for (list, id) in lists.iter().zip((0..).map(PatternId)) {
        for phrase in list.as_ref().iter().map(AsRef::as_ref).filter(|phrase| !phrase.is_empty()) {
            let phrase = if ignore_case { phrase.to_ascii_lowercase() } else { phrase.to_vec() };
            let place = *places.entry(phrase).or_insert_with_key(|phrase| {
                phrases.push(phrase.clone());
                owners.push(Vec::new());
                phrases.len() - 1
            });
            if owners[place].last() != Some(&id) {
                owners[place].push(id);
            }
        }
    }
    (phrases, owners.into_iter().map(Vec::into).collect())
}
