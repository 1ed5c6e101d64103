use proptest::prelude::*;

use super::*;
use crate::field::Recorder;

const NAMES: Collection = Collection::ArgsPostNames;
const VALUES: Collection = Collection::ArgsPost;

fn run<'a>(pieces: impl Iterator<Item = &'a [u8]>, limits: &Limits) -> Recorder {
    let mut recorder = Recorder::new();
    let mut parser = Urlencoded::new(NAMES, VALUES, limits);
    for piece in pieces {
        parser.feed(piece, &mut recorder);
    }
    parser.finish(&mut recorder);
    assert_eq!(recorder.misuse, Vec::<&str>::new());
    assert!(recorder.fields.iter().all(|field| field.end.is_some()));
    recorder
}

fn parse(input: &[u8]) -> Recorder {
    run([input].into_iter(), &Limits::default())
}

/// The rules of SecLang's URLENCODED processor, and the WHATWG URL standard's parser where the two
/// agree.
#[test]
fn pairs_are_told_in_order() {
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("", &[]),
        ("a=b", &[("a", "b")]),
        ("a=b&c=d", &[("a", "b"), ("c", "d")]),
        ("a=1&a=2", &[("a", "1"), ("a", "2")]),
        ("a", &[("a", "")]),
        ("a=", &[("a", "")]),
        ("=b", &[("", "b")]),
        ("=", &[("", "")]),
        ("&&a=b&&", &[("a", "b")]),
        ("a=b=c", &[("a", "b=c")]),
        ("a+b=c+d", &[("a b", "c d")]),
        ("%61%3D=%26%3d", &[("a=", "&=")]),
        ("a=%2525", &[("a", "%25")]),
        ("a=%zz", &[("a", "%zz")]),
        ("a=%", &[("a", "%")]),
        ("a=%4", &[("a", "%4")]),
        ("a=%4&b=%", &[("a", "%4"), ("b", "%")]),
        ("a=%%41", &[("a", "%A")]),
        ("a=%4%41", &[("a", "%4A")]),
        ("a=%+", &[("a", "% ")]),
        ("%=a", &[("%", "a")]),
        ("%4=a", &[("%4", "a")]),
        ("%", &[("%", "")]),
        ("a=%u0041", &[("a", "%u0041")]),
        ("a;b=c;d", &[("a;b", "c;d")]),
        ("a=%00", &[("a", "\0")]),
        ("a[]=1&a[]=2", &[("a[]", "1"), ("a[]", "2")]),
        ("+", &[(" ", "")]),
    ];
    for (input, expected) in cases {
        let recorder = parse(input.as_bytes());
        let pairs: Vec<_> = expected.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect();
        assert_eq!(recorder.pairs(VALUES), pairs, "{input}");
        let names: Vec<_> = expected.iter().map(|(n, _)| ((*n).into(), (*n).into())).collect();
        assert_eq!(recorder.pairs(NAMES), names, "{input}");
        let order: Vec<_> = recorder.fields.iter().map(|field| field.collection).collect();
        assert_eq!(order, [NAMES, VALUES].repeat(expected.len()), "{input}");
    }
}

#[test]
fn offsets_are_those_of_the_source() {
    //                     0         10
    //                     0123456789012345
    let recorder = parse(b"&ab=c%41d&e%66=+");
    let field = |index: usize| recorder.fields[index].clone();
    // A name is known with the byte that ends it, a value byte with the last of its escape.
    assert_eq!((field(0).at, field(0).known, field(0).end), (1, vec![4, 4], Some(4)));
    assert_eq!((field(1).at, field(1).known, field(1).end), (4, vec![5, 8, 9], Some(10)));
    assert_eq!((field(2).at, field(2).known, field(2).end), (10, vec![15, 15], Some(15)));
    assert_eq!((field(3).at, field(3).known, field(3).end), (15, vec![16], Some(16)));
    let mut recorder = Recorder::new();
    let mut parser = Urlencoded::new(NAMES, VALUES, &Limits::default()).starting_at(100);
    parser.feed(b"a=b", &mut recorder);
    parser.finish(&mut recorder);
    assert_eq!((recorder.fields[0].at, recorder.fields[1].at), (100, 102));
}

#[test]
fn a_broken_escape_is_found_once() {
    let at = |input: &[u8]| parse(input).findings;
    assert_eq!(at(b"a=%41"), []);
    assert_eq!(at(b"a=b%zz&c=%"), [(Finding::ParseUrlencoded, 3)]);
    assert_eq!(at(b"a=%4"), [(Finding::ParseUrlencoded, 2)]);
    assert_eq!(at(b"%4g"), [(Finding::ParseUrlencoded, 0)]);
    assert_eq!(at(b"a=%%41"), [(Finding::ParseUrlencoded, 2)]);
}

#[test]
fn a_long_name_is_cut_as_a_name_and_told_whole_as_a_value() {
    let limits = Limits { field_name: 4, ..Limits::default() };
    for (input, at) in [("abcdef=x&abcdefg", 4), ("abcd%65f=x&abcdefg", 6)] {
        let recorder = run([input.as_bytes()].into_iter(), &limits);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(recorder.pairs(NAMES), [pair("abcd", "abcdef"), pair("abcd", "abcdefg")]);
        assert_eq!(recorder.pairs(VALUES), [pair("abcd", "x"), pair("abcd", "")]);
        assert_eq!(recorder.findings.first(), Some(&(Finding::LimitName, at)));
        assert_eq!(recorder.findings.len(), 1);
    }
    let exact = run([&b"abcd=x"[..]].into_iter(), &limits);
    assert_eq!(exact.findings, []);
}

#[test]
fn names_are_held_up_to_their_limit_only() {
    let limits = Limits { field_name: 100, ..Limits::default() };
    let mut parser = Urlencoded::new(NAMES, VALUES, &limits);
    let mut recorder = Recorder::new();
    for _ in 0..1_000 {
        parser.feed(b"name%41%zz+", &mut recorder);
        assert!(parser.name.len() <= 100);
    }
    parser.finish(&mut recorder);
    assert_eq!(recorder.fields[0].value, b"nameA%zz ".repeat(1_000));
    assert_eq!(recorder.fields[0].name.len(), 100);
}

#[test]
fn too_many_fields_are_found_once_and_still_told() {
    let limits = Limits { fields: 2, ..Limits::default() };
    let recorder = run([&b"a=1&b=2&c=3&d=4"[..]].into_iter(), &limits);
    assert_eq!(recorder.pairs(VALUES).len(), 4);
    assert_eq!(recorder.findings, [(Finding::LimitFields, 8)]);
    assert_eq!(run([&b"a=1&b=2&"[..]].into_iter(), &limits).findings, []);
}

/// A second reading of the rules, over the whole text at once.
fn reference(input: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let decode = |text: &[u8]| {
        let mut decoded = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let digits = text.get(at + 1..at + 3).filter(|d| d.iter().all(u8::is_ascii_hexdigit));
            let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
            match (text[at], digits.and_then(|d| u8::from_str_radix(d, 16).ok())) {
                (b'%', Some(byte)) => {
                    decoded.push(byte);
                    at += 3;
                    continue;
                }
                (b'+', _) => decoded.push(b' '),
                (byte, _) => decoded.push(byte),
            }
            at += 1;
        }
        decoded
    };
    let pieces = input.split(|&byte| byte == b'&').filter(|piece| !piece.is_empty());
    pieces
        .map(|piece| {
            let equals = piece.iter().position(|&byte| byte == b'=');
            let value = equals.map_or(&b""[..], |equals| &piece[equals + 1..]);
            (decode(&piece[..equals.unwrap_or(piece.len())]), decode(value))
        })
        .collect()
}

proptest! {
    #[test]
    fn any_text_in_any_pieces(
        input in proptest::collection::vec(
            prop_oneof![
                6 => proptest::sample::select(&b"abc=&%+4F%41=&"[..]),
                1 => any::<u8>(),
            ],
            0..120,
        ),
        cuts in proptest::collection::vec(1_usize..9, 1..20),
        name_limit in 1_usize..12,
    ) {
        let whole = parse(&input);
        let values: Vec<_> = whole.fields.iter().filter(|field| field.collection == VALUES)
            .map(|field| (field.name.clone(), field.value.clone())).collect();
        prop_assert_eq!(values, reference(&input));
        for limits in [Limits::default(), Limits { field_name: name_limit, fields: 3, ..Limits::default() }] {
            let whole = run([&input[..]].into_iter(), &limits);
            prop_assert_eq!(&run(input.chunks(1), &limits), &whole);
            let mut rest = &input[..];
            let pieces = cuts.iter().cycle().map_while(|&size| {
                let (piece, after) = rest.split_at(size.min(rest.len()));
                rest = after;
                (!piece.is_empty()).then_some(piece)
            });
            prop_assert_eq!(&run(pieces, &limits), &whole);
        }
    }
}
