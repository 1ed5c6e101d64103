//! Chunked bodies.

use waf_core::finding::Finding;
use waf_core::limits::{CHUNK_EXTENSIONS, TRAILERS};
use waf_core::parse::framing::{Chunk, Chunked};

use crate::cuts;

/// `data` as a chunked body: the same in pieces, read as the grammar says, and read back from an
/// encoder.
pub fn check(data: &[u8]) {
    let read = cuts::same(data, read);
    // Within these lengths no bound on extensions and trailers is met.
    if data.len() < CHUNK_EXTENSIONS.min(TRAILERS) {
        let ended = (read.end == Ok(true)).then_some((read.body, read.used));
        assert_eq!(ended, grammar(data), "left: the decoder, right: the grammar");
    }
    let encoded = encode(data);
    let back = cuts::same(&encoded, self::read);
    assert_eq!((back.end, back.used), (Ok(true), encoded.len()));
    assert_eq!(back.body, data);
}

#[derive(Debug, PartialEq)]
struct Read {
    body: Vec<u8>,
    /// Bytes read, of a body that ended.
    used: usize,
    /// Whether it ended, or what is wrong.
    end: Result<bool, Finding>,
}

fn read(pieces: &[&[u8]]) -> Read {
    let mut chunked = Chunked::new();
    let mut read = Read { body: Vec::new(), used: 0, end: Ok(false) };
    for &piece in pieces {
        let mut input = piece;
        loop {
            match chunked.next(&mut input) {
                Ok(Chunk::Data(data)) => read.body.extend_from_slice(data),
                Ok(Chunk::NeedMore) => break,
                Ok(Chunk::End) => {
                    read.used += piece.len() - input.len();
                    read.end = Ok(true);
                    return read;
                }
                Err(finding) => {
                    assert_eq!(chunked.next(&mut input), Err(finding), "an error is final");
                    return Read { used: 0, end: Err(finding), ..read };
                }
            }
        }
        read.used += piece.len();
    }
    read
}

/// RFC 9112 section 7.1, a line at a time: the body and the bytes it took.
fn grammar(data: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut body, mut rest) = (Vec::new(), data);
    loop {
        let size = line(&mut rest)?;
        let (digits, extension) = match size.iter().position(|&byte| byte == b';') {
            Some(mark) => size.split_at(mark),
            None => (size, &b""[..]),
        };
        let hex = digits.iter().all(u8::is_ascii_hexdigit) && matches!(digits.len(), 1..=16);
        if !hex || !extension.iter().all(is_text) {
            return None;
        }
        let size = u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        if size == 0 {
            break;
        }
        let (chunk, after) = rest.split_at_checked(usize::try_from(size).ok()?)?;
        body.extend_from_slice(chunk);
        rest = after.strip_prefix(b"\r\n")?;
    }
    loop {
        match line(&mut rest)? {
            b"" => return Some((body, data.len() - rest.len())),
            trailer if trailer.iter().all(is_text) => {}
            _ => return None,
        }
    }
}

/// The next line without its CRLF.
fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
    let line = &rest[..end];
    *rest = &rest[end + 2..];
    Some(line)
}

fn is_text(byte: &u8) -> bool {
    *byte == b'\t' || !byte.is_ascii_control()
}

fn encode(body: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    let cut = cuts::others(body)[2];
    for piece in cut.pieces(body) {
        encoded.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        encoded.extend_from_slice(piece);
        encoded.extend_from_slice(b"\r\n");
    }
    encoded.extend_from_slice(b"0\r\n\r\n");
    encoded
}
