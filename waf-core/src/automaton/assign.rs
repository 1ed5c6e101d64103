//! Which patterns share a cluster.
//!
//! A cluster more is a table load more for every byte, but states multiply when patterns that are
//! often in the middle of something step as one. Which do is measured, on a text of what requests
//! are made of: a pattern by itself goes through some states there, and a cluster goes through as
//! many as there are different tuples of its patterns' states at one place. So the states of any
//! set of patterns are counted without building its automaton.

use std::collections::HashMap;

use crate::limits::{CLUSTER_STATES, GROUP_CLUSTERS, NFA_STATES};

/// States that a pattern may add to a cluster, beyond its own, before it gets a new one.
const TOLERATED: usize = 64;

/// What of a pattern decides where it goes.
pub(super) struct Profile {
    /// Patterns of different groups never share a cluster.
    pub(super) group: u32,
    /// States of its NFA.
    pub(super) size: usize,
    /// Its state after each byte of the text; any numbers.
    pub(super) trace: Vec<u32>,
}

/// The clusters, each the places of its patterns. The same for the same patterns, always.
pub(super) fn assign(profiles: &[Profile]) -> Vec<Vec<usize>> {
    let mut order: Vec<(u32, usize, usize)> = profiles
        .iter()
        .enumerate()
        .map(|(at, profile)| (profile.group, usize::MAX - distinct(&profile.trace), at))
        .collect();
    // The most states first: what comes later adapts to them.
    order.sort_unstable();
    order.chunk_by(|a, b| a.0 == b.0).flat_map(|group| assign_group(group, profiles)).collect()
}

/// A cluster to be.
#[derive(Default)]
struct Bin {
    members: Vec<usize>,
    size: usize,
    states: usize,
    trace: Vec<u32>,
}

impl Bin {
    fn new(at: usize, profile: &Profile, states: usize) -> Self {
        Self { members: vec![at], size: profile.size, states, trace: profile.trace.clone() }
    }

    /// The bin with one more pattern; `None` when it would be too large.
    fn with(&self, at: usize, profile: &Profile) -> Option<Self> {
        // Where patterns begin, some states are common: there is room for them.
        const { assert!(CLUSTER_STATES < NFA_STATES) };
        let size = self.size + profile.size;
        if size > CLUSTER_STATES {
            return None;
        }
        let (states, trace) = joint(&self.trace, &profile.trace);
        let members = self.members.iter().copied().chain([at]).collect();
        Some(Self { members, size, states, trace })
    }
}

fn assign_group(group: &[(u32, usize, usize)], profiles: &[Profile]) -> Vec<Vec<usize>> {
    let mut bins: Vec<Bin> = Vec::new();
    for &(_, rank, at) in group {
        let (profile, alone) = (&profiles[at], usize::MAX - rank);
        let best = bins
            .iter()
            .enumerate()
            .filter_map(|(place, bin)| Some((bin.with(at, profile)?, bin.states, place)))
            .min_by_key(|(joined, before, place)| (joined.states - before, *place));
        match best {
            Some((joined, before, place))
                if joined.states - before <= alone + TOLERATED || bins.len() >= GROUP_CLUSTERS =>
            {
                bins[place] = joined;
            }
            _ => bins.push(Bin::new(at, profile, alone)),
        }
    }
    bins.into_iter().map(|bin| sorted(bin.members)).collect()
}

/// The trace of two automata as one, and the number of its states.
fn joint(a: &[u32], b: &[u32]) -> (usize, Vec<u32>) {
    let mut numbers = HashMap::new();
    let trace = a
        .iter()
        .zip(b)
        .map(|pair| {
            let next = numbers.len() as u32;
            *numbers.entry(pair).or_insert(next)
        })
        .collect();
    (numbers.len(), trace)
}

fn distinct(trace: &[u32]) -> usize {
    let mut states = trace.to_vec();
    states.sort_unstable();
    states.dedup();
    states.len()
}

fn sorted(mut members: Vec<usize>) -> Vec<usize> {
    members.sort_unstable();
    members
}
