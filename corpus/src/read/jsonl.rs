//! Request JSON Lines.

use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use waf_core::parse::head::RequestHead;

use super::{INPUT, Problem, audit, base64};
use crate::request::{Label, Request};

/// The lines of a file.
pub(super) struct Lines {
    path: PathBuf,
    reader: Box<dyn BufRead>,
    line: usize,
}

impl Lines {
    pub(super) fn new(path: &Path, reader: Box<dyn BufRead>) -> Self {
        Self { path: path.to_owned(), reader, line: 0 }
    }
}

impl Iterator for Lines {
    type Item = Result<Request, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.line += 1;
            let mut text = Vec::new();
            let problem = |message: String| Problem {
                path: self.path.clone(),
                line: Some(self.line),
                message,
            };
            match self.reader.by_ref().take(INPUT).read_until(b'\n', &mut text) {
                Ok(0) => return None,
                Ok(_) if text.iter().all(u8::is_ascii_whitespace) => {}
                Ok(_) => return Some(line(&text).map_err(problem)),
                Err(error) => return Some(Err(problem(error.to_string()))),
            }
        }
    }
}

/// A line of a corpus. Strings hold wire bytes as code points up to U+00FF.
#[derive(Deserialize)]
struct Recorded {
    #[serde(default)]
    id: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    class: String,
    method: String,
    path: String,
    #[serde(default = "http_1_1")]
    version: String,
    headers: Vec<(String, String)>,
    #[serde(default)]
    body_b64: Option<String>,
}

fn http_1_1() -> String {
    "HTTP/1.1".to_owned()
}

fn line(text: &[u8]) -> Result<Request, String> {
    let recorded: Recorded = match serde_json::from_slice(text) {
        Ok(recorded) => recorded,
        Err(error) => return audit::request(text).ok_or_else(|| error.to_string()),
    };
    let headers = recorded.headers.iter().map(|(name, value)| Ok((wire(name)?, wire(value)?)));
    let headers = headers.collect::<Result<Vec<_>, String>>()?;
    let label = match recorded.label.as_deref() {
        None => None,
        Some("attack") => Some(Label::Attack),
        Some("benign") => Some(Label::Benign),
        Some(other) => return Err(format!("label `{other}` is neither attack nor benign")),
    };
    let method = wire(&recorded.method)?;
    let head = RequestHead::from_parts(method, wire(&recorded.path)?, recorded.version, headers);
    Ok(Request {
        id: recorded.id,
        source: recorded.source,
        class: recorded.class,
        label,
        head,
        findings: Vec::new(),
        body: base64(recorded.body_b64.as_deref().unwrap_or_default())?,
        wire: None,
    })
}

fn wire(text: &str) -> Result<Vec<u8>, String> {
    let byte = |c: char| u8::try_from(u32::from(c)).map_err(|_| format!("{c:?} is no wire byte"));
    text.chars().map(byte).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_line_keeps_wire_bytes() {
        let text =
            br#"{"method":"GET","path":"/\u00ff?a=<","headers":[["Host","a"]],"label":"attack"}"#;
        let request = line(text).unwrap();
        assert_eq!(request.head.target, b"/\xff?a=<");
        assert_eq!(request.label, Some(Label::Attack));
        assert!(line(br#"{"method":"GET","path":"/\u0100","headers":[]}"#).is_err());
    }
}
