//! The places of a request that a rule looks at.

use std::fmt;

use waf_core::field::Collection;
use waf_core::rule::{Condition, Expression, Rule, Selector, Target, TargetKind, Variable};

use crate::reference::{Regexes, select};

/// A place that text can stand in, with the name it stands under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Spot {
    Query(String),
    Form(String),
    /// A JSON path.
    Json(String),
    Multipart(String),
    Cookie(String),
    Header(String),
    /// An XML path; of an attribute when its last step begins with `@`.
    Xml(String),
    /// The content of an upload under this name.
    File(String),
    FileName(String),
    QueryName,
    JsonName,
    CookieName,
    HeaderName,
    PartHeader,
    Path,
    RawQuery,
    Method,
    RawBody,
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Query(name) => write!(f, "query argument `{name}`"),
            Self::Form(name) => write!(f, "form argument `{name}`"),
            Self::Json(path) => write!(f, "JSON value `{path}`"),
            Self::Multipart(name) => write!(f, "multipart value `{name}`"),
            Self::Cookie(name) => write!(f, "cookie `{name}`"),
            Self::Header(name) => write!(f, "header `{name}`"),
            Self::Xml(path) => write!(f, "XML `{path}`"),
            Self::File(name) => write!(f, "uploaded content `{name}`"),
            Self::FileName(name) => write!(f, "file name of `{name}`"),
            Self::QueryName => f.write_str("query argument's name"),
            Self::JsonName => f.write_str("JSON key"),
            Self::CookieName => f.write_str("cookie's name"),
            Self::HeaderName => f.write_str("header's name"),
            Self::PartHeader => f.write_str("header of a part"),
            Self::Path => f.write_str("path"),
            Self::RawQuery => f.write_str("raw query"),
            Self::Method => f.write_str("method"),
            Self::RawBody => f.write_str("raw body"),
        }
    }
}

/// The places of a rule's first condition that must hold.
pub(super) fn of(rule: &Rule) -> Vec<Spot> {
    let Some(condition) = first(&rule.expression) else { return Vec::new() };
    let included = condition.targets.iter().filter(|target| target.kind != TargetKind::Exclude);
    let (mut values, mut others) = (Vec::new(), Vec::new());
    for target in included {
        values.extend(values_of(target, &condition.targets));
        others.extend(others_of(target, &condition.targets));
    }
    let mut spots = if values.is_empty() { others } else { values };
    let mut seen = Vec::new();
    spots.retain(|spot| {
        !seen.contains(spot) && {
            seen.push(spot.clone());
            true
        }
    });
    spots
}

fn first(expression: &Expression) -> Option<&Condition> {
    match expression {
        Expression::Condition(condition) => Some(condition),
        Expression::All(parts) | Expression::Any(parts) => parts.iter().find_map(first),
        Expression::Not(_) => None,
    }
}

fn values_of(target: &Target, all: &[Target]) -> Vec<Spot> {
    let name = || name_of(target, all);
    match target.variable {
        Variable::Args => {
            let mut spots = body_arguments(target, all);
            if !matches!(target.selector, Selector::Path(_)) {
                spots.insert(0, Spot::Query(name()));
            }
            spots
        }
        Variable::One(Collection::ArgsGet) => vec![Spot::Query(name())],
        Variable::One(Collection::ArgsPost) => body_arguments(target, all),
        Variable::One(Collection::RequestCookies) => vec![Spot::Cookie(name())],
        Variable::One(Collection::RequestHeaders) => vec![Spot::Header(name())],
        Variable::One(Collection::FilesTmpContent) => vec![Spot::File(name())],
        Variable::One(Collection::Xml) => match &target.selector {
            Selector::Path(path) if path == "/*" => vec![Spot::Xml("/a/b".to_owned())],
            Selector::Path(path) if path == "//@*" => vec![Spot::Xml("/a/@b".to_owned())],
            Selector::Path(path) => vec![Spot::Xml(path.clone())],
            _ => vec![Spot::Xml("/a/b".to_owned()), Spot::Xml("/a/@b".to_owned())],
        },
        _ => Vec::new(),
    }
}

fn body_arguments(target: &Target, all: &[Target]) -> Vec<Spot> {
    match &target.selector {
        Selector::Path(path) => vec![Spot::Json(path.clone())],
        _ => {
            let name = name_of(target, all);
            let path = json_path(&name);
            let regexes = Regexes::default();
            let meant = select::selects(&regexes, all, Collection::ArgsPost, path.as_bytes());
            let mut spots = vec![Spot::Form(name.clone()), Spot::Multipart(name)];
            spots.extend(meant.then_some(Spot::Json(path)));
            spots
        }
    }
}

fn others_of(target: &Target, all: &[Target]) -> Vec<Spot> {
    use Collection as C;
    match target.variable {
        Variable::ArgsNames => vec![Spot::QueryName, Spot::JsonName],
        Variable::One(C::ArgsGetNames) => vec![Spot::QueryName],
        Variable::One(C::ArgsPostNames) => vec![Spot::JsonName],
        Variable::One(C::Files) => vec![Spot::FileName(name_of(target, all))],
        Variable::One(C::RequestCookiesNames) => vec![Spot::CookieName],
        Variable::One(C::RequestHeadersNames) => vec![Spot::HeaderName],
        Variable::One(C::MultipartPartHeaders) => vec![Spot::PartHeader],
        Variable::One(C::QueryString) => vec![Spot::RawQuery],
        Variable::One(C::RequestMethod) => vec![Spot::Method],
        Variable::One(C::RequestBody) => vec![Spot::RawBody],
        Variable::One(
            C::RequestLine
            | C::RequestUri
            | C::RequestUriRaw
            | C::RequestFilename
            | C::RequestBasename
            | C::DecodedFilename
            | C::DecodedBasename,
        ) => vec![Spot::Path],
        _ => Vec::new(),
    }
}

/// A name that the target means and no `!` takes away: the one it says, or a word of its regex.
fn name_of(target: &Target, all: &[Target]) -> String {
    let (words, collection) = match (&target.selector, target.variable.collections().first()) {
        (Selector::Name(name), _) => return name.clone(),
        (Selector::Regex(regex), Some(&collection)) => (regex.as_str(), collection),
        (_, Some(&collection)) => ("", collection),
        (_, None) => return "x".to_owned(),
    };
    let words = words.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let regexes = Regexes::default();
    let candidates = ["example", "x-example", "f", "q"].into_iter();
    candidates
        .chain(words.filter(|word| !word.is_empty()))
        .find(|name| {
            select::names(&regexes, &target.selector, name.as_bytes())
                && select::selects(&regexes, all, collection, name.as_bytes())
        })
        .unwrap_or("example")
        .to_owned()
}

fn json_path(name: &str) -> String {
    match name.strip_prefix("json.") {
        Some(rest) => {
            rest.split('.').fold("$".to_owned(), |path, part| match part.strip_prefix("array_") {
                Some(index) => format!("{path}[{index}]"),
                None => format!("{path}.{part}"),
            })
        }
        None => format!("$.{name}"),
    }
}
