//! Readers of recorded requests.
//!
//! | file | what it is |
//! |---|---|
//! | `.jsonl`, `.ndjson` | request JSON Lines, or an audit log of ours; `.gz` too |
//! | `.http`, `.raw` | one raw request |
//! | `.har` | what a browser recorded |
//! | `.curl` | `curl` commands |
//! | `.yaml`, `.yml` | gotestwaf's test cases, nuclei's templates, tests of the OWASP CRS |
//!
//! A corpus that does not say so itself tells by its path what its requests are: `attack` or `benign`
//! among the folders is the label, the last folder the class. [`Labels`] can ask for others.

mod audit;
mod base64;
mod curl;
mod gotestwaf;
mod har;
mod jsonl;
mod nuclei;
mod shell;
mod yaml;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;
use waf_core::limits::Limits;
use waf_core::parse::head::RequestHead;

pub(crate) use base64::base64;

use crate::label::{Labels, of_folder};
use crate::request::Request;

/// Bytes of one line or file: the longest requests in use have a few MB, the longest recordings a
/// few dozen.
const INPUT: u64 = 64 << 20;

/// Something that could not be read.
#[derive(Debug)]
pub struct Problem {
    /// The file.
    pub path: PathBuf,
    /// The line, where it is known.
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

/// Requests, or what is wrong with their file.
pub type Requests = Box<dyn Iterator<Item = Result<Request, Problem>>>;

/// What a reader of whole files says is wrong: the line, where it knows it, and why.
type Wrong = (Option<usize>, String);

/// Reads a whole file; `None` when it is of some other kind.
type Reader = fn(&Path, &[u8]) -> Result<Option<Vec<Request>>, Wrong>;

/// Readers of whole files, by the end of the name.
const READERS: &[(&str, Reader)] = &[
    (".http", raw),
    (".raw", raw),
    (".har", har::read),
    (".curl", curl::read),
    (".yaml", yaml::read),
    (".yml", yaml::read),
];

/// The requests of a file, or of the files of a folder in the order of their names. Files of other
/// kinds are passed over in a folder.
pub fn read(path: &Path) -> Requests {
    Reading::default().requests(path)
}

/// How corpora are read.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Where the labels come from.
    pub labels: Labels,
    /// Bytes of files read so far.
    pub progress: Arc<AtomicU64>,
}

impl Reading {
    /// As [`read`].
    pub fn requests(&self, path: &Path) -> Requests {
        if !path.is_dir() {
            return self.file(path, true);
        }
        let reading = self.clone();
        match files(path) {
            Ok(files) => Box::new(files.into_iter().flat_map(move |file| match file.is_dir() {
                true => reading.requests(&file),
                false => reading.file(&file, false),
            })),
            Err(error) => one(Err(problem(path, (None, error.to_string())))),
        }
    }

    /// Labelled. `asked`: it was named, so that it is wrong when it is no corpus.
    fn file(&self, path: &Path, asked: bool) -> Requests {
        let (labels, of) = (self.labels.clone(), path.to_owned());
        let labelled = move |request: Result<_, _>| request.map(|one| labels.apply(&of, one));
        Box::new(self.read(path, asked).map(labelled))
    }

    fn read(&self, path: &Path, asked: bool) -> Requests {
        let kind = kind(path);
        if matches!(kind, Kind::Other) && !asked {
            return Box::new(std::iter::empty());
        }
        let opened = match counted(path, &self.progress) {
            Ok(opened) => opened,
            Err(error) => return one(Err(problem(path, (None, error.to_string())))),
        };
        let reader = match kind {
            Kind::Lines => return Box::new(jsonl::Lines::new(path, opened, &self.labels)),
            Kind::Whole(reader) => Some(reader),
            Kind::Other => None,
        };
        if let Labels::Field(name) = &self.labels {
            let message = format!("only JSON Lines have fields: `{name}` cannot be a label here");
            return one(Err(problem(path, (None, message))));
        }
        let unknown = || {
            let ends: Vec<&str> = READERS.iter().map(|(end, _)| *end).collect();
            format!("not a known corpus: expected .jsonl, {} or a folder", ends.join(", "))
        };
        match reader.map_or(Ok(None), |read| whole(opened).and_then(|bytes| read(path, &bytes))) {
            Ok(Some(requests)) => Box::new(requests.into_iter().map(Ok)),
            Ok(None) if asked => one(Err(problem(path, (None, unknown())))),
            Ok(None) => Box::new(std::iter::empty()),
            Err(wrong) => one(Err(problem(path, wrong))),
        }
    }
}

/// Opens a file; what ends in `.gz` is decompressed as it is read.
pub fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    counted(path, &Arc::default())
}

fn counted(path: &Path, progress: &Arc<AtomicU64>) -> io::Result<Box<dyn BufRead>> {
    let file = Counted { file: File::open(path)?, progress: Arc::clone(progress) };
    let file = BufReader::with_capacity(1 << 16, file);
    Ok(if path.extension().is_some_and(|end| end == "gz") {
        Box::new(BufReader::new(MultiGzDecoder::new(file)))
    } else {
        Box::new(file)
    })
}

/// Bytes that there are to read; a guess where files are unreadable.
pub fn size(path: &Path) -> u64 {
    let of_files = |files: Vec<PathBuf>| {
        let known = |file: &PathBuf| file.is_dir() || !matches!(kind(file), Kind::Other);
        files.iter().filter(|file| known(file)).map(|file| size(file)).sum()
    };
    match path.metadata() {
        Ok(about) if about.is_dir() => files(path).map(of_files).unwrap_or_default(),
        about => about.map(|about| about.len()).unwrap_or_default(),
    }
}

/// A file, and how much of it was read.
struct Counted {
    file: File,
    progress: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        self.progress.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

/// How a file is read.
#[derive(Clone, Copy)]
enum Kind {
    Lines,
    Whole(Reader),
    Other,
}

/// The kind of a file, by its name without `.gz`.
fn kind(path: &Path) -> Kind {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = name.strip_suffix(".gz").unwrap_or(name);
    let whole = READERS.iter().find(|(end, _)| name.ends_with(end));
    match whole {
        _ if name.ends_with(".jsonl") || name.ends_with(".ndjson") => Kind::Lines,
        Some((_, reader)) => Kind::Whole(*reader),
        None => Kind::Other,
    }
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

fn one(result: Result<Request, Problem>) -> Requests {
    Box::new(std::iter::once(result))
}

fn problem(path: &Path, (line, message): Wrong) -> Problem {
    Problem { path: path.to_owned(), line, message }
}

fn whole(reader: Box<dyn BufRead>) -> Result<Vec<u8>, Wrong> {
    let mut bytes = Vec::new();
    match reader.take(INPUT + 1).read_to_end(&mut bytes) {
        Ok(_) if bytes.len() as u64 > INPUT => Err((None, format!("longer than {INPUT} bytes"))),
        Ok(_) => Ok(bytes),
        Err(error) => Err((None, error.to_string())),
    }
}

/// A raw request.
fn raw(path: &Path, bytes: &[u8]) -> Result<Option<Vec<Request>>, Wrong> {
    let mut request = Request::from_raw(bytes, &Limits::default());
    request.id = path.display().to_string();
    request.wire = Some(bytes.to_vec());
    Ok(Some(vec![of_folder(path, request)]))
}

/// A request from its parts: with a Host where it has none, and with the length of its body instead
/// of the framing that it was recorded with.
fn request(
    method: &str,
    target: &str,
    host: &str,
    headers: impl IntoIterator<Item = (String, String)>,
    body: Vec<u8>,
) -> Request {
    let is = |name: &str, known: &[&str]| known.iter().any(|one| name.eq_ignore_ascii_case(one));
    let mut headers: Vec<(String, String)> = headers.into_iter().collect();
    // `:authority` and the like are HTTP/2's own.
    headers.retain(|(name, _)| {
        !name.starts_with(':') && !is(name, &["content-length", "transfer-encoding"])
    });
    if !headers.iter().any(|(name, _)| is(name, &["host"])) {
        headers.insert(0, ("Host".to_owned(), host.to_owned()));
    }
    if !body.is_empty() || is(method, &["POST", "PUT", "PATCH"]) {
        headers.push(("Content-Length".to_owned(), body.len().to_string()));
    }
    let headers = headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    let head = RequestHead::from_parts(method, target, "HTTP/1.1", headers);
    Request { head, body, ..Request::default() }
}

/// The host and the target of an absolute URL; a fragment stays at home.
fn url(url: &str) -> Option<(&str, String)> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let rest = rest.split('#').next().unwrap_or_default();
    let at = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(at);
    let host = authority.rsplit('@').next().unwrap_or_default();
    let slash = if target.starts_with('/') { "" } else { "/" };
    (!host.is_empty()).then(|| (host, format!("{slash}{target}")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]
mod tests {
    use super::*;
    use crate::request::Label;

    /// How a request looks in the tests of the readers.
    pub(super) fn shown(request: &Request) -> String {
        String::from_utf8_lossy(&request.bytes()).replace("\r\n", "|")
    }

    #[test]
    fn urls_are_taken_apart() {
        let parts = |text| url(text).map(|(host, target)| format!("{host} {target}"));
        assert_eq!(parts("https://u:p@a.example:8080/b?c#d").unwrap(), "a.example:8080 /b?c");
        assert_eq!(parts("http://a?b=/c").unwrap(), "a /?b=/c");
        assert_eq!(parts("http://a").unwrap(), "a /");
        assert_eq!(parts("ftp://a/"), None);
        assert_eq!(parts("http:///b"), None);
    }

    #[test]
    fn a_request_has_a_host_and_the_length_of_its_body() {
        let headers = [("content-length", "9"), (":path", "/"), ("A", "b")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let post = request("POST", "/", "h", headers.clone(), b"xy".to_vec());
        assert_eq!(shown(&post), "POST / HTTP/1.1|Host: h|A: b|Content-Length: 2||xy");
        let get = request("GET", "/", "h", [("host".to_owned(), "g".to_owned())], Vec::new());
        assert_eq!(shown(&get), "GET / HTTP/1.1|host: g||");
    }

    #[test]
    fn other_files_are_passed_over_in_a_folder_and_refused_by_name() {
        let folder = std::env::temp_dir().join(format!("read-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("attack/sqli")).unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
        write("README.md", "none");
        write("other.yaml", "a: 1\n");
        write("attack/sqli/1.http", "GET /?q=1 HTTP/1.1\r\nHost: a\r\n\r\n");
        let found: Vec<_> = read(&folder).map(Result::unwrap).collect();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].label, found[0].class.as_str()), (Some(Label::Attack), "sqli"));
        for name in ["README.md", "other.yaml", "gone.har"] {
            let problem = read(&folder.join(name)).next().unwrap().unwrap_err();
            assert!(problem.to_string().contains(name), "{problem}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
