//! All fields of a request in one list, their values whole.

use waf_core::field::{Collection, Field, FieldSink};
use waf_core::finding::Finding;
use waf_core::limits::Limits;
use waf_core::parse::body::{Body, Lane, Processor, Streams};
use waf_core::parse::encoding::Decoder;
use waf_core::parse::request::{self, HeadPolicy, validate};

use crate::request::Request;

/// One field.
#[derive(Clone, Debug)]
pub struct Value {
    /// Where it stands.
    pub collection: Collection,
    /// Its name; empty where there is one of its kind.
    pub name: Vec<u8>,
    /// Where the value begins in its source.
    pub(crate) at: u64,
    /// Where it ends; nowhere, when the body breaks off in it.
    end: u64,
    /// The value.
    pub bytes: Vec<u8>,
    /// It was read of a body of unknown type, which may be no such thing.
    pub(crate) guess: bool,
}

/// What the parsers tell of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Collected {
    pub(crate) values: Vec<Value>,
    pub(crate) findings: Vec<Finding>,
    /// Bytes of the body after decoding.
    pub(crate) length: u64,
}

/// The fields of a request: those of its head, and those of its body.
pub fn fields(request: &Request, limits: &Limits) -> (Vec<Value>, Vec<Value>) {
    let mut all = head(request, limits);
    let head = std::mem::take(&mut all.values);
    body(request, None, limits, &mut all);
    (head, all.values)
}

/// The fields and findings of the head.
pub(crate) fn head(request: &Request, limits: &Limits) -> Collected {
    let policy = HeadPolicy { limits: limits.clone(), ..HeadPolicy::default() };
    let mut list = List::default();
    list.0.findings.extend(request.findings.iter().map(|(finding, _)| *finding));
    list.0.findings.extend(validate(&request.head, &policy).iter().map(|(finding, _)| *finding));
    request::fields(&request.head, "127.0.0.1", limits, &mut list);
    list.0
}

/// The names and values of all fields of a request.
pub fn texts(request: &Request, limits: &Limits) -> Vec<Vec<u8>> {
    let (head, body) = fields(request, limits);
    head.into_iter().chain(body).flat_map(|value| [value.name, value.bytes]).collect()
}

/// Adds those of the body, read as its type says, or as a rule does.
pub(crate) fn body(request: &Request, named: Option<&str>, limits: &Limits, to: &mut Collected) {
    let allowed = limits.body.map_or(usize::MAX, |limit| limit as usize);
    let sent = &request.body[..request.body.len().min(allowed)];
    if sent.len() < request.body.len() {
        to.findings.push(Finding::LimitBody);
    }
    let decoded = decode(request, sent, limits, &mut to.findings);
    let mut lanes = Lanes::default();
    let content_type = request.head.value("content-type");
    let processor = match named.filter(|_| !sent.is_empty()) {
        Some(name) => Processor::named(name, content_type),
        None => Processor::choose(content_type, !sent.is_empty()),
    };
    let mut body = Body::new(&processor, limits);
    body.feed(&decoded, &mut lanes);
    body.finish(&mut lanes);
    let first = to.values.len();
    for List(mut lane) in lanes.0 {
        let guess = processor.is_guessed();
        lane.values.iter_mut().for_each(|value| value.guess = guess && is_guess(value));
        to.values.append(&mut lane.values);
        to.findings.append(&mut lane.findings);
    }
    // Rules see values in the order in which they ended, whatever stream tells them.
    to.values[first..].sort_by_key(|value| value.end);
    to.length = decoded.len() as u64;
    combined_size(to);
}

/// Whether guessing may come to such a field.
fn is_guess(value: &Value) -> bool {
    use Collection::{ArgsPost, ArgsPostNames, Xml};
    matches!(value.collection, ArgsPost | ArgsPostNames | Xml)
}

fn decode(request: &Request, sent: &[u8], limits: &Limits, to: &mut Vec<Finding>) -> Vec<u8> {
    let coding = request::content_coding(&request.head).ok().flatten();
    let Some(coding) = coding.filter(|_| !sent.is_empty()) else { return sent.to_vec() };
    let mut decoder = Decoder::of(coding);
    let mut decoded = Vec::new();
    let result = decoder.feed(sent, limits, &mut |bytes| decoded.extend_from_slice(bytes));
    to.extend(result.and_then(|()| decoder.finish()).err());
    decoded
}

/// `ARGS_COMBINED_SIZE`: bytes of all names and values of arguments.
fn combined_size(to: &mut Collected) {
    use Collection::{ArgsGet, ArgsGetNames, ArgsPost, ArgsPostNames};
    let arguments = [ArgsGet, ArgsGetNames, ArgsPost, ArgsPostNames];
    let counted = to.values.iter().filter(|value| arguments.contains(&value.collection));
    let size: usize = counted.map(|value| value.bytes.len()).sum();
    to.values.push(Value {
        collection: Collection::ArgsCombinedSize,
        name: Vec::new(),
        at: to.length,
        end: to.length,
        bytes: size.to_string().into_bytes(),
        guess: false,
    });
}

/// One stream of fields.
#[derive(Default)]
struct List(Collected);

impl FieldSink for List {
    fn begin(&mut self, field: Field<'_>) {
        self.0.values.push(Value {
            collection: field.collection,
            name: field.name.text.to_vec(),
            at: field.at,
            end: u64::MAX,
            bytes: Vec::new(),
            guess: false,
        });
    }

    fn bytes(&mut self, bytes: &[u8], _at: u64) {
        self.decoded(bytes, 0);
    }

    fn decoded(&mut self, bytes: &[u8], _end: u64) {
        if let Some(value) = self.0.values.last_mut() {
            value.bytes.extend_from_slice(bytes);
        }
    }

    fn end(&mut self, end: u64) {
        if let Some(value) = self.0.values.last_mut() {
            value.end = end;
        }
    }

    fn finding(&mut self, finding: Finding, _at: u64) {
        self.0.findings.push(finding);
    }
}

/// The streams of one body.
#[derive(Default)]
struct Lanes([List; 3]);

impl Streams for Lanes {
    fn stream(&mut self, lane: Lane) -> &mut dyn FieldSink {
        match lane {
            Lane::Raw => &mut self.0[0],
            Lane::Main => &mut self.0[1],
            Lane::Guess => &mut self.0[2],
        }
    }
}
