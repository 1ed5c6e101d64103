//! [`Keys`]: which keys the open objects have, to tell duplicates.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

use crate::limits::JSON_KEYS;

/// Keys of all open objects, at most [`JSON_KEYS`]: those beyond are not remembered.
///
/// Only a keyed hash is kept. Two keys collide with a chance under 2^-40 in a full table, and the
/// sender cannot aim for it.
#[derive(Default)]
pub(super) struct Keys {
    state: RandomState,
    seen: HashSet<u64, BuildHasherDefault<Hashed>>,
    /// What `seen` holds, in order of arrival.
    order: Vec<u64>,
}

/// What is a hash already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.0 = self.0 << 8 | u64::from(byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Keys {
    /// A mark for [`Keys::close`], taken when an object opens.
    pub(super) fn mark(&self) -> usize {
        self.order.len()
    }

    /// Forgets the keys since the mark: their object is closed.
    pub(super) fn close(&mut self, mark: usize) {
        for hash in self.order.drain(mark.min(self.order.len())..) {
            self.seen.remove(&hash);
        }
    }

    /// Adds a key of the innermost object, which is `depth` deep; true if it was there already.
    pub(super) fn insert(&mut self, depth: usize, key: &[u8]) -> bool {
        let hash = self.state.hash_one((depth, key));
        if self.seen.contains(&hash) {
            return true;
        }
        if self.order.len() < JSON_KEYS {
            self.seen.insert(hash);
            self.order.push(hash);
        }
        false
    }
}
