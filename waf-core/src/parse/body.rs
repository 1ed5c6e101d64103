//! Request bodies: which parser reads one, and in which lane.

use super::json::{Json, Texts};
pub use super::lane::{Lane, Streams};
use super::media_type::MediaType;
use super::multipart::Multipart;
use super::urlencoded::Urlencoded;
use super::xml::Xml;
use crate::field::{Collection, Field, FieldName};
use crate::finding::Finding;
use crate::limits::Limits;

mod extent;
mod guess;
mod quiet;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)] // a test that meets the unexpected should stop
mod tests;

pub use self::extent::Extent;
use self::extent::GuessedForm;
use self::guess::{Guess, Start};

/// What a body is, by its Content-Type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Processor {
    /// There is no body.
    None,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `multipart/form-data` with this boundary; empty when there is none.
    Multipart(Vec<u8>),
    /// Another `multipart` type.
    Mixed(Vec<u8>),
    /// JSON of some kind.
    Json(Texts),
    /// XML.
    Xml,
    /// Anything else, or no type at all: up to there it may be a form.
    Unknown(Extent),
}

impl Processor {
    /// Chooses by the value of Content-Type.
    pub fn choose(content_type: Option<&[u8]>, has_body: bool) -> Self {
        if !has_body {
            return Self::None;
        }
        let Some(media_type) = content_type.map(MediaType::parse) else {
            return Self::Unknown(Extent::Whole);
        };
        let boundary = || media_type.parameter("boundary").unwrap_or_default().to_vec();
        match media_type.essence.as_slice() {
            b"multipart/form-data" => Self::Multipart(boundary()),
            b"application/json" => Self::Json(Texts::One),
            b"application/x-ndjson" => Self::Json(Texts::Lines),
            b"application/json-seq" => Self::Json(Texts::Sequence),
            b"application/xml" | b"text/xml" => Self::Xml,
            // A prefix, as ModSecurity has it.
            essence if essence.starts_with(b"application/x-www-form-urlencoded") => Self::Form,
            essence if essence.starts_with(b"multipart/") => Self::Mixed(boundary()),
            essence if essence.ends_with(b"+json") => Self::Json(Texts::One),
            essence if essence.ends_with(b"+xml") => Self::Xml,
            essence => Self::Unknown(Extent::of(essence)),
        }
    }

    /// The one that a rule names, as [`Self::name`] does. What is no name of one is read as the
    /// type says.
    pub fn named(name: &str, content_type: Option<&[u8]>) -> Self {
        let by_type = Self::choose(content_type, true);
        match name {
            _ if by_type.name() == name => by_type,
            "URLENCODED" => Self::Form,
            "JSON" => Self::Json(Texts::One),
            "XML" => Self::Xml,
            _ => by_type,
        }
    }

    /// Whether arguments and text of XML are guesses about what the body may be.
    pub fn is_guessed(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// The name of the format in `REQBODY_PROCESSOR`, or none where ModSecurity has none.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Form => "URLENCODED",
            Self::Multipart(_) => "MULTIPART",
            Self::Json(_) => "JSON",
            Self::Xml => "XML",
            // ModSecurity 2.9 parses `multipart/form-data` only.
            Self::None | Self::Mixed(_) | Self::Unknown(_) => "",
        }
    }
}

/// The parsers of one body.
pub struct Body {
    parser: Parser,
    /// Bytes read.
    offset: u64,
    /// The first bytes of what has a character encoding.
    start: Start,
}

enum Parser {
    None,
    Form(Urlencoded),
    Multipart(Multipart),
    /// A multipart type that is not a form, not told yet.
    Mixed(Multipart),
    Json(Json),
    Xml(Xml),
    Unknown(Box<Unknown>),
}

/// A body of unknown type: raw, as a form, and as what it looks like.
struct Unknown {
    form: GuessedForm,
    guess: Guess,
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body").field("offset", &self.offset).finish_non_exhaustive()
    }
}

impl Body {
    /// Parsers for a body.
    pub fn new(processor: &Processor, limits: &Limits) -> Self {
        let form = || Urlencoded::new(Collection::ArgsPostNames, Collection::ArgsPost, limits);
        let parser = match processor {
            Processor::None => Parser::None,
            Processor::Form => Parser::Form(form()),
            Processor::Multipart(boundary) => Parser::Multipart(Multipart::new(boundary, limits)),
            Processor::Mixed(boundary) => Parser::Mixed(Multipart::mixed(boundary, limits)),
            Processor::Json(texts) => Parser::Json(Json::of(*texts, limits)),
            Processor::Xml => Parser::Xml(Xml::new(limits)),
            Processor::Unknown(extent) => Parser::Unknown(Box::new(Unknown {
                form: GuessedForm::new(form(), *extent),
                guess: Guess::new(limits),
            })),
        };
        Self { parser, offset: 0, start: Start::default() }
    }

    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8], out: &mut dyn Streams) {
        if bytes.is_empty() {
            return;
        }
        self.raw(bytes, out);
        match &mut self.parser {
            Parser::Json(_) | Parser::Xml(_) => return self.text(bytes, out),
            Parser::Form(form) => form.feed(bytes, out.stream(Lane::Main)),
            Parser::Multipart(multipart) => multipart.feed(bytes, out.stream(Lane::Main)),
            Parser::Mixed(multipart) => {
                if self.offset == 0 {
                    out.stream(Lane::Main).finding(Finding::ParseMultipartNested, 0);
                }
                multipart.feed(bytes, out.stream(Lane::Main));
            }
            Parser::Unknown(unknown) => unknown.feed(bytes, out),
            Parser::None => {}
        }
        self.offset += bytes.len() as u64;
    }

    /// The body has ended.
    pub fn finish(&mut self, out: &mut dyn Streams) {
        if self.has_raw() && self.offset > 0 {
            out.stream(Lane::Raw).end(self.offset);
        }
        match &mut self.parser {
            Parser::Form(form) => form.finish(out.stream(Lane::Main)),
            Parser::Multipart(multipart) | Parser::Mixed(multipart) => {
                multipart.finish(out.stream(Lane::Main));
            }
            Parser::Json(json) => json.finish(out.stream(Lane::Main)),
            Parser::Xml(xml) => xml.finish(out),
            Parser::Unknown(unknown) => unknown.finish(out),
            Parser::None => {}
        }
        let (sink, at) = (out.stream(Lane::Main), self.offset);
        sink.begin(Field {
            collection: Collection::RequestBodyLength,
            name: FieldName::none(),
            at,
        });
        sink.decoded(at.to_string().as_bytes(), at);
        sink.end(at);
    }

    /// JSON or XML: the first four bytes, one by one, tell whether its characters are wider than a
    /// byte.
    fn text(&mut self, bytes: &[u8], out: &mut dyn Streams) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = if self.start.is_complete() { rest.len() } else { 1 };
            let (part, after) = rest.split_at(taken);
            match &mut self.parser {
                Parser::Json(json) => json.feed(part, out.stream(Lane::Main)),
                Parser::Xml(xml) => xml.feed(part, out),
                _ => {}
            }
            self.offset += part.len() as u64;
            if self.start.is_wide_after(part) {
                out.stream(Lane::Main).finding(Finding::ProtocolCharset, 0);
            }
            rest = after;
        }
    }

    /// Whether the body is `REQUEST_BODY`: what ModSecurity has a parser for is not, but forms are.
    fn has_raw(&self) -> bool {
        matches!(self.parser, Parser::Form(_) | Parser::Mixed(_) | Parser::Unknown(_))
    }

    fn raw(&mut self, bytes: &[u8], out: &mut dyn Streams) {
        if !self.has_raw() {
            return;
        }
        let sink = out.stream(Lane::Raw);
        if self.offset == 0 {
            let collection = Collection::RequestBody;
            sink.begin(Field { collection, name: FieldName::none(), at: 0 });
        }
        sink.bytes(bytes, self.offset);
    }
}

impl Unknown {
    fn feed(&mut self, bytes: &[u8], out: &mut dyn Streams) {
        self.form.feed(bytes, out.stream(Lane::Main));
        self.guess.feed(bytes, out);
    }

    fn finish(&mut self, out: &mut dyn Streams) {
        self.form.finish(out.stream(Lane::Main));
        self.guess.finish(out);
    }
}
