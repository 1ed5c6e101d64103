use super::Xml;
use crate::limits::Limits;
use crate::parse::testing::{Event, Lanes, Row, assert_lanes_chunking, latin1};
use crate::random::Random;

fn with(limits: &Limits, body: &[u8]) -> Lanes {
    assert_lanes_chunking(body, |pieces| {
        let mut lanes = Lanes::default();
        let mut xml = Xml::new(limits);
        pieces.iter().for_each(|piece| xml.feed(piece, &mut lanes));
        xml.finish(&mut lanes);
        lanes
    })
}

pub(super) fn xml(body: impl AsRef<[u8]>) -> Lanes {
    with(&Limits::default(), body.as_ref())
}

pub(super) fn row(name: &str, value: &str) -> Row {
    ("XML", name.into(), latin1(value.as_bytes()))
}

fn rest(value: &str) -> Row {
    ("REQUEST_BODY", String::new(), latin1(value.as_bytes()))
}

#[test]
fn texts_and_attributes_are_fields() {
    let lanes = xml(
        "<?xml version=\"1.0\" encoding='UTF-8'?>\r\n<soap:a xmlns:soap = 'urn:x' b=\"1>2\">\n  \
         <c>one</c><c d='x&amp;y'/> two <c></c>\n</soap:a>\n<!-- end -->",
    );
    assert_eq!(lanes.main.findings(), []);
    assert_eq!(
        lanes.main.rows(),
        [
            row("/soap:a/@xmlns:soap", "urn:x"),
            row("/soap:a/@b", "1>2"),
            row("/soap:a/c", "one"),
            row("/soap:a/c/@d", "x&y"),
            row("/soap:a", "two "),
        ]
    );
    assert_eq!(
        lanes.raw.rows(),
        [row("/?pi", "xml version=\"1.0\" encoding='UTF-8'"), row("/!comment", " end ")]
    );
}

#[test]
fn what_is_inside_a_text_does_not_split_it() {
    let lanes = xml("<a>un<!-- x -->io<?p q?>n<![CDATA[ <sel]]>ec&#116; <b/>x</a>");
    assert_eq!(lanes.main.rows(), [row("/a", "union <select "), row("/a", "x")]);
    assert_eq!(lanes.raw.rows(), [row("/a/!comment", " x "), row("/a/?pi", "p q")]);
    assert_eq!(lanes.main.findings(), []);
    // Blanks at the front are dropped, however they are spelt.
    for text in [" \n x", "&#32;&#x20;x", "<![CDATA[ \n]]> x", " <!----> x", "<![CDATA[]]>x"] {
        assert_eq!(xml(format!("<a>{text}</a>")).main.rows(), [row("/a", "x")], "{text}");
    }
    assert_eq!(xml("<a> &#9;<b> </b>\n</a>").main.events, []);
}

#[test]
fn events_tell_where_bytes_stand() {
    let begin = |name: &str, shared, parent, at| Event::Begin {
        collection: "XML",
        name: name.into(),
        shared,
        parent,
        at,
    };
    assert_eq!(
        xml("<a><b c='1'> x&lt;<!---->y</b></a>").main.events,
        [
            begin("/a/b/@c", 0, 4, 9),
            Event::Bytes("1".into(), 9),
            Event::End(11),
            begin("/a/b", 4, 2, 13),
            Event::Bytes("x".into(), 13),
            Event::Decoded("<".into(), 18),
            Event::Bytes("y".into(), 25),
            Event::End(28),
        ]
    );
}

#[test]
fn section_ends_are_found_among_their_like() {
    let cases = [
        ("<![CDATA[]]]>", "]"),
        ("<![CDATA[]]]]]>", "]]]"),
        ("<![CDATA[]>]]x]]>", "]>]]x"),
        ("<![CDATA[a]]><![CDATA[b]]>", "ab"),
        ("<![CDATA[<![CDATA[]]>", "<![CDATA["),
    ];
    for (text, expected) in cases {
        let lanes = xml(format!("<a>{text}</a>"));
        assert_eq!(lanes.main.rows(), [row("/a", expected)], "{text}");
        assert_eq!(lanes.main.findings(), [], "{text}");
    }
    let asides = xml("<a><!-- - -> > --><?p ??><?p>?></a>").raw.rows();
    let expected = [row("/a/!comment", " - -> > "), row("/a/?pi", "p ?"), row("/a/?pi", "p>")];
    assert_eq!(asides, expected);
    let lanes = xml("<a><!-- -- x ---></a>");
    assert_eq!(lanes.main.findings(), [("parse-xml", 10)]);
    assert_eq!(lanes.raw.rows(), [row("/a/!comment", " -- x -")]);
}

#[test]
fn references_are_decoded_and_nothing_is_expanded() {
    let cases = [
        ("&lt;&gt;&amp;&quot;&apos;", "<>&\"'"),
        ("&#65;&#x42;&#x1F600;&#x000041;", "AB\u{1F600}A"),
    ];
    for (text, expected) in cases {
        let lanes = xml(format!("<a b='{text}'>{text}</a>"));
        assert_eq!(lanes.main.rows(), [row("/a/@b", expected), row("/a", expected)]);
        assert_eq!(lanes.main.findings(), []);
    }
    let unknown = [
        "&x;",
        "x & y",
        "&;",
        "&#;",
        "&#x;",
        "&#X41;",
        "&#0;",
        "&#xD800;",
        "&#xFFFE;",
        "&#4294967361;",
        "&lt ;",
        "&&lt",
        "&#x00000000000000000000000000000041;",
        "&nbsp;",
    ];
    for text in unknown {
        let lanes = xml(format!("<a>{text}</a>"));
        assert_eq!(lanes.main.rows(), [row("/a", text)], "{text}");
        let at = 3 + text.find('&').unwrap() as u64;
        assert_eq!(lanes.main.findings(), [("parse-xml", at)], "{text}");
    }
}

#[test]
fn a_document_type_is_told_raw_and_never_expanded() {
    let body = "<!DOCTYPE a [<!ENTITY x \"]>'\"><!-- it's ]> --><?p '> ?><!ENTITY y SYSTEM 'file:///etc/passwd'>]><a>&x;</a>";
    let lanes = xml(body);
    assert_eq!(
        lanes.main.findings(),
        [("parse-xml-dtd", 0), ("parse-xml", body.find("&x;").unwrap() as u64)]
    );
    let inside = &body[9..body.find("><a>").unwrap()];
    assert_eq!(lanes.main.rows(), [row("/!DOCTYPE", inside), row("/a", "&x;")]);
    let lanes = xml("<!DOCTYPE a SYSTEM \">\"><a/>");
    assert_eq!(lanes.main.rows(), [row("/!DOCTYPE", " a SYSTEM \">\"")]);
    let lanes = xml("<!DOCTYPE a [<!-->--><a");
    assert_eq!(lanes.main.findings(), [("parse-xml-dtd", 0), ("parse-xml", 23)]);
}

/// Well-formedness of XML 1.0: where it goes wrong, and what is left.
#[test]
fn malformed_xml_is_a_finding_and_the_rest_is_raw() {
    let cases: &[(&str, u64, &str)] = &[
        ("x", 0, "x"),
        ("&lt;", 0, "&lt;"),
        ("<a></b>", 6, ">"),
        ("<a></ab>", 7, ">"),
        ("<a/></a>", 7, ">"),
        ("<a/><b/>", 5, "<b/>"),
        ("<a/>x", 4, "x"),
        ("<a><1/></a>", 4, "<1/></a>"),
        ("<a>< b/></a>", 4, "< b/></a>"),
        ("<a b></a>", 4, "></a>"),
        ("<a b=c></a>", 5, "c></a>"),
        ("<a b='1'c='2'/>", 8, "c='2'/>"),
        ("<a b='<'/>", 6, "<'/>"),
        ("<a/ >", 3, " >"),
        ("<a%b/>", 2, "%b/>"),
        ("<a></ a>", 5, " a>"),
        ("<a></>", 5, ">"),
        ("<a></1>", 5, "1>"),
        ("<a>x<!x></a>", 6, "<!x></a>"),
        ("<a><![CDAT[x]]></a>", 10, "<![CDAT[x]]></a>"),
        ("<![CDATA[x]]><a/>", 8, "<![CDATA[x]]><a/>"),
        ("<a><!DOCTYPE b></a>", 11, "<!DOCTYPE b></a>"),
        ("<!doctype html><a/>", 2, "<!doctype html><a/>"),
        ("<a>\0</a>", 3, "\0</a>"),
        ("<a b='\u{1}'/>", 6, "\u{1}'/>"),
        ("<a><![CDATA[x\u{1}]]></a>", 13, "\u{1}]]></a>"),
    ];
    for (body, at, left) in cases {
        let lanes = xml(body);
        assert_eq!(lanes.main.findings(), [("parse-xml", *at)], "{body}");
        assert_eq!(lanes.main.rows().last(), Some(&rest(left)), "{body}");
    }
    let unfinished = [
        "<",
        "<a",
        "<a ",
        "<a b",
        "<a b='",
        "<a b='&l",
        "<a>",
        "<a>x",
        "<a>&l",
        "<a><",
        "<a></",
        "<a></a",
        "<!",
        "<!-- -",
        "<a><![CDATA[x]",
        "<?x ?",
        "<a/><!--",
        " ",
        "<!DOCTYPE a",
    ];
    for body in unfinished {
        let findings = xml(body).main.findings();
        assert_eq!(findings.last(), Some(&("parse-xml", body.len() as u64)), "{body}");
    }
    assert_eq!(xml("<a>x&l").main.rows(), [row("/a", "x&l")]);
    assert_eq!(xml("<a><![CDATA[x]").main.rows(), [row("/a", "x]")]);
    assert_eq!(xml("").main.events, []);
    assert_eq!(xml("\u{FEFF}<a/>").main.findings(), []);
}

#[test]
fn encodings_that_hide_ascii_are_a_finding() {
    let findings = |declaration: &str| xml(format!("<?xml {declaration}?><a/>")).main.findings();
    for name in ["utf-8", "UTF-8", "us-ascii", "ISO-8859-1", "windows-1252"] {
        assert_eq!(findings(&format!("version='1.0' encoding='{name}'")), []);
    }
    for name in ["UTF-16", "utf-7", "ebcdic-cp-us", ""] {
        assert_eq!(findings(&format!("encoding = \"{name}\"")), [("protocol-charset", 0)]);
    }
    assert_eq!(findings("encoding=utf-8"), [("parse-xml", 0)]);
    assert_eq!(findings(&" ".repeat(300)), [("parse-xml", 0)]);
    assert_eq!(xml("<?xml-stylesheet encoding='utf-7'?><a/>").main.findings(), []);
}

#[test]
fn limits_are_told() {
    let depth = Limits { depth: 2, ..Limits::default() };
    let lanes = with(&depth, b"<a><b>x<c>y</c></b></a>");
    assert_eq!(lanes.main.findings(), [("limit-depth", 8)]);
    assert_eq!(lanes.main.rows(), [row("/a/b", "x"), rest("<c>y</c></b></a>")]);

    let name = Limits { field_name: 5, ..Limits::default() };
    let lanes = with(&name, b"<abc><defg h='1'>x</defg><d>y</d><e>z</ee></abc>");
    assert_eq!(lanes.main.findings(), [("limit-name", 6), ("parse-xml", 41)]);
    let rows = [
        row("/abc/", "1"),
        row("/abc/", "x"),
        row("/abc/", "y"),
        row("/abc/", "z"),
        rest("></abc>"),
    ];
    assert_eq!(lanes.main.rows(), rows);

    let fields = Limits { fields: 2, ..Limits::default() };
    let lanes = with(&fields, b"<a b='' c='' d='' e=''/>");
    assert_eq!(lanes.main.findings(), [("limit-fields", 16)]);
}

#[test]
fn long_texts_come_out_as_they_go_in() {
    for (open, lane) in
        [("<a>", 1), ("<a b='", 1), ("<a><![CDATA[", 1), ("<!--", 0), ("<?p", 0), ("<!DOCTYPE ", 1)]
    {
        let mut lanes = Lanes::default();
        let mut xml = Xml::new(&Limits::default());
        xml.feed(open.as_bytes(), &mut lanes);
        let bytes =
            |lanes: &Lanes| if lane == 0 { lanes.raw.value_bytes } else { lanes.main.value_bytes };
        let before = bytes(&lanes);
        for kib in 1..=256 {
            xml.feed(&[b'x'; 1024], &mut lanes);
            assert_eq!(bytes(&lanes) - before, kib * 1024, "{open}");
        }
    }
}

#[test]
fn random_bodies_do_not_panic_and_lose_nothing() {
    let alphabet = [
        "<a>",
        "</a>",
        "<b c='",
        "'>",
        "</b>",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<?",
        "?>",
        "&lt;",
        "&",
        ";",
        "%q%",
        " ",
        "<",
        ">",
        "/",
        "!",
        "-",
        "]",
        "\"",
        "<!DOCTYPE ",
        "[",
        "é",
        "\0",
        "<a/>",
        "\u{FEFF}",
    ];
    let mut valid = 0;
    for seed in 0..6_000 {
        let mut random = Random::new(seed);
        let inner: String = (0..random.below(12)).map(|_| random.pick(&alphabet)).collect();
        let body = if seed % 2 == 0 { format!("<a>{inner}</a>") } else { inner };
        let lanes = xml(&body);
        valid += usize::from(lanes.main.findings().is_empty());
        // "%q%" is no name: it is text of some kind, or fails where it stands and is in the rest.
        let rows = [lanes.main.rows(), lanes.raw.rows()].concat();
        let seen: usize = rows.iter().map(|row| row.2.matches("%q%").count()).sum();
        assert_eq!(seen, body.matches("%q%").count(), "{body:?}");
    }
    assert!(valid > 300, "{valid} valid documents");
}

/// Work does not grow faster than the body: the sinks' calls are counted.
#[test]
fn calls_are_linear_in_the_body() {
    let limits = Limits { fields: usize::MAX, depth: usize::MAX, ..Limits::default() };
    for unit in ["<a>", "<a/>", "<!--->-->", "<![CDATA[]]]]>", "&", "&lt;", "]]x", "<a b=''/>"] {
        let calls = |times: usize| {
            let mut lanes = Lanes::default();
            let mut xml = Xml::new(&limits);
            xml.feed(format!("<a>{}", unit.repeat(times)).as_bytes(), &mut lanes);
            lanes.main.calls + lanes.raw.calls
        };
        assert!(calls(2_000) <= 2 * calls(1_000) + 100, "{unit}");
        assert!(calls(1_000) <= 4_000, "{unit}");
    }
}
