//! Values that are written with a unit: `128KiB`, `30s`, `500B/s`, `10.0.0.0/8`.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use serde::de::{self, Deserialize, Deserializer, Visitor};

use crate::share::Share;

/// A number of bytes: `512B`, `128KiB`, `64MiB`, `5GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

/// A [`Size`] or `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound(pub Option<u64>);

/// A length of time: `250ms`, `30s`, `5m`, `1h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub Duration);

/// Bytes per second: `500B/s`, `1KiB/s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate(pub u64);

/// A network; an address alone means itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(pub IpNet);

const SIZES: &[(&str, u64)] = &[("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];
const TIMES: &[(&str, u64)] = &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];

/// A value that is read from one word.
trait Word: Sized {
    /// What to write, for the complaint.
    const EXPECTED: &'static str;

    fn parse(text: &str) -> Option<Self>;
}

impl Word for Size {
    const EXPECTED: &'static str = "a size such as 512B, 128KiB, 64MiB or 5GiB";

    fn parse(text: &str) -> Option<Self> {
        quantity(text, SIZES).map(Self)
    }
}

impl Word for Bound {
    const EXPECTED: &'static str = "`none` or a size such as 64MiB";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "none" => Some(Self(None)),
            _ => Size::parse(text).map(|size| Self(Some(size.0))),
        }
    }
}

impl Word for Time {
    const EXPECTED: &'static str = "a time such as 250ms, 30s, 5m or 1h";

    fn parse(text: &str) -> Option<Self> {
        quantity(text, TIMES).map(|milliseconds| Self(Duration::from_millis(milliseconds)))
    }
}

impl Word for Rate {
    const EXPECTED: &'static str = "a rate such as 500B/s or 1KiB/s";

    fn parse(text: &str) -> Option<Self> {
        quantity(text.strip_suffix("/s")?, SIZES).map(Self)
    }
}

impl Word for Network {
    const EXPECTED: &'static str = "a network such as 10.0.0.0/8 or an address";

    fn parse(text: &str) -> Option<Self> {
        let network = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address),
            Err(_) => text.parse().ok()?,
        };
        Some(Self(network.trunc()))
    }
}

impl Word for Share {
    const EXPECTED: &'static str = "a share such as 25% or 0.1%";

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

/// A whole number and its unit, without a blank or with one between them.
fn quantity(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

struct WordVisitor<T>(std::marker::PhantomData<T>);

impl<T: Word> Visitor<'_> for WordVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::parse(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

macro_rules! deserialize_words {
    ($($word:ty),*) => {$(
        impl<'de> Deserialize<'de> for $word {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(WordVisitor(std::marker::PhantomData))
            }
        }
    )*};
}

deserialize_words!(Size, Bound, Time, Rate, Network, Share);

/// Bytes in the largest unit that spells them whole, for people.
pub fn bytes(count: u64) -> String {
    let unit = SIZES[..3]
        .iter()
        .rev()
        .find(|(_, factor)| count >= *factor && count.is_multiple_of(*factor));
    match unit {
        Some((name, factor)) => format!("{}{name}", count / factor),
        None => format!("{count}B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        let size = |text| Size::parse(text).map(|size| size.0);
        assert_eq!(size("0B"), Some(0));
        assert_eq!(size("48KiB"), Some(49_152));
        assert_eq!(size("5 GiB"), Some(5_368_709_120));
        for wrong in ["", "5", "KiB", "5kb", "5KB", "-1B", "1.5MiB", "99999999999999GiB", "1 KiB "]
        {
            assert_eq!(size(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn times_and_rates_have_units() {
        let time = |text| Time::parse(text).map(|time| time.0.as_millis());
        assert_eq!(time("250ms"), Some(250));
        assert_eq!(time("2m"), Some(120_000));
        assert_eq!(time("1h"), Some(3_600_000));
        assert_eq!(time("1d"), None);
        assert_eq!(Rate::parse("500B/s"), Some(Rate(500)));
        assert_eq!(Rate::parse("500B"), None);
        assert_eq!(Bound::parse("none"), Some(Bound(None)));
        assert_eq!(Bound::parse("1KiB"), Some(Bound(Some(1_024))));
    }

    #[test]
    fn an_address_is_a_network_of_one() {
        let network = |text| Network::parse(text).map(|network| network.0.to_string());
        assert_eq!(network("10.1.2.3"), Some("10.1.2.3/32".to_owned()));
        assert_eq!(network("10.1.2.3/8"), Some("10.0.0.0/8".to_owned()));
        assert_eq!(network("::1"), Some("::1/128".to_owned()));
        assert_eq!(network("10.0.0.0/33"), None);
        assert_eq!(network("localhost"), None);
    }

    #[test]
    fn bytes_are_told_in_the_largest_whole_unit() {
        assert_eq!(bytes(131_072), "128KiB");
        assert_eq!(bytes(1_536), "1536B");
        assert_eq!(bytes(5 << 30), "5GiB");
        assert_eq!(bytes(0), "0B");
    }
}
