//! A field is one named value of a request. Parsers emit fields, the scanner takes them:
//! [`FieldSink`] is the only interface between the two.
//!
//! A value comes in pieces of any length. Where pieces are cut must never matter, so a sink is told
//! with every piece which bytes of the body it came from.

use crate::finding::Finding;

macro_rules! collections {
    ($( $(#[doc = $doc:literal])* $variant:ident = $name:literal; )*) => {
        /// Where in a request (or response) a field stands. Every field is in exactly one;
        /// `ARGS` and the like are sets of these, made by targets.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Collection {
            $( $(#[doc = $doc])* $variant, )*
        }

        impl Collection {
            /// Every collection, in the order of the list.
            pub const ALL: &'static [Collection] = &[$( Collection::$variant, )*];

            /// The name in rules and records, as in SecLang.
            pub fn name(self) -> &'static str {
                match self { $( Collection::$variant => $name, )* }
            }
        }
    };
}

collections! {
    /// The request line as received.
    RequestLine = "REQUEST_LINE";
    /// The method.
    RequestMethod = "REQUEST_METHOD";
    /// The version, as `HTTP/1.1`.
    RequestProtocol = "REQUEST_PROTOCOL";
    /// Path and query, without scheme, host and fragment.
    RequestUri = "REQUEST_URI";
    /// The request target exactly as received.
    RequestUriRaw = "REQUEST_URI_RAW";
    /// The path, not decoded.
    RequestFilename = "REQUEST_FILENAME";
    /// What follows the last `/` or `\` of the path.
    RequestBasename = "REQUEST_BASENAME";
    /// The path, its `%hh` decoded: what SecLang rules see by the same name, as the servers that
    /// ModSecurity runs in give it.
    DecodedFilename = "REQUEST_FILENAME";
    /// What follows the last `/` or `\` of that.
    DecodedBasename = "REQUEST_BASENAME";
    /// The query, not decoded.
    QueryString = "QUERY_STRING";
    /// The client's address as text.
    RemoteAddr = "REMOTE_ADDR";
    /// Values of query arguments, decoded.
    ArgsGet = "ARGS_GET";
    /// Names of query arguments, decoded.
    ArgsGetNames = "ARGS_GET_NAMES";
    /// Values of body arguments: form, JSON, multipart without a file name.
    ArgsPost = "ARGS_POST";
    /// Names of body arguments; for JSON the keys.
    ArgsPostNames = "ARGS_POST_NAMES";
    /// Length of all argument names and values together, as decimal text.
    ArgsCombinedSize = "ARGS_COMBINED_SIZE";
    /// Cookie values, raw.
    RequestCookies = "REQUEST_COOKIES";
    /// Cookie names.
    RequestCookiesNames = "REQUEST_COOKIES_NAMES";
    /// Header values.
    RequestHeaders = "REQUEST_HEADERS";
    /// Header names.
    RequestHeadersNames = "REQUEST_HEADERS_NAMES";
    /// The raw body, for forms and for bodies without a parser.
    RequestBody = "REQUEST_BODY";
    /// Length of the body, as decimal text.
    RequestBodyLength = "REQUEST_BODY_LENGTH";
    /// File names of uploads, keyed by the part's name.
    Files = "FILES";
    /// The part names of uploads.
    FilesNames = "FILES_NAMES";
    /// Sizes of uploads, as decimal text.
    FilesSizes = "FILES_SIZES";
    /// Size of all uploads together, as decimal text.
    FilesCombinedSize = "FILES_COMBINED_SIZE";
    /// Contents of uploads.
    FilesTmpContent = "FILES_TMP_CONTENT";
    /// Header lines of multipart parts, keyed by the part's name.
    MultipartPartHeaders = "MULTIPART_PART_HEADERS";
    /// Text and attribute values of XML, named by path: `/a/b`, `/a/@c`.
    Xml = "XML";
    /// The status of the response.
    ResponseStatus = "RESPONSE_STATUS";
    /// Response header values.
    ResponseHeaders = "RESPONSE_HEADERS";
    /// The response body.
    ResponseBody = "RESPONSE_BODY";
}

impl Collection {
    /// The collection by which rules and exclusions mean it.
    pub fn written(self) -> Self {
        match self {
            Self::DecodedFilename => Self::RequestFilename,
            Self::DecodedBasename => Self::RequestBasename,
            other => other,
        }
    }

    /// The collection with this name; of two, the one in which bytes are as received.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|collection| collection.name() == name)
    }

    /// Whether a field of it has a name of its own; `REQUEST_LINE` and the like do not.
    pub fn is_keyed(self) -> bool {
        matches!(
            self,
            Self::ArgsGet
                | Self::ArgsGetNames
                | Self::ArgsPost
                | Self::ArgsPostNames
                | Self::RequestCookies
                | Self::RequestCookiesNames
                | Self::RequestHeaders
                | Self::RequestHeadersNames
                | Self::Files
                | Self::FilesNames
                | Self::FilesSizes
                | Self::FilesTmpContent
                | Self::MultipartPartHeaders
                | Self::Xml
                | Self::ResponseHeaders
        )
    }
}

/// A field's name, and how much of it the sink knows already.
///
/// For JSON and XML the name is the whole path (`$.items[3].name`, `/a/b`). A body of many short
/// values under one long path must not cost the path's length for each, so the sink may keep what
/// it made of a prefix: `shared <= text.len()` leading bytes are those of the field before it in
/// the same stream, and `parent <= text.len()` bytes name the container.
#[derive(Clone, Copy, Debug)]
pub struct FieldName<'a> {
    /// The whole name, decoded.
    pub text: &'a [u8],
    /// Leading bytes equal to those of the last name of this parser.
    pub shared: usize,
    /// Leading bytes that name the enclosing object or element; 0 for flat names.
    pub parent: usize,
}

impl<'a> FieldName<'a> {
    /// A name that shares nothing.
    pub fn flat(text: &'a [u8]) -> Self {
        Self { text, shared: 0, parent: 0 }
    }

    /// No name, for collections that are not keyed.
    pub fn none() -> Self {
        Self::flat(b"")
    }
}

/// What a sink is told when a field begins.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// Where it stands.
    pub collection: Collection,
    /// What it is called.
    pub name: FieldName<'a>,
    /// Where its value begins in the bytes given to the parser.
    pub at: u64,
}

/// Takes the fields of one parser, in pieces.
///
/// Calls come as `begin (bytes | decoded)* end`, never nested; a finding may come at any time.
/// Offsets count from the start of what the parser reads (the body, the target, a header line) and
/// never go back.
pub trait FieldSink {
    /// A field begins.
    fn begin(&mut self, field: Field<'_>);

    /// Value bytes that each are one byte of the source, the first of them at offset `at`.
    fn bytes(&mut self, bytes: &[u8], at: u64);

    /// Value bytes that the source spells otherwise (an escape, an entity): all of them become
    /// known with the source byte before offset `end`.
    fn decoded(&mut self, bytes: &[u8], end: u64);

    /// The field ends; the source byte before offset `end` made that certain.
    fn end(&mut self, end: u64);

    /// Something is wrong with the source at offset `at`.
    fn finding(&mut self, finding: Finding, at: u64);

    /// No call to come will be about source bytes before `offset`, so what lies before it may go
    /// on. Said between pieces; where they are cut decides when, never what is found.
    fn passed(&mut self, _offset: u64) {}

    /// A whole field at once, its value standing in the source as it is.
    fn whole(&mut self, collection: Collection, name: &[u8], value: &[u8], at: u64) {
        self.begin(Field { collection, name: FieldName::flat(name), at });
        self.bytes(value, at);
        self.end(at + value.len() as u64);
    }
}

/// A test aid: collects fields in comparable form.
///
/// Two runs of a parser over the same bytes must leave equal recorders, however the bytes were cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorder {
    /// The fields that began, in order.
    pub fields: Vec<Recorded>,
    /// The findings in order, with their offsets.
    pub findings: Vec<(Finding, u64)>,
    /// Calls out of order, such as a field in a field. A correct parser causes none.
    pub misuse: Vec<&'static str>,
    open: bool,
}

/// One field as a [`Recorder`] saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Where it stands.
    pub collection: Collection,
    /// Its name.
    pub name: Vec<u8>,
    /// Where its value begins.
    pub at: u64,
    /// Its whole value.
    pub value: Vec<u8>,
    /// For each byte of the value, the offset behind the source byte that made it known.
    pub known: Vec<u64>,
    /// What `end` said; `None` while the field is open.
    pub end: Option<u64>,
}

impl Recorder {
    /// An empty recorder.
    pub fn new() -> Self {
        Self::default()
    }

    /// The fields of one collection as pairs of name and value, for printing and comparing; bytes
    /// outside UTF-8 become U+FFFD.
    pub fn pairs(&self, collection: Collection) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let of_collection = self.fields.iter().filter(|field| field.collection == collection);
        of_collection.map(|field| (text(&field.name), text(&field.value))).collect()
    }

    fn piece(&mut self, bytes: &[u8], known: impl Iterator<Item = u64>) {
        match self.fields.last_mut() {
            Some(field) if self.open => {
                field.value.extend_from_slice(bytes);
                field.known.extend(known);
            }
            _ => self.misuse.push("value bytes outside a field"),
        }
    }
}

impl FieldSink for Recorder {
    fn begin(&mut self, field: Field<'_>) {
        if self.open {
            self.misuse.push("a field in a field");
        }
        if field.name.shared > field.name.text.len() || field.name.parent > field.name.text.len() {
            self.misuse.push("a prefix longer than the name");
        }
        self.open = true;
        self.fields.push(Recorded {
            collection: field.collection,
            name: field.name.text.to_vec(),
            at: field.at,
            value: Vec::new(),
            known: Vec::new(),
            end: None,
        });
    }

    fn bytes(&mut self, bytes: &[u8], at: u64) {
        self.piece(bytes, at + 1..=at + bytes.len() as u64);
    }

    fn decoded(&mut self, bytes: &[u8], end: u64) {
        self.piece(bytes, std::iter::repeat_n(end, bytes.len()));
    }

    fn end(&mut self, end: u64) {
        match self.fields.last_mut() {
            Some(field) if self.open => field.end = Some(end),
            _ => self.misuse.push("an end outside a field"),
        }
        self.open = false;
    }

    fn finding(&mut self, finding: Finding, at: u64) {
        self.findings.push((finding, at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_do_not_show_in_a_recorder() {
        let mut whole = Recorder::new();
        whole.whole(Collection::ArgsGet, b"a", b"xyz", 2);
        let mut cut = Recorder::new();
        cut.begin(Field { collection: Collection::ArgsGet, name: FieldName::flat(b"a"), at: 2 });
        cut.bytes(b"x", 2);
        cut.bytes(b"", 3);
        cut.bytes(b"yz", 3);
        cut.end(5);
        assert_eq!(whole, cut);
        assert_eq!(cut.fields[0].known, [3, 4, 5]);
        assert_eq!(cut.pairs(Collection::ArgsGet), [("a".to_owned(), "xyz".to_owned())]);
    }

    #[test]
    fn a_recorder_tells_calls_out_of_order() {
        let mut recorder = Recorder::new();
        recorder.bytes(b"x", 0);
        recorder.end(1);
        recorder.begin(Field {
            collection: Collection::RequestLine,
            name: FieldName::none(),
            at: 0,
        });
        recorder.whole(Collection::RequestLine, b"", b"", 0);
        assert_eq!(recorder.misuse.len(), 3);
    }
}
