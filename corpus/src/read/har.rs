//! HTTP Archives (HAR 1.2): what a browser or a proxy recorded.

use std::path::Path;

use serde::Deserialize;

use super::{Wrong, base64, of_folder, request, url};
use crate::request::Request;

#[derive(Deserialize)]
struct Archive {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    request: Recorded,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recorded {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Pair>,
    post_data: Option<PostData>,
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostData {
    #[serde(default)]
    mime_type: String,
    text: Option<String>,
    /// Not in the standard, but written by some.
    encoding: Option<String>,
    #[serde(default)]
    params: Vec<Pair>,
}

pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<Option<Vec<Request>>, Wrong> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let archive: Archive = serde_json::from_slice(bytes)
        .map_err(|error| (Some(error.line()), format!("no HTTP archive: {error}")))?;
    let mut requests = Vec::new();
    for (number, entry) in archive.log.entries.into_iter().enumerate() {
        let wrong = |why: String| (None, format!("entry {}: {why}", number + 1));
        // What was not sent over HTTP: data:, blob:, chrome-extension: …
        let Some((host, target)) = url(&entry.request.url) else { continue };
        let mut headers: Vec<(String, String)> =
            entry.request.headers.into_iter().map(|pair| (pair.name, pair.value)).collect();
        let mut body = Vec::new();
        if let Some(data) = entry.request.post_data {
            let has_type =
                headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
            if !has_type && !data.mime_type.is_empty() {
                headers.push(("Content-Type".to_owned(), data.mime_type.clone()));
            }
            body = content(data).map_err(wrong)?;
        }
        let request = request(&entry.request.method, &target, host, headers, body);
        let id = format!("{}#{}", path.display(), number + 1);
        requests.push(of_folder(path, Request { id, source: "har".to_owned(), ..request }));
    }
    Ok(Some(requests))
}

/// The body: its text, or the parameters of a form that were recorded apart.
fn content(data: PostData) -> Result<Vec<u8>, String> {
    match (data.text, data.encoding.as_deref()) {
        (Some(text), Some("base64")) => base64(&text),
        (Some(text), _) if !text.is_empty() || data.params.is_empty() => Ok(text.into_bytes()),
        // Recorded as they were sent: encoded.
        _ => {
            let pair = |pair: Pair| format!("{}={}", pair.name, pair.value);
            Ok(data.params.into_iter().map(pair).collect::<Vec<_>>().join("&").into_bytes())
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]
mod tests {
    use super::super::tests::shown;
    use super::*;

    fn requests(text: &str) -> Vec<String> {
        let requests = read(Path::new("a.har"), text.as_bytes()).unwrap().unwrap();
        requests.iter().map(shown).collect()
    }

    #[test]
    fn entries_become_requests() {
        let text = r#"{"log":{"version":"1.2","creator":{},"entries":[
            {"request":{"method":"GET","url":"https://a.example/p?q=1#f","httpVersion":"h2",
              "headers":[{"name":":authority","value":"a.example"},{"name":"accept","value":"*/*"}],
              "queryString":[],"cookies":[],"headersSize":-1,"bodySize":0},"response":{}},
            {"request":{"method":"GET","url":"data:text/plain,x","headers":[]}},
            {"request":{"method":"POST","url":"http://a.example","headers":
              [{"name":"Content-Length","value":"99"},{"name":"Host","value":"b"}],
              "postData":{"mimeType":"text/plain","text":"é"}}},
            {"request":{"method":"PUT","url":"http://a/","postData":{"text":"AP8=","encoding":"base64"}}},
            {"request":{"method":"POST","url":"http://a/","headers":[],
              "postData":{"mimeType":"application/x-www-form-urlencoded","text":"",
              "params":[{"name":"a","value":"b%20c"},{"name":"d"}]}}}]}}"#;
        let expected = [
            "GET /p?q=1 HTTP/1.1|Host: a.example|accept: */*||",
            "POST / HTTP/1.1|Host: b|Content-Type: text/plain|Content-Length: 2||é",
            "PUT / HTTP/1.1|Host: a|Content-Length: 2||\0\u{fffd}",
            "POST / HTTP/1.1|Host: a|Content-Type: application/x-www-form-urlencoded|\
             Content-Length: 10||a=b%20c&d=",
        ];
        assert_eq!(requests(text), expected);
    }

    #[test]
    fn what_is_no_archive_is_refused_with_its_line() {
        let wrong = |text: &str| read(Path::new("a.har"), text.as_bytes()).unwrap_err();
        assert_eq!(wrong("{\n\"log\":{\n\"entries\":1}}").0, Some(3));
        let bad = r#"{"log":{"entries":[{"request":{"method":"PUT","url":"http://a/",
            "postData":{"text":"*","encoding":"base64"}}}]}}"#;
        assert_eq!(wrong(bad).1, "entry 1: this is not base64");
    }
}
