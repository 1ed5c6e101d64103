#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use proptest::prelude::*;

use super::*;

type Lines<'a> = &'a [(&'a str, &'a str)];

fn framing(version: &str, headers: &[(&str, &str)]) -> Result<Framing, Finding> {
    let headers = headers.iter().map(|(n, v)| (n.as_bytes().to_vec(), v.as_bytes().to_vec()));
    Framing::of(&RequestHead::from_parts(*b"POST", *b"/", version, headers.collect()))
}

/// RFC 9112 section 6.3, with the ambiguous cases refused.
#[test]
fn the_length_of_a_body_is_told_one_way_only() {
    let (te, cl) = ("Transfer-Encoding", "Content-Length");
    let refused = Err(Finding::ProtocolFraming);
    let cases: &[(Lines<'_>, Result<Framing, Finding>)] = &[
        (&[], Ok(Framing::None)),
        (&[(cl, "0")], Ok(Framing::Length(0))),
        (&[("content-LENGTH", "12")], Ok(Framing::Length(12))),
        (&[(cl, "18446744073709551615")], Ok(Framing::Length(u64::MAX))),
        (&[(te, "chunked")], Ok(Framing::Chunked)),
        (&[(cl, "18446744073709551616")], refused),
        (&[(cl, "")], refused),
        (&[(cl, "+3")], refused),
        (&[(cl, "-3")], refused),
        (&[(cl, "3, 3")], refused),
        (&[(cl, "0x3")], refused),
        (&[(cl, "3.0")], refused),
        (&[(cl, "3 4")], refused),
        (&[(cl, "3"), (cl, "3")], refused),
        (&[(cl, "3"), (cl, "4")], refused),
        (&[(te, "chunked"), (cl, "3")], refused),
        (&[(cl, "3"), (te, "chunked")], refused),
        (&[(cl, "3"), (te, "identity")], refused),
        (&[(te, "chunked"), (te, "chunked")], refused),
        (&[(te, "chunked, chunked")], refused),
        (&[(te, "gzip, chunked")], refused),
        (&[(te, "chunked, identity")], refused),
        (&[(te, "identity")], refused),
        (&[(te, "gzip")], refused),
        (&[(te, "xchunked")], refused),
        (&[(te, "chunked;a=b")], refused),
        (&[(te, "\"chunked\"")], refused),
        (&[(te, "Chunked")], refused),
        (&[(te, "")], refused),
    ];
    for (headers, expected) in cases {
        assert_eq!(framing("HTTP/1.1", headers), *expected, "{headers:?}");
    }
    assert_eq!(framing("HTTP/1.0", &[(te, "chunked")]), refused);
    assert_eq!(framing("HTTP/0.9", &[(te, "chunked")]), refused);
    assert_eq!(framing("HTTP/1.0", &[(cl, "3")]), Ok(Framing::Length(3)));
}

/// What follows the body, if its end came, or the finding.
type End = Result<Option<Vec<u8>>, Finding>;

/// The body and its end.
type Outcome = (Vec<u8>, End);

fn decode(input: &[u8], size: usize) -> Outcome {
    let mut decoder = Chunked::new();
    let mut body = Vec::new();
    let mut at = 0;
    for piece in input.chunks(size) {
        let mut rest = piece;
        loop {
            match decoder.next(&mut rest) {
                Ok(Chunk::Data(data)) => body.extend_from_slice(data),
                Ok(Chunk::NeedMore) => break,
                Ok(Chunk::End) => {
                    assert!(decoder.is_ended());
                    let used = at + piece.len() - rest.len();
                    return (body, Ok(Some(input[used..].to_vec())));
                }
                Err(finding) => {
                    assert_eq!(decoder.next(&mut &b"0"[..]), Err(finding), "errors stay");
                    return (body, Err(finding));
                }
            }
        }
        at += piece.len();
    }
    (body, Ok(None))
}

/// RFC 9112 section 7.1.
#[test]
fn chunked_bodies() {
    let framing = Err(Finding::ProtocolFraming);
    let end = |rest: &[u8]| Ok(Some(rest.to_vec()));
    let cases: &[(&[u8], &str, End)] = &[
        (b"0\r\n\r\n", "", end(b"")),
        (b"3\r\nabc\r\n0\r\n\r\n", "abc", end(b"")),
        (b"3\r\nabc\r\n00\r\n\r\nGET", "abc", end(b"GET")),
        (
            b"1\r\na\r\nA\r\n0123456789\r\n00a\r\nbbbbbbbbbb\r\n0\r\n\r\n",
            "a0123456789bbbbbbbbbb",
            end(b""),
        ),
        (b"2;a=b;c=\"d e\"\r\n\r\n\r\n0;x\r\n\r\n", "\r\n", end(b"")),
        (b"1\r\na\r\n0\r\nX: y\r\nZ: w\r\n\r\nrest", "a", end(b"rest")),
        (b"", "", Ok(None)),
        (b"3\r\nab", "ab", Ok(None)),
        (b"0\r\n", "", Ok(None)),
        (b"0\r\n\r", "", Ok(None)),
        (b"\r\n", "", framing.clone()),
        (b"g\r\n", "", framing.clone()),
        (b"0x3\r\nabc", "", framing.clone()),
        (b"+3\r\nabc", "", framing.clone()),
        (b"-1\r\n", "", framing.clone()),
        (b" 3\r\nabc", "", framing.clone()),
        (b"3 \r\nabc", "", framing.clone()),
        (b"3\nabc\r\n", "", framing.clone()),
        (b"3\r\nabcd\r\n", "abc", framing.clone()),
        (b"3\r\nabc\n0\r\n\r\n", "abc", framing.clone()),
        (b"3\r\nabc0\r\n\r\n", "abc", framing.clone()),
        (b"3\rabc", "", framing.clone()),
        (b"3;a\nb\r\nabc", "", framing.clone()),
        (b"3;a\rb\r\nabc", "", framing.clone()),
        (b"3;\0\r\nabc", "", framing.clone()),
        (b"10000000000000000\r\n", "", framing.clone()),
        (b"00000000000000001\r\na\r\n", "", framing.clone()),
        (b"0000000000000001\r\na\r\n", "a", Ok(None)),
        (b"ffffffffffffffff\r\nab", "ab", Ok(None)),
        (b"0\r\n\n", "", framing.clone()),
        (b"0\r\nX: y\n\r\n", "", framing.clone()),
        (b"0\r\nX: y\rz\r\n", "", framing.clone()),
    ];
    for (input, body, outcome) in cases {
        for size in 1..=input.len().max(1) {
            let expected = (body.as_bytes().to_vec(), outcome.clone());
            assert_eq!(decode(input, size), expected, "{} by {size}", input.escape_ascii());
        }
    }
}

#[test]
fn extensions_and_trailers_are_bounded() {
    let extension = [b"1;", &[b'x'; 100][..], b"\r\na\r\n"].concat();
    let many = [&extension.repeat(50)[..], b"0\r\n\r\n"].concat();
    assert_eq!(decode(&many, 1_000).1, Err(Finding::ProtocolFraming));
    let few = [&extension.repeat(40)[..], b"0\r\n\r\n"].concat();
    assert_eq!(decode(&few, 1_000), (vec![b'a'; 40], Ok(Some(Vec::new()))));
    let trailers = [b"0\r\n", &b"X: 4567\r\n".repeat(2_000)[..]].concat();
    assert_eq!(decode(&trailers, 1_000).1, Err(Finding::LimitHeaders));
}

proptest! {
    #[test]
    fn what_was_chunked_comes_back(
        chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..8),
        size in 1_usize..30,
    ) {
        let mut wire = Vec::new();
        for chunk in &chunks {
            wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            wire.extend_from_slice(chunk);
            wire.extend_from_slice(b"\r\n");
        }
        wire.extend_from_slice(b"0\r\n\r\nrest");
        prop_assert_eq!(decode(&wire, size), (chunks.concat(), Ok(Some(b"rest".to_vec()))));
    }

    #[test]
    fn any_bytes_in_any_pieces(
        bytes in proptest::collection::vec(
            proptest::sample::select(&b"0123af\r\n\r\n\r\n;x\0"[..]), 0..60),
        size in 1_usize..20,
    ) {
        prop_assert_eq!(decode(&bytes, size), decode(&bytes, bytes.len().max(1)));
    }
}
