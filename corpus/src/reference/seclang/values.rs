//! What the targets of a link name, in order; and what macros stand for.

use std::borrow::Cow;

use waf_core::field::Collection;
use waf_core::finding::Finding;
use waf_core::rule::{
    Link, LinkTarget, LinkVariable, Selector, State, TargetKind, Text, TextPart, Variable,
};

use super::super::collect::Value;
use super::super::rules::kept;
use super::super::select::names;
use super::{Run, Seen};

/// A value to be asked.
pub(super) struct Item<'a> {
    variable: LinkVariable,
    /// Its own name: the field's, or that of a variable of `TX`.
    key: Option<Vec<u8>>,
    /// The field that it is.
    field: Option<&'a Value>,
    pub(super) value: Cow<'a, [u8]>,
}

impl Item<'_> {
    /// As `MATCHED_VAR_NAME` has it; of a field's own name what records keep.
    pub(super) fn name(&self) -> Vec<u8> {
        let (name, keyed) = match self.variable {
            LinkVariable::Tx => ("TX", true),
            LinkVariable::State(state) => (state.name(), true),
            LinkVariable::Fields(Variable::Args) => ("ARGS", true),
            LinkVariable::Fields(Variable::ArgsNames) => ("ARGS_NAMES", true),
            // The values of a document have one name.
            LinkVariable::Fields(Variable::One(Collection::Xml)) => ("XML", false),
            LinkVariable::Fields(Variable::One(it)) => (it.name(), it.is_keyed()),
        };
        match &self.key {
            Some(key) if keyed => {
                let key = if self.field.is_some() { kept(key) } else { key };
                [name.as_bytes(), b":", &spelled(key)].concat()
            }
            _ => name.into(),
        }
    }
}

/// A name as SecLang spells it: the path `$.a[0]['b.c']` of a JSON value is `json.a.array_0.b.c`.
fn spelled(name: &[u8]) -> Vec<u8> {
    let text = match std::str::from_utf8(name) {
        Ok("$") => return b"json".to_vec(),
        Ok(text) if text.starts_with("$.") || text.starts_with("$[") => &text[1..],
        _ => return name.to_vec(),
    };
    let mut out = "json".to_owned();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(key) = rest.strip_prefix("['") {
            out.push('.');
            let mut escaped = false;
            let mut end = key.len();
            for (at, c) in key.char_indices() {
                match c {
                    '\\' if !escaped => escaped = true,
                    '\'' if !escaped && key[at..].starts_with("']") => {
                        end = at + 2;
                        break;
                    }
                    c => {
                        out.push(c);
                        escaped = false;
                    }
                }
            }
            rest = &key[end..];
        } else if let Some(index) = rest.strip_prefix('[') {
            let (number, after) = index.split_once(']').unwrap_or((index, ""));
            out.push_str(".array_");
            out.push_str(number);
            rest = after;
        } else {
            let c = &rest[..rest.chars().next().map_or(1, char::len_utf8)];
            out.push_str(c);
            rest = &rest[c.len()..];
        }
    }
    out.into_bytes()
}

impl Run<'_> {
    /// The values of a link's targets. What is taken away is taken from what stands before it.
    pub(super) fn items<'s>(&self, at: usize, link: &Link, seen: Seen<'s>) -> Vec<Item<'s>> {
        let (rule, _) = self.rules[at];
        let mut items = Vec::new();
        for target in &link.targets {
            match target.kind {
                TargetKind::Include => {
                    items.extend(self.values(target.variable, &target.selector, seen));
                }
                TargetKind::Exclude => items.retain(|item| !self.is_of(item, target)),
                TargetKind::Count => {
                    let count = self.values(target.variable, &target.selector, seen).len();
                    items.push(Item {
                        variable: target.variable,
                        key: None,
                        field: None,
                        value: count.to_string().into_bytes().into(),
                    });
                }
            }
        }
        for (scope, target) in &self.removed_targets {
            if self.is_meant(scope, rule) {
                items.retain(|item| !self.is_of(item, target));
            }
        }
        items.retain(|item| match item.field {
            Some(field) => !self.exclusions.take(rule, field),
            None => !self.exclusions.take_all(rule),
        });
        items
    }

    fn is_of(&self, item: &Item<'_>, target: &LinkTarget) -> bool {
        target.variable == item.variable
            && match &item.key {
                Some(key) => names(self.regexes, &target.selector, key),
                None => target.selector == Selector::All,
            }
    }

    /// The values of a variable that the selector names.
    fn values<'s>(
        &self,
        variable: LinkVariable,
        selector: &Selector,
        seen: Seen<'s>,
    ) -> Vec<Item<'s>> {
        let item = |key: Option<&[u8]>, value: &[u8]| Item {
            variable,
            key: key.map(<[u8]>::to_vec),
            field: None,
            value: value.to_vec().into(),
        };
        let named = |key: &[u8]| names(self.regexes, selector, key);
        match variable {
            LinkVariable::Fields(fields) => self.fields(fields, selector, seen),
            LinkVariable::Tx => {
                let digit = |name: &str| name.parse::<usize>().ok().filter(|_| name.len() == 1);
                if let Selector::Name(name) = selector
                    && let Some(number) = digit(name)
                {
                    let captured = self.captures[number].iter();
                    return captured.map(|text| item(Some(name.as_bytes()), text)).collect();
                }
                let of_tx = self.tx.iter().filter(|(name, _)| named(name));
                of_tx.map(|(name, text)| item(Some(name), text)).collect()
            }
            LinkVariable::State(State::MatchedVars) => {
                let known = self.matched.iter().filter(|(name, _)| named(name));
                known.map(|(name, value)| item(Some(name), value)).collect()
            }
            LinkVariable::State(State::MatchedVarsNames) => {
                let known = self.matched.iter().filter(|(name, _)| named(name));
                known.map(|(name, _)| item(Some(name), name)).collect()
            }
            LinkVariable::State(state) => {
                self.state(state, seen).iter().map(|text| item(None, text)).collect()
            }
        }
    }

    fn fields<'s>(&self, variable: Variable, selector: &Selector, seen: Seen<'s>) -> Vec<Item<'s>> {
        let mut items = Vec::new();
        for &collection in variable.collections() {
            if collection == Collection::RequestBody && !self.has_body_variable(seen) {
                continue;
            }
            let fields = seen.collected.values.iter().filter(|value| {
                value.collection == collection
                    && !value.guess
                    && names(self.regexes, selector, &value.name)
            });
            items.extend(fields.map(|value| Item {
                variable: LinkVariable::Fields(variable),
                key: Some(value.name.clone()),
                field: Some(value),
                value: value.bytes.as_slice().into(),
            }));
        }
        items
    }

    /// Of forms, and of bodies without a parser where a rule asks for it.
    fn has_body_variable(&self, seen: Seen<'_>) -> bool {
        let processor = self.processor.unwrap_or(seen.processor);
        processor == "URLENCODED" || (processor.is_empty() && self.force_body)
    }

    /// A variable with one value; `None` where it is absent.
    fn state(&self, state: State, seen: Seen<'_>) -> Option<Vec<u8>> {
        let found = |findings: &[Finding]| {
            let first = findings.iter().find(|it| seen.collected.findings.contains(it));
            first.map(|finding| finding.id())
        };
        let flag =
            |findings| Some(if found(findings).is_some() { b"1".into() } else { b"0".into() });
        let broken = &[
            Finding::ParseJson,
            Finding::ParseXml,
            Finding::ParseMultipart,
            Finding::ParseEncoding,
            Finding::LimitDepth,
            Finding::LimitParts,
        ];
        match state {
            State::MatchedVar => self.last.as_ref().map(|(_, value)| value.clone()),
            State::MatchedVarName => self.last.as_ref().map(|(name, _)| name.clone()),
            State::ReqbodyProcessor => Some(self.processor.unwrap_or(seen.processor).into()),
            State::ReqbodyError | State::ReqbodyProcessorError => flag(broken),
            State::ReqbodyErrorMsg | State::ReqbodyProcessorErrorMsg => {
                Some(found(broken).unwrap_or_default().into())
            }
            State::MultipartStrictError => flag(&[Finding::ParseMultipart, Finding::LimitParts]),
            State::UrlencodedError => flag(&[Finding::ParseUrlencoded]),
            State::InboundDataError => flag(&[Finding::LimitBody]),
            State::MultipartUnmatchedBoundary | State::OutboundDataError | State::Duration => {
                Some(b"0".to_vec())
            }
            // The rules of the tests take digits out of it, no more.
            State::UniqueId => Some(b"00000000000000000000".to_vec()),
            _ => None,
        }
    }

    /// A text, each macro the first value of what it names.
    pub(super) fn expand(&self, text: &Text, seen: Seen<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        for part in &text.0 {
            match part {
                TextPart::Literal(text) => out.extend_from_slice(text),
                TextPart::Macro(variable, name) => {
                    let selector = name.clone().map_or(Selector::All, Selector::Name);
                    let first = self.values(*variable, &selector, seen).into_iter().next();
                    out.extend_from_slice(
                        first.map(|item| item.value).unwrap_or_default().as_ref(),
                    );
                }
                TextPart::Unknown(_) => {}
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_spelled_as_libmodsecurity_spells_them() {
        for (name, expected) in [
            ("$.a[0].b", "json.a.array_0.b"),
            ("$['a.b'].c", "json.a.b.c"),
            ("$", "json"),
            ("$where", "$where"),
        ] {
            assert_eq!(spelled(name.as_bytes()), expected.as_bytes(), "{name}");
        }
    }
}
