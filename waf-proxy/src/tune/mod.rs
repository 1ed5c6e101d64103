//! From detection-only records to exclusions with proof, without reading or writing a file.
//!
//! ```text
//! lines -> Line -> Gathered: shapes with who, when, how answered
//!                      -> Evidence: false positive, attack or unclear, each reason told
//!                      -> candidates: rule + fields + path, narrow ones
//!                      -> choose: the fewest for the most, weighed against the attacks of a corpus
//!                      -> price: those attacks replayed with them
//!                      -> write: YAML or SecLang
//! ```
//!
//! Records that exclusions cannot tell apart are one [`gather::Shape`], so that memory depends on the
//! site and not on the length of the log.

pub mod attacks;
pub mod candidate;
pub mod evidence;
pub mod gather;
pub mod limits;
pub mod line;
pub mod place;
pub mod price;
pub mod propose;
pub mod sketch;
pub mod spelling;
pub mod weighed;
pub mod write;

#[cfg(test)]
mod tests;

use serde::Serialize;

pub use attacks::Attack;
pub use candidate::Candidate;
pub use evidence::{Evidence, Likely, Reason};
pub use gather::{Counts, Gathered};
pub use propose::{Choice, Wish, choose, judged};

/// An exclusion with everything that is known of it.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// What it takes away.
    pub candidate: Candidate,
    /// For which methods; empty for all.
    pub methods: Vec<Box<str>>,
    /// What is known of the records that it takes a match from.
    pub evidence: Evidence,
    /// Flagged records that pass with it and all before it.
    pub passing: u64,
    /// All flagged records.
    pub flagged: u64,
    /// What it lets in; `None` where no attacks were given.
    pub price: Option<Price>,
}

/// What an exclusion lets in, by replay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Price {
    /// The attacks that pass with it, and not without it.
    pub let_in: Vec<Box<str>>,
    /// How many pass with it and all before it, and not without any.
    pub in_all: usize,
    /// How many are caught without exclusions.
    pub of: usize,
}

impl Proposal {
    /// One line for whoever reads the exclusion a year later.
    pub fn reason(&self) -> String {
        let reasons: Vec<String> = self
            .evidence
            .reasons()
            .iter()
            .filter(|reason| reason.harmless)
            .map(ToString::to_string)
            .collect();
        format!(
            "{} of {}: {}",
            sentence(self.evidence.likely()),
            records(self.evidence.records),
            reasons.join("; ")
        )
    }

    /// What it brings, in words.
    pub fn brings(&self) -> String {
        let share = share(self.passing, self.flagged);
        format!("{share} of the flagged records pass with this and those above")
    }

    /// What it costs, in words.
    pub fn costs(&self) -> String {
        match &self.price {
            None => "its price is not known: give `--attacks`".to_owned(),
            Some(price) => format!(
                "{} newly pass{}; {} of {} with those above",
                attacks(price.let_in.len()),
                if price.let_in.len() == 1 { "es" } else { "" },
                price.in_all,
                price.of
            ),
        }
    }
}

fn sentence(likely: Likely) -> &'static str {
    match likely {
        Likely::FalsePositive => "Likely false positives, by the evidence",
        Likely::Unclear => "Unclear, by the evidence",
        Likely::Attack => "Likely attacks, by the evidence",
    }
}

fn records(count: u64) -> String {
    format!("{count} record{}", if count == 1 { "" } else { "s" })
}

fn attacks(count: usize) -> String {
    format!("{count} attack{}", if count == 1 { "" } else { "s" })
}

fn share(part: u64, of: u64) -> String {
    format!("{:.1} %", 100.0 * part as f64 / of.max(1) as f64)
}
