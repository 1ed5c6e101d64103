//! The fields of one request that SecLang rules have to know: what is true of each, and its value.
//!
//! A row is one field. Rules run over rows in the order in which the fields ended, which the body
//! alone decides. When there are too many, fields of which the same is true, of one kind, share a
//! row and are counted: constant memory, and the sum over them stays exact.

use std::collections::HashMap;

use super::evidence::Evidence;
use super::sightings::{Sighting, Sightings};
use crate::bytes::ByteSet;
use crate::field::Collection;
use crate::limits;
use crate::policy::Policy;
use crate::record::Alphabet;
use crate::rule::Phase;
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
    /// The source offset at which the first of them ended.
    pub(crate) end: u64,
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

    /// The characters of its value, where it is kept.
    pub(crate) fn alphabet(&self) -> Option<Alphabet> {
        self.value.as_deref().map(|value| Alphabet::of(ByteSet::present(value)))
    }
}

/// The rows of one request.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    rows: Vec<Row>,
    /// The rows of each collection, in order, by the collection's number.
    of_collection: Vec<Vec<u32>>,
    /// The signatures that are true of any: a bit each.
    seen: Vec<u64>,
    /// Rows that stand for many.
    merged: HashMap<(Collection, ClassId, Box<[SignatureId]>), u32>,
    /// Bytes of values and names kept.
    weight: usize,
    /// What became true of fields of bodies, and where.
    pub(crate) sightings: Sightings,
}

impl Rows {
    /// None yet. What rules of a policy may refuse before a body ends is watched for.
    pub(crate) fn watched_for(policy: &Policy) -> Self {
        let mut rows = Self::default();
        let bounds = &policy.ruleset().program.bounds;
        if bounds.iter().any(|bound| !bound.parts.is_empty()) {
            rows.sightings.watch();
        }
        rows
    }

    /// A field ended. Returns whether there was room for it.
    pub(crate) fn push(&mut self, mut row: Row) -> bool {
        self.sight(&row);
        for &signature in &row.facts {
            self.mark(signature);
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
        let collection = row.collection as usize;
        if self.of_collection.len() <= collection {
            self.of_collection.resize(collection + 1, Vec::new());
        }
        self.of_collection[collection].push(at);
        self.rows.push(row);
        true
    }

    /// Whether a signature is true of any row.
    pub(crate) fn any(&self, signature: SignatureId) -> bool {
        let word = self.seen.get(signature.index() / 64).copied().unwrap_or(0);
        word & 1 << (signature.index() % 64) != 0
    }

    /// The signatures that are true of any row: a bit each, from the first on.
    pub(crate) fn signatures(&self) -> &[u64] {
        &self.seen
    }

    /// The rows of a collection, by number.
    pub(crate) fn of(&self, collection: Collection) -> &[u32] {
        self.of_collection.get(collection as usize).map_or(&[], Vec::as_slice)
    }

    /// A row.
    pub(crate) fn row(&self, at: u32) -> &Row {
        &self.rows[at as usize]
    }

    /// The rows that a body up to `offset` makes, and those of what was seen of values that are
    /// still open there. `None` where some stand for many: those have no place.
    pub(crate) fn until(&self, phase: Phase, offset: u64, streamed: &[Sighting]) -> Option<Self> {
        let mut rows = Self::default();
        for row in &self.rows {
            if Phase::of(row.collection) < phase || row.end <= offset {
                if row.count > 1 {
                    return None;
                }
                rows.push(row.clone());
            }
        }
        for sighting in streamed.iter().filter(|sighting| sighting.needed <= offset) {
            let Some(evidence) = &sighting.streamed else { continue };
            let place = (sighting.collection, evidence.at);
            let known = rows.rows.iter().position(|row| (row.collection, row.at) == place);
            match known.map(|at| &mut rows.rows[at]) {
                Some(row) if row.has(sighting.signature) => {}
                Some(row) => {
                    let mut facts = row.facts.to_vec();
                    facts.push(sighting.signature);
                    facts.sort_unstable();
                    row.facts = facts.into();
                    row.seen.push((sighting.signature, (**evidence).clone()));
                    rows.mark(sighting.signature);
                }
                None => {
                    rows.push(Row {
                        collection: sighting.collection,
                        class: sighting.class,
                        name: evidence.name.clone(),
                        value: None,
                        length: 0,
                        at: evidence.at,
                        end: offset,
                        parser: evidence.parser,
                        facts: [sighting.signature].into(),
                        seen: vec![(sighting.signature, (**evidence).clone())],
                        count: 1,
                    });
                }
            }
        }
        Some(rows)
    }

    /// What is true of a whole value is sighted at its end; of a stream it was on the way.
    fn sight(&mut self, row: &Row) {
        if !self.sightings.is_watched() || !row.seen.is_empty() {
            return;
        }
        for &signature in &row.facts {
            self.sightings.push(Sighting {
                needed: row.end,
                collection: row.collection,
                class: row.class,
                signature,
                streamed: None,
            });
        }
    }

    fn mark(&mut self, signature: SignatureId) {
        let at = signature.index() / 64;
        if self.seen.len() <= at {
            self.seen.resize(at + 1, 0);
        }
        self.seen[at] |= 1 << (signature.index() % 64);
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
