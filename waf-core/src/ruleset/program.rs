//! The SecLang rules of a program, in the order in which they run. Names known at load are slots,
//! macros are parsed, and a link's question of a field is a signature that scanning answers.

use std::collections::HashMap;
use std::sync::Arc;

use super::Probe;
use super::comparison::Comparison;
use super::ids::{ClassId, RuleIndex, SignatureId};
use super::name_regex::NameRegex;
use super::order::Order;
use super::value::Value;
use crate::field::Collection;
use crate::operator::{Backtrack, Parts};
use crate::rule::{Engine, LinkVariable, MacroOperator, Phase, TargetKind, Variable};

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
