//! Which patterns share a cluster.
//!
//! States multiply when several patterns can be in the middle of a loop at once, as `.*` and
//! `[^>]*` are on any text. So patterns with a loop over a wide class stand apart from each other;
//! all others stand together, for a cluster more is a table load more for every byte. Patterns tied
//! to the start of the value stand together too: their cluster is soon done.

use regex_syntax::hir::{Class, Hir, HirKind, Look};

use crate::limits::{CLUSTER_NFA_STATES, WIDE_CLUSTERS};

/// Bytes of a class that make it wide: more than letters, digits and a little punctuation.
const WIDE_CLASS: usize = 70;

/// Rounds more than these make a counted repetition a loop.
const LOOP_ROUNDS: u32 = 8;

/// What of a pattern decides where it goes.
pub(super) struct Profile {
    group: u32,
    shape: Shape,
    /// States of its NFA.
    size: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Shape {
    Anchored,
    Plain,
    Wide,
}

impl Profile {
    /// The profile of a (trimmed) pattern whose NFA has `size` states.
    pub(super) fn new(pattern: &Hir, group: u32, size: usize) -> Self {
        let shape = if has_wide_loop(pattern) {
            Shape::Wide
        } else if pattern.properties().look_set_prefix().contains(Look::Start) {
            Shape::Anchored
        } else {
            Shape::Plain
        };
        Self { group, shape, size }
    }
}

/// The clusters, each the places of its patterns. The same for the same patterns, always.
pub(super) fn assign(profiles: &[Profile]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..profiles.len()).collect();
    order.sort_by_key(|&at| (profiles[at].group, profiles[at].shape));
    let mut clusters = Vec::new();
    let same = |&a: &usize, &b: &usize| {
        (profiles[a].group, profiles[a].shape) == (profiles[b].group, profiles[b].shape)
    };
    for bundle in order.chunk_by(same) {
        match profiles[bundle[0]].shape {
            Shape::Wide => spread(bundle, profiles, &mut clusters),
            Shape::Anchored | Shape::Plain => fill(bundle, profiles, &mut clusters),
        }
    }
    clusters
}

/// One cluster after the other, each up to its bound.
fn fill(bundle: &[usize], profiles: &[Profile], clusters: &mut Vec<Vec<usize>>) {
    let (mut open, mut size) = (Vec::new(), 0);
    for &at in bundle {
        if size + profiles[at].size > CLUSTER_NFA_STATES && !open.is_empty() {
            clusters.push(std::mem::take(&mut open));
            size = 0;
        }
        size += profiles[at].size;
        open.push(at);
    }
    clusters.push(open);
}

/// Apart from each other, over a bounded number of clusters, the largest first into the emptiest.
fn spread(bundle: &[usize], profiles: &[Profile], clusters: &mut Vec<Vec<usize>>) {
    let total: usize = bundle.iter().map(|&at| profiles[at].size).sum();
    let count = WIDE_CLUSTERS.max(total.div_ceil(CLUSTER_NFA_STATES / 2)).min(bundle.len());
    let mut order = bundle.to_vec();
    order.sort_by_key(|&at| (std::cmp::Reverse(profiles[at].size), at));
    let mut bins = vec![(0, Vec::new()); count];
    for at in order {
        if let Some((size, bin)) = bins.iter_mut().min_by_key(|(size, _)| *size) {
            *size += profiles[at].size;
            bin.push(at);
        }
    }
    clusters.extend(bins.into_iter().map(|(_, mut bin)| {
        bin.sort_unstable();
        bin
    }));
}

fn has_wide_loop(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => false,
        HirKind::Capture(capture) => has_wide_loop(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(has_wide_loop),
        HirKind::Repetition(repetition) => {
            let rounds = repetition.max.unwrap_or(u32::MAX);
            (rounds > LOOP_ROUNDS && has_wide_class(&repetition.sub))
                || has_wide_loop(&repetition.sub)
        }
    }
}

fn has_wide_class(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Literal(_) | HirKind::Look(_) => false,
        HirKind::Class(class) => width(class) > WIDE_CLASS,
        HirKind::Capture(capture) => has_wide_class(&capture.sub),
        HirKind::Repetition(repetition) => has_wide_class(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(has_wide_class),
    }
}

fn width(class: &Class) -> usize {
    match class {
        Class::Bytes(class) => class.ranges().iter().map(|range| range.len()).sum(),
        // Characters beyond the bytes: wide enough.
        Class::Unicode(class) => class.ranges().iter().map(|range| range.len()).sum(),
    }
}
