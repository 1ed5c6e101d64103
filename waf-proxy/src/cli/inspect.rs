//! `pinpoint inspect`: one raw request and its decision record.

mod trace;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use clap::Args;
use serde::Serialize;
use waf_core::record::{Decision, DecisionRecord, Source, TraceRecord};
use waf_corpus::{Cut, Request, Runner};

use super::output::{Format, print, print_json};
use super::why::text;
use super::{Exit, Failure, FormatArguments, ModeArgument, RuleArguments};
use crate::config::CommandLine;
use crate::config::files::Disk;
use crate::ids;
use crate::site::Site;
use crate::story::decided;

/// Bytes of a request that are read.
const INPUT: u64 = 64 << 20;

/// Inspect one raw HTTP/1.1 request and print its decision record
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The request; `-` for standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    #[command(flatten)]
    rules: RuleArguments,
    /// Whether blocks are carried out
    #[arg(long, value_enum)]
    mode: Option<ModeArgument>,
    /// Settings other than the defaults; the first route's are used
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Take a head whose lines end in LF as it is, instead of reading LF as CRLF
    #[arg(long)]
    raw: bool,
    /// Add every field, every step that changed it and every rule looked for in it
    #[arg(long)]
    trace: bool,
    #[command(flatten)]
    format: FormatArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let command_line = CommandLine {
        rules: arguments.rules.rules.clone(),
        mode: arguments.mode.map(Into::into),
        ..CommandLine::default()
    };
    let site = Site::load(&Disk, arguments.config.as_deref(), &command_line)?;
    let mut bytes = read(&arguments.file)?;
    if !arguments.raw && has_bare_lines(&bytes) {
        eprintln!(
            "note: lines of the head end in LF, read as CRLF (`--raw` takes them as they are)"
        );
        bytes = with_crlf(&bytes);
    }
    let (record, trace) = inspect(&site, &bytes, arguments.trace)?;
    match arguments.format.format {
        Format::Text => {
            print(&text::tell(&record, &decided(&record)));
            print(&trace.as_ref().map(trace::tell).unwrap_or_default());
        }
        Format::Json => print_json(&Inspected { record: &record, trace: trace.as_ref() }),
    }
    Ok(if record.decision == Decision::Pass { Exit::Fine } else { Exit::Found })
}

/// The record, and the trace where it was asked for.
#[derive(Serialize)]
struct Inspected<'a> {
    #[serde(flatten)]
    record: &'a DecisionRecord,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'a TraceRecord>,
}

fn inspect(
    site: &Site,
    bytes: &[u8],
    traced: bool,
) -> Result<(DecisionRecord, Option<TraceRecord>), Failure> {
    let policy = site.policies.first().ok_or_else(|| Failure::usage("there is no policy"))?;
    let mut request = Request::from_raw(bytes, &policy.settings().limits);
    let now = SystemTime::now();
    request.id = ids::request_id(now);
    let mut runner = Runner::new(Arc::clone(policy), (*site.config.masking).clone());
    let (mut record, trace) = if traced {
        let (record, trace) = runner.trace(&request, Cut::Whole);
        (record, Some(trace))
    } else {
        (runner.run(&request, Cut::Whole), None)
    };
    record.time = ids::timestamp(now);
    if record.source == Source::Origin {
        // Nobody was asked.
        record.status = None;
    }
    Ok((record, trace))
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = match file.to_str() {
        Some("-") => io::stdin().take(INPUT + 1).read_to_end(&mut bytes),
        _ => File::open(file).and_then(|file| file.take(INPUT + 1).read_to_end(&mut bytes)),
    };
    read.map_err(|error| Failure::unreadable(format!("cannot read {}: {error}", file.display())))?;
    if bytes.len() as u64 > INPUT {
        return Err(Failure::unreadable(format!("{} is over 64 MiB", file.display())));
    }
    Ok(bytes)
}

/// Whether the head has lines and none of them ends in CRLF: it was written in an editor.
fn has_bare_lines(bytes: &[u8]) -> bool {
    let head = head_of(bytes);
    head.contains(&b'\n') && !head.contains(&b'\r')
}

fn head_of(bytes: &[u8]) -> &[u8] {
    let end = bytes.windows(2).position(|two| two == b"\n\n").map_or(bytes.len(), |at| at + 2);
    &bytes[..end]
}

fn with_crlf(bytes: &[u8]) -> Vec<u8> {
    let head = head_of(bytes);
    let mut request: Vec<u8> = Vec::with_capacity(bytes.len() + 64);
    for &byte in head {
        if byte == b'\n' {
            request.push(b'\r');
        }
        request.push(byte);
    }
    request.extend_from_slice(&bytes[head.len()..]);
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_head_without_any_cr_is_changed() {
        assert!(has_bare_lines(b"GET / HTTP/1.1\nHost: a\n\nbody\r\n"));
        assert!(!has_bare_lines(b"GET / HTTP/1.1\r\nHost: a\n\n"));
        assert_eq!(with_crlf(b"GET /\nA: b\n\nx\ny"), b"GET /\r\nA: b\r\n\r\nx\ny");
    }
}
