//! Content codings.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use waf_core::finding::Finding;
use waf_core::limits::{Limits, STREAM_BLOCK};
use waf_core::parse::encoding::{Coding, Decoder};

use crate::{cuts, limits};

/// The first byte of `data` chooses a coding (`g`, `d`, `b`), the rest is decoded: the same in
/// pieces, and as another decoder does. And the rest, encoded by others, comes back.
pub fn check(data: &[u8]) {
    let Some((&choice, rest)) = data.split_first() else { return };
    let coding = match choice {
        b'g' => Coding::Gzip,
        b'd' => Coding::Deflate,
        b'b' => Coding::Brotli,
        _ => [Coding::Gzip, Coding::Deflate, Coding::Brotli][usize::from(choice) % 3],
    };
    for limits in limits::both() {
        let (output, result) = cuts::same(rest, |pieces| decode(coding, pieces, &limits));
        if coding == Coding::Gzip && result != Err(Finding::LimitInflate) {
            assert_gzip(rest, &output, result.is_ok());
        }
    }
    for encoded in encodings(coding, rest) {
        let back = cuts::same(&encoded, |pieces| decode(coding, pieces, &Limits::default()));
        assert!(back == (rest.to_vec(), Ok(())), "{:?} of {coding:?}", back.1);
    }
}

type Decoded = (Vec<u8>, Result<(), Finding>);

fn decode(coding: Coding, pieces: &[&[u8]], limits: &Limits) -> Decoded {
    let mut decoder = Decoder::of(coding);
    let mut output = Vec::new();
    for piece in pieces {
        let result = decoder.feed(piece, limits, &mut |bytes| {
            assert!(!bytes.is_empty() && bytes.len() <= STREAM_BLOCK);
            output.extend_from_slice(bytes);
        });
        if result.is_err() {
            return (output, result);
        }
    }
    let result = decoder.finish();
    (output, result)
}

/// What we take, flate2's own reader of gzip takes, with the same output.
fn assert_gzip(data: &[u8], output: &[u8], accepted: bool) {
    let mut other = Vec::new();
    let result = MultiGzDecoder::new(data).take(1 << 22).read_to_end(&mut other);
    if accepted {
        assert!(result.is_ok(), "{result:?}");
        assert!(other == output, "another output");
    }
}

fn encodings(coding: Coding, text: &[u8]) -> Vec<Vec<u8>> {
    let level = Compression::fast();
    let all = match coding {
        Coding::Gzip => vec![{
            let mut encoder = GzEncoder::new(Vec::new(), level);
            encoder.write_all(text).and_then(|()| encoder.finish())
        }],
        Coding::Deflate => vec![
            {
                let mut encoder = ZlibEncoder::new(Vec::new(), level);
                encoder.write_all(text).and_then(|()| encoder.finish())
            },
            {
                let mut encoder = DeflateEncoder::new(Vec::new(), level);
                encoder.write_all(text).and_then(|()| encoder.finish())
            },
        ],
        Coding::Brotli => vec![{
            let mut output = Vec::new();
            let parameters = brotli::enc::BrotliEncoderParams { quality: 1, ..Default::default() };
            brotli::BrotliCompress(&mut &text[..], &mut output, &parameters).map(|_| output)
        }],
    };
    all.into_iter().map(|encoded| encoded.expect("writing to memory")).collect()
}
