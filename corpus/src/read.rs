//! Readers of recorded requests: request JSON Lines, plain or gzip'd, and raw `.http` files.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use waf_core::limits::Limits;
use waf_core::parse::head::RequestHead;

use crate::request::{Label, Request};

/// Bytes of one line or raw file: the longest requests in use have a few MB.
const LINE: u64 = 64 << 20;

/// Something that could not be read.
#[derive(Debug)]
pub struct Problem {
    /// The file.
    pub path: PathBuf,
    /// The line, where it has lines.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path.display(), self.message),
            None => write!(f, "{}: {}", self.path.display(), self.message),
        }
    }
}

impl std::error::Error for Problem {}

/// The requests of a file, or of the files of a folder in the order of their names.
pub fn read(path: &Path) -> Box<dyn Iterator<Item = Result<Request, Problem>>> {
    let whole = |message: String| Problem { path: path.to_owned(), line: None, message };
    if path.is_dir() {
        return match files(path) {
            Ok(files) => Box::new(files.into_iter().flat_map(|file| read(&file))),
            Err(error) => Box::new(std::iter::once(Err(whole(error.to_string())))),
        };
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let plain = name.strip_suffix(".gz").unwrap_or(name);
    let opened = match open(path, plain.len() != name.len()) {
        Ok(opened) => opened,
        Err(error) => return Box::new(std::iter::once(Err(whole(error.to_string())))),
    };
    if plain.ends_with(".jsonl") || plain.ends_with(".ndjson") {
        return Box::new(Lines { path: path.to_owned(), reader: opened, line: 0 });
    }
    if plain.ends_with(".http") || plain.ends_with(".raw") {
        return Box::new(std::iter::once(raw(path, opened)));
    }
    let message = "not a known corpus: expected .jsonl, .jsonl.gz, .http or a folder".to_owned();
    Box::new(std::iter::once(Err(whole(message))))
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let known = [".jsonl", ".jsonl.gz", ".ndjson", ".http", ".raw"];
        if path.is_dir() || known.iter().any(|end| name.ends_with(end)) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn open(path: &Path, compressed: bool) -> io::Result<Box<dyn BufRead>> {
    let file = BufReader::with_capacity(1 << 16, File::open(path)?);
    Ok(if compressed {
        Box::new(BufReader::new(MultiGzDecoder::new(file)))
    } else {
        Box::new(file)
    })
}

/// A raw request. `attack` or `benign` in its path is its label, its folder the class.
fn raw(path: &Path, reader: Box<dyn BufRead>) -> Result<Request, Problem> {
    let mut bytes = Vec::new();
    reader.take(LINE).read_to_end(&mut bytes).map_err(|error| Problem {
        path: path.to_owned(),
        line: None,
        message: error.to_string(),
    })?;
    let mut request = Request::from_raw(&bytes, &Limits::default());
    request.id = path.display().to_string();
    request.wire = Some(bytes);
    let folder = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    request.class = path.parent().and_then(folder).unwrap_or_default();
    let has = |word: &str| path.components().any(|part| part.as_os_str() == word);
    request.label = match (has("attack"), has("benign")) {
        (true, false) => Some(Label::Attack),
        (false, true) => Some(Label::Benign),
        _ => None,
    };
    Ok(request)
}

struct Lines {
    path: PathBuf,
    reader: Box<dyn BufRead>,
    line: usize,
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
            match self.reader.by_ref().take(LINE).read_until(b'\n', &mut text) {
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
    let recorded: Recorded = serde_json::from_slice(text).map_err(|error| error.to_string())?;
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

/// RFC 4648 base64, padded or not.
pub(crate) fn base64(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text.bytes().take_while(|&byte| byte != b'=') {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return Err("this is not base64".to_owned()),
        };
        bits = bits << 6 | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn base64_vectors_of_rfc_4648() {
        for (text, plain) in
            [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmFy", "foobar")]
        {
            assert_eq!(base64(text).unwrap(), plain.as_bytes());
        }
        assert!(base64("Zm9-").is_err());
    }

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
