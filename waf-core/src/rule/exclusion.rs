//! What an operator has decided to let in.

use std::fmt;

use super::Target;
use crate::bytes::ByteSet;
use crate::source::Span;

/// A day in UTC, as exclusions expire on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// 1970 and later.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

impl Date {
    /// Reads `YYYY-MM-DD`; `None` when it is no day.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return None;
        }
        let number = |part: &str| {
            part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<u16>().ok())?
        };
        let year = number(text.get(..4)?)?;
        let month = u8::try_from(number(text.get(5..7)?)?).ok()?;
        let day = u8::try_from(number(text.get(8..)?)?).ok()?;
        let leap =
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return None,
        };
        (year >= 1970 && (1..=days).contains(&day)).then_some(Self { year, month, day })
    }

    /// The day that is so many days after 1970-01-01; one before it is that day.
    pub fn from_days(days: i64) -> Self {
        // Howard Hinnant's civil_from_days, for years after 1970.
        let days = days.clamp(0, 2_932_896) + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let of_era_years = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * of_era_years + of_era_years / 4 - of_era_years / 100);
        let shifted = (5 * of_year + 2) / 153;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = of_era_years + era * 400 + i64::from(month <= 2);
        let day = of_year - (153 * shifted + 2) / 5 + 1;
        // All in range: the days were.
        Self { year: year as u16, month: month as u8, day: day as u8 }
    }

    /// Days since 1970-01-01.
    pub fn days(self) -> i64 {
        // Howard Hinnant's days_from_civil, for years after 1970.
        let year = i64::from(self.year) - i64::from(self.month <= 2);
        let era = year / 400;
        let of_era = year - era * 400;
        let month = (i64::from(self.month) + 9) % 12;
        let of_year = (153 * month + 2) / 5 + i64::from(self.day) - 1;
        let day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
        era * 146_097 + day_of_era - 719_468
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// Which rules an exclusion is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExclusionScope {
    /// One rule.
    Rule(String),
    /// The numeric ids from the first to the last, both included.
    Range(u64, u64),
    /// The rules with a tag.
    Tag(String),
}

/// A path, exact or with `*` at its end; compared with the decoded, dot-free path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PathPattern(String);

impl PathPattern {
    /// A pattern; `None` when it does not start with `/`, or `*` stands before its end.
    pub fn new(text: &str) -> Option<Self> {
        let body = text.strip_suffix('*').unwrap_or(text);
        (text.starts_with('/') && !body.contains('*')).then(|| Self(text.to_owned()))
    }

    /// Whether the clean path is one of its paths.
    pub fn matches(&self, path: &[u8]) -> bool {
        match self.0.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix.as_bytes()),
            None => path == self.0.as_bytes(),
        }
    }

    /// Whether every path of this pattern is one of the other's.
    pub fn is_within(&self, other: &Self) -> bool {
        match (self.0.strip_suffix('*'), other.0.strip_suffix('*')) {
            (None, _) => other.matches(self.0.as_bytes()),
            (Some(own), Some(wide)) => own.starts_with(wide),
            (Some(_), None) => false,
        }
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Fields that some rules do not look at, for a reason, until a day.
#[derive(Clone, Debug)]
pub struct Exclusion {
    /// Which rules.
    pub scope: ExclusionScope,
    /// Which fields; empty means the whole rule (written out as `whole_rule: true`).
    pub targets: Vec<Target>,
    /// On which paths.
    pub path: Option<PathPattern>,
    /// For which methods; empty means all.
    pub methods: Vec<String>,
    /// Only while the value consists of these bytes.
    pub characters: Option<ByteSet>,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day (UTC) it applies.
    pub expires: Date,
    /// Where it was written.
    pub span: Span,
}

impl Exclusion {
    /// Whether it still applies on a day, in days since 1970-01-01.
    pub fn is_in_force(&self, today: i64) -> bool {
        self.expires.days() >= today
    }

    /// Whether there is a request, by its path and method, for which both hold.
    pub fn meets(&self, other: &Self) -> bool {
        let paths = match (&self.path, &other.path) {
            (Some(own), Some(other)) => own.is_within(other) || other.is_within(own),
            _ => true,
        };
        let all = self.methods.is_empty() || other.methods.is_empty();
        paths && (all || self.methods.iter().any(|method| other.methods.contains(method)))
    }

    /// How records and metrics name it: the file and line it is written in.
    pub fn place(&self) -> String {
        format!("{}:{}", self.span.source.name, self.span.line())
    }
}

#[cfg(test)]
mod tests {
    use super::Date;

    #[test]
    fn days_and_dates_are_each_others_inverse() {
        for (days, date) in [(0, "1970-01-01"), (18_321, "2020-02-29"), (20_818, "2026-12-31")] {
            assert_eq!(Date::from_days(days).to_string(), date);
        }
        for days in 0..100_000 {
            assert_eq!(Date::from_days(days).days(), days);
        }
    }
}
