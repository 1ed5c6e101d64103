//! `TX`: the variables of one transaction, bounded.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::limits;
use crate::ruleset::{Slots, Value};

/// The variables. Names are in lower case.
#[derive(Clone, Debug, Default)]
pub(super) struct Tx {
    /// Those that the rules name.
    slots: Vec<Option<Value>>,
    /// Those whose names were made on the way.
    named: BTreeMap<Box<[u8]>, Value>,
    /// Bytes of texts and of names made on the way.
    weight: usize,
    /// Something found no room.
    full: bool,
}

impl Tx {
    /// So many variables have names, and some are set.
    pub(super) fn new(slots: usize, start: &[(u16, Value)]) -> Self {
        let mut tx = Self { slots: vec![None; slots], ..Self::default() };
        for (slot, value) in start {
            tx.set_slot(*slot, Some(value.clone()));
        }
        tx
    }

    /// A variable that the rules name.
    pub(super) fn slot(&self, slot: u16) -> Option<&Value> {
        self.slots[usize::from(slot)].as_ref()
    }

    /// A variable whose name was made on the way.
    pub(super) fn named(&self, name: &[u8]) -> Option<&Value> {
        self.named.get(name)
    }

    /// Sets a variable, or takes it away.
    pub(super) fn set_slot(&mut self, slot: u16, value: Option<Value>) {
        let value = value.filter(|value| self.has_room(value.weight()));
        let known = &mut self.slots[usize::from(slot)];
        self.weight += value.as_ref().map_or(0, Value::weight);
        self.weight -= known.as_ref().map_or(0, Value::weight);
        *known = value;
    }

    /// The same by a name made on the way, in lower case.
    pub(super) fn set_named(&mut self, name: &[u8], value: Option<Value>) {
        let Some(value) = value else {
            if let Some(known) = self.named.remove(name) {
                self.weight -= known.weight() + name.len();
            }
            return;
        };
        let (weight, keys) = (value.weight(), self.named.len());
        match self.named.entry(name.into()) {
            Entry::Vacant(place) if keys < limits::TX_KEYS => {
                let added = weight + name.len();
                if self.weight + added <= limits::TX_BYTES {
                    self.weight += added;
                    place.insert(value);
                    return;
                }
            }
            Entry::Occupied(mut place) => {
                let rest = self.weight - place.get().weight();
                if rest + weight <= limits::TX_BYTES {
                    self.weight = rest + weight;
                    place.insert(value);
                    return;
                }
                self.weight = rest - name.len();
                place.remove();
            }
            Entry::Vacant(_) => {}
        }
        self.full = true;
    }

    /// Every variable with its name.
    pub(super) fn iter<'a>(
        &'a self,
        slots: &'a Slots,
    ) -> impl Iterator<Item = (&'a [u8], &'a Value)> {
        let known = self.slots.iter().enumerate().filter_map(|(slot, value)| {
            value.as_ref().map(|value| (slots.name(slot as u16), value))
        });
        known.chain(self.iter_named())
    }

    /// Those whose names were made on the way.
    pub(super) fn iter_named(&self) -> impl Iterator<Item = (&[u8], &Value)> {
        self.named.iter().map(|(name, value)| (&**name, value))
    }

    /// Whether something found no room.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    fn has_room(&mut self, bytes: usize) -> bool {
        let room = self.weight + bytes <= limits::TX_BYTES;
        self.full |= !room;
        room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_is_told() {
        let mut tx = Tx::new(1, &[]);
        for number in 0..limits::TX_KEYS {
            tx.set_named(number.to_string().as_bytes(), Some(Value::Number(1)));
        }
        assert!(!tx.is_full());
        tx.set_named(b"one more", Some(Value::Number(1)));
        assert!(tx.is_full());
        assert_eq!(tx.named(b"one more"), None);
    }

    #[test]
    fn bytes_of_texts_are_bounded_and_given_back() {
        let mut tx = Tx::new(1, &[]);
        let large = Value::Text(vec![b'a'; limits::TX_VALUE].into());
        for _ in 0..1_000 {
            tx.set_slot(0, Some(large.clone()));
        }
        assert!(!tx.is_full());
        for name in 0..u8::MAX {
            tx.set_named(&[name], Some(large.clone()));
        }
        assert!(tx.is_full());
    }
}
