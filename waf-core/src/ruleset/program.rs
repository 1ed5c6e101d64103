//! The SecLang rules of a program, in the order in which they run. Names known at load are slots,
//! macros are parsed, and a link's question of a field is a signature that scanning answers.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use regex_automata::meta;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

use super::Probe;
use super::ids::{ClassId, RuleIndex, SignatureId};
use super::value::Value;
use crate::bytes::bits;
use crate::field::Collection;
use crate::operator::{Backtrack, Parts};
use crate::rule::{Engine, LinkVariable, MacroOperator, Operator, Phase, TargetKind, Variable};

/// Every SecLang rule of a rule set.
#[derive(Debug, Default)]
pub(crate) struct Program {
    /// By ordinal.
    pub(crate) rules: Vec<ProgramRule>,
    /// The rules of each phase that have to be run for some request.
    pub(crate) phases: [Order; Phase::ALL.len()],
    /// The names of `TX` known at load.
    pub(crate) slots: Slots,
    /// Fields that macros read: their rows are always kept.
    pub(crate) retained: Vec<(Variable, Names)>,
    /// What variables hold before the first rule that is run.
    pub(crate) start: Vec<(u16, Value)>,
    /// Some rule looks at a value that matched before it, in another.
    pub(crate) looks_back: bool,
    /// Some rule looks at what another has captured.
    pub(crate) shares_captures: bool,
    /// What is certain before the body of a phase has ended.
    pub(crate) bounds: [Bound; Phase::ALL.len()],
    /// The ordinals of the rules for whose sake nothing is.
    pub(crate) hindering: Vec<u32>,
}

/// The rules of a phase, by ordinal, ascending.
#[derive(Debug, Default)]
pub(crate) struct Order {
    /// All of them.
    pub(crate) all: Vec<u32>,
    /// Those that are run whatever scanning finds: a bit for each place in `all`.
    always: Vec<u64>,
    /// The others, by their places: those that come to nothing unless a signature is true of some
    /// field. Sorted.
    woken: Vec<(SignatureId, u32)>,
    /// The signatures of `woken`: a bit each.
    waking: Vec<u64>,
}

impl Order {
    /// The next rule.
    pub(crate) fn push(&mut self, ordinal: u32, rule: &ProgramRule) {
        let place = self.all.len();
        self.all.push(ordinal);
        self.always.resize(place / 64 + 1, 0);
        let Some(waking) = rule.waits_for().iter().find(|link| link.scanned) else {
            self.always[place / 64] |= 1 << (place % 64);
            return;
        };
        for &signature in &waking.signatures {
            let entry = (signature, place as u32);
            let at = self.woken.partition_point(|known| *known < entry);
            self.woken.insert(at, entry);
            let word = signature.index() / 64;
            self.waking.resize(self.waking.len().max(word + 1), 0);
            self.waking[word] |= 1 << (signature.index() % 64);
        }
    }

    /// The rules that may come to something. `seen`: the signatures that are true of some field, a
    /// bit each.
    pub(crate) fn due(&self, seen: &[u64]) -> impl Iterator<Item = u32> {
        let mut due = self.always.clone();
        for (word, (seen, waking)) in seen.iter().zip(&self.waking).enumerate() {
            for bit in bits(seen & waking) {
                let signature = SignatureId((word * 64) as u16 + bit as u16);
                let from = self.woken.partition_point(|(known, _)| *known < signature);
                let woken = self.woken[from..].iter().take_while(|(known, _)| *known == signature);
                woken.for_each(|&(_, place)| due[place as usize / 64] |= 1 << (place % 64));
            }
        }
        let places = due.into_iter().enumerate();
        let places =
            places.flat_map(|(word, set)| bits(set).map(move |bit| word * 64 + bit as usize));
        places.map(|place| self.all[place])
    }
}

/// A lower bound of the score that a phase will come to, and of what it will refuse.
#[derive(Debug, Default)]
pub(crate) struct Bound {
    /// What each rule, by ordinal, is to it. Empty: nothing is certain before the end.
    pub(crate) parts: Vec<Part>,
    /// The rules that raise it by what their fields are asked for, sorted.
    pub(crate) raising: Vec<(SignatureId, u32)>,
    /// Variables that are added. What they hold must not be below zero.
    pub(crate) amounts: Vec<u16>,
}

/// What a rule is to a lower bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The body cannot change whether it matches.
    Settled,
    /// Every field of which its question is true adds to sums, or refuses.
    Raises,
    /// It refuses when a sum that only grows reaches a number.
    Threshold,
    /// What it comes to is known at the end only.
    Open,
}

impl Program {
    /// Whether there is any rule.
    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

/// One rule.
#[derive(Debug)]
pub(crate) struct ProgramRule {
    /// Its place among all rules.
    pub(crate) rule: RuleIndex,
    /// Its links.
    pub(crate) links: Vec<ProgramLink>,
    /// `msg`.
    pub(crate) message: Option<ProgramText>,
    /// `logdata`.
    pub(crate) data: Option<ProgramText>,
    /// It looks at nothing but variables of the transaction, so it is never the cause of anything.
    pub(crate) bookkeeping: bool,
    /// One of its links or texts looks at all values that matched before in the chain.
    pub(crate) recalls: bool,
    /// The value that matched last may be looked at.
    pub(crate) retells: bool,
    /// It has to be run for some request.
    pub(crate) reachable: bool,
    /// So many links from the first on do nothing but ask, save the last of them, and none looks
    /// back at what the others found: the rule comes to nothing where one of them cannot match.
    pub(crate) waits: usize,
    /// The link behind those of `waits` asks only what the last of these notes of fields in `TX`:
    /// where none of these signatures is true of a field, it cannot match, and nobody else looks
    /// at the notes. They need not be made.
    pub(crate) foreseen: Option<Vec<SignatureId>>,
    /// It matches for every request that comes to it, once, tells nothing and refuses nothing: only
    /// its effects count.
    pub(crate) sure: bool,
}

impl ProgramRule {
    /// Every text but those that are asked.
    pub(crate) fn texts(&self) -> Vec<&ProgramText> {
        let told = self.message.iter().chain(&self.data);
        told.chain(self.links.iter().flat_map(ProgramLink::texts)).collect()
    }

    /// The links of which each must be able to match for the rule to do anything.
    pub(crate) fn waits_for(&self) -> &[ProgramLink] {
        &self.links[..self.waits]
    }
}

/// One link.
#[derive(Debug)]
pub(crate) struct ProgramLink {
    /// What is looked at; empty: it always matches.
    pub(crate) targets: Vec<ProgramTarget>,
    /// What is asked.
    pub(crate) question: Question,
    /// The same as signatures of fields: one, or with `multiMatch` one for each step from the
    /// untransformed value on. Empty where scanning cannot answer.
    pub(crate) signatures: Vec<SignatureId>,
    /// It looks at fields, at nothing else, and counts none.
    pub(crate) of_fields: bool,
    /// It compares the numbers of some fields.
    pub(crate) counts: bool,
    /// The same, and nothing but a signature can make the link match.
    pub(crate) scanned: bool,
    /// What a matching value does.
    pub(crate) effects: Vec<ProgramEffect>,
}

/// One entry of a link's variables.
#[derive(Debug)]
pub(crate) struct ProgramTarget {
    /// Looked at, taken away, counted.
    pub(crate) kind: TargetKind,
    /// Where.
    pub(crate) variable: LinkVariable,
    /// Which names.
    pub(crate) names: Names,
}

/// Which names of a variable are meant.
#[derive(Clone, Debug)]
pub(crate) enum Names {
    /// All.
    All,
    /// Fields of these classes.
    Classes(Arc<[bool]>),
    /// This slot of `TX`.
    Slot(u16),
    /// The names that the regex matches, ASCII case ignored.
    Regex(Arc<NameRegex>),
    /// This name, in lower case.
    Named(Box<[u8]>),
}

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

impl Names {
    /// Whether names of a class are among those meant.
    pub(crate) fn has_class(&self, class: ClassId) -> bool {
        match self {
            Self::All => true,
            Self::Classes(classes) => classes[class.index()],
            Self::Slot(_) | Self::Regex(_) | Self::Named(_) => false,
        }
    }
}

impl ProgramLink {
    /// The texts of what a matching value does.
    pub(crate) fn texts(&self) -> Vec<&ProgramText> {
        let mut texts = Vec::new();
        for effect in &self.effects {
            let ProgramEffect::Set(key, change) = effect else { continue };
            if let ProgramKey::Text(text) | ProgramKey::New(text) = key {
                texts.push(text);
            }
            match change {
                ProgramChange::Set(text)
                | ProgramChange::Add(Operand::Text(text))
                | ProgramChange::Subtract(Operand::Text(text)) => texts.push(text),
                _ => {}
            }
        }
        texts
    }

    /// Whether it asks if a number has reached one that macros make.
    pub(crate) fn is_threshold(&self) -> bool {
        let Question::Number(comparison, operand) = &self.question else { return false };
        comparison.is_reached() && !matches!(operand, Operand::Number(_))
    }

    /// Whether fields of a collection and class are looked at. An exclusion takes away only what
    /// stands before it, under the same variable.
    pub(crate) fn looks_at(&self, collection: Collection, class: ClassId) -> bool {
        let taken = |from: usize, variable: LinkVariable| {
            self.targets[from..].iter().any(|later| {
                later.kind == TargetKind::Exclude
                    && later.variable == variable
                    && later.names.has_class(class)
            })
        };
        self.targets.iter().enumerate().any(|(at, target)| {
            target.kind == TargetKind::Include
                && target.selects(collection, class)
                && !taken(at, target.variable)
        })
    }
}

impl ProgramTarget {
    /// Whether fields of a collection and class are meant.
    pub(crate) fn selects(&self, collection: Collection, class: ClassId) -> bool {
        self.collections().contains(&collection) && self.names.has_class(class)
    }

    /// The collections of its fields.
    pub(crate) fn collections(&self) -> &'static [Collection] {
        match self.variable {
            LinkVariable::Fields(variable) => variable.collections(),
            LinkVariable::Tx | LinkVariable::State(_) => &[],
        }
    }
}

/// What a link asks of a value.
#[derive(Debug)]
pub(crate) enum Question {
    /// It is true.
    Always,
    /// It is false.
    Never,
    /// What scanning asks too.
    Probe(Probe),
    /// A pattern that no automaton can do.
    Backtrack(Backtrack),
    /// A number is compared, where none of the values is a field's.
    Number(Comparison, Operand),
    /// An operator whose argument is made now.
    Macro(MacroOperator, ProgramText),
    /// Whether the value is a part of a text that was made at load.
    Within(Parts),
}

impl Question {
    /// The text that its argument is made of.
    pub(crate) fn text(&self) -> Option<&ProgramText> {
        match self {
            Self::Macro(_, text) | Self::Number(_, Operand::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// How a number is compared with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Eq,
    Ge,
    Gt,
    Le,
    Lt,
}

impl Comparison {
    /// What an operator compares its value with; `None` where it compares no numbers.
    pub(crate) fn of(operator: &Operator) -> Option<(Self, i64)> {
        Some(match *operator {
            Operator::Eq(number) => (Self::Eq, number),
            Operator::Ge(number) => (Self::Ge, number),
            Operator::Gt(number) => (Self::Gt, number),
            Operator::Le(number) => (Self::Le, number),
            Operator::Lt(number) => (Self::Lt, number),
            _ => return None,
        })
    }

    /// The same of an operator whose argument is still to be made.
    pub(crate) fn of_macro(operator: MacroOperator) -> Option<Self> {
        Some(match operator {
            MacroOperator::Eq => Self::Eq,
            MacroOperator::Ge => Self::Ge,
            MacroOperator::Gt => Self::Gt,
            MacroOperator::Le => Self::Le,
            MacroOperator::Lt => Self::Lt,
            _ => return None,
        })
    }

    /// Whether it holds of a number, compared with another.
    pub(crate) fn holds(self, number: i64, with: i64) -> bool {
        match self {
            Self::Eq => number == with,
            Self::Ge => number >= with,
            Self::Gt => number > with,
            Self::Le => number <= with,
            Self::Lt => number < with,
        }
    }

    /// Whether it asks if a number has grown enough.
    pub(crate) fn is_reached(self) -> bool {
        matches!(self, Self::Ge | Self::Gt)
    }
}

/// Text with macros.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProgramText {
    /// Its parts.
    pub(crate) parts: Vec<ProgramPart>,
}

impl ProgramText {
    /// What every text made of it begins with, in lower case.
    pub(crate) fn literal_prefix(&self) -> Vec<u8> {
        match self.parts.first() {
            Some(ProgramPart::Literal(text)) => text.to_ascii_lowercase(),
            _ => Vec::new(),
        }
    }
}

/// A part of a text.
#[derive(Clone, Debug)]
pub(crate) enum ProgramPart {
    /// Itself.
    Literal(Box<[u8]>),
    /// A variable of `TX`.
    Slot(u16),
    /// The first value of something else.
    Value(LinkVariable, Names),
}

/// What a matching value does.
#[derive(Debug)]
pub(crate) enum ProgramEffect {
    /// A variable of `TX` changes.
    Set(ProgramKey, ProgramChange),
    /// Rules are taken away, by ordinal, ascending.
    Remove(Arc<[u32]>),
    /// A target is taken away from rules, by ordinal, ascending.
    RemoveTarget(Arc<[u32]>, ProgramTarget),
    /// The rules run and refuse, or not.
    Engine(Engine),
    /// The parser of the body.
    Processor(String),
    /// `REQUEST_BODY` is filled.
    ForceBody(bool),
}

/// A variable of `TX`.
#[derive(Debug)]
pub(crate) enum ProgramKey {
    /// Known at load.
    Slot(u16),
    /// Made when its turn comes.
    Text(ProgramText),
    /// The same, where no name known at load begins like it.
    New(ProgramText),
}

/// What becomes of a variable.
#[derive(Debug)]
pub(crate) enum ProgramChange {
    /// It is set.
    Set(ProgramText),
    /// A number is added.
    Add(Operand),
    /// A number is taken away.
    Subtract(Operand),
    /// It is gone.
    Unset,
}

/// A number in an effect.
#[derive(Debug)]
pub(crate) enum Operand {
    /// Known at load.
    Number(i64),
    /// Another variable of `TX`.
    Slot(u16),
    /// Made when its turn comes.
    Text(ProgramText),
}

/// The names of `TX` known at load, lower case.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    names: Vec<Box<[u8]>>,
    by_name: HashMap<Box<[u8]>, u16>,
}

impl Slots {
    /// The slot of a name, made where it is new. `None` when there are too many.
    pub(crate) fn intern(&mut self, name: &[u8]) -> Option<u16> {
        let name: Box<[u8]> = name.to_ascii_lowercase().into();
        if let Some(&known) = self.by_name.get(&name) {
            return Some(known);
        }
        let slot = u16::try_from(self.names.len()).ok()?;
        self.names.push(name.clone());
        self.by_name.insert(name, slot);
        Some(slot)
    }

    /// The slot of a name in lower case.
    pub(crate) fn find(&self, name: &[u8]) -> Option<u16> {
        self.by_name.get(name).copied()
    }

    /// The name of a slot.
    pub(crate) fn name(&self, slot: u16) -> &[u8] {
        &self.names[usize::from(slot)]
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }
}

/// What a plan must note of a field for the SecLang rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Noted {
    /// The signatures whose truth goes into the field's row, sorted.
    pub(crate) signatures: Vec<SignatureId>,
    /// A row is made even where none is true: some rule reads the value or asks what is not true.
    pub(crate) always: bool,
}

impl Noted {
    /// Whether a row is ever made.
    pub(crate) fn is_empty(&self) -> bool {
        self.signatures.is_empty() && !self.always
    }
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
