//! Counts over a replay: by label, class and source.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::request::{Label, Request};

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was blocked, or would have been.
    Caught,
    /// It was let through.
    Passed,
    /// Nobody answered: neither is known.
    Unanswered,
}

/// Caught and passed requests of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// All.
    pub total: u64,
    /// Blocked, or would have been.
    pub caught: u64,
}

impl Count {
    /// The share that was caught, 0 to 1.
    pub fn share(self) -> f64 {
        if self.total == 0 { 0.0 } else { self.caught as f64 / self.total as f64 }
    }

    fn add(&mut self, caught: bool) {
        self.total += 1;
        self.caught += u64::from(caught);
    }
}

/// Counts over a replay.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// By label.
    pub labels: BTreeMap<Label, Count>,
    /// By label and class.
    pub classes: BTreeMap<(Label, String), Count>,
    /// By label and source.
    pub sources: BTreeMap<(Label, String), Count>,
    /// Requests without a label.
    pub unlabelled: Count,
    /// Requests that nobody answered; they are in no other count.
    pub unanswered: u64,
    /// What each request took: time in the engine, or to the answer.
    costs: Vec<Duration>,
}

impl Tally {
    /// Counts a request.
    pub fn add(&mut self, request: &Request, verdict: Verdict, cost: Duration) {
        if verdict == Verdict::Unanswered {
            self.unanswered += 1;
            return;
        }
        let caught = verdict == Verdict::Caught;
        self.costs.push(cost);
        let Some(label) = request.label else {
            self.unlabelled.add(caught);
            return;
        };
        self.labels.entry(label).or_default().add(caught);
        self.classes.entry((label, request.class.clone())).or_default().add(caught);
        self.sources.entry((label, request.source.clone())).or_default().add(caught);
    }

    /// Adds another tally, of other requests.
    pub fn merge(&mut self, other: Self) {
        fn into<K: Ord>(to: &mut BTreeMap<K, Count>, from: BTreeMap<K, Count>) {
            for (key, count) in from {
                let sum = to.entry(key).or_default();
                sum.total += count.total;
                sum.caught += count.caught;
            }
        }
        into(&mut self.labels, other.labels);
        into(&mut self.classes, other.classes);
        into(&mut self.sources, other.sources);
        self.unanswered += other.unanswered;
        self.unlabelled.total += other.unlabelled.total;
        self.unlabelled.caught += other.unlabelled.caught;
        self.costs.extend(other.costs);
    }

    /// The share caught, as the unweighted mean over sources: a large list does not outvote the
    /// others. Sources that `skip` names are left out.
    pub fn mean_over_sources(&self, label: Label, skip: &[String]) -> Option<f64> {
        let shares: Vec<f64> = self
            .sources
            .iter()
            .filter(|((of, source), _)| *of == label && !skip.contains(source))
            .map(|(_, count)| count.share())
            .collect();
        (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
    }

    /// The cost that a share of the requests stays under: 0.5 is the median.
    pub fn cost(&self, share: f64) -> Option<Duration> {
        let mut costs = self.costs.clone();
        costs.sort_unstable();
        let at = (share * costs.len().saturating_sub(1) as f64).round() as usize;
        costs.get(at).copied()
    }

    /// Requests counted.
    pub fn len(&self) -> usize {
        self.costs.len()
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.costs.is_empty()
    }
}
