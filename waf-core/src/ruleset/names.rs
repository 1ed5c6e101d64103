//! Which selectors does a field's name satisfy? All selectors of a rule set (of targets and of
//! exclusions) run as one automaton over the name; the set of those that match is its *class*.
//! Classes are numbered at load, so that plans can be made for each and a request only looks one up.

use std::collections::HashMap;

use regex_automata::Anchored;
use regex_automata::MatchKind;
use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::util::syntax;

use super::ids::ClassId;
use crate::field::FieldName;
use crate::rule::Selector;

/// Bytes that the automaton of all selectors may take. Ten thousand plain names need about 8 MB.
const SIZE_LIMIT: usize = 16 << 20;

/// The selectors of a rule set, ready to classify names.
#[derive(Debug)]
pub struct NameClasses {
    /// The place of each selector.
    places: HashMap<Selector, usize>,
    dfa: Option<dense::DFA<Vec<u32>>>,
    start: StateID,
    /// The class of a name, by the number of the automaton's state at its end.
    class_of_end: Vec<ClassId>,
    members: Vec<Vec<bool>>,
}

impl NameClasses {
    /// Compiles distinct selectors.
    ///
    /// # Errors
    /// The text of what went wrong: a selector's regex is bad, or all together are too large.
    pub fn new(selectors: Vec<Selector>) -> Result<Self, String> {
        if selectors.is_empty() {
            return Ok(Self {
                places: HashMap::new(),
                dfa: None,
                start: StateID::ZERO,
                class_of_end: Vec::new(),
                members: vec![Vec::new()],
            });
        }
        let patterns: Vec<String> = selectors.iter().map(pattern).collect();
        let dfa = dense::Builder::new()
            .syntax(syntax::Config::new().unicode(false).utf8(false).dot_matches_new_line(true))
            .configure(
                dense::Config::new()
                    .match_kind(MatchKind::All)
                    .start_kind(StartKind::Unanchored)
                    .accelerate(false)
                    .dfa_size_limit(Some(SIZE_LIMIT))
                    .determinize_size_limit(Some(SIZE_LIMIT)),
            )
            .build_many(&patterns)
            .map_err(|error| format!("the name selectors of the rules do not compile: {error}"))?;
        let start = dfa
            .start_state(&start::Config::new().anchored(Anchored::No))
            .map_err(|error| error.to_string())?;
        let mut classes = Self {
            places: selectors.into_iter().zip(0..).collect(),
            dfa: Some(dfa),
            start,
            class_of_end: Vec::new(),
            members: Vec::new(),
        };
        classes.number();
        Ok(classes)
    }

    /// Number of classes: at least one.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Never: a name without any selector is in a class too.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Whether the names of a class satisfy a selector. One that was not given to [`Self::new`] is
    /// satisfied by none.
    pub fn satisfies(&self, class: ClassId, selector: &Selector) -> bool {
        if *selector == Selector::All {
            return true;
        }
        self.places.get(selector).is_some_and(|&at| self.members[class.index()][at])
    }

    /// Bytes of the tables.
    pub fn table_bytes(&self) -> usize {
        self.dfa.as_ref().map_or(0, dense::DFA::memory_usage)
    }

    /// Visits every reachable state once and numbers the sets of selectors that names ending there
    /// satisfy.
    fn number(&mut self) {
        let Some(dfa) = &self.dfa else { return };
        let mut number_of: HashMap<Vec<bool>, ClassId> = HashMap::new();
        let mut seen = HashMap::from([(self.start, ())]);
        let mut todo = vec![self.start];
        while let Some(state) = todo.pop() {
            let end = dfa.next_eoi_state(state);
            let mut member = vec![false; dfa.pattern_len()];
            if dfa.is_match_state(end) {
                for index in 0..dfa.match_len(end) {
                    member[dfa.match_pattern(end, index).as_usize()] = true;
                }
            }
            let next = ClassId(number_of.len() as u16);
            let class = *number_of.entry(member.clone()).or_insert(next);
            if class == next {
                self.members.push(member);
            }
            let number = end.as_usize() >> dfa.stride2();
            if self.class_of_end.len() <= number {
                self.class_of_end.resize(number + 1, ClassId(0));
            }
            self.class_of_end[number] = class;
            for byte in 0..=u8::MAX {
                let next = dfa.next_state(state, byte);
                if seen.insert(next, ()).is_none() {
                    todo.push(next);
                }
            }
        }
    }
}

/// What is remembered from name to name, so that a long path costs only its new bytes.
#[derive(Clone, Debug, Default)]
pub struct NameCursor {
    /// States after some leading bytes of the last name, lengths ascending.
    known: Vec<(usize, StateID)>,
}

impl NameCursor {
    /// The class of a name.
    pub fn classify(&mut self, classes: &NameClasses, name: FieldName<'_>) -> ClassId {
        let Some(dfa) = &classes.dfa else { return ClassId(0) };
        while self.known.last().is_some_and(|&(length, _)| length > name.shared) {
            self.known.pop();
        }
        let (mut at, mut state) = self.known.last().copied().unwrap_or((0, classes.start));
        let parent = name.parent.min(name.text.len());
        if parent > at {
            state = walk(dfa, state, &name.text[at..parent]);
            at = parent;
            self.known.push((at, state));
        }
        let end = dfa.next_eoi_state(walk(dfa, state, &name.text[at..]));
        classes.class_of_end.get(end.as_usize() >> dfa.stride2()).copied().unwrap_or(ClassId(0))
    }

    /// Forgets the last name: another source begins.
    pub fn reset(&mut self) {
        self.known.clear();
    }
}

fn walk(dfa: &dense::DFA<Vec<u32>>, state: StateID, bytes: &[u8]) -> StateID {
    bytes.iter().fold(state, |state, &byte| dfa.next_state(state, byte))
}

/// A selector as a regex that matches a whole name.
fn pattern(selector: &Selector) -> String {
    match selector {
        Selector::All => "(?s-u:.)*".to_owned(),
        Selector::Name(name) => match json_path_of(name) {
            Some(path) => format!(r"\A(?i:{}|{})\z", escape(name), escape(&path)),
            None => format!(r"\A(?i:{})\z", escape(name)),
        },
        // The tail keeps the match alive to the end of the name.
        Selector::Regex(regex) => format!("(?i:{regex})(?s-u:.)*"),
        Selector::Path(path) => match path.as_str() {
            "/*" => r"\A(?:/[^/@]+)+\z".to_owned(),
            "//@*" => r"\A(?:/[^/@]+)*/@[^/]*\z".to_owned(),
            path => format!(r"\A(?i:{})\z", escape(path).replace(r"\[\*\]", r"\[[0-9]+\]")),
        },
    }
}

/// `json.items.array_0.name`, as SecLang has it, is the path `$.items[0].name`.
fn json_path_of(name: &str) -> Option<String> {
    let mut path = "$".to_owned();
    for part in name.strip_prefix("json.")?.split('.') {
        match part.strip_prefix("array_").filter(|index| index.bytes().all(|b| b.is_ascii_digit()))
        {
            Some(index) if !index.is_empty() => path.push_str(&format!("[{index}]")),
            _ => path.push_str(&format!(".{part}")),
        }
    }
    Some(path)
}

/// Every byte that is no letter or digit as `\xhh`, so that nothing in a name is syntax.
fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'[' | b']' | b'*' => format!("\\{}", char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("\\x{byte:02x}"),
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn classes(selectors: &[Selector]) -> NameClasses {
        NameClasses::new(selectors.to_vec()).unwrap()
    }

    fn names(classes: &NameClasses, selector: &Selector, name: &str) -> bool {
        let class = NameCursor::default().classify(classes, FieldName::flat(name.as_bytes()));
        classes.satisfies(class, selector)
    }

    #[test]
    fn names_and_regexes_ignore_case() {
        let user = Selector::Name("User".into());
        let secret = Selector::Regex("pass.?w".into());
        let classes = classes(&[user.clone(), secret.clone()]);
        assert!(names(&classes, &user, "uSER"));
        assert!(!names(&classes, &user, "user2"));
        assert!(names(&classes, &secret, "new_PASSword_2"));
        assert!(!names(&classes, &secret, "pass"));
    }

    #[test]
    fn json_paths_have_two_spellings_and_a_wildcard() {
        let any = Selector::Path("$.items[*].name".into());
        let first = Selector::Name("json.items.array_0.name".into());
        let classes = classes(&[any.clone(), first.clone()]);
        assert!(names(&classes, &any, "$.items[17].name"));
        assert!(!names(&classes, &any, "$.items[x].name"));
        assert!(names(&classes, &first, "$.items[0].name"));
        assert!(!names(&classes, &first, "$.items[1].name"));
    }

    #[test]
    fn xml_paths_tell_text_from_attributes() {
        let text = Selector::Path("/*".into());
        let attributes = Selector::Path("//@*".into());
        let classes = classes(&[text.clone(), attributes.clone()]);
        assert!(names(&classes, &text, "/a/b"));
        assert!(!names(&classes, &text, "/a/@c"));
        assert!(names(&classes, &attributes, "/a/@c"));
    }

    #[test]
    fn shared_prefixes_give_the_same_class_as_whole_names() {
        let selectors = [Selector::Path("$.a[*].b".into()), Selector::Regex("c$".into())];
        let classes = classes(&selectors);
        let mut cursor = NameCursor::default();
        let mut last: &[u8] = b"";
        for (name, parent) in
            [("$.a[0].b", 6), ("$.a[0].c", 6), ("$.a[1].b", 6), ("$.c", 1), ("$.a[1].b", 6)]
        {
            let text = name.as_bytes();
            let shared = text.iter().zip(last).take_while(|(a, b)| a == b).count();
            let class = cursor.classify(&classes, FieldName { text, shared, parent });
            let whole = NameCursor::default().classify(&classes, FieldName::flat(text));
            assert_eq!(class, whole, "{name}");
            last = text;
        }
    }
}
