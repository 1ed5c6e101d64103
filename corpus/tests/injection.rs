//! `detect_sqli` and `detect_xss` answer as libinjection's C code does, fingerprints included.
//!
//! Over every value of the recorded requests and of the regression suites on this machine, and over
//! values made of what the tokenizers look at.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod crs;
mod oracle;

use std::collections::BTreeSet;
use std::path::PathBuf;

use oracle::random::Random;
use oracle::{Answers, Oracle, push_text};
use waf_core::operator::{detect_sqli, detect_xss};

/// What either says of a value.
#[derive(Debug, PartialEq)]
struct Answer {
    sqli: Option<String>,
    xss: bool,
}

/// Compares all of `values`.
///
/// The C code of Debian's ModSecurity takes every attribute that begins with `on` for an event
/// handler; later libinjection, and our port, has a list. So where only C sees cross-site
/// scripting, it is asked again without the names that are not in the list.
fn compare(oracle: &Oracle, values: &[Vec<u8>]) {
    let (mut sqli, mut xss) = (0, 0);
    let mut different = Vec::new();
    for (value, theirs) in values.iter().zip(ask(oracle, values)) {
        let ours = Answer { sqli: detect_sqli(value), xss: detect_xss(value) };
        sqli += usize::from(ours.sqli.is_some());
        xss += usize::from(ours.xss);
        if ours != theirs {
            different.push((value, ours.sqli == theirs.sqli, ours.xss));
        }
    }
    let renamed: Vec<_> = different.iter().map(|(value, ..)| without_unlisted(value)).collect();
    let mut wrong = Vec::new();
    for ((value, same_sqli, xss), theirs) in different.iter().zip(ask(oracle, &renamed)) {
        if !same_sqli || *xss != theirs.xss {
            wrong.push(value.get(..400).unwrap_or(value).escape_ascii().to_string());
        }
    }
    let unlisted = different.len() - wrong.len();
    eprintln!("{} values: {sqli} sqli, {xss} xss; {unlisted} by unlisted names", values.len());
    assert!(wrong.is_empty(), "{} values differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn ask(oracle: &Oracle, values: &[Vec<u8>]) -> Vec<Answer> {
    let mut question = Vec::new();
    values.iter().for_each(|value| push_text(&mut question, value));
    let mut answers = Answers::new(oracle.ask(&question));
    let told: Vec<_> = values.iter().map(|_| answer(&mut answers)).collect();
    assert!(answers.is_empty());
    told
}

/// The value with `no` for `on` where the name that begins there is none of an event.
fn without_unlisted(value: &[u8]) -> Vec<u8> {
    let mut out = value.to_vec();
    for at in 0..value.len().saturating_sub(1) {
        let name = &value[at..];
        let end = name.iter().position(|byte| b" \t\n\x0b\x0c\r/=>\"'".contains(byte));
        let name = &name[..end.unwrap_or(name.len())];
        let is_on = name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(b"on"));
        if is_on && !detect_xss(&[b"<a ", name, b"=1>"].concat()) {
            out[at..at + 2].copy_from_slice(b"no");
        }
    }
    out
}

fn answer(answers: &mut Answers) -> Answer {
    let bytes = answers.bytes(16);
    let end = bytes.iter().position(|&byte| byte == 0).unwrap();
    let fingerprint = String::from_utf8(bytes[..end].to_vec()).unwrap();
    Answer { sqli: (end > 0).then_some(fingerprint), xss: bytes[15] == 1 }
}

/// Values of every request in the repository's own corpus, the corpora that `CORPORA` names, and
/// the suites of the rule sets here.
fn recorded() -> BTreeSet<Vec<u8>> {
    let own = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/data"));
    let named = std::env::var_os("CORPORA").map(PathBuf::from);
    let mut values = BTreeSet::new();
    for path in named.into_iter().chain([own]) {
        for request in waf_corpus::read(&path) {
            let request = request.unwrap();
            pieces(&request.head.target, &mut values);
            pieces(&request.body, &mut values);
            for (_, value) in &request.head.headers {
                pieces(value, &mut values);
            }
        }
    }
    values.extend(crs::folders().iter().flat_map(|folder| crs::strings(folder)));
    values
}

/// The text, what stands between its delimiters, and that decoded: arguments, cookies, paths.
fn pieces(text: &[u8], values: &mut BTreeSet<Vec<u8>>) {
    // Beyond it only the first bytes are looked at; see `limits::INJECTION_WINDOW`.
    let text = text.get(..128 * 1024).unwrap_or(text);
    values.insert(text.to_vec());
    for delimiters in [&b"&=?;"[..], b"\r\n", b"\"<>{},", b"/"] {
        for piece in text.split(|byte| delimiters.contains(byte)) {
            values.insert(piece.to_vec());
            values.insert(crs::decode(piece));
        }
    }
}

#[test]
fn recorded_values_as_in_c() {
    let Some(oracle) = Oracle::injection() else { return };
    let values: Vec<_> = recorded().into_iter().collect();
    assert!(values.len() > 1_000, "{}", values.len());
    compare(&oracle, &values);
}

/// What the tokenizers of SQL look at.
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
    b"0x1f",
    b"0b1",
    b"1e",
    b"1",
    b"1.",
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
    b"\t",
    b"union",
    b" select ",
    b" or ",
    b"and",
    b"n'",
    b"q'(",
    b"nq'",
    b"u&'",
    b"x'",
    b"e'",
    b"b'",
    b"if",
    b"in ",
    b"like",
    b"sp_password",
    b";",
    b"=",
    b"<",
    b"!",
    b"||",
    b"&&",
    b"%",
    b"^",
    b"~",
    b"-",
    b"+",
    b"*",
    b"/",
    b":",
    b"?",
    b" collate ",
    b"user",
    b"by",
    b"not ",
    b"from",
    b"where",
    b"order",
    b"group",
    b"having",
    b"into outfile",
    b"lock in share mode",
    b"case",
    b"when",
    b"null",
    b"is",
    b"sleep(5)",
    b"version()",
    b"a",
    b"utf8_bin",
    b"_latin1",
    b"as",
    b"drop",
    b"table",
    b"insert",
    b"waitfor delay",
    b"limit",
    b"::",
    b":=",
    b"<=>",
    b"xor",
    b"cast",
];

/// What the tokenizer of HTML and the lists behind it look at.
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
    b"onclick",
    b"style",
    b"href",
    b"javascript:",
    b"java\tscript:",
    b"&#",
    b"&#x",
    b"106",
    b"6a",
    b";",
    b"svg",
    b"xmlns",
    b"xlink:href",
    b"attributename",
    b"[if",
    b"xml",
    b"import",
    b"entity",
    b"data:",
    b"vbscript:",
    b"view-source:",
    b"&#9999999999",
    b"iframe",
    b"a",
    b"formaction",
    b"\t",
    b"\n",
    b"\x0c",
    b"src",
    b"x",
    b"action",
    b"by",
    b"from",
    b"to",
    b"values",
    b"handler",
    b"dynsrc",
    b"background",
    b"poster",
    b"meta",
    b"object",
    b"xsl:",
    b"\x00on",
];

/// Values put together of `pieces`, and changed.
fn generated(pieces: &[&[u8]], count: usize, seed: u64) -> Vec<Vec<u8>> {
    let mut random = Random::new(seed);
    let mut made = Vec::with_capacity(count);
    for _ in 0..count {
        let length = 1 + random.below(9);
        let value: Vec<u8> = (0..length).flat_map(|_| random.one(pieces).to_vec()).collect();
        made.push(if random.once_in(3) { random.mutate(&value, pieces) } else { value });
    }
    made
}

#[test]
fn generated_values_as_in_c() {
    let Some(oracle) = Oracle::injection() else { return };
    let count = std::env::var("GENERATED").map_or(100_000, |count| count.parse().unwrap());
    let mut values = generated(SQL, count, 1);
    values.extend(generated(HTML, count, 2));
    compare(&oracle, &values);
}

/// Recorded values with a few bytes changed: nearer to what is sent than what is put together.
#[test]
fn changed_values_as_in_c() {
    let Some(oracle) = Oracle::injection() else { return };
    let mut random = Random::new(3);
    let recorded: Vec<_> = recorded().into_iter().filter(|value| value.len() < 500).collect();
    let mut change = || {
        let pieces = if random.once_in(2) { SQL } else { HTML };
        let value = random.below(recorded.len());
        random.mutate(&recorded[value], pieces)
    };
    let values: Vec<_> = (0..50_000).map(|_| change()).collect();
    compare(&oracle, &values);
}

/// Words of more than a kilobyte, which the port would take too long for; see
/// `operator/injection.rs`.
#[test]
fn long_words_as_in_c() {
    let Some(oracle) = Oracle::injection() else { return };
    let mut random = Random::new(4);
    let mut values = Vec::new();
    for alphabet in [&b"ab."[..], b"ab.`", b"a.", b"a`", b"select.", b"1.", b"a.'", b"a_.$@"] {
        for _ in 0..400 {
            let length = 900 + random.below(2_000);
            let word: Vec<u8> = (0..length).map(|_| *random.one(alphabet)).collect();
            let mut piece =
                || (0..random.below(4)).flat_map(|_| random.one(SQL).to_vec()).collect();
            let (before, after): (Vec<u8>, Vec<u8>) = (piece(), piece());
            values.push([&before[..], b" ", &word, b" ", &after].concat());
            values.push([&before[..], &word, &after].concat());
            values.push([&word[..], b"' or '1'='1"].concat());
            values.push([b"1 or ", &word[..], b" = 1 union select x from y"].concat());
        }
    }
    compare(&oracle, &values);
}
