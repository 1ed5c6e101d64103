//! What a condition asks of a value.

use ipnet::IpNet;

use crate::bytes::ByteSet;
use crate::finding::Finding;

/// What a condition asks of a value. Meanings are those of ModSecurity 2 where it has the operator.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// The regex (bytes, dot matches LF, `$` only at the end) matches somewhere.
    Rx(String),
    /// One of the phrases occurs, ASCII case folded.
    Pm(Vec<String>),
    /// The text occurs.
    Contains(String),
    /// The value begins with the text.
    BeginsWith(String),
    /// The value ends with the text.
    EndsWith(String),
    /// The value is the text.
    Streq(String),
    /// The value is a part of the text.
    Within(String),
    /// The value, read as C `atoi` reads it, is equal.
    Eq(i64),
    /// … is greater or equal.
    Ge(i64),
    /// … is greater.
    Gt(i64),
    /// … is less or equal.
    Le(i64),
    /// … is less.
    Lt(i64),
    /// The value is an address in one of the networks.
    IpMatch(Vec<IpNet>),
    /// libinjection calls it SQL injection.
    DetectSqli,
    /// libinjection calls it cross-site scripting.
    DetectXss,
    /// Some byte is **outside** the set (as in SecLang: a match is a violation).
    ValidateByteRange(ByteSet),
    /// Some `%` starts no escape (a match is a violation).
    ValidateUrlEncoding,
    /// The bytes are not UTF-8 (a match is a violation).
    ValidateUtf8Encoding,
    /// A number of 13 to 19 digits with a right check digit stands in it (ISO/IEC 7812-1).
    Luhn,
    /// An IBAN with right check digits stands in it (ISO 13616-1).
    Iban,
    /// A parser, a limit or the proxy found this wrong. Has no targets.
    Finding(Finding),
}

impl Operator {
    /// The word in rules and records.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Rx(_) => "rx",
            Self::Pm(_) => "pm",
            Self::Contains(_) => "contains",
            Self::BeginsWith(_) => "begins_with",
            Self::EndsWith(_) => "ends_with",
            Self::Streq(_) => "streq",
            Self::Within(_) => "within",
            Self::Eq(_) => "eq",
            Self::Ge(_) => "ge",
            Self::Gt(_) => "gt",
            Self::Le(_) => "le",
            Self::Lt(_) => "lt",
            Self::IpMatch(_) => "ip_match",
            Self::DetectSqli => "detect_sqli",
            Self::DetectXss => "detect_xss",
            Self::ValidateByteRange(_) => "validate_byte_range",
            Self::ValidateUrlEncoding => "validate_url_encoding",
            Self::ValidateUtf8Encoding => "validate_utf8_encoding",
            Self::Luhn => "luhn",
            Self::Iban => "iban",
            Self::Finding(_) => "finding",
        }
    }
}
