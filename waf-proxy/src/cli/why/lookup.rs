//! Finding one record: in the memory of the running proxy, or in an audit log.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use memchr::memmem;
use waf_core::record::DecisionRecord;

use super::{Failure, by_time, whole};
use crate::audit_log::is_of;
use crate::config::Admin;

/// Bytes of an answer of the admin listener.
const ANSWER: u64 = 4 << 20;

/// How long the admin listener may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// A record, and where it was looked for.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) record: Option<DecisionRecord>,
    pub(super) places: Vec<String>,
}

impl Found {
    /// All places, a line each.
    pub(super) fn looked(&self) -> String {
        self.places.iter().map(|place| format!("  {place}")).collect::<Vec<_>>().join("\n")
    }
}

/// Asks the proxy that runs on this host. One that does not answer is no failure.
pub(super) fn in_memory(admin: &Admin, request_id: &str) -> Found {
    let place = format!("the proxy's memory, {}", admin.address);
    match ask(admin, request_id) {
        Ok(Some(record)) => {
            let record = serde_json::from_slice(&record).ok();
            Found { record, places: vec![format!("found in {place}")] }
        }
        Ok(None) => Found { record: None, places: vec![format!("not in {place}")] },
        Err(error) => Found { record: None, places: vec![format!("cannot ask {place}: {error}")] },
    }
}

/// `GET /records/<id>`; `None` where there is none.
fn ask(admin: &Admin, request_id: &str) -> io::Result<Option<Vec<u8>>> {
    let mut address = admin.address;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let host = admin.hosts.first().map_or("localhost", String::as_str);
    let token =
        admin.token.as_ref().map(|token| format!("Authorization: Bearer {}\r\n", token.show()));
    let request = format!(
        "GET /records/{request_id} HTTP/1.1\r\nHost: {host}\r\n{}Connection: close\r\n\r\n",
        token.unwrap_or_default()
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(ANSWER).read_to_end(&mut answer)?;
    let wrong = || io::Error::new(io::ErrorKind::InvalidData, "this is no admin listener");
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or_else(wrong)?;
    match answer.get(..12).ok_or_else(wrong)? {
        b"HTTP/1.1 200" => Ok(Some(answer.split_off(head + 4))),
        b"HTTP/1.1 404" => Ok(None),
        status => Err(io::Error::other(String::from_utf8_lossy(status).into_owned())),
    }
}

/// A record from standard input: one line of the log, or the same spread over several.
pub(super) fn pasted() -> Result<DecisionRecord, Failure> {
    let mut text = Vec::new();
    let input = io::stdin().lock().take(ANSWER).read_to_end(&mut text);
    input.map_err(|error| Failure::unreadable(format!("cannot read standard input: {error}")))?;
    serde_json::from_slice(&text).map_err(|error| {
        Failure::unreadable(format!("standard input is no decision record: {error}"))
    })
}

/// Looks in an audit log: where the time in the id says, then in all of it.
pub(super) fn in_file(path: &Path, request_id: &str) -> Result<Found, Failure> {
    let cannot =
        |error: io::Error| Failure::unreadable(format!("cannot read {}: {error}", path.display()));
    let mut file = File::open(path).map_err(cannot)?;
    let near = by_time::record(&mut file, request_id).map_err(cannot)?;
    let record = match near {
        Some(record) => Some(record),
        None => {
            let length = file.metadata().map_err(cannot)?.len();
            let read = |block: &mut [u8], place: u64| file.read_exact_at(block, place);
            whole::last_of(read, length, request_id).map_err(cannot)?
        }
    };
    let said = if record.is_some() { "found in" } else { "not in" };
    Ok(Found { record, places: vec![format!("{said} the audit log {}", path.display())] })
}

/// The last record of the request in whole lines. Most blocks have none, and are not cut into lines.
pub(super) fn last_in(lines: &[u8], request_id: &str) -> Option<DecisionRecord> {
    memmem::find(lines, request_id.as_bytes())?;
    lines.split(|&byte| byte == b'\n').rev().find_map(|line| record_of(line, request_id))
}

/// The record in a line, if it is of the request. Most lines are not, and are not parsed.
fn record_of(line: &[u8], request_id: &str) -> Option<DecisionRecord> {
    memmem::find(line, request_id.as_bytes())?;
    let record: DecisionRecord = serde_json::from_slice(line).ok()?;
    is_of(&record, request_id).then_some(record)
}
