//! Request JSON Lines.

use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};
use waf_core::parse::head::RequestHead;

use super::{INPUT, Problem, audit, base64};
use crate::label::{self, Labels};
use crate::request::Request;

/// The lines of a file.
pub(super) struct Lines {
    path: PathBuf,
    reader: Box<dyn BufRead>,
    line: usize,
    /// The field that is the label, where it is not `label`.
    field: Option<String>,
}

impl Lines {
    pub(super) fn new(path: &Path, reader: Box<dyn BufRead>, labels: &Labels) -> Self {
        let field = match labels {
            Labels::Field(name) => Some(name.clone()),
            _ => None,
        };
        Self { path: path.to_owned(), reader, line: 0, field }
    }

    fn request(&self, text: &[u8]) -> Result<Request, String> {
        let mut request = line(text)?;
        if let Some(field) = &self.field {
            let all: Map<String, Value> =
                serde_json::from_slice(text).map_err(|error| error.to_string())?;
            request.label = label::of_value(all.get(field).unwrap_or(&Value::Null))?;
        }
        Ok(request)
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
                Ok(_) => return Some(self.request(&text).map_err(problem)),
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
    label: Value,
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
    let label = label::of_value(&recorded.label)?;
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
    use crate::request::Label;

    #[test]
    fn a_line_keeps_wire_bytes() {
        let text =
            br#"{"method":"GET","path":"/\u00ff?a=<","headers":[["Host","a"]],"label":"attack"}"#;
        let request = line(text).unwrap();
        assert_eq!(request.head.target, b"/\xff?a=<");
        assert_eq!(request.label, Some(Label::Attack));
        assert!(line(br#"{"method":"GET","path":"/\u0100","headers":[]}"#).is_err());
    }

    #[test]
    fn another_field_can_be_the_label() {
        let text = |bad: &str| format!(r#"{{"method":"GET","path":"/","headers":[]{bad}}}"#);
        let labels = Labels::Field("bad".to_owned());
        let label = |bad: &str| {
            let text = text(bad).into_bytes();
            let reader: Box<dyn BufRead> = Box::new(std::io::Cursor::new(text));
            Lines::new(Path::new("a.jsonl"), reader, &labels).next().unwrap()
        };
        assert_eq!(label(r#","bad":1,"label":"benign""#).unwrap().label, Some(Label::Attack));
        assert_eq!(label("").unwrap().label, None);
        let problem = label(r#","bad":"perhaps""#).unwrap_err().to_string();
        assert!(problem.starts_with("a.jsonl:1: the label `perhaps` is none of"), "{problem}");
    }
}
