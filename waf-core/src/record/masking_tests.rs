#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;

fn masking(change: impl FnOnce(&mut MaskingSettings)) -> Masking {
    let mut settings = MaskingSettings::default();
    change(&mut settings);
    Masking::new(&settings).unwrap()
}

/// Nothing hidden, nothing cut: what is left is spelling.
fn bare() -> MaskingSettings {
    MaskingSettings {
        query_values: false,
        fields: Vec::new(),
        headers: Vec::new(),
        patterns: Vec::new(),
        classes: Vec::new(),
        excerpt: 1_000,
    }
}

#[test]
fn query_values_are_hidden_and_names_are_not() {
    let masking = Masking::default();
    assert_eq!(masking.query(b"q=select&page=2"), "q=***&page=***");
    assert_eq!(masking.query(b"debug&a=&=x&a=b=c"), "debug&a=&=***&a=***");
    assert_eq!(masking.query(b""), "");
}

#[test]
fn with_query_values_shown_secret_names_stay_hidden() {
    let masking = masking(|settings| settings.query_values = false);
    assert_eq!(masking.query(b"q=1&Password=2&api_key=3"), "q=1&Password=***&api_key=***");
    assert_eq!(masking.query(b"p%61ssword=2&pass+w=x"), "p%61ssword=***&pass+w=x");
}

#[test]
fn fields_are_found_by_name_in_every_spelling() {
    let masking = Masking::default();
    for target in [
        "ARGS_POST:password",
        "ARGS_GET:PASSWD",
        "ARGS_POST:$.user.apiKey",
        "ARGS_POST:$['client secret']",
        "XML:/login/@token",
        "REQUEST_HEADERS:X-Csrf-Token",
    ] {
        assert_eq!(masking.excerpt(target, b"hunter2"), "***", "{target}");
    }
    assert_eq!(masking.excerpt("ARGS_POST:comment", b"hunter2"), "hunter2");
    assert_eq!(masking.excerpt("ARGS_POST_NAMES:password", b"password"), "password");
}

#[test]
fn a_plain_name_is_the_whole_name_or_the_last_key() {
    let masking = masking(|settings| settings.fields = vec!["Pin".to_owned()]);
    for target in ["ARGS_POST:pin", "ARGS_POST:$.a.PIN", "ARGS_POST:$['pin']", "XML:/a/@pin"] {
        assert_eq!(masking.excerpt(target, b"1234"), "***", "{target}");
    }
    for target in ["ARGS_POST:spinner", "ARGS_POST:$.pin.x", "ARGS_POST:pin2"] {
        assert_eq!(masking.excerpt(target, b"1234"), "1234", "{target}");
    }
    assert_eq!(masking.excerpt("REQUEST_BODY", b"a=1&pin=1234&b=2"), "a=1&pin=***&b=2");
    assert_eq!(masking.excerpt("REQUEST_BODY", b"spin=1234"), "spin=1234");
}

#[test]
fn what_a_secret_class_matched_is_hidden_whole() {
    let masking = Masking::default();
    assert_eq!(masking.excerpt_of("pii", "ARGS_POST:a", b"born 1970-01-01"), "***");
    assert_eq!(masking.quoting_of("pii", "ARGS_POST:a", b"born 1970-01-01"), "***");
    assert!(masking.hides("pii", "ARGS_POST:a") && masking.hides("sqli", "ARGS_POST:password"));
    assert!(!masking.hides("sqli", "ARGS_POST:a"));
    assert_eq!(masking.excerpt_of("sqli", "ARGS_POST:a", b"union select"), "union select");
    let shown = Masking::new(&bare()).unwrap();
    assert_eq!(shown.excerpt_of("pii", "ARGS_POST:a", b"born 1970-01-01"), "born 1970-01-01");
}

#[test]
fn cookies_go_with_the_cookie_header() {
    let masking = Masking::default();
    assert_eq!(masking.excerpt("REQUEST_COOKIES:sid", b"abc"), "***");
    assert_eq!(masking.excerpt("REQUEST_COOKIES_NAMES:sid", b"sid"), "sid");
    assert_eq!(masking.excerpt("REQUEST_HEADERS:Cookie", b"sid=abc"), "***");
    assert_eq!(masking.header("AUTHORIZATION", b"Basic eDp5"), "***");
    assert_eq!(masking.header("user-agent", b"curl/8"), "curl/8");
    let shown = Masking::new(&bare()).unwrap();
    assert_eq!(shown.excerpt("REQUEST_COOKIES:sid", b"abc"), "abc");
}

#[test]
fn secrets_in_raw_text_are_hidden_with_the_rest_shown() {
    let masking = Masking::default();
    let show = |bytes: &[u8]| masking.excerpt("REQUEST_BODY", bytes);
    assert_eq!(show(b"user=a&password=hunter2&x=1"), "user=a&password=***&x=1");
    assert_eq!(show(br#"{"apiKey": "k-1", "q": 2}"#), r#"{"apiKey": "***", "q": 2}"#);
    assert_eq!(show(br#"{"token":"a b\" c","q":"d e"}"#), r#"{"token":"***","q":"d e"}"#);
    assert_eq!(show(br#"{"token":"a b"#), r#"{"token":"***"#);
    assert_eq!(show(b"GET /?token=abc HTTP/1.1"), "GET /?token=*** HTTP/1.1");
    assert_eq!(show(b"union select 1"), "union select 1");
}

#[test]
fn what_quotes_a_raw_value_hides_as_much() {
    let masking = Masking::default();
    let quoted = |target: &str| masking.quoting(target, b"saw /a?token=abc&q=1");
    assert_eq!(quoted("REQUEST_URI"), "saw /a?token=***&q=1");
    // The address of another page, in a header that is no secret.
    assert_eq!(quoted("REQUEST_HEADERS:Referer"), "saw /a?token=***&q=1");
    assert_eq!(masking.header("referer", b"http://a/?token=abc&q=1"), "http://a/?token=***&q=1");
    // Of a named field the name says whether it is one.
    assert_eq!(quoted("ARGS_POST:text"), "saw /a?token=abc&q=1");
    assert_eq!(quoted("ARGS_POST:token"), "***");
}

#[test]
fn groups_of_the_operator_do_not_shift_what_is_hidden() {
    let masking = masking(|s| s.fields = vec!["/(?P<kind>user|my)(-?)key/".to_owned()]);
    assert_eq!(masking.excerpt("REQUEST_BODY", b"user-key=1&mykey=2"), "user-key=***&mykey=***");
}

#[test]
fn card_numbers_need_a_right_check_digit() {
    let masking = Masking::default();
    let show = |bytes: &[u8]| masking.excerpt("ARGS_POST:note", bytes);
    // The test numbers of the card schemes (13, 15, 16 and 19 digits).
    for card in ["4222222222222", "378282246310005", "4111111111111111", "6304000000000000000"] {
        assert_eq!(show(format!("a {card}.").as_bytes()), "a ***.", "{card}");
    }
    assert_eq!(show(b"4111 1111 1111 1111"), "***");
    assert_eq!(show(b"4111-1111-1111-1111x"), "***x");
    assert_eq!(show(b"4111111111111112"), "4111111111111112");
    // 20 digits are no card, whatever windows of them look like.
    assert_eq!(show(b"41111111111111110000"), "41111111111111110000");
}

#[test]
fn tokens_are_hidden_wherever_they_stand() {
    let masking = Masking::default();
    // The example of RFC 7519 section 3.1, its parts shortened.
    let jwt = "eyJ0eXAiOiJKV1QiLA0.eyJpc3MiOiJqb2UiLA.dBjftJeZ4CVP-mB92K27uhbUJU1p1r";
    assert_eq!(masking.path(format!("/reset/{jwt}/x").as_bytes()), "/reset/***/x");
    assert_eq!(masking.text(b"Bearer mF_9.B5f-4.1JqM,"), "Bearer ***,");
    assert_eq!(masking.text(b"bearer of news"), "bearer of news");
    let shown = Masking::new(&bare()).unwrap();
    assert_eq!(shown.text(jwt.as_bytes()), jwt);
}

#[test]
fn hiding_comes_before_cutting() {
    let masking = masking(|settings| settings.excerpt = 8);
    assert_eq!(masking.excerpt("ARGS:a", b"n 4111111111111111 and on"), "n *** an…");
}

#[test]
fn everything_that_comes_out_is_printable_and_bounded() {
    let masking = Masking::default();
    let hostile = b"\x1b]0;owned\x07\x9b31m\xff\0\r\n\xe2\x80\xae".repeat(200);
    for text in [
        masking.query(&hostile),
        masking.path(&hostile),
        masking.header("user-agent", &hostile),
        masking.excerpt("ARGS_POST:a", &hostile),
        masking.excerpt("REQUEST_BODY", &hostile),
    ] {
        assert!(text.chars().all(|c| c == '…' || c.is_ascii_graphic() || c == ' '), "{text}");
        assert!(text.len() <= limits::RECORD_TEXT + '…'.len_utf8());
    }
    assert!(masking.excerpt("ARGS_POST:a", &hostile).len() <= 64 + '…'.len_utf8());
}

#[test]
fn a_bad_regex_is_a_report() {
    let settings = MaskingSettings { fields: vec!["/pass(/".to_owned()], ..bare() };
    let report = Masking::new(&settings).unwrap_err();
    assert!(report.message.contains("`/pass(/` is not a regex"), "{report}");
    assert!(report.help.is_some_and(|help| help.contains("unclosed group")));
}
