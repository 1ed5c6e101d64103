//! The origin behind the suite: albedo answers what it is asked to answer.
//!
//! Any request gets 200 and an empty body. `POST /reflect` with a JSON document gets the response
//! that this describes: `status`, `headers`, `body` or `encodedBody` (base64); `logMessage` is for
//! albedo's own log.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use serde_json::{Map, Value};
use waf_core::limits::Limits;
use waf_core::parse::framing::Framing;

use crate::read::base64;
use crate::request::Request;
use crate::response::Response;

/// Bytes of a request that are read.
const REQUEST: usize = 16 << 20;

/// How long a request may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// Answers what comes to a socket, one request a connection, for as long as the process lives.
pub fn serve(listener: TcpListener) -> io::Result<()> {
    let accept = move || {
        for stream in listener.incoming().flatten() {
            // A connection that breaks concerns nobody else.
            thread::spawn(move || answer(stream));
        }
    };
    thread::Builder::new().name("albedo".to_owned()).spawn(accept).map(drop)
}

fn answer(mut stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut bytes = Vec::new();
    let mut block = vec![0; 1 << 16];
    let request = loop {
        let length = stream.read(&mut block)?;
        bytes.extend_from_slice(&block[..length]);
        let request = Request::from_raw(&bytes, &Limits::default());
        if is_complete(&request, &bytes) {
            break request;
        }
        if length == 0 || bytes.len() > REQUEST {
            return Ok(());
        }
    };
    let mut response = respond(&request);
    response.head.headers.push((b"Connection".to_vec(), b"close".to_vec()));
    stream.write_all(&response.bytes())
}

fn is_complete(request: &Request, bytes: &[u8]) -> bool {
    let has_head = bytes.windows(4).any(|four| four == b"\r\n\r\n");
    has_head
        && match Framing::of(&request.head) {
            Ok(Framing::Length(length)) => request.body.len() as u64 >= length,
            // An open chunk is a finding.
            Ok(Framing::Chunked) => request.findings.is_empty(),
            _ => true,
        }
}

/// What albedo answers.
pub fn respond(request: &Request) -> Response {
    let target = &request.head.target;
    let path = target.split(|&byte| byte == b'?').next().unwrap_or_default();
    let reflects = path == b"/reflect" || path.starts_with(b"/reflect/");
    if request.head.method != b"POST" || !reflects {
        return Response::new(200, Vec::new());
    }
    reflect(&request.body).unwrap_or_else(|why| Response::new(400, why.into_bytes()).typed())
}

fn reflect(body: &[u8]) -> Result<Response, String> {
    const WRONG: &str = "Invalid JSON in request body";
    let document = serde_json::from_str(&String::from_utf8_lossy(body)).map_err(|_| WRONG)?;
    let Value::Object(document) = document else { return Err(WRONG.to_owned()) };
    let text = |name| match find(&document, name) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(_) => Err(WRONG),
    };
    let status = match find(&document, "status") {
        None | Some(Value::Null) => 200,
        Some(status) => match status.as_i64().ok_or(WRONG)? {
            0 => 200,
            // Numbers below 0 would stop albedo; nobody sends them.
            status @ 100..600 => status as u16,
            status => return Err(format!("Invalid status code: {status}")),
        },
    };
    let bytes = match (text("body")?, text("encodedBody")?) {
        ("", encoded) => base64(encoded).map_err(|_| "invalid base64 encoding of response body")?,
        (body, _) => body.as_bytes().to_vec(),
    };
    let mut response = Response::new(status, bytes);
    match find(&document, "headers") {
        None | Some(Value::Null) => {}
        Some(Value::Object(headers)) => {
            for (name, value) in headers {
                let value = value.as_str().ok_or(WRONG)?;
                response.head.headers.push((name.as_bytes().to_vec(), value.as_bytes().to_vec()));
            }
        }
        Some(_) => return Err(WRONG.to_owned()),
    }
    Ok(response.typed())
}

/// Go finds the members of a document whatever their case.
fn find<'a>(document: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let found = || document.iter().find(|(have, _)| have.eq_ignore_ascii_case(name));
    document.get(name).or_else(|| found().map(|(_, value)| value))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]
mod tests {
    use super::*;

    fn answer(line: &str, body: &str) -> Response {
        let raw = format!("{line}\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        respond(&Request::from_raw(raw.as_bytes(), &Limits::default()))
    }

    fn reflected(body: &str) -> (u16, Vec<u8>) {
        let response = answer("POST /reflect HTTP/1.1", body);
        (response.head.status, response.body)
    }

    #[test]
    fn anything_is_answered_with_nothing() {
        for line in ["GET / HTTP/1.1", "POST /post HTTP/1.1", "GET /reflect HTTP/1.1"] {
            let response = answer(line, r#"{"body":"x"}"#);
            assert_eq!((response.head.status, response.body), (200, Vec::new()), "{line}");
            assert_eq!(response.head.headers, [(b"Content-Length".to_vec(), b"0".to_vec())]);
        }
    }

    #[test]
    fn a_description_is_answered_with_what_it_describes() {
        assert_eq!(reflected(r#"{"body":"a\n"}"#), (200, b"a\n".to_vec()));
        assert_eq!(reflected(r#"{"status":503,"encodedBody":"Zm9v"}"#), (503, b"foo".to_vec()));
        assert_eq!(reflected(r#"{"Body":"a","logMessage":"b","c":1}"#), (200, b"a".to_vec()));
        assert_eq!(reflected("{}"), (200, Vec::new()));
    }

    #[test]
    fn headers_are_set_and_a_type_is_there() {
        let value = |response: &Response, name: &str| {
            let named =
                |(have, _): &&(Vec<u8>, Vec<u8>)| have.eq_ignore_ascii_case(name.as_bytes());
            let header = response.head.headers.iter().find(named);
            header.map(|(_, value)| String::from_utf8(value.clone()).unwrap())
        };
        let response = answer("POST /reflect/x?y HTTP/1.1", r#"{"headers":{"A":"b"},"body":"c"}"#);
        assert_eq!(value(&response, "a").unwrap(), "b");
        assert_eq!(value(&response, "content-type").unwrap(), "text/plain; charset=utf-8");
        assert_eq!(value(&response, "content-length").unwrap(), "1");
        let html = r#"{"headers":{"content-type":"text/html"},"body":"c"}"#;
        let response = answer("POST /reflect HTTP/1.1", html);
        assert_eq!(value(&response, "Content-Type").unwrap(), "text/html");
    }

    #[test]
    fn what_describes_nothing_is_refused() {
        for body in ["", "a=b", "[]", r#"{"body":1}"#, r#"{"headers":[]}"#, r#"{"status":"1"}"#] {
            assert_eq!(reflected(body), (400, b"Invalid JSON in request body".to_vec()), "{body}");
        }
        assert_eq!(reflected(r#"{"status":700}"#).1, b"Invalid status code: 700");
        assert_eq!(reflected(r#"{"encodedBody":"*"}"#).0, 400);
    }
}
