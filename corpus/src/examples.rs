//! Examples of rules as requests.
//!
//! Text is a value: it is encoded for, and tried in, every place that the rule's targets allow. An
//! example that names its place is put there as it is.

use serde_json::Value;
use waf_core::field::Collection;
use waf_core::limits::Limits;
use waf_core::parse::head::RequestHead;
use waf_core::rule::{Example, Place, Rule, Selector, TargetKind, Variable};

use crate::request::Request;

/// The name of a field where the target does not ask for one.
const NAME: &str = "f";

const FORM: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data; boundary=bnd";

/// The requests that an example stands for, each with its place as id. Empty when the rule's
/// targets allow no place for text.
pub fn requests(rule: &Rule, example: &Example) -> Vec<Request> {
    match example.place {
        Some(place) => vec![placed(place, &example.value)],
        None => everywhere(rule, &text(&example.value)),
    }
}

fn placed(place: Place, value: &Value) -> Request {
    let written = text(value);
    let id = place.name();
    match place {
        Place::Query => get(id, &format!("/?{written}"), None),
        Place::Path => get(id, &written, None),
        Place::Cookie => get(id, "/", Some(("Cookie", &written))),
        Place::Header => {
            let (name, value) = written.split_once(':').unwrap_or((&written, ""));
            get(id, "/", Some((name, value.trim())))
        }
        Place::Form => post(id, FORM, &written),
        Place::Json => post(id, "application/json", &written),
        Place::Xml => post(id, "text/xml", &written),
        Place::Multipart => multipart(id, &Part::of(value)),
        Place::Request => raw(id, &written),
    }
}

fn everywhere(rule: &Rule, text: &str) -> Vec<Request> {
    let conditions = rule.expression.conditions();
    let targets = conditions.first().map(|condition| condition.targets.as_slice());
    let targets = targets.unwrap_or_default().iter();
    let targets: Vec<_> = targets.filter(|target| target.kind != TargetKind::Exclude).collect();
    let looks_at = |wanted: fn(Variable) -> bool| targets.iter().any(|t| wanted(t.variable));
    let has_values = looks_at(is_argument);
    let mut requests = Vec::new();
    for target in &targets {
        let name = match &target.selector {
            Selector::Name(name) => name.as_str(),
            Selector::All | Selector::Regex(_) | Selector::Path(_) => NAME,
        };
        match target.variable {
            Variable::Args => {
                requests.push(query(name, text));
                requests.extend(body(name, text));
            }
            Variable::One(Collection::ArgsGet) => requests.push(query(name, text)),
            Variable::One(Collection::ArgsPost) => requests.extend(body(name, text)),
            Variable::ArgsNames if !has_values => requests.extend(names(text)),
            Variable::One(Collection::RequestCookies) => {
                // A `;` would end the cookie.
                let cookie = format!("a=1; {name}={}; b=2", text.replace(';', "%3B"));
                requests.push(get("cookie", "/", Some(("Cookie", &cookie))));
            }
            Variable::One(Collection::RequestHeaders) => {
                let name = if name == NAME { "X-T" } else { name };
                requests.push(get(&format!("header {name}"), "/", Some((name, text.trim()))));
            }
            Variable::One(Collection::Files) if !has_values => {
                let part = Part { filename: Some(text.into()), ..Part::default() };
                requests.push(multipart("filename", &part));
            }
            Variable::One(Collection::FilesTmpContent) => {
                let filename = Some("a.txt".into());
                let part = Part { filename, content: text.into(), ..Part::default() };
                requests.push(multipart("file", &part));
            }
            Variable::One(Collection::Xml) if is_text(&target.selector) => {
                requests.push(post("xml", "text/xml", &format!("<a><b>{}</b></a>", xml(text))));
            }
            Variable::One(_) | Variable::ArgsNames => {}
        }
    }
    requests
}

fn is_argument(variable: Variable) -> bool {
    matches!(variable, Variable::Args | Variable::One(Collection::ArgsGet | Collection::ArgsPost))
}

/// Whether an XML selector means text of elements.
fn is_text(selector: &Selector) -> bool {
    match selector {
        Selector::All => true,
        Selector::Path(path) | Selector::Name(path) => path == "/*",
        Selector::Regex(_) => false,
    }
}

fn query(name: &str, text: &str) -> Request {
    get("query", &format!("/?a=1&{name}={}", percent(text)), None)
}

/// The value of a body argument, in each format that has some.
fn body(name: &str, text: &str) -> [Request; 3] {
    let json = serde_json::json!({ name: text }).to_string();
    let part = Part { name: name.into(), content: text.into(), ..Part::default() };
    [
        post("form", FORM, &format!("a=1&{name}={}", percent(text))),
        post("json", "application/json", &json),
        multipart("multipart", &part),
    ]
}

/// The name of an argument.
fn names(text: &str) -> [Request; 2] {
    [
        get("query name", &format!("/?a=1&{}=1", percent(text)), None),
        post("json key", "application/json", &serde_json::json!({ text: 1 }).to_string()),
    ]
}

/// A part of a multipart body.
struct Part {
    name: String,
    filename: Option<String>,
    media_type: Option<String>,
    content: String,
}

impl Default for Part {
    fn default() -> Self {
        let (name, content) = (NAME.to_owned(), "x".to_owned());
        Self { name, filename: None, media_type: None, content }
    }
}

impl Part {
    /// A mapping of `name`, `filename`, `type` and `content`, or the content alone.
    fn of(value: &Value) -> Self {
        let default = Self::default();
        if !value.is_object() {
            return Self { content: text(value), ..default };
        }
        let key = |key: &str| value.get(key).map(text);
        Self {
            name: key("name").unwrap_or(default.name),
            filename: key("filename"),
            media_type: key("type"),
            content: key("content").unwrap_or(default.content),
        }
    }
}

fn multipart(id: &str, part: &Part) -> Request {
    let mut body = format!("--bnd\r\nContent-Disposition: form-data; name=\"{}\"", part.name);
    if let Some(filename) = &part.filename {
        body += &format!("; filename=\"{filename}\"");
    }
    body += "\r\n";
    if let Some(media_type) = &part.media_type {
        body += &format!("Content-Type: {media_type}\r\n");
    }
    body += &format!("\r\n{}\r\n--bnd--\r\n", part.content);
    post(id, MULTIPART, &body)
}

fn get(id: &str, target: &str, header: Option<(&str, &str)>) -> Request {
    request(id, "GET", target, header, "")
}

fn post(id: &str, media_type: &str, body: &str) -> Request {
    request(id, "POST", "/", Some(("Content-Type", media_type)), body)
}

fn request(
    id: &str,
    method: &str,
    target: &str,
    header: Option<(&str, &str)>,
    body: &str,
) -> Request {
    let length = body.len().to_string();
    let own = [("Host", "example.test"), ("User-Agent", "Mozilla/5.0"), ("Accept", "*/*")];
    let length = (!body.is_empty()).then_some(("Content-Length", length.as_str()));
    let lines = own.into_iter().chain(header).chain(length);
    let lines = lines.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
    let head = RequestHead::from_parts(method, target, "HTTP/1.1", lines.collect());
    Request { id: id.into(), head, body: body.as_bytes().to_vec(), ..Request::default() }
}

/// A whole request; the length of its body is added where nothing says it.
fn raw(id: &str, text: &str) -> Request {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
    let says =
        |name: &str| head.split("\r\n").any(|line| line.to_ascii_lowercase().starts_with(name));
    let needs_length = !body.is_empty() && !says("content-length") && !says("transfer-encoding");
    let whole = if needs_length {
        format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    } else {
        text.to_owned()
    };
    Request { id: id.into(), ..Request::from_raw(whole.as_bytes(), &Limits::default()) }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Every byte but letters and digits as `%hh`.
fn percent(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
