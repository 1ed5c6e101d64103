//! `pinpoint why`: the story of one decision.

mod exclusion;
mod lookup;
pub(super) mod story;

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::output::{Format, print, print_json};
use super::{Exit, Failure, FormatArguments};
use crate::config::files::Disk;
use crate::config::{CommandLine, Config};

/// Tell the story of one decision: whose answer it was, which rule, field and bytes caused it, and
/// the narrowest exclusion that would let the request pass
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The id that the client was shown
    #[arg(value_name = "REQUEST_ID")]
    request_id: String,
    /// Look in this audit log only
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// The configuration that names the admin listener and the audit log
    #[arg(short, long, value_name = "FILE", conflicts_with = "log")]
    config: Option<PathBuf>,
    #[command(flatten)]
    format: FormatArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let request_id = arguments.request_id.as_str();
    if !is_id(request_id) {
        let message = format!("`{}` is no request id", super::output::safe(request_id));
        return Err(Failure::usage(message));
    }
    let found = match &arguments.log {
        Some(log) => lookup::in_file(log, request_id)?,
        None => everywhere(arguments.config.as_deref(), request_id)?,
    };
    let Some(record) = found.record else {
        eprintln!("no record of {request_id}\n{}", found.looked());
        return Ok(Exit::Found);
    };
    match arguments.format.format {
        Format::Text => {
            print(&story::tell(&record, &story::answered_by(&record)));
            eprintln!("{}", found.places.last().map(String::as_str).unwrap_or_default());
        }
        Format::Json => print_json(&json!({
            "record": record,
            "answered_by": story::answered_by(&record),
            "exclusions": exclusion::propose(&record),
            "looked": found.places,
        })),
    }
    Ok(Exit::Fine)
}

/// Asks the running proxy, then its audit log.
fn everywhere(config: Option<&Path>, request_id: &str) -> Result<lookup::Found, Failure> {
    let config = Config::load(&Disk, config, &CommandLine::default())?;
    let mut found = lookup::in_memory(&config.admin, request_id);
    if let Some(file) = config.audit.file.as_deref().filter(|_| found.record.is_none()) {
        if file.exists() {
            let in_file = lookup::in_file(file, request_id)?;
            found.places.extend(in_file.places);
            found.record = in_file.record;
        } else {
            found.places.push(format!("there is no audit log {}", file.display()));
        }
    }
    Ok(found)
}

/// Ours are UUIDs; a client's own may have these characters.
fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}
