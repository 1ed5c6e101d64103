//! Rules of every shape over random requests: the engine against the reference engine, at every
//! kind of cut, with small windows too.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected should stop"
)]

mod common;

use common::bodies::{self, FORM, JSON, MULTIPART, PLAIN, XML};
use common::compare::Engines;
use waf_core::policy::PolicySettings;
use waf_core::record::Mode;
use waf_core::source::Source;
use waf_corpus::{Cut, Request};

/// `score`, `targets`, `match` and so on of one rule each.
const RULES: [&str; 36] = [
    "targets: [ARGS]\nmatch: {rx: 'a+b'}",
    "targets: [ARGS]\nmatch: {rx: 'ab|abc|c$'}",
    "targets: [ARGS, ARGS_NAMES]\ntransform: [lowercase]\nmatch: {rx: '^\\s*b'}",
    "targets: [ARGS]\ntransform: [compress_whitespace, replace_comments]\nmatch: {rx: 'a b\\b'}",
    "targets: [ARGS]\ntransform: [remove_whitespace]\nmatch: {contains: abc}",
    "targets: [ARGS, REQUEST_BODY]\ntransform: [url_decode_uni]\nmatch: {pm: [abc, bc, CAB]}",
    "targets: [ARGS]\ntransform: [html_entity_decode]\nmatch: {begins_with: '<a'}",
    "targets: [ARGS]\nmatch: {ends_with: ab}",
    "targets: [ARGS]\nmatch: {streq: ''}",
    "targets: [ARGS]\nmatch: {within: 'abcab c'}",
    "targets: [ARGS]\nmatch: {eq: 12}",
    "targets: [ARGS]\nmatch: {gt: 12}",
    "targets: [ARGS]\nmatch: {le: -1}",
    "targets: [ARGS]\nmatch: {ip_match: ['10.0.0.0/8', '::1']}",
    "targets: [ARGS]\nmatch: {validate_byte_range: '32-126'}",
    "targets: [ARGS]\nmatch: {validate_url_encoding: true}",
    "targets: [ARGS, FILES_TMP_CONTENT]\nmatch: {validate_utf8_encoding: true}",
    "targets: [ARGS]\ntransform: [normalize_path]\nmatch: {contains: /b}",
    "targets: [ARGS]\ntransform: [length]\nmatch: {ge: 20}",
    "targets: [ARGS]\ntransform: [base64_decode]\nmatch: {rx: 'i'}",
    "targets: ['&ARGS']\nmatch: {ge: 3}",
    "targets: ['&ARGS:a']\nmatch: {eq: 2}",
    "targets: [ARGS, '!ARGS:/^b/']\nmatch: {contains: c}",
    "targets: ['ARGS_POST:$.a[*].b', 'XML:/*']\nmatch: {contains: a}",
    "targets: ['XML://@*', 'ARGS:json.a.array_0']\nmatch: {contains: b}",
    "targets: [ARGS]\nmatch: {all: [{contains: ab}, {targets: [ARGS_NAMES], contains: b}]}",
    "targets: [ARGS]\nmatch: {any: [{contains: cc}, {all: [{contains: bb}, {contains: aa}]}]}",
    "targets: [ARGS]\nmatch: {all: [{contains: a}, {not: {contains: b}}]}",
    "targets: [ARGS]\nmatch: {same_value: true, all: [{contains: a}, {not: {contains: b}}]}",
    "targets: [ARGS]\nmatch: {same_value: true, all: [{contains: b}, {any: [{rx: 'c$'}, {contains: '%'}]}]}",
    "targets: [REQUEST_HEADERS, QUERY_STRING]\nphase: request_body\nmatch: {contains: b}",
    "targets: [REQUEST_METHOD]\nmode: detect\nmatch: {streq: POST}",
    "targets: [ARGS_COMBINED_SIZE, REQUEST_BODY_LENGTH]\nparanoia: 2\nmatch: {gt: 40}",
    "targets: [FILES, FILES_TMP_CONTENT]\naction: block\nmatch: {contains: cab}",
    "targets: [ARGS]\nmatch: {same_value: true, all: [{rx: '[ab].*c'}, {transform: [html_entity_decode, url_decode_uni], rx: '^a|[<A]'}, {any: [{pm: [bb, cc]}, {transform: [remove_whitespace], rx: 'b+c'}]}]}",
    "targets: [ARGS, REQUEST_BODY]\nmatch: {same_value: true, all: [{any: [{rx: 'a+b'}, {rx: '^[^b]*a'}]}, {any: [{detect_xss: true}, {rx: 'b$'}]}]}",
];

const EXCLUSIONS: &str = "
- {rule: test-0, targets: ['ARGS:b'], reason: r, owner: o, expires: 2099-01-01}
- {rule: test-5, targets: ['ARGS:a'], characters: 'abc', reason: r, owner: o, expires: 2099-01-01}
- {rule: test-28, targets: ['ARGS:/c/'], characters: 'a-z', reason: r, owner: o, expires: 2099-01-01}
- {rule: test-20, whole_rule: true, path: /p, methods: [PUT], reason: r, owner: o, expires: 2099-01-01}
";

/// Engines with this much of a value kept whole.
fn engines(mode: Mode, window: usize) -> Engines {
    let texts = RULES.iter().enumerate().map(|(number, more)| {
        let score = if more.contains("score") { "" } else { "score: 1\n" };
        format!(
            "id: test-{number}\nname: A test\nwhy: It is one.\nreferences: [CWE-1]\n\
             severity: notice\n{score}{more}\ntests: {{attack: [\"x\"], benign: [\"y\"]}}\n"
        )
    });
    let texts: Vec<String> = texts.collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let source = Source::new("exclusions/test.yaml", EXCLUSIONS);
    let exclusions = waf_core::yaml::exclusions(&source).unwrap_or_else(|r| panic!("{r:#?}"));
    let mut settings =
        PolicySettings { mode, detection_paranoia: 2, exclusions, ..PolicySettings::default() };
    settings.limits.field_window = window;
    Engines::new(&common::policy(common::rules(&texts), settings))
}

/// splitmix64, by Sebastiano Vigna (public domain).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as usize % bound
    }

    /// Words that the rules ask for, whole and broken.
    fn text(&mut self) -> String {
        const WORDS: [&str; 26] = [
            "a", "b", "c", "ab", "abc", "cab", " ", "  ", "aa", "bb", "cc", "B", "/*", "*/", "%41",
            "%", "&lt;a", "12", "-3", "/../b", "/./", "10.1.2.3", "\u{e9}", "YWJj", "<a", "\t",
        ];
        (0..self.below(7)).map(|_| WORDS[self.below(WORDS.len())]).collect()
    }

    fn name(&mut self) -> &'static str {
        ["a", "b", "c", "ab", "B"][self.below(5)]
    }

    fn request(&mut self, id: &str) -> Request {
        let mut request = match self.below(6) {
            0 => bodies::post(id, JSON, self.json(0)),
            1 => {
                let text = |random: &mut Self| random.text().replace(['<', '&'], "");
                let (one, other) = (text(self), text(self));
                bodies::post(id, XML, format!("<a><b>{one}</b><c d=\"{other}\">&lt;a</c></a>"))
            }
            2 => {
                let (name, file) = (self.name(), ["", "; filename=\"cab\""][self.below(2)]);
                let head = format!("Content-Disposition: form-data; name=\"{name}\"{file}");
                let body = format!("--b\r\n{head}\r\n\r\n{}\r\n--b--\r\n", self.text());
                bodies::post(id, MULTIPART, body)
            }
            3 => bodies::post(id, PLAIN, self.text()),
            _ => bodies::post(id, FORM, self.form()),
        };
        request.head.method = [&b"POST"[..], b"PUT"][self.below(2)].to_vec();
        request.head.target = format!("/p?{}", self.form().replace(' ', "+")).into_bytes();
        request
    }

    fn form(&mut self) -> String {
        let pairs = (0..self.below(4)).map(|_| format!("{}={}", self.name(), self.text()));
        pairs.collect::<Vec<_>>().join("&")
    }

    fn json(&mut self, depth: usize) -> String {
        match self.below(if depth > 3 { 2 } else { 4 }) {
            0 => serde_json::Value::from(self.text()).to_string(),
            1 => self.below(30).to_string(),
            2 => format!("[{},{}]", self.json(depth + 1), self.json(depth + 1)),
            _ => format!("{{\"{}\":{}}}", self.name(), self.json(depth + 1)),
        }
    }
}

#[test]
fn random_requests() {
    let mut random = Random(1);
    let requests: Vec<Request> = (0..3_000).map(|n| random.request(&n.to_string())).collect();
    for (mode, window) in [(Mode::Detect, 128 * 1024), (Mode::Block, 128 * 1024), (Mode::Detect, 4)]
    {
        let mut engines = engines(mode, window);
        let mut matches = vec![0; RULES.len()];
        let mut differences = Vec::new();
        for (number, request) in requests.iter().enumerate() {
            let judged = engines.judge(request);
            for matched in &judged.matches {
                let number: usize = matched.id.strip_prefix("test-").unwrap().parse().unwrap();
                matches[number] += 1;
            }
            for cut in [Cut::Whole, Cut::Every(1), Cut::Random(number as u64)] {
                let found = engines.differences(request, &judged, cut);
                let body = String::from_utf8_lossy(&request.body);
                let target = String::from_utf8_lossy(&request.head.target);
                differences.extend(found.iter().map(|d| format!("{d}\n  {target} {body:?}")));
            }
            assert!(differences.len() < 12, "{mode:?} {window}\n{}", differences.join("\n"));
        }
        assert!(differences.is_empty(), "{mode:?} {window}\n{}", differences.join("\n"));
        assert!(matches.iter().all(|count| *count > 0), "{mode:?} {matches:?}");
    }
}
