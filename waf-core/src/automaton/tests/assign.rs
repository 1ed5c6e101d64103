//! Patterns are put together so that states do not multiply.

use crate::automaton::assign::{Profile, assign};
use crate::automaton::{Automata, syntax};
use crate::limits::{CLUSTER_STATES, GROUP_CLUSTERS, NFA_STATES};

/// A pattern whose state at byte `at` is bit `bit` of `at`, and so independent of other bits.
fn independent(group: u32, bit: u32) -> Profile {
    let trace = (0..1 << 12).map(|at: u32| at >> bit & 1).collect();
    Profile { group, size: 10, trace }
}

fn states(profiles: &[Profile], members: &[usize]) -> usize {
    let tuples = (0..1 << 12_usize)
        .map(|at| members.iter().map(|&it| profiles[it].trace[at]).collect::<Vec<_>>());
    tuples.collect::<std::collections::HashSet<_>>().len()
}

#[test]
fn every_pattern_is_in_one_cluster_of_its_group() {
    let profiles: Vec<_> = (0..36).map(|at| independent(at % 3, at / 3)).collect();
    let clusters = assign(&profiles);
    let mut places: Vec<usize> = clusters.concat();
    places.sort_unstable();
    assert_eq!(places, (0..36).collect::<Vec<_>>());
    for members in &clusters {
        assert!(members.iter().all(|&at| profiles[at].group == profiles[members[0]].group));
    }
    assert!(clusters.len() <= 3 * GROUP_CLUSTERS);
}

#[test]
fn states_do_not_multiply() {
    let profiles: Vec<_> = (0..12).map(|bit| independent(0, bit)).collect();
    let clusters = assign(&profiles);
    let total: usize = clusters.iter().map(|members| states(&profiles, members)).sum();
    // Together they have 4,096 states.
    assert!(total < 400, "{total} states in {clusters:?}");
}

#[test]
fn few_patterns_are_together() {
    let profiles: Vec<_> = (0..4).map(|bit| independent(0, bit)).collect();
    assert_eq!(assign(&profiles), [[0, 1, 2, 3]]);
}

#[test]
fn clusters_are_bounded() {
    let profiles: Vec<_> = (0..GROUP_CLUSTERS + 2)
        .map(|_| Profile { size: CLUSTER_STATES / 2 + 1, ..independent(0, 0) })
        .collect();
    assert_eq!(assign(&profiles).len(), GROUP_CLUSTERS + 2);
}

/// What a cluster has beyond its patterns fits too: two that fill one to the last state, and two that
/// are too large for one.
#[test]
fn patterns_that_just_fit_are_loaded() {
    let hir = |length: usize, start: &str| {
        let (many, few) = (length / 1_000, length % 1_000);
        syntax::parse(&format!(r"{start}\x01(?:[a-c]{{1000}}){{{many}}}[a-c]{{{few}}}")).unwrap()
    };
    for (start, most) in
        ["", "^"].into_iter().flat_map(|it| [(it, CLUSTER_STATES), (it, NFA_STATES)])
    {
        for less in 0..12 {
            let hirs = [30_000, most - 30_000 - less].map(|length| hir(length, start));
            let automata = Automata::new(&hirs, &[0, 0], 1 << 20);
            assert!(automata.is_ok(), "{start:?} {less}: {:?}", automata.err());
        }
    }
}
