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
use waf_core::limits::Limits;
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
/// handler; later libinjection has a list, and so have we. So where only that C code sees cross-site
/// scripting, it is asked again without the names that are not in the list.
fn compare(oracle: &Oracle, values: &[Vec<u8>]) {
    let mut tally = Tally::default();
    tally.compare(oracle, values);
    tally.tell();
}

/// What came of comparisons.
#[derive(Default)]
struct Tally {
    values: usize,
    sqli: usize,
    xss: usize,
    /// Values with names that are not in the list of events.
    unlisted: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn compare(&mut self, oracle: &Oracle, values: &[Vec<u8>]) {
        self.values += values.len();
        let mut different = Vec::new();
        for (value, theirs) in values.iter().zip(ask(oracle, values)) {
            let sqli = detect_sqli(value).map(|found| found.to_string());
            let ours = Answer { sqli, xss: detect_xss(value) };
            self.sqli += usize::from(ours.sqli.is_some());
            self.xss += usize::from(ours.xss);
            if ours != theirs {
                different.push((value, ours.sqli == theirs.sqli, ours.xss));
            }
        }
        let renamed: Vec<_> = different.iter().map(|(value, ..)| without_unlisted(value)).collect();
        for ((value, same_sqli, xss), theirs) in different.iter().zip(ask(oracle, &renamed)) {
            if !same_sqli || *xss != theirs.xss || oracle.is_newest() {
                self.wrong.push(value.get(..400).unwrap_or(value).escape_ascii().to_string());
            } else {
                self.unlisted += 1;
            }
        }
    }

    fn tell(self) {
        let Self { values, sqli, xss, unlisted, wrong } = self;
        eprintln!("{values} values: {sqli} sqli, {xss} xss; {unlisted} by unlisted names");
        assert!(wrong.is_empty(), "{} values differ:\n{}", wrong.len(), wrong.join("\n"));
    }
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
        let end = name.iter().position(|byte| b" \t\n\x0b\x0c\r/=>\"'`".contains(byte));
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
            values.extend(waf_corpus::reference::texts(&request, &Limits::default()));
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
    // As much as the scan gives at once by default.
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
    let mut values = generated(SQL, 100_000, 1);
    values.extend(generated(HTML, 100_000, 2));
    compare(&oracle, &values);
}

/// Many more, in batches: `GENERATED=20000000 cargo test -p waf-corpus --release --test injection
/// -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes"]
fn millions_of_generated_values_as_in_c() {
    const BATCH: usize = 100_000;
    let Some(oracle) = Oracle::injection() else { return };
    let count = std::env::var("GENERATED").map_or(20_000_000, |count| count.parse().unwrap());
    let mut random = Random::new(5);
    let recorded: Vec<_> = recorded().into_iter().filter(|value| value.len() < 500).collect();
    let mut tally = Tally::default();
    for seed in 0..(count / BATCH / 4) as u64 {
        tally.compare(&oracle, &generated(SQL, 2 * BATCH, 10 + 2 * seed));
        tally.compare(&oracle, &generated(HTML, BATCH, 11 + 2 * seed));
        let changed = (0..BATCH).map(|_| changed(&mut random, &recorded)).collect::<Vec<_>>();
        tally.compare(&oracle, &changed);
    }
    tally.tell();
}

/// Every token alone, every two, and every two after a third that changes how they are read.
#[test]
fn all_pairs_of_tokens_as_in_c() {
    let Some(oracle) = Oracle::injection() else { return };
    let sql = [&b""[..], b"1 ", b"1' ", b"a=\"", b"x;"];
    let html = [&b""[..], b"<a ", b"' ", b"<a href=", b"<!--"];
    let mut values = Vec::new();
    for (pieces, before) in [(SQL, sql), (HTML, html)] {
        let after = [&[&b""[..]], pieces].concat();
        let pairs = pieces.iter().flat_map(|first| after.iter().map(move |second| (first, second)));
        for (&first, &second) in pairs {
            for joint in [&b""[..], b" "] {
                values.extend(before.map(|before| [before, first, joint, second].concat()));
            }
        }
    }
    compare(&oracle, &values);
}

/// One word for each kind of token and for each word that folding asks for, in every order of three.
#[test]
fn all_triples_of_words_as_in_c() {
    let Some(oracle) = Oracle::injection() else { return };
    let words = [
        &b"a"[..],
        b"1",
        b"'a'",
        b"@a",
        b"or",
        b"=",
        b"-",
        b"not",
        b"like",
        b"in",
        b"select",
        b"union",
        b"all",
        b"limit",
        b"by",
        b"from",
        b"into",
        b"outfile",
        b"int",
        b"sleep",
        b"user",
        b"exec",
        b"collate",
        b"a_b",
        b"if",
        b"(",
        b")",
        b"{",
        b"}",
        b",",
        b".",
        b";",
        b":",
        b"::",
        b"\\",
        b"?",
        b"/**/",
        b"--",
        b"#",
        b"`",
        b"``",
        b"[a]",
        b"sp_password",
        b"lock",
        b"current",
    ];
    let mut values = Vec::new();
    for first in words {
        for second in words {
            for third in words {
                values.push([first, b" ", second, b" ", third].concat());
                values.push([b"1 ", first, b" ", second, b" ", third, b" 1"].concat());
            }
        }
    }
    compare(&oracle, &values);
}

/// Recorded values with a few bytes changed: nearer to what is sent than what is put together.
#[test]
fn changed_values_as_in_c() {
    let Some(oracle) = Oracle::injection() else { return };
    let mut random = Random::new(3);
    let recorded: Vec<_> = recorded().into_iter().filter(|value| value.len() < 500).collect();
    let values: Vec<_> = (0..50_000).map(|_| changed(&mut random, &recorded)).collect();
    compare(&oracle, &values);
}

fn changed(random: &mut Random, recorded: &[Vec<u8>]) -> Vec<u8> {
    let pieces = if random.once_in(2) { SQL } else { HTML };
    let value = random.below(recorded.len());
    random.mutate(&recorded[value], pieces)
}

/// Words of more than a kilobyte, which libinjection looks up again and again.
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
