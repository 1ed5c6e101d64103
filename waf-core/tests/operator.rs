//! Operators that read a value piece by piece, and libinjection behind its gates.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on says so by panicking.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use waf_core::bytes::ByteSet;
use waf_core::operator::{Check, detect_sqli, detect_xss};
use waf_core::rule::Operator;

/// Whether it matches, and after how many bytes that was certain.
fn run<'a>(
    operator: &Operator,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (bool, Option<usize>) {
    let check = Check::new(operator).unwrap();
    let mut state = check.start();
    let (mut before, mut certain) = (0, None);
    for piece in pieces {
        if let Some(at) = check.feed(&mut state, piece) {
            assert_eq!(certain, None, "told twice");
            certain = Some(before + at);
        }
        before += piece.len();
    }
    (check.finish(state), certain)
}

/// Whole, byte by byte and in every two parts.
fn at_every_cut(operator: &Operator, value: &[u8]) -> (bool, Option<usize>) {
    let whole = run(operator, [value]);
    assert_eq!(run(operator, value.chunks(1)), whole, "{operator:?} {value:?}");
    for at in 0..=value.len() {
        let (head, tail) = value.split_at(at);
        assert_eq!(run(operator, [head, tail]), whole, "{operator:?} {value:?} at {at}");
    }
    whole
}

fn check_all(operator: &Operator, cases: &[(&[u8], bool, Option<usize>)]) {
    for &(value, matches, certain) in cases {
        let expected = (matches, certain);
        assert_eq!(
            at_every_cut(operator, value),
            expected,
            "{operator:?} {:?}",
            value.escape_ascii()
        );
    }
}

fn networks(text: &str) -> Operator {
    Operator::IpMatch(text.split(',').map(|network| network.parse().unwrap()).collect())
}

#[test]
fn operators_that_run_elsewhere() {
    let text = || "x".to_owned();
    let others = [
        Operator::Rx(text()),
        Operator::Pm(vec![text()]),
        Operator::Contains(text()),
        Operator::BeginsWith(text()),
        Operator::EndsWith(text()),
        Operator::Streq(text()),
        Operator::DetectSqli,
        Operator::DetectXss,
    ];
    for operator in others {
        assert!(Check::new(&operator).is_none(), "{operator:?}");
    }
}

#[test]
fn within_a_list() {
    let methods = Operator::Within("|GET|POST|HEAD|".to_owned());
    check_all(
        &methods,
        &[
            (b"", true, None),
            (b"GET", true, None),
            (b"|POST|", true, None),
            (b"ET|PO", true, None),
            (b"get", false, None),
            (b"GETX", false, None),
            (b"|GET|POST|HEAD|", true, None),
            (b"|GET|POST|HEAD|x", false, None),
            (b"PUT", false, None),
            (b"\0", false, None),
        ],
    );
    check_all(&Operator::Within(String::new()), &[(b"", true, None), (b"a", false, None)]);
    check_all(
        &Operator::Within("aaab".to_owned()),
        &[(b"aab", true, None), (b"aaaa", false, None)],
    );
}

#[test]
fn numbers_are_read_as_atoi_reads_them() {
    let cases: &[(&[u8], i64)] = &[
        (b"", 0),
        (b"0", 0),
        (b"42", 42),
        (b" \t\n\x0b\x0c\r42", 42),
        (b"-7", -7),
        (b"+7", 7),
        (b"--7", 0),
        (b"- 7", 0),
        (b"12ab", 12),
        (b"ab12", 0),
        (b"007", 7),
        (b"1.9", 1),
        (b"0x10", 0),
        (b"-", 0),
        (b"1 2", 1),
        (b"\xa01", 0),
        (b"9223372036854775807", i64::MAX),
        (b"9223372036854775808", i64::MAX),
        (b"99999999999999999999999", i64::MAX),
        (b"-9223372036854775808", i64::MIN),
        (b"-99999999999999999999999", i64::MIN),
    ];
    for &(value, number) in cases {
        for limit in [i64::MIN, -8, -7, -1, 0, 1, 7, 12, 42, i64::MAX] {
            let matches = |operator| at_every_cut(&operator, value).0;
            assert_eq!(matches(Operator::Eq(limit)), number == limit, "{value:?} eq {limit}");
            assert_eq!(matches(Operator::Ge(limit)), number >= limit, "{value:?} ge {limit}");
            assert_eq!(matches(Operator::Gt(limit)), number > limit, "{value:?} gt {limit}");
            assert_eq!(matches(Operator::Le(limit)), number <= limit, "{value:?} le {limit}");
            assert_eq!(matches(Operator::Lt(limit)), number < limit, "{value:?} lt {limit}");
        }
    }
}

#[test]
fn numbers_are_certain_when_no_digit_can_change_the_answer() {
    check_all(&Operator::Gt(100), &[(b"1024", true, Some(3)), (b"102", true, Some(3))]);
    check_all(&Operator::Gt(100), &[(b"100", false, None), (b"99 9", false, None)]);
    check_all(
        &Operator::Ge(0),
        &[(b"5", true, Some(1)), (b"+", true, Some(1)), (b"-", true, None)],
    );
    check_all(&Operator::Lt(0), &[(b"-15", true, Some(2)), (b"-0", false, None)]);
    check_all(
        &Operator::Eq(5),
        &[(b"5", true, None), (b"5;", true, Some(2)), (b"55", false, None)],
    );
    check_all(&Operator::Eq(0), &[(b"x", true, Some(1)), (b"", true, None), (b" ", true, None)]);
    check_all(
        &Operator::Lt(5),
        &[(b"4", true, None), (b"4 ", true, Some(2)), (b"44", false, None)],
    );
}

#[test]
fn addresses_in_networks() {
    let lan = networks("10.0.0.0/8,192.168.1.5/32,2001:db8::/32");
    let longest = b"2001:0db8:0000:0000:0000:ffff:255.255.255.255";
    check_all(
        &lan,
        &[
            (b"10.1.2.3", true, None),
            (b"11.1.2.3", false, None),
            (b"192.168.1.5", true, None),
            (b"192.168.1.50", false, None),
            (b"2001:db8::1", true, None),
            (b"2001:DB8::1", true, None),
            (b"2001:db9::1", false, None),
            (b"::ffff:10.9.8.7", true, None),
            (b"::ffff:0a09:0807", true, None),
            (b"::10.9.8.7", false, None),
            (longest, true, None),
            (b"2001:0db8:0000:0000:0000:ffff:255.255.255.2555", false, None),
            (b"", false, None),
            (b"10.1.2", false, None),
            (b"10.1.2.256", false, None),
            (b"010.1.2.3", false, None),
            (b" 10.1.2.3", false, None),
            (b"10.1.2.3 ", false, None),
            (b"10.1.2.3\0", false, None),
            (b"10.1.2.3, 1.1.1.1", false, None),
            (b"\xff", false, None),
        ],
    );
    check_all(&networks("::ffff:10.0.0.0/104"), &[(b"10.1.1.1", true, None)]);
    check_all(&networks("0.0.0.0/0"), &[(b"255.255.255.255", true, None), (b"::1", false, None)]);
}

/// Numbers that payment processors publish for tests; the check digit by ISO/IEC 7812-1.
#[test]
fn card_numbers_with_a_right_check_digit() {
    check_all(
        &Operator::Luhn,
        &[
            (b"4111111111111111", true, None),
            (b"pay 4111 1111 1111 1111, please", true, Some(24)),
            (b"5555-5555-5555-4444\n", true, Some(20)),
            (b"3782 822463 10005", true, None),
            (b"3056 930902 5904", true, None),
            (b"4222222222222", true, None),
            (b"6304000000000000000", true, None),
            (b"(2223003122003222)", true, Some(18)),
            (b"2024 4111 1111 1111 1111", true, None),
            (b"no 12-34 6011 1111 1111 1117.", true, Some(29)),
            (b"\xe5\x8d\xa14242424242424242\xe3\x80\x82", true, Some(20)),
            (b"4111111111111112", false, None),
            (b"4111 1111 1111 1112", false, None),
            (b"4111  1111 1111 1111", false, None),
            (b"4111 1111-1111 1111", false, None),
            (b"41111 1111 1111 111", false, None),
            (b"411111111111", false, None),
            (b"a4111111111111111", false, None),
            (b"4111111111111111b", false, None),
            (b"4111111111111111_", false, None),
            (b"0.4111111111111111", false, None),
            (b"id-4111-1111-1111-1111", false, None),
            (b"41111111111111110000000000000000000000000000", false, None),
            (b"", false, None),
        ],
    );
}

/// Examples of the IBAN registry.
#[test]
fn ibans_with_right_check_digits() {
    let right: [&[u8]; 9] = [
        b"DE89370400440532013000",
        b"gb29 nwbk 6016 1331 9268 19",
        b"FR14 2004 1010 0505 0001 3M02 606",
        b"NO93 8601 1117 947",
        b"MT84 MALT 0110 0001 2345 MTLC AST0 01S",
        b"LC55HEMM000100010012001200023015",
        b"RU03 0445 2522 5408 1781 0538 0913 1041 9",
        b"CH93 0076 2011 6238 5295 7",
        b"to BE68 5390 0754 7034",
    ];
    for value in right {
        check_all(&Operator::Iban, &[(value, true, None)]);
        let wrong: Vec<u8> =
            value.iter().map(|byte| if *byte == b'3' { b'4' } else { *byte }).collect();
        check_all(&Operator::Iban, &[(&wrong, false, None)]);
    }
    check_all(
        &Operator::Iban,
        &[
            (b"DE89 3704 0044 0532 0130 00 or", true, Some(28)),
            (b"IT22 DE89 3704 0044 0532 0130 00", true, None),
            (b"DE8937040044053201300", false, None),
            (b"DE893704004405320130000", false, None),
            (b"DE89 37040044 0532 0130 00", false, None),
            (b"XDE89370400440532013000", false, None),
            (b"DE89370400440532013000_", false, None),
            (b"XX89 3704 0044 0532 0130 00", false, None),
            (b"", false, None),
        ],
    );
}

#[test]
fn bytes_outside_the_range() {
    let printable = ByteSet::of(b"\t\n\r").union(ByteSet::range(32, 126));
    check_all(
        &Operator::ValidateByteRange(printable),
        &[
            (b"", false, None),
            (b"plain text\r\n", false, None),
            (b"a\0", true, Some(2)),
            (b"\xe4bc", true, Some(1)),
            (b"ab\x7f\x7f", true, Some(3)),
        ],
    );
    check_all(&Operator::ValidateByteRange(ByteSet::EMPTY), &[(b"a", true, Some(1))]);
    check_all(&Operator::ValidateByteRange(ByteSet::ALL), &[(b"\0\xff", false, None)]);
}

#[test]
fn escapes_that_are_none() {
    check_all(
        &Operator::ValidateUrlEncoding,
        &[
            (b"", false, None),
            (b"plain+text", false, None),
            (b"%41%fF", false, None),
            (b"%", true, None),
            (b"a%4", true, None),
            (b"%zz", true, Some(2)),
            (b"%4z", true, Some(3)),
            (b"%%41", true, Some(2)),
            (b"%u0041", true, Some(2)),
            (b"100%!", true, Some(5)),
            (b"%41%", true, None),
        ],
    );
}

#[test]
fn text_that_is_not_utf8() {
    check_all(
        &Operator::ValidateUtf8Encoding,
        &[
            (b"", false, None),
            (b"ascii\0", false, None),
            ("é€😀\u{10ffff}\u{d7ff}\u{e000}".as_bytes(), false, None),
            (b"\x80", true, Some(1)),
            (b"\xc0\xaf", true, Some(1)),
            (b"\xc1\xbf", true, Some(1)),
            (b"\xe0\x80\xaf", true, Some(2)),
            (b"\xf0\x80\x80\xaf", true, Some(2)),
            (b"\xed\xa0\x80", true, Some(2)),
            (b"\xf4\x90\x80\x80", true, Some(2)),
            (b"\xf5\x80\x80\x80", true, Some(1)),
            (b"\xff", true, Some(1)),
            (b"a\xc3", true, None),
            (b"\xe2\x82", true, None),
            (b"\xe2\x82a", true, Some(3)),
            (b"\xc3(", true, Some(2)),
        ],
    );
}

fn fingerprint(value: &[u8]) -> Option<String> {
    detect_sqli(value).map(|found| found.to_string())
}

#[test]
fn sql_injections_have_fingerprints() {
    // The examples of libinjection's documentation.
    assert_eq!(fingerprint(b"1' OR '1'='1").as_deref(), Some("s&sos"));
    let example = b"-1' and 1=1 union/* foo */select load_file('/etc/passwd')--";
    assert_eq!(fingerprint(example).as_deref(), Some("s&1UE"));
    for value in [&b""[..], b"hello", b"O'Reilly", b"1 + 1 is two", b"select a seat"] {
        assert_eq!(detect_sqli(value), None, "{}", value.escape_ascii());
    }
}

#[test]
fn cross_site_scripting() {
    for value in [
        &b"<script>alert(1)</script>"[..],
        b"<img src=x onerror=alert(1)>",
        b"\" onmouseover=alert(1) x=\"",
        b"<!DOCTYPE x>",
        b"<a href=\"javascript:alert(1)\">",
    ] {
        assert!(detect_xss(value), "{}", value.escape_ascii());
    }
    for value in [&b""[..], b"hello", b"1 < 2", b"a=b", b"<b>bold</b>", b"onerror"] {
        assert!(!detect_xss(value), "{}", value.escape_ascii());
    }
}

/// Text as attacks are made of.
fn text(pieces: &'static [&'static [u8]], count: usize) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => prop::sample::select(pieces).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..count).prop_map(|pieces| pieces.concat())
}

const SQL: &[&[u8]] = &[
    b"'",
    b"\"",
    b"`",
    b"/*",
    b"*/",
    b"/*!",
    b"--",
    b"#",
    b"@",
    b"@@",
    b"$",
    b"$a$",
    b"0x",
    b"0b",
    b"1e",
    b"1",
    b".",
    b",",
    b"(",
    b")",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\\",
    b"\\N",
    b" ",
    b"\xa0",
    b"\0",
    b"union",
    b" select ",
    b"or",
    b"and",
    b"n'",
    b"q'",
    b"nq'(",
    b"u&'",
    b"x'",
    b"e'",
    b"b'",
    b"if",
    b"in",
    b"like",
    b"sp_password",
    b";",
    b"=",
    b"<",
    b"!",
    b"|",
    b"&",
    b"%",
    b"^",
    b"~",
    b"-",
    b"+",
    b"*",
    b"/",
    b":",
    b"?",
    b"collate",
    b"user",
    b"select",
    b"by",
    b"not ",
];

const HTML: &[&[u8]] = &[
    b"<",
    b">",
    b"/",
    b"=",
    b"'",
    b"\"",
    b"`",
    b" ",
    b"\0",
    b"\xff",
    b"<!",
    b"<!--",
    b"-->",
    b"--",
    b"-",
    b"!",
    b"<?",
    b"<%",
    b"%>",
    b"</",
    b"/>",
    b"<![CDATA[",
    b"]]>",
    b"<!DOCTYPE",
    b"script",
    b"onerror",
    b"style",
    b"href",
    b"javascript:",
    b"&#",
    b"&#x",
    b"106",
    b"6a",
    b";",
    b"svg",
    b"xmlns",
    b"attributename",
    b"[if",
    b"xml",
    b"import",
    b"entity",
    b"data:",
    b"&#9999999999",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn libinjection_does_not_panic(sql in text(SQL, 40), html in text(HTML, 40)) {
        for value in [&sql, &html] {
            let _ = detect_sqli(value);
            let _ = detect_xss(value);
        }
    }

    #[test]
    fn within_is_substring(text in "[ab|]{0,12}", value in "[ab|]{0,5}") {
        let operator = Operator::Within(text.clone());
        prop_assert_eq!(at_every_cut(&operator, value.as_bytes()).0, text.contains(&value));
    }

    #[test]
    fn utf8_as_the_standard_library(value in prop::collection::vec(prop_oneof![
        any::<u8>(),
        prop::sample::select(&[0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc2, 0xe0, 0xed, 0xf0, 0xf4][..]),
    ], 0..8)) {
        let (matches, certain) = at_every_cut(&Operator::ValidateUtf8Encoding, &value);
        match std::str::from_utf8(&value) {
            Ok(_) => prop_assert!(!matches),
            Err(error) => {
                prop_assert!(matches);
                // The library's faults end where no valid text goes on, or the text ends.
                prop_assert_eq!(certain.is_some(), error.error_len().is_some());
                let fault = error.valid_up_to()..error.valid_up_to() + 4;
                prop_assert!(certain.is_none_or(|at| fault.contains(&(at - 1))));
            }
        }
    }

    #[test]
    fn addresses_as_the_standard_library_writes_them(v4 in any::<u32>(), v6 in any::<u128>()) {
        let v4 = IpAddr::V4(Ipv4Addr::from(v4));
        let v6 = IpAddr::V6(Ipv6Addr::from(v6));
        for address in [v4, v6] {
            let length = if address.is_ipv4() { 32 } else { 128 };
            let only_it = networks(&format!("{address}/{length}"));
            prop_assert!(at_every_cut(&only_it, address.to_string().as_bytes()).0);
        }
    }
}

#[test]
fn an_injection_after_a_long_word_is_found() {
    let value = [&b"a.".repeat(2_000)[..], b"' or '1'='1"].concat();
    assert_eq!(fingerprint(&value).as_deref(), Some("s&sos"));
    let value = [b"1 or ", &b"a.".repeat(2_000)[..], b" = 1 union select x from y"].concat();
    assert!(detect_sqli(&value).is_some());
}
