//! Clients and hours, told apart in little memory that any order of records fills the same.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::limits;

/// A number for a text, the same in every run: results can be compared. Whoever chooses texts to
/// collide only lowers a count.
pub fn number(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// The smallest hashes of a set: its size, and a fair sample of it. (Bar-Yossef and others,
/// "Counting distinct elements in a data stream", 2002.)
#[derive(Clone, Debug, Default)]
pub struct Distinct {
    /// Ascending, no more than `limits::SKETCH`.
    least: Vec<u64>,
}

impl Distinct {
    /// Takes one.
    pub fn add(&mut self, hash: u64) {
        if self.least.len() == limits::SKETCH && self.least.last().is_some_and(|&last| hash > last)
        {
            return;
        }
        if let Err(at) = self.least.binary_search(&hash) {
            self.least.insert(at, hash);
            self.least.truncate(limits::SKETCH);
        }
    }

    /// Takes all of another.
    pub fn merge(&mut self, other: &Self) {
        other.least.iter().for_each(|&hash| self.add(hash));
    }

    /// How many there are: exact below `limits::SKETCH`, then an estimate.
    pub fn count(&self) -> u64 {
        match self.least.last() {
            Some(&last) if self.least.len() == limits::SKETCH => {
                let share = last as f64 / u64::MAX as f64;
                ((limits::SKETCH - 1) as f64 / share).round() as u64
            }
            _ => self.least.len() as u64,
        }
    }

    /// A fair sample of them.
    pub fn sample(&self) -> &[u64] {
        &self.least
    }
}

/// The hours in which something was seen: three weeks, then the first again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hours([u64; 8]);

impl Hours {
    /// How many different hours can be told apart.
    pub const SPAN: u32 = 8 * 64;

    /// Takes an hour, counted since 1970.
    pub fn add(&mut self, hour: u32) {
        let bit = hour % Self::SPAN;
        self.0[(bit / 64) as usize] |= 1 << (bit % 64);
    }

    /// Takes all of another.
    pub fn merge(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(own, other)| *own |= other);
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }
}

/// On how many paths clients were flagged: of the clients with the smallest hashes, so that two
/// gatherers follow the same ones.
#[derive(Clone, Debug, Default)]
pub struct Breadths(HashMap<u64, u64>);

impl Breadths {
    /// A client was flagged on a path.
    pub fn add(&mut self, client: u64, path: &str) {
        *self.0.entry(client).or_default() |= 1 << (number(path) % 64);
        if self.0.len() > 2 * limits::CLIENTS {
            self.shrink();
        }
    }

    /// Takes all of another.
    pub fn merge(&mut self, other: &Self) {
        for (&client, paths) in &other.0 {
            *self.0.entry(client).or_default() |= paths;
        }
        self.shrink();
    }

    fn shrink(&mut self) {
        if self.0.len() > limits::CLIENTS {
            let mut clients: Vec<u64> = self.0.keys().copied().collect();
            let (_, &mut last, _) = clients.select_nth_unstable(limits::CLIENTS - 1);
            self.0.retain(|&client, _| client <= last);
        }
    }

    /// Paths of a client that is followed, counted up to about 64.
    pub fn of(&self, client: u64) -> Option<u32> {
        self.0.get(&client).map(|paths| paths.count_ones())
    }

    /// Paths of the client in the middle.
    pub fn median(&self) -> u32 {
        let mut all: Vec<u32> = self.0.values().map(|paths| paths.count_ones()).collect();
        let middle = all.len() / 2;
        if all.is_empty() { 0 } else { *all.select_nth_unstable(middle).1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distinct(range: std::ops::Range<u32>) -> Distinct {
        let mut set = Distinct::default();
        range.for_each(|n| set.add(number(&n.to_string())));
        set
    }

    #[test]
    fn few_are_counted_and_many_are_estimated() {
        for few in 0..limits::SKETCH as u32 {
            assert_eq!(distinct(0..few).count(), u64::from(few));
        }
        // The standard error of k smallest hashes is about 1/sqrt(k - 2).
        for many in [100, 10_000, 300_000] {
            let ratio = distinct(0..many).count() as f64 / f64::from(many);
            assert!((0.3..3.0).contains(&ratio), "{many}: {ratio}");
        }
    }

    #[test]
    fn order_and_parts_change_nothing() {
        let mut parts = distinct(500..1_000);
        parts.merge(&distinct(0..700));
        assert_eq!(parts.sample(), distinct(0..1_000).sample());
        let all = |clients: &mut dyn Iterator<Item = u64>| {
            let mut breadths = Breadths::default();
            clients.for_each(|n| breadths.add(number(&n.to_string()), "/"));
            breadths
        };
        let many = 3 * limits::CLIENTS as u64;
        let (mut one, mut two) = (all(&mut (0..many)), all(&mut (0..many).rev()));
        one.shrink();
        two.shrink();
        assert_eq!(one.0, two.0);
        assert_eq!(one.0.len(), limits::CLIENTS);
    }

    #[test]
    fn hours_are_told_apart_for_three_weeks() {
        let mut hours = Hours::default();
        (490_000..490_500).for_each(|hour| hours.add(hour));
        hours.add(490_000);
        assert_eq!(hours.count(), 500);
    }
}
