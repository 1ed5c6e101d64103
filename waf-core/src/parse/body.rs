//! The choice of a body's parser, and the streams of fields it writes.

use super::json::Json;
use super::urlencoded::Urlencoded;
use crate::field::{Collection, Field, FieldName, FieldSink};
use crate::limits::Limits;

/// One of the streams of fields that are written over the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// The body as it is.
    Raw,
    /// What its type says.
    Main,
    /// What it looks like.
    Guess,
}

/// Gives the streams.
pub trait Streams {
    /// One of them.
    fn stream(&mut self, lane: Lane) -> &mut dyn FieldSink;
}

/// How a body is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Processor {
    /// A form.
    Form,
    /// JSON.
    Json,
    /// Anything else.
    Unknown,
}

impl Processor {
    /// The word in records.
    pub fn name(&self) -> Option<&'static str> {
        match self {
            Self::Form => Some("form"),
            Self::Json => Some("json"),
            Self::Unknown => None,
        }
    }
}

/// Chooses by Content-Type.
pub fn choose(content_type: Option<&[u8]>) -> Processor {
    let text = String::from_utf8_lossy(content_type.unwrap_or_default()).to_ascii_lowercase();
    if text.starts_with("application/json") {
        Processor::Json
    } else if text.starts_with("application/x-www-form-urlencoded") {
        Processor::Form
    } else {
        Processor::Unknown
    }
}

/// A body being read.
pub struct Body {
    form: Option<Urlencoded>,
    json: Option<Json>,
    at: u64,
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body").finish_non_exhaustive()
    }
}

impl Body {
    /// A body before its first byte.
    pub fn new(processor: Processor, limits: &Limits) -> Self {
        let form = Urlencoded::new(Collection::ArgsPostNames, Collection::ArgsPost, limits);
        let json = processor == Processor::Json;
        Self { form: (!json).then_some(form), json: json.then(|| Json::new(limits)), at: 0 }
    }

    /// The next bytes.
    pub fn feed(&mut self, bytes: &[u8], streams: &mut dyn Streams) {
        if let Some(form) = &mut self.form {
            let raw = streams.stream(Lane::Raw);
            if self.at == 0 {
                raw.begin(Field { collection: Collection::RequestBody, name: FieldName::none(), at: 0 });
            }
            raw.bytes(bytes, self.at);
            raw.passed(self.at + bytes.len() as u64);
            form.feed(bytes, streams.stream(Lane::Main));
        }
        if let Some(json) = &mut self.json {
            json.feed(bytes, streams.stream(Lane::Main));
        }
        self.at += bytes.len() as u64;
    }

    /// The end.
    pub fn finish(&mut self, streams: &mut dyn Streams) {
        if let Some(form) = &mut self.form {
            if self.at > 0 {
                streams.stream(Lane::Raw).end(self.at);
            }
            form.finish(streams.stream(Lane::Main));
        }
        if let Some(json) = &mut self.json {
            json.finish(streams.stream(Lane::Main));
        }
    }
}
