//! Templates of nuclei: `raw` requests, and `method` with `path`, of `http:` (older: `requests:`).
//!
//! `{{Hostname}}` and the like stand for one fixed target, `variables` and `payloads` for their
//! values: of several lists the n-th values go together. Random texts and the address of a listener
//! are fixed words. A request that needs any other function is left out.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::{Wrong, of_folder, request, url, yaml};
use crate::request::{Label, Request};

/// The target.
const HOST: &str = "target.example";

/// Rounds over the payloads of one request: lists of passwords have thousands.
const ROUNDS: usize = 100;

/// How deep a variable may name others.
const DEPTH: usize = 4;

#[derive(Deserialize)]
struct Template {
    id: String,
    #[serde(default, alias = "requests")]
    http: Vec<Http>,
    #[serde(default)]
    variables: BTreeMap<String, Value>,
    #[serde(default)]
    info: Info,
}

#[derive(Default, Deserialize)]
struct Info {
    #[serde(default)]
    tags: String,
}

#[derive(Deserialize)]
struct Http {
    #[serde(default)]
    raw: Vec<String>,
    method: Option<String>,
    #[serde(default)]
    path: Vec<String>,
    #[serde(default)]
    headers: BTreeMap<String, Value>,
    #[serde(default)]
    body: String,
    #[serde(default)]
    payloads: BTreeMap<String, Value>,
}

pub(super) fn read(path: &Path, text: &str) -> Result<Vec<Request>, Wrong> {
    let template: Template = yaml::parse(path, text)?;
    let mut requests = Vec::new();
    for http in &template.http {
        let lists = http.payloads.values().filter_map(Value::as_array).map(Vec::len);
        for round in 0..lists.max().unwrap_or(1).clamp(1, ROUNDS) {
            let names = Names { variables: &template.variables, payloads: &http.payloads, round };
            requests.extend(http.requests(&names));
        }
    }
    let class = template.info.tags.split(',').next().unwrap_or_default().trim();
    for (number, request) in requests.iter_mut().enumerate() {
        *request = of_folder(path, std::mem::take(request));
        request.label = request.label.or(Some(Label::Attack));
        request.id = format!("{}/{}", template.id, number + 1);
        request.source = "nuclei".to_owned();
        class.clone_into(&mut request.class);
    }
    Ok(requests)
}

impl Http {
    fn requests(&self, names: &Names<'_>) -> Vec<Request> {
        let raw = self.raw.iter().filter_map(|text| raw(&names.fill(text, DEPTH)?));
        let plain = self.path.iter().filter_map(|path| self.plain(path, names));
        raw.chain(plain).collect()
    }

    fn plain(&self, path: &str, names: &Names<'_>) -> Option<Request> {
        let path = names.fill(path, DEPTH)?;
        let (host, target) = url(&path)?;
        let mut headers = Vec::new();
        for (name, value) in &self.headers {
            headers.push((name.clone(), names.fill(&plain_text(value), DEPTH)?));
        }
        let body = names.fill(&self.body, DEPTH)?.into_bytes();
        let method = self.method.as_deref().unwrap_or("GET");
        Some(request(method, &encoded(&target), host, headers, body))
    }
}

/// A raw request, its lines ended by LF. Lines before it that begin with `@` are for the tool.
fn raw(text: &str) -> Option<Request> {
    let mut rest = text.trim_start();
    while let Some(line) = rest.strip_prefix('@') {
        rest = line.split_once('\n')?.1.trim_start();
    }
    let rest = rest.replace("\r\n", "\n");
    let (head, body) = rest.split_once("\n\n").unwrap_or((rest.trim_end(), ""));
    let mut lines = head.lines();
    let (method, line) = lines.next()?.split_once(' ')?;
    let target = line.rsplit_once(" HTTP/").map_or(line, |(target, _)| target).trim();
    let target = url(target).map_or_else(|| target.to_owned(), |(_, target)| target);
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_owned(), value.trim().to_owned()))
    };
    let headers: Vec<_> = lines.filter_map(header).collect();
    let multipart = headers.iter().any(|(_, value)| value.starts_with("multipart/"));
    let body = body.strip_suffix('\n').unwrap_or(body);
    let body = if multipart { body.replace('\n', "\r\n") + "\r\n" } else { body.to_owned() };
    Some(request(method, &encoded(&target), HOST, headers, body.into_bytes()))
}

/// What would end the target is escaped, as the tool's client does.
fn encoded(target: &str) -> String {
    target.replace(' ', "%20")
}

/// What names in a template stand for.
struct Names<'a> {
    variables: &'a BTreeMap<String, Value>,
    payloads: &'a BTreeMap<String, Value>,
    round: usize,
}

impl Names<'_> {
    /// The text with every `{{…}}` replaced; `None` where one is not known.
    fn fill(&self, text: &str, depth: usize) -> Option<String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}")?;
            filled.push_str(before);
            filled.push_str(&self.value(name.trim(), depth)?);
            rest = after;
        }
        filled.push_str(rest);
        Some(filled)
    }

    fn value(&self, name: &str, depth: usize) -> Option<String> {
        let next = depth.checked_sub(1)?;
        if let Some(list) = self.payloads.get(name).and_then(Value::as_array) {
            let value = list.get(self.round % list.len().max(1))?;
            return self.fill(&plain_text(value), next);
        }
        if let Some(value) = self.variables.get(name) {
            return self.fill(&plain_text(value), next);
        }
        let fixed = match name {
            "BaseURL" | "RootURL" => return Some(format!("http://{HOST}")),
            "Hostname" | "Host" | "FQDN" => HOST,
            "Port" => "80",
            "Scheme" => "http",
            "Path" | "File" => "",
            "interactsh-url" => "oast.example",
            _ if name.starts_with("randstr") || name.starts_with("rand_text") => "pinpoint",
            _ if name.starts_with("rand_base") || name.starts_with("rand_char") => "pinpoint",
            _ if name.starts_with("rand_int") => "4711",
            _ => return None,
        };
        Some(fixed.to_owned())
    }
}

fn plain_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]
mod tests {
    use super::super::tests::shown;
    use super::*;

    fn requests(http: &str) -> Vec<Request> {
        let text = format!(
            "id: T-1\ninfo: {{name: n, tags: 'rce, x'}}\nvariables:\n  cmd: 'id {{{{n}}}}'\n  n: 1\nhttp:\n{http}"
        );
        read(Path::new("t.yaml"), &text).unwrap()
    }

    fn sent(http: &str) -> Vec<String> {
        requests(http).iter().map(shown).collect()
    }

    #[test]
    fn raw_requests_are_sent_as_they_stand() {
        let raw = "  - raw:\n      - |\n        @timeout: 10s\n        POST /a b HTTP/1.1\n        Host: {{Hostname}}\n        X: {{interactsh-url}}\n\n        q={{cmd}}\n";
        let expected = "POST /a%20b HTTP/1.1|Host: target.example|X: oast.example|\
                        Content-Length: 6||q=id 1";
        assert_eq!(sent(raw), [expected]);
        let request = &requests(raw)[0];
        assert_eq!((request.id.as_str(), request.class.as_str()), ("T-1/1", "rce"));
        assert_eq!(request.label, Some(Label::Attack));
    }

    #[test]
    fn lines_of_a_multipart_body_end_in_crlf() {
        let raw = "  - raw:\n      - |\n        POST / HTTP/1.1\n        Content-Type: multipart/form-data; boundary=b\n\n        --b\n        x\n        --b--\n";
        assert!(sent(raw)[0].ends_with("Content-Length: 15||--b|x|--b--|"), "{:?}", sent(raw));
    }

    #[test]
    fn paths_are_requests_of_a_method() {
        let plain = "  - method: PUT\n    path: ['{{BaseURL}}/x?{{cmd}}', '{{RootURL}}']\n    headers: {A: '{{n}}', B: 2}\n    body: 'b'\n    matchers: [{type: word}]\n";
        let rest = "HTTP/1.1|Host: target.example|A: 1|B: 2|Content-Length: 1||b";
        assert_eq!(sent(plain), [format!("PUT /x?id%201 {rest}"), format!("PUT / {rest}")]);
    }

    #[test]
    fn payloads_go_round_together() {
        let plain = "  - method: GET\n    path: ['{{BaseURL}}/{{a}}/{{b}}']\n    payloads: {a: [1, 2, 3], b: [x, y], c: list.txt}\n";
        let targets: Vec<_> =
            requests(plain).iter().map(|request| request.head.target.clone()).collect();
        assert_eq!(targets, [b"/1/x", b"/2/y", b"/3/x"]);
    }

    #[test]
    fn what_needs_a_function_is_left_out() {
        let plain =
            "  - method: GET\n    path: ['{{BaseURL}}/{{base64(n)}}', '{{BaseURL}}/{{randstr}}']\n";
        assert_eq!(sent(plain), ["GET /pinpoint HTTP/1.1|Host: target.example||"]);
        let circle =
            "  - method: GET\n    path: ['{{BaseURL}}/{{a}}']\n    payloads: {a: ['{{a}}']}\n";
        assert!(sent(circle).is_empty());
    }
}
