//! Where the label of a request comes from.

use std::path::Path;
use std::str::FromStr;

use serde_json::Value;

use crate::request::{Label, Request};

/// Where labels come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Labels {
    /// The corpus says so itself; one that does not tells by its folders.
    #[default]
    Own,
    /// Every request has this one.
    All(Label),
    /// A word of the file's name.
    File,
    /// The name of a folder that the file is in; the last folder is the class where there is no
    /// other.
    Folder,
    /// This field of every line.
    Field(String),
}

impl FromStr for Labels {
    type Err = String;

    /// As on the command line: `file`, `folder` or `field:NAME`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "file" => Ok(Self::File),
            None if text == "folder" => Ok(Self::Folder),
            Some(("field", name)) if !name.is_empty() => Ok(Self::Field(name.to_owned())),
            _ => Err("`file`, `folder` or `field:NAME`".to_owned()),
        }
    }
}

impl Labels {
    /// The request of the file at `path`, labelled.
    pub(crate) fn apply(&self, path: &Path, request: Request) -> Request {
        match self {
            Self::Own | Self::Field(_) => request,
            Self::All(label) => Request { label: Some(*label), ..request },
            Self::File => Request { label: of_file(path), ..request },
            Self::Folder => {
                let class = request.class.clone();
                let request = of_folder(path, request);
                if class.is_empty() { request } else { Request { class, ..request } }
            }
        }
    }
}

/// With the label and the class that the folders tell.
pub(crate) fn of_folder(path: &Path, request: Request) -> Request {
    let folders = path.parent().into_iter().flat_map(Path::components);
    let names: Vec<_> = folders.map(|part| part.as_os_str().to_string_lossy()).collect();
    let label = agreed(names.iter().map(AsRef::as_ref));
    let class = path.parent().and_then(Path::file_name);
    let class = class.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Request { label, class, ..request }
}

fn of_file(path: &Path) -> Option<Label> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    agreed(name.unwrap_or_default().split(|c: char| !c.is_alphanumeric()))
}

/// What a field's value says; an error where it is a label of some other kind.
pub(crate) fn of_value(value: &Value) -> Result<Option<Label>, String> {
    match value {
        Value::Null => Ok(None),
        Value::Bool(true) => Ok(Some(Label::Attack)),
        Value::Bool(false) => Ok(Some(Label::Benign)),
        Value::Number(number) if number.as_u64() == Some(1) => Ok(Some(Label::Attack)),
        Value::Number(number) if number.as_u64() == Some(0) => Ok(Some(Label::Benign)),
        Value::String(text) => match text.as_str() {
            "1" | "true" => Ok(Some(Label::Attack)),
            "0" | "false" => Ok(Some(Label::Benign)),
            word => Label::from_word(word).map(Some).ok_or_else(|| unknown(word)),
        },
        other => Err(unknown(&other.to_string())),
    }
}

fn unknown(word: &str) -> String {
    format!(
        "the label `{word}` is none of attack, malicious, 1, true and benign, legitimate, 0, false"
    )
}

/// The label that words speak of; `None` where they speak of both or of neither.
fn agreed<'a>(words: impl Iterator<Item = &'a str>) -> Option<Label> {
    let mut labels = words.filter_map(Label::from_word);
    let first = labels.next()?;
    labels.all(|label| label == first).then_some(first)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]
mod tests {
    use super::*;

    fn label(from: &str, path: &str) -> Option<Label> {
        from.parse::<Labels>().unwrap().apply(Path::new(path), Request::default()).label
    }

    #[test]
    fn paths_tell_labels() {
        assert_eq!(label("file", "/benign/dev-attack.jsonl.gz"), Some(Label::Attack));
        assert_eq!(label("file", "/attack/all.jsonl"), None);
        assert_eq!(label("file", "attack-or-benign.har"), None);
        assert_eq!(label("folder", "/attack/sqli/benign.http"), Some(Label::Attack));
        assert_eq!(label("folder", "/malicious/benign/1.http"), None);
        let request = of_folder(Path::new("benign/shop/1.http"), Request::default());
        assert_eq!((request.label, request.class.as_str()), (Some(Label::Benign), "shop"));
    }

    #[test]
    fn values_tell_labels_or_are_refused() {
        let told = |text: &str| of_value(&serde_json::from_str(text).unwrap());
        for text in ["1", "true", "\"attack\"", "\"malicious\"", "\"1\""] {
            assert_eq!(told(text), Ok(Some(Label::Attack)), "{text}");
        }
        for text in ["0", "false", "\"benign\"", "\"legitimate\"", "\"false\""] {
            assert_eq!(told(text), Ok(Some(Label::Benign)), "{text}");
        }
        assert_eq!(told("null"), Ok(None));
        for text in ["2", "\"sqli\"", "[]", "-1", "0.5"] {
            assert!(told(text).is_err(), "{text}");
        }
    }

    #[test]
    fn where_labels_come_from_is_one_of_three() {
        assert_eq!("field:is_bad".parse(), Ok(Labels::Field("is_bad".to_owned())));
        for wrong in ["field:", "field", "folders", ""] {
            assert!(wrong.parse::<Labels>().is_err(), "{wrong}");
        }
    }
}
