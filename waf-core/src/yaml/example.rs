//! `tests:`: what must match a rule, and what must not.

use serde::Deserialize;
use serde_json::Value;

use super::checker::{Checker, kind};
use crate::rule::{Example, Place};
use crate::source::Span;
use crate::suggest;

/// `tests:` as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenTests {
    #[serde(default)]
    attack: Vec<Value>,
    #[serde(default)]
    benign: Vec<Value>,
}

/// How many examples a rule must have.
#[derive(Clone, Copy)]
pub(super) struct Needed {
    /// That must match.
    pub(super) attack: usize,
    /// That must not.
    pub(super) benign: usize,
}

impl Needed {
    /// Our own rules need more; a rule of a finding may come without, as some findings (a slow
    /// sender) are nothing that an example can show.
    pub(super) fn of(builtin: bool, finding: bool) -> Self {
        match (finding, builtin) {
            (true, _) => Self { attack: 0, benign: 0 },
            (false, true) => Self { attack: 3, benign: 2 },
            (false, false) => Self { attack: 1, benign: 1 },
        }
    }
}

/// The examples that must match, and those that must not.
pub(super) fn examples(
    checker: &mut Checker<'_>,
    written: Option<&WrittenTests>,
    needed: Needed,
) -> (Vec<Example>, Vec<Example>) {
    let Some(written) = written else {
        if needed.attack + needed.benign > 0 {
            let help = "`tests`: `attack` lists what must match, `benign` what must not";
            checker.missing("", "tests", Some(help));
        }
        return (Vec::new(), Vec::new());
    };
    (
        list(checker, &written.attack, "attack", needed.attack),
        list(checker, &written.benign, "benign", needed.benign),
    )
}

fn list(checker: &mut Checker<'_>, values: &[Value], name: &str, needed: usize) -> Vec<Example> {
    let path = format!("tests.{name}");
    if values.len() < needed {
        let message = format!("`{name}` needs at least {needed} examples and has {}", values.len());
        checker.wrong_key(&path, message);
    }
    let mut examples = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        examples.extend(example(checker, value, &format!("{path}[{index}]")));
    }
    examples
}

fn example(checker: &mut Checker<'_>, value: &Value, path: &str) -> Option<Example> {
    let span = checker.span(path);
    let map = match value {
        Value::String(_) => return Some(Example { place: None, value: value.clone(), span }),
        Value::Object(map) => map,
        _ => {
            checker
                .wrong(path, format!("an example is text in quotes, this is {}", kind(value)))
                .help("or a place and what stands there: `{query: \"a=b\"}`");
            return None;
        }
    };
    let mut entries = map.iter();
    let (Some((name, value)), None) = (entries.next(), entries.next()) else {
        let message = format!("an example names one place, this names {}", map.len());
        checker.wrong(path, message).help("write one example for each");
        return None;
    };
    let path = format!("{path}.{name}");
    let Some(place) = Place::ALL.iter().copied().find(|place| place.name() == name) else {
        let known = Place::ALL.iter().map(|place| place.name());
        let help = suggest::help(name, known);
        checker.wrong_key(&path, format!("unknown place `{name}`")).maybe_help(help);
        return None;
    };
    let fits = match place {
        Place::Json => true,
        Place::Multipart if value.is_object() => return part(checker, value, &path, span),
        _ => value.is_string(),
    };
    if !fits {
        checker.wrong(&path, format!("`{name}` takes text in quotes, this is {}", kind(value)));
        return None;
    }
    Some(Example { place: Some(place), value: value.clone(), span })
}

/// A multipart part as a mapping.
fn part(checker: &mut Checker<'_>, value: &Value, path: &str, span: Span) -> Option<Example> {
    const KEYS: [&str; 5] = ["name", "filename", "type", "magic", "content"];

    for (key, value) in value.as_object()? {
        let path = format!("{path}.{key}");
        if !KEYS.contains(&key.as_str()) {
            let help = suggest::help(key, KEYS);
            checker.wrong_key(&path, format!("unknown key `{key}`")).maybe_help(help);
            return None;
        }
        if !value.is_string() {
            checker.wrong(&path, format!("`{key}` takes text in quotes, this is {}", kind(value)));
            return None;
        }
        if key == "magic" && value.as_str().and_then(Example::bytes).is_none() {
            checker
                .wrong(&path, "`magic` takes bytes in hexadecimal".to_owned())
                .help("two digits each, with blanks between: `\"FF D8 FF\"`");
            return None;
        }
    }
    Some(Example { place: Some(Place::Multipart), value: value.clone(), span })
}
