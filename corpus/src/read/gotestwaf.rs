//! Test cases of gotestwaf: payloads, each in several encodings, each in several places.
//!
//! What is random there (names of parameters, boundaries) is fixed here. gRPC is left out: it needs
//! HTTP/2.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::base64::to_base64;
use super::{Wrong, of_folder, request, yaml};
use crate::request::{Label, Request};

/// The parameter, field, element or header that holds the payload.
const NAME: &str = "a1b2c3d4e5";

const BOUNDARY: &str = "a1b2c3d4e5f6a7b8c9";

/// A client that rules have nothing against.
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    payload: Vec<String>,
    encoder: Vec<String>,
    placeholder: Vec<Value>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

pub(super) fn read(path: &Path, text: &str) -> Result<Vec<Request>, Wrong> {
    let case: Case = yaml::parse(path, &in_our_yaml(text))?;
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let mut requests = Vec::new();
    for (number, payload) in case.payload.iter().enumerate() {
        for encoder in &case.encoder {
            let encoded = encode(encoder, payload).map_err(|why| (None, why))?;
            for placeholder in &case.placeholder {
                let (name, config) = place(placeholder).map_err(|why| (None, why))?;
                let Some(request) = carry(name, config, &encoded).map_err(|why| (None, why))?
                else {
                    continue;
                };
                let mut request = of_folder(path, request);
                request.id = format!("{stem}/{name}/{encoder}/{}", number + 1);
                request.source = "gotestwaf".to_owned();
                request.class = case.kind.clone().unwrap_or_else(|| stem.to_owned());
                request.label = request.label.or(Some(label(path)));
                requests.push(request);
            }
        }
    }
    Ok(requests)
}

/// Its own sets of what must pass have these names.
fn label(path: &Path) -> Label {
    let benign = ["false-pos", "true-negative"];
    let is = |part: std::path::Component<'_>| benign.iter().any(|name| part.as_os_str() == *name);
    if path.components().any(is) { Label::Benign } else { Label::Attack }
}

/// Its parser takes `\'` in double quotes, which is no YAML and means the quote; the tag of a text
/// says what it is anyway.
fn in_our_yaml(text: &str) -> String {
    let line = |line: &str| match line.trim_start() {
        item if item.starts_with("- \"") => line.replace("\\'", "'"),
        item if item.starts_with("- !!str ") => line.replacen("!!str ", "", 1),
        _ => line.to_owned(),
    };
    text.split_inclusive('\n').map(line).collect()
}

/// A placeholder's name, and its settings where it has some.
type Place<'a> = (&'a str, Option<&'a Map<String, Value>>);

fn place(placeholder: &Value) -> Result<Place<'_>, String> {
    match placeholder {
        Value::String(name) => Ok((name, None)),
        Value::Object(one) => match one.iter().next() {
            Some((name, config)) if one.len() == 1 => Ok((name, config.as_object())),
            _ => Err("a placeholder has one name".to_owned()),
        },
        other => Err(format!("a placeholder is a name, not {other}")),
    }
}

fn encode(encoder: &str, payload: &str) -> Result<String, String> {
    Ok(match encoder {
        "Plain" => payload.to_owned(),
        "Base64" => to_base64(payload.as_bytes()),
        "Base64Flat" => to_base64(payload.as_bytes()).replace('=', ""),
        "URL" => path_escape(payload),
        "JSUnicode" => js_unicode(payload),
        "XMLEntity" => xml_string(payload),
        _ => return Err(format!("the encoder `{encoder}` is not known")),
    })
}

/// The request that carries an encoded payload; `None` where it cannot be carried.
fn carry(
    place: &str,
    config: Option<&Map<String, Value>>,
    payload: &str,
) -> Result<Option<Request>, String> {
    let setting = |name: &str| config.and_then(|config| config.get(name)).and_then(Value::as_str);
    let multipart = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{NAME}\"\r\n\r\n{payload}\r\n\
         --{BOUNDARY}--\r\n"
    );
    let multipart_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let request = match place {
        "URLParam" => get(&format!("/?{NAME}={}", in_target(payload)), &[]),
        "URLPath" => get(&format!("/{}", in_target(payload)), &[]),
        "Header" | "UserAgent" if payload.contains(['\r', '\n', '\0']) => return Ok(None),
        "Header" => get("/", &[(&format!("X-{NAME}"), payload)]),
        "UserAgent" => get("/", &[("User-Agent", payload)]),
        "HTMLForm" => post("application/x-www-form-urlencoded", format!("{NAME}={payload}")),
        "HTMLMultipartForm" => post(&multipart_type, multipart),
        "JSONBody" => post("application/json", payload.to_owned()),
        "JSONRequest" => {
            let value = js_unicode(payload);
            post("application/json", format!("{{\"test\": true, \"{NAME}\": \"{value}\"}}"))
        }
        "XMLBody" => post("application/xml", payload.to_owned()),
        "SOAPBody" => post("text/xml", soap(payload)),
        "RequestBody" => post("", payload.to_owned()),
        "GraphQL" if setting("method") == Some("GET") => {
            get(&format!("/?query={}", path_escape(payload)), &[])
        }
        "GraphQL" => post("", payload.to_owned()),
        "RawRequest" => raw(setting, config, payload),
        "gRPC" => return Ok(None),
        _ => return Err(format!("the placeholder `{place}` is not known")),
    };
    Ok(Some(request))
}

fn get(target: &str, headers: &[(&str, &str)]) -> Request {
    send("GET", target, headers, String::new())
}

fn post(content_type: &str, body: String) -> Request {
    let headers = [("Content-Type", content_type)];
    send("POST", "/", if content_type.is_empty() { &[] } else { &headers }, body)
}

fn raw<'a>(
    setting: impl Fn(&str) -> Option<&'a str>,
    config: Option<&Map<String, Value>>,
    payload: &str,
) -> Request {
    const PAYLOAD: &str = "{{payload}}";
    let target = setting("path").filter(|path| !path.is_empty()).unwrap_or("/");
    let target = target.replace(PAYLOAD, &path_escape(payload));
    let slash = if target.starts_with('/') { "" } else { "/" };
    let headers = config.and_then(|config| config.get("headers")).and_then(Value::as_object);
    let headers = headers.into_iter().flatten().filter_map(|(name, value)| {
        Some((name.as_str(), value.as_str()?.replace(PAYLOAD, payload)))
    });
    let headers: Vec<(&str, String)> = headers.collect();
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let body = setting("body").unwrap_or_default().replace(PAYLOAD, payload);
    send(setting("method").unwrap_or("GET"), &format!("{slash}{target}"), &headers, body)
}

fn send(method: &str, target: &str, headers: &[(&str, &str)], body: String) -> Request {
    let named = |name: &str| headers.iter().any(|(have, _)| have.eq_ignore_ascii_case(name));
    let agent = (!named("User-Agent")).then_some(("User-Agent", AGENT));
    let all = agent.into_iter().chain([("Accept", "*/*")]).chain(headers.iter().copied());
    let all = all.map(|(name, value)| (name.to_owned(), value.to_owned()));
    request(method, target, "target.example", all, body.into_bytes())
}

fn soap(payload: &str) -> String {
    let value = xml_string(payload);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\">\n\
         <soapenv:Body><ab{NAME}>{value}</ab{NAME}></soapenv:Body>\n</soapenv:Envelope>"
    )
}

/// Go's `url.PathEscape`: unreserved bytes and `$&+=:@` stay.
fn path_escape(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        b'-' | b'_' | b'.' | b'~' | b'$' | b'&' | b'+' | b'=' | b':' | b'@' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// What cannot stand in a request line is escaped, as Go's client does.
fn in_target(text: &str) -> String {
    let escape = |c: char| match c {
        '\0'..=' ' | '#' | '\x7f' => format!("%{:02X}", u32::from(c)),
        _ => c.to_string(),
    };
    text.chars().map(escape).collect()
}

fn js_unicode(text: &str) -> String {
    text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
}

/// Go's XML encoder makes an element of a string.
fn xml_string(text: &str) -> String {
    let escape = |c: char| match c {
        '"' => "&#34;".to_owned(),
        '\'' => "&#39;".to_owned(),
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '\t' => "&#x9;".to_owned(),
        '\n' => "&#xA;".to_owned(),
        '\r' => "&#xD;".to_owned(),
        c => c.to_string(),
    };
    format!("<string>{}</string>", text.chars().map(escape).collect::<String>())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]
mod tests {
    use super::super::tests::shown;
    use super::*;

    /// The requests of a payload, without the headers that all have.
    fn requests(payload: &str, encoder: &str, placeholder: &str) -> Vec<String> {
        let text = format!(
            "payload:\n  - \"{payload}\"\nencoder: [{encoder}]\nplaceholder:\n{placeholder}\n\
             type: T\n"
        );
        let requests = read(Path::new("owasp/x.yml"), &text).unwrap();
        assert!(requests.iter().all(|request| request.label == Some(Label::Attack)));
        let common = format!("Host: target.example|User-Agent: {AGENT}|Accept: */*|");
        requests.iter().map(|request| shown(request).replace(&common, "")).collect()
    }

    fn one(payload: &str, encoder: &str, placeholder: &str) -> String {
        requests(payload, encoder, &format!("  - {placeholder}")).concat()
    }

    #[test]
    fn a_payload_is_put_into_every_place() {
        let one = |place: &str| one("<a>'b c", "Plain", place);
        assert_eq!(one("URLParam"), "GET /?a1b2c3d4e5=<a>'b%20c HTTP/1.1||");
        assert_eq!(one("URLPath"), "GET /<a>'b%20c HTTP/1.1||");
        assert_eq!(one("Header"), "GET / HTTP/1.1|X-a1b2c3d4e5: <a>'b c||");
        assert!(one("UserAgent").contains("|User-Agent: <a>'b c||"));
        let form = "POST / HTTP/1.1|Content-Type: application/x-www-form-urlencoded|\
                    Content-Length: 18||a1b2c3d4e5=<a>'b c";
        assert_eq!(one("HTMLForm"), form);
        assert!(one("HTMLMultipartForm").contains("name=\"a1b2c3d4e5\"||<a>'b c|--a1b2"));
        assert!(one("JSONBody").ends_with("application/json|Content-Length: 7||<a>'b c"));
        let json = r#"{"test": true, "a1b2c3d4e5": "\u003c\u0061\u003e\u0027\u0062\u0020\u0063"}"#;
        assert!(one("JSONRequest").ends_with(json));
        assert!(one("XMLBody").ends_with("application/xml|Content-Length: 7||<a>'b c"));
        assert!(one("SOAPBody").contains("<string>&lt;a&gt;&#39;b c</string>"));
        assert_eq!(one("RequestBody"), "POST / HTTP/1.1|Content-Length: 7||<a>'b c");
        assert_eq!(one("gRPC"), "");
        let raw = "RawRequest: {method: PUT, path: 'p/{{payload}}', headers: {A: 'x{{payload}}'}, \
                   body: '[{{payload}}]'}";
        let raw_request =
            "PUT /p/%3Ca%3E%27b%20c HTTP/1.1|A: x<a>'b c|Content-Length: 9||[<a>'b c]";
        assert_eq!(one(raw), raw_request);
        assert_eq!(one("GraphQL: {method: GET}"), "GET /?query=%3Ca%3E%27b%20c HTTP/1.1||");
    }

    #[test]
    fn a_payload_is_encoded_in_every_way() {
        let one = |encoder: &str| one("a/?é", encoder, "URLParam");
        let target = |encoded: &str| format!("GET /?a1b2c3d4e5={encoded} HTTP/1.1||");
        assert_eq!(one("Base64"), target("YS8/w6k="));
        assert_eq!(one("Base64Flat"), target("YS8/w6k"));
        assert_eq!(one("URL"), target("a%2F%3F%C3%A9"));
        assert_eq!(one("JSUnicode"), target("\\u0061\\u002f\\u003f\\u00e9"));
    }

    #[test]
    fn every_combination_is_a_request() {
        let places = "  - URLParam\n  - HTMLForm\n  - Header";
        assert_eq!(requests("a", "Plain, URL", places).len(), 6);
        assert_eq!(requests("a\\nb", "Plain", places).len(), 2, "no header holds a line end");
        assert_eq!(one("\\'-alert(1)", "URL", "URLPath"), "GET /%27-alert%281%29 HTTP/1.1||");
    }

    #[test]
    fn the_tag_of_a_text_says_nothing() {
        let text =
            "payload:\n  - !!str |\n    <!!str a>\nencoder: [Plain]\nplaceholder: [XMLBody]\n";
        assert_eq!(read(Path::new("x.yml"), text).unwrap()[0].body, b"<!!str a>\n");
    }

    #[test]
    fn sets_of_what_must_pass_are_benign() {
        let text = "payload: [a]\nencoder: [URL]\nplaceholder: [URLParam]\n";
        let read = |path: &str| read(Path::new(path), text).unwrap().remove(0);
        assert_eq!(read("testcases/false-pos/texts.yml").label, Some(Label::Benign));
        assert_eq!(read("testcases/false-pos/texts.yml").class, "texts");
        assert_eq!(read("testcases/owasp/a.yml").label, Some(Label::Attack));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let wrong = |text: &str| read(Path::new("x.yml"), text).unwrap_err();
        let told = wrong("payload: [a]\nencoder: [Rot13]\nplaceholder: [URLParam]\n");
        assert_eq!(told.1, "the encoder `Rot13` is not known");
        let told = wrong("payload: [a]\nencoder: [URL]\nplaceholder: [Trailer]\n");
        assert_eq!(told.1, "the placeholder `Trailer` is not known");
        assert_eq!(wrong("payload: [a]\nencoder: [URL]\nplace: 1\n").0, Some(3));
    }
}
