//! The automaton of a cluster, and one step of it.
//!
//! What is known of a value after some bytes is a *kernel*: the kind of the last byte, then the NFA
//! states in progress, in order. Only states that wait for the next byte are in it: those that take
//! one, and look-around that depends on it. "A match may start here" holds at every position, so it
//! is left out, and what it adds to a step is worked out beforehand.

use std::collections::HashMap;

use regex_automata::nfa::thompson::{self, NFA, State, WhichCaptures};
use regex_automata::util::primitives::{PatternID, StateID};
use regex_syntax::hir::Hir;

use super::look::{Kind, decided, holds};
use super::scratch::Scratch;
use super::{BuildError, PatternId, is_bound};
use crate::limits::{NFA_STATES, PATTERN_NFA_BYTES};

/// A match that a step reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Report {
    pub(super) pattern: PatternId,
    /// Whether it ends with the byte of the step; otherwise it ended before, and the byte only made
    /// it certain.
    pub(super) with_byte: bool,
}

/// One class of bytes, or the end of the value.
#[derive(Clone, Copy, Debug)]
struct Symbol {
    /// A byte of the class.
    byte: Option<u8>,
    kind: Kind,
}

/// What "a match may start here" adds to a step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Starts {
    states: Vec<u16>,
    reports: Vec<Report>,
}

/// The NFA of some patterns.
#[derive(Debug)]
pub(super) struct Machine {
    nfa: NFA,
    /// Whose a state is.
    owners: Box<[PatternId]>,
    /// Patterns that match nothing at the start of every value.
    always: Box<[PatternId]>,
    /// The states a match may start in, at every position: never in a kernel.
    resting: Box<[bool]>,
    /// The class of each byte.
    classes: [u8; 256],
    /// The classes; the last is the end of the value.
    symbols: Box<[Symbol]>,
    starts: Box<[Starts]>,
    /// By kind and class, which of `starts`.
    start_of: Box<[u32]>,
    /// Matches begin where the value does or not at all.
    is_bound: bool,
}

impl Machine {
    pub(super) fn new(patterns: &[(PatternId, &Hir)]) -> Result<Self, BuildError> {
        let nfa = compile(patterns)?;
        let mut machine = Self {
            owners: owners(&nfa, patterns),
            always: Box::default(),
            resting: vec![false; nfa.states().len()].into(),
            classes: std::array::from_fn(|byte| nfa.byte_classes().get(byte as u8)),
            symbols: symbols(&nfa),
            starts: Box::default(),
            start_of: Box::default(),
            is_bound: patterns.iter().all(|(_, pattern)| is_bound(pattern)),
            nfa,
        };
        machine.prepare_starts();
        Ok(machine)
    }

    /// The number of classes, that of the end included.
    pub(super) fn class_count(&self) -> usize {
        self.symbols.len()
    }

    /// The number of NFA states.
    pub(super) fn size(&self) -> usize {
        self.nfa.states().len()
    }

    pub(super) fn classes(&self) -> &[u8; 256] {
        &self.classes
    }

    /// The class of the end of the value.
    pub(super) fn end_class(&self) -> usize {
        self.symbols.len() - 1
    }

    pub(super) fn always(&self) -> &[PatternId] {
        &self.always
    }

    /// The kernel before the first byte.
    pub(super) fn start_kernel() -> Box<[u16]> {
        [Kind::Edge as u16].into()
    }

    /// Whether nothing can be found any more after a step to this kernel.
    pub(super) fn is_dead(&self, kernel: &[u16]) -> bool {
        self.is_bound && kernel.len() == 1
    }

    /// One step from `kernel`, into `scratch.kernel` and `scratch.reports`.
    ///
    /// The threads of a pattern end where it is reported: only its first match is asked for. The
    /// states are in no order until [`Scratch::sort`].
    pub(super) fn step(&self, kernel: &[u16], class: usize, scratch: &mut Scratch) {
        let Some((&kind, states)) = kernel.split_first() else { return };
        let before = Kind::from_number(kind);
        let symbol = self.symbols[class];
        self.clear(scratch, symbol.kind);
        scratch.spend(states);
        for &state in states {
            match (self.nfa.state(state_id(state)), symbol.byte) {
                (State::Look { .. }, _) => self.advance(state_id(state), before, symbol, scratch),
                // What waits and is no look-around takes a byte: most of all, so by itself.
                (waiting, Some(byte)) => {
                    if let Some(next) = next_state(waiting, byte) {
                        self.arrive(next, symbol.kind, scratch);
                    }
                }
                (_, None) => {}
            }
        }
        let starts = self.start_of[before as usize * self.symbols.len() + class];
        let starts = &self.starts[starts as usize];
        for &state in &starts.states {
            if scratch.after.insert(state_id(state)) {
                scratch.kernel.push(state);
            }
        }
        scratch.reports.extend_from_slice(&starts.reports);
        self.retire(scratch);
    }

    fn clear(&self, scratch: &mut Scratch, kind: Kind) {
        scratch.before.clear(self.nfa.states().len());
        scratch.after.clear(self.nfa.states().len());
        scratch.reports.clear();
        scratch.kernel.clear();
        scratch.kernel.push(kind as u16);
    }

    /// One report to a pattern, that of the first end, and no more threads.
    fn retire(&self, scratch: &mut Scratch) {
        if scratch.reports.is_empty() {
            return;
        }
        scratch.reports.sort_unstable();
        scratch.reports.dedup_by_key(|report| report.pattern);
        let reports = &scratch.reports;
        let mut first = true;
        scratch.kernel.retain(|&state| {
            let kind = std::mem::take(&mut first);
            kind || {
                let owner = self.owners[usize::from(state)];
                reports.binary_search_by_key(&owner, |report| report.pattern).is_err()
            }
        });
    }

    /// Takes one thread over the symbol, following look-around that holds before it.
    fn advance(&self, state: StateID, before: Kind, symbol: Symbol, scratch: &mut Scratch) {
        scratch.before_stack.push(state);
        while let Some(state) = scratch.before_stack.pop() {
            if !scratch.before.insert(state) {
                continue;
            }
            match self.nfa.state(state) {
                State::Look { look, next } => {
                    if holds(*look, before, symbol.kind) {
                        scratch.before_stack.push(*next);
                    }
                }
                State::Match { .. } => self.report(state, false, scratch),
                other => {
                    if !push_epsilon(other, &mut scratch.before_stack)
                        && let Some(next) = symbol.byte.and_then(|byte| next_state(other, byte))
                    {
                        self.arrive(next, symbol.kind, scratch);
                    }
                }
            }
        }
    }

    /// Puts into the kernel what a thread that comes to `state` waits for.
    fn arrive(&self, state: StateID, kind: Kind, scratch: &mut Scratch) {
        scratch.after_stack.push(state);
        while let Some(state) = scratch.after_stack.pop() {
            if !scratch.after.insert(state) {
                continue;
            }
            match self.nfa.state(state) {
                State::Look { look, next } => match decided(*look, kind) {
                    Some(true) => scratch.after_stack.push(*next),
                    Some(false) => {}
                    None => self.wait(state, scratch),
                },
                State::Match { .. } => self.report(state, true, scratch),
                other => {
                    if !push_epsilon(other, &mut scratch.after_stack) {
                        self.wait(state, scratch);
                    }
                }
            }
        }
    }

    fn wait(&self, state: StateID, scratch: &mut Scratch) {
        if !self.resting[state.as_usize()] {
            // No NFA has more states (`check_size`).
            scratch.kernel.push(state.as_u32() as u16);
        }
    }

    fn report(&self, state: StateID, with_byte: bool, scratch: &mut Scratch) {
        let pattern = self.owners[state.as_usize()];
        scratch.reports.push(Report { pattern, with_byte });
    }

    /// Works out `always`, `resting` and `starts`.
    fn prepare_starts(&mut self) {
        let mut scratch = Scratch::default();
        self.clear(&mut scratch, Kind::Edge);
        let entries: Vec<StateID> = self.nfa.patterns().map(|id| self.entry(id)).collect();
        entries.iter().for_each(|&entry| self.arrive(entry, Kind::Edge, &mut scratch));
        // A look-around that what stands before decides holds at the start if it holds anywhere, so
        // these are all the patterns that match without a byte known.
        self.always = scratch.reports.iter().map(|report| report.pattern).collect();
        let entries: Vec<StateID> = entries
            .into_iter()
            .filter(|entry| !self.always.contains(&self.owners[entry.as_usize()]))
            .collect();
        self.fill_starts(&entries, &mut scratch);
    }

    fn entry(&self, pattern: PatternID) -> StateID {
        // Every pattern of an NFA has a start state.
        self.nfa.start_pattern(pattern).unwrap_or_else(|| self.nfa.start_anchored())
    }

    fn fill_starts(&mut self, entries: &[StateID], scratch: &mut Scratch) {
        self.mark_resting(entries);
        let mut known = HashMap::new();
        let mut starts = Vec::new();
        let mut start_of = Vec::new();
        let looks = self.nfa.look_set_any();
        for before in Kind::ALL {
            for symbol in &self.symbols {
                self.clear(scratch, symbol.kind);
                // Kinds that are not told apart are in no kernel.
                for &entry in entries.iter().filter(|_| before.reduced(looks) == before) {
                    self.advance(entry, before, *symbol, scratch);
                }
                let found = Starts {
                    states: scratch.kernel[1..].to_vec(),
                    reports: scratch.reports.clone(),
                };
                let place = *known.entry(found).or_insert_with_key(|found| {
                    starts.push(found.clone());
                    starts.len() as u32 - 1
                });
                start_of.push(place);
            }
        }
        self.starts = starts.into();
        self.start_of = start_of.into();
    }

    /// The states reached from the entries whatever stands around.
    fn mark_resting(&mut self, entries: &[StateID]) {
        let mut stack = entries.to_vec();
        while let Some(state) = stack.pop() {
            if !std::mem::replace(&mut self.resting[state.as_usize()], true) {
                push_epsilon(self.nfa.state(state), &mut stack);
            }
        }
    }
}

fn state_id(state: u16) -> StateID {
    StateID::new_unchecked(usize::from(state))
}

/// Where a state goes without a byte; false when it needs one (or ends).
fn push_epsilon(state: &State, stack: &mut Vec<StateID>) -> bool {
    match state {
        State::Union { alternates } => stack.extend_from_slice(alternates),
        State::BinaryUnion { alt1, alt2 } => stack.extend([*alt1, *alt2]),
        State::Capture { next, .. } => stack.push(*next),
        State::Fail => {}
        _ => return false,
    }
    true
}

/// Where a state goes with a byte.
fn next_state(state: &State, byte: u8) -> Option<StateID> {
    match state {
        State::ByteRange { trans } => trans.matches_byte(byte).then_some(trans.next),
        State::Sparse(transitions) => transitions.matches_byte(byte),
        State::Dense(transitions) => transitions.matches_byte(byte),
        _ => None,
    }
}

fn compile(patterns: &[(PatternId, &Hir)]) -> Result<NFA, BuildError> {
    let only = patterns.first().filter(|_| patterns.len() == 1).map(|&(id, _)| id);
    let hirs: Vec<&Hir> = patterns.iter().map(|&(_, hir)| hir).collect();
    let limit = PATTERN_NFA_BYTES.saturating_mul(hirs.len());
    let config = thompson::Config::new()
        .utf8(false)
        .which_captures(WhichCaptures::None)
        .nfa_size_limit(Some(limit));
    let nfa = thompson::Compiler::new()
        .configure(config)
        .build_many_from_hir(&hirs)
        .map_err(|error| BuildError::new(only, format!("the pattern cannot be built: {error}")))?;
    if nfa.look_set_any().contains_word_unicode() {
        return Err(BuildError::new(only, "word boundaries of Unicode are not supported"));
    }
    check_size(nfa.states().len(), only)?;
    Ok(nfa)
}

/// States are numbered with 16 bits in kernels, of which there are many.
fn check_size(size: usize, only: Option<PatternId>) -> Result<(), BuildError> {
    const { assert!(NFA_STATES <= 1 << u16::BITS) };
    if size <= NFA_STATES {
        return Ok(());
    }
    let message = format!("the pattern is too large: {size} states, {NFA_STATES} are the most");
    Err(BuildError::new(only, message))
}

/// Whose each state is. Patterns share no state but the common entry, which is never used.
fn owners(nfa: &NFA, patterns: &[(PatternId, &Hir)]) -> Box<[PatternId]> {
    let mut owners = vec![PatternId(0); nfa.states().len()];
    let mut seen = vec![false; nfa.states().len()];
    let mut stack = Vec::new();
    for (number, &(id, _)) in nfa.patterns().zip(patterns) {
        stack.extend(nfa.start_pattern(number));
        while let Some(state) = stack.pop() {
            if std::mem::replace(&mut seen[state.as_usize()], true) {
                continue;
            }
            owners[state.as_usize()] = id;
            push_every(nfa.state(state), &mut stack);
        }
    }
    owners.into()
}

/// Where a state may go at all.
fn push_every(state: &State, stack: &mut Vec<StateID>) {
    match state {
        State::ByteRange { trans } => stack.push(trans.next),
        State::Sparse(sparse) => stack.extend(sparse.transitions.iter().map(|trans| trans.next)),
        State::Dense(dense) => stack.extend(dense.transitions.iter()),
        State::Look { next, .. } => stack.push(*next),
        other => {
            push_epsilon(other, stack);
        }
    }
}

fn symbols(nfa: &NFA) -> Box<[Symbol]> {
    let looks = nfa.look_set_any();
    nfa.byte_classes()
        .representatives(..)
        .map(|unit| match unit.as_u8() {
            Some(byte) => Symbol { byte: Some(byte), kind: Kind::of(byte).reduced(looks) },
            None => Symbol { byte: None, kind: Kind::Edge },
        })
        .collect()
}
