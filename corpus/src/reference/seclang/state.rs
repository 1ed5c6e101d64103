//! `TX`, with a note of whose every number is.

use std::collections::BTreeMap;

/// What each rule, by its place, has added to a number.
pub(super) type Shares = BTreeMap<usize, i64>;

/// A variable.
#[derive(Clone, Debug, Default)]
pub(super) struct Variable {
    pub(super) text: Vec<u8>,
    pub(super) from: Shares,
}

/// The variables by their names in lower case.
#[derive(Debug, Default)]
pub(super) struct Tx(BTreeMap<Vec<u8>, Variable>);

impl Tx {
    /// A variable.
    pub(super) fn get(&self, name: &[u8]) -> Option<&Variable> {
        self.0.get(&name.to_ascii_lowercase())
    }

    /// Sets a variable, or takes it away.
    pub(super) fn set(&mut self, name: &[u8], variable: Option<Variable>) {
        let name = name.to_ascii_lowercase();
        match variable {
            Some(variable) => self.0.insert(name, variable),
            None => self.0.remove(&name),
        };
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0.iter().map(|(name, variable)| (name.as_slice(), variable.text.as_slice()))
    }
}

/// A number held against a threshold, and whose it is.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) number: i64,
    pub(super) threshold: i64,
    pub(super) from: Shares,
}
