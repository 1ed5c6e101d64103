//! What speaks for a false positive, and what for an attack. Nothing is weighed in secret: every
//! reason is a sentence with its numbers, and the judgement follows from them by one rule.

use std::fmt;

use serde::Serialize;

use super::gather::{Gathered, Seen, Shape};

/// Clients from which on something is a habit of users, not the doing of one.
const MANY_CLIENTS: u64 = 5;

/// Clients up to which it may be the doing of one.
const FEW_CLIENTS: u64 = 2;

/// Hours that a log must have before their spread says anything.
const SHORT_LOG: u32 = 6;

/// A client probes when it was flagged on so many paths, and on so many times more than the client
/// in the middle.
const PROBING: (u32, u32) = (8, 4);

/// What is known of the records that an exclusion takes a match from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// How many records.
    pub records: u64,
    /// From how many clients: exact up to 15, then an estimate.
    pub clients: u64,
    /// In how many hours.
    pub hours: u32,
    /// Of how many that the log has.
    pub log_hours: u32,
    /// Records with matches in one field only.
    pub one_field: u64,
    /// Records with matches of one rule only.
    pub one_rule: u64,
    /// Records that the application answered.
    pub answered: u64,
    /// Of them, those with a status of 400 or more.
    pub refused: u64,
    /// Clients that were looked at for what else they did.
    pub sampled: u64,
    /// Of them, those flagged on many paths.
    pub probing: u64,
}

/// What the evidence says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Likely {
    /// Harmless text that looks like an attack.
    FalsePositive,
    /// It cannot be told.
    Unclear,
    /// An attack.
    Attack,
}

impl Likely {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::FalsePositive => "likely a false positive",
            Self::Unclear => "unclear",
            Self::Attack => "likely an attack",
        }
    }
}

/// A sentence of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// It speaks for a false positive; else for an attack.
    pub harmless: bool,
    /// It tells of many: of clients, or of hours. Without such a reason nothing is called harmless.
    #[serde(skip)]
    spread: bool,
    /// With its numbers.
    pub text: String,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Evidence {
    /// Where there is none: of an exclusion that a person asks about.
    pub fn none() -> Self {
        Self {
            records: 0,
            clients: 0,
            hours: 0,
            log_hours: 0,
            one_field: 0,
            one_rule: 0,
            answered: 0,
            refused: 0,
            sampled: 0,
            probing: 0,
        }
    }

    /// Of some shapes of a log.
    pub fn of<'a>(shapes: impl IntoIterator<Item = &'a Shape>, log: &Gathered) -> Self {
        let mut seen = Seen::default();
        let (mut one_field, mut one_rule) = (0, 0);
        for shape in shapes {
            seen.merge(&shape.seen);
            one_field += if shape.weighed.has_one_field() { shape.seen.records } else { 0 };
            one_rule += if shape.weighed.has_one_rule() { shape.seen.records } else { 0 };
        }
        let (least, times) = PROBING;
        let many = least.max(log.breadths.median().saturating_mul(times));
        let sample: Vec<u32> =
            seen.clients.sample().iter().filter_map(|&client| log.breadths.of(client)).collect();
        Self {
            records: seen.records,
            clients: seen.clients.count().min(seen.records),
            hours: seen.hours.count(),
            log_hours: log.hours.count(),
            one_field,
            one_rule,
            answered: seen.answered,
            refused: seen.refused,
            sampled: sample.len() as u64,
            probing: sample.iter().filter(|&&paths| paths >= many).count() as u64,
        }
    }

    /// What speaks for and against, for it first.
    pub fn reasons(&self) -> Vec<Reason> {
        let mut reasons = [self.clients(), self.hours(), self.field(), self.rule(), self.answers()]
            .into_iter()
            .flatten()
            .chain(self.probes())
            .collect::<Vec<_>>();
        reasons.sort_by_key(|reason| !reason.harmless);
        reasons
    }

    /// A false positive when more speaks for it than against, and it is spread over clients or hours;
    /// an attack when more speaks against it.
    pub fn likely(&self) -> Likely {
        let reasons = self.reasons();
        let harmless = reasons.iter().filter(|reason| reason.harmless).count();
        let harmful = reasons.len() - harmless;
        let is_spread = reasons.iter().any(|reason| reason.harmless && reason.spread);
        match (harmless.cmp(&harmful), is_spread) {
            (std::cmp::Ordering::Greater, true) => Likely::FalsePositive,
            (std::cmp::Ordering::Less, _) => Likely::Attack,
            _ => Likely::Unclear,
        }
    }

    fn clients(&self) -> Option<Reason> {
        let text = match self.clients {
            0 => return None,
            1 => "a single client".to_owned(),
            exact @ 2..16 => format!("{exact} clients"),
            about => format!("about {} clients", rounded(about)),
        };
        // A single record of a client tells of no habit, good or bad.
        let is_one_doing = self.clients <= FEW_CLIENTS && self.records > self.clients;
        (self.clients >= MANY_CLIENTS || is_one_doing).then_some(Reason {
            harmless: self.clients >= MANY_CLIENTS,
            spread: true,
            text,
        })
    }

    fn hours(&self) -> Option<Reason> {
        let is_steady = self.hours * 4 >= self.log_hours;
        let is_burst = self.hours <= 1 && self.records > 1;
        (self.log_hours >= SHORT_LOG && (is_steady || is_burst)).then(|| Reason {
            harmless: is_steady,
            spread: true,
            text: match is_burst {
                true => format!("all within one of {} hours", self.log_hours),
                false => format!("in {} of {} hours", self.hours, self.log_hours),
            },
        })
    }

    fn field(&self) -> Option<Reason> {
        self.mostly(self.one_field, "no other field matched in")
    }

    fn rule(&self) -> Option<Reason> {
        self.mostly(self.one_rule, "no other rule matched in")
    }

    fn mostly(&self, part: u64, what: &str) -> Option<Reason> {
        let share = percent(part, self.records);
        let text = format!("{what} {share} % of them");
        (share >= 50).then_some(Reason { harmless: true, spread: false, text })
    }

    fn answers(&self) -> Option<Reason> {
        let share = percent(self.refused, self.answered);
        let harmless = share < 10;
        let text = match harmless {
            true => format!("the application accepted {} %", 100 - share),
            false => format!("the application refused {share} %"),
        };
        (self.answered > 0 && (harmless || share >= 50)).then_some(Reason {
            harmless,
            spread: false,
            text,
        })
    }

    fn probes(&self) -> Option<Reason> {
        let share = percent(self.probing, self.sampled);
        let text = format!("{share} % of the clients tripped rules all over the site");
        (self.sampled > 0 && share >= 50).then_some(Reason { harmless: false, spread: false, text })
    }
}

fn percent(part: u64, of: u64) -> u64 {
    (part * 100).checked_div(of).unwrap_or(0)
}

/// Two digits that count: more would say that an estimate is exact.
fn rounded(number: u64) -> u64 {
    let unit = 10_u64.pow(number.checked_ilog10().unwrap_or(0).saturating_sub(1));
    number / unit * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence() -> Evidence {
        Evidence {
            records: 100,
            clients: 40,
            hours: 20,
            log_hours: 24,
            one_field: 90,
            one_rule: 90,
            answered: 100,
            refused: 1,
            sampled: 16,
            probing: 0,
        }
    }

    #[test]
    fn many_clients_all_day_in_one_field_are_harmless() {
        assert_eq!(evidence().likely(), Likely::FalsePositive);
        let told: Vec<String> = evidence().reasons().iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "about 40 clients",
                "in 20 of 24 hours",
                "no other field matched in 90 % of them",
                "no other rule matched in 90 % of them",
                "the application accepted 99 %",
            ]
        );
    }

    #[test]
    fn one_client_in_one_hour_all_over_the_site_is_an_attack() {
        let attack = Evidence {
            clients: 1,
            hours: 1,
            one_field: 10,
            one_rule: 60,
            refused: 95,
            sampled: 1,
            probing: 1,
            ..evidence()
        };
        assert_eq!(attack.likely(), Likely::Attack);
    }

    #[test]
    fn what_is_not_spread_is_never_called_harmless() {
        let one = Evidence { clients: 1, log_hours: 1, hours: 1, ..evidence() };
        assert_eq!(one.likely(), Likely::Unclear, "{:?}", one.reasons());
        let three = Evidence { clients: 3, log_hours: 1, hours: 1, ..evidence() };
        assert_eq!(three.likely(), Likely::Unclear, "{:?}", three.reasons());
        // One client that comes all day is a program, and one that the application likes.
        let program = Evidence { clients: 1, ..evidence() };
        assert_eq!(program.likely(), Likely::FalsePositive, "{:?}", program.reasons());
    }

    #[test]
    fn estimates_are_rounded() {
        assert_eq!((rounded(16), rounded(812), rounded(12_345)), (16, 810, 12_000));
    }
}
