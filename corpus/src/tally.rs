//! Counts over a replay: by label, class and source.

use std::collections::BTreeMap;

use crate::costs::Costs;
use crate::outcome::{Outcome, Verdict};
use crate::request::Label;

/// Classes, and sources, that are counted apart: more in one table nobody reads.
const NAMES: usize = 1_000;

/// Where the others are counted.
const OTHERS: &str = "(others)";

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

/// Counts by label and a name.
type Names = BTreeMap<(Label, String), Count>;

/// Counts over a replay.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// By label.
    pub labels: BTreeMap<Label, Count>,
    /// By label and class.
    pub classes: Names,
    /// By label and source.
    pub sources: Names,
    /// Requests without a label.
    pub unlabelled: Count,
    /// Requests that nobody answered; they are in no other count.
    pub unanswered: u64,
    /// What each request took.
    pub costs: Costs,
}

impl Tally {
    /// Counts a request.
    pub fn add(&mut self, outcome: &Outcome) {
        if outcome.verdict == Verdict::Unanswered {
            self.unanswered += 1;
            return;
        }
        let caught = outcome.verdict == Verdict::Blocked;
        self.costs.add(outcome.cost_us);
        let Some(label) = outcome.label else {
            self.unlabelled.add(caught);
            return;
        };
        self.labels.entry(label).or_default().add(caught);
        add(&mut self.classes, label, &outcome.class, caught);
        add(&mut self.sources, label, &outcome.source, caught);
    }

    /// The counts of a label.
    pub fn of(&self, label: Label) -> Count {
        self.labels.get(&label).copied().unwrap_or_default()
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

    /// Requests counted.
    pub fn len(&self) -> u64 {
        self.costs.len()
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.costs.is_empty()
    }
}

fn add(names: &mut Names, label: Label, name: &str, caught: bool) {
    let key = (label, name.to_owned());
    let key = match names.len() < NAMES || names.contains_key(&key) {
        true => key,
        false => (label, OTHERS.to_owned()),
    };
    names.entry(key).or_default().add(caught);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Request;

    #[test]
    fn names_are_bounded_and_nobody_is_lost() {
        let mut tally = Tally::default();
        for number in 0..2 * NAMES as u64 {
            let request = Request { class: number.to_string(), ..Request::default() };
            let outcome = Outcome::of(number, &request);
            let verdict = Verdict::Blocked;
            tally.add(&Outcome { label: Some(Label::Attack), verdict, ..outcome });
        }
        assert_eq!(tally.classes.len(), NAMES + 1);
        assert_eq!(tally.classes.values().map(|count| count.caught).sum::<u64>(), tally.len());
    }
}
