//! `pinpoint tune`: from detection-only records to exclusions with proof.

pub(super) mod attacks;
pub(super) mod read;
mod report;

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use waf_core::rule::Date;

use super::output::{Format, print, print_json};
use super::{Exit, Failure, FormatArguments, RuleArguments};
use crate::config::CommandLine;
use crate::config::files::Disk;
use crate::site::{Site, today};
use crate::tune::write::{Signature, seclang, yaml};
use crate::tune::{Choice, Gathered, Proposal, Wish, choose, judged, price};
use attacks::Attacks;
use report::Study;

/// Days that a proposed exclusion applies, unless told otherwise.
const DAYS: i64 = 180;

/// How often prices over the bound are tried again without the exclusion that went over it.
const TRIES: usize = 16;

/// Propose exclusions from decision records, narrowest first, and prove each: what passes with it,
/// and which attacks would
///
/// Reads audit logs (.jsonl, .gz, `-` for standard input), separates likely false positives from
/// likely attacks by evidence that it states, and proposes the fewest narrow exclusions. Nothing is
/// changed: the output is a file for a person to read.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Audit logs, also compressed; `-` is standard input [default: the configured one]
    #[arg(long = "log", value_name = "FILE")]
    logs: Vec<String>,
    /// Attacks to replay with and without each exclusion
    #[arg(long, value_name = "CORPUS")]
    attacks: Vec<PathBuf>,
    #[command(flatten)]
    rules: RuleArguments,
    /// The configuration; its first route's settings are used to replay attacks
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// No more exclusions than this
    #[arg(long, value_name = "N", default_value_t = 60)]
    max: usize,
    /// Stop before more attacks than this pass: a share of those that are caught, such as 0.5%
    #[arg(long, value_name = "PERCENT", requires = "attacks")]
    max_price: Option<Percent>,
    /// Also propose for what evidence cannot tell from attacks
    #[arg(long)]
    unclear: bool,
    /// Print the exclusions as a file
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    output: Option<Language>,
    /// Who answers for the exclusions
    #[arg(long, value_name = "NAME", default_value = "unknown")]
    owner: String,
    /// The last day (UTC) they apply [default: in 180 days]
    #[arg(long, value_name = "DAY", value_parser = day)]
    expires: Option<Date>,
    /// The first id of rules in SecLang
    #[arg(long, value_name = "ID", default_value_t = 9_900_000)]
    first_id: u64,
    #[command(flatten)]
    format: FormatArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Language {
    /// An exclusion file of ours
    Yaml,
    /// For ModSecurity: what stands before the rules, then what stands after them
    Seclang,
}

/// A share, written in percent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Percent(pub(super) f64);

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_suffix('%').unwrap_or(text).trim().parse::<f64>() {
            Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(Self(percent / 100.0)),
            _ => Err("a share from 0% to 100%".into()),
        }
    }
}

fn day(text: &str) -> Result<Date, String> {
    Date::parse(text).ok_or_else(|| "a day, as in 2027-06-30".into())
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let command_line =
        CommandLine { rules: arguments.rules.rules.clone(), ..CommandLine::default() };
    let site = Site::load(&Disk, arguments.config.as_deref(), &command_line)?;
    let mut log = Gathered::new();
    read::gather(&logs(arguments, &site)?, Gathered::new, Gathered::add_line)?
        .into_iter()
        .for_each(|part| log.merge(part));
    let signature = Signature {
        owner: arguments.owner.clone(),
        expires: arguments.expires.unwrap_or_else(|| Date::from_days(today() + DAYS)),
    };
    let attacks = attacks(arguments, &site)?;
    let proposals = propose(arguments, &log, attacks.as_ref(), &signature)?;
    let study = Study {
        log: &log,
        judged: judged(&log),
        attacks: attacks.as_ref(),
        proposals,
        with_unclear: arguments.unclear,
    };
    match (arguments.output, arguments.format.format) {
        (Some(Language::Yaml), _) => print(&yaml(&study.proposals, &signature)),
        (Some(Language::Seclang), _) => {
            print(&seclang(&study.proposals, &signature, arguments.first_id).text());
        }
        (None, Format::Text) => print(&study.text()),
        (None, Format::Json) => print_json(&study.json()),
    }
    if arguments.output.is_some() {
        eprint!("{}", study.summary());
    }
    Ok(Exit::Fine)
}

/// The logs that are named, or the configured one.
fn logs(arguments: &Arguments, site: &Site) -> Result<Vec<String>, Failure> {
    if !arguments.logs.is_empty() {
        return Ok(arguments.logs.clone());
    }
    let configured = site.config.audit.file.as_ref();
    let named = configured.and_then(|path| path.to_str()).map(|path| vec![path.to_owned()]);
    named.ok_or_else(|| Failure::usage("no audit log is configured: name one with `--log`"))
}

fn attacks(arguments: &Arguments, site: &Site) -> Result<Option<Attacks>, Failure> {
    if arguments.attacks.is_empty() {
        return Ok(None);
    }
    let policy = site.policies.first().ok_or_else(|| Failure::usage("there is no policy"))?;
    Attacks::replay(&arguments.attacks, policy).map(Some)
}

/// The choices with their prices. What goes over the bound is tried again without it: the choice was
/// by the attacks' records, the bound is by replay.
fn propose(
    arguments: &Arguments,
    log: &Gathered,
    attacks: Option<&Attacks>,
    signature: &Signature,
) -> Result<Vec<Proposal>, Failure> {
    let max_price = arguments.max_price.map(|percent| percent.0);
    let wish = Wish { most: arguments.max, max_price, unclear: arguments.unclear };
    let caught = attacks.map(|attacks| attacks.caught.as_slice()).unwrap_or_default();
    let mut choices: Vec<Choice> = choose(log, caught, &wish);
    let flagged = log.counts.flagged;
    let Some(attacks) = attacks else { return Ok(price::unpriced(choices, flagged)) };
    for _ in 0..TRIES {
        let proposals = attacks.price(choices.clone(), flagged, signature)?;
        match max_price.and_then(|most| price::over(&proposals, most)) {
            Some(over) => drop(choices.remove(over)),
            None => return Ok(proposals),
        }
    }
    let mut proposals = attacks.price(choices, flagged, signature)?;
    if let Some(over) = max_price.and_then(|most| price::over(&proposals, most)) {
        proposals.truncate(over);
    }
    Ok(proposals)
}
