use super::Multipart;
use crate::limits::Limits;
use crate::parse::testing::{Event, Recorder, Row, assert_chunking, latin1};
use crate::random::Random;

const BOUNDARY: &[u8] = b"----WebKitFormBoundaryAbC";

fn run(mut multipart: Multipart, pieces: &[&[u8]]) -> Recorder {
    let mut recorder = Recorder::default();
    for piece in pieces {
        multipart.feed(piece, &mut recorder);
    }
    multipart.finish(&mut recorder);
    recorder
}

fn with(boundary: &[u8], limits: &Limits, body: &[u8]) -> Recorder {
    assert_chunking(body, |pieces| run(Multipart::new(boundary, limits), pieces))
}

/// Parses a form with boundary `b`, whole and in every cut.
fn form(body: impl AsRef<[u8]>) -> Recorder {
    with(b"b", &Limits::default(), body.as_ref())
}

fn row(collection: &'static str, name: &str, value: &str) -> Row {
    (collection, name.into(), value.into())
}

/// The fields but for part headers and the size of all uploads.
fn fields(recorder: &Recorder) -> Vec<Row> {
    let said = |row: &Row| !matches!(row.0, "MULTIPART_PART_HEADERS" | "FILES_COMBINED_SIZE");
    recorder.rows().into_iter().filter(said).collect()
}

/// A form of one part with this Content-Disposition.
fn part(disposition: &str) -> Recorder {
    form(format!("--b\r\nContent-Disposition: {disposition}\r\n\r\nx\r\n--b--\r\n"))
}

/// What Chrome sends for a text, an empty text and a file; RFC 7578 section 4.
#[test]
fn a_browser_form_is_arguments_and_uploads() {
    let body = "------WebKitFormBoundaryAbC\r\n\
        Content-Disposition: form-data; name=\"comment\"\r\n\r\n\
        line one\r\nline two\r\n\r\n\
        ------WebKitFormBoundaryAbC\r\n\
        Content-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n\
        ------WebKitFormBoundaryAbC\r\n\
        Content-Disposition: form-data; name=\"up\"; filename=\"a b.txt\"\r\n\
        Content-Type: text/plain\r\n\r\n\
        <?php\n--x\r\n\
        ------WebKitFormBoundaryAbC--\r\n";
    let recorder = with(BOUNDARY, &Limits::default(), body.as_bytes());
    assert_eq!(recorder.findings(), []);
    assert_eq!(
        recorder.rows(),
        [
            row(
                "MULTIPART_PART_HEADERS",
                "comment",
                "Content-Disposition: form-data; name=\"comment\""
            ),
            row("ARGS_POST_NAMES", "comment", "comment"),
            row("ARGS_POST", "comment", "line one\r\nline two\r\n"),
            row(
                "MULTIPART_PART_HEADERS",
                "empty",
                "Content-Disposition: form-data; name=\"empty\""
            ),
            row("ARGS_POST_NAMES", "empty", "empty"),
            row("ARGS_POST", "empty", ""),
            row(
                "MULTIPART_PART_HEADERS",
                "up",
                "Content-Disposition: form-data; name=\"up\"; filename=\"a b.txt\""
            ),
            row("MULTIPART_PART_HEADERS", "up", "Content-Type: text/plain"),
            row("FILES", "up", "a b.txt"),
            row("FILES_NAMES", "up", "up"),
            row("FILES_TMP_CONTENT", "up", "<?php\n--x"),
            row("FILES_SIZES", "up", "9"),
            row("FILES_COMBINED_SIZE", "", "9"),
        ]
    );
}

#[test]
fn events_tell_where_bytes_stand() {
    let body = "--b\r\nContent-Disposition: form-data; name=\"k\"\r\n\r\nv\r\n--b--";
    let begin = |collection, name: &str, at| Event::Begin {
        collection,
        name: name.into(),
        shared: 0,
        parent: 0,
        at,
    };
    let header = "Content-Disposition: form-data; name=\"k\"";
    assert_eq!(
        form(body).events,
        [
            begin("MULTIPART_PART_HEADERS", "k", 5),
            Event::Decoded(header.into(), 49),
            Event::End(49),
            begin("ARGS_POST_NAMES", "k", 43),
            Event::Decoded("k".into(), 49),
            Event::End(49),
            begin("ARGS_POST", "k", 49),
            Event::Bytes("v".into(), 49),
            Event::End(57),
            begin("FILES_COMBINED_SIZE", "", 57),
            Event::Decoded("0".into(), 57),
            Event::End(57),
        ]
    );
}

#[test]
fn names_and_file_names_are_read_as_browsers_write_them() {
    let cases: &[(&str, &str, Option<&str>)] = &[
        (r#"form-data; name="a""#, "a", None),
        (r#"Form-Data;NAME="a""#, "a", None),
        (r#"form-data; name=a"#, "a", None),
        (r#"form-data; name="""#, "", None),
        (r#"form-data; name="a;b=c""#, "a;b=c", None),
        (r#"form-data; name="a\"b\\c\d""#, r#"a"b\c\d"#, None),
        (r#"form-data; name="a%22b""#, "a%22b", None),
        (r#"form-data; name="a"; filename="C:\dir\x.php""#, "a", Some(r"C:\dir\x.php")),
        (r#"form-data; name="a"; filename="""#, "a", Some("")),
        (r#"form-data; filename="f"; name="a";"#, "a", Some("f")),
        (r#"form-data; name="a"; size=3"#, "a", None),
    ];
    for (disposition, name, filename) in cases {
        let recorder = part(disposition);
        assert_eq!(recorder.findings(), [], "{disposition}");
        let expected = match filename {
            None => vec![row("ARGS_POST_NAMES", name, name), row("ARGS_POST", name, "x")],
            Some(filename) => vec![
                row("FILES", name, filename),
                row("FILES_NAMES", name, name),
                row("FILES_TMP_CONTENT", name, "x"),
                row("FILES_SIZES", name, "1"),
            ],
        };
        assert_eq!(fields(&recorder), expected, "{disposition}");
    }
}

#[test]
fn odd_dispositions_are_a_finding_and_inspected() {
    let cases = [
        (r#"form-data; name='a'"#, "a"),
        (r#"form-data; name="a"; name="b""#, "a"),
        (r#"form-data; name="a"; filename="f"; filename="g""#, "a"),
        (r#"form-data; name="a"; filename*=UTF-8''f"#, "a"),
        (r#"form-data; name="a"; filename*0="f""#, "a"),
        (r#"form-data; name="a" x; y=z"#, "a"),
        (r#"form-data; name="a"#, "a"),
        (r#"form-data; name=a b"#, "a b"),
        (r#"form-data; name ="a""#, "a"),
        (r#"form-data; name="a"; filename"#, "a"),
        (r#"attachment; name="a""#, "a"),
        (r#"form-data"#, ""),
        (r#"form-data; filename="f""#, ""),
    ];
    for (disposition, name) in cases {
        let recorder = part(disposition);
        assert_eq!(recorder.findings().len(), 1, "{disposition}");
        assert_eq!(recorder.findings()[0].0, "parse-multipart", "{disposition}");
        let content = fields(&recorder).into_iter().find(|row| row.2 == "x").unwrap();
        assert_eq!(content.1, name, "{disposition}");
    }
    let both = part(r#"form-data; name="a"; filename="f"; filename="g""#);
    let files: Vec<Row> = fields(&both).into_iter().filter(|row| row.0 == "FILES").collect();
    assert_eq!(files, [row("FILES", "a", "f"), row("FILES", "a", "g")]);
}

const HEAD: &str = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n";

#[test]
fn odd_structure_is_a_finding_where_it_stands() {
    let head = HEAD.len() as u64;
    type Case = (String, u64, &'static [(&'static str, &'static str)]);
    let cases: &[Case] = &[
        // Text before and behind.
        (format!("hi\r\n{HEAD}x\r\n--b--"), 0, &[("REQUEST_BODY", "hi"), ("ARGS_POST", "x")]),
        (format!("\r\n{HEAD}x\r\n--b--"), 6, &[("ARGS_POST", "x")]),
        (
            format!("{HEAD}x\r\n--b--\r\nevil"),
            head + 10,
            &[("ARGS_POST", "x"), ("REQUEST_BODY", "evil")],
        ),
        (format!("{HEAD}x\r\n--b-- "), head + 8, &[("ARGS_POST", "x"), ("REQUEST_BODY", " ")]),
        // Never closed.
        (format!("{HEAD}x"), head + 1, &[("ARGS_POST", "x")]),
        (format!("{HEAD}x\r\n--b"), head + 6, &[("ARGS_POST", "x\r\n--b")]),
        (format!("{HEAD}x\r\n--b-"), head + 7, &[("ARGS_POST", "x\r\n--b-")]),
        (format!("{HEAD}x\r\n--b\r"), head + 7, &[("ARGS_POST", "x\r\n--b\r")]),
        (format!("{HEAD}x\r\n--b "), head + 6, &[("ARGS_POST", "x")]),
        (format!("{HEAD}x\r\n--b\r\n"), head + 8, &[("ARGS_POST", "x")]),
        ("--b\r\nX: y\r\nZ".into(), 12, &[]),
        ("no boundary".into(), 0, &[("REQUEST_BODY", "no boundary")]),
        // Boundary lines that go on.
        (format!("{HEAD}x\r\n--bc\r\n--b--"), head + 6, &[("ARGS_POST", "x\r\n--bc")]),
        (format!("{HEAD}x\r\n--b-c\r\n--b--"), head + 7, &[("ARGS_POST", "x\r\n--b-c")]),
        (format!("{HEAD}x\r\n--b\rc\r\n--b--"), head + 7, &[("ARGS_POST", "x\r\n--b\rc")]),
        (format!("{HEAD}x\r\n--b\r\r\n--b--"), head + 7, &[("ARGS_POST", "x\r\n--b\r")]),
        (
            format!("{HEAD}x\r\n--b \t\r\n\r\ny\r\n--b--"),
            head + 6,
            &[("ARGS_POST", "x"), ("ARGS_POST", "y")],
        ),
        (format!("{HEAD}x\r\n--b z"), head + 6, &[("ARGS_POST", "x"), ("REQUEST_BODY", "z")]),
        // Bare line feeds.
        (format!("{HEAD}x\n--b--"), head + 6, &[("ARGS_POST", "x")]),
        (HEAD.replacen("\r\n", "\n", 1) + "x\r\n--b--", 3, &[("ARGS_POST", "x")]),
        (
            "--b\r\nContent-Disposition: form-data; name=a\n\r\nx\r\n--b--".into(),
            43,
            &[("ARGS_POST", "x")],
        ),
        // No content at all, not even an empty one.
        (format!("{HEAD}--b--"), head + 4, &[("ARGS_POST", "")]),
        // A boundary among the headers.
        ("--b\r\nX: y\r\n--b--\r\nz".into(), 11, &[("REQUEST_BODY", "--b--\r\nz")]),
    ];
    for (body, at, expected) in cases {
        let recorder = form(body);
        assert_eq!(recorder.findings(), [("parse-multipart", *at)], "{body:?}");
        let contents: Vec<(&str, String)> = fields(&recorder)
            .into_iter()
            .filter(|row| matches!(row.0, "ARGS_POST" | "REQUEST_BODY"))
            .map(|row| (row.0, row.2))
            .collect();
        let expected: Vec<(&str, String)> =
            expected.iter().map(|(collection, value)| (*collection, (*value).to_owned())).collect();
        assert_eq!(contents, expected, "{body:?}");
    }
}

#[test]
fn odd_header_lines_are_a_finding_and_inspected() {
    let cases = [
        "X: folded\r\n line",
        "no colon",
        ": no name",
        "X : y",
        "X\u{1}: y",
        "X: \0",
        "X: a\rb",
        "X\u{e9}: y",
        "Content-Disposition: form-data; name=c",
    ];
    for line in cases {
        let body = format!(
            "--b\r\nContent-Disposition: form-data; name=a\r\n{line}\r\n\r\nx\r\n--b--\r\n"
        );
        let recorder = form(&body);
        let at = if line.starts_with("X: folded") { 56 } else { 45 };
        assert_eq!(recorder.findings(), [("parse-multipart", at)], "{line:?}");
        let lines: Vec<Row> =
            recorder.rows().into_iter().filter(|row| row.0 == "MULTIPART_PART_HEADERS").collect();
        assert_eq!(lines[1].2, latin1(line.as_bytes()), "{line:?}");
        assert!(fields(&recorder).contains(&row("ARGS_POST", "a", "x")), "{line:?}");
    }
}

#[test]
fn a_multipart_in_a_part_is_one_field() {
    let body = "--b\r\nContent-Disposition: form-data; name=a\r\nContent-Type: Multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n--b--";
    let recorder = form(body);
    assert_eq!(recorder.findings(), [("parse-multipart-nested", 45)]);
    assert!(fields(&recorder).contains(&row("ARGS_POST", "a", "--c\r\n\r\nx\r\n--c--")));
}

#[test]
fn mixed_parts_are_uploads() {
    let body =
        b"--b\r\n\r\nx\r\n--b\r\nContent-Disposition: attachment; filename=f\r\n\r\nyz\r\n--b--";
    let recorder =
        assert_chunking(body, |pieces| run(Multipart::mixed(b"b", &Limits::default()), pieces));
    assert_eq!(recorder.findings(), []);
    let expected = [
        row("FILES_TMP_CONTENT", "", "x"),
        row("FILES_SIZES", "", "1"),
        row("FILES", "", "f"),
        row("FILES_TMP_CONTENT", "", "yz"),
        row("FILES_SIZES", "", "2"),
    ];
    assert_eq!(fields(&recorder), expected);
    assert_eq!(recorder.rows().last(), Some(&row("FILES_COMBINED_SIZE", "", "3")));
}

#[test]
fn odd_boundaries_are_a_finding() {
    let limits = Limits::default();
    let long = "b".repeat(71);
    for boundary in ["", long.as_str(), "a\nb"] {
        let recorder = with(boundary.as_bytes(), &limits, b"--x\r\n\r\n");
        assert_eq!(recorder.findings(), [("parse-multipart", 0)], "{boundary}");
        assert_eq!(fields(&recorder), [row("REQUEST_BODY", "", "--x\r\n\r\n")], "{boundary}");
    }
    // Parsers cut or trim these differently; ours does not.
    for boundary in ["a b", "a\"b", "a\u{e9}", "a;b"] {
        let body = HEAD.replace("--b", &format!("--{boundary}")) + &format!("x\r\n--{boundary}--");
        let recorder = with(boundary.as_bytes(), &limits, body.as_bytes());
        assert_eq!(recorder.findings(), [("parse-multipart", 0)], "{boundary}");
        assert!(fields(&recorder).contains(&row("ARGS_POST", "a", "x")), "{boundary}");
    }
    let full = "'()+_,-./:=?".to_owned() + &"9".repeat(58);
    let body = HEAD.replace("--b", &format!("--{full}")) + &format!("x\r\n--{full}--");
    assert_eq!(with(full.as_bytes(), &limits, body.as_bytes()).findings(), []);
    assert_eq!(form("").findings(), []);
}

#[test]
fn limits_are_told_and_everything_is_inspected() {
    let parts = Limits { parts: 2, fields: 3, ..Limits::default() };
    let body = HEAD.repeat(5).replace("\r\n\r\n", "\r\n\r\nx\r\n") + "--b--";
    let recorder = with(b"b", &parts, body.as_bytes());
    let each = HEAD.len() as u64 + 3;
    let expected = [("limit-parts", 2 * each + 5), ("limit-fields", 3 * each + 5)];
    assert_eq!(recorder.findings(), expected);
    assert_eq!(fields(&recorder).iter().filter(|row| row.2 == "x").count(), 5);

    let headers = Limits { part_headers: 20, ..Limits::default() };
    let recorder = with(b"b", &headers, b"--b\r\nX: 45678\r\nY: 3456789\r\n\r\nx");
    assert_eq!(recorder.findings(), [("limit-parts", 25), ("parse-multipart", 5)]);
    let expected = [
        row("MULTIPART_PART_HEADERS", "", "X: 45678"),
        row("MULTIPART_PART_HEADERS", "", "Y: 3456789"),
        row("REQUEST_BODY", "", "\r\n\r\nx"),
        row("FILES_COMBINED_SIZE", "", "0"),
    ];
    assert_eq!(recorder.rows(), expected);

    let name = Limits { field_name: 3, ..Limits::default() };
    let body = HEAD.replace("\"a\"", "\"abcd\"") + "x\r\n--b--";
    let recorder = with(b"b", &name, body.as_bytes());
    assert_eq!(recorder.findings(), [("limit-name", 5)]);
    let expected = [row("ARGS_POST_NAMES", "abc", "abcd"), row("ARGS_POST", "abc", "x")];
    assert_eq!(fields(&recorder), expected);
}

/// Content full of what is almost a boundary, at every cut; against a plain search of the whole.
#[test]
fn content_ends_at_the_first_boundary_however_it_is_cut() {
    let alphabet =
        ["\r", "\n", "\r\n", "-", "--", "a", "ab", "\r\n--", "\r\n--a", "\r\n--aba", "x"];
    for seed in 0..4_000 {
        let mut random = Random::new(seed);
        let content: String = (0..random.below(14)).map(|_| random.pick(&alphabet)).collect();
        // These have findings and cases of their own.
        if content.contains("\n--abab") || content.starts_with("--abab") {
            continue;
        }
        let head = HEAD.replace("--b", "--abab");
        let body = format!("{head}{content}\r\n--abab--\r\n");
        let recorder = with(b"abab", &Limits::default(), body.as_bytes());
        assert_eq!(recorder.findings(), [], "{content:?}");
        assert_eq!(fields(&recorder)[1], row("ARGS_POST", "a", &content));
    }
}

/// Every byte of a broken body is seen in some value, but for blanks behind a boundary.
#[test]
fn random_bodies_do_not_panic_and_lose_nothing() {
    let alphabet = [
        "--b",
        "\r\n",
        "\n",
        "\r",
        "--",
        "-",
        "\r\n--b\r\n",
        "\r\n\r\n",
        "X: y\r\n",
        "zq",
        ":",
        "Content-Disposition: form-data; name=\"k\"",
        "; filename=\"f\"",
        "\"",
        "'",
        ";",
        "\0",
        "é",
    ];
    for seed in 0..4_000 {
        let mut random = Random::new(seed);
        let body: String = (0..random.below(24)).map(|_| random.pick(&alphabet)).collect();
        let recorder = form(&body);
        let seen: usize = recorder.rows().iter().map(|row| row.2.matches("zq").count()).sum();
        assert!(seen >= body.matches("zq").count(), "{body:?}");
    }
}

#[test]
fn long_contents_come_out_as_they_go_in() {
    let mut recorder = Recorder::default();
    let mut multipart = Multipart::new(b"b", &Limits::default());
    multipart.feed(HEAD.as_bytes(), &mut recorder);
    let before = recorder.value_bytes;
    let mut piece = [b'x'; 1024];
    // The last bytes may begin a boundary: no more than it has are held.
    piece[1019..].copy_from_slice(b"\r\n--x");
    for kib in 1..=1024 {
        multipart.feed(&piece, &mut recorder);
        assert_eq!(recorder.value_bytes - before, kib * 1024);
    }
    multipart.feed(b"\r\n--", &mut recorder);
    assert_eq!(recorder.value_bytes - before, 1024 * 1024);
}

/// Calls do not grow with almost-boundaries that lie whole in a piece.
#[test]
fn almost_boundaries_cost_no_calls() {
    let body = HEAD.to_owned() + &"\r\n--a\r\n--\n\r\r\n".repeat(10_000);
    let calls = run(Multipart::new(b"b", &Limits::default()), &[body.as_bytes()]).calls;
    assert!(calls < 20, "{calls}");
    let many = HEAD.repeat(1_000);
    let calls = run(Multipart::new(b"b", &Limits::default()), &[many.as_bytes()]).calls;
    assert!(calls < 20_000, "{calls}");
}
