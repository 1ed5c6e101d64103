//! What a rule looks at.

use std::fmt;

use crate::field::Collection;

/// A name in `targets`, standing for one or more collections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Variable {
    /// A collection by its own name.
    One(Collection),
    /// Query and body arguments.
    Args,
    /// Names of query and body arguments.
    ArgsNames,
}

impl Variable {
    /// The variable with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "ARGS" => Some(Self::Args),
            "ARGS_NAMES" => Some(Self::ArgsNames),
            _ => Collection::from_name(name).map(Self::One),
        }
    }

    /// Its name in rules.
    pub fn name(self) -> &'static str {
        match self {
            Self::One(collection) => collection.name(),
            Self::Args => "ARGS",
            Self::ArgsNames => "ARGS_NAMES",
        }
    }

    /// The collections it stands for.
    pub fn collections(self) -> &'static [Collection] {
        match self {
            Self::One(collection) => {
                let at = collection as usize;
                Collection::ALL.get(at..=at).unwrap_or_default()
            }
            Self::Args => &[Collection::ArgsGet, Collection::ArgsPost],
            Self::ArgsNames => &[Collection::ArgsGetNames, Collection::ArgsPostNames],
        }
    }
}

/// Which fields of a variable are meant, by name. Names and regexes ignore ASCII case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Selector {
    /// All of them.
    All,
    /// The ones with this name. `json.a.array_0.b` also names the JSON path `$.a[0].b`.
    Name(String),
    /// The ones whose name the regex matches somewhere.
    Regex(String),
    /// A JSON path, `$.items[*].name`, or an XML path, `/a/b`, `/a/@c`, `/*`, `//@*`.
    Path(String),
}

/// As it is written in a target.
impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Name(text) | Self::Path(text) => f.write_str(text),
            Self::Regex(regex) => write!(f, "/{regex}/"),
        }
    }
}

/// What a target does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TargetKind {
    /// Its fields are looked at.
    Include,
    /// `!X`: its fields are not; wins over every inclusion.
    Exclude,
    /// `&X`: one value, the number of its fields.
    Count,
}

/// One entry of `targets`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// What it does.
    pub kind: TargetKind,
    /// Where it looks.
    pub variable: Variable,
    /// Which names.
    pub selector: Selector,
}

/// Whether the text is a path into XML that a selector may name: `/*`, `//@*`, `/a/b` or `/a/@c`.
pub fn is_xml_path(text: &str) -> bool {
    if text == "/*" || text == "//@*" {
        return true;
    }
    let Some(rest) = text.strip_prefix('/').filter(|rest| !rest.starts_with('@')) else {
        return false;
    };
    let mut steps = rest.split('/').peekable();
    while let Some(step) = steps.next() {
        let attribute = step.strip_prefix('@').filter(|_| steps.peek().is_none());
        if !is_xml_name(attribute.unwrap_or(step)) {
            return false;
        }
    }
    true
}

fn is_xml_name(name: &str) -> bool {
    let starts = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    starts && name.chars().all(|c| c.is_alphanumeric() || "_-.:".contains(c))
}
