//! Stand-in for the document reader of `waf_core::yaml`.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use waf_core::source::{Report, Source, Span};

/// Where the parts of a text stand.
#[derive(Debug)]
pub struct Located {
    source: Arc<Source>,
}

impl Located {
    /// The value at a path, roughly.
    pub fn span(&self, path: &str) -> Span {
        let mut at = 0;
        let mut end = 0;
        for key in path.split(['.', '[', ']']).filter(|key| !key.is_empty()) {
            if let Some(found) = self.source.text[at..].find(&format!("{key}:")) {
                at += found;
                end = at + key.len();
            }
        }
        Span::new(&self.source, at, end)
    }
}

/// Reads a document.
pub fn read<T: DeserializeOwned>(source: &Arc<Source>) -> Result<(T, Located), Report> {
    let located = Located { source: Arc::clone(source) };
    match serde_yaml::from_str(&source.text) {
        Ok(value) => Ok((value, located)),
        Err(error) => {
            let at = error.location().map_or(0, |location| location.index());
            Err(Report::error(Some(Span::new(source, at, at + 1)), error.to_string()))
        }
    }
}
