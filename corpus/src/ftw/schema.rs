//! A test file as written. A key that is not listed here is an error: a test that is only half
//! understood would pass or fail for no reason.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, Visitor};
use serde_json::Value;

/// A file: the tests of one rule.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default, rename = "meta")]
    _meta: Option<Meta>,
    /// It belongs into `meta`; one file of CRS 4 has it here.
    #[serde(default, rename = "author")]
    _author: Option<IgnoredAny>,
    pub(super) rule_id: Option<Text>,
    #[serde(default)]
    pub(super) tests: Vec<Test>,
}

/// Says nothing about what is tested.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Meta {
    #[serde(default, rename = "author")]
    _author: Option<IgnoredAny>,
    #[serde(default, rename = "description")]
    _description: Option<IgnoredAny>,
    /// Ignored by the suite's client too.
    #[serde(default, rename = "enabled")]
    _enabled: Option<bool>,
    #[serde(default, rename = "name")]
    _name: Option<IgnoredAny>,
    #[serde(default, rename = "version")]
    _version: Option<IgnoredAny>,
    #[serde(default, rename = "tags")]
    _tags: Option<IgnoredAny>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Test {
    pub(super) test_id: Option<Text>,
    /// CRS 3: rule and number in one, `942100-1`.
    pub(super) test_title: Option<String>,
    #[serde(default)]
    pub(super) desc: Option<String>,
    #[serde(default, rename = "tags")]
    _tags: Option<IgnoredAny>,
    pub(super) stages: Vec<Stage>,
}

/// A request and what is expected of it; CRS 3 has both one level further down.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stage {
    #[serde(default, rename = "description")]
    _description: Option<IgnoredAny>,
    pub(super) stage: Option<Inner>,
    pub(super) input: Option<Input>,
    pub(super) output: Option<Output>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Inner {
    pub(super) input: Input,
    pub(super) output: Output,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Input {
    /// Where to send it: the command line says.
    #[serde(rename = "dest_addr")]
    _dest_addr: Option<IgnoredAny>,
    #[serde(rename = "port")]
    _port: Option<IgnoredAny>,
    #[serde(rename = "protocol")]
    _protocol: Option<IgnoredAny>,
    /// Only how the client marks its place in a log.
    #[serde(rename = "virtual_host_mode")]
    _virtual_host_mode: Option<bool>,
    pub(super) method: Option<Text>,
    pub(super) uri: Option<Text>,
    pub(super) version: Option<Text>,
    pub(super) headers: Option<BTreeMap<String, Text>>,
    pub(super) ordered_headers: Option<Vec<Header>>,
    pub(super) data: Option<Data>,
    pub(super) encoded_data: Option<String>,
    pub(super) encoded_request: Option<String>,
    /// CRS 3: the request as it is sent.
    pub(super) raw_request: Option<String>,
    pub(super) autocomplete_headers: Option<bool>,
    /// CRS 3: the opposite of `autocomplete_headers`.
    pub(super) stop_magic: Option<bool>,
    pub(super) follow_redirect: Option<bool>,
    pub(super) save_cookie: Option<bool>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) name: Text,
    pub(super) value: Text,
}

/// A body: a text, or the lines of one (CRS 3).
#[derive(Debug)]
pub(super) enum Data {
    Text(String),
    Lines(Vec<String>),
}

#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Output {
    pub(super) status: Option<Status>,
    pub(super) response_contains: Option<String>,
    pub(super) log: Option<Log>,
    /// CRS 3.
    pub(super) log_contains: Option<String>,
    /// CRS 3.
    pub(super) no_log_contains: Option<String>,
    pub(super) expect_error: Option<bool>,
    pub(super) retry_once: Option<bool>,
    pub(super) isolated: Option<bool>,
}

/// One status, or any of several (CRS 3).
#[derive(Clone, Debug)]
pub(super) struct Status(pub(super) Vec<u16>);

#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Log {
    pub(super) expect_ids: Vec<Text>,
    pub(super) no_expect_ids: Vec<Text>,
    pub(super) match_regex: Option<String>,
    pub(super) no_match_regex: Option<String>,
}

/// A text, for which a whole number may stand: `Content-Length: 7`, `expect_ids: [942100]`. Nothing
/// is the empty text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text(pub(super) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl Visitor<'_> for TextVisitor {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or a whole number")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }

            fn visit_unit<E: de::Error>(self) -> Result<Text, E> {
                Ok(Text(String::new()))
            }
        }

        deserializer.deserialize_any(TextVisitor)
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self::Text(text)),
            Value::Number(number) if !number.is_f64() => Ok(Self::Text(number.to_string())),
            Value::Array(lines) => {
                let line = |line| match line {
                    Value::String(line) => Ok(line),
                    other => Err(de::Error::custom(format!("a line is text, not {other}"))),
                };
                lines.into_iter().map(line).collect::<Result<_, _>>().map(Self::Lines)
            }
            other => Err(de::Error::custom(format!("a body is text or lines of it, not {other}"))),
        }
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let status = |value: &Value| {
            let number = value.as_u64().and_then(|number| u16::try_from(number).ok());
            number.filter(|number| (100..600).contains(number)).ok_or_else(|| {
                de::Error::custom(format!("a status is a number from 100 to 599, not {value}"))
            })
        };
        match Value::deserialize(deserializer)? {
            Value::Array(any) => any.iter().map(status).collect::<Result<_, _>>().map(Self),
            one => Ok(Self(vec![status(&one)?])),
        }
    }
}
