//! Request ids (UUIDv7, RFC 9562 section 5.7) and times (RFC 3339), as records show them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A UUIDv7: 48 bits of milliseconds, then 74 bits from the system's random source, so that ids
/// sort by time and cannot be guessed.
pub fn request_id(now: SystemTime) -> String {
    let mut bytes = [0_u8; 16];
    if getrandom::fill(&mut bytes).is_err() {
        // No random source: the id is only a name, and uniqueness by time is better than failing.
        bytes = nanoseconds(now).to_be_bytes();
    }
    let millis = u64::try_from(since_epoch(now).as_millis()).unwrap_or(u64::MAX);
    bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    bytes[6] = 0x70 | (bytes[6] & 0x0F);
    bytes[8] = 0x80 | (bytes[8] & 0x3F);
    hyphenated(bytes)
}

/// UTC with milliseconds, `2026-11-23T10:00:00.123Z`.
pub fn timestamp(now: SystemTime) -> String {
    let since = since_epoch(now);
    let (days, seconds) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let millis = since.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Milliseconds since 1970 of a time that [`timestamp`] wrote.
pub fn milliseconds(timestamp: &str) -> Option<u64> {
    let parts = parts(timestamp)?;
    let [year, month, day, hour, minute, second, millis] = parts;
    let seconds = days(year, month, day)? * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(seconds * 1_000 + millis)
}

/// The same time as C's `asctime` writes it, `Mon Nov 23 10:00:00 2026`; empty where it is none.
pub fn asctime(timestamp: &str) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let written = || {
        let [year, month, day, hour, minute, second, _] = parts(timestamp)?;
        let name = DAYS[usize::try_from(days(year, month, day)? % 7).ok()?];
        let month = MONTHS.get(usize::try_from(month).ok()?.checked_sub(1)?)?;
        Some(format!("{name} {month} {day:>2} {hour:02}:{minute:02}:{second:02} {year}"))
    };
    written().unwrap_or_default()
}

/// Year, month, day, hour, minute, second and millisecond.
fn parts(timestamp: &str) -> Option<[u64; 7]> {
    let numbers = timestamp.strip_suffix('Z')?.split(['-', 'T', ':', '.']);
    let numbers: Option<Vec<u64>> = numbers.map(|number| number.parse().ok()).collect();
    numbers?.try_into().ok()
}

/// Days since 1970-01-01: [`civil`] turned round.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = year.checked_sub(u64::from(month <= 2))?;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day.checked_sub(1)?;
    (year * 365 + year / 4 - year / 100 + year / 400 + of_year).checked_sub(719_468)
}

/// A client's own id, as far as it is harmless everywhere: `[A-Za-z0-9._-]{1,64}`.
pub fn acceptable_client_id(id: &[u8]) -> Option<&str> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    let text = std::str::from_utf8(id).ok()?;
    ((1..=64).contains(&id.len()) && id.iter().all(plain)).then_some(text)
}

fn since_epoch(now: SystemTime) -> Duration {
    now.duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn nanoseconds(now: SystemTime) -> u128 {
    since_epoch(now).as_nanos()
}

fn hyphenated(bytes: [u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.into_iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
    text
}

/// Year, month and day of a number of days since 1970-01-01, in the proleptic Gregorian calendar:
/// years are counted from March, so that the leap day is the last of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_based = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_based + 2) / 5 + 1;
    let month = if march_based < 10 { march_based + 3 } else { march_based - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64, millis: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_millis(millis)
    }

    // Expected values from `date -u -d @N`.
    #[test]
    fn times_are_those_of_the_calendar() {
        assert_eq!(timestamp(at(0, 0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(timestamp(at(951_782_400, 7)), "2000-02-29T00:00:00.007Z");
        assert_eq!(timestamp(at(1_709_251_199, 999)), "2024-02-29T23:59:59.999Z");
        assert_eq!(timestamp(at(4_107_542_400, 0)), "2100-03-01T00:00:00.000Z");
    }

    // Expected values from `date -u -d @N '+%a %b %e %T %Y'`.
    #[test]
    fn written_times_are_read_back() {
        for (seconds, millis, written) in [
            (0, 0, "Thu Jan  1 00:00:00 1970"),
            (951_782_400, 7, "Tue Feb 29 00:00:00 2000"),
            (1_709_251_199, 999, "Thu Feb 29 23:59:59 2024"),
            (4_107_542_400, 0, "Mon Mar  1 00:00:00 2100"),
            (1_795_428_000, 123, "Mon Nov 23 10:00:00 2026"),
        ] {
            let timestamp = timestamp(at(seconds, millis));
            assert_eq!(milliseconds(&timestamp), Some(seconds * 1_000 + millis), "{timestamp}");
            assert_eq!(asctime(&timestamp), written);
        }
        for wrong in ["", "2026-11-23", "2026-00-00T00:00:00.000Z", "1969-12-31T23:59:59.999Z"] {
            assert_eq!((milliseconds(wrong), asctime(wrong)), (None, String::new()), "{wrong}");
        }
    }

    // The time of RFC 9562 appendix A.6: 2022-02-22T19:22:22.000Z is 017F22E2-79B0-7...
    #[test]
    fn ids_are_version_seven() {
        let id = request_id(at(1_645_557_742, 0));
        assert_eq!(id.len(), 36);
        assert!(id.starts_with("017f22e2-79b0-7"), "{id}");
        assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{id}");
        assert_ne!(id, request_id(at(1_645_557_742, 0)));
    }

    #[test]
    fn client_ids_are_plain() {
        assert_eq!(acceptable_client_id(b"a.B-9_z"), Some("a.B-9_z"));
        assert_eq!(acceptable_client_id(b""), None);
        assert_eq!(acceptable_client_id(b"a b"), None);
        assert_eq!(acceptable_client_id(&[b'a'; 65]), None);
    }
}
