//! Which selectors does a field's name satisfy? All selectors of a rule set (of targets and of
//! exclusions) run as automata over the name; the set of those that match is its *class*. Classes are
//! numbered at load, so that plans can be made for each and a request only looks one up.
//!
//! Selectors that look at a name from its beginning have an automaton of their own: in one with those
//! that look for something anywhere, each state of the ones would be there for each of the others.

use std::collections::{BTreeMap, HashMap, HashSet};

use regex_automata::Anchored;
use regex_automata::MatchKind;
use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_syntax::hir::Hir;

use super::ids::{ClassId, unique};
use super::known_names::KnownNames;
use crate::automaton::syntax::{self, SyntaxError};
use crate::automaton::{is_bound, trim};
use crate::field::FieldName;
use crate::rule::Selector;

/// Bytes that each automaton of selectors may take. Ten thousand plain names need about 8 MB.
const SIZE_LIMIT: usize = 16 << 20;

/// Pairs of states that names may lead to: looked at once, at load.
const PAIRS: usize = 1 << 20;

/// The selectors of a rule set, ready to classify names.
#[derive(Debug)]
pub struct NameClasses {
    /// No others of the process have the same, also after a reload.
    id: u64,
    /// The place of each selector.
    places: HashMap<Selector, usize>,
    halves: Halves,
    /// The class of a name: by what it satisfies in the first half, and then in the second.
    class_of_sets: Vec<Vec<(u16, ClassId)>>,
    members: Vec<Vec<bool>>,
}

/// The class of a name that satisfies a set of each half.
type ClassOfSets = BTreeMap<[u16; 2], ClassId>;

/// Those that begin at the beginning, and all others.
type Halves = [Half; 2];

/// Some of the selectors.
#[derive(Debug, Default)]
struct Half {
    dfa: Option<dense::DFA<Vec<u32>>>,
    start: StateID,
    /// Which of the sets of selectors a name satisfies, by the number of the state at its end.
    set_of_end: Vec<u16>,
}

/// The sets of selectors that names satisfy, as places among all.
type Sets = Vec<Vec<usize>>;

/// Selectors that cannot be told apart.
#[derive(Clone, Debug)]
pub struct NameError {
    /// The one to blame, where it is one.
    pub selector: Option<Selector>,
    /// What is wrong.
    pub message: String,
}

impl NameClasses {
    /// Compiles distinct selectors.
    ///
    /// # Errors
    /// What went wrong: a selector's regex is bad or too large, or all together are too large.
    pub fn new(selectors: Vec<Selector>) -> Result<Self, NameError> {
        let patterns: Vec<Hir> = selectors.iter().map(pattern).collect::<Result<_, _>>()?;
        let (begin, others): (Vec<usize>, Vec<usize>) =
            (0..patterns.len()).partition(|&at| is_bound(&patterns[at]));
        let half = |places: &[usize], anchored| {
            Half::new(places, &patterns, anchored).map_err(|error| {
                let alone = |at| Half::new(&[at], &patterns, anchored);
                let size = |at: usize| alone(at).map_or(usize::MAX, |(half, _)| half.bytes());
                let sizes = places.iter().map(|&at| (size(at), at));
                let (size, at) = sizes.max().unwrap_or_default();
                let what = match size {
                    usize::MAX => "its automaton is too large",
                    _ => "the automaton of all selectors is too large, to which it adds most",
                };
                let selector = selectors.get(at).cloned();
                NameError { selector, message: format!("{what}: {error}") }
            })
        };
        let (first, first_sets) = half(&begin, Anchored::Yes)?;
        let (second, second_sets) = half(&others, Anchored::No)?;
        let halves = [first, second];
        let mut class_of_sets = vec![Vec::new(); first_sets.len()];
        let (numbered, members) = number(&halves, &[first_sets, second_sets], selectors.len())
            .map_err(|message| NameError { selector: None, message })?;
        numbered.into_iter().for_each(|([first, second], class)| {
            class_of_sets[usize::from(first)].push((second, class));
        });
        let places = selectors.into_iter().zip(0..).collect();
        Ok(Self { id: unique(), places, halves, class_of_sets, members })
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

    fn class(&self, first: u16, second: u16) -> ClassId {
        let row = self.class_of_sets.get(usize::from(first)).map_or(&[][..], Vec::as_slice);
        let found = row.binary_search_by_key(&second, |(set, _)| *set);
        found.map_or(ClassId(0), |at| row[at].1)
    }

    /// What the names of a class satisfy of some selectors.
    pub fn satisfied<'a>(&self, class: ClassId, selectors: &[&'a Selector]) -> Vec<&'a Selector> {
        selectors.iter().copied().filter(|selector| self.satisfies(class, selector)).collect()
    }

    /// Bytes of the tables.
    pub fn table_bytes(&self) -> usize {
        self.halves.iter().map(Half::bytes).sum()
    }
}

/// Numbers what names can satisfy in both halves together: visits every pair of states once that some
/// name leads to.
fn number(
    halves: &Halves,
    known: &[Sets; 2],
    selectors: usize,
) -> Result<(ClassOfSets, Vec<Vec<bool>>), String> {
    let bytes = representatives(halves);
    let begin = halves.each_ref().map(|half| half.start);
    let (mut class_of_sets, mut members) = (ClassOfSets::new(), Vec::new());
    let (mut seen, mut todo) = (HashSet::from([begin]), vec![begin]);
    while let Some(states) = todo.pop() {
        let sets = [halves[0].set(states[0]), halves[1].set(states[1])];
        let next = ClassId(members.len() as u16);
        if *class_of_sets.entry(sets).or_insert(next) == next {
            let mut member = vec![false; selectors];
            for (known, set) in known.iter().zip(sets) {
                known[usize::from(set)].iter().for_each(|&at| member[at] = true);
            }
            members.push(member);
        }
        for &byte in &bytes {
            let next = [halves[0].walk(states[0], &[byte]), halves[1].walk(states[1], &[byte])];
            if seen.insert(next) {
                todo.push(next);
            }
        }
        if seen.len() > PAIRS || members.len() > usize::from(u16::MAX) {
            return Err("the name selectors of the rules have too many combinations".to_owned());
        }
    }
    Ok((class_of_sets, members))
}

/// One byte of each kind that both halves tell apart.
fn representatives(halves: &Halves) -> Vec<u8> {
    let classes = |byte: u8| {
        halves.each_ref().map(|half| half.dfa.as_ref().map(|dfa| dfa.byte_classes().get(byte)))
    };
    let mut seen = HashSet::new();
    (0..=u8::MAX).filter(|&byte| seen.insert(classes(byte))).collect()
}

impl Half {
    /// Those at some places, and the sets of them that names satisfy.
    fn new(
        selectors: &[usize],
        patterns: &[Hir],
        anchored: Anchored,
    ) -> Result<(Self, Sets), String> {
        if selectors.is_empty() {
            return Ok((Self::default(), vec![Vec::new()]));
        }
        let own: Vec<&Hir> = selectors.iter().map(|&at| &patterns[at]).collect();
        let kind = match anchored {
            Anchored::No => StartKind::Unanchored,
            _ => StartKind::Anchored,
        };
        let bytes = thompson::Config::new().utf8(false).which_captures(WhichCaptures::None);
        let nfa = thompson::Compiler::new()
            .configure(bytes)
            .build_many_from_hir(&own)
            .map_err(|error| error.to_string())?;
        let dfa = dense::Builder::new()
            .configure(
                dense::Config::new()
                    .match_kind(MatchKind::All)
                    .start_kind(kind)
                    .accelerate(false)
                    .dfa_size_limit(Some(SIZE_LIMIT))
                    .determinize_size_limit(Some(SIZE_LIMIT)),
            )
            .build_from_nfa(&nfa)
            .map_err(|error| error.to_string())?;
        let start = dfa
            .start_state(&start::Config::new().anchored(anchored))
            .map_err(|error| error.to_string())?;
        let mut half = Self { start, ..Self::default() };
        let sets = half.number(&dfa, selectors)?;
        half.dfa = Some(dfa);
        Ok((half, sets))
    }

    /// Visits every reachable state once and numbers the sets of selectors that names ending there
    /// satisfy.
    fn number(&mut self, dfa: &dense::DFA<Vec<u32>>, selectors: &[usize]) -> Result<Sets, String> {
        let bytes: Vec<u8> = dfa
            .byte_classes()
            .representatives(0..=u8::MAX)
            .filter_map(|unit| unit.as_u8())
            .collect();
        let (mut sets, mut number_of) = (Sets::new(), HashMap::<Vec<usize>, u16>::new());
        let (mut seen, mut todo) = (HashSet::from([self.start]), vec![self.start]);
        while let Some(state) = todo.pop() {
            let end = dfa.next_eoi_state(state);
            let count = if dfa.is_match_state(end) { dfa.match_len(end) } else { 0 };
            let matched = (0..count).map(|at| dfa.match_pattern(end, at).as_usize());
            let set: Vec<usize> = matched.map(|at| selectors[at]).collect();
            let next = u16::try_from(number_of.len())
                .map_err(|_| "the name selectors of the rules have too many combinations")?;
            let number = *number_of.entry(set.clone()).or_insert(next);
            if number == next {
                sets.push(set);
            }
            let at = end.as_usize() >> dfa.stride2();
            if self.set_of_end.len() <= at {
                self.set_of_end.resize(at + 1, 0);
            }
            self.set_of_end[at] = number;
            for &byte in &bytes {
                let next = dfa.next_state(state, byte);
                if seen.insert(next) {
                    todo.push(next);
                }
            }
        }
        Ok(sets)
    }

    fn walk(&self, mut state: StateID, bytes: &[u8]) -> StateID {
        let Some(dfa) = &self.dfa else { return state };
        for &byte in bytes {
            // Most names do not begin like any selector.
            if dfa.is_dead_state(state) {
                break;
            }
            state = dfa.next_state(state, byte);
        }
        state
    }

    fn bytes(&self) -> usize {
        self.dfa.as_ref().map_or(0, dense::DFA::memory_usage)
    }

    /// What a name that ends in a state satisfies.
    fn set(&self, state: StateID) -> u16 {
        let Some(dfa) = &self.dfa else { return 0 };
        let end = dfa.next_eoi_state(state).as_usize() >> dfa.stride2();
        self.set_of_end.get(end).copied().unwrap_or(0)
    }
}

/// What is remembered from name to name, so that a long path costs only its new bytes.
#[derive(Clone, Debug, Default)]
pub struct NameCursor {
    /// States after some leading bytes of the last name, lengths ascending.
    known: Vec<(usize, [StateID; 2])>,
    /// The length of the last name, and its class.
    last: Option<(usize, ClassId)>,
}

impl NameCursor {
    /// The class of a name.
    pub fn classify(
        &mut self,
        classes: &NameClasses,
        name: FieldName<'_>,
        known: &mut KnownNames,
    ) -> ClassId {
        if classes.members.len() == 1 {
            return ClassId(0);
        }
        // A key of JSON and what stands behind it have one name.
        if let Some((length, class)) = self.last
            && (name.shared, name.text.len()) == (length, length)
        {
            return class;
        }
        while self.known.last().is_some_and(|&(length, _)| length > name.shared) {
            self.known.pop();
        }
        let class = match name.parent {
            0 => known.class(classes.id, name.text, || self.walk(classes, name)),
            // Paths differ, and the cursor has most of them.
            _ => self.walk(classes, name),
        };
        self.last = Some((name.text.len(), class));
        class
    }

    fn walk(&mut self, classes: &NameClasses, name: FieldName<'_>) -> ClassId {
        let halves = &classes.halves;
        let start = || (0, [halves[0].start, halves[1].start]);
        let (mut at, mut states) = self.known.last().copied().unwrap_or_else(start);
        let walk = |states: [StateID; 2], bytes| {
            [halves[0].walk(states[0], bytes), halves[1].walk(states[1], bytes)]
        };
        let parent = name.parent.min(name.text.len());
        if parent > at {
            states = walk(states, &name.text[at..parent]);
            at = parent;
            self.known.push((at, states));
        }
        let states = walk(states, &name.text[at..]);
        classes.class(halves[0].set(states[0]), halves[1].set(states[1]))
    }

    /// Forgets the last name: another source begins.
    pub fn reset(&mut self) {
        self.known.clear();
        self.last = None;
    }
}

/// A selector as a pattern that matches a whole name.
fn pattern(selector: &Selector) -> Result<Hir, NameError> {
    let text = match selector {
        Selector::All => "(?s-u:.)*".to_owned(),
        Selector::Name(name) => match json_path_of(name) {
            Some(path) => format!(r"\A(?i:{}|{})\z", escape(name), escape(&path)),
            None => format!(r"\A(?i:{})\z", escape(name)),
        },
        Selector::Regex(regex) => return part(regex).map_err(|error| bad(selector, &error)),
        Selector::Path(path) => match path.as_str() {
            "/*" => r"\A(?:/[^/@]+)+\z".to_owned(),
            "//@*" => r"\A(?:/[^/@]+)*/@[^/]*\z".to_owned(),
            path => format!(r"\A(?i:{})\z", escape(path).replace(r"\[\*\]", r"\[[0-9]+\]")),
        },
    };
    syntax::parse(&text).map_err(|error| bad(selector, &error))
}

/// A regex that matches a part of a name, which is all that counts.
fn part(regex: &str) -> Result<Hir, SyntaxError> {
    let part = trim(&syntax::parse_ignoring_case(regex)?);
    // The tail keeps the match alive to the end of the name.
    Ok(Hir::concat(vec![part, syntax::parse("(?s-u:.)*")?]))
}

fn bad(selector: &Selector, error: &SyntaxError) -> NameError {
    NameError { selector: Some(selector.clone()), message: error.to_string() }
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

    /// The class of a name that nobody has seen.
    fn whole(classes: &NameClasses, name: &[u8]) -> ClassId {
        let known = &mut KnownNames::default();
        NameCursor::default().classify(classes, FieldName::flat(name), known)
    }

    fn names(classes: &NameClasses, selector: &Selector, name: &str) -> bool {
        let class = whole(classes, name.as_bytes());
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
    fn a_name_may_satisfy_selectors_that_begin_at_the_beginning_and_others() {
        let begin = Selector::Regex("^user".into());
        let end = Selector::Regex("(?:^|_|r)name$".into());
        let name = Selector::Name("username".into());
        let classes = classes(&[begin.clone(), end.clone(), name.clone()]);
        let of = |text| [&begin, &end, &name].map(|selector| names(&classes, selector, text));
        assert_eq!(of("UserName"), [true, true, true]);
        assert_eq!(of("user_name"), [true, true, false]);
        assert_eq!(of("users"), [true, false, false]);
        assert_eq!(of("name"), [false, true, false]);
        assert_eq!(of("a_user"), [false, false, false]);
        assert_eq!(classes.len(), 5);
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
        let (mut cursor, mut known) = (NameCursor::default(), KnownNames::default());
        let mut last: &[u8] = b"";
        for (name, parent) in [
            ("$.a[0].b", 6),
            ("$.a[0].c", 6),
            ("$.a[0].c", 6),
            ("$.a[1].b", 6),
            ("$.c", 0),
            ("$.a[1].b", 6),
            ("$.c", 0),
        ] {
            let text = name.as_bytes();
            let shared = text.iter().zip(last).take_while(|(a, b)| a == b).count();
            let name = FieldName { text, shared, parent };
            let class = cursor.classify(&classes, name, &mut known);
            assert_eq!(class, whole(&classes, text), "{name:?}");
            last = text;
        }
    }

    /// A part that may be missing at either end decides nothing, and would be counted in each state.
    #[test]
    fn one_that_is_too_large_is_named() {
        let regex = |text: &str| Selector::Regex(text.to_owned());
        let fine = regex(r"\w{0,20}(?:user|pass)\w{0,20}");
        let classes = classes(std::slice::from_ref(&fine));
        let satisfied = |name: &str| names(&classes, &fine, name);
        assert!(satisfied("my_user_name") && satisfied("PASS") && !satisfied("use"));
        let large = regex("a.{24}b");
        let error = NameClasses::new(vec![fine, large.clone(), regex("c")]).unwrap_err();
        assert_eq!(error.selector, Some(large));
    }
}
