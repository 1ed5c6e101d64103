//! The characters of many values, and whether the next one may bring another.

use waf_core::record::Alphabet;

/// The chance that the next value has a character which none had, in percent, up to which an exclusion
/// may be narrowed to those that are known.
const SURPRISE: u64 = 5;

/// The characters of the values of a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spelling {
    values: u64,
    /// In some value.
    seen: Alphabet,
    /// In more than one.
    again: Alphabet,
}

impl Spelling {
    /// Takes a value.
    pub fn add(&mut self, alphabet: Alphabet) {
        self.merge(&Self { values: 1, seen: alphabet, again: Alphabet::EMPTY });
    }

    /// Takes all of another.
    pub fn merge(&mut self, other: &Self) {
        self.values += other.values;
        let both = self.seen.intersection(other.seen);
        self.again = self.again.union(other.again).union(both);
        self.seen = self.seen.union(other.seen);
    }

    /// The characters, where an exclusion can name them and no others are to be expected: what was
    /// seen once tells how much was not seen (Good, "The population frequencies of species", 1953).
    /// One more is counted, so that few values never tell.
    pub fn settled(&self) -> Option<Alphabet> {
        let once = u64::from(self.seen.without(self.again).len());
        let is_settled = (once + 1) * 100 <= self.values.saturating_mul(SURPRISE);
        Some(self.seen).filter(|seen| is_settled && seen.characters().is_some())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

    use super::*;

    fn spelling(values: &[&str]) -> Spelling {
        let mut spelling = Spelling::default();
        let alphabets = values.iter().map(|value| value.parse().unwrap());
        alphabets.for_each(|alphabet| spelling.add(alphabet));
        spelling
    }

    #[test]
    fn few_values_settle_nothing() {
        assert_eq!(spelling(&["a-z"; 19]).settled(), None);
        assert_eq!(spelling(&["a-z"; 20]).settled(), "a-z".parse().ok());
    }

    #[test]
    fn what_was_seen_once_says_that_more_is_to_come() {
        let mut values = vec!["a-z"; 38];
        values.push("a-z'");
        assert_eq!(spelling(&values).settled(), None);
        values.push("a-z");
        assert_eq!(spelling(&values).settled(), "a-z'".parse().ok());
        // Twice is no surprise any more.
        assert_eq!(
            spelling(&[vec!["a-z"; 18], vec!["a-z'"; 2]].concat()).settled(),
            "a-z'".parse().ok()
        );
    }

    #[test]
    fn what_is_not_known_or_cannot_be_named_is_not_narrowed() {
        let mut unknown = spelling(&["a-z"; 100]);
        unknown.add(Alphabet::ALL);
        unknown.add(Alphabet::ALL);
        unknown.merge(&spelling(&["a-z"; 2_000]));
        assert_eq!(unknown.settled(), None);
        assert_eq!(spelling(&[""; 100]).settled(), None);
    }

    #[test]
    fn order_and_parts_change_nothing() {
        let values = ["a-z", "0-9'", "a-z'", "(", ""];
        for at in 0..=values.len() {
            let (left, right) = values.split_at(at);
            let mut parts = spelling(right);
            parts.merge(&spelling(left));
            assert_eq!(parts, spelling(&values));
        }
    }
}
