#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use proptest::prelude::*;

use super::*;

const TEXT: &[u8] = b"select * from t where 1=1 -- ";

// Made from TEXT with Python's zlib and gzip modules.
const RAW: &[u8] =
    b"\x2b\x4e\xcd\x49\x4d\x2e\x51\xd0\x52\x48\x2b\xca\xcf\x55\x28\x51\x28\xcf\x48\x2d\
    \x4a\x55\x30\xb4\x35\x54\xd0\xd5\x55\x00\x00";
const ZLIB_CHECK: &[u8] = b"\x93\x00\x08\xc7";
const GZIP_HEAD: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03";
/// Extra field, name, comment and header check.
const GZIP_LONG_HEAD: &[u8] = b"\x1f\x8b\x08\x1e\x01\x02\x03\x04\x02\x03\x03\x00abcname.txt\x00\
    a comment\x00\xd1\x47";
const GZIP_TAIL: &[u8] = b"\x29\xf5\xbf\x60\x1d\x00\x00\x00";
/// What Google's brotli makes of `hello`.
const BROTLI_HELLO: &[u8] = b"\x0b\x02\x80hello\x03";

fn zlib() -> Vec<u8> {
    [b"\x78\xda", RAW, ZLIB_CHECK].concat()
}

fn gzip() -> Vec<u8> {
    [GZIP_HEAD, RAW, GZIP_TAIL].concat()
}

fn decode(coding: Coding, input: &[u8], size: usize) -> (Vec<u8>, Result<(), Finding>) {
    let mut decoder = Decoder::of(coding);
    let mut output = Vec::new();
    let limits = Limits::default();
    for piece in input.chunks(size.max(1)) {
        let result = decoder.feed(piece, &limits, &mut |bytes| {
            assert!(!bytes.is_empty() && bytes.len() <= STREAM_BLOCK);
            output.extend_from_slice(bytes);
        });
        if let Err(finding) = result {
            assert_eq!(decoder.feed(b"x", &limits, &mut |_| {}), result, "errors stay");
            assert_eq!(decoder.finish(), result, "errors stay");
            return (output, Err(finding));
        }
    }
    (output, decoder.finish())
}

/// The outcome, which must be the same for all cuts.
fn decoded(coding: Coding, input: &[u8]) -> (Vec<u8>, Result<(), Finding>) {
    let whole = decode(coding, input, input.len());
    for size in [1, 2, 3, 7, 255, 256, 257] {
        let cut = decode(coding, input, size);
        assert_eq!((cut.0.len(), cut.1), (whole.0.len(), whole.1), "by {size}");
        assert!(cut.0 == whole.0, "by {size}");
    }
    whole
}

fn bad(text: &[u8]) -> (Vec<u8>, Result<(), Finding>) {
    (text.to_vec(), Err(Finding::ParseEncoding))
}

fn fine(text: &[u8]) -> (Vec<u8>, Result<(), Finding>) {
    (text.to_vec(), Ok(()))
}

#[test]
fn names() {
    for (name, coding) in
        [("gzip", Coding::Gzip), ("X-GZip", Coding::Gzip), ("deflate", Coding::Deflate)]
    {
        assert_eq!(Coding::from_name(name.as_bytes()), Some(coding));
    }
    assert_eq!(Coding::from_name(b"br"), Some(Coding::Brotli));
    for name in ["", "identity", "zstd", "compress", "gzip, gzip", " gzip"] {
        assert!(Decoder::new(name.as_bytes()).is_none(), "{name}");
    }
}

#[test]
fn vectors_of_other_programs() {
    assert_eq!(decoded(Coding::Deflate, RAW), fine(TEXT));
    assert_eq!(decoded(Coding::Deflate, &zlib()), fine(TEXT));
    assert_eq!(decoded(Coding::Gzip, &gzip()), fine(TEXT));
    let long = [GZIP_LONG_HEAD, RAW, GZIP_TAIL].concat();
    assert_eq!(decoded(Coding::Gzip, &long), fine(TEXT));
    assert_eq!(decoded(Coding::Gzip, &[gzip(), long].concat()), fine(&TEXT.repeat(2)));
    assert_eq!(decoded(Coding::Brotli, BROTLI_HELLO), fine(b"hello"));
    for empty in [&b"\x06"[..], b"\x3b"] {
        assert_eq!(decoded(Coding::Brotli, empty), fine(b""));
    }
}

/// A stored block may begin with the bits of a zlib header's first byte (RFC 1951 section 3.2.4
/// ignores the padding); the second byte tells.
#[test]
fn a_bare_stream_that_looks_like_zlib_at_first() {
    let stored = b"\x08\x05\x00\xfa\xffhello\x01\x00\x00\xff\xff";
    assert_eq!(decoded(Coding::Deflate, stored), fine(b"hello"));
}

#[test]
fn truncated_streams() {
    for (coding, whole) in [
        (Coding::Gzip, gzip()),
        (Coding::Deflate, zlib()),
        (Coding::Deflate, RAW.to_vec()),
        (Coding::Brotli, BROTLI_HELLO.to_vec()),
    ] {
        for length in 0..whole.len() {
            let (_, result) = decoded(coding, &whole[..length]);
            assert_eq!(result, Err(Finding::ParseEncoding), "{coding:?} {length}");
        }
    }
}

#[test]
fn trailing_data() {
    for (coding, whole, text) in [
        (Coding::Gzip, gzip(), TEXT),
        (Coding::Deflate, zlib(), TEXT),
        (Coding::Deflate, RAW.to_vec(), TEXT),
        (Coding::Brotli, BROTLI_HELLO.to_vec(), b"hello"),
    ] {
        for tail in [&b"\0"[..], b"x", b"\x1f\x8c"] {
            let input = [&whole, tail].concat();
            assert_eq!(decoded(coding, &input), bad(text), "{coding:?} {tail:?}");
        }
    }
}

#[test]
fn checks_are_verified() {
    let wrong = |head: &[u8], tail: &[u8]| decoded(Coding::Gzip, &[head, RAW, tail].concat());
    assert_eq!(wrong(GZIP_HEAD, b"\x28\xf5\xbf\x60\x1d\0\0\0"), bad(TEXT));
    assert_eq!(wrong(GZIP_HEAD, b"\x29\xf5\xbf\x60\x1e\0\0\0"), bad(TEXT));
    let mut head = GZIP_LONG_HEAD.to_vec();
    head[13] ^= 1;
    assert_eq!(wrong(&head, GZIP_TAIL), bad(b""));
    let adler = [b"\x78\xda", RAW, b"\x93\x00\x08\xc6"].concat();
    assert_eq!(decoded(Coding::Deflate, &adler), bad(TEXT));
}

#[test]
fn what_is_no_stream() {
    let cases: &[(Coding, &[u8])] = &[
        (Coding::Gzip, b"\x1f\x8c\x08"),
        (Coding::Gzip, b"\x1f\x8b\x07"),
        (Coding::Gzip, b"\x1f\x8b\x08\x20"),
        (Coding::Gzip, b"q=union select"),
        (Coding::Deflate, b"q=union select"),
        (Coding::Deflate, b"\x78"),
        // A zlib header that asks for a dictionary.
        (Coding::Deflate, b"\x78\xf9\0\0\0\0\x03\0"),
        // A stored block whose length and its complement differ.
        (Coding::Deflate, b"\x01\x05\x00\x00\x00hello"),
        // The invalid window of brotli, and a reserved bit.
        (Coding::Brotli, b"\x11"),
        (Coding::Brotli, b"\xff\xff\xff\xff\xff\xff\xff"),
    ];
    for (coding, input) in cases {
        assert!(decoded(*coding, input).1.is_err(), "{coding:?} {input:?}");
    }
}

fn gzip_of(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zlib_of(text: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn deflate_of(text: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn brotli_of(text: &[u8], window: i32) -> Vec<u8> {
    let mut output = Vec::new();
    let params =
        ::brotli::enc::BrotliEncoderParams { quality: 5, lgwin: window, ..Default::default() };
    ::brotli::BrotliCompress(&mut &text[..], &mut output, &params).unwrap();
    output
}

#[test]
fn bombs_stop_at_the_same_byte_however_they_come() {
    let zeros = vec![0; 8 << 20];
    for (coding, bomb) in [
        (Coding::Gzip, gzip_of(&zeros)),
        (Coding::Deflate, zlib_of(&zeros)),
        (Coding::Deflate, deflate_of(&zeros)),
        (Coding::Brotli, brotli_of(&zeros, 22)),
    ] {
        let (output, result) = decoded(coding, &bomb);
        assert_eq!(result, Err(Finding::LimitInflate), "{coding:?}");
        let most = 100 * (bomb.len() as u64 + STRIDE);
        assert!(output.len() as u64 <= most.max(INFLATE_FREE), "{coding:?}: {}", output.len());
        assert!(output.len() as u64 >= INFLATE_FREE, "{coding:?}: {}", output.len());
    }
}

#[test]
fn a_bomb_behind_honest_text_is_found() {
    let mut noise = 1_u32;
    let mut text: Vec<u8> = std::iter::repeat_with(|| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        noise.to_be_bytes()[0]
    })
    .take(10_000)
    .collect();
    text.extend(vec![b'a'; 16 << 20]);
    assert_eq!(decoded(Coding::Gzip, &gzip_of(&text)).1, Err(Finding::LimitInflate));
}

#[test]
fn small_bodies_of_zeros_are_honest() {
    let zeros = vec![0; 60_000];
    assert_eq!(decoded(Coding::Gzip, &gzip_of(&zeros)), fine(&zeros));
    assert_eq!(decoded(Coding::Brotli, &brotli_of(&zeros, 22)), fine(&zeros));
}

/// RFC 7932 section 9.1, the table of WBITS.
#[test]
fn brotli_windows_are_bounded() {
    let text = b"hello hello hello hello ".repeat(1_000);
    for window in 10..=24 {
        let stream = brotli_of(&text, window);
        let expected = if window <= 22 { Ok(()) } else { Err(Finding::LimitInflate) };
        assert_eq!(decoded(Coding::Brotli, &stream).1, expected, "{window}");
    }
    let table = [(0b0, 16), (0b000_0001, 17), (0b0011, 18), (0b1111, 24), (0b010_0001, 10)];
    for (byte, bits) in table {
        assert_eq!(brotli::window(byte), Some(bits), "{byte:b}");
    }
    assert_eq!(brotli::window(0b001_0001), None);
}

#[test]
fn decoders_can_move_between_threads() {
    fn is_send<T: Send>() {}
    is_send::<Decoder>();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_encoded_comes_back(
        words in proptest::collection::vec("[a-z]{1,8} ", 0..300),
        size in 1_usize..600,
    ) {
        let text = words.concat().into_bytes();
        for (coding, stream) in [
            (Coding::Gzip, gzip_of(&text)),
            (Coding::Deflate, zlib_of(&text)),
            (Coding::Deflate, deflate_of(&text)),
            (Coding::Brotli, brotli_of(&text, 18)),
        ] {
            prop_assert_eq!(decode(coding, &stream, size), fine(&text));
        }
    }

    #[test]
    fn faults_come_the_same_however_cut(
        words in proptest::collection::vec("[a-z]{1,8} ", 1..200),
        at in any::<proptest::sample::Index>(),
        flip in 1_u8..,
        size in 1_usize..300,
    ) {
        let text = words.concat().into_bytes();
        for (coding, mut stream) in [
            (Coding::Gzip, gzip_of(&text)),
            (Coding::Deflate, zlib_of(&text)),
            (Coding::Deflate, deflate_of(&text)),
            (Coding::Brotli, brotli_of(&text, 18)),
        ] {
            let at = at.index(stream.len());
            stream[at] ^= flip;
            let whole = decode(coding, &stream, stream.len());
            prop_assert_eq!(&decode(coding, &stream, size), &whole);
            prop_assert_eq!(&decode(coding, &stream, 1), &whole);
        }
    }

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200), size in 1_usize..50) {
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli] {
            prop_assert_eq!(decode(coding, &bytes, size), decode(coding, &bytes, bytes.len()));
        }
    }
}
