//! Finding one record: in the memory of the running proxy, or in an audit log from its end.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use memchr::memmem;
use waf_core::record::DecisionRecord;

use super::{Failure, by_time};
use crate::audit_log::is_of;
use crate::config::Admin;

/// Bytes read at once.
const BLOCK: u64 = 256 * 1024;

/// Bytes of a line; `audit.record` is at most 1 MiB.
const LINE: usize = 2 << 20;

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

/// Reads an audit log from its end, where the last records are.
pub(super) fn in_file(path: &Path, request_id: &str) -> Result<Found, Failure> {
    let cannot =
        |error: io::Error| Failure::unreadable(format!("cannot read {}: {error}", path.display()));
    let mut file = File::open(path).map_err(cannot)?;
    let near = by_time::record(&mut file, request_id).map_err(cannot)?;
    let record = match near {
        Some(record) => Some(record),
        None => last_of(&mut file, request_id).map_err(cannot)?,
    };
    let said = if record.is_some() { "found in" } else { "not in" };
    Ok(Found { record, places: vec![format!("{said} the audit log {}", path.display())] })
}

/// The last record of the request in a file of one record a line.
fn last_of(file: &mut (impl Read + Seek), request_id: &str) -> io::Result<Option<DecisionRecord>> {
    let mut end = file.seek(SeekFrom::End(0))?;
    // The front of the lines read so far: it may begin inside a line.
    let mut front: Vec<u8> = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        file.seek(SeekFrom::Start(start))?;
        let mut block = vec![0; usize::try_from(end - start).unwrap_or(0)];
        file.read_exact(&mut block)?;
        block.append(&mut front);
        let cut = match block.iter().position(|&byte| byte == b'\n') {
            Some(at) if start > 0 => at + 1,
            None if start > 0 => block.len(),
            _ => 0,
        };
        if let Some(record) = last_in(&block[cut..], request_id) {
            return Ok(Some(record));
        }
        block.truncate(cut);
        // A line that is this long is not ours.
        front = if block.len() > LINE { Vec::new() } else { block };
        end = start;
    }
    Ok(None)
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

    use std::io::Cursor;

    use super::*;
    use crate::test_record::{blocked, passed};

    fn line(record: &DecisionRecord) -> String {
        serde_json::to_string(record).unwrap() + "\n"
    }

    fn find(text: &str, request_id: &str) -> Option<DecisionRecord> {
        last_of(&mut Cursor::new(text.as_bytes()), request_id).unwrap()
    }

    #[test]
    fn a_record_is_found_wherever_it_stands_in_the_file() {
        // Some blocks, lines of many lengths: every border falls into some line.
        let mut text = String::new();
        for index in 0..3_000 {
            let mut record = blocked(&format!("id-{index}"));
            record.request.path = "/".repeat(1 + index % 997);
            text += &line(&record);
        }
        assert!(text.len() as u64 > 4 * BLOCK);
        for index in (0..3_000).step_by(7).chain([2_999]) {
            let id = format!("id-{index}");
            assert_eq!(find(&text, &id).map(|record| record.request_id), Some(id));
        }
        assert_eq!(find(&text, "id-3000"), None);
        assert_eq!(find("", "id-0"), None);
    }

    #[test]
    fn the_last_of_several_counts_and_other_lines_do_not() {
        let mut early = passed("a");
        early.status = Some(500);
        let mut of_client = passed("b");
        of_client.client_request_id = Some("c".into());
        let mut quoting = passed("d");
        quoting.request.path = "/a".into();
        let text = line(&early)
            + &line(&passed("a"))
            + "{\"request_id\":\"a\"\n\n"
            + &line(&quoting)
            + &line(&of_client);
        assert_eq!(find(&text, "a").unwrap().status, Some(200));
        assert_eq!(find(&text, "c").unwrap().request_id, "b");
    }

    #[test]
    fn a_file_without_a_last_line_end_is_read() {
        assert!(find(line(&passed("a")).trim_end(), "a").is_some());
    }
}
