//! A regex of names: of variables, and of values that matched.

use std::sync::OnceLock;

use regex_automata::meta;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

use super::program::Slots;

/// A regex of names.
#[derive(Debug)]
pub(crate) struct NameRegex {
    regex: meta::Regex,
    /// What the names begin with, when that is all that the regex says.
    prefix: Option<Box<[u8]>>,
    /// A text that all names hold, in lower case.
    part: Box<[u8]>,
    /// The slots of `TX` whose names it matches, found when they are first asked for.
    slots: OnceLock<Box<[u16]>>,
}

impl NameRegex {
    /// Not asked anything yet. `hir` is what the regex was made of.
    pub(crate) fn new(regex: meta::Regex, hir: &Hir) -> Self {
        Self { regex, prefix: prefix(hir), part: part(hir), slots: OnceLock::new() }
    }

    /// What the names begin with, in lower case, when that is all that the regex says.
    pub(crate) fn prefix(&self) -> Option<&[u8]> {
        self.prefix.as_deref()
    }

    /// Whether it matches a name.
    pub(crate) fn is_match(&self, name: &[u8]) -> bool {
        match &self.prefix {
            Some(prefix) => {
                name.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
            }
            None => {
                let mut parts = name.windows(self.part.len().max(1));
                let has_part =
                    self.part.is_empty() || parts.any(|it| it.eq_ignore_ascii_case(&self.part));
                has_part && self.regex.is_match(name)
            }
        }
    }

    /// A text that all names hold, in lower case; it may be empty.
    pub(crate) fn part(&self) -> &[u8] {
        &self.part
    }

    /// The slots whose names it matches, ascending. There are no others than those of its program.
    pub(crate) fn slots(&self, slots: &Slots) -> &[u16] {
        self.slots.get_or_init(|| {
            let all = 0..slots.len() as u16;
            all.filter(|&slot| self.is_match(slots.name(slot))).collect()
        })
    }
}

/// The text of `^text`, ASCII case ignored; `None` for any other regex.
fn prefix(hir: &Hir) -> Option<Box<[u8]>> {
    let HirKind::Concat(parts) = hir.kind() else { return None };
    let (HirKind::Look(Look::Start), parts) = (parts.first()?.kind(), &parts[1..]) else {
        return None;
    };
    let mut text = Vec::new();
    for part in parts {
        match part.kind() {
            HirKind::Literal(literal) if !literal.0.iter().any(u8::is_ascii_alphabetic) => {
                text.extend_from_slice(&literal.0);
            }
            HirKind::Class(class) => text.push(letter(class)?),
            _ => return None,
        }
    }
    Some(text.into())
}

/// The longest text that must stand in what a regex matches, in lower case.
fn part(hir: &Hir) -> Box<[u8]> {
    let HirKind::Concat(parts) = hir.kind() else { return Box::default() };
    let (mut longest, mut run) = (Vec::new(), Vec::new());
    for part in parts {
        match part.kind() {
            HirKind::Literal(literal) => run.extend(literal.0.to_ascii_lowercase()),
            HirKind::Class(class) if let Some(letter) = letter(class) => run.push(letter),
            _ => run.clear(),
        }
        if run.len() > longest.len() {
            longest.clone_from(&run);
        }
    }
    longest.into()
}

/// The letter of which a class holds both cases and nothing else.
fn letter(class: &Class) -> Option<u8> {
    let bytes = match class {
        Class::Bytes(class) => class.clone(),
        Class::Unicode(class) => class.to_byte_class()?,
    };
    let [upper, lower] = bytes.ranges() else { return None };
    let single = upper.start() == upper.end() && lower.start() == lower.end();
    let both = upper.start().is_ascii_uppercase() && upper.start() | 0x20 == lower.start();
    (single && both).then_some(lower.start())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::automaton::syntax;

    /// Against the regexes themselves.
    #[test]
    fn names_that_begin_with_a_text_are_told_without_the_regex() {
        let names = ["", "a", "A", "aK_1.", "ak_1.x", "AK_1.X", "ba", "a\nak_1.", "ak_1x", "k"];
        for (pattern, is_plain) in [
            ("^a", true),
            ("^ak_1\\.", true),
            ("^AK_1\\.", true),
            ("^", false),
            ("a", false),
            ("(?m)^a", false),
            ("^a$", false),
            ("^[ab]", false),
            ("^a.", false),
            ("(?-i)^a", false),
            ("^(?-i:a)k", false),
            ("ak_*", false),
            ("k_1\\..*x", false),
            ("^.*(?-i:K)", false),
            ("a|k", false),
            ("a?k", false),
            ("[ak]_", false),
        ] {
            let hir = syntax::parse_ignoring_case(pattern).expect("it parses");
            let regex = meta::Builder::new().build_from_hir(&hir).expect("it compiles");
            let ready = NameRegex::new(regex.clone(), &hir);
            assert_eq!(ready.prefix.is_some(), is_plain, "{pattern}");
            for name in names {
                let expected = regex.is_match(name);
                assert_eq!(ready.is_match(name.as_bytes()), expected, "{pattern} of {name:?}");
            }
        }
    }
}
