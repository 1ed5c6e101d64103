//! What requests cost: counts of microseconds in buckets whose borders are a 64th apart, so that
//! memory does not grow with the requests.

/// Buckets of every doubling: a cost is known to 1.6 %.
const PARTS: u64 = 64;

/// Doublings from [`PARTS`] on; what is longer, some 19 hours, counts as the last.
const DOUBLINGS: u64 = 30;

/// Counts by cost.
#[derive(Clone, Debug)]
pub struct Costs {
    counts: Vec<u64>,
    total: u64,
}

impl Default for Costs {
    fn default() -> Self {
        Self { counts: vec![0; (PARTS * (DOUBLINGS + 1)) as usize], total: 0 }
    }
}

impl Costs {
    /// Counts one, in microseconds.
    pub fn add(&mut self, cost: u64) {
        let last = self.counts.len() - 1;
        self.counts[bucket(cost).min(last)] += 1;
        self.total += 1;
    }

    /// How many were counted.
    pub fn len(&self) -> u64 {
        self.total
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The microseconds that a share of the requests stays within: 0.5 is the median. `None`
    /// where nothing was counted.
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let rank = (share * self.total.saturating_sub(1) as f64).round() as u64;
        let mut before = 0;
        let at = self.counts.iter().position(|count| {
            before += count;
            before > rank
        })?;
        Some(floor(at))
    }

    /// Counts by powers of two: how many cost 0 or 1, 2 or 3, 4 to 7 microseconds and so on, up to
    /// the last that has any.
    pub fn doublings(&self) -> Vec<u64> {
        let mut doublings = Vec::new();
        for (at, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let power = floor(at).max(1).ilog2() as usize;
            doublings.resize(doublings.len().max(power + 1), 0);
            doublings[power] += count;
        }
        doublings
    }
}

/// Below [`PARTS`] every number has its own bucket.
fn bucket(cost: u64) -> usize {
    let doubling = u64::from((cost / PARTS).checked_ilog2().map_or(0, |power| power + 1));
    let bucket = match doubling {
        0 => cost,
        _ => PARTS * doubling + (cost >> (doubling - 1)) - PARTS,
    };
    usize::try_from(bucket).unwrap_or(usize::MAX)
}

/// The least cost of a bucket.
fn floor(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    match bucket / PARTS {
        0 => bucket,
        doubling => (PARTS + bucket % PARTS) << (doubling - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_known_to_a_64th() {
        for cost in (0..5_000).chain([1 << 20, (1 << 33) + 12_345, 1 << 35]) {
            let known = floor(bucket(cost));
            assert!(known <= cost && cost - known <= cost / 64, "{cost}: {known}");
            assert!(bucket(cost) <= bucket(cost + 1) && bucket(cost + 1) - bucket(cost) <= 1);
        }
        let mut costs = Costs::default();
        costs.add(u64::MAX);
        assert!(costs.quantile(0.5) > Some(1 << 35));
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_list() {
        let mut costs = Costs::default();
        assert_eq!(costs.quantile(0.5), None);
        (0..=60).rev().for_each(|cost| costs.add(cost));
        assert_eq!((costs.len(), costs.is_empty()), (61, false));
        for (share, cost) in [(0.0, 0), (0.5, 30), (0.99, 59), (1.0, 60)] {
            assert_eq!(costs.quantile(share), Some(cost));
        }
        assert_eq!(costs.doublings(), [2, 2, 4, 8, 16, 29]);
    }
}
