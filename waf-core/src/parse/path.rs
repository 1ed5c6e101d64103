//! [`Path`]: the name of a field in a tree, kept so that equal beginnings are known.

use crate::field::FieldName;

/// The path of the current place in a document: never longer than its limit.
pub(super) struct Path {
    text: Vec<u8>,
    limit: usize,
    /// Leading bytes not touched since the last [`Path::name`]: `same <= text.len()`.
    same: usize,
}

impl Path {
    /// An empty path.
    pub(super) fn new(limit: usize) -> Self {
        Self { text: Vec::new(), limit, same: 0 }
    }

    /// Its length, a mark for [`Path::truncate`].
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// Goes back to an earlier length.
    pub(super) fn truncate(&mut self, len: usize) {
        self.text.truncate(len);
        self.same = self.same.min(len);
    }

    /// Appends what fits; false when something was cut.
    pub(super) fn push(&mut self, bytes: &[u8]) -> bool {
        let room = self.room().min(bytes.len());
        self.text.extend(bytes.iter().take(room));
        room == bytes.len()
    }

    /// The path as the name of the field that is about to begin.
    pub(super) fn name(&mut self, parent: usize) -> FieldName<'_> {
        let shared = std::mem::replace(&mut self.same, self.text.len());
        FieldName { text: &self.text, shared, parent: parent.min(self.text.len()) }
    }

    /// Bytes that still fit.
    pub(super) fn room(&self) -> usize {
        self.limit.saturating_sub(self.text.len())
    }

    /// The path as the name of a field in another stream, which shares nothing.
    pub(super) fn unshared_name(&self, parent: usize) -> FieldName<'_> {
        FieldName { text: &self.text, shared: 0, parent: parent.min(self.text.len()) }
    }
}
