//! How a value is called: `ARGS:json.user.name`, as ModSecurity's `MATCHED_VAR_NAME` has it.

use crate::rule::{LinkVariable, Variable};

/// The name of a value: the variable as the rule has it, and the field's own name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) variable: LinkVariable,
    /// `None` for what has none: a count, or a variable with one value.
    pub(super) key: Option<Vec<u8>>,
}

impl Named {
    /// A count of a variable's values, or its only one.
    pub(super) fn only(variable: LinkVariable) -> Self {
        Self { variable, key: None }
    }

    /// As text.
    pub(super) fn text(&self) -> Vec<u8> {
        let (name, keyed) = match self.variable {
            LinkVariable::Fields(variable) => (variable.name(), is_keyed(variable)),
            LinkVariable::Tx => ("TX", true),
            LinkVariable::State(state) => (state.name(), true),
        };
        let mut text = name.as_bytes().to_vec();
        if let Some(key) = self.key.as_ref().filter(|_| keyed) {
            text.push(b':');
            text.extend_from_slice(key);
        }
        text
    }
}

/// XML values go by the variable alone.
fn is_keyed(variable: Variable) -> bool {
    match variable {
        Variable::Args | Variable::ArgsNames => true,
        Variable::One(collection) => {
            collection.is_keyed() && collection != crate::field::Collection::Xml
        }
    }
}

/// The name of a JSON member as SecLang has it: `$.a[0].b` is `json.a.array_0.b`. Other names are
/// as they are.
pub(super) fn key(name: &[u8]) -> Vec<u8> {
    let Some(path) = name.strip_prefix(b"$") else { return name.to_vec() };
    if !matches!(path.first(), None | Some(b'.' | b'[')) {
        return name.to_vec();
    }
    let mut key = b"json".to_vec();
    let mut rest = path;
    while let Some((&first, after)) = rest.split_first() {
        rest = match first {
            b'[' if after.first() == Some(&b'\'') => quoted(&after[1..], &mut key),
            b'[' => index(after, &mut key),
            _ => {
                key.push(first);
                after
            }
        };
    }
    key
}

/// `['a.b']`: a member whose name holds what paths are made of.
fn quoted<'a>(rest: &'a [u8], key: &mut Vec<u8>) -> &'a [u8] {
    key.push(b'.');
    let mut at = 0;
    while let Some(&byte) = rest.get(at) {
        match byte {
            b'\'' if rest.get(at + 1) == Some(&b']') => return &rest[at + 2..],
            b'\\' if at + 1 < rest.len() => {
                key.push(rest[at + 1]);
                at += 2;
            }
            _ => {
                key.push(byte);
                at += 1;
            }
        }
    }
    &[]
}

/// `[3]`
fn index<'a>(rest: &'a [u8], key: &mut Vec<u8>) -> &'a [u8] {
    let end = rest.iter().position(|&byte| byte == b']').unwrap_or(rest.len());
    key.extend_from_slice(b".array_");
    key.extend_from_slice(&rest[..end]);
    rest.get(end + 1..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_members_are_called_as_libmodsecurity_calls_them() {
        assert_eq!(key(b"$.a.b"), b"json.a.b");
        assert_eq!(key(b"$.a[0].b"), b"json.a.array_0.b");
        assert_eq!(key(b"$[12]"), b"json.array_12");
        assert_eq!(key(b"$"), b"json");
        assert_eq!(key(b"$['a.b'].c"), b"json.a.b.c");
        assert_eq!(key(b"$where"), b"$where");
        assert_eq!(key(b"plain"), b"plain");
    }
}
