//! How text comes in: through a trait, as the engine opens no file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::source::Source;

/// Where SecLang files and the data files they name are read from.
pub trait Files {
    /// The bytes of a file; the error says why not. Files of more than
    /// [`limits::SECLANG_FILE`](crate::limits::SECLANG_FILE) bytes need not be read.
    fn read(&self, path: &Path) -> Result<Vec<u8>, String>;

    /// The files that a path or a glob (`*`, `?`, `[…]`) names, sorted by name. Nothing found is
    /// an empty list.
    fn find(&self, pattern: &Path) -> Result<Vec<PathBuf>, String>;
}

/// One SecLang file.
///
/// Rules are bytes: old rule files hold Latin-1, and a pattern of raw bytes is legal. Complaints
/// need text to show; it has the same length, with `?` for what is no UTF-8, so that an offset is
/// right in both.
#[derive(Debug)]
pub(super) struct File {
    pub(super) source: Arc<Source>,
    pub(super) bytes: Vec<u8>,
}

impl File {
    /// The bytes under a name, without a byte order mark.
    pub(super) fn new(name: &str, bytes: Vec<u8>) -> Self {
        const MARK: &[u8] = b"\xef\xbb\xbf";
        let bytes = bytes.strip_prefix(MARK).map(<[u8]>::to_vec).unwrap_or(bytes);
        Self { source: Source::new(name, same_length(&bytes)), bytes }
    }
}

/// The bytes as text, a `?` for each that is no part of a character.
fn same_length(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '?'));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_those_of_the_bytes() {
        let file = File::new("a.conf", b"\xef\xbb\xbfa\xe9b\xc3\xa9c\xc3".to_vec());
        assert_eq!(file.bytes, b"a\xe9b\xc3\xa9c\xc3");
        assert_eq!(file.source.text, "a?b\u{e9}c?");
        assert_eq!(file.source.text.len(), file.bytes.len());
    }
}
