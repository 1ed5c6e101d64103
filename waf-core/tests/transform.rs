//! Transformations against cases kept as data, and against what every transducer promises.
//!
//! A case file is `tests/data/transform/<name>.json`. In it a character U+0000 to U+00FF stands for
//! the byte of that number. `changed` may be left out where it says whether the output differs. The
//! expectations come from ModSecurity 2's documentation and behaviour, not from this code.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on says so by panicking.

use std::path::Path;

use proptest::prelude::*;
use serde::Deserialize;
use waf_core::bytes::ByteSet;
use waf_core::rule::Transformation;
use waf_core::transform::{Transducer, max_growth, triggers};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    input: String,
    output: String,
    changed: Option<bool>,
}

/// Output and report of a value that arrives in these pieces.
fn run<'a>(
    transformation: Transformation,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<u8>, bool) {
    let mut transducer = Transducer::new(transformation);
    let mut out = Vec::new();
    for piece in pieces {
        transducer.feed(piece, &mut out);
    }
    transducer.finish(&mut out);
    (out, transducer.changed())
}

/// What is out after each byte: its length, when the value arrives byte by byte.
fn emission(transformation: Transformation, input: &[u8]) -> Vec<usize> {
    let mut transducer = Transducer::new(transformation);
    let mut out = Vec::new();
    let fed = input.iter().map(|&byte| {
        transducer.feed(&[byte], &mut out);
        out.len()
    });
    fed.collect()
}

fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

fn cases(transformation: Transformation) -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/transform")
        .join(transformation.name())
        .with_extension("json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path:?}: {e}"));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path:?}: {e}"))
}

/// Transformations that always report a change.
fn always_reports(transformation: Transformation) -> bool {
    use Transformation::{CmdLine, HexEncode, Length, Sha1};
    matches!(transformation, CmdLine | HexEncode | Length | Sha1)
}

#[test]
fn every_case_at_every_cut() {
    for &transformation in Transformation::ALL {
        let name = transformation.name();
        let cases = cases(transformation);
        assert!(cases.len() >= 12, "{name}: only {} cases", cases.len());
        for case in cases {
            let (input, output) = (latin1(&case.input), latin1(&case.output));
            let changed = case.changed.unwrap_or(input != output);
            let expected = (output, changed);
            assert_eq!(run(transformation, [&input[..]]), expected, "{name} {:?}", case.input);
            assert_eq!(run(transformation, input.chunks(1)), expected, "{name} {:?}", case.input);
            for at in 0..=input.len() {
                let (head, tail) = input.split_at(at);
                let cut = run(transformation, [head, tail]);
                assert_eq!(cut, expected, "{name} {:?} cut at {at}", case.input);
            }
        }
    }
}

/// Each output byte comes with the byte that makes it certain: here, with which one.
#[test]
fn output_comes_as_early_as_it_is_certain() {
    let cases: &[(Transformation, &[u8], &[usize])] = &[
        (Transformation::UrlDecode, b"a%27%2x", &[1, 1, 1, 2, 2, 2, 5]),
        (Transformation::UrlDecodeUni, b"%u00Xb", &[0, 0, 0, 0, 5, 6]),
        (Transformation::UrlDecodeUni, b"%uff1c", &[0, 0, 0, 0, 0, 1]),
        (Transformation::Utf8ToUnicode, b"\xe2\x82\xac", &[0, 0, 6]),
        (Transformation::HtmlEntityDecode, b"&lt;&lx", &[0, 0, 0, 1, 1, 1, 4]),
        (Transformation::HtmlEntityDecode, b"&#60<", &[0, 0, 0, 0, 2]),
        (Transformation::JsDecode, b"\\x41\\477", &[0, 0, 0, 1, 1, 1, 2, 3]),
        (Transformation::CssDecode, b"\\000041 b", &[0, 0, 0, 0, 0, 0, 1, 1, 2]),
        (Transformation::EscapeSeqDecode, b"\\1019", &[0, 0, 0, 1, 2]),
        (Transformation::Base64Decode, b"QUJD", &[0, 1, 2, 3]),
        (Transformation::ReplaceComments, b"a/**/b", &[1, 1, 2, 2, 2, 3]),
        (Transformation::RemoveCommentsChar, b"-<!x--a", &[0, 1, 1, 4, 4, 4, 5]),
        (Transformation::CmdLine, b"a ,b (", &[1, 1, 1, 3, 3, 4]),
        (Transformation::CompressWhitespace, b"a \tb", &[1, 2, 2, 3]),
    ];
    for &(transformation, input, expected) in cases {
        assert_eq!(emission(transformation, input), expected, "{transformation:?}");
    }
}

/// The digest of the empty text and of a million `a` are FIPS 180-4's.
#[test]
fn sha1_of_a_million() {
    let block = [b'a'; 1000];
    let (digest, _) = run(Transformation::Sha1, std::iter::repeat_n(&block[..], 1000));
    let (hex, _) = run(Transformation::HexEncode, [&digest[..]]);
    assert_eq!(hex, b"34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

#[test]
fn states_are_small() {
    assert!(size_of::<Transducer>() <= 40, "{}", size_of::<Transducer>());
}

fn transformation() -> impl Strategy<Value = Transformation> {
    prop::sample::select(Transformation::ALL)
}

/// Text in which escapes begin, break and follow each other often.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let pieces: &[&[u8]] = &[
        b"%",
        b"%u",
        b"%41",
        b"%u0041",
        b"+",
        b"&",
        b"&#",
        b"&#x",
        b"&lt",
        b"nbsp",
        b";",
        b"\\",
        b"\\u",
        b"\\x",
        b"\\n",
        b"12",
        b"377",
        b"ff",
        b"3c",
        b"/",
        b"*",
        b"-",
        b"--",
        b"<!",
        b">",
        b"#",
        b".",
        b"..",
        b" ",
        b"\t",
        b"\xa0",
        b"\0",
        b"A",
        b"z",
        b"\xc3",
        b"\x80",
        b"\xed",
        b"\xf0\x9f\x98\x80",
        b"=",
        b"'",
        b"^",
        b"(",
        b",",
    ];
    let piece = prop_oneof![
        6 => prop::sample::select(pieces).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..3),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// The value cut at these places, taken modulo its length.
fn cut<'a>(value: &'a [u8], places: &[usize]) -> Vec<&'a [u8]> {
    let mut places: Vec<_> = places.iter().map(|place| place % (value.len() + 1)).collect();
    places.extend([0, value.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &value[pair[0]..pair[1]]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn cuts_do_not_matter(
        transformation in transformation(),
        value in value(),
        places in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        let whole = run(transformation, [&value[..]]);
        prop_assert_eq!(&run(transformation, cut(&value, &places)), &whole);
        prop_assert_eq!(&run(transformation, value.chunks(1)), &whole);
    }

    /// Nor for when the output comes: after the same bytes the same is out.
    #[test]
    fn cuts_do_not_move_output(transformation in transformation(), value in value()) {
        let by_byte = emission(transformation, &value);
        for (at, length) in by_byte.into_iter().enumerate() {
            let mut out = Vec::new();
            Transducer::new(transformation).feed(&value[..=at], &mut out);
            prop_assert_eq!(out.len(), length);
        }
    }

    #[test]
    fn growth_is_bounded(transformation in transformation(), value in value()) {
        let (out, _) = run(transformation, [&value[..]]);
        prop_assert!(out.len() <= max_growth(transformation).bound(value.len()));
    }

    #[test]
    fn without_triggers_nothing_changes(transformation in transformation(), value in value()) {
        let wakes = triggers(transformation);
        let value: Vec<u8> = value.into_iter().filter(|&byte| !wakes.contains(byte)).collect();
        if wakes != ByteSet::ALL {
            let (out, changed) = run(transformation, [&value[..]]);
            prop_assert_eq!(out, value);
            prop_assert_eq!(changed, always_reports(transformation));
        }
    }

    /// What the scanner does: a piece without triggers passes an idle transducer by.
    #[test]
    fn idle_transducers_may_be_left_out(
        transformation in transformation(),
        value in value(),
        places in prop::collection::vec(any::<usize>(), 0..12),
    ) {
        let wakes = triggers(transformation);
        let mut transducer = Transducer::new(transformation);
        let mut out = Vec::new();
        for piece in cut(&value, &places) {
            if transducer.is_idle() && !piece.iter().any(|&byte| wakes.contains(byte)) {
                out.extend_from_slice(piece);
            } else {
                transducer.feed(piece, &mut out);
            }
        }
        transducer.finish(&mut out);
        prop_assert_eq!((out, transducer.changed()), run(transformation, [&value[..]]));
    }

    /// A stream that forks copies the state; equal states must go on alike.
    #[test]
    fn a_copy_goes_on_alike(
        transformation in transformation(),
        (head, tail) in (value(), value()),
    ) {
        let mut one = Transducer::new(transformation);
        one.feed(&head, &mut Vec::new());
        let mut two = one.clone();
        prop_assert_eq!(&one, &two);
        let (mut from_one, mut from_two) = (Vec::new(), Vec::new());
        one.feed(&tail, &mut from_one);
        two.feed(&tail, &mut from_two);
        one.finish(&mut from_one);
        two.finish(&mut from_two);
        prop_assert_eq!(from_one, from_two);
    }
}

#[test]
fn the_least_input_is_the_first_whose_bound_is_enough() {
    for &transformation in Transformation::ALL {
        let growth = max_growth(transformation);
        for output in 0..200 {
            let least = (0..1000).find(|&input| growth.bound(input) >= output);
            assert_eq!(growth.least_input(output), least.unwrap_or(usize::MAX));
        }
    }
}
