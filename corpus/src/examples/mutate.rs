//! An example written otherwise: in another case, with comments, blanks or escapes that the rule's
//! transformations take away again. A rule that then no longer matches looks at the spelling.
//!
//! ```text
//! transformations -> Way: what they undo -> text with some characters changed
//! ```

use std::ops::Range;

use serde_json::Value;
use waf_core::field::Collection;
use waf_core::rule::Transformation as T;
use waf_core::rule::{Condition, Example, Expression, Operator, Place, Rule, Variable};

use crate::random::Random;

/// A way to write a text otherwise. In order: what is undone last is done first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Case,
    Blanks,
    Comments,
    Spread,
    Nulls,
    Quotes,
    JsEscape,
    Entity,
    Percent,
}

const WAYS: [Way; 9] = [
    Way::Case,
    Way::Blanks,
    Way::Comments,
    Way::Spread,
    Way::Nulls,
    Way::Quotes,
    Way::JsEscape,
    Way::Entity,
    Way::Percent,
];

/// `count` ways to write an example otherwise, each made of some that the rule undoes; none where
/// it undoes nothing.
pub fn mutations(rule: &Rule, example: &Example, count: usize) -> Vec<Example> {
    let ways = ways(rule, example.place);
    if ways.is_empty() {
        return Vec::new();
    }
    let mut random = Random::of(&format!("{}{}", rule.id, example.value));
    let mut mutations = Vec::new();
    for _ in 0..count {
        let chosen = chosen(&ways, &mut random);
        let mut value = example.value.clone();
        change(&mut value, example.place, &chosen, &mut random);
        if value != example.value {
            mutations.push(Example { value, ..example.clone() });
        }
    }
    mutations
}

/// Some of the ways, one at least.
fn chosen(ways: &[Way], random: &mut Random) -> Vec<Way> {
    let certain = random.below(ways.len());
    let mut at = 0..;
    let kept = ways.iter().filter(|_| at.next() == Some(certain) || random.once_in(2));
    kept.copied().collect()
}

/// What every condition on the same value undoes.
fn ways(rule: &Rule, place: Option<Place>) -> Vec<Way> {
    let mut positive = Vec::new();
    collect(&rule.expression, &mut positive);
    let Some(first) = positive.first() else { return Vec::new() };
    // A part has a name, a file name and a content, each of which another condition may look at.
    let is_any = rule.same_value || place == Some(Place::Multipart);
    let of_value = |condition: &&&Condition| is_any || condition.targets == first.targets;
    let conditions: Vec<_> = positive.iter().filter(of_value).collect();
    let mut ways = WAYS.to_vec();
    ways.retain(|way| conditions.iter().all(|condition| way.is_undone_by(condition)));
    match place {
        None | Some(Place::Json) => {}
        // Between quotes.
        Some(Place::Multipart) => ways.retain(|way| *way != Way::Quotes),
        // Where a part of the raw text has a meaning, only letters are touched.
        Some(Place::Query | Place::Form) => {
            let decoded = ways.contains(&Way::Percent) || conditions.iter().all(|c| is_parsed(c));
            ways.retain(|way| *way == Way::Case);
            ways.extend(decoded.then_some(Way::Percent));
        }
        Some(Place::Path | Place::Cookie | Place::Header) => {
            ways.retain(|way| matches!(way, Way::Case | Way::Percent));
        }
        Some(Place::Xml | Place::Request) => ways.clear(),
    }
    ways
}

fn collect<'a>(expression: &'a Expression, into: &mut Vec<&'a Condition>) {
    match expression {
        Expression::Condition(condition) => into.push(condition),
        Expression::All(parts) | Expression::Any(parts) => {
            parts.iter().for_each(|part| collect(part, into));
        }
        Expression::Not(_) => {}
    }
}

/// Whether a condition looks at fields that a parser decoded.
fn is_parsed(condition: &Condition) -> bool {
    use Collection as C;
    condition.targets.iter().all(|target| match target.variable {
        Variable::One(collection) => !matches!(
            collection,
            C::QueryString | C::RequestUri | C::RequestUriRaw | C::RequestLine | C::RequestBody
        ),
        _ => true,
    })
}

impl Way {
    fn is_undone_by(self, condition: &Condition) -> bool {
        let chain = &condition.transformations;
        let folds = || matches!(condition.operator, Operator::DetectSqli | Operator::DetectXss);
        // Behind steps that pass what is written so.
        let behind = |step: T, passing: &[T]| {
            let before = chain.iter().take_while(|known| **known != step);
            chain.contains(&step) && before.into_iter().all(|known| passing.contains(known))
        };
        let decoders = [T::UrlDecode, T::UrlDecodeUni, T::HtmlEntityDecode, T::JsDecode];
        let any = [
            &decoders[..],
            &[
                T::CssDecode,
                T::ReplaceComments,
                T::CompressWhitespace,
                T::RemoveWhitespace,
                T::RemoveNulls,
                T::CmdLine,
                T::Utf8ToUnicode,
                T::Lowercase,
            ],
        ]
        .concat();
        match self {
            Self::Case => {
                behind(T::Lowercase, &any) || folds() && chain.iter().all(|step| any.contains(step))
            }
            Self::Blanks => behind(T::CompressWhitespace, &any),
            Self::Comments => behind(T::ReplaceComments, &any),
            Self::Spread => behind(T::RemoveWhitespace, &any),
            Self::Nulls => behind(T::RemoveNulls, &decoders),
            Self::Quotes => behind(T::CmdLine, &decoders),
            Self::JsEscape => behind(T::JsDecode, &decoders),
            Self::Entity => behind(T::HtmlEntityDecode, &decoders[..2]),
            Self::Percent => matches!(chain.first(), Some(T::UrlDecode | T::UrlDecodeUni)),
        }
    }

    /// One character written otherwise; `None` where this way leaves it.
    fn write(self, c: char, random: &mut Random) -> Option<String> {
        let code = u32::from(c);
        Some(match self {
            Self::Case if c.is_ascii_lowercase() => c.to_ascii_uppercase().to_string(),
            Self::Case if c.is_ascii_uppercase() => c.to_ascii_lowercase().to_string(),
            Self::Blanks if c == ' ' => [" \t", "\n", "  "][random.below(3)].to_owned(),
            Self::Comments if c == ' ' => ["/**/", "/* x */"][random.below(2)].to_owned(),
            Self::Spread => format!("{c}{}", [" ", "\t", "\n"][random.below(3)]),
            Self::Nulls => format!("{c}\0"),
            Self::Quotes if c.is_ascii_alphabetic() => {
                format!("{c}{}", ["^", "\"\""][random.below(2)])
            }
            Self::JsEscape => {
                [format!("\\x{code:02x}"), format!("\\u{code:04x}")][random.below(2)].clone()
            }
            Self::Entity => {
                [format!("&#{code};"), format!("&#x{code:X};")][random.below(2)].clone()
            }
            Self::Percent => format!("%{code:02x}"),
            _ => return None,
        })
    }
}

fn change(value: &mut Value, place: Option<Place>, ways: &[Way], random: &mut Random) {
    match value {
        Value::String(text) => *text = written(text, place, ways, random),
        Value::Array(items) => items.iter_mut().for_each(|item| change(item, place, ways, random)),
        Value::Object(members) => {
            let is_part = place == Some(Place::Multipart);
            let members = members
                .iter_mut()
                .filter(|(key, _)| !is_part || matches!(key.as_str(), "filename" | "content"));
            members.for_each(|(_, member)| change(member, place, ways, random));
        }
        _ => {}
    }
}

fn written(text: &str, place: Option<Place>, ways: &[Way], random: &mut Random) -> String {
    let is_raw = !matches!(place, None | Some(Place::Json | Place::Multipart));
    let mut text = text.to_owned();
    for way in ways {
        if *way == Way::Comments && text.contains("/*") {
            continue;
        }
        let fixed = fixed(&text, place);
        let mut changed = String::new();
        for (at, c) in text.char_indices() {
            let may = c.is_ascii() && !c.is_ascii_control() && (!is_raw || c.is_ascii_alphabetic());
            let is_fixed = matches!(c, '%' | '+') || fixed.iter().any(|range| range.contains(&at));
            let other =
                if may && !is_fixed && random.once_in(3) { way.write(c, random) } else { None };
            changed.push_str(&other.unwrap_or_else(|| c.to_string()));
        }
        text = changed;
    }
    text
}

/// What must stay as it is: escapes, and what is no value in a raw text of pairs.
fn fixed(text: &str, place: Option<Place>) -> Vec<Range<usize>> {
    let mut fixed = Vec::new();
    for (at, byte) in text.bytes().enumerate() {
        let length = match byte {
            b'%' | b'\\' => 7,
            b'&' if !matches!(place, Some(Place::Query | Place::Form)) => 10,
            _ => continue,
        };
        fixed.push(at..at + length);
    }
    let (begin, end) = match place {
        Some(Place::Query | Place::Form) => ('&', '='),
        Some(Place::Cookie) => (';', '='),
        Some(Place::Header) => ('\n', ':'),
        _ => return fixed,
    };
    let mut at = 0;
    for pair in text.split(begin) {
        fixed.push(at..at + pair.find(end).unwrap_or(pair.len()) + 1);
        at += pair.len() + 1;
    }
    fixed
}
