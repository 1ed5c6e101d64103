//! What a record tells about a fact: the field, the bytes, how they came about.

use crate::field::Collection;
use crate::record::Alphabet;
use crate::rule::Transformation;

/// Where and how something was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// The field's collection; `None` for findings outside any field.
    pub(crate) collection: Option<Collection>,
    /// Its name, cut to `limits::NAME_KEPT`.
    pub(crate) name: Box<[u8]>,
    /// First byte of the match in the decoded value, when known.
    pub(crate) offset: Option<u64>,
    /// Bytes of the match, when known.
    pub(crate) length: Option<u64>,
    /// Where the value begins in what the parser read.
    pub(crate) at: u64,
    /// The matching bytes, cut to `limits::EXCERPT`.
    pub(crate) excerpt: Box<[u8]>,
    /// The characters of the whole value as parsed, when known.
    pub(crate) alphabet: Option<Alphabet>,
    /// The transformations that changed the value.
    pub(crate) changed: Vec<Transformation>,
    /// How the parser read it: `query`, `form`, `json`, …
    pub(crate) parser: Option<&'static str>,
}

impl Evidence {
    /// A finding at a place of the source.
    pub(crate) fn of_finding(collection: Option<Collection>, at: u64) -> Self {
        Self {
            collection,
            name: Box::default(),
            offset: Some(at),
            length: None,
            at: 0,
            excerpt: Box::default(),
            alphabet: None,
            changed: Vec::new(),
            parser: None,
        }
    }

    /// Bytes it takes in the arena of evidence.
    pub(crate) fn weight(&self) -> usize {
        self.name.len() + self.excerpt.len()
    }
}
