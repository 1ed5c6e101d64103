//! A share of all requests. Which ones is a keyed hash of the request id: nobody can ask to be in
//! or out, and the same request is in wherever and whenever it is asked about.

use std::fmt;

use sha2::{Digest, Sha256};

const MILLION: u32 = 1_000_000;

/// A share, exact to a millionth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(u32);

impl Share {
    /// Every request.
    pub const ALL: Self = Self(MILLION);

    /// A percentage with up to four digits behind the point: `25%`, `0.1%`.
    pub fn parse(text: &str) -> Option<Self> {
        let number = text.strip_suffix('%')?.trim_end();
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(part) || part.is_empty() || part.len() > 4 {
            return None;
        }
        let part = format!("{part:0<4}").parse::<u32>().ok()?;
        let parts = whole.parse::<u32>().ok()?.checked_mul(10_000)?.checked_add(part)?;
        (parts <= MILLION).then_some(Self(parts))
    }

    /// Whether a request is in the share for `purpose`. Shares of different purposes are
    /// independent; of one purpose, the larger share holds the smaller.
    ///
    /// The first eight bytes of SHA-256 over purpose, NUL and id, as a number of 64 bits.
    pub fn takes(self, purpose: &str, request_id: &str) -> bool {
        if self == Self::ALL {
            return true;
        }
        let digest = Sha256::new()
            .chain_update(purpose)
            .chain_update([0])
            .chain_update(request_id)
            .finalize();
        let number = digest[..8].iter().fold(0_u64, |all, byte| (all << 8) | u64::from(*byte));
        (u128::from(number) * u128::from(MILLION)) >> 64 < u128::from(self.0)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.0) / 10_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_read() {
        let parts = |text| Share::parse(text).map(|share| share.0);
        assert_eq!(parts("25%"), Some(250_000));
        assert_eq!(parts("0.1%"), Some(1_000));
        assert_eq!(parts("0%"), Some(0));
        assert_eq!(parts("100 %"), Some(MILLION));
        assert_eq!(parts("99.9999%"), Some(999_999));
        for wrong in ["", "%", "25", "-1%", "100.1%", "1.%", "1.00001%", "1e1%", "+1%", "1,5%"] {
            assert_eq!(parts(wrong), None, "{wrong}");
        }
    }

    // `printf 'enforce\0a' | sha256sum` begins with bb42538619d87da9, `enforce\0b` with
    // 19f110e034f08167, `candidate\0a` with 647820e1e52f91b6: 73.15 %, 10.13 % and 39.25 % of 2^64.
    #[test]
    fn the_choice_is_that_of_the_hash() {
        for (purpose, id, out, within) in [
            ("enforce", "a", "73.1%", "73.2%"),
            ("enforce", "b", "10.1%", "10.2%"),
            ("candidate", "a", "39.2%", "39.3%"),
        ] {
            let takes = |share| Share::parse(share).map(|share| share.takes(purpose, id));
            assert_eq!((takes(out), takes(within)), (Some(false), Some(true)), "{purpose} {id}");
        }
    }

    #[test]
    fn a_share_is_as_large_as_it_says() {
        let ids = (0..20_000).map(|number| format!("0192f0c1-{number:05}"));
        let share = Share::parse("10%").unwrap_or(Share::ALL);
        let taken = ids.filter(|id| share.takes("candidate", id)).count();
        // Five standard deviations of a fair choice: 5 * sqrt(20000 * 0.1 * 0.9).
        assert!(taken.abs_diff(2_000) < 212, "{taken}");
        assert!(Share::ALL.takes("candidate", "a"));
        assert!(!Share(0).takes("candidate", "a"));
    }
}
