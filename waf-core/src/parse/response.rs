//! What a response head means: the fields that rules look at, and how its body is to be read.

use super::encoding::Coding;
use super::media_type::MediaType;
use crate::field::{Collection, FieldSink};

/// The head of a response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseHead {
    /// The status.
    pub status: u16,
    /// Header lines in order.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
}

impl ResponseHead {
    /// The values of a header, its name given in lower case.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let named = |have: &[u8]| have.eq_ignore_ascii_case(name.as_bytes());
        self.headers.iter().filter(move |(have, _)| named(have)).map(|(_, value)| value.as_slice())
    }
}

/// How the body of a response is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyReading {
    /// It has none, or is of a type that nobody asked for.
    Nothing,
    /// It would be asked for, and cannot be read: what is in the way.
    Left(&'static str),
    /// Decoded from this coding, if there is one.
    Whole(Option<Coding>),
}

/// How the body of a response is to be read, by its head and the request's method; `types` are the
/// media types asked for, in lower case.
pub fn reading(head: &ResponseHead, method: &[u8], types: &[String]) -> BodyReading {
    // RFC 9112 section 6.3.
    let bodyless = method == b"HEAD" || matches!(head.status, 100..200 | 204 | 304);
    let essence = |value| MediaType::parse(value).essence;
    let mut given = head.values("content-type").map(essence);
    let asked = |essence: &[u8]| types.iter().any(|known| known.as_bytes() == essence);
    let ranges = |essence: &[u8]| head.status == 206 && essence == b"multipart/byteranges";
    if bodyless || !given.any(|essence| asked(&essence) || ranges(&essence)) {
        return BodyReading::Nothing;
    }
    if head.status == 206 {
        return BodyReading::Left("partial_content");
    }
    coding(head).map_or(BodyReading::Left("content_encoding"), BodyReading::Whole)
}

/// The content coding; `Err` when there are several, or one that cannot be looked into.
fn coding(head: &ResponseHead) -> Result<Option<Coding>, ()> {
    let members = head.values("content-encoding").flat_map(|value| value.split(|&b| b == b','));
    let mut names = members.map(<[u8]>::trim_ascii).filter(|name| !name.is_empty());
    match (names.next(), names.next()) {
        (None, _) => Ok(None),
        (Some(name), None) if name.eq_ignore_ascii_case(b"identity") => Ok(None),
        (Some(name), None) => Coding::from_name(name).map(Some).ok_or(()),
        _ => Err(()),
    }
}

/// Tells every field of a response head.
pub fn response_fields(head: &ResponseHead, sink: &mut dyn FieldSink) {
    sink.whole(Collection::ResponseStatus, b"", head.status.to_string().as_bytes(), 0);
    for (name, value) in &head.headers {
        sink.whole(Collection::ResponseHeaders, name, value, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Recorder;

    fn head(status: u16, headers: &[(&str, &str)]) -> ResponseHead {
        let pair = |(name, value): &(&str, &str)| (name.as_bytes().into(), value.as_bytes().into());
        ResponseHead { status, headers: headers.iter().map(pair).collect() }
    }

    #[test]
    fn status_and_headers_are_fields() {
        let mut recorder = Recorder::default();
        response_fields(&head(204, &[("Server", "x")]), &mut recorder);
        assert_eq!(recorder.pairs(Collection::ResponseStatus), [(String::new(), "204".into())]);
        assert_eq!(recorder.pairs(Collection::ResponseHeaders), [("Server".into(), "x".into())]);
    }

    #[test]
    fn bodies_of_the_types_asked_for_are_read() {
        let types = ["text/html".to_owned()];
        let html = ("Content-Type", "Text/HTML; charset=utf-8");
        let coded = |name| [html, ("content-encoding", name)];
        let whole = BodyReading::Whole(None);
        type Headers<'a> = &'a [(&'a str, &'a str)];
        let cases: &[(&str, u16, Headers<'_>, BodyReading)] = &[
            ("GET", 200, &[html], whole),
            ("POST", 500, &[html], whole),
            ("GET", 200, &[("content-type", "text/htm")], BodyReading::Nothing),
            ("GET", 200, &[], BodyReading::Nothing),
            ("HEAD", 200, &[html], BodyReading::Nothing),
            ("GET", 204, &[html], BodyReading::Nothing),
            ("GET", 304, &[html], BodyReading::Nothing),
            ("GET", 101, &[html], BodyReading::Nothing),
            ("GET", 206, &[html], BodyReading::Left("partial_content")),
            ("GET", 206, &[("content-type", "image/png")], BodyReading::Nothing),
            ("GET", 200, &coded("identity"), whole),
            ("GET", 200, &coded("GZIP"), BodyReading::Whole(Some(Coding::Gzip))),
            ("GET", 200, &coded("br"), BodyReading::Whole(Some(Coding::Brotli))),
            ("GET", 200, &coded("zstd"), BodyReading::Left("content_encoding")),
            ("GET", 200, &coded("gzip, br"), BodyReading::Left("content_encoding")),
            // One of two types may be the one that the client goes by.
            ("GET", 200, &[("content-type", "image/png"), html], whole),
        ];
        for (method, status, headers, expected) in cases {
            let head = head(*status, headers);
            assert_eq!(reading(&head, method.as_bytes(), &types), *expected, "{head:?}");
        }
        let ranges = [("content-type", "multipart/byteranges; boundary=b")];
        let read = reading(&head(206, &ranges), b"GET", &types);
        assert_eq!(read, BodyReading::Left("partial_content"));
    }
}
