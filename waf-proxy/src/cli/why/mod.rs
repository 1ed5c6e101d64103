//! `pinpoint why`: the story of one decision.

mod by_time;
mod lookup;
pub(super) mod text;
mod whole;

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use waf_core::record::DecisionRecord;
use waf_core::rule::Date;

use super::output::{Format, print, print_json};
use super::tune::attacks::Attacks;
use super::{Exit, Failure, FormatArguments, RuleArguments};
use crate::config::files::Disk;
use crate::config::{CommandLine, Config};
use crate::site::{Site, today};
use crate::story::{answered_by, choices, propose};
use crate::tune::Price;
use crate::tune::write::Signature;

/// Tell the story of one decision: whose answer it was, which rule, field and bytes caused it, and
/// the narrowest exclusion that would let the request pass
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The id that the client was shown; `-` reads the record itself from standard input
    #[arg(value_name = "REQUEST_ID")]
    request_id: String,
    /// Look in this audit log only; it may be compressed, as rotation leaves it
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// The configuration that names the admin listener and the audit log
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Attacks to replay with and without the exclusion: what it would let in
    #[arg(long, value_name = "CORPUS")]
    attacks: Vec<PathBuf>,
    #[command(flatten)]
    rules: RuleArguments,
    #[command(flatten)]
    format: FormatArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let request_id = arguments.request_id.as_str();
    if request_id == "-" {
        return tell(arguments, &lookup::pasted()?, &["standard input".to_owned()]);
    }
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
    tell(arguments, &record, &found.places)
}

fn tell(
    arguments: &Arguments,
    record: &DecisionRecord,
    places: &[String],
) -> Result<Exit, Failure> {
    let price = price(arguments, record)?;
    match arguments.format.format {
        Format::Text => {
            print(&text::tell(record, &answered_by(record)));
            if let Some(price) = &price {
                print(&text::price(price));
            }
            eprintln!("{}", places.last().map(String::as_str).unwrap_or_default());
        }
        Format::Json => print_json(&json!({
            "record": record,
            "answered_by": answered_by(record),
            "exclusions": propose(record),
            "price": price,
            "looked": places,
        })),
    }
    Ok(Exit::Fine)
}

/// What all the exclusions together would let in, under the settings of the record's route; `None` where
/// no attacks are given, or none is proposed.
fn price(arguments: &Arguments, record: &DecisionRecord) -> Result<Option<Price>, Failure> {
    let choices = choices(record);
    if arguments.attacks.is_empty() || choices.is_empty() {
        return Ok(None);
    }
    let command_line =
        CommandLine { rules: arguments.rules.rules.clone(), ..CommandLine::default() };
    let site = Site::load(&Disk, arguments.config.as_deref(), &command_line)?;
    let routes = &site.config.routes;
    let own = routes.iter().position(|route| route.name == record.route).unwrap_or(0);
    let policy = site.policies.get(own).ok_or_else(|| Failure::usage("there is no policy"))?;
    let attacks = Attacks::replay(&arguments.attacks, policy)?;
    let signature = Signature { owner: "-".to_owned(), expires: Date::from_days(today()) };
    let proposals = attacks.price(choices, 1, &signature)?;
    let let_in = proposals.iter().filter_map(|one| one.price.as_ref());
    let let_in: Vec<Box<str>> = let_in.flat_map(|price| price.let_in.clone()).collect();
    Ok(Some(Price { in_all: let_in.len(), of: attacks.caught.len(), let_in }))
}

/// Asks the running proxy, then its audit log, then what rotation has made of that.
fn everywhere(config: Option<&Path>, request_id: &str) -> Result<lookup::Found, Failure> {
    let config = Config::load(&Disk, config, &CommandLine::default())?;
    let mut found = lookup::in_memory(&config.admin, request_id);
    let Some(file) = config.audit.file.as_deref().filter(|_| found.record.is_none()) else {
        return Ok(found);
    };
    if !file.exists() {
        found.places.push(format!("there is no audit log {}", file.display()));
    }
    let logs = std::iter::once(file.to_owned()).chain(lookup::rotated(file));
    for log in logs.filter(|log| log.exists()) {
        let in_file = lookup::in_file(&log, request_id)?;
        found.places.extend(in_file.places);
        if in_file.record.is_some() {
            found.record = in_file.record;
            break;
        }
    }
    Ok(found)
}

/// Ours are UUIDs; a client's own may have these characters.
fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}
