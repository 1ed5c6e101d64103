//! Finding one record: in the memory of the running proxy, or in an audit log.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use memchr::memmem;
use waf_core::record::DecisionRecord;

use super::{Failure, by_time, whole};
use crate::audit_log::is_of;
use crate::cli::ask::get;
use crate::cli::tune::read::{GZIP, gather};
use crate::config::Admin;

/// Bytes of a record that is pasted.
const PASTED: u64 = 4 << 20;

/// Earlier parts of a log that are looked in: more than a month of days.
const ROTATED: usize = 32;

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
    match get(admin, &format!("/records/{request_id}"))? {
        (200, record) => Ok(Some(record)),
        (404, _) => Ok(None),
        (status, _) => Err(io::Error::other(format!("it answers {status}"))),
    }
}

/// A record from standard input: one line of the log, or the same spread over several.
pub(super) fn pasted() -> Result<DecisionRecord, Failure> {
    let mut text = Vec::new();
    let input = io::stdin().lock().take(PASTED).read_to_end(&mut text);
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
    let record = match by_time::record(&mut file, request_id).map_err(cannot)? {
        Some(record) => Some(record),
        None if is_gzip(&file).map_err(cannot)? => in_gzip(path, request_id)?,
        None => {
            let length = file.metadata().map_err(cannot)?.len();
            let read = |block: &mut [u8], place: u64| file.read_exact_at(block, place);
            whole::last_of(read, length, request_id).map_err(cannot)?
        }
    };
    let said = if record.is_some() { "found in" } else { "not in" };
    Ok(Found { record, places: vec![format!("{said} the audit log {}", path.display())] })
}

/// A log's earlier parts as `logrotate` calls them, the newest first: `.1`, `.2.gz`.
pub(super) fn rotated(log: &Path) -> impl Iterator<Item = PathBuf> {
    let name = |number: usize, end: &str| {
        let mut name = log.as_os_str().to_owned();
        name.push(format!(".{number}{end}"));
        PathBuf::from(name)
    };
    (1..=ROTATED).flat_map(move |number| [name(number, ""), name(number, ".gz")])
}

fn is_gzip(file: &File) -> io::Result<bool> {
    let mut magic = [0; 2];
    Ok(file.read_at(&mut magic, 0)? == 2 && magic == GZIP)
}

/// A log as rotation leaves it can only be read from its beginning. The latest record of the request.
fn in_gzip(path: &Path, request_id: &str) -> Result<Option<DecisionRecord>, Failure> {
    let keep_last = |last: &mut Option<DecisionRecord>, line: &[u8]| {
        if let Some(record) = record_of(line, request_id) {
            *last = Some(record);
        }
    };
    let of_parts = gather(&[path.display().to_string()], || None, keep_last)?;
    Ok(of_parts.into_iter().flatten().max_by(|a, b| a.time.cmp(&b.time)))
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
