//! The fields of one request that SecLang rules have to know: what is true of each, and its value.
//!
//! A row is one field. Rules run over rows in the order in which the fields ended, which the body
//! alone decides. When there are too many, fields of which the same is true, of one kind, share a
//! row and are counted: constant memory, and the sum over them stays exact.

use std::collections::HashMap;

use super::evidence::Evidence;
use crate::field::Collection;
use crate::limits;
use crate::ruleset::{ClassId, SignatureId};

/// One field, or several of which the same is true.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) collection: Collection,
    pub(crate) class: ClassId,
    /// The name of the last of them, cut to `limits::NAME_KEPT`.
    pub(crate) name: Box<[u8]>,
    /// The whole value; `None` when it was too long, or there was no room.
    pub(crate) value: Option<Box<[u8]>>,
    /// Bytes of the value.
    pub(crate) length: u64,
    /// Where the value begins in what the parser read.
    pub(crate) at: u64,
    /// How the field was read.
    pub(crate) parser: Option<&'static str>,
    /// The signatures that are true of it, sorted.
    pub(crate) facts: Box<[SignatureId]>,
    /// What was seen of each, where the value is not kept.
    pub(crate) seen: Vec<(SignatureId, Evidence)>,
    /// How many fields it stands for.
    pub(crate) count: u64,
}

impl Row {
    /// Whether a signature is true of it.
    pub(crate) fn has(&self, signature: SignatureId) -> bool {
        self.facts.binary_search(&signature).is_ok()
    }
}

/// The rows of one request.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    rows: Vec<Row>,
    /// The rows of each collection, in order.
    of_collection: HashMap<Collection, Vec<u32>>,
    /// The signatures that are true of any: a bit each.
    seen: Vec<u64>,
    /// Rows that stand for many.
    merged: HashMap<(Collection, ClassId, Box<[SignatureId]>), u32>,
    /// Bytes of values and names kept.
    weight: usize,
}

impl Rows {
    /// A field ended. Returns whether there was room for it.
    pub(crate) fn push(&mut self, mut row: Row) -> bool {
        for &signature in &row.facts {
            let at = signature.index() / 64;
            if self.seen.len() <= at {
                self.seen.resize(at + 1, 0);
            }
            self.seen[at] |= 1 << (signature.index() % 64);
        }
        let value = row.value.as_ref().map_or(0, |value| value.len());
        if self.weight + value > limits::ROW_BYTES {
            row.value = None;
        }
        let many = self.rows.len() >= limits::ROWS;
        if many && let Some(room) = self.merge(&row) {
            return room;
        }
        self.weight += row.value.as_ref().map_or(0, |value| value.len()) + row.name.len();
        let at = self.rows.len() as u32;
        if many {
            row.value = None;
            self.merged.insert((row.collection, row.class, row.facts.clone()), at);
        }
        self.of_collection.entry(row.collection).or_default().push(at);
        self.rows.push(row);
        true
    }

    /// Whether a signature is true of any row.
    pub(crate) fn any(&self, signature: SignatureId) -> bool {
        let word = self.seen.get(signature.index() / 64).copied().unwrap_or(0);
        word & 1 << (signature.index() % 64) != 0
    }

    /// The rows of a collection, by number.
    pub(crate) fn of(&self, collection: Collection) -> &[u32] {
        self.of_collection.get(&collection).map_or(&[], Vec::as_slice)
    }

    /// A row.
    pub(crate) fn row(&self, at: u32) -> &Row {
        &self.rows[at as usize]
    }

    /// Counts a field in the row of its like. `None`: there is none, and room for one.
    fn merge(&mut self, row: &Row) -> Option<bool> {
        let key = (row.collection, row.class, row.facts.clone());
        let Some(&at) = self.merged.get(&key) else {
            return (self.merged.len() >= limits::CELLS).then_some(false);
        };
        let known = &mut self.rows[at as usize];
        known.count += 1;
        known.length = known.length.max(row.length);
        known.name.clone_from(&row.name);
        Some(true)
    }
}
