//! Texts out of a folder of recorded requests, and made ones: the classes that are measured.

use std::collections::BTreeSet;
use std::path::Path;

use waf_core::field::Collection;
use waf_core::limits::Limits;
use waf_corpus::reference::fields;
use waf_corpus::{Request, read};

use crate::inputs;
use crate::random::Random;

const FORM: &str = "application/x-www-form-urlencoded";

/// Requests of one kind, no two alike.
pub struct Class {
    /// What they carry.
    pub name: &'static str,
    /// Made by an attacker: no bound but the loop's cost holds for it.
    pub hostile: bool,
    /// The requests.
    pub requests: Vec<Request>,
}

/// What is taken from the recorded requests.
#[derive(Default)]
pub struct Material {
    /// Short values of forms and queries.
    values: Vec<Vec<u8>>,
    /// Names of arguments.
    names: Vec<Vec<u8>>,
    english: Vec<Vec<u8>>,
    other: Vec<Vec<u8>>,
    code: Vec<Vec<u8>>,
    json: Vec<Request>,
    heads: Vec<Request>,
    attacks: Vec<Request>,
    /// Pieces of attacks, cut where words end.
    tokens: Vec<Vec<u8>>,
}

impl Material {
    /// Reads `dev-benign.jsonl.gz` and `dev-attack.jsonl.gz` of a folder.
    ///
    /// # Errors
    /// When one cannot be read, or has not the kinds of requests that are asked for.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let mut material = Self::default();
        let mut names = BTreeSet::new();
        for request in read(&folder.join("dev-benign.jsonl.gz")) {
            material.benign(request.map_err(|problem| problem.to_string())?, &mut names);
        }
        material.names = names.into_iter().collect();
        for request in read(&folder.join("dev-attack.jsonl.gz")) {
            material.attack(request.map_err(|problem| problem.to_string())?);
        }
        let mut random = Random::new(11);
        random.shuffle(&mut material.values);
        random.shuffle(&mut material.names);
        random.shuffle(&mut material.heads);
        random.shuffle(&mut material.attacks);
        let counts = [
            ("values", material.values.len()),
            ("names", material.names.len()),
            ("English texts", material.english.len()),
            ("other texts", material.other.len()),
            ("code", material.code.len()),
            ("JSON", material.json.len()),
            ("heads", material.heads.len()),
            ("attacks", material.attacks.len()),
        ];
        match counts.iter().find(|(_, count)| *count < 100) {
            Some((what, count)) => Err(format!("only {count} {what} in {}", folder.display())),
            None => Ok(material),
        }
    }

    fn benign(&mut self, request: Request, names: &mut BTreeSet<Vec<u8>>) {
        let (head, body) = fields(&request, &Limits::default());
        let arguments = |value: &&waf_corpus::reference::Value| {
            matches!(value.collection, Collection::ArgsGet | Collection::ArgsPost)
        };
        let arguments = head.iter().chain(&body).filter(arguments);
        let longest = || arguments.clone().map(|value| &value.bytes).max_by_key(|v| v.len());
        let is_json = request.head.value("content-type").is_some_and(|v| v.ends_with(b"json"));
        match (request.class.as_str(), request.source.as_str()) {
            ("text", source) => {
                let to = if source.ends_with("English-EWT") {
                    &mut self.english
                } else {
                    &mut self.other
                };
                to.extend(longest().cloned());
            }
            ("text-code" | "llm", _) => self.code.extend(longest().cloned()),
            ("api" | "webhook" | "graphql", _)
                if is_json && (500..20_000).contains(&request.body.len()) =>
            {
                self.json.push(request);
            }
            ("browse" | "browse-post" | "params", _) => {
                let short = arguments.filter(|value| (1..=100).contains(&value.bytes.len()));
                for value in short {
                    self.values.push(value.bytes.clone());
                    names.insert(value.name.clone());
                }
                if request.class == "browse" {
                    self.heads.push(request);
                }
            }
            _ => {}
        }
    }

    fn attack(&mut self, request: Request) {
        let (head, body) = fields(&request, &Limits::default());
        let arguments = head
            .iter()
            .chain(&body)
            .filter(|value| matches!(value.collection, Collection::ArgsGet | Collection::ArgsPost));
        for value in arguments.filter(|value| value.bytes.len() > 8) {
            let words = value.bytes.split_inclusive(|byte| !byte.is_ascii_alphanumeric());
            self.tokens.extend(words.filter(|word| word.len() > 1).map(<[u8]>::to_vec));
        }
        self.attacks.push(request);
    }

    /// All classes.
    pub fn classes(&self) -> Vec<Class> {
        let many = |name, requests| Class { name, hostile: false, requests };
        let hostile = |name, requests| Class { name, hostile: true, requests };
        let one = |length: usize, count: usize, from: &[Vec<u8>], seed: u64| -> Vec<Request> {
            let mut random = Random::new(seed);
            (0..count)
                .map(|_| form(&[(b"text".to_vec(), joined(&mut random, from, length, b" "))]))
                .collect()
        };
        vec![
            many(
                "form fields",
                chunks(&self.values, 20, 60, |number, value| {
                    (format!("field{number}").into_bytes(), value.to_vec())
                }),
            ),
            many(
                "argument names",
                chunks(&self.names, 40, 30, |_, name| (name.to_vec(), b"1".to_vec())),
            ),
            many(
                "JSON leaves",
                self.json.iter().step_by(self.json.len() / 40).take(40).cloned().collect(),
            ),
            many("raw JSON, 2-10 KB", self.raw_json(40)),
            many("prose, English, 4 KB", one(4_096, 40, &self.english, 21)),
            many("prose, other, 4 KB", one(4_096, 40, &self.other, 22)),
            many("HTML, 20 KB", self.html(12)),
            many("code, 50 KB", one(50_000, 6, &self.code, 23)),
            many("base64, 1 MB", vec![form(&[(b"file".to_vec(), base64(1_000_000))])]),
            many("headers", self.heads.iter().take(200).map(without_query).collect()),
            many("URIs", self.heads.iter().take(400).map(only_target).collect()),
            hostile("attacks", self.attacks.iter().take(300).cloned().collect()),
            hostile("miss-flood, 2 KB", self.flood(100, 31)),
        ]
    }

    fn raw_json(&self, count: usize) -> Vec<Request> {
        let bodies = self.json.iter().filter(|one| (2_000..10_000).contains(&one.body.len()));
        let forms = bodies.map(|one| form(&[(b"payload".to_vec(), one.body.clone())]));
        forms.take(count).collect()
    }

    /// One long value of everything.
    pub(super) fn stream(&self, length: usize, seed: u64) -> Class {
        let value = self.mixed_by(&mut Random::new(seed), length);
        let requests = vec![form(&[(b"text".to_vec(), value)])];
        Class { name: "one long mixed value, unseen", hostile: false, requests }
    }

    /// One long value of pieces of attacks.
    pub(super) fn hostile_stream(&self, length: usize, seed: u64) -> Request {
        let value = joined(&mut Random::new(seed), &self.tokens, length, b"");
        form(&[(b"text".to_vec(), value)])
    }

    /// Random splices of pieces of attacks: every value holds what no automaton has seen yet.
    pub(super) fn flood(&self, count: usize, seed: u64) -> Vec<Request> {
        let mut random = Random::new(seed);
        let value = |random: &mut Random| joined(random, &self.tokens, 2_048, b"");
        (0..count).map(|_| form(&[(b"text".to_vec(), value(&mut random))])).collect()
    }

    /// Pages with markup, attributes, a style and a script.
    fn html(&self, count: usize) -> Vec<Request> {
        let mut random = Random::new(24);
        (0..count).map(|_| form(&[(b"html".to_vec(), self.page(&mut random, 20_000))])).collect()
    }

    fn page(&self, random: &mut Random, length: usize) -> Vec<u8> {
        let mut page = b"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
            <title>Notes</title><style>p { margin: 0 1em; color: #333 }</style></head><body>\n"
            .to_vec();
        while page.len() < length {
            let text = joined(random, &self.english, 120, b" ");
            let text = String::from_utf8_lossy(&text).replace('<', "&lt;");
            let name = inputs::word(random);
            let part = match random.below(6) {
                0 => format!("<h2 id=\"{name}\">{text}</h2>\n"),
                1 => format!("<ul class='list'><li>{text}</li><li><b>{name}</b></li></ul>\n"),
                2 => format!(
                    "<a href=\"/{name}/?page={}\" title=\"{name}\">{text}</a>\n",
                    random.below(50)
                ),
                3 => format!(
                    "<img src=\"/img/{name}.png\" alt=\"{name}\" width=\"{}\">\n",
                    random.below(900)
                ),
                4 => format!(
                    "<script>var {name} = document.getElementById('{name}'); {name}.hidden = true;</script>\n"
                ),
                _ => format!("<p class=\"text\">{text}<br>\n<em>{name}</em></p>\n"),
            };
            page.extend_from_slice(part.as_bytes());
        }
        page.extend_from_slice(b"</body></html>\n");
        page
    }

    /// About so many bytes of prose, JSON, markup and code by turns.
    pub fn mixed(&self, length: usize) -> Vec<u8> {
        self.mixed_by(&mut Random::new(41), length)
    }

    fn mixed_by(&self, random: &mut Random, length: usize) -> Vec<u8> {
        let mut text = Vec::with_capacity(length + 32_768);
        while text.len() < length {
            text.extend(joined(random, &self.english, 4_096, b" "));
            text.extend_from_slice(&self.json[random.below(self.json.len())].body);
            text.extend(self.page(random, 8_192));
            text.extend(joined(random, &self.code, 8_192, b"\n"));
        }
        text.truncate(length);
        text
    }
}

/// So many bytes of base64.
pub fn base64(length: usize) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut random = Random::new(42);
    (0..length).map(|_| alphabet[random.below(64)]).collect()
}

/// Texts picked by chance until there are so many bytes, cut there.
fn joined(random: &mut Random, from: &[Vec<u8>], length: usize, between: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(length + 256);
    while text.len() < length {
        text.extend_from_slice(&from[random.below(from.len())]);
        text.extend_from_slice(between);
    }
    text.truncate(length);
    text
}

/// Forms of so many fields each.
fn chunks(
    texts: &[Vec<u8>],
    fields: usize,
    forms: usize,
    field: impl Fn(usize, &[u8]) -> (Vec<u8>, Vec<u8>),
) -> Vec<Request> {
    let filled = texts.chunks(fields).take(forms).map(|texts| {
        let fields = texts.iter().enumerate().map(|(number, text)| field(number, text));
        form(&fields.collect::<Vec<_>>())
    });
    filled.collect()
}

fn form(fields: &[(Vec<u8>, Vec<u8>)]) -> Request {
    let fields: Vec<Vec<u8>> =
        fields.iter().map(|(name, value)| [percent(name), percent(value)].join(&b'=')).collect();
    inputs::request("POST", "/form", Some(FORM), fields.join(&b'&'))
}

/// As a browser sends it in a form.
pub fn percent(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() * 3 / 2);
    for &byte in text {
        match byte {
            b' ' => out.push(b'+'),
            _ if byte.is_ascii_alphanumeric() || b"*-._".contains(&byte) => out.push(byte),
            _ => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
    }
    out
}

/// The request without the query, so that its headers make most of it.
fn without_query(request: &Request) -> Request {
    let mut request = request.clone();
    let path = request.head.target.split(|&byte| byte == b'?').next().unwrap_or_default().to_vec();
    request.head.target = path;
    request
}

/// The target under a head that is the same for all.
fn only_target(request: &Request) -> Request {
    let mut bare = inputs::request("GET", "/", None, Vec::new());
    bare.head.target.clone_from(&request.head.target);
    bare
}
